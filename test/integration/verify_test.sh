#!/usr/bin/env bash
# spec.verify on the embedded API, with signatures that the real cosign has made once (test/unit/verify/make-vectors.sh), and with a Sigstore of
# our own (make-keyless.py): what ocictl pushes today has the digest that they are of. No cosign, no Go.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
DATA=$H_ROOT/test/unit/verify/data
KEYLESS=$DATA/keyless
MANIFEST=application/vnd.oci.image.manifest.v1+json
SOON=30

h_registry_start reg
mkdir "$H_TMP/objects"
jq .base "$KEYLESS/roots.json" >"$H_TMP/root.json"
h_embedded_start src "$H_TMP/objects" --sigstore-trusted-root="$H_TMP/root.json"
k create namespace apps >/dev/null
get() { k -n apps get ocirepository "$1" -o json; }

# As make-vectors.sh has pushed them.
for name in a b; do
	mkdir "$H_TMP/$name"
	echo "name: $name" >"$H_TMP/$name/app.yaml"
	"$OCICTL" push "oci://$REGISTRY/app:$name" --path="$H_TMP/$name" --source=https://example.com/app --revision=main@sha1:1 >"$H_TMP/ref.$name" 2>&1
	check_has "$name has the digest that was signed" "@$(cat "$DATA/$name.digest")" "$(cat "$H_TMP/ref.$name")"
done

# blob FILE: puts it into the registry; prints its digest and size.
blob()
{
	local digest upload

	digest=sha256:$(sha256sum <"$1" | cut -d' ' -f1)
	upload=$(curl -si -X POST "http://$REGISTRY/v2/app/blobs/uploads/" | tr -d '\r' | sed -n 's/^Location: //ip')
	curl -sf -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$1" "$upload&digest=$digest" || h_die "cannot upload $1"
	echo "$digest $(stat -c %s "$1")"
}
# manifest REFERENCE TYPE < JSON
manifest() { curl -sf -X PUT -H "Content-Type: $2" --data-binary @- "http://$REGISTRY/v2/app/manifests/$1" || h_die "cannot push $1"; }
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
# keyless_case FILE NAME: a case of make-keyless.py
keyless_case()
{
	jq --arg name "$2" '(.cases[$name] // {}) as $c | reduce ($c | to_entries[]) as $e (.base;
		setpath($e.key[1:] | split("/") | map(if test("^[0-9]+$") then tonumber else . end); $e.value))' "$KEYLESS/$1.json"
}
# sign_keyless NAME CASE: below the .sig tag
sign_keyless()
{
	local digest size

	keyless_case legacy "$2" >"$H_TMP/layer.json"
	jq -j .payload "$H_TMP/layer.json" >"$H_TMP/payload"
	read -r digest size <<<"$(blob "$H_TMP/payload")"
	jq --arg type $MANIFEST --arg config "$config" --arg digest "$digest" --argjson size "$size" '{schemaVersion: 2, mediaType: $type,
		config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $config, size: 2},
		layers: [{mediaType: "application/vnd.dev.cosign.simplesigning.v1+json", digest: $digest, size: $size, annotations: {
			"dev.cosignproject.cosign/signature": .signature, "dev.sigstore.cosign/certificate": .certificate,
			"dev.sigstore.cosign/bundle": .entry}}]}' "$H_TMP/layer.json" | manifest "$(tr : - <"$DATA/$1.digest").sig" $MANIFEST
}
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
BY="'https://github.com/org/app/.github/workflows/release.yaml@refs/tags/v1' of 'https://issuer.example'"
sign_keyless b good-b
keyless_case roots log-before >"$H_TMP/trusted_root.json"
k -n apps create secret generic own-root --from-file="$H_TMP/trusted_root.json" >/dev/null || h_die "cannot create the secret own-root"
keyless_object workflow b org/app
keyless_object another b org/other
keyless_object own-root b org/app 'trustedRootSecretRef: {name: own-root},'
check_soon "by a certificate" $SOON "True Succeeded" outcome workflow
check_eq "it says by whom" "verified signature of revision b@$(cat "$DATA/b.digest") by $BY" \
	"$(field workflow '.status.conditions[] | select(.type == "SourceVerified") | .message')"
check_soon "by somebody else" $SOON "False VerificationError" outcome another
check_has "says by whom" "provider 'cosign keyless': no matching signatures" "$(message another)"
check_has "and what does not fit" "it is signed by $BY: the subject fits no entry" "$(message another)"
check_soon "with a trusted root of its own" $SOON "False VerificationError" outcome own-root
check_has "that one counts" "when the log was not trusted" "$(message own-root)"
k -n apps create secret generic own-root --from-file=trusted_root.json="$H_TMP/root.json" --dry-run=client -o yaml | k apply -f - >/dev/null
check_soon "another one in the Secret counts at once" $SOON "True Succeeded" outcome own-root
sign_keyless b good
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
keyless_case bundle good-b | jq -c . >"$H_TMP/bundle.json"
read -r bundle size <<<"$(blob "$H_TMP/bundle.json")"
jq -c --arg digest "$bundle" --argjson size "$size" --arg subject "$(cat "$DATA/b.digest")" '.layers[0] += {digest: $digest, size: $size}
	| .subject.digest = $subject' "$DATA/bundle/cosign-p256.manifest" >"$H_TMP/bundle.manifest"
digest=sha256:$(sha256sum <"$H_TMP/bundle.manifest" | cut -d' ' -f1)
manifest "$digest" $MANIFEST <"$H_TMP/bundle.manifest"
manifest "$(tr : - <"$DATA/b.digest")" application/vnd.oci.image.index.v1+json <<EOT
{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [{"mediaType": "$MANIFEST", "digest": "$digest",
 "size": $(stat -c %s "$H_TMP/bundle.manifest"), "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json"}]}
EOT
keyless_object keyless-bundle b org/app
keyless_object keyless-bundle-another b org/other
check_soon "a bundle by a certificate" $SOON "True Succeeded" outcome keyless-bundle
check_has "it says by whom" " by $BY" "$(field keyless-bundle '.status.conditions[] | select(.type == "SourceVerified") | .message')"
check_soon "a bundle by somebody else" $SOON "False VerificationError" outcome keyless-bundle-another
check_has "says by whom, too" "it is signed by $BY: the subject fits no entry" "$(message keyless-bundle-another)"
check_has "for keys it proves nothing" "the bundle was signed with a certificate, and keys are trusted" \
	"$(k -n apps annotate ocirepository borrowed reconcile.fluxcd.io/requestedAt=bundle >/dev/null; h_until $SOON says_sort; message borrowed)"

# ---- what changes nothing costs nothing ------------------------------------------------------------------------------
# What has failed asks again and again.
k -n apps delete ocirepository wrong broken borrowed another borrowed-keyless keyless-bundle-another bundle-wrong >/dev/null
before=$(h_registry_requests reg GET '/v2/app/referrers/.*')
k -n apps annotate ocirepository bundle reconcile.fluxcd.io/requestedAt=now >/dev/null
check_soon "it has looked again" $SOON now field bundle '.status.lastHandledReconcileAt'
check_eq "for no signature" "$before" "$(h_registry_requests reg GET '/v2/app/referrers/.*')"

h_stop "$CONTROLLER_PID"
check_eq "the controller ends well" 0 $?
h_finish
