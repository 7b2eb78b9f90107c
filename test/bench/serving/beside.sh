#!/usr/bin/env bash
# A healthy registry's new revisions beside 200 objects of one that black-holes: beside.py, in a network of its own. The embedded API.
if [ -z "${BESIDE_NET:-}" ]; then BESIDE_NET=1 exec unshare --net -- bash "$0"; fi
ip link set lo up
ip address add 10.97.0.9/32 dev lo
# Without the address this route is what is left: the packets go round once, and nobody takes them.
ip route add 10.97.0.9/32 dev lo
. "$(dirname "$0")/../../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
h_registry_start good
good=$REGISTRY
REGISTRY_HOST=10.97.0.9 h_registry_start bad
h_controller_start src --embedded --state-dir="$H_TMP/state" --storage-path="$H_TMP/store"
h_address src embedded-api >/dev/null || h_die "the embedded API did not start"
if python3 "$H_ROOT/test/bench/serving/beside.py" "$H_TMP/state/kubeconfig" "$(h_address src metrics)" "$good" "$REGISTRY" "$REGISTRY_PID" "${ROUNDS:-12}" \
	2>"$H_TMP/log/beside.err"; then
	h_pass beside
else
	h_fail "beside.py" "exit status 0" "see above"
fi
kill -s CONT "$REGISTRY_PID" 2>/dev/null
h_finish
