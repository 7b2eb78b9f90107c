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
# third: two connections that ask half a thing, and what a third one gets; then one from another address.
third()
{
	exec 7<>"/dev/tcp/${address%:*}/${address##*:}" 8<>"/dev/tcp/${address%:*}/${address##*:}"
	printf 'GET / HTTP/1.1\r\n' >&7
	printf 'GET / HTTP/1.1\r\n' >&8
	echo "$(code "$url") $(code "$url" --interface 127.0.0.2)"
	exec 7>&- 8>&-
}
check_soon "a client has two connections, the third is turned away; another client's is not" 20 "503 200" third
check_ne "which is counted" 0 "$(metric 'http_server_refused_total{server="artifacts",reason="address"}')"
check_soon "they are gone" 10 200 code "$url"
h_stop "$CONTROLLER_PID"

# ---- URLs that cannot be guessed -------------------------------------------------------------------------------------

# refused FILE: what the program says before it ends.
refused()
{
	"$CONTROLLER" --storage-addr=127.0.0.1:0 --metrics-addr=127.0.0.1:0 --health-addr=127.0.0.1:0 --embedded --state-dir="$H_TMP/refused" --artifact-url-secret="$1" 2>&1 >/dev/null
	echo "exit $?"
}
# element PATH SECRET: as anybody can make it who knows both.
element() { printf %s "$1" | openssl dgst -sha256 -hmac "$2" | sed 's/.* //'; }
url_now() { field app .status.artifact.url; }
changes() { metric "file_reloads_total{file=\"url-secret\",outcome=\"$1\"}"; }

out=$(refused "$H_TMP/none")
check_has "a secret that is not there is named" "--artifact-url-secret: open '$H_TMP/none'" "$out"
check_has "and ends the start" "exit 1" "$out"
echo hunter2 >"$H_TMP/short"
out=$(refused "$H_TMP/short")
check_has "so does one that is too short" "--artifact-url-secret: '$H_TMP/short': line 1 is no secret" "$out"
check_hasnt "which is not told" hunter2 "$out"

FIRST=$(openssl rand -hex 32) SECOND=$(openssl rand -hex 32)
echo "$FIRST" >"$H_TMP/secret"
h_embedded_start src "$H_TMP/objects" --artifact-url-secret="$H_TMP/secret" --log-level=trace
base=http://$(h_address src artifacts) path=${url#http://*/}
first=$base/$(element "$path" "$FIRST")/$path second=$base/$(element "$path" "$SECOND")/$path
check_soon "the status has a URL with an element" 20 "$first" url_now
check_eq "the path stays" "$path" "$(field app .status.artifact.path)"
check_eq "the URL opens the artifact" "$(field app .status.artifact.digest)" "sha256:$(curl -sf "$first" | sha256sum | cut -d' ' -f1)"
latest=ocirepository/default/app/latest.tar.gz
check_eq "the link has an element of its own" "$base/$(element "$latest" "$FIRST")/$latest" "$(field app .status.url)"
check_eq "and opens" 200 "$(code "$(field app .status.url)")"
check_eq "without the element: as if it were not there" 404 "$(code "$base/$path")"
check_eq "with another file's, too" 404 "$(code "$base/$(element "$latest" "$FIRST")/$path")"
check_eq "in the same words" "$(curl -s "$base/$path")" "$(curl -s "$base/ocirepository/nobody/knows/latest.tar.gz")"
check_eq "the probe needs none" 200 "$(code "$base/")"
check_has "the status page has the object" '"name":"app"' "$(curl -s "http://$(h_address src health)/api/objects/ocirepository/default/app" | jq -c '{name}')"
check_hasnt "but no URL" "$(element "$path" "$FIRST")" "$(curl -s "http://$(h_address src health)/api/objects/ocirepository/default/app"; curl -s "http://$(h_address src metrics)/metrics")"

printf '%s\n' "$SECOND" "$FIRST" >"$H_TMP/secret"
check_soon "a new secret: the status has the new URL" 30 "$second" url_now
check_eq "which opens" 200 "$(code "$second")"
check_eq "and so does the old one" 200 "$(code "$first")"
check_eq "the change was counted" 1 "$(changes taken)"
echo hunter2 >"$H_TMP/secret"
check_soon "a file that is of no use is counted" 30 1 changes failed
check_eq "and changes nothing" "200 200" "$(code "$first") $(code "$second")"
echo "$SECOND" >"$H_TMP/secret"
check_soon "the old secret goes: so does its URL" 30 404 code "$first"
check_eq "the new one stays" 200 "$(code "$second")"
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
check_eq "no secret and no element in the log" 0 "$(grep -acE "$FIRST|$SECOND|hunter2|$(element "$path" "$FIRST")|$(element "$path" "$SECOND")" "$H_TMP/log/src.err")"

h_embedded_start src "$H_TMP/objects"
check_soon "without the flag the URL is plain again" 20 "http://$(h_address src artifacts)/$path" url_now
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
h_finish
