#!/usr/bin/env bash
# certSecretRef against Debian's docker-registry, which demands a client certificate of its own CA; proxySecretRef against squid, which
# demands a password. What is wrong is said with Secret and key, and mended at once when the Secret changes.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"

cert() # NAME [SUBJECT ALTERNATIVE]: NAME.pem and NAME.key, of the CA when there is one
{
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$H_TMP/$1.key" -out "$H_TMP/$1.csr" -subj "/CN=$1" 2>/dev/null &&
		openssl x509 -req -in "$H_TMP/$1.csr" -CA "$H_TMP/ca.pem" -CAkey "$H_TMP/ca.key" -CAcreateserial -days 2 -out "$H_TMP/$1.pem" \
			-extfile <(echo "subjectAltName=${2:-DNS:$1}") 2>/dev/null || h_die "openssl cannot make a certificate"
}
for ca in ca other; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$ca" -keyout "$H_TMP/$ca.key" -out "$H_TMP/$ca.pem" 2>/dev/null ||
		h_die "openssl cannot make a certificate"
done
cert server IP:127.0.0.1
cert client

# The same storage behind two doors: a plain one to push through, one with TLS both ways.
h_registry_start reg
PLAIN=$REGISTRY
PORT=$(h_free_port)
REG=127.0.0.1:$PORT
cat >"$H_TMP/tls.yml" <<-YML
	version: 0.1
	log: {level: warn, formatter: json, accesslog: {disabled: false}}
	storage: {filesystem: {rootdirectory: $H_TMP/reg}}
	http: {addr: '$REG', tls: {certificate: $H_TMP/server.pem, key: $H_TMP/server.key, clientcas: [$H_TMP/ca.pem]}}
YML
h_spawn tls docker-registry serve "$H_TMP/tls.yml"
h_until 20 curl -sfo /dev/null --cacert "$H_TMP/ca.pem" --cert "$H_TMP/client.pem" --key "$H_TMP/client.key" "https://$REG/v2/" || h_die "docker-registry does not answer"
check_has "pushed" "app:1@sha256:" "$(env HOME="$H_TMP" "$OCICTL" push "oci://$PLAIN/app:1" --path="$H_ROOT/deploy/samples/app" --source=s --revision=r 2>&1)"

KUBECTL=$(h_kubectl_debian) || h_die "no kubectl"
mkdir "$H_TMP/objects"
h_embedded_start src "$H_TMP/objects"
secret() { k create secret generic "$1" "${@:2}" --dry-run=client -o yaml | k apply -f - >/dev/null || h_die "cannot apply the Secret $1"; }
object()
{
	jq -n --arg name "$1" --arg url "oci://$REG/app" --argjson more "$2" \
		'{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: $name}, spec: ({interval: "10m", url: $url, ref: {tag: "1"}} + $more)}' |
		k apply -f - >/dev/null || h_die "cannot apply $1"
}
ready() { k get ocirepository "$1" -o json | jq -r '.status.conditions[]? | select(.type == "Ready") | "\(.status) \(.reason)"'; }
message() { k get ocirepository "$1" -o json | jq -r '.status.conditions[]? | select(.type == "Ready") | .message'; }
file() { printf -- '--from-file=%s=%s' "$1" "$H_TMP/$2"; }

