#!/usr/bin/env bash
# test/bench/run.sh: `make bench`. The release program with default flags against a real kube-apiserver, etcd and docker-registry on this
# machine. One JSON line a scenario on stdout; nothing here passes or fails by a time.
#
# Beside each time stands what was done for it, per object: file syncs, bytes hashed, registry requests by kind, new connections, API writes,
# read from /metrics before and after. A line that lacks one of them is no result, and ends the run.
# OBJECTS=500 ROUNDS=30 LAYER_MIB=128 STEADY=30 (seconds) change the sizes.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
OBJECTS=${OBJECTS:-500}
ROUNDS=${ROUNDS:-30}
LAYER_MIB=${LAYER_MIB:-128}
STEADY=${STEADY:-30}

h_registry_start reg
h_cluster_start
k apply -k "$H_ROOT/deploy" >/dev/null
k wait --for=condition=Established --timeout=30s crd --all >/dev/null
h_sa_kubeconfig "$H_TMP/sa.kubeconfig" flux-system source-controller
STORAGE=127.0.0.1:$(h_free_port)
ME=system:serviceaccount:flux-system:source-controller
TOKEN=$(cut -d, -f1 "$H_TMP/kube/tokens.csv")
API=$KUBE_SERVER/apis/source.toolkit.fluxcd.io/v1

