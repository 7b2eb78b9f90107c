#!/usr/bin/env bash
# spec.verify on a real API server: what the real cosign has signed with keys, in its old layout and as a bundle, in a registry that does not
# know referrers (docker-registry) and in one that does; what nobody, or another one, has signed; and without keys what a Sigstore of our own has,
# of which the real cosign must think the same.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
. "$H_ROOT/test/lib/keyless.sh"
COSIGN=$(h_tool cosign)/cosign || h_die "cosign was not built"
REFERRERS=$(h_tool referrers)/referrers || h_die "the registry with referrers was not built"
SOON=30
OLD=(--new-bundle-format=false --use-signing-config=false --tlog-upload=false)
BUNDLE=(--signing-config "$H_TMP/none.json")
export COSIGN_PASSWORD=

h_registry_start reg
PLAIN=$REGISTRY
NEW=127.0.0.1:$(h_free_port)
h_spawn referrers "$REFERRERS" "$NEW"
h_until 20 h_http_answers "http://$NEW/v2/" || h_die "the registry with referrers does not answer"
h_cluster_start
k apply -k "$H_ROOT/deploy" >/dev/null
h_sa_kubeconfig "$H_TMP/sa.kubeconfig" flux-system source-controller
mkdir "$H_TMP/store"
# Nobody is at the place where the public trusted root is looked for.
export TUF_MIRROR=http://127.0.0.1:1
h_controller_start src --kubeconfig="$H_TMP/sa.kubeconfig" --watch-all-namespaces --storage-path="$H_TMP/store"
ARTIFACTS=$(h_address src artifacts) || h_die "the controller did not start"

# ---- what there is ---------------------------------------------------------------------------------------------------
(cd "$H_TMP" && "$COSIGN" signing-config create --out none.json && for n in one two; do "$COSIGN" generate-key-pair --output-key-prefix $n 2>/dev/null; done) ||
	h_die "cosign makes no keys"

# push REGISTRY/NAME:TAG: an artifact of its own; prints it with its digest.
push()
{
	mkdir -p "$H_TMP/app" && echo "is: '$1'" >"$H_TMP/app/app.yaml"
	"$OCICTL" push "oci://$1" --path="$H_TMP/app" --source=https://example.com/app --revision="main@sha1:${1##*:}" 2>>"$H_TMP/log/push.err" | tail -n 1
}
# sign KEY REF ARGS...
sign() { "$COSIGN" sign --key "$H_TMP/$1.key" --yes --allow-http-registry "${@:3}" "$2" >>"$H_TMP/log/cosign.out" 2>>"$H_TMP/log/cosign.err" || h_die "cosign sign $2"; }

# secret NAME KEY...: with these public keys.
secret()
{
	local name=$1 n files=()

	shift
	for n in "$@"; do files+=(--from-file="$n.pub=$H_TMP/$n.pub"); done
	k create secret generic "$name" "${files[@]}" --dry-run=client -o yaml | k apply -f - >/dev/null 2>&1 || h_die "cannot apply the secret $name"
}
# object NAME REPOSITORY TAG SECRET
object()
{
	k apply -f - >/dev/null <<-EOT
	apiVersion: source.toolkit.fluxcd.io/v1
	kind: OCIRepository
	metadata: {name: $1}
	spec:
	  interval: 10m
	  url: oci://$2
	  ref: {tag: '$3'}
	  verify: {provider: cosign, secretRef: {name: $4}}
	EOT
}
verified() { field "$1" '.status.conditions[]? | select(.type == "SourceVerified") | "\(.status) \(.reason)"'; }
revision() { field "$1" '.status.artifact.revision'; }
status_of() { curl -s -o /dev/null -w '%{http_code}' "http://$ARTIFACTS/$(field "$1" .status.artifact.path)"; }
# good NAME REVISION
good()
{
	check_soon "$1: Ready" $SOON "True Succeeded" outcome "$1"
	check_eq "$1: verified" "True Succeeded" "$(verified "$1")"
	check_eq "$1: what" "verified signature of revision $2" "$(field "$1" '.status.conditions[] | select(.type == "SourceVerified") | .message')"
	check_eq "$1: the artifact" "$2" "$(revision "$1")"
}
# bad NAME WHY
bad()
{
	check_soon "$1: not Ready" $SOON "False VerificationError" outcome "$1"
	check_eq "$1: not verified" "False VerificationError" "$(verified "$1")"
	check_has "$1: by whom" "failed to verify the signature using provider 'cosign': " "$(message "$1")"
	check_has "$1: why" "$2" "$(message "$1")"
	check_eq "$1: FetchFailed is another thing" "" "$(field "$1" '.status.conditions[] | select(.type == "FetchFailed") | .status')"
}

