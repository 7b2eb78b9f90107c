#!/usr/bin/env bash
# spec.verify with the provider notation on a real API server: what the Notary Project's own library has signed, in a registry that does not know
# referrers (docker-registry) and in one that does; and what nobody, or another one, has signed.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
NOTATION=$(h_tool notation)/notation || h_die "notation was not built"
REFERRERS=$(h_tool referrers)/referrers || h_die "the registry with referrers was not built"
SOON=30

h_registry_start reg
PLAIN=$REGISTRY
NEW=127.0.0.1:$(h_free_port)
h_spawn referrers "$REFERRERS" "$NEW"
h_until 20 h_http_answers "http://$NEW/v2/" || h_die "the registry with referrers does not answer"
h_cluster_start
k apply -k "$H_ROOT/deploy" >/dev/null
h_sa_kubeconfig "$H_TMP/sa.kubeconfig" flux-system source-controller
mkdir "$H_TMP/store"
h_controller_start src --kubeconfig="$H_TMP/sa.kubeconfig" --watch-all-namespaces --storage-path="$H_TMP/store"
ARTIFACTS=$(h_address src artifacts) || h_die "the controller did not start"

# ---- what there is ---------------------------------------------------------------------------------------------------
for n in one two; do mkdir "$H_TMP/$n" && "$NOTATION" certs "$H_TMP/$n" || h_die "notation makes no certificates"; done

# push REGISTRY/NAME:TAG: an artifact of its own; prints it with its digest.
push()
{
	mkdir -p "$H_TMP/app" && echo "is: '$1'" >"$H_TMP/app/app.yaml"
	"$OCICTL" push "oci://$1" --path="$H_TMP/app" --source=https://example.com/app --revision="main@sha1:${1##*:}" 2>>"$H_TMP/log/push.err" | tail -n 1
}
# sign WHO REF [cose]; the tag is no part of what is signed.
sign() { "$NOTATION" sign "$H_TMP/$1" "${2%:*@*}@${2##*@}" "${@:3}" 2>>"$H_TMP/log/notation.err" || h_die "notation sign $2: $(tail -n 1 "$H_TMP/log/notation.err")"; }

# secret NAME WHO LEVEL SCOPE [IDENTITY]
secret()
{
	jq -n --arg level "$3" --arg scope "$4" --arg who "${5:-x509.subject: C=US, ST=WA, O=Notary}" '{version: "1.0", trustPolicies: [{
		name: "all", registryScopes: [$scope], signatureVerification: {level: $level}, trustStores: ["ca:x"], trustedIdentities: [$who]}]}' \
		>"$H_TMP/trustpolicy.json"
	k create secret generic "$1" --from-file=trustpolicy.json="$H_TMP/trustpolicy.json" --from-file=ca.crt="$H_TMP/$2/root.crt" \
		--dry-run=client -o yaml | k apply -f - >/dev/null 2>&1 || h_die "cannot apply the secret $1"
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
	  verify: {provider: notation, secretRef: {name: $4}}
	EOT
}
again() { k annotate ocirepository "$1" --overwrite "reconcile.fluxcd.io/requestedAt=$2" >/dev/null; }
verified() { field "$1" '.status.conditions[]? | select(.type == "SourceVerified") | "\(.status) \(.reason)"'; }
revision() { field "$1" '.status.artifact.revision'; }
# good NAME REVISION
good()
{
	check_soon "$1: verified" $SOON "True Succeeded" verified "$1"
	check_soon "$1: Ready" $SOON "True Succeeded" outcome "$1"
	check_eq "$1: what" "verified signature of revision $2" "$(field "$1" '.status.conditions[] | select(.type == "SourceVerified") | .message')"
	check_eq "$1: the artifact" "$2" "$(revision "$1")"
}
# passes NAME REVISION: and nobody says that it was verified.
passes()
{
	check_soon "$1: Ready" $SOON "True Succeeded" outcome "$1"
	check_soon "$1: not said to be verified" $SOON "" verified "$1"
	check_eq "$1: the artifact" "$2" "$(revision "$1")"
}
# bad NAME WHY
bad()
{
	check_soon "$1: not Ready" $SOON "False VerificationError" outcome "$1"
	check_eq "$1: not verified" "False VerificationError" "$(verified "$1")"
	check_has "$1: by whom" "failed to verify the signature using provider 'notation': " "$(message "$1")"
	check_has "$1: why" "$2" "$(message "$1")"
}

