#!/usr/bin/env bash
# Logins at AWS, Azure and Google Cloud with the controller's own identity, against a fake of all three (test/fake/cloud): the controller is
# given HTTPS_PROXY and SSL_CERT_FILE, as an operator would, and asks the clouds' own hosts. Each `world` is a start of the controller in one
# environment, with all the objects that can live in it. Names of objects, regions and registries say which case they are for.
#
# The metadata services have fixed addresses: this runs in a network of its own.
# Alone: it measures time.
if [ -z "${CLOUD_TEST_NET:-}" ]; then
	own=(unshare --net --mount)
	[ "$(id -u)" = 0 ] || own+=(--user --map-root-user)
	"${own[@]}" true || { echo "cloud_test: a network namespace is needed: root, or user namespaces for everybody" >&2; echo "cloud_test: 0 passed, 1 failed"; exit 1; }
	CLOUD_TEST_NET=1 exec "${own[@]}" bash "$0" "$@"
fi
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/cloud.sh"
KUBECTL=$(h_kubectl_debian) || h_die "no kubectl"

# ---- a network of three addresses, the fake in it --------------------------------------------------------------------
python3 - <<'PY' || h_die "no addresses"
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x49))  # up
    for i, a in enumerate(("169.254.169.254", "169.254.170.2", "10.0.0.1")):
        request = lambda a: struct.pack("16sHH4s8x", b"lo:%d" % i, socket.AF_INET, 0, socket.inet_aton(a))
        fcntl.ioctl(s, 0x8916, request(a))
        fcntl.ioctl(s, 0x891c, request("255.255.255.255"))
PY
printf '127.0.0.1 localhost agent.example\n10.0.0.1 elsewhere.example\n' >"$H_TMP/hosts"
mount --bind "$H_TMP/hosts" /etc/hosts || h_die "/etc/hosts cannot be covered"
check_match "the fake itself" 'fake-cloud: [0-9]+ passed, 0 failed$' "$(python3 "$FAKE" selftest 2>&1)"
cloud_fake_start local=169.254.169.254:80 local=169.254.170.2:80 local=10.0.0.1:80
DEAD=127.0.0.1:$(h_free_port)

# ---- identities ------------------------------------------------------------------------------------------------------
for name in idp google; do
	openssl genrsa -out "$H_TMP/$name.key" 2048 2>/dev/null && openssl rsa -in "$H_TMP/$name.key" -pubout -out "$H_TMP/$name.pub" 2>/dev/null ||
		h_die "openssl cannot make a key"
done
SUB=system:serviceaccount:flux-system:source-controller
# token AUDIENCE [JTI]: what a cluster puts into a pod.
token() { python3 "$FAKE" jwt "$H_TMP/idp.key" "{\"iss\":\"https://idp.example\",\"sub\":\"$SUB\",\"aud\":[\"$1\"],\"jti\":\"${2:-1}\"}"; }
trusts() { printf '{"key":"%s","iss":"https://idp.example","sub":"%s","aud":"%s"}' "$H_TMP/idp.pub" "$SUB" "$1"; }
PROVIDER=projects/1/locations/global/workloadIdentityPools/pool/providers/kind
token sts.amazonaws.com >"$H_TMP/aws.jwt"
token api://AzureADTokenExchange >"$H_TMP/azure.jwt"
token "//iam.googleapis.com/$PROVIDER" >"$H_TMP/google.jwt"
STATIC_SECRET=oci-source-controller/static+secret/key01
CLIENT_SECRET=c1ient-secret~of.the-app
AWS_STATIC=(AWS_ACCESS_KEY_ID=AKIASTATIC0000000001 AWS_SECRET_ACCESS_KEY="$STATIC_SECRET")
AWS_WEB=(AWS_ROLE_ARN=arn:aws:iam::123456789012:role/puller AWS_WEB_IDENTITY_TOKEN_FILE="$H_TMP/aws.jwt")
AWS_CONTAINER=(AWS_CONTAINER_CREDENTIALS_FULL_URI="http://$LOCAL/v1/credentials" AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="$H_TMP/pod.token")
AZURE_SECRET=(AZURE_TENANT_ID=tenant-1 AZURE_CLIENT_ID=client-1 AZURE_CLIENT_SECRET="$CLIENT_SECRET")
AZURE_WORKLOAD=(AZURE_TENANT_ID=tenant-2 AZURE_CLIENT_ID=client-2 AZURE_AUTHORITY_HOST=https://login.microsoftonline.com/ AZURE_FEDERATED_TOKEN_FILE="$H_TMP/azure.jwt")
printf 'pod-identity-token-of-the-agent' >"$H_TMP/pod.token"
jq -n --rawfile key "$H_TMP/google.key" '{type: "service_account", project_id: "p", private_key_id: "kid-1", private_key: $key,
	client_email: "puller@p.iam.gserviceaccount.com", client_id: "1", token_uri: "https://oauth2.googleapis.com/token"}' >"$H_TMP/service_account.json"
# external NAME SOURCE [MORE]: a file of an external account
external()
{
	jq -n --arg audience "//iam.googleapis.com/$PROVIDER" --argjson source "$2" --argjson more "${3:-{\}}" '{type: "external_account", audience: $audience,
		subject_token_type: "urn:ietf:params:oauth:token-type:jwt", token_url: "https://sts.googleapis.com/v1/token", credential_source: $source} + $more' >"$H_TMP/$1.json"
}
EMAIL=puller@p.iam.gserviceaccount.com
external file "{\"file\":\"$H_TMP/google.jwt\"}"
external url '{"url":"https://subject.example/token","headers":{"X-Want":"yes"},"format":{"type":"json","subject_token_field_name":"value"}}' \
	"{\"service_account_impersonation_url\":\"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/$EMAIL:generateAccessToken\"}"
external executable "{\"executable\":{\"command\":\"/usr/bin/touch $H_TMP/was-run\",\"timeout_millis\":5000,\"output_file\":\"$H_TMP/out\"}}"
external aws '{"environment_id":"aws1","region_url":"http://169.254.169.254/latest/meta-data/placement/availability-zone","url":"http://169.254.169.254/latest/meta-data/iam/security-credentials","regional_cred_verification_url":"https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"}'