api() { curl -sf --cacert "$KUBE_CA" -H "Authorization: Bearer $TOKEN" "$@"; }
start()
{
	mkdir -p "$H_TMP/store"
	h_controller_start src --kubeconfig="$H_TMP/sa.kubeconfig" --watch-all-namespaces --storage-path="$H_TMP/store" --storage-addr="$STORAGE" --storage-adv-addr="$STORAGE"
	METRICS=$(h_address src metrics) || h_die "the controller did not start"
}
# push REPO:TAG DIR
push() { "$OCICTL" push "oci://$REGISTRY/$1" --path="$2" --source=https://example.com/bench.git --revision="main@sha1:$1" >>"$H_TMP/log/push.out" 2>>"$H_TMP/log/push.err" || h_die "cannot push $1"; }
small() { rm -rf "$H_TMP/app"; cp -r "$H_ROOT/deploy/samples/app" "$H_TMP/app"; sed -i "s/VERSION/$1/" "$H_TMP/app/configmap.yaml"; }

# ---- measuring -------------------------------------------------------------------------------------------------------
cpu_ms() { awk '{ sub(/.*\) /, ""); split($0, f, " "); printf "%d\n", (f[12] + f[13]) * 10 }' "/proc/$CONTROLLER_PID/stat"; }
status_mib() { awk -v k="$1:" '$1 == k { printf "%.1f\n", $2 / 1024 }' "/proc/$CONTROLLER_PID/status"; }
scrape() { curl -sf "http://$METRICS/metrics" >"$1" || h_die "no metrics"; }
# work BEFORE AFTER N: what was done, for each of N objects.
work()
{
	awk -v n="$3" '
		function family(s) { sub(/[{ ].*/, "", s); return s }
		function label(s, l) { return match(s, l "=\"[^\"]*\"") ? substr(s, RSTART + length(l) + 2, RLENGTH - length(l) - 3) : "" }
		/^#/ { next }
		{
			f = family($0); v = $NF; if (NR == FNR) v = -v
			if (f == "file_syncs_total") { syncs += v; have["file_syncs"] = 1 }
			if (f == "bytes_hashed_total") { hashed += v; have["bytes_hashed"] = 1 }
			if (f == "oci_registry_requests_total") { kind[label($0, "kind")] += v; have["registry_requests"] = 1 }
			if (f == "http_client_connections_total") { conns += v; have["new_connections"] = 1 }
			if (f == "rest_client_requests_total" ) { have["api_writes"] = 1; if (label($0, "method") ~ /POST|PUT|PATCH|DELETE/) writes += v }
		}
		END {
			split("file_syncs bytes_hashed registry_requests new_connections api_writes", names, " ")
			for (i in names) if (!have[names[i]]) { print "no metric for " names[i] > "/dev/stderr"; exit 1 }
			printf "{\"file_syncs\":%.3f,\"bytes_hashed\":%.0f,\"registry_requests\":{", syncs / n, hashed / n
			for (k in kind) if (kind[k]) { printf "%s\"%s\":%.3f", sep, k, kind[k] / n; sep = "," }
			printf "},\"new_connections\":%.3f,\"api_writes\":%.3f}\n", conns / n, writes / n
		}' "$1" "$2"
}
# line SCENARIO N JSON: one result, with the work of $H_TMP/before and $H_TMP/after divided by N.
line()
{
	local w

	w=$(work "$H_TMP/before" "$H_TMP/after" "$2") || h_die "$1: a line without its work does not count"
	jq -cn --arg s "$1" --argjson r "$3" --argjson w "$w" '{scenario: $s} + $r + {each: $w}'
	h_pass "$1"
}
# A watch of our own tells when objects change, without asking for all of them again and again.
watch_start()
{
	local version

	version=$(api "$API/ocirepositories?limit=1" | jq -r .metadata.resourceVersion)
	: >"$H_TMP/watch.json"
	curl -sfN --cacert "$KUBE_CA" -H "Authorization: Bearer $TOKEN" "$API/ocirepositories?watch=1&resourceVersion=$version" >"$H_TMP/watch.json" 2>/dev/null </dev/null &
	WATCH=$!
	H_PIDS+=("$WATCH")
}
# How many objects of the herd have shown an artifact with a revision like this.
seen() { grep -F "\"revision\":\"$1" "$H_TMP/watch.json" | grep -oE '"name":"herd-[0-9]+"' | sort -u | wc -l; }
wait_seen() { [ "$(seen "$1")" -ge "$2" ]; }
# From the API server's own clock: microseconds between two requests in its audit log.
audit_us() { tail -n 1000 "$H_TMP/kube/audit.log" | jq -rs "[.[] | select($1)] | last | .stageTimestamp" | { read -r t; [ "$t" != null ] && date -d "$t" +%s%6N; }; }
herd()
{
	for ((i = 0; i < OBJECTS; i++)); do
		printf '{"apiVersion":"source.toolkit.fluxcd.io/v1","kind":"OCIRepository","metadata":{"name":"%s-%d","namespace":"%s"},"spec":{"interval":"%s","url":"oci://%s/web-%d","ref":{"tag":"main"}}}\n' "$1" $i "$2" "$3" "$REGISTRY" $((i % 20))
	done | k create -f - >/dev/null || h_die "cannot create the herd"
}
quiet() { [ "$(h_audit ".user.username == \"$ME\" and .objectRef.resource == \"events\"")" -ge "$1" ]; }

for ((i = 0; i < 20; i++)); do small "1-$i"; push "web-$i:main" "$H_TMP/app"; done

# ---- herd: objects exist, the program starts -------------------------------------------------------------------------
h_namespace herd
herd herd herd 10s
watch_start
t0=$(h_now_ms)
start
scrape "$H_TMP/before"
h_until 180 wait_seen main@ "$OBJECTS" || h_die "the herd did not become Ready"
t1=$(h_now_ms)
cpu=$(cpu_ms)
scrape "$H_TMP/after"
line herd "$OBJECTS" "$(jq -n --argjson n "$OBJECTS" --argjson ms $((t1 - t0)) --argjson cpu "$cpu" --argjson rss "$(status_mib VmRSS)" --argjson peak "$(status_mib VmHWM)" \
	'{objects: $n, seconds: ($ms / 1000), per_second: ($n * 1000 / $ms | . * 10 | round / 10), cpu_ms: ($cpu / $n * 100 | round / 100), rss_mib: $rss, peak_rss_mib: $peak}')"

# ---- steady: the same objects, unchanged, every ten seconds ----------------------------------------------------------
h_until 60 quiet "$OBJECTS"
sleep 12 # one full interval after the herd
heads() { awk '/^oci_registry_requests_total\{.*kind="head"/ { s += $NF } END { print s }' "$1"; }
c0=$(cpu_ms)
scrape "$H_TMP/before"
sleep "$STEADY"
scrape "$H_TMP/after"
c1=$(cpu_ms)
n=$(($(heads "$H_TMP/after") - $(heads "$H_TMP/before")))
[ $n -gt 0 ] || h_die "nothing was reconciled"
line steady "$n" "$(jq -n --argjson o "$OBJECTS" --argjson n "$n" --argjson s "$STEADY" --argjson cpu $((c1 - c0)) --argjson rss "$(status_mib VmRSS)" \
	'{objects: $o, reconciles: $n, seconds: $s, cpu_ms: ($cpu / $n * 1000 | round / 1000), rss_mib: $rss}')"
kill "$WATCH" 2>/dev/null
k -n herd delete ocirepositories --all >/dev/null || h_die "the herd does not go"

# ---- push to Ready: one object, a new tag, a request -----------------------------------------------------------------
h_namespace one
small first
push one:main "$H_TMP/app"
jq -n --arg url "oci://$REGISTRY/one" '{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: "one", namespace: "one"}, spec: {interval: "1h", url: $url, ref: {tag: "main"}}}' | k create -f - >/dev/null
k -n one wait --for=condition=Ready --timeout=30s ocirepository/one >/dev/null || h_die "one is not Ready"
handled() { [ "$(api "$API/namespaces/one/ocirepositories/one" | jq -r .status.lastHandledReconcileAt)" = "$1" ]; }
scrape "$H_TMP/before"
c0=$(cpu_ms)
for ((i = 0; i < ROUNDS; i++)); do
	small "round-$i"
	push one:main "$H_TMP/app"
	api -X PATCH -H 'Content-Type: application/merge-patch+json' "$API/namespaces/one/ocirepositories/one" -d '{"metadata":{"annotations":{"reconcile.fluxcd.io/requestedAt":"'$i'"}}}' >/dev/null
	h_until 30 handled $i || h_die "one: round $i was not handled"
	asked=$(audit_us '.verb == "patch" and .objectRef.name == "one" and .objectRef.resource == "ocirepositories" and .objectRef.subresource == null and .user.username == "admin"')
	told=$(audit_us '.verb == "patch" and .objectRef.name == "one" and .objectRef.subresource == "status"')
	echo $((told - asked))
done | sort -n >"$H_TMP/latencies"
[ "$(wc -l <"$H_TMP/latencies")" -eq "$ROUNDS" ] || h_die "one: not every round was measured"
c1=$(cpu_ms)
scrape "$H_TMP/after"
line push-to-ready "$ROUNDS" "$(jq -cs --argjson cpu $((c1 - c0)) \
	'{rounds: length, p50_ms: (.[(length / 2 | floor)] / 1000), p95_ms: (.[(length * 95 / 100 | floor)] / 1000), cpu_ms: ($cpu / length * 100 | round / 100)}' "$H_TMP/latencies")"

# ---- one big layer that does not compress ----------------------------------------------------------------------------
mkdir "$H_TMP/big"
head -c $((LAYER_MIB * 1048576)) /dev/urandom >"$H_TMP/big/blob.bin"
push big:1 "$H_TMP/big"
rm -rf "$H_TMP/big"
for operation in extract copy; do
	h_stop "$CONTROLLER_PID" >/dev/null
	rm -rf "$H_TMP/store"
	k -n one delete ocirepository one --wait=false >/dev/null 2>&1
	start
	h_until 30 curl -sf "http://$STORAGE/"
	scrape "$H_TMP/before"
	c0=$(cpu_ms)
	jq -n --arg url "oci://$REGISTRY/big" --arg name "big-$operation" --arg op "$operation" '{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: $name, namespace: "one"},
		spec: {interval: "1h", url: $url, ref: {tag: "1"}, layerSelector: {operation: $op}}}' | k create -f - >/dev/null
	k -n one wait --for=condition=Ready --timeout=120s "ocirepository/big-$operation" >/dev/null || h_die "big-$operation is not Ready"
	asked=$(audit_us '.verb == "create" and .objectRef.name == "big-'$operation'" and .objectRef.resource == "ocirepositories"')
	told=$(audit_us '.verb == "patch" and .objectRef.name == "big-'$operation'" and .objectRef.subresource == "status"')
	c1=$(cpu_ms)
	scrape "$H_TMP/after"
	line "layer-$operation" 1 "$(jq -n --argjson mib "$LAYER_MIB" --argjson us $((told - asked)) --argjson cpu $((c1 - c0)) --argjson peak "$(status_mib VmHWM)" \
		'{mib: $mib, seconds: ($us / 10000 | round / 100), cpu_seconds: ($cpu / 1000), peak_rss_mib: $peak}')"
done
h_stop "$CONTROLLER_PID" >/dev/null
h_finish
