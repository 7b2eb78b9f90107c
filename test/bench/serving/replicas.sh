#!/usr/bin/env bash
# Two replicas of deploy/ha behind a balancer (balancer.py) while a client (poll.py) fetches 20 artifacts, 50 a second, and a new revision of one
# of them comes twice a second: what the client saw other than 200 in an update, when a process dies, in an update with empty stores. Then how
# soon two followers serve a new revision (propagation.py). A real kube-apiserver, etcd and docker-registry; default flags of the Lease.
. "$(dirname "$0")/../../lib/replicas_net.sh"
. "$(dirname "$0")/../../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
. "$H_ROOT/test/lib/replicas.sh"
SERVING=$H_ROOT/test/bench/serving
OBJECTS=20
REVISIONS=${REVISIONS:-30}
REPLICA_FLAGS=(--shutdown-delay=5s)
replicas_begin
start()
{
	replicas_start "$1"
	h_address "src$1" artifacts >/dev/null || h_die "replica $1 did not start"
}

# ---- objects, two replicas, the balancer, the clients ----------------------------------------------------------------
python3 "$SERVING/push.py" "$REGISTRY" web- $OBJECTS || h_die "cannot push"
object() { printf '{"apiVersion":"source.toolkit.fluxcd.io/v1","kind":"OCIRepository","metadata":{"name":"%s","namespace":"apps"},"spec":{"interval":"%s","url":"oci://%s/%s","ref":{"tag":"main"}}}\n' "$1" "$2" "$REGISTRY" "$1"; }
for ((i = 0; i < OBJECTS; i++)); do object web-$i 2s; done | k create -f - >/dev/null || h_die "no objects"
all_ready() { [ "$(k -n apps get ocirepositories -o json | jq '[.items[] | select(any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length')" -eq "$1" ]; }

mkdir "$H_TMP/endpoints"
serves() { [ "$(ready "$1")" = 200 ]; }
# What the replicas know of each other. ALONE: nothing.
LIVE=() ALONE=''
peers() { if [ -z "$ALONE" ]; then replicas_slice "${LIVE[@]}"; else replicas_slice; fi; }
# up N: a new Pod; the replicas know of it at once, the balancer goes by its readiness.
up()
{
	LIVE+=("$1")
	peers
	start "$1"
	echo "10.97.0.$1:$PORT" >"$H_TMP/endpoints/.new"
	mv "$H_TMP/endpoints/.new" "$H_TMP/endpoints/$1"
	h_until 120 serves "$1" || h_die "replica $1 does not become ready"
}
# down N: a Pod that is told to end. The balancer is told at the same time.
down()
{
	local n keep=()

	for n in "${LIVE[@]}"; do [ "$n" = "$1" ] || keep+=("$n"); done
	LIVE=("${keep[@]}")
	echo terminating >>"$H_TMP/endpoints/$1"
	peers
	kill -TERM "${PID[$1]}"
	h_until 60 h_gone "${PID[$1]}" || h_die "replica $1 does not end"
	wait "${PID[$1]}" || h_die "replica $1 ends with exit status $?"
	h_forget "${PID[$1]}"
	rm "$H_TMP/endpoints/$1"
}
up 1
up 2
h_until 60 all_ready $OBJECTS || h_die "not every object is Ready"

h_spawn balancer python3 "$SERVING/balancer.py" "$H_TMP/endpoints" 10.97.0.100:80 10.97.0.100:81
for port in 80 81; do
	h_spawn poll$port python3 "$SERVING/poll.py" "$ADMIN_KUBECONFIG" apps $OBJECTS 50 10.97.0.100:$port "$H_TMP/polled.$port"
done
h_spawn push python3 "$SERVING/push.py" "$REGISTRY" web- $OBJECTS 0.5
CLIENTS=("${H_PIDS[@]: -3}")
h_until 30 test -s "$H_TMP/polled.81" || h_die "the clients do not run"
sleep 2

