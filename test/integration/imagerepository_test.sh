#!/usr/bin/env bash
# ImageRepositories against Debian's docker-registry: scans, a registry that goes away, restarts with and without the database, CAs, client
# certificates and proxies, long lists, deletion.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"

cert() # NAME [SUBJECT ALTERNATIVE]: NAME.pem and NAME.key, of the CA
{
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$H_TMP/$1.key" -out "$H_TMP/$1.csr" -subj "/CN=$1" 2>/dev/null &&
		openssl x509 -req -in "$H_TMP/$1.csr" -CA "$H_TMP/ca.pem" -CAkey "$H_TMP/ca.key" -CAcreateserial -days 2 -out "$H_TMP/$1.pem" \
			-extfile <(echo "subjectAltName=${2:-DNS:$1}") 2>/dev/null || h_die "openssl cannot make a certificate"
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca -keyout "$H_TMP/ca.key" -out "$H_TMP/ca.pem" 2>/dev/null ||
	h_die "openssl cannot make a certificate"
cert server IP:127.0.0.1
cert client

# The same storage behind two doors: a plain one, and one with TLS both ways.
h_registry_start reg
PLAIN_PID=$REGISTRY_PID
TLS=127.0.0.1:$(h_free_port)
cat >"$H_TMP/tls.yml" <<-YML
	version: 0.1
	log: {level: warn, formatter: json, accesslog: {disabled: false}}
	storage: {filesystem: {rootdirectory: $H_TMP/reg}}
	http: {addr: '$TLS', tls: {certificate: $H_TMP/server.pem, key: $H_TMP/server.key, clientcas: [$H_TMP/ca.pem]}}
YML
h_spawn tls docker-registry serve "$H_TMP/tls.yml"
h_until 20 curl -sfo /dev/null --cacert "$H_TMP/ca.pem" --cert "$H_TMP/client.pem" --key "$H_TMP/client.key" "https://$TLS/v2/" || h_die "docker-registry does not answer"
check_has "pushed" "app:1.0@sha256:" "$(env HOME="$H_TMP" "$OCICTL" push "oci://$REGISTRY/app:1.0" --path="$H_ROOT/deploy/samples/app" --source=s --revision=r 2>&1)"
TAGS=$H_TMP/reg/docker/registry/v2/repositories/app/_manifests/tags
tag() { cp -r "$TAGS/1.0" "$TAGS/$1"; }
tag 1.1
tag sha256-abc.sig

mkdir "$H_TMP/objects"
h_embedded_start src "$H_TMP/objects" --storage-path="$H_TMP/store"
object() # NAME [MORE] [IMAGE]
{
	jq -n --arg name "$1" --arg image "${3:-$REGISTRY/app}" --argjson more "${2:-{\}}" \
		'{apiVersion: "image.toolkit.fluxcd.io/v1", kind: "ImageRepository", metadata: {name: $name}, spec: ({interval: "1h", image: $image} + $more)}' |
		k apply -f - >/dev/null || h_die "cannot apply $1"
}
get() { k get imagerepository "$1" -o json; }
field() { get "$1" | jq -r "$2"; }
ready() { field "$1" '.metadata.generation as $g | .status.conditions[]? | select(.type == "Ready" and .observedGeneration == $g and .status != "Unknown") | "\(.status) \(.reason)"'; }
message() { field "$1" '.status.conditions[]? | select(.type == "Ready") | .message'; }
tags() { field "$1" .status.lastScanResult.tagCount; }
handled() { field "$1" .status.lastHandledReconcileAt; }
request() { k annotate --overwrite imagerepository "$1" "reconcile.fluxcd.io/requestedAt=$2" >/dev/null; }
scans() { h_registry_requests "${1:-reg}" GET "/v2/app/tags/list"; }
has_line() { grep -c -- "$2" "$H_TMP/store/tags/default/$1" 2>/dev/null; }

# ---- IR-01: a scan ---------------------------------------------------------------------------------------------------
object app
check_soon "a scan" 20 "True Succeeded" ready app
check_eq "tags, without signatures" 2 "$(tags app)"
check_eq "the canonical name" "$REGISTRY/app" "$(field app .status.canonicalImageName)"
check_eq "the latest first" "1.1 1.0" "$(field app '.status.lastScanResult.latestTags | join(" ")')"
check_eq "the message has the checksum" "successful scan: found 2 tags with checksum sha256:$(printf '1.1\n1.0' | sha256sum | cut -d' ' -f1)" "$(message app)"
check_eq "columns" "NAME IMAGE TAGS READY STATUS AGE" "$(k get imgrepo app | head -n1 | xargs)"
check_has "and more of them" "LAST SCAN" "$(k get imagerepo app -o wide | head -n1)"

# ---- IR-16, IR-17: asked for -----------------------------------------------------------------------------------------
tag 2.0
request app one
check_soon "a scan that is asked for" 10 one handled app
check_eq "finds the new tag" 3 "$(tags app)"
h_stop "$PLAIN_PID"
request app two
check_soon "the registry is gone: the request is answered" 60 two handled app
check_eq "with a failure" "False ReadOperationFailed" "$(ready app)"
sleep 3
check_eq "that stays" "False ReadOperationFailed" "$(ready app)"
h_registry_start reg
PLAIN_PID=$REGISTRY_PID
check_soon "until a scan works" 60 "True Succeeded" ready app

# ---- IR-18, IR-19: restarts ------------------------------------------------------------------------------------------
n=$(scans)
h_stop "$CONTROLLER_PID"
check_eq "a clean end" 0 $?
h_embedded_start src "$H_TMP/objects" --storage-path="$H_TMP/store"
sleep 3
check_eq "with its database nobody is asked" "$n" "$(scans)"
check_eq "and Ready stays" "True Succeeded" "$(ready app)"
h_stop "$CONTROLLER_PID"
rm -r "$H_TMP/store/tags"
mkdir -p "$H_TMP/store/tags/default"
echo rubbish >"$H_TMP/store/tags/default/gone"
h_embedded_start src "$H_TMP/objects" --storage-path="$H_TMP/store"
check_soon "without it there is a scan" 20 1 has_line app "^2.0 "
check_eq "one" $((n + 1)) "$(scans)"
check_ok "and what is nobody's is swept" h_until 10 test ! -e "$H_TMP/store/tags/default/gone"

# ---- IR-22: many tags ------------------------------------------------------------------------------------------------
mkdir -p "$H_TMP/reg/docker/registry/v2/repositories/many/_manifests/tags"
(cd "$H_TMP/reg/docker/registry/v2/repositories/many/_manifests/tags" && seq -f 'sha-%040.0f' 1 20000 | xargs mkdir)
object many '{}' "$REGISTRY/many"
check_soon "many tags" 60 "True Succeeded" ready many
check_eq "all of them" 20000 "$(tags many)"
check_eq "are in the file" 20000 "$(has_line many '^sha-')"

# ---- IR-28 to IR-30: by which way ------------------------------------------------------------------------------------
secret() { k create secret generic "$1" "${@:2}" --dry-run=client -o yaml | k apply -f - >/dev/null || h_die "cannot apply the Secret $1"; }
file() { printf -- '--from-file=%s=%s' "$1" "$H_TMP/$2"; }
secret both "$(file ca.crt ca.pem)" "$(file tls.crt client.pem)" "$(file tls.key client.key)"
secret old "$(file caFile ca.pem)" "$(file certFile client.pem)" "$(file keyFile client.key)"
secret half "$(file ca.crt ca.pem)" "$(file tls.crt client.pem)"
for name in both old half missing; do object "tls-$name" "{\"certSecretRef\":{\"name\":\"$name\"}}" "$TLS/app"; done
object tls-none '{}' "$TLS/app"
check_soon "a CA and a client certificate" 20 "True Succeeded" ready tls-both
check_soon "under the names of before" 20 "True Succeeded" ready tls-old
check_soon "half a pair" 20 "False AuthenticationFailed" ready tls-half
check_soon "no such Secret" 20 "False AuthenticationFailed" ready tls-missing
check_soon "without any" 20 "False ReadOperationFailed" ready tls-none
secret half "$(file ca.crt ca.pem)" "$(file tls.crt client.pem)" "$(file tls.key client.key)"
check_soon "the Secret is mended: at once" 3 "True Succeeded" ready tls-half

PROXY=127.0.0.1:$(h_free_port)
mkdir "$H_TMP/squid"
chmod 777 "$H_TMP" "$H_TMP/squid"
printf '#!/bin/sh\nwhile read -r user word; do [ "$user:$word" = tenant:word ] && echo OK || echo ERR; done\n' >"$H_TMP/check.sh"
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
secret way --from-literal=address="http://$PROXY" --from-literal=username=tenant --from-literal=password=word
object way '{"certSecretRef":{"name":"both"},"proxySecretRef":{"name":"way"}}' "$TLS/app"
check_soon "through a proxy with a password" 20 "True Succeeded" ready way
kill "$SQUID_PID"; wait "$SQUID_PID" 2>/dev/null # it writes its log when it ends
check_has "all of it" "CONNECT $TLS" "$(grep -F TCP_TUNNEL "$H_TMP/squid/access.log")"

SOCKS=$(h_free_port)
h_spawn socks python3 "$H_ROOT/test/lib/socks.py" "$SOCKS" "$H_TMP/socks.log" tenant word
h_until 20 bash -c ": </dev/tcp/127.0.0.1/$SOCKS" || h_die "the SOCKS proxy does not answer"
secret socks --from-literal=address="socks5://127.0.0.1:$SOCKS" --from-literal=username=tenant --from-literal=password=word
secret socks-wrong --from-literal=address="socks5://127.0.0.1:$SOCKS" --from-literal=username=tenant --from-literal=password=other
for name in socks socks-wrong; do object "$name" "{\"certSecretRef\":{\"name\":\"both\"},\"proxySecretRef\":{\"name\":\"$name\"}}" "$TLS/app"; done
check_soon "through a SOCKS5 proxy with a password" 20 "True Succeeded" ready socks
check_soon "a password that it refuses" 40 "False ReadOperationFailed" ready socks-wrong
check_eq "it went there" "$TLS" "$(sort -u "$H_TMP/socks.log")"

# A name that is not loopback's by its letters: plain http needs leave there.
REGISTRY_HOST=127.0.0.2 h_registry_start other
mkdir -p "$H_TMP/other/docker/registry/v2/repositories/app/_manifests/tags/3.0"
object strict '{}' "$REGISTRY/app"
object plain '{"insecure":true}' "$REGISTRY/app"
check_soon "with leave plain http is asked" 20 "True Succeeded" ready plain
check_soon "without it is not" 20 "False ReadOperationFailed" ready strict
check_has "and what would help is said" "'insecure' allows plain http" "$(message strict)"

# ---- what is wrong, and the end --------------------------------------------------------------------------------------
object tagged '{}' "ghcr.io/org/app:1.0"
check_soon "an image with a tag" 20 "False ImageURLInvalid" ready tagged
check_has "says what to remove" "remove ':1.0'" "$(message tagged)"
check_match "26 exclusions are refused" "exclusionList" "$(jq -n '{apiVersion: "image.toolkit.fluxcd.io/v1", kind: "ImageRepository", metadata: {name: "x"}, spec: {interval: "1h", image: "alpine", exclusionList: [range(26) | tostring]}}' | k apply -f - 2>&1)"
check_eq "there is a file" 1 "$(has_line app '^image ')"
k delete imagerepository app >/dev/null
check_ok "a deleted object's tags go" h_until 10 test ! -e "$H_TMP/store/tags/default/app"
h_stop "$CONTROLLER_PID"
check_eq "a clean end" 0 $?
h_finish