secret one one
secret two two
secret both two one

# ---- signed, in each layout and registry ------------------------------------------------------------------------------
for where in "plain $PLAIN" "new $NEW"; do
	read -r kind host <<<"$where"
	old=$(push "$host/old:1") bundle=$(push "$host/bundle:1")
	sign one "$old" "${OLD[@]}"
	sign one "$bundle" "${BUNDLE[@]}"
	object "$kind-old" "$host/old" 1 one
	object "$kind-bundle" "$host/bundle" 1 one
	object "$kind-second-key" "$host/bundle" 1 both
	object "$kind-old-wrong-key" "$host/old" 1 two
	object "$kind-bundle-wrong-key" "$host/bundle" 1 two
	good "$kind-old" "1@${old##*@}"
	good "$kind-bundle" "1@${bundle##*@}"
	good "$kind-second-key" "1@${bundle##*@}"
	bad "$kind-old-wrong-key" "it is a signature of none of the keys"
	bad "$kind-bundle-wrong-key" "it is a signature of none of the keys"
	check_eq "$kind: what is refused is not fetched" null "$(revision "$kind-bundle-wrong-key")"
done

# ---- nobody has signed it; somebody does ------------------------------------------------------------------------------
later=$(push "$PLAIN/later:1")
object later "$PLAIN/later" 1 one
bad later ": it is not signed"
sign one "$later" "${BUNDLE[@]}"
k annotate ocirepository later --overwrite reconcile.fluxcd.io/requestedAt=signed >/dev/null
good later "1@${later##*@}"

# ---- the signature of one, below the tag of another -------------------------------------------------------------------
other=$(push "$PLAIN/old:2")
tag() { tr : - <<<"${1##*@}.sig"; }
curl -s -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$PLAIN/v2/old/manifests/$(tag "$(push "$PLAIN/old:1")")" >"$H_TMP/sig.json"
check_eq "the signature is copied" 201 "$(curl -s -o /dev/null -w '%{http_code}' -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' \
	--data-binary "@$H_TMP/sig.json" "http://$PLAIN/v2/old/manifests/$(tag "$other")")"
object borrowed "$PLAIN/old" 2 one
bad borrowed "it is the signature of 'sha256:"

# ---- a new revision that is not signed: what is there stays -----------------------------------------------------------
first=$(push "$PLAIN/moves:main")
sign one "$first" "${OLD[@]}"
object moves "$PLAIN/moves" main one
good moves "main@${first##*@}"
mkdir -p "$H_TMP/app" && echo "is: changed" >"$H_TMP/app/app.yaml"
second=$("$OCICTL" push "oci://$PLAIN/moves:main" --path="$H_TMP/app" --source=s --revision=r 2>/dev/null | tail -n 1)
k annotate ocirepository moves --overwrite reconcile.fluxcd.io/requestedAt=moved >/dev/null
bad moves ": it is not signed"
check_eq "the old artifact is named" "main@${first##*@}" "$(revision moves)"
check_eq "and served" 200 "$(status_of moves)"
check_eq "and said to be outdated" True "$(field moves '.status.conditions[] | select(.type == "ArtifactOutdated") | .status')"
sign one "$second" "${OLD[@]}"
k annotate ocirepository moves --overwrite reconcile.fluxcd.io/requestedAt=signed >/dev/null
good moves "main@${second##*@}"

# ---- another key in the Secret ----------------------------------------------------------------------------------------
secret rotated one
rotated=$(push "$PLAIN/rotated:1")
sign one "$rotated" "${OLD[@]}"
object rotated "$PLAIN/rotated" 1 rotated
good rotated "1@${rotated##*@}"
secret rotated two
bad rotated "it is a signature of none of the keys"
check_eq "it stays served" 200 "$(status_of rotated)"
secret rotated two one
good rotated "1@${rotated##*@}"
k delete secret rotated >/dev/null
bad rotated "failed to get secret 'default/rotated'"
secret rotated one
good rotated "1@${rotated##*@}"