secret one one strict '*'
secret two two strict '*'
secret audit two audit '*'
secret skip two skip '*'
secret other-scope one strict registry.example/app
secret other-name one strict '*' 'x509.subject: C=US, ST=WA, O=Somebody'

# ---- signed, in each registry ----------------------------------------------------------------------------------------
for where in "plain $PLAIN" "new $NEW"; do
	read -r kind host <<<"$where"
	app=$(push "$host/app:1")
	sign one "$app"
	secret "$kind-scope" one strict "$host/app"
	object "$kind-signed" "$host/app" 1 one
	object "$kind-scope" "$host/app" 1 "$kind-scope"
	object "$kind-wrong-ca" "$host/app" 1 two
	object "$kind-wrong-name" "$host/app" 1 other-name
	object "$kind-wrong-scope" "$host/app" 1 other-scope
	object "$kind-audit" "$host/app" 1 audit
	object "$kind-skip" "$host/app" 1 skip
	good "$kind-signed" "1@${app##*@}"
	good "$kind-scope" "1@${app##*@}"
	bad "$kind-wrong-ca" "none of the trusted certificates is in the signature's chain"
	bad "$kind-wrong-name" "is none of the trusted identities"
	bad "$kind-wrong-scope" "trustpolicy.json has no statement for '$host/app' in its registryScopes"
	check_eq "$kind: what is refused is not fetched" null "$(revision "$kind-wrong-ca")"
	cose=$(push "$host/cose:1")
	sign one "$cose" cose
	object "$kind-cose" "$host/cose" 1 one
	object "$kind-cose-wrong-ca" "$host/cose" 1 two
	good "$kind-cose" "1@${cose##*@}"
	bad "$kind-cose-wrong-ca" "none of the trusted certificates is in the signature's chain"
	passes "$kind-audit" "1@${app##*@}"
	passes "$kind-skip" "1@${app##*@}"
done

# ---- nobody has signed it; another one does; the right one does ------------------------------------------------------
later=$(push "$NEW/later:1")
object later "$NEW/later" 1 one
bad later "no signature is associated with '$NEW/later@${later##*@}'"
sign two "$later"
again later other
check_soon "later: not his" $SOON "found" eval 'message later | grep -o "none of the trusted certificates" | sed s/.*/found/'
sign one "$later"
again later signed
good later "1@${later##*@}"

# ---- the policy changes ----------------------------------------------------------------------------------------------
secret changes one strict '*'
object changes "$PLAIN/app" 1 changes
app=$(push "$PLAIN/app:1")
good changes "1@${app##*@}"
secret changes two strict '*'
bad changes "none of the trusted certificates is in the signature's chain"
check_eq "it stays served" 200 "$(curl -s -o /dev/null -w '%{http_code}' "http://$ARTIFACTS/$(field changes .status.artifact.path)")"
secret changes two audit '*'
passes changes "1@${app##*@}"
k create secret generic changes --from-literal=trustpolicy.json='{' --dry-run=client -o yaml | k apply -f - >/dev/null 2>&1
bad changes "secret 'default/changes': trustpolicy.json: it is not valid JSON"
secret changes one strict '*'
good changes "1@${app##*@}"

# ---- a process that ends well ----------------------------------------------------------------------------------------
h_stop "$CONTROLLER_PID"
check_eq "the controller ends well" 0 $?
h_finish
