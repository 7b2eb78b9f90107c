#!/usr/bin/env bash
# test/bench/start.sh: a start with an intact store. OBJECTS objects in the embedded API, a layer of LAYER_KIB each that does not compress.
# One JSON line a start on stdout: the time from exec until the last artifact was answered for with 200, the bytes that were hashed and the requests
# that registries had for it. The third start has no index to go by, as after another boot. Nothing here passes or fails by a time.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
OBJECTS=${OBJECTS:-2000}
LAYER_KIB=${LAYER_KIB:-256}
h_registry_start reg
mkdir "$H_TMP/objects" "$H_TMP/store" "$H_TMP/app"
STORAGE=127.0.0.1:$(h_free_port)
METRICS=127.0.0.1:$(h_free_port)
FLAGS=(--embedded="$H_TMP/objects" --state-dir="$H_TMP/src.state" --storage-path="$H_TMP/store" --storage-addr="$STORAGE" --metrics-addr="$METRICS" --storage-scrub-rate=0)

for ((i = 0; i < 20; i++)); do
	head -c $((LAYER_KIB * 1024)) /dev/urandom >"$H_TMP/app/noise.bin"
	"$OCICTL" push "oci://$REGISTRY/web-$i:main" --path="$H_TMP/app" --source=s --revision="main@sha1:$i" >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push web-$i"
done
{
	printf -- '---\n{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"herd"}}\n'
	for ((i = 0; i < OBJECTS; i++)); do
		printf -- '---\n{"apiVersion":"source.toolkit.fluxcd.io/v1","kind":"OCIRepository","metadata":{"name":"herd-%d","namespace":"herd"},"spec":{"interval":"1h","url":"oci://%s/web-%d","ref":{"tag":"main"}}}\n' $i "$REGISTRY" $((i % 20))
	done
} >"$H_TMP/objects/herd.yaml"

count() { curl -sf "http://$METRICS/metrics" | awk -v f="$1" -v l="${2:-}" 'index($0, f) == 1 && index($0, l) { s += $NF } END { printf "%d\n", s }'; }
all_stored() { [ "$(find "$H_TMP/store/ocirepository" -name 'sha256:*' | wc -l)" -eq "$OBJECTS" ] && [ "$(count gotk_resource_info 'ready="True"')" -eq "$OBJECTS" ]; }
paths() { (cd "$H_TMP/store" && find ocirepository -name 'sha256:*') >"$H_TMP/paths"; }
# start NAME: and a line of what it took.
start()
{
	local fetched

	fetched=$(python3 "$H_ROOT/test/bench/fetch.py" "$STORAGE" "$H_TMP/paths" "$CONTROLLER" "${FLAGS[@]}" 2>>"$H_TMP/log/fetch.err") || h_die "$1: not all artifacts were fetched"
	CONTROLLER_PID=$(jq .pid <<<"$fetched")
	jq -c --arg s "$1" --argjson hashed "$(count bytes_hashed_total)" --argjson blobs "$(count oci_registry_requests_total 'kind="blob"')" --argjson manifests "$(count oci_registry_requests_total 'kind="manifest"')" \
		'{scenario: $s, objects, first_seconds: .first, seconds: .last, hashed_bytes: $hashed, manifests: $manifests, blobs: $blobs}' <<<"$fetched"
	kill "$CONTROLLER_PID"
	h_until 30 h_gone "$CONTROLLER_PID" || h_die "$1: it does not end"
	h_pass "$1"
}

h_spawn src "$CONTROLLER" "${FLAGS[@]}" --health-addr=127.0.0.1:0
CONTROLLER_PID=$H_PID
h_until 300 all_stored || h_die "the herd did not become Ready"
h_stop "$CONTROLLER_PID" >/dev/null
paths
# The objects are in the database: the manifests need not be applied again.
FLAGS=(--embedded "${FLAGS[@]:1}")
FLAGS+=(--health-addr=127.0.0.1:0)
start "intact"
start "intact again"
rm -f "$H_TMP/store/.index"
start "no index"
h_finish
