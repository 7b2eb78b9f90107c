#!/usr/bin/env bash
# Who may fetch artifacts, and how often: docs/serving.md.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
KUBECTL=$(h_kubectl_debian) || h_die "no kubectl"
h_registry_start reg
"$OCICTL" push "oci://$REGISTRY/app:1" --path="$H_ROOT/deploy/samples/app" --source=s --revision=r >/dev/null || h_die "cannot push"
mkdir "$H_TMP/objects"
jq -n --arg url "oci://$REGISTRY/app" \
	'{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: "app"}, spec: {interval: "10m", url: $url, ref: {tag: "1"}}}' >"$H_TMP/objects/app.yaml"

# code URL [CURL'S ARGUMENTS]: the status of one request.
code() { curl -so /dev/null -w '%{http_code}' "${@:2}" "$1"; }
# codes N URL: the statuses of N requests on one connection, and what they say of coming again.
codes()
{
	local i each=()

	for ((i = 0; i < $1; i++)); do each+=(-o /dev/null "$2"); done
	curl -s -w '%{http_code}%header{retry-after}\n' "${each[@]}"
}
metric() { curl -s "http://$(h_address src metrics)/metrics" | grep -F "$1 " | sed 's/.* //'; }

# ---- limits of one client --------------------------------------------------------------------------------------------
h_embedded_start src "$H_TMP/objects" --artifact-rate-per-client=2 --artifact-max-connections-per-client=2
check_soon "the object is Ready" 20 "True Succeeded" outcome app
url=$(field app .status.artifact.url)
codes 8 "$url" >"$H_TMP/codes"
check_eq "of a client that asks eight times at once four requests are answered" "200 200 200 200" "$(head -n 4 "$H_TMP/codes" | paste -sd ' ')"
check_eq "the others are told to come again in a second" 4291 "$(tail -n 1 "$H_TMP/codes")"
check_eq "the probe is always answered" 200 "$(code "${url%%/ocirepository*}/")"
check_eq "and so is a client from another address" 200 "$(code "$url" --interface 127.0.0.2)"
check_ne "refusals are counted" 0 "$(metric 'artifact_requests_total{outcome="limited"}')"
check_soon "a while later it may ask again" 10 200 code "$url"

address=$(h_address src artifacts)
for fd in 7 8; do
	eval "exec $fd<>/dev/tcp/${address%:*}/${address##*:}"
	printf 'GET / HTTP/1.1\r\n' >&$fd
done
h_until 5 bash -c "curl -s http://$(h_address src metrics)/metrics | grep -qF 'http_server_connections{server=\"artifacts\"} 2'"
check_eq "a client has two connections: the third is turned away" 503 "$(code "$url")"
check_eq "the other address's is not" 200 "$(code "$url" --interface 127.0.0.2)"
check_eq "which is counted" 1 "$(metric 'http_server_refused_total{server="artifacts",reason="address"}')"
exec 7>&- 8>&-
check_soon "they are gone" 10 200 code "$url"
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
h_finish
