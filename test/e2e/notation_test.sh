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
# Servers of certificates are on this machine here.
h_controller_start src --kubeconfig="$H_TMP/sa.kubeconfig" --watch-all-namespaces --storage-path="$H_TMP/store" --registry-allow-private=127.0.0.0/8
ARTIFACTS=$(h_address src artifacts) || h_die "the controller did not start"

# ---- what there is ---------------------------------------------------------------------------------------------------
for n in one two; do mkdir "$H_TMP/$n" && "$NOTATION" certs "$H_TMP/$n" || h_die "notation makes no certificates"; done

# push REGISTRY/NAME:TAG: an artifact of its own; prints it with its digest.
push()
{
	mkdir -p "$H_TMP/app" && echo "is: '$1'" >"$H_TMP/app/app.yaml"
	"$OCICTL" push "oci://$1" --path="$H_TMP/app" --source=https://example.com/app --revision="main@sha1:${1##*:}" 2>>"$H_TMP/log/push.err" | tail -n 1
}
# sign WHO REF [cose [TSA]]; the tag is no part of what is signed.
sign() { "$NOTATION" sign "$H_TMP/$1" "${2%:*@*}@${2##*@}" "${3:-jws}" "${@:4}" 2>>"$H_TMP/log/notation.err" || h_die "notation sign $2: $(tail -n 1 "$H_TMP/log/notation.err")"; }

# secret NAME WHO LEVEL SCOPE [IDENTITY [TSA [OVERRIDE]]]: TSA is another one whose root.crt is in it.
secret()
{
	jq -n --arg level "$3" --arg scope "$4" --arg who "${5:-x509.subject: C=US, ST=WA, O=Notary}" --arg tsa "${6:+tsa:y}" \
		--argjson override "${7:-null}" '{version: "1.0", trustPolicies: [{
		name: "all", registryScopes: [$scope], signatureVerification: {level: $level, override: ($override // {})},
		trustStores: (["ca:x", $tsa] - [""]), trustedIdentities: [$who]}]}' \
		>"$H_TMP/trustpolicy.json"
	k create secret generic "$1" --from-file=trustpolicy.json="$H_TMP/trustpolicy.json" --from-file=ca.crt="$H_TMP/$2/root.crt" ${6:+--from-file=tsa.crt="$H_TMP/$6/root.crt"} \
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

# ---- timestamps ------------------------------------------------------------------------------------------------------
for n in tsa tsa-other; do mkdir "$H_TMP/$n" && "$NOTATION" tsa "$H_TMP/$n" || h_die "notation makes no authority of timestamps"; done
secret tsa one strict '*' '' tsa
secret tsa-other one strict '*' '' tsa-other
for form in jws cose; do
	app=$(push "$NEW/stamped-$form:1")
	sign one "$app" "$form" "$H_TMP/tsa"
	object "stamped-$form" "$NEW/stamped-$form" 1 tsa
	object "stamped-$form-by-another" "$NEW/stamped-$form" 1 tsa-other
	good "stamped-$form" "1@${app##*@}"
	bad "stamped-$form-by-another" "the timestamp countersignature: its signature is not of this authority: unable to get local issuer certificate"
done
object not-stamped "$NEW/app" 1 tsa
bad not-stamped "the policy wants a timestamp countersignature (tsa:), and there is none"

# ---- revoked? --------------------------------------------------------------------------------------------------------
# A CA of openssl's, whose responder and list are on loopback.
CA=$H_TMP/ca
OCSP=$(h_free_port) LISTS=$(h_free_port)
mkdir -p "$CA/lists"
NAME=/C=US/ST=WA/O=Notary
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$CA/root.pem" -out "$CA/root.crt" -days 2 -subj "$NAME/CN=root" \
	-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
printf '[ca]\ndefault_ca=c\n[c]\ndatabase=%s/index\ncertificate=%s/root.crt\nprivate_key=%s/root.pem\ndefault_md=sha256\ndefault_crl_hours=1\n' \
	"$CA" "$CA" "$CA" >"$CA/conf"