# phase NAME COMMAND...: what the clients saw meanwhile. EXTRA is added to the line.
phase()
{
	local name=$1 from p port lines=() balancer

	shift
	EXTRA='{}' from=$EPOCHREALTIME
	"$@"
	sleep 3
	h_until 60 all_ready $OBJECTS || h_die "$name: not every object is Ready"
	for p in "${CLIENTS[@]}"; do h_alive "$p" || h_die "$name: a client has ended"; done
	for port in 80 81; do
		balancer=next
		[ $port = 80 ] || balancer=strict
		lines+=("$(python3 "$SERVING/poll.py" --sum "$H_TMP/polled.$port" "$from" "$EPOCHREALTIME" 2>>"$H_TMP/log/sum.err" |
			jq -c --arg s "$name" --arg b $balancer --argjson x "$EXTRA" '{scenario: "clients", what_happens: $s, balancer: $b} + . + $x')")
		[ -n "${lines[-1]}" ] || h_die "$name: the clients could not run"
	done
	printf '%s\n' "${lines[@]}"
	h_pass "$name"
}

# ---- what happens ----------------------------------------------------------------------------------------------------
# update [kept]: each Pod is replaced by a new one, which is ready before an old one goes. Its store is empty, or what the old one has.
NEXT_POD=3
update()
{
	local old

	for old in "${LIVE[@]}"; do
		[ "${1:-}" != kept ] || cp -a "$H_TMP/store$old" "$H_TMP/store$NEXT_POD"
		up $NEXT_POD
		down "$old"
		NEXT_POD=$((NEXT_POD + 1))
	done
}
# The same, and no replica knows of another: all comes from the registry.
update_alone() { ALONE=1; update; ALONE=''; peers; }
leader() { local n; for n in "${LIVE[@]}"; do [ "$(leads "$n")" != 1 ] || echo "$n"; done; }
led() { [ "$(leader | wc -w)" -eq 1 ]; }
follower() { local n; for n in "${LIVE[@]}"; do [ "$(leads "$n")" = 1 ] || { echo "$n"; return; }; done; }
# die N: SIGKILL, and the kubelet's new process in the same Pod a second later.
die()
{
	disown "${PID[$1]}"
	kill -KILL "${PID[$1]}"
	h_forget "${PID[$1]}"
	sleep 1
	start "$1"
	h_until 120 serves "$1" || h_die "replica $1 does not come back"
}
leader_dies()
{
	local began

	began=$(h_now_ms)
	die "$(leader)"
	h_until 120 led || h_die "nobody leads"
	EXTRA="{\"no_leader_seconds\":$((($(h_now_ms) - began) / 100))}"
	EXTRA=$(jq -c '.no_leader_seconds /= 10' <<<"$EXTRA")
}
follower_dies() { die "$(follower)"; }

h_until 60 led || h_die "nobody leads"
phase nothing sleep 7
phase update update kept
h_until 60 led || h_die "nobody leads"
phase leader_killed leader_dies
phase follower_killed follower_dies
phase update_empty update
phase update_empty_no_peers update_alone
for p in "${CLIENTS[@]}"; do h_stop "$p"; done 2>/dev/null

# ---- how soon followers have a new revision --------------------------------------------------------------------------
up $NEXT_POD
k -n apps delete ocirepositories --all >/dev/null || h_die "the objects do not go"
python3 "$SERVING/push.py" "$REGISTRY" late- 1
object late-0 1h | k create -f - >/dev/null
h_until 60 all_ready 1 || h_die "late-0 is not Ready"
FOLLOWERS=()
for n in "${LIVE[@]}"; do [ "$(leads "$n")" = 1 ] || FOLLOWERS+=("10.97.0.$n:$PORT=$H_TMP/store$n"); done
[ ${#FOLLOWERS[@]} -eq 2 ] || h_die "not two of ${LIVE[*]} follow"
if python3 "$SERVING/propagation.py" "$ADMIN_KUBECONFIG" apps late-0 "$REGISTRY" late-0 "$REVISIONS" "${FOLLOWERS[@]}" 2>>"$H_TMP/log/propagation.err"; then
	h_pass propagation
else
	h_fail propagation.py "exit status 0" "$(cat "$H_TMP/log/propagation.err")"
fi
h_finish
