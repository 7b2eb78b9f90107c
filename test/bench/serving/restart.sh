#!/usr/bin/env bash
# kill -9 of the only replica, which is started again at once: until the last artifact is served. With its store, and with an empty one, which
# is filled from the registry. The embedded API, a docker-registry on loopback.
. "$(dirname "$0")/../../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
h_registry_start reg
. "$H_ROOT/test/bench/herd.sh"
herd_push 16

run_spawn() { h_spawn src "$CONTROLLER" --embedded="$H_TMP/objects" "${FLAGS[@]}" --storage-path="$1"; }

# killed NAME PID STORE: starts it again there, and a line of what it took. Leaves the new pid in CONTROLLER_PID.
killed()
{
	local fetched

	fetched=$(python3 "$H_ROOT/test/bench/fetch.py" --kill="$2" --again=120 "$STORAGE" "$H_TMP/paths" "$CONTROLLER" --embedded "${FLAGS[@]}" \
		--storage-path="$3" 2>>"$H_TMP/log/fetch.err") || h_die "$1: not all artifacts came back"
	CONTROLLER_PID=$(jq .pid <<<"$fetched")
	H_PIDS+=("$CONTROLLER_PID")
	jq -c --arg s "$1" --argjson blobs "$(herd_count oci_registry_requests_total 'kind="blob"')" \
		'{scenario: "killed", store: $s, objects, seconds: .last, unavailable, blobs: $blobs}' <<<"$fetched"
	h_pass "killed, $1"
}

for n in ${HERDS:-10 500 2000}; do
	herd_write "$n" 1h
	rm -rf "$H_TMP"/src.state "$H_TMP"/store*
	run_spawn "$H_TMP/store"
	pid=$H_PID
	disown "$pid"
	h_until 300 herd_stored "$H_TMP/store" "$n" || h_die "the $n objects did not become Ready"
	herd_paths "$H_TMP/store"
	killed intact "$pid" "$H_TMP/store"
	h_forget "$pid"
	pid=$CONTROLLER_PID
	killed empty "$pid" "$H_TMP/store.empty"
	h_forget "$pid"
	kill "$CONTROLLER_PID"
	h_until 30 h_gone "$CONTROLLER_PID" || h_die "it does not end"
	h_forget "$CONTROLLER_PID"
done
h_finish
