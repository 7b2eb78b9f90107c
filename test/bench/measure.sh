# shellcheck shell=bash
# measure.sh: what the scenarios on a real API server share, after image.sh's i_start. GROUP is the API group and version of what is watched.
# Figures of Flux's controllers are of all their processes together.
WHO=ours
[ "$API" != peers ] || WHO=peers
if [ "$API" != embedded ]; then # what asks the API server by itself needs a real one
	TOKEN=$(cut -d, -f1 "$H_TMP/kube/tokens.csv")
	PREFIX=$KUBE_SERVER/apis/$GROUP/namespaces/$NS
fi
api() { curl -sf --cacert "$KUBE_CA" -H "Authorization: Bearer $TOKEN" "$@"; }
pids() { echo "$CONTROLLER_PID" ${PEER_PIDS[@]+"${PEER_PIDS[@]}"}; }
# Of children that have ended, too: ssh, gpg.
cpu_ms() { for p in $(pids); do awk '{ sub(/.*\) /, ""); split($0, f, " "); print (f[12] + f[13] + f[14] + f[15]) * 10 }' "/proc/$p/stat"; done | awk '{ n += $1 } END { print n }'; }
status_mib() { for p in $(pids); do awk -v k="$1:" '$1 == k { print $2 / 1024 }' "/proc/$p/status"; done | awk '{ n += $1 } END { printf "%.1f\n", n }'; }
peak_reset() { for p in $(pids); do echo 5 >"/proc/$p/clear_refs" 2>/dev/null; done; }
line() { jq -cn --arg s "$1" --arg who "$WHO" --argjson r "$2" '{scenario: $s, $who} + $r'; h_pass "$1"; }
# watch KIND: each change of such objects with the time at which it came, in $H_TMP/log/watch-KIND.out.
watch_lines()
{
	curl -sN --cacert "$KUBE_CA" -H "Authorization: Bearer $TOKEN" "$PREFIX/$1?watch=1&resourceVersion=$2" |
		while IFS= read -r event; do printf '%s %s\n' "${EPOCHREALTIME/./}" "$event"; done
}
watch() { h_spawn "watch-$1" watch_lines "$1" "$(api "$PREFIX/$1?limit=1" | jq -r .metadata.resourceVersion)"; }
percentiles() { sort -n | jq -cs '{rounds: length, p50_ms: (.[(length / 2 | floor)] / 1000), p95_ms: (.[(length * 95 / 100 | floor)] / 1000)}'; }