# ---- certificates ----------------------------------------------------------------------------------------------------
secret both "$(file ca.crt ca.pem)" "$(file tls.crt client.pem)" "$(file tls.key client.key)"
secret old "$(file caFile ca.pem)" "$(file certFile client.pem)" "$(file keyFile client.key)"
secret ca "$(file ca.crt ca.pem)"
secret other "$(file ca.crt other.pem)" "$(file tls.crt client.pem)" "$(file tls.key client.key)"
secret half "$(file ca.crt ca.pem)" "$(file tls.crt client.pem)"
secret mixed "$(file tls.crt client.pem)" "$(file tls.key server.key)"
for name in both old ca other half mixed missing; do object "$name" "{\"certSecretRef\":{\"name\":\"$name\"}}"; done
object none '{}'
object unverified '{"insecure":true,"certSecretRef":{"name":"other"}}'
check_soon "a CA and a client certificate" 20 "True Succeeded" ready both
check_soon "under the names of before" 20 "True Succeeded" ready old
check_soon "a CA alone shows nobody" 20 "False OCIArtifactPullFailed" ready ca
check_soon "another CA does not vouch" 20 "False OCIArtifactPullFailed" ready other
check_has "and is named" certificate "$(message other)"
check_soon "insecure does not count beside a CA" 20 "False OCIArtifactPullFailed" ready unverified
check_soon "half a pair" 20 "False AuthenticationFailed" ready half
check_has "and says which half" "secret 'default/half': contains 'tls.crt' but missing 'tls.key'" "$(message half)"
check_soon "a key of another certificate" 20 "False AuthenticationFailed" ready mixed
check_has "and says so" "secret 'default/mixed': failed to parse TLS certificate and key" "$(message mixed)"
check_soon "no such Secret" 20 "False AuthenticationFailed" ready missing
check_has "and says which" "secret 'default/missing'" "$(message missing)"
check_soon "without any" 20 "False OCIArtifactPullFailed" ready none
secret half "$(file ca.crt ca.pem)" "$(file tls.crt client.pem)" "$(file tls.key client.key)"
check_soon "the Secret is mended: at once" 3 "True Succeeded" ready half

# ---- a proxy ---------------------------------------------------------------------------------------------------------
PROXY=127.0.0.1:$(h_free_port)
mkdir "$H_TMP/squid"
chmod 777 "$H_TMP" "$H_TMP/squid"
cat >"$H_TMP/check.sh" <<-'SH'
	#!/bin/sh
	while read -r user word; do
		case $user:$word in tenant:pass@word | tenant:pass%40word) echo OK ;; *) echo ERR ;; esac
	done
SH
chmod 755 "$H_TMP/check.sh"
cat >"$H_TMP/squid.conf" <<-CONF
	http_port $PROXY
	auth_param basic program $H_TMP/check.sh
	acl known proxy_auth REQUIRED
	http_access allow known
	http_access deny all
	cache deny all
	pid_filename $H_TMP/squid/pid
	access_log stdio:$H_TMP/squid/access.log
	cache_log $H_TMP/squid/cache.log
	coredump_dir $H_TMP/squid
	shutdown_lifetime 0 seconds
CONF
h_spawn squid squid -N -f "$H_TMP/squid.conf"
SQUID_PID=$H_PID
h_until 20 curl -so /dev/null "http://$PROXY/" || h_die "squid does not answer"
secret way --from-literal=address="http://$PROXY" --from-literal=username=tenant --from-literal=password=pass@word
secret wrong --from-literal=address="http://$PROXY" --from-literal=username=tenant --from-literal=password=hunter2
secret ftp --from-literal=address="ftp://tenant:hunter2@$PROXY"
object way '{"certSecretRef":{"name":"both"},"proxySecretRef":{"name":"way"}}'
object ftp '{"proxySecretRef":{"name":"ftp"}}'
check_soon "through a proxy with a password" 20 "True Succeeded" ready way
# The tunnel that was opened for one tenant is open still: it is not for another one.
object wrong '{"certSecretRef":{"name":"both"},"proxySecretRef":{"name":"wrong"}}'
check_soon "a password that the proxy refuses" 20 "False OCIArtifactPullFailed" ready wrong
check_has "and says whose word it is" 407 "$(message wrong)"
check_soon "a scheme that is none" 20 "False AuthenticationFailed" ready ftp
check_has "and says which there are" "http, https, socks5" "$(message ftp)"
kill "$SQUID_PID"; wait "$SQUID_PID" 2>/dev/null # it writes its log when it ends
check_has "everything went through it" "CONNECT $REG" "$(grep -F TCP_TUNNEL "$H_TMP/squid/access.log")"
check_eq "no word of a password" "" "$(grep -rhoE 'hunter2|pass@word|pass%40word' "$H_TMP/log/src.err" "$H_TMP/log/src.out" 2>/dev/null; k get ocirepositories,events -A -o json | grep -oE 'hunter2|pass@word')"
h_finish
