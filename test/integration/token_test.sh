#!/usr/bin/env bash
# Bearer tokens against Debian's docker-registry: it names a token server and checks signature, service, scope and time of what we bring.
# The token server has files whose names are the whole request, so only what was asked for exactly is answered.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"

SERVICE=test-registry
ISSUER=test-issuer
b64url() { openssl base64 -A | tr '+/' '-_' | tr -d =; }
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout "$H_TMP/key.pem" -out "$H_TMP/cert.pem" 2>/dev/null ||
	h_die "openssl cannot make a certificate"

# jwt REPOSITORY ACTIONS LIFE: a token in the form of the distribution token specification.
jwt()
{
	local now head body

	now=$(date +%s)
	head=$(printf '{"typ":"JWT","alg":"RS256","x5c":["%s"]}' "$(openssl x509 -in "$H_TMP/cert.pem" -outform DER | openssl base64 -A)" | b64url)
	body=$(printf '{"iss":"%s","sub":"","aud":"%s","exp":%d,"nbf":%d,"iat":%d,"jti":"1","access":[{"type":"repository","name":"%s","actions":[%s]}]}' \
		"$ISSUER" "$SERVICE" $((now + $3)) $((now - 60)) "$now" "$1" "$2" | b64url)
	printf '%s.%s.%s' "$head" "$body" "$(printf '%s.%s' "$head" "$body" | openssl dgst -sha256 -sign "$H_TMP/key.pem" -binary | b64url)"
}
# grant REPOSITORY ACTIONS: what the token server answers to the question for both rights, which the registry names in one order or the other.
grant()
{
	local token scope

	token=$(jwt "$1" "$2" 300)
	for scope in pull pull%2Cpush push%2Cpull; do
		printf '{"token":"%s","expires_in":300}' "$token" >"$H_TMP/www/token?service=$SERVICE&scope=repository%3A$1%3A$scope"
	done
}
mkdir "$H_TMP/www"
grant app '"pull","push"'
grant weak '"pull"'

AUTH_PORT=$(h_free_port)
h_spawn auth python3 "$H_ROOT/test/lib/https_files.py" "$H_TMP/www" "$AUTH_PORT" "$H_TMP/cert.pem" "$H_TMP/key.pem"
PORT=$(h_free_port)
REG=127.0.0.1:$PORT
mkdir "$H_TMP/reg"
cat >"$H_TMP/reg.yml" <<-YML
version: 0.1
log: {level: warn, formatter: json, accesslog: {disabled: false}}
storage: {filesystem: {rootdirectory: $H_TMP/reg}}
http: {addr: '$REG'}
auth: {token: {realm: 'https://localhost:$AUTH_PORT/token', service: $SERVICE, issuer: $ISSUER, rootcertbundle: $H_TMP/cert.pem}}
YML
h_spawn reg docker-registry serve "$H_TMP/reg.yml"
h_until 20 curl -so /dev/null "http://$REG/v2/" || h_die "docker-registry does not answer"
h_until 20 curl -skfo /dev/null "https://localhost:$AUTH_PORT/token?service=$SERVICE&scope=repository%3Aapp%3Apull%2Cpush" || h_die "the token server does not answer"

push() { env HOME="$H_TMP" "$OCICTL" push "oci://$REG/$1" --path="$H_ROOT/deploy/samples/app" --source=s --revision=r --insecure "${@:2}" 2>&1; }
out=$(push app:1); rc=$?
check_eq "a push with a token" 0 "$rc"
check_has "is there" "sha256:" "$out"
out=$(push app:2 --creds=u:p)
check_has "and with a user, too" "app:2@sha256:" "$out"
check_ok "tag" env HOME="$H_TMP" "$OCICTL" tag "oci://$REG/app:1" --tag=stable --insecure
out=$(push weak:1)
check_has "a token that does not allow it" "the token was refused" "$out"
check_has "and what the registry says" "401 Unauthorized (UNAUTHORIZED: authentication required" "$out"
out=$(push other:1)
check_has "a token server that has nothing for us" "no token for '$REG/other' from 'https://localhost:$AUTH_PORT/token'" "$out"
out=$(env HOME="$H_TMP" "$OCICTL" push "oci://$REG/app:3" --path="$H_ROOT/deploy/samples/app" --source=s --revision=r 2>&1)
check_has "its certificate counts without --insecure" "certificate" "$out"

# The controller gets a token of its own, for pulling only.
KUBECTL=$(h_kubectl_debian) || h_die "no kubectl"
mkdir "$H_TMP/objects"
h_embedded_start src "$H_TMP/objects"
object()
{
	jq -n --arg name "$1" --arg url "oci://$REG/$1" \
		'{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: $name}, spec: {interval: "10m", url: $url, insecure: true, ref: {tag: "1"}}}' |
		k apply -f - >/dev/null || h_die "cannot apply $1"
}
ready() { k get ocirepository "$1" -o json | jq -r '.status.conditions[]? | select(.type == "Ready") | "\(.status) \(.reason)"'; }
object app
check_soon "an object behind a token server" 20 "True Succeeded" ready app
object other
check_soon "one that it has no token for" 20 "False OCIArtifactPullFailed" ready other
check_has "says where it was refused" "no token for '$REG/other'" "$(k get ocirepository other -o json | jq -r '.status.conditions[] | select(.type == "Ready") | .message')"
check_eq "no token in the log or the objects" "" "$(cat "$H_TMP/log/src.err" <(k get ocirepositories,events -o json) | grep -F "$(jq -r .token "$H_TMP/www/token?service=$SERVICE&scope=repository%3Aapp%3Apull")" | head -c 200)"
h_finish