BASE=$(jq -n --arg secret "$STATIC_SECRET" --arg client "$CLIENT_SECRET" --rawfile one "$H_TMP/aws.jwt" --rawfile two "$H_TMP/azure.jwt" --rawfile three "$H_TMP/google.jwt" \
	--arg key "$(sed -n 2p "$H_TMP/google.key")" \
	--arg tmp "$H_TMP" --arg email "$EMAIL" --arg audience "//iam.googleapis.com/$PROVIDER" \
	--argjson aws "$(trusts sts.amazonaws.com)" --argjson azure "$(trusts api://AzureADTokenExchange)" --argjson google "$(trusts "//iam.googleapis.com/$PROVIDER")" '{
	aws_keys: {AKIASTATIC0000000001: {secret: $secret}}, secrets: [$secret, $client, $key, $one, $two, $three, "pod-identity-token-of-the-agent", "static-w0rd", "app-service-header"],
	role: "arn:aws:iam::123456789012:role/puller", jwt: $aws, emails: [$email], google: {($audience): {jwt: $google}},
	entra: [{tenant: "tenant-1", client: "client-1", secret: $client}, {tenant: "tenant-2", client: "client-2", jwt: $azure}],
	hosts: {"oauth2.googleapis.com": {kind: "google-token", keys: [{email: $email, kid: "kid-1", key: "\($tmp)/google.pub"}]}}}')

