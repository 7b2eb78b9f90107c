#!/usr/bin/env bash
# spec.verify on the embedded API, with signatures that the real cosign has made once (test/unit/verify/make-vectors.sh), and with a Sigstore of
# our own (make-keyless.py): what ocictl pushes today has the digest that they are of. No cosign, no Go.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
. "$H_ROOT/test/lib/keyless.sh"
SOON=30

h_registry_start reg
mkdir "$H_TMP/objects"
keyless_case roots good >"$H_TMP/root.json"
echo 'rules: [{match: ghcr.io, key: [x]}]' >"$H_TMP/rules.yaml"
out=$("$CONTROLLER" --embedded --state-dir="$H_TMP/refused" --storage-addr=127.0.0.1:0 --metrics-addr=127.0.0.1:0 --health-addr=127.0.0.1:0 \
	--verification-rules="$H_TMP/rules.yaml" 2>&1)
check_eq "a wrong rule ends the start" 1 $?
check_has "and is named" "--verification-rules: '$H_TMP/rules.yaml': rule 1: match 'ghcr.io': it has the unknown key 'key'" "$out"
echo 'rules: []' >"$H_TMP/rules.yaml"
h_embedded_start src "$H_TMP/objects" --sigstore-trusted-root="$H_TMP/root.json" --verification-rules="$H_TMP/rules.yaml"
k create namespace apps >/dev/null
get() { k -n apps get ocirepository "$1" -o json; }

# As make-vectors.sh has pushed them.
for name in a b; do
	keyless_push $name >"$H_TMP/ref.$name"
	check_has "$name has the digest that was signed" "@$(cat "$DATA/$name.digest")" "$(cat "$H_TMP/ref.$name")"
done

printf '{}' >"$H_TMP/empty"
read -r config config_size <<<"$(blob "$H_TMP/empty")"
# sign NAME VECTOR: below the .sig tag
sign()
{
	local digest size

	read -r digest size <<<"$(blob "$DATA/legacy/$2.payload")"
	manifest "$(tr : - <"$DATA/$1.digest").sig" $MANIFEST <<-EOT
	{"schemaVersion": 2, "mediaType": "$MANIFEST", "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "$config", "size": $config_size},
	 "layers": [{"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "digest": "$digest", "size": $size,
	  "annotations": {"dev.cosignproject.cosign/signature": "$(cat "$DATA/legacy/$2.sig")"}}]}
	EOT
}
# object NAME TAG SECRET KEY...
object()
{
	local name=$1 tag=$2 key files=()

	shift 2
	for key in "$@"; do files+=(--from-file="$key.pub=$DATA/keys/$key.pub"); done
	k -n apps create secret generic "$name" "${files[@]}" >/dev/null || h_die "cannot create the secret $name"
	k -n apps apply -f - >/dev/null <<-EOT
	apiVersion: source.toolkit.fluxcd.io/v1
	kind: OCIRepository
	metadata: {name: $name}
	spec: {interval: 10m, url: 'oci://$REGISTRY/app', ref: {tag: $tag}, verify: {provider: cosign, secretRef: {name: $name}}}
	EOT
}
says_sort() { case $(message borrowed) in *"keys are trusted"*) return 0 ;; *) return 1 ;; esac; }
verified() { field "$1" '.status.conditions[]? | select(.type == "SourceVerified") | "\(.status) \(.reason)"'; }

# ---- below the tag ---------------------------------------------------------------------------------------------------
sign a cosign-p256
object old a p256
object second a ed25519 p256
object wrong a p256-other
object broken a p256 bad-rsa1024
check_soon "a signature below the tag" $SOON "True Succeeded" outcome old
check_eq "it is verified" "True Succeeded" "$(verified old)"
check_eq "and what of" "verified signature of revision a@$(cat "$DATA/a.digest")" "$(field old '.status.conditions[] | select(.type == "SourceVerified") | .message')"
check_soon "the second key" $SOON "True Succeeded" outcome second
check_soon "another key" $SOON "False VerificationError" outcome wrong
check_has "says so" "it is a signature of none of the keys" "$(message wrong)"
check_soon "a key that is not taken" $SOON "False VerificationError" outcome broken
check_has "is named" "secret 'apps/broken': key 'bad-rsa1024.pub': it is an RSA key of 1024 bits" "$(message broken)"

