#!/usr/bin/env bash
# Debian's docker-registry with TLS: a certificate that nobody vouches for stops everything but --insecure, and plain http is then not tried.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=elsewhere -keyout "$H_TMP/key.pem" -out "$H_TMP/cert.pem" 2>/dev/null ||
	h_die "openssl cannot make a certificate"
PORT=$(h_free_port)
REG=127.0.0.1:$PORT
mkdir "$H_TMP/reg"
cat >"$H_TMP/reg.yml" <<-YML
version: 0.1
log: {level: warn, formatter: json, accesslog: {disabled: false}}
storage: {filesystem: {rootdirectory: $H_TMP/reg}}
http: {addr: '$REG', tls: {certificate: $H_TMP/cert.pem, key: $H_TMP/key.pem}}
YML
h_spawn reg docker-registry serve "$H_TMP/reg.yml"
h_until 20 curl -skfo /dev/null "https://$REG/v2/" || h_die "docker-registry does not answer"

push() { env HOME="$H_TMP" "$OCICTL" push "oci://$REG/app:$1" --path="$H_ROOT/deploy/samples/app" --source=s --revision=r "${@:2}" 2>&1; }
out=$(push 1)
check_has "an unknown certificate is refused" "certificate" "$out"
check_has "in words that say what would help" "self-signed certificate; certSecretRef, --ca-file or SSL_CERT_FILE can name its CA" "$out"
check_eq "plain http was not tried" "" "$(grep -a "HTTP request to an HTTPS server" "$H_TMP/log/reg.err")"
check_eq "nothing arrived" "" "$(grep -F ocictl "$H_TMP/log/reg.out")"
check_has "--insecure takes it" "app:1@sha256:" "$(push 1 --insecure)"
check_has "over TLS, and HTTP/1.1 although this registry offers HTTP/2" '"PUT /v2/app/manifests/1 HTTP/1.1"' "$(grep -F ocictl "$H_TMP/log/reg.out")"

# Plain http: on 127.0.0.1 it needs no leave, on other addresses it does.
PLAIN=127.0.0.2:$(h_free_port)
h_spawn plain python3 -m http.server --bind 127.0.0.2 "${PLAIN#*:}"
h_until 20 curl -so /dev/null "http://$PLAIN/" || h_die "the plain server does not answer"
check_has "of plain http what allows it is said" "it speaks no TLS; 'insecure' allows plain http" "$("$OCICTL" resolve "oci://$PLAIN/app:1" 2>&1)"
check_has "with leave it is asked" "404" "$("$OCICTL" resolve --insecure "oci://$PLAIN/app:1" 2>&1)"

# The controller: spec.insecure, and no object's leave counts for another.
KUBECTL=$(h_kubectl_debian) || h_die "no kubectl"
mkdir "$H_TMP/objects"
h_embedded_start src "$H_TMP/objects"
object()
{
	jq -n --arg name "$1" --arg url "oci://$REG/app" --argjson insecure "$2" \
		'{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: $name}, spec: {interval: "10m", url: $url, insecure: $insecure, ref: {tag: "1"}}}' |
		k apply -f - >/dev/null || h_die "cannot apply $1"
}
ready() { k get ocirepository "$1" -o json | jq -r '.status.conditions[]? | select(.type == "Ready") | "\(.status) \(.reason)"'; }
object insecure true
check_soon "spec.insecure takes it" 20 "True Succeeded" ready insecure
check_eq "in HTTP/1.1, too" "" "$(grep -F 'flux/v2' "$H_TMP/log/reg.out" | grep -F 'HTTP/2')"
object strict false
check_soon "without it the certificate counts" 20 "False OCIArtifactPullFailed" ready strict
check_has "and is named" "self-signed certificate; certSecretRef, --ca-file or SSL_CERT_FILE can name its CA" "$(k get ocirepository strict -o json | jq -r '.status.conditions[] | select(.type == "Ready") | .message')"

# A registry behind a proxy that ends TLS does not know of it, and says http in the Link to the next page of its tags. s_server -HTTP answers
# with files that hold whole answers; it has no manifests, so what was chosen from the second page shows in the error.
PORT=$(h_free_port)
mkdir -p "$H_TMP/www/v2/app/tags"
page()
{
	printf 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n%s' ${#2} "${3:-}" "$2" >"$H_TMP/www/v2/app/tags/$1"
}
page 'list?n=1000' '{"tags":["1.0.0"]}' 'Link: <http://127.0.0.1/v2/app/tags/list?n=1000&last=1.0.0>; rel="next"\r\n'
page 'list?n=1000&last=1.0.0' '{"tags":["1.1.0"]}'
cd "$H_TMP/www"
h_spawn page openssl s_server -accept "127.0.0.1:$PORT" -cert ../cert.pem -key ../key.pem -HTTP -quiet
cd - >/dev/null
h_until 20 curl -skfo /dev/null "https://127.0.0.1:$PORT/v2/app/tags/list?n=1000" || h_die "s_server does not answer"
jq -n --arg url "oci://127.0.0.1:$PORT/app" \
	'{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: "pages"}, spec: {interval: "10m", timeout: "5s", url: $url, insecure: true, ref: {semver: "1.x"}}}' |
	k apply -f - >/dev/null || h_die "cannot apply pages"
chosen() { k get ocirepository pages -o json | jq -r '.status.conditions[]? | select(.type == "Ready") | .message | capture("tag .(?<t>[0-9.]+). of") | .t'; }
check_soon "the second page was read" 20 1.1.0 chosen
h_finish
