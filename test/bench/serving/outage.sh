#!/usr/bin/env bash
# Memory and descriptors with OBJECTS objects whose registry, the only one, is well, takes requests and answers none, and is gone. VmHWM begins
# anew with each. Each goes on until every object says so, and an interval of the objects more.
. "$(dirname "$0")/../../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
OBJECTS=${OBJECTS:-2000}
INTERVAL=${INTERVAL:-20}
h_registry_start reg
. "$H_ROOT/test/bench/herd.sh"
herd_push 16
herd_write "$OBJECTS" "${INTERVAL}s" 10s
h_spawn src "$CONTROLLER" --embedded="$H_TMP/objects" "${FLAGS[@]}" --storage-path="$H_TMP/store"
CONTROLLER_PID=$H_PID
h_until 300 herd_stored "$H_TMP/store" "$OBJECTS" || h_die "the herd did not become Ready"

status_mib() { awk -v k="$1:" '$1 == k { printf "%.1f\n", $2 / 1024 }' "/proc/$CONTROLLER_PID/status"; }
cpu_ms() { awk '{ sub(/.*\) /, ""); split($0, f, " "); print (f[12] + f[13]) * 10 }' "/proc/$CONTROLLER_PID/stat"; }
failing() { herd_count gotk_resource_info 'ready="False"'; }
FDS=0
# see SECONDS: how many descriptors are open.
see()
{
	local end n

	end=$(($(h_now_ms) + $1 * 1000))
	while [ "$(h_now_ms)" -lt "$end" ]; do
		n=$(ls "/proc/$CONTROLLER_PID/fd" | wc -l)
		[ "$n" -le "$FDS" ] || FDS=$n
		sleep 0.1
	done
}
# during NAME WANTED: until so many objects fail, and an interval more; a line of what it took.
during()
{
	local began cpu end

	echo 5 >"/proc/$CONTROLLER_PID/clear_refs" || h_die "VmHWM cannot be reset"
	FDS=0 began=$(h_now_ms) cpu=$(cpu_ms)
	end=$((began + 180000))
	until [ "$(failing)" -eq "$2" ]; do
		[ "$(h_now_ms)" -lt $end ] || h_die "$1: $(failing) of $OBJECTS objects fail, not $2"
		see 1
	done
	see "$INTERVAL"
	[ "$(failing)" -eq "$2" ] || h_die "$1: $(failing) of $OBJECTS objects fail, not $2"
	jq -cn --arg s "$1" --argjson n "$OBJECTS" --argjson hwm "$(status_mib VmHWM)" --argjson anon "$(status_mib RssAnon)" --argjson fds "$FDS" \
		--argjson failing "$(failing)" --argjson cpu $(($(cpu_ms) - cpu)) --argjson ms $(($(h_now_ms) - began)) \
		'{scenario: "outage", registry: $s, objects: $n, seconds: ($ms / 1000), failing: $failing, peak_rss_mib: $hwm, anonymous_mib: $anon, descriptors: $fds, cpu_ms: $cpu}'
	h_pass "outage: $1"
}

during well 0
kill -STOP "$REGISTRY_PID"
during silent "$OBJECTS"
kill -KILL "$REGISTRY_PID"
disown "$REGISTRY_PID"
during gone "$OBJECTS"
h_stop "$CONTROLLER_PID" >/dev/null
h_finish