sign b cosign-p256
object borrowed b p256
check_soon "the signature of another manifest" $SOON "False VerificationError" outcome borrowed
check_has "says whose" "it is the signature of '$(cat "$DATA/a.digest")', not of '$(cat "$DATA/b.digest")'" "$(message borrowed)"

# ---- without keys ----------------------------------------------------------------------------------------------------
# keyless_object NAME TAG REPOSITORY [MORE]: of whom a workflow of that repository may have signed
keyless_object()
{
	k -n apps apply -f - >/dev/null <<-EOT
	apiVersion: source.toolkit.fluxcd.io/v1
	kind: OCIRepository
	metadata: {name: $1}
	spec: {interval: 10m, url: 'oci://$REGISTRY/app', ref: {tag: $2}, verify: {provider: cosign, ${4:-}
	  matchOIDCIdentity: [{issuer: '^https://issuer\\.example\$', subject: '^https://github\\.com/$3/'}]}}
	EOT
}
keyless_layer b good-b
keyless_case roots log-before >"$H_TMP/trusted_root.json"
k -n apps create secret generic own-root --from-file="$H_TMP/trusted_root.json" >/dev/null || h_die "cannot create the secret own-root"
keyless_object workflow b org/app
keyless_object another b org/other
keyless_object own-root b org/app 'trustedRootSecretRef: {name: own-root},'
check_soon "by a certificate" $SOON "True Succeeded" outcome workflow
check_eq "it says by whom" "verified signature of revision b@$(cat "$DATA/b.digest") by $KEYLESS_BY" \
	"$(field workflow '.status.conditions[] | select(.type == "SourceVerified") | .message')"
check_soon "by somebody else" $SOON "False VerificationError" outcome another
check_has "says by whom" "provider 'cosign keyless': no matching signatures" "$(message another)"
check_has "and what does not fit" "the subject fits no entry of spec.verify.matchOIDCIdentity: it is signed by $KEYLESS_BY" "$(message another)"
check_soon "with a trusted root of its own" $SOON "False VerificationError" outcome own-root
check_has "that one counts" "when the log was not trusted" "$(message own-root)"
k -n apps create secret generic own-root --from-file=trusted_root.json="$H_TMP/root.json" --dry-run=client -o yaml | k apply -f - >/dev/null
check_soon "another one in the Secret counts at once" $SOON "True Succeeded" outcome own-root
keyless_layer b good
k -n apps annotate ocirepository workflow reconcile.fluxcd.io/requestedAt=again >/dev/null
keyless_object borrowed-keyless b org/app
check_soon "of another manifest" $SOON "False VerificationError" outcome borrowed-keyless
check_has "says whose" "it is the signature of '$(cat "$DATA/a.digest")', not of '$(cat "$DATA/b.digest")'" "$(message borrowed-keyless)"
check_eq "who was verified stays so" "True Succeeded" "$(verified workflow)"

# ---- a bundle, in the index under the tag ----------------------------------------------------------------------------
read -r bundle _ <<<"$(blob "$DATA/bundle/cosign-p256.json")"
check_has "cosign's manifest is of this bundle" "$bundle" "$(cat "$DATA/bundle/cosign-p256.manifest")"
digest=sha256:$(sha256sum <"$DATA/bundle/cosign-p256.manifest" | cut -d' ' -f1)
manifest "$digest" $MANIFEST <"$DATA/bundle/cosign-p256.manifest"
manifest "$(tr : - <"$DATA/a.digest")" application/vnd.oci.image.index.v1+json <<EOT
{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [{"mediaType": "$MANIFEST", "digest": "$digest",
 "size": $(stat -c %s "$DATA/bundle/cosign-p256.manifest"), "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json"}]}
