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
check_eq "plain http was not tried" "" "$(grep -a "HTTP request to an HTTPS server" "$H_TMP/log/reg.err")"
check_eq "nothing arrived" "" "$(grep -F ocictl "$H_TMP/log/reg.out")"
check_has "--insecure takes it" "app:1@sha256:" "$(push 1 --insecure)"
check_has "over TLS" '"PUT /v2/app/manifests/1 HTTP/' "$(grep -F ocictl "$H_TMP/log/reg.out")"
h_finish
