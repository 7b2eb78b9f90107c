#!/usr/bin/env bash
# test/bench/start.sh: a start with an intact store. OBJECTS objects in the embedded API, a layer of LAYER_KIB each that does not compress.
# One JSON line a start on stdout: the time from exec until the last artifact was answered for with 200, the bytes that were hashed and the requests
# that registries had for it. The third start has no index to go by, as after another boot. Nothing here passes or fails by a time.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
OBJECTS=${OBJECTS:-2000}
LAYER_KIB=${LAYER_KIB:-256}
h_registry_start reg
. "$H_ROOT/test/bench/herd.sh"
STORE=$H_TMP/store
mkdir "$STORE"
FLAGS+=(--storage-path="$STORE")
herd_push "$LAYER_KIB"
herd_write "$OBJECTS" 1h

# start NAME: and a line of what it took.
start()
{
	local fetched

	fetched=$(python3 "$H_ROOT/test/bench/fetch.py" "$STORAGE" "$H_TMP/paths" "$CONTROLLER" --embedded "${FLAGS[@]}" 2>>"$H_TMP/log/fetch.err") || h_die "$1: not all artifacts were fetched"
	CONTROLLER_PID=$(jq .pid <<<"$fetched")
	jq -c --arg s "$1" --argjson hashed "$(herd_count bytes_hashed_total)" --argjson blobs "$(herd_count oci_registry_requests_total 'kind="blob"')" --argjson manifests "$(herd_count oci_registry_requests_total 'kind="manifest"')" \
		'{scenario: $s, objects, first_seconds: .first, seconds: .last, hashed_bytes: $hashed, manifests: $manifests, blobs: $blobs}' <<<"$fetched"
	kill "$CONTROLLER_PID"
	h_until 30 h_gone "$CONTROLLER_PID" || h_die "$1: it does not end"
	h_pass "$1"
}

h_spawn src "$CONTROLLER" --embedded="$H_TMP/objects" "${FLAGS[@]}"
h_until 300 herd_stored "$STORE" "$OBJECTS" || h_die "the herd did not become Ready"
h_stop "$H_PID" >/dev/null
herd_paths "$STORE"
# From here on the objects are in the database: the manifests need not be applied again.
start "intact"
start "intact again"
rm -f "$STORE/.index"
start "no index"
h_finish