EOT
object bundle a p256
check_soon "a bundle" $SOON "True Succeeded" outcome bundle
check_eq "it is verified, too" "True Succeeded" "$(verified bundle)"
object bundle-wrong a p256-other
check_soon "of another key" $SOON "False VerificationError" outcome bundle-wrong

# ---- a bundle without keys -------------------------------------------------------------------------------------------
keyless_bundle b good-b
keyless_object keyless-bundle b org/app
keyless_object keyless-bundle-another b org/other
check_soon "a bundle by a certificate" $SOON "True Succeeded" outcome keyless-bundle
check_has "it says by whom" " by $KEYLESS_BY" "$(field keyless-bundle '.status.conditions[] | select(.type == "SourceVerified") | .message')"
check_soon "a bundle by somebody else" $SOON "False VerificationError" outcome keyless-bundle-another
check_has "says by whom, too" "the subject fits no entry of spec.verify.matchOIDCIdentity: it is signed by $KEYLESS_BY" "$(message keyless-bundle-another)"
check_has "for keys it proves nothing" "the bundle was signed with a certificate, and keys are trusted" \
	"$(k -n apps annotate ocirepository borrowed reconcile.fluxcd.io/requestedAt=bundle >/dev/null; h_until $SOON says_sort; message borrowed)"

# ---- what changes nothing costs nothing ------------------------------------------------------------------------------
# What has failed asks again and again.
k -n apps delete ocirepository wrong broken borrowed another borrowed-keyless keyless-bundle-another bundle-wrong >/dev/null
before=$(h_registry_requests reg GET '/v2/app/referrers/.*')
k -n apps annotate ocirepository bundle reconcile.fluxcd.io/requestedAt=now >/dev/null
check_soon "it has looked again" $SOON now field bundle '.status.lastHandledReconcileAt'
check_eq "for no signature" "$before" "$(h_registry_requests reg GET '/v2/app/referrers/.*')"

# ---- rules of the operator -------------------------------------------------------------------------------------------
# rule KEY: whoever it is, artifacts of app are signed by it
rule() { jq -n --arg match "${REGISTRY%%:*}/app" --rawfile key "$DATA/keys/$1.pub" '{rules: [{match: $match, keys: [$key]}]}' >"$H_TMP/rules.yaml"; }
k -n apps delete ocirepository old second workflow own-root keyless-bundle >/dev/null
k -n apps apply -f - >/dev/null <<EOT
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: silent}
spec: {interval: 1s, url: 'oci://$REGISTRY//app/', ref: {tag: a}}
EOT
check_soon "an object that asks for nothing" $SOON "True Succeeded" outcome silent
check_eq "and is not said to be verified" "" "$(verified silent)"
rule p256-other
check_soon "a rule that it does not fulfil" $SOON "False VerificationError" outcome silent
check_has "is named" "provider 'cosign', as rule '${REGISTRY%%:*}/app' of --verification-rules wants: no matching signatures" "$(message silent)"
check_has "what there was stays" "a@$(cat "$DATA/a.digest")" "$(field silent .status.artifact.revision)"
rule p256
check_soon "one that it fulfils" $SOON "True Succeeded" verified silent
check_eq "is named, too" "verified signature of revision a@$(cat "$DATA/a.digest"); rule '${REGISTRY%%:*}/app' holds" \
	"$(field silent '.status.conditions[] | select(.type == "SourceVerified") | .message')"
check_has "and counted" 'oci_verifications_total{provider="cosign",policy="rule",outcome="verified"}' \
	"$(curl -s "http://$(h_address src metrics)/metrics")"

h_stop "$CONTROLLER_PID"
check_eq "the controller ends well" 0 $?
h_finish