# signer NAME SERIAL PLACE...: a certificate with those extensions; NAME/ is what notation signs with.
signer()
{
	local dir=$H_TMP/$1 end
	mkdir "$dir"
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/signer.pem" -out "$dir/csr" -subj "$NAME/CN=$1" 2>/dev/null
	printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature extendedKeyUsage=codeSigning "${@:3}" >"$dir/ext"
	openssl x509 -req -in "$dir/csr" -CA "$CA/root.crt" -CAkey "$CA/root.pem" -set_serial "0x$2" -days 1 -extfile "$dir/ext" -out "$dir/leaf.crt" 2>/dev/null
	cat "$dir/leaf.crt" "$CA/root.crt" >"$dir/signer.crt"
	cp "$CA/root.crt" "$dir/root.crt"
	end=$(date -u -d "$(openssl x509 -in "$dir/leaf.crt" -noout -enddate | cut -d= -f2)" +%y%m%d%H%M%SZ)
	case $1 in
	*revoked*) printf 'R\t%s\t260101000000Z,keyCompromise\t%s\tunknown\t%s/CN=%s\n' "$end" "$2" "$NAME" "$1" ;;
	*) printf 'V\t%s\t\t%s\tunknown\t%s/CN=%s\n' "$end" "$2" "$NAME" "$1" ;;
	esac >>"$CA/index"
}
AIA="authorityInfoAccess=OCSP;URI:http://127.0.0.1:$OCSP/" CDP="crlDistributionPoints=URI:http://127.0.0.1:$LISTS/root.crl"
signer ocsp-good 1001 "$AIA"
signer ocsp-revoked 1002 "$AIA" "$CDP"
signer ocsp-down 1003 "$AIA"
signer list-good 1004 "$CDP"
signer list-revoked 1005 "$CDP"
signer down-list-revoked 1006 "$AIA" "$CDP"
openssl ca -config "$CA/conf" -gencrl -out "$CA/list.pem" 2>"$H_TMP/log/gencrl.err" || h_die "openssl makes no list: $(cat "$H_TMP/log/gencrl.err")"
openssl crl -in "$CA/list.pem" -outform der -out "$CA/lists/root.crl"
responder() { h_spawn "$1" openssl ocsp -port "$OCSP" -index "$CA/index" -CA "$CA/root.crt" -rsigner "$CA/root.crt" -rkey "$CA/root.pem" -nmin 60; }
responder ocsp
RESPONDER_PID=$H_PID
h_spawn lists python3 -m http.server --bind 127.0.0.1 --directory "$CA/lists" "$LISTS"
h_until 20 h_http_answers "http://127.0.0.1:$LISTS/root.crl" || h_die "nobody hands out the list"
h_until 20 grep -q waiting "$H_TMP/log/ocsp.err" || h_die "the responder does not listen"
# revocable NAME: an artifact that it has signed, and an object.
revocable()
{
	local app
	app=$(push "$NEW/$1:1")
	sign "$1" "$app"
	object "$1" "$NEW/$1" 1 "${2:-strict-ca}"
	echo "${app##*@}"
}
secret strict-ca ocsp-good strict '*'
secret log-ca ocsp-good strict '*' '' '' '{"revocation": "log"}'
SUBJECT="O=Notary,ST=WA,C=US': "
good ocsp-good "1@$(revocable ocsp-good)"
good list-good "1@$(revocable list-good)"
revocable ocsp-revoked >/dev/null
bad ocsp-revoked "certificate 'CN=ocsp-revoked,${SUBJECT}it is revoked since 2026-01-01T00:00:00Z (keyCompromise)"
revocable list-revoked >/dev/null
bad list-revoked "certificate 'CN=list-revoked,${SUBJECT}it is revoked since 2026-01-01T00:00:00Z (keyCompromise)"
h_stop "$RESPONDER_PID"
revocable down-list-revoked >/dev/null
bad down-list-revoked "certificate 'CN=down-list-revoked,${SUBJECT}it is revoked since"
down=$(revocable ocsp-down)
bad ocsp-down "certificate 'CN=ocsp-down,${SUBJECT}its revocation status is unknown: OCSP: GET 'http://127.0.0.1:$OCSP/': "
k patch ocirepository ocsp-down --type=merge -p '{"spec":{"verify":{"secretRef":{"name":"log-ca"}}}}' >/dev/null
good ocsp-down "1@$down"
check_has "ocsp-down: it is written down" "revocation: certificate 'CN=ocsp-down,${SUBJECT}its revocation status is unknown" \
	"$(grep 'lets pass' "$H_TMP/log/src.err")"
responder ocsp-again
h_until 20 grep -q waiting "$H_TMP/log/ocsp-again.err" || h_die "the responder does not listen again"
k patch ocirepository ocsp-down --type=merge -p '{"spec":{"verify":{"secretRef":{"name":"strict-ca"}}}}' >/dev/null
again ocsp-down back
good ocsp-down "1@$down"

# ---- a process that ends well ----------------------------------------------------------------------------------------
h_stop "$CONTROLLER_PID"
check_eq "the controller ends well" 0 $?
h_finish