# ---- words for the cases ---------------------------------------------------------------------------------------------
# go ARGS...: start the controller in the world. A failure is not tried again, unless ARGS say so.
go()
{
	jq -r '.spec.url // empty | ltrimstr("oci://") | sub("[:/].*"; "")' "$H_TMP/$WORLD.objects"/*.yaml | sort -u | curl -sf --data-binary @- "$CONTROL/names" || h_die "no certificates"
	controller_environment
	h_embedded_start "$WORLD" "$H_TMP/$WORLD.objects" --min-retry-delay=10m --log-level=trace --events-addr="http://$RECEIVER/" "$@"
}
# What everybody would say to notification-controller: it, too, is searched for secrets.
h_receiver_start hook
# object NAME REGISTRY PROVIDER [SPEC]: tag 1.0.0 of the repository app there.
object()
{
	jq -n --arg name "$1" --arg url "oci://$2/app" --arg provider "$3" --argjson more "${4:-{\}}" '{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository",
		metadata: {name: $name}, spec: ({interval: "10m", timeout: "60s", url: $url, provider: $provider, ref: {tag: "1.0.0"}} + $more)}' >"$H_TMP/$WORLD.objects/$1.yaml"
}
# secret NAME KEY=VALUE...
secret()
{
	local name=$1 type=Opaque data

	shift
	case $1 in .dockerconfigjson=*) type=kubernetes.io/dockerconfigjson ;; esac
	data=$(for pair; do jq -n --arg k "${pair%%=*}" --arg v "${pair#*=}" '{($k): $v}'; done | jq -s add)
	jq -n --arg name "$name" --arg type "$type" --argjson data "$data" '{apiVersion: "v1", kind: "Secret", metadata: {name: $name}, type: $type, stringData: $data}' \
		>"$H_TMP/$WORLD.objects/secret-$name.yaml"
}
pull_secret() { secret "$1" ".dockerconfigjson={\"auths\":{\"$2\":{\"username\":\"$3\",\"password\":\"$4\"}}}"; } # NAME HOST USER PASSWORD

# ==== keys in the environment, a workload identity, a key file ===========================================================================
world static "${AWS_STATIC[@]}" AWS_REGION=ap-south-1 "${AZURE_WORKLOAD[@]}" GOOGLE_APPLICATION_CREDENTIALS="$H_TMP/service_account.json"
# who decides: Secrets, then the provider
script '{"hosts":{"open.example":{"kind":"open"},"ghcr.io":{"kind":"bearer"}}}'
object generic-anonymous open.example generic
object anonymous-on-ecr "$(ecr anonymous)" generic
pull_secret of-ecr "$(ecr static-beats)" me static-w0rd
settings "$(ecr static-beats)" '{"user":"me","password":"static-w0rd"}'
object static-beats-cloud "$(ecr static-beats)" aws '{"secretRef":{"name":"of-ecr"}}'
pull_secret of-ghcr ghcr.io me static-w0rd
object generic-never-ambient "$(ecr never-ambient)" generic '{"secretRef":{"name":"of-ghcr"}}'
object static-without-entry "$(ecr without-entry)" aws '{"secretRef":{"name":"of-ghcr"}}'
settings "$(ecr lazy)" '{"kind":"open"}'
object lazy-login "$(ecr lazy)" aws
# hosts of AWS: registry, API
ECR_HOSTS='123456789012.dkr.ecr.eu-west-1.amazonaws.com api.ecr.eu-west-1.amazonaws.com
123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn api.ecr.cn-north-1.amazonaws.com.cn
123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu api.ecr.eusc-de-east-1.amazonaws.eu
123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov api.ecr.us-iso-east-1.c2s.ic.gov
123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov api.ecr.us-isob-east-1.sc2s.sgov.gov
123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk api.ecr.eu-isoe-west-1.cloud.adc-e.uk
123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov api.ecr.us-isof-south-1.csp.hci.ic.gov
123456789012.dkr.ecr-fips.us-east-2.amazonaws.com api.ecr-fips.us-east-2.amazonaws.com
123456789012.dkr-ecr.eu-west-2.on.aws ecr.eu-west-2.api.aws
123456789012.dkr-ecr-fips.us-west-2.on.aws ecr-fips.us-west-2.api.aws
123456789012.dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn ecr.cn-northwest-1.api.amazonwebservices.com.cn
123456789012.dkr.ecr.eu-west-3.amazonaws.com:443 api.ecr.eu-west-3.amazonaws.com'
n=0
while read -r host api; do
	n=$((n + 1))
	object "ecr-host-$n" "$host" aws
done <<<"$ECR_HOSTS"
LOOKALIKES="123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example 123456789012xdkr.ecr.eu-west-1.amazonaws.com 12345678901.dkr.ecr.eu-west-1.amazonaws.com
123456789012.dkr.ecr.eu_west.amazonaws.com 123456789012.dkr.ecr.eu-west-1.amazonaws.com:444 evil.example.123456789012.dkr.ecr.eu-west-1.amazonaws.com
123456789012.dkr.ecr.eu-west-1.on.aws 123456789012.dkr-ecr.eu-west-1.amazonaws.com xpublic.ecr.aws public.ecr.aws.evil.example"
n=0
for host in $LOOKALIKES; do n=$((n + 1)); object "lookalike-aws-$n" "$host" aws; done
n=0
for host in x.azurecr.io.evil.example azurecr.io xazurecr.io x.azurecr.private x.azurecr.io:8443; do n=$((n + 1)); object "lookalike-azure-$n" "$host" azure; done
n=0
for host in pkg.dev xgcr.io europe-python.pkg.dev gcr.io.evil.example europe-docker.pkg.dev:443 docker.pkg.dev; do n=$((n + 1)); object "lookalike-gcp-$n" "$host" gcp; done
for host in gcr.io eu.gcr.io europe-docker.pkg.dev docker.s3nsregistry.fr; do object "gcp-host-${host%%.*}" "$host" gcp; done
object wrong-provider-tag ghcr.io aws
object wrong-provider-semver ghcr.io aws '{"ref":{"semver":"*"}}'
object aws-public public.ecr.aws aws
object aws-public-new ecr-public.aws.com aws
# what ECR may say
answers api.ecr.denied.amazonaws.com '[{"error":"AccessDeniedException","status":400,"text":"User is not authorized\nto perform ecr:GetAuthorizationToken","times":-1}]'
object aws-ecr-denied "$(ecr denied)" aws
answers api.ecr.throttle-2.amazonaws.com '[{"error":"ThrottlingException","status":400,"text":"Rate exceeded","times":2}]'
object aws-throttle-twice "$(ecr throttle-2)" aws
answers api.ecr.throttle.amazonaws.com '[{"error":"ThrottlingException","status":400,"text":"Rate exceeded","times":-1}]'
object aws-throttle-for-ever "$(ecr throttle)" aws
answers api.ecr.throttle-long.amazonaws.com '[{"error":"ThrottlingException","status":400,"text":"Rate exceeded","times":-1,"headers":{"Retry-After":"600"}}]'
object aws-throttle-long "$(ecr throttle-long)" aws
answers api.ecr.throttle-3.amazonaws.com '[{"error":"ThrottlingException","status":400,"text":"Rate exceeded","times":3,"headers":{"Retry-After":"1"}}]'
object aws-throttle-waits "$(ecr throttle-3)" aws
two_colons=$(printf 'AWS:a:b' | base64)
n=0
for odd in '{"authorizationData":[]}' "{\"authorizationData\":[{\"authorizationToken\":\"$two_colons\",\"expiresAt\":4000000000.5}]}" \
	'{"authorizationData":[{"authorizationToken":"*no base64*","expiresAt":4000000000}]}' "{\"authorizationData\":[{\"authorizationToken\":\"$(printf 'AWS:a' | base64)\"}]}" \
	"{\"authorizationData\":[{\"authorizationToken\":\"$(printf 'AWS:a' | base64)\",\"expiresAt\":\"2030-01-01T00:00:00Z\"}]}" '{"authorizationData":null}' \
	"{\"authorizationData\":[{\"authorizationToken\":\"$(printf 'nocolon' | base64)\",\"expiresAt\":4000000000}]}"; do
	n=$((n + 1))
	answers "api.ecr.odd-$n.amazonaws.com" "[{\"change\":$odd,\"times\":-1}]"
	object "aws-odd-answer-$n" "$(ecr "odd-$n")" aws
done
answers api.ecr.odd-text.amazonaws.com '[{"raw":"<html>no JSON</html>","times":-1}]'
object aws-odd-text "$(ecr odd-text)" aws
answers api.ecr.odd-large.amazonaws.com '[{"pad":4000000,"times":-1}]'
object aws-odd-large "$(ecr odd-large)" aws
for n in 401 403 400 twice; do object "cache-refused-$n" "$(ecr "refused-$n")" aws; done
# Azure
object az-workload one.azurecr.io azure
object az-cloud-cn one.azurecr.cn azure
object az-cloud-us one.azurecr.us azure
object az-deep a.b.azurecr.de azure
answers refuses.azurecr.io '[{"on":"exchange","error":"UNAUTHORIZED","text":"you are nobody here","status":401,"times":-1}]'
object az-exchange-401 refuses.azurecr.io azure
answers empty.azurecr.io '[{"on":"exchange","raw":"{}","times":-1}]'
object az-exchange-empty empty.azurecr.io azure
answers text.azurecr.io '[{"on":"exchange","raw":"{\"refresh_token\":\"no JWT at all\"}","times":-1}]'
object az-exchange-text text.azurecr.io azure
settings no-exp.azurecr.io '{"exp":null}'
object az-exchange-no-exp no-exp.azurecr.io azure
go
settle
ready generic-anonymous static-beats-cloud static-without-entry lazy-login
check_eq "$WORLD: generic-anonymous asked its registry only" "" "$(asked '^open.example$')"
check_eq "$WORLD: anonymous-on-ecr is refused by the registry" "False OCIArtifactPullFailed" "$(said anonymous-on-ecr '"\(.status) \(.reason)"')"
check_has "$WORLD: anonymous-on-ecr gets a hint" "spec.provider" "$(said anonymous-on-ecr .message)"
check_eq "$WORLD: generic-never-ambient is refused by the registry" "False OCIArtifactPullFailed" "$(said generic-never-ambient '"\(.status) \(.reason)"')"
check_match "$WORLD: generic-never-ambient shows nothing" '^registry 401( registry 401)*$' "$(requests never-ambient)"
check_eq "$WORLD: no password for who has a Secret, or needs none" "" "$(asked 'anonymous|static-beats|never-ambient|lazy')"
n=0
while read -r host api; do
	n=$((n + 1))
	ready "ecr-host-$n"
	check_eq "$WORLD: $host asks $api" "ecr 200" "$(asked "^${api//./\\.}\$")"
done <<<"$ECR_HOSTS"
n=0
for host in $LOOKALIKES; do n=$((n + 1)); refused "lookalike-aws-$n" "failed to get credential from aws: "; done
for n in 1 2 3 4 5; do refused "lookalike-azure-$n" "failed to get credential from azure: "; done
for n in 1 2 3 4 5 6; do refused "lookalike-gcp-$n" "failed to get credential from gcp: "; done
check_eq "$WORLD: nobody was asked for a look-alike" "" "$(fake_log | jq -r 'select(.host | test("evil|xpublic|^123456789012xdkr|^12345678901\\.|eu_west|^azurecr|xazurecr|private|^pkg|xgcr|python|^docker\\.pkg")) | .host')"
for host in gcr eu europe-docker docker; do ready "gcp-host-$host"; done
check_eq "$WORLD: one token of the key file for all of them" "google-token 200" "$(asked '^oauth2\.googleapis\.com$')"
refused wrong-provider-tag "ghcr.io"
refused wrong-provider-semver "ghcr.io"
check_eq "$WORLD: ghcr.io was not asked" "" "$(requests '^ghcr\.io$')"
ready aws-public aws-public-new
check_eq "$WORLD: one password for both names of the public registry" "ecr 200" "$(asked ecr-public)"
refused aws-ecr-denied "failed to get credential from aws: " api.ecr.denied.amazonaws.com 400 AccessDeniedException "User is not authorized" environment
check_eq "$WORLD: aws-ecr-denied asks once" "ecr 400" "$(asked 'ecr\.denied')"
ready aws-throttle-twice
check_eq "$WORLD: aws-throttle-twice asks three times" "ecr 400 ecr 400 ecr 200" "$(asked 'ecr\.throttle-2')"
refused aws-throttle-for-ever ThrottlingException "Rate exceeded"
check_match "$WORLD: aws-throttle-for-ever asks three times" '^ecr 400 ecr 400 ecr 400( ecr 400 ecr 400 ecr 400)*$' "$(asked 'ecr\.throttle\.')"
refused aws-throttle-long ThrottlingException
check_eq "$WORLD: aws-throttle-long does not wait with the run for ten minutes" "ecr 400" "$(asked 'ecr\.throttle-long')"
# What it was told is the least; the back-off counts, too.
refused aws-throttle-waits ThrottlingException
again aws-throttle-waits
ready aws-throttle-waits
for n in 1 2 3 4 5 6 7; do refused "aws-odd-answer-$n" "api.ecr.odd-$n.amazonaws.com"; done
refused aws-odd-text api.ecr.odd-text.amazonaws.com
refused aws-odd-large api.ecr.odd-large.amazonaws.com
ready az-workload az-cloud-cn az-cloud-us az-deep
check_eq "$WORLD: one token of Entra, from the authority that is set" "entra 200" "$(asked '^login\.')"
check_eq "$WORLD: one exchange for each registry" "exchange 200" "$(asked '^one\.azurecr\.cn$')"
refused az-exchange-401 "failed to get credential from azure: " refuses.azurecr.io 401 UNAUTHORIZED "you are nobody here"
refused az-exchange-empty empty.azurecr.io
refused az-exchange-text text.azurecr.io
ready az-exchange-no-exp
# A password that counted is refused: one new login. When that is refused, too, it is an error.
for n in 401 403 400; do revoke "$(ecr refused-$n)" "$n"; done
revoke "$(ecr refused-twice)" 403
settings "$(ecr refused-twice)" '{"refuse":[403,403,403,403]}'
for n in 401 403 400; do
	again "cache-refused-$n"
	ready "cache-refused-$n"
	check_eq "$WORLD: cache-refused-$n logs in once more" "ecr 200 ecr 200" "$(asked "ecr\.refused-$n\.")"
done
again cache-refused-twice
check_match "$WORLD: cache-refused-twice fails" "^False " "$(said cache-refused-twice '"\(.status) \(.reason)"')"
check_eq "$WORLD: cache-refused-twice logs in once more, not for ever" "ecr 200 ecr 200" "$(asked 'ecr\.refused-twice\.')"
metrics >"$H_TMP/metrics"
check_match "$WORLD: lookups of an object" 'gotk_token_cache_events_total\{event_type="cache_miss",kind="OCIRepository",name="az-workload",namespace="default",operation="reconcile"\} [12]' "$(cat "$H_TMP/metrics")"
for series in 'gotk_token_cache_requests_total{status="success"}' 'gotk_token_cache_requests_total{status="failure"}' gotk_token_cache_evictions_total gotk_token_cached_items; do
	check_match "$WORLD: $series" '^[0-9]+$' "$(grep -F "$series " "$H_TMP/metrics" | grep -v '^#' | cut -d' ' -f2)"
done
check_ne "$WORLD: requests by what" "" "$(grep -E '^cloud_requests_total\{.*provider="aws".*what="ecr".*\} [1-9]' "$H_TMP/metrics")"
leave

# ==== a token of the pod, a client's secret, a file of an external account ===============================================================
world web "${AWS_WEB[@]}" AWS_ROLE_SESSION_NAME=of-the-test "${AZURE_SECRET[@]}" AZURE_AUTHORITY_HOST=https://login.microsoftonline.com/ \
	AZURE_FEDERATED_TOKEN_FILE="$H_TMP/azure.jwt" GOOGLE_APPLICATION_CREDENTIALS="$H_TMP/file.json"
script '{"session":"of-the-test"}'
settings "$(ecr irsa)" '{"source":"sts","session":"of-the-test"}'
object aws-irsa "$(ecr irsa)" aws
settings public.ecr.aws '{"anonymous":true}'
answers sts.us-east-1.amazonaws.com '[{"error":"AccessDenied","status":403,"text":"Not authorized to perform sts:AssumeRoleWithWebIdentity","times":-1}]'
object no-anonymous-fallback public.ecr.aws aws
answers sts.untrusted.amazonaws.com '[{"error":"InvalidIdentityToken","status":400,"text":"No OpenIDConnect provider found","times":-1}]'
object aws-sts-untrusted "$(ecr untrusted)" aws
answers sts.expired.amazonaws.com '[{"error":"ExpiredTokenException","status":400,"text":"Token expired","times":-1}]'
object aws-sts-expired "$(ecr expired)" aws
answers sts.broken.amazonaws.com '[{"error":"InternalFailure","status":500,"text":"it broke","times":2}]'
object aws-sts-500-twice "$(ecr broken)" aws
settings sts.xml-entities.amazonaws.com '{"token":"a&b<c>\"d'"'"'e&amp;==/+"}'
object aws-xml-entities "$(ecr xml-entities)" aws
settings sts.xml-no-expiration.amazonaws.com '{"no_expiration":true}'
object aws-xml-no-expiration "$(ecr xml-no-expiration)" aws
answers sts.xml-dtd.amazonaws.com '[{"raw":"<!DOCTYPE a [<!ENTITY x \"y\">]>%(good)s","times":-1}]'
object aws-xml-dtd "$(ecr xml-dtd)" aws
answers sts.xml-large.amazonaws.com '[{"pad":71680,"times":-1}]'
object aws-xml-large "$(ecr xml-large)" aws
answers sts.xml-cut.amazonaws.com '[{"cut":true,"times":-1}]'
object aws-xml-cut "$(ecr xml-cut)" aws
answers sts.xml-elsewhere.amazonaws.com '[{"raw":"<a><AccessKeyId>%(id)s</AccessKeyId><SecretAccessKey>%(secret)s</SecretAccessKey><SessionToken>t</SessionToken></a>","times":-1}]'
object aws-xml-elsewhere "$(ecr xml-elsewhere)" aws
answers sts.hang.amazonaws.com '[{"hang":60,"times":-1}]'
object slow-sts-hangs "$(ecr hang)" aws '{"timeout":"15s"}'
object az-secret one.azurecr.io azure
object gcp-external-file europe-docker.pkg.dev gcp
go
settle "$SOON" '^(az-secret|aws-irsa|gcp-external-file)$'
check_eq "$WORLD: an STS that hangs keeps nobody waiting" "" "$(said slow-sts-hangs 'select(.status != "Unknown") | .message')"
settle
ready aws-irsa az-secret gcp-external-file
check_eq "$WORLD: aws-irsa asks once" "sts 200 ecr 200" "$(asked '\.irsa\.')"
check_eq "$WORLD: az-secret asks once" "entra 200" "$(asked '^login')"
check_eq "$WORLD: gcp-external-file asks once, and impersonates nobody" "google-sts 200" "$(asked 'googleapis')"
refused no-anonymous-fallback "failed to get credential from aws: " sts.us-east-1.amazonaws.com 403 AccessDenied "Not authorized to perform" "web identity"
refused aws-sts-untrusted InvalidIdentityToken "No OpenIDConnect provider found" "https://idp.example" "$SUB" sts.amazonaws.com
refused aws-sts-expired ExpiredTokenException "https://idp.example"
ready aws-sts-500-twice aws-xml-entities
check_eq "$WORLD: aws-sts-500-twice asks three times" "sts 500 sts 500 sts 200 ecr 200" "$(asked '\.broken\.')"
for name in dtd large cut elsewhere; do refused "aws-xml-$name" "sts.xml-$name.amazonaws.com"; done
case $(said aws-xml-no-expiration .status) in
True) ready aws-xml-no-expiration ;;
*) refused aws-xml-no-expiration Expiration ;;
esac
refused slow-sts-hangs sts.hang.amazonaws.com
leave

# 200 objects of one registry, nothing kept yet: one login.
world flight "${AWS_WEB[@]}"
object flight-1 "$(ecr flight)" aws
for n in $(seq 2 200); do sed "s/flight-1\"/flight-$n\"/" "$H_TMP/$WORLD.objects/flight-1.yaml" >"$H_TMP/$WORLD.objects/flight-$n.yaml"; done
go
settle 60
check_eq "$WORLD: all are Ready" 200 "$(jq '[.items[] | select(any(.status.conditions[]; .type == "Ready" and .status == "True"))] | length' "$NOW")"
check_eq "$WORLD: one login for all of them" "sts 200 ecr 200" "$(asked '\.flight\.')"
check_match "$WORLD: the session has a name of its own" '^RoleSessionName=[0-9]{19}$' "$(fake_log | jq -r 'select(.role == "sts") | .body' | tr '&' '\n' | grep ^RoleSessionName)"
leave

# ==== how long a login is kept ===========================================================================================================
cp "$H_TMP/aws.jwt" "$H_TMP/rotates.jwt"
world life AWS_ROLE_ARN=arn:aws:iam::123456789012:role/puller AWS_WEB_IDENTITY_TOKEN_FILE="$H_TMP/rotates.jwt" "${AZURE_SECRET[@]}"
settings api.ecr.life.amazonaws.com '{"life":10}'
settings api.ecr.rotates.amazonaws.com '{"life":6}'
settings sts.rotates.amazonaws.com '{"life":6}'
object cache-life "$(ecr life)" aws '{"interval":"1s"}'
object aws-irsa-rotated-file "$(ecr rotates)" aws '{"interval":"1s"}'
go --min-retry-delay=500ms
settle
ready cache-life aws-irsa-rotated-file
token sts.amazonaws.com 2 >"$H_TMP/rotates.jwt"
second() { fake_log | jq -rs '[.[] | select(.role == "ecr" and (.host | test("\\.life\\.")))] | length'; }
check_soon "$WORLD: a second password" 15 2 second
between=$(fake_log | jq -s '[.[] | select(.role == "ecr" and (.host | test("\\.life\\."))) | .at] | (.[1] - .[0]) * 1000 | floor')
check_match "$WORLD: it was fetched between 70 % and 80 % of the first one's life, a run later at most ($between ms)" '^(6[89]..|[78]...|9[0-4]..)$' "$between"
last_token() { fake_log | jq -rs '[.[] | select(.role == "sts" and (.host | test("rotates"))) | .body] | last' | tr '&' '\n' | sed -n 's/^WebIdentityToken=//p'; }
check_soon "$WORLD: the file is read at each login" 15 "$(cat "$H_TMP/rotates.jwt")" last_token
leave
for off in --token-cache-max-size=0 --token-cache-max-duration=1s; do
	world "life${off//[=-]/}" "${AWS_STATIC[@]}"
	object one "$(ecr one)" aws
	go "$off"
	settle
	ready one
	check_eq "$off: one login for a run" "ecr 200" "$(asked ecr)"
	sleep 1.1 # longer than the second of --token-cache-max-duration
	again one
	ready one
	check_eq "$off: another one for the next" "ecr 200 ecr 200" "$(asked ecr)"
	[ "$off" != --token-cache-max-size=0 ] || check_eq "$off: no series" "" "$(metrics | grep '^gotk_token_')"
	leave
done

# AWS's clock is 20 minutes ahead: signed once more, and it is kept.
world clock "${AWS_STATIC[@]}"
for n in 1 2; do script "{\"hosts\":{\"api.ecr.clock-$n.amazonaws.com\":{\"skew\":1200}}}"; done
object one "$(ecr clock-1)" aws
go
settle
ready one
check_eq "$WORLD: the second one is signed with the cloud's time" "ecr 400 ecr 200" "$(asked clock-1)"
object two "$(ecr clock-2)" aws
h_until "$SOON" k get ocirepository two
settle
ready two
check_eq "$WORLD: and it is known for the next registry" "ecr 200" "$(asked clock-2)"
leave

# ==== what gives credentials to a container ==============================================================================================
world container "${AWS_CONTAINER[@]}" GOOGLE_APPLICATION_CREDENTIALS="$H_TMP/url.json"
settings local "{\"authorization\":{\"file\":\"$H_TMP/pod.token\"}}"
settings subject.example "$(jq -n --rawfile t "$H_TMP/google.jwt" '{kind: "subject", want: {"X-Want": "yes"}, json: {value: $t}}')"
script "{\"google\":{\"//iam.googleapis.com/$PROVIDER\":{\"jwt\":$(trusts "//iam.googleapis.com/$PROVIDER"),\"scope\":[\"https://www.googleapis.com/auth/cloud-platform\"]}}}"
settings "$(ecr pod)" '{"source":"container"}'
settings europe-docker.pkg.dev "{\"source\":\"impersonated $EMAIL\"}"
object aws-pod-identity "$(ecr pod)" aws
object gcp-external-url europe-docker.pkg.dev gcp
object az-imds one.azurecr.io azure
settings one.azurecr.io '{"source":"azure-imds/"}'
go
settle
ready aws-pod-identity gcp-external-url az-imds
check_eq "$WORLD: aws-pod-identity asks once" "container 200" "$(asked '^local$')"
check_eq "$WORLD: gcp-external-url: the token, the exchange, the impersonation" "subject 200 google-sts 200 google-iam 200" "$(asked 'subject|googleapis')"
check_eq "$WORLD: az-imds asks once" "azure-imds 200" "$(asked '^169\.254\.169\.254')"
leave

world ecs AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/of-the-task AWS_CONTAINER_AUTHORIZATION_TOKEN=a-token "${AZURE_WORKLOAD[@]}" GCE_METADATA_HOST="$LOCAL"
settings 169.254.170.2:80 '{"authorization":"a-token","no_expiration":true}'
answers login.microsoftonline.com '[{"error":"invalid_client","status":401,"text":"AADSTS70021: No matching federated identity record found.\r\nTrace ID: fake","times":-1}]'
answers local '[{"reset":true,"times":3}]'
object aws-ecs "$(ecr ecs)" aws
object az-entra-401 one.azurecr.io azure
object gcp-metadata-late europe-docker.pkg.dev gcp
go --min-retry-delay=200ms
settle "$SOON" '^a'
ready aws-ecs
check_eq "$WORLD: aws-ecs asks once" "container 200" "$(asked '^169\.254\.170\.2')"
refused az-entra-401 "failed to get credential from azure: " login.microsoftonline.com 401 AADSTS70021 "https://idp.example" "$SUB" api://AzureADTokenExchange
check_soon "$WORLD: gcp-metadata-late comes without a restart" "$SOON" True now_said gcp-metadata-late .status
leave

# ==== the node's identity ================================================================================================================
# The metadata services are at their own addresses, and HTTP_PROXY is set: what goes to them through it is a failure.
world node AZURE_CLIENT_ID=client-of-the-node
script '{"hosts":{"169.254.169.254:80":{"client":"client-of-the-node"}}}'
secret way address="$TENANT" username=tenant password=pass@word
object aws-imds "$(ecr imds)" aws
settings "$(ecr imds)" '{"source":"imds"}'
object az-imds-client one.azurecr.io azure
object gcp-metadata europe-docker.pkg.dev gcp
for provider in aws:"$(ecr imds-2)" azure:two.azurecr.io gcp:us-docker.pkg.dev; do
	object "proxy-local-${provider%%:*}" "${provider#*:}" "${provider%%:*}" '{"proxySecretRef":{"name":"way"}}'
done
go
settle
ready aws-imds az-imds-client gcp-metadata proxy-local-aws proxy-local-azure proxy-local-gcp
check_has "$WORLD: aws-imds: a token, the role, its keys" "imds 200 imds 200 imds 200" "$(fake_log | jq -r 'select(.role == "imds") | "\(.role) \(.status)"' | paste -sd ' ')"
check_eq "$WORLD: proxy-local: the rest went through the object's proxy" "proxy tenant" "$(fake_log | jq -r 'select(.host | test("imds-2|two.azurecr|us-docker")) | .via' | sort -u)"
leave

# no_node NAME ANSWERS VARIABLE=VALUE...: one object for which the metadata service at $LOCAL has no credentials; within five seconds.
no_node()
{
	world "$1" "${@:3}"
	answers local "$2"
	object one "$(ecr "$1")" aws
	object gcp europe-docker.pkg.dev gcp
	go
	settle 10
	check_le "$WORLD: it is known within five seconds" 5000 "$TOOK"
}
IMDS=AWS_EC2_METADATA_SERVICE_ENDPOINT=http://$LOCAL
no_node imds-no-v1 '[{"on":"PUT","error":"Forbidden","status":403,"times":-1},{"on":"computeMetadata","error":"nf","text":"no account","status":404,"times":-1}]' "$IMDS" \
	AWS_EC2_METADATA_V1_DISABLED=true GCE_METADATA_HOST="$LOCAL" "${AZURE_SECRET[@]}"
refused one "failed to get credential from aws: " 403
refused gcp "failed to get credential from gcp: " 404 "service account"
check_match "$WORLD: nothing is asked without a token" '^imds 403( imds 403)*( metadata 404)*$' "$(fake_log | jq -r 'select(.role == "imds") | "\(.role) \(.status)"' | paste -sd ' ')"
leave
no_node imds-no-role '[{"on":"security-credentials","error":"Not Found","status":404,"times":-1}]' "$IMDS" GOOGLE_APPLICATION_CREDENTIALS="$H_TMP/executable.json"
refused one "failed to get credential from aws: " role
refused gcp "failed to get credential from gcp: " executable
check_fails "$WORLD: nothing was run" test -e "$H_TMP/was-run"
NO_ROLE=$(said one .message)
leave
no_node imds-disabled '[]' "$IMDS" AWS_EC2_METADATA_DISABLED=true GOOGLE_APPLICATION_CREDENTIALS="$H_TMP/aws.json"
refused one "failed to get credential from aws: " AWS_EC2_METADATA_DISABLED
refused gcp "failed to get credential from gcp: " aws
check_eq "$WORLD: nothing is asked" "" "$(asked local)$(asked 169)"
check_ne "$WORLD: another line than without a role" "$NO_ROLE" "$(said one .message)"
leave
no_node imds-silent '[]' AWS_EC2_METADATA_SERVICE_ENDPOINT="http://$DEAD" GCE_METADATA_HOST="$DEAD"
refused one "failed to get credential from aws: " "$DEAD"
refused gcp "failed to get credential from gcp: " "$DEAD"
check_ne "$WORLD: another line than without a role" "$NO_ROLE" "$(said one .message)"
leave

world imds-v1 "$IMDS" GCE_METADATA_HOST="$LOCAL"
script '{"hosts":{"local":{"v1":true,"answers":[{"on":"PUT","error":"Forbidden","status":403,"times":-1}]},
	"169.254.169.254:80":{"answers":[{"error":"invalid_request","status":400,"text":"Multiple user assigned identities exist, please specify the clientId","times":-1}]}}}'
object aws-imds-v1 "$(ecr imds-v1)" aws
object gcp-metadata europe-docker.pkg.dev gcp
settings europe-docker.pkg.dev '{"source":"metadata"}'
object az-imds-several one.azurecr.io azure
go
settle
ready aws-imds-v1 gcp-metadata
refused az-imds-several "failed to get credential from azure: " AZURE_CLIENT_ID "Multiple user assigned identities"
check_eq "$WORLD: it is not asked again" "azure-imds 400" "$(asked '^169\.254\.169\.254')"
leave

# ==== environments that cannot be used, or choose ========================================================================================
# only_aws NAME VARIABLE=VALUE...: one object of AWS
only_aws()
{
	world "$@"
	settings local "{\"authorization\":{\"file\":\"$H_TMP/pod.token\"}}"
	object one "$(ecr "$WORLD")" aws
	go
	settle
}
only_aws no-role AWS_WEB_IDENTITY_TOKEN_FILE="$H_TMP/aws.jwt"
refused one "failed to get credential from aws: " AWS_ROLE_ARN
leave
only_aws no-file AWS_ROLE_ARN=arn:aws:iam::123456789012:role/puller AWS_WEB_IDENTITY_TOKEN_FILE="$H_TMP/not-there"
refused one "failed to get credential from aws: " "$H_TMP/not-there"
leave
printf 'pod-identity-token-of-the-agent\n' >"$H_TMP/newline.token"
only_aws newline AWS_CONTAINER_CREDENTIALS_FULL_URI="http://$LOCAL/v1/credentials" AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="$H_TMP/newline.token"
refused one "failed to get credential from aws: "
check_eq "$WORLD: nothing is sent" "" "$(asked local)"
leave
only_aws address AWS_CONTAINER_CREDENTIALS_FULL_URI=http://10.0.0.1/v1/credentials
refused one "failed to get credential from aws: " 10.0.0.1
leave
only_aws name AWS_CONTAINER_CREDENTIALS_FULL_URI=http://elsewhere.example/v1/credentials
refused one "failed to get credential from aws: " elsewhere.example
check_eq "$WORLD: nothing is sent there" "" "$(asked '^10\.')"
leave
only_aws loopback-name AWS_CONTAINER_CREDENTIALS_FULL_URI="http://agent.example:${LOCAL#*:}/v1/credentials" AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="$H_TMP/pod.token"
ready one
leave
only_aws static-first "${AWS_STATIC[@]}" "${AWS_WEB[@]}" "${AWS_CONTAINER[@]}"
ready one
check_eq "$WORLD: only the password is asked for" "ecr 200" "$(asked .)"
leave
only_aws web-first "${AWS_WEB[@]}" "${AWS_CONTAINER[@]}"
ready one
check_eq "$WORLD: the pod's token is used" "sts 200 ecr 200" "$(asked .)"
leave

# Profiles: their keys count, programs are not run.
mkdir -p "$H_TMP/profile/.aws" "$H_TMP/process/.aws"
printf '[default]\naws_access_key_id = AKIANOBODY\naws_secret_access_key = none\n\n[ours]\naws_access_key_id = AKIASTATIC0000000001\naws_secret_access_key = %s\n' "$STATIC_SECRET" >"$H_TMP/profile/.aws/credentials"
printf '[default]\ncredential_process = /usr/bin/touch %s\n' "$H_TMP/was-run" >"$H_TMP/process/.aws/config"
only_aws profile HOME="$H_TMP/profile" AWS_PROFILE=ours
ready one
check_eq "$WORLD: only the password is asked for" "ecr 200" "$(asked .)"
leave
only_aws profile-process HOME="$H_TMP/process"
refused one "failed to get credential from aws: " credential_process
check_fails "$WORLD: nothing was run" test -e "$H_TMP/was-run"
leave

# Variables that move AWS's endpoints.
world aws-fips "${AWS_WEB[@]}" AWS_USE_FIPS_ENDPOINT=true
for region in us-east-1 us-gov-west-1; do
	settings "$(ecr $region)" "{\"api\":\"api.ecr-fips.$region.amazonaws.com\"}"
	object "fips-$region" "$(ecr $region)" aws
done
go
settle
ready fips-us-east-1 fips-us-gov-west-1
check_eq "$WORLD: STS has a FIPS endpoint" "sts 200" "$(asked '^sts-fips\.us-east-1\.amazonaws\.com$')"
check_eq "$WORLD: that of GovCloud is its only one" "sts 200" "$(asked '^sts\.us-gov-west-1\.amazonaws\.com$')"
leave
world aws-dualstack "${AWS_WEB[@]}" AWS_USE_DUALSTACK_ENDPOINT=true
settings "$(ecr eu-west-1)" '{"api":"ecr.eu-west-1.api.aws"}'
object one "$(ecr eu-west-1)" aws
go
settle
ready one
check_eq "$WORLD: both endpoints are of api.aws" "sts 200 ecr 200" "$(asked 'eu-west-1\.api\.aws$')"
leave
world aws-endpoints "${AWS_WEB[@]}" AWS_ENDPOINT_URL=https://nobody.example AWS_ENDPOINT_URL_STS=https://sts.private.example AWS_ENDPOINT_URL_ECR=https://ecr.private.example
script '{"hosts":{"sts.private.example":{"kind":"sts"},"ecr.private.example":{"kind":"ecr-api","region":"eu-west-1"}}}'
settings "$(ecr eu-west-1)" '{"api":"ecr.private.example"}'
object one "$(ecr eu-west-1)" aws
go
settle
ready one
check_eq "$WORLD: those are asked" "sts 200 ecr 200" "$(asked 'private\.example$')"
leave

# Azure: a cloud of one's own, the authority by the registry, App Service
printf '{"resourceManagerEndpoint":"https://management.private.example/","tokenAudience":"https://management.private.example/","containerRegistryDNSSuffix":"azurecr.private"}' >"$H_TMP/azure.json"
world az-env-file AZURE_TENANT_ID=tenant-1 AZURE_CLIENT_ID=client-1 AZURE_CLIENT_SECRET="$CLIENT_SECRET" AZURE_ENVIRONMENT_FILEPATH="$H_TMP/azure.json" AZURE_AUTHORITY_HOST=https://login.private.example/
script "{\"entra\":[{\"tenant\":\"tenant-1\",\"client\":\"client-1\",\"secret\":\"$CLIENT_SECRET\",\"scope\":\"https://management.private.example//.default\"}],
	\"hosts\":{\"login.private.example\":{\"kind\":\"entra\",\"text_expiry\":true},\"x.azurecr.private\":{\"kind\":\"acr\"}}}"
object az-env-file x.azurecr.private azure
object az-env-file-lookalike xazurecr.private azure
go
settle
ready az-env-file
check_eq "$WORLD: that authority is asked" "entra 200" "$(asked '^login\.private')"
refused az-env-file-lookalike "failed to get credential from azure: "
leave
world az-clouds "${AZURE_SECRET[@]}"
for suffix in io cn us; do object "az-$suffix" "one.azurecr.$suffix" azure; done
go
settle
ready az-io az-cn az-us
for host in login.microsoftonline.com login.chinacloudapi.cn login.microsoftonline.us; do check_eq "$WORLD: the authority of the registry's cloud: $host" "entra 200" "$(asked "^${host//./\\.}\$")"; done
leave
world az-authority-http "${AZURE_SECRET[@]}" AZURE_AUTHORITY_HOST=http://login.microsoftonline.com/
object one one.azurecr.io azure
go
settle
refused one "failed to get credential from azure: " AZURE_AUTHORITY_HOST https
leave
world az-app-service IDENTITY_ENDPOINT="http://$LOCAL/msi/token" IDENTITY_HEADER=app-service-header
settings local '{"header":"app-service-header"}'
object one one.azurecr.io azure
go
settle
ready one
check_eq "$WORLD: asked once" "app-service 200" "$(asked '^local$')"
leave

# ==== trust and ways =====================================================================================================================
# The registry's CA is the tenant's affair; the clouds' are not: without the system's trust in them nothing is sent to them.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=other -keyout "$H_TMP/other.key" -out "$H_TMP/other.pem" 2>/dev/null
world trust "${AZURE_SECRET[@]}" "${AWS_STATIC[@]}" SSL_CERT_FILE="$H_TMP/other.pem"
secret ca ca.crt="$(cat "$CA")"
object azure one.azurecr.io azure '{"certSecretRef":{"name":"ca"}}'
object aws "$(ecr trust)" aws '{"certSecretRef":{"name":"ca"}}'
go
settle 30
refused azure "failed to get credential from azure: " login.microsoftonline.com certificate
refused aws "failed to get credential from aws: " api.ecr.trust.amazonaws.com certificate
check_eq "$WORLD: the registries were trusted, the clouds not" "registry" "$(fake_log | jq -r 'select(.role != "connect" and .role != "tls") | .role' | sort -u | paste -sd ' ')"
leave

world ca-bundle "${AWS_STATIC[@]}" SSL_CERT_FILE="$H_TMP/other.pem" AWS_CA_BUNDLE="$CA"
secret ca ca.crt="$(cat "$CA")"
object aws "$(ecr trust)" aws '{"certSecretRef":{"name":"ca"}}'
go
settle 30
ready aws
leave

# Everything of an object goes through its own proxy, whatever the environment says.
world proxies "${AWS_WEB[@]}" "${AZURE_SECRET[@]}" GOOGLE_APPLICATION_CREDENTIALS="$H_TMP/service_account.json" HTTPS_PROXY="$NOBODY" HTTP_PROXY="$NOBODY" NO_PROXY='*'
secret way address="$TENANT" username=tenant password=pass@word
script '{"hosts":{"layers.s3.eu-west-1.amazonaws.com":{"kind":"bucket"}}}'
settings "$(ecr eu-west-1)" '{"bucket":"layers.s3.eu-west-1.amazonaws.com"}'
object proxy-carries-aws "$(ecr eu-west-1)" aws '{"proxySecretRef":{"name":"way"}}'
object proxy-carries-azure one.azurecr.io azure '{"proxySecretRef":{"name":"way"}}'
object proxy-carries-gcp europe-docker.pkg.dev gcp '{"proxySecretRef":{"name":"way"}}'
go
settle
ready proxy-carries-aws proxy-carries-azure proxy-carries-gcp
check_eq "$WORLD: by one way only" "proxy tenant" "$(fake_log | jq -r .via | sort -u)"
check_eq "$WORLD: all of them" "bucket ecr entra exchange google-token realm registry sts" \
	"$(fake_log | jq -r 'select(.role != "connect") | if (.host | test("s3")) then "bucket" else .role end' | sort -u | paste -sd ' ')"
leave

# ==== ocictl, as whoever runs it =========================================================================================================
world ocictl "${AWS_STATIC[@]}"
there() { env -i PATH="$PATH" HOME="$H_TMP/home" ${LSAN_OPTIONS:+LSAN_OPTIONS="$LSAN_OPTIONS"} HTTPS_PROXY="$PROXY" SSL_CERT_FILE="$CA" "${ENVIRONMENT[@]}" "$OCICTL" "$@" 2>&1; }
printf '%s\n' "$(ecr eu-west-1)" ghcr.io | curl -sf --data-binary @- "$CONTROL/names" || h_die "no certificates"
check_match "$WORLD: resolve --provider=aws" 'sha256:[0-9a-f]{64}' "$(there resolve "oci://$(ecr eu-west-1)/app:1.0.0" --provider=aws)"
check_eq "$WORLD: one login" "ecr 200" "$(asked 'ecr\.eu-west-1')"
rc=0
said=$(there pull "oci://$(ecr eu-west-1)/app:1.0.0" --provider=aws --output=-  | head -c 4 | od -An -tx1 | tr -d ' ') || rc=$?
check_match "$WORLD: pull --provider=aws gives the layer" '^1f8b' "$said"
check_has "$WORLD: another host" "--provider=aws: 'ghcr.io'" "$(there resolve oci://ghcr.io/app:1.0.0 --provider=aws)"
check_eq "$WORLD: ghcr.io was not asked" "" "$(requests '^ghcr\.io$')"
check_has "$WORLD: another provider" "--provider is aws, azure, gcp or generic" "$(there resolve oci://ghcr.io/app:1.0.0 --provider=acme)"
check_ne "$WORLD: without it" "" "$(there resolve "oci://$(ecr eu-west-1)/app:1.0.0" | grep -o 'no credentials were given')"
h_finish