# ---- without keys: as the real cosign sees it --------------------------------------------------------------------------
# cosign_keyless REFERENCE SUBJECT [FLAG]
cosign_keyless()
{
	HOME=$H_TMP "$COSIGN" verify --trusted-root "$H_TMP/trusted_root.json" --offline --allow-http-registry --certificate-oidc-issuer https://issuer.example \
		--certificate-identity "$2" ${3:+"$3"} "$1" >>"$H_TMP/log/keyless.out" 2>>"$H_TMP/log/keyless.err"
}
# Both versions of the log in one root, and the authority of timestamps.
jq -s '.[0] + {tlogs: (.[0].tlogs + .[1].tlogs), timestampAuthorities: .[1].timestampAuthorities}' <(keyless_case roots good) <(keyless_case roots v2) \
	>"$H_TMP/trusted_root.json"
k create secret generic trusted-root --from-file="$H_TMP/trusted_root.json" >/dev/null || h_die "cannot create the secret trusted-root"
WORKFLOW=https://github.com/org/app/.github/workflows/release.yaml@refs/tags/v1
n=0
# LAYOUT CASE OURS [WHAT COSIGN SAYS, where that is another thing: docs/verification.md says why]
while read -r layout case want theirs; do
	n=$((n + 1))
	REPO=keyless-$n name=keyless-$n subject=$WORKFLOW
	case $case in *email*) subject=dev@example.com ;; esac
	keyless_push a >/dev/null
	"keyless_$layout" a "$case"
	k apply -f - >/dev/null <<-EOT
	apiVersion: source.toolkit.fluxcd.io/v1
	kind: OCIRepository
	metadata: {name: $name}
	spec:
	  interval: 10m
	  url: oci://$REGISTRY/$REPO
	  ref: {tag: a}
	  verify:
	    provider: cosign
	    trustedRootSecretRef: {name: trusted-root}
	    matchOIDCIdentity: [{issuer: '^https://issuer\\.example\$', subject: '^$subject\$'}]
	EOT
	stamps=
	case $case in v2*) stamps=--use-signed-timestamps ;; esac
	if cosign_keyless "$REGISTRY/$REPO@$(cat "$DATA/a.digest")" "$subject" $stamps; then got=good; else got=bad; fi
	check_eq "$layout $case: cosign" "${theirs:-$want}" $got
	if [ $want = good ]; then
		check_soon "$layout $case" $SOON "True Succeeded" outcome $name
	else
		check_soon "$layout $case" $SOON "False VerificationError" outcome $name
	fi
done <<'EOT'
layer good good
layer email good
layer old-issuer good
layer p384-leaf good
layer good-b bad
layer payload-changed bad
layer signed-by-another bad
layer set-changed bad
layer time-changed bad
layer unknown-log bad
layer entry-of-another-certificate bad
layer body-sha512 bad
layer logged-before bad
layer logged-after bad
layer no-sct bad
layer sct-of-another-certificate bad
layer self-made bad
layer eku-server bad
bundle good good
bundle intoto good
bundle p384 good
bundle email good
bundle good-b bad
bundle set-changed bad
bundle body-of-another-signature bad
bundle body-of-another-payload bad
bundle signed-by-another bad
bundle logged-after bad
bundle no-sct bad
bundle proof-index bad
bundle proof-short bad
bundle proof-size bad good
bundle note-other-key bad
bundle note-other-root bad
bundle note-extra-line bad
bundle entry-twice bad
bundle no-set bad
bundle two-issuers bad
bundle v2 good
bundle v2-p384 good
bundle v2-witness good
bundle v2-no-bag good
bundle v2-b bad
bundle v2-no-timestamp bad
bundle v2-timestamp-of-another bad
bundle v2-timestamp-by-another bad
bundle v2-timestamp-wrong-key bad
bundle v2-timestamp-trailing bad
bundle v2-of-another-signature bad
bundle v2-index bad
bundle v2-other-key bad
bundle v2-other-root bad
EOT
check_eq "each was tried" 52 $n

# ---- nobody is trusted -----------------------------------------------------------------------------------------------
k apply -f - >/dev/null <<EOT
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: keyless}
spec: {interval: 10m, url: 'oci://$PLAIN/later', ref: {tag: '1'}, verify: {provider: cosign, matchOIDCIdentity: [{issuer: a, subject: b}]}}
EOT
check_soon "keyless without a trusted root" $SOON "False VerificationError" outcome keyless
check_has "says so" "where the internet cannot be reached, give spec.verify.trustedRootSecretRef or --sigstore-trusted-root" "$(message keyless)"

# ---- a process that ends well -----------------------------------------------------------------------------------------
h_stop "$CONTROLLER_PID"
check_eq "the controller ends well" 0 $?
h_finish
