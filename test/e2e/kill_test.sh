#!/usr/bin/env bash
# kill -9 of real processes, two replicas on a real API server: the leader dies at each row of a reconcile's tables, of the Lease's and of a
# removal's; the follower at each row of a fetch from the leader and of its own end; both at points that SEED chooses (SEED=N plays them
# again). Each time the other one goes on, the status comes to what was pushed, and who was killed comes back clean. All the while somebody
# fetches: what is answered with 200 has the bytes that a status has named.
#
# The points are those of a sanitized build (lib/base/sys.h); which there are a first round says that kills nobody.
# Alone: it lives by short Leases.
. "$(dirname "$0")/../lib/replicas_net.sh"
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
. "$H_ROOT/test/lib/replicas.sh"
h_points_build
export ASAN_OPTIONS=detect_leaks=0
h_seed
RANDOM_KILLS=${RANDOM_KILLS:-3} # of each of four kinds

replicas_begin

start()
{
	SYS_KILL_FILE=$H_TMP/kill$1 SYS_POINTS=$H_TMP/points$1 replicas_start "$1" \
		--leader-election-lease-duration=2s --leader-election-renew-deadline=1500ms --leader-election-retry-period=300ms
}
temps() { find "$H_TMP/store$1" -path '*/.tmp/*' | wc -l; }
# leader: LEADER and FOLLOWER, once one of the two leads.
leader_now()
{
	[ "$(leads 1)" != 1 ] || { LEADER=1 FOLLOWER=2; return 0; }
	[ "$(leads 2)" = 1 ] && LEADER=2 FOLLOWER=1
}
leader()
{
	local i

	for ((i = 0; i < 400; i++)); do
		! leader_now || return 0
		sleep 0.05
	done
	h_die "SEED=$SEED, $WHAT: nobody leads"
}

# ---- what is changed, and when it is done ----------------------------------------------------------------------------
ROUND=0
# change [rules]: another revision, or other bytes under the same path. What was there is in $was.
change()
{
	ROUND=$((ROUND + 1))
	was=$(named web)
	if [ "${1:-}" = rules ]; then
		IGNORED=$([ "${IGNORED:-}" = kept ] && echo file || echo kept)
		k -n apps patch ocirepository web --type=merge -p "{\"spec\":{\"ignore\":\"$IGNORED\"}}" >/dev/null
	else
		replicas_push web "revision $ROUND" 700000
		k -n apps annotate ocirepository web --overwrite reconcile.fluxcd.io/requestedAt=$ROUND >/dev/null
	fi
}
changed() { get web | jq -r --arg was "sha256:$was" '.metadata.generation as $g | select(.status.artifact.digest != $was and .status.observedGeneration == $g) |
	.status.conditions[] | select(.type == "Ready" and .observedGeneration == $g) | .status'; }
has() { [ "$(sum "$1" web)" = "$(named web)" ] && echo yes; }

# The replica that was killed comes back.
check_back()
{
	check_soon "$WHAT: it is ready again" 40 200 ready "$1"
	check_soon "$WHAT: it has what the status names" 20 yes has "$1"
	check_eq "$WHAT: no temporary file" 0 "$(temps "$1")"
}

# dies REPLICA COMMAND...: what COMMAND brings about kills it. 1: it did not, and nothing is left of the plan.
dies()
{
	local n=$1

	shift
	echo "$POINT" >"$H_TMP/kill$n"
	"$@"
	if ! h_until 12 h_gone "${PID[$n]}"; then
		rm -f "$H_TMP/kill$n"
		echo none >"$H_TMP/kill$n"
		return 1
	fi
	rm -f "$H_TMP/kill$n"
	wait "${PID[$n]}" 2>/dev/null
	DIED=$?
	h_forget "${PID[$n]}"
}

# ---- rounds ----------------------------------------------------------------------------------------------------------
# All of them: with the point of this round in $POINT ("NAME[:PASSAGE]"); 1 if it was not reached.
declare -A KILLED=([leader]=0 [follower]=0)
killed() { KILLED[$1]=$((KILLED[$1] + 1)); }

# From a death to the next leader, at most.
MOST_MS=0
leads_again()
{
	local since took

	since=$(h_now_ms)
	start $LEADER
	leader
	took=$(($(h_now_ms) - since))
	[ $took -le $MOST_MS ] || MOST_MS=$took
}

leader_dies()
{
	local died

	WHAT="SEED=$SEED, the leader dies at '$POINT'"
	leader
	case $POINT in
	reconcile/hold* | reconcile/commit*) dies $LEADER change rules ;;
	*) dies $LEADER change ;;
	esac || return 1
	killed leader
	died=$LEADER
	leads_again
	check_soon "$WHAT: the status comes to what was pushed" 30 True changed
	check_back $died
}

follower_dies()
{
	WHAT="SEED=$SEED, the follower dies at '$POINT'"
	leader
	dies $FOLLOWER change || return 1
	killed follower
	start $FOLLOWER
	check_soon "$WHAT: the status comes to what was pushed" 30 True changed
	check_back $FOLLOWER
}

# What ends is killed at a row of its end. One that has ended by then was not.
ends() { kill -TERM "${PID[$1]}"; }
role_ends()
{
	local n

	WHAT="SEED=$SEED, the $1 ends and dies at '$POINT'"
	leader
	if [ "$1" = leader ]; then n=$LEADER; else n=$FOLLOWER; fi
	dies $n ends $n || h_die "$WHAT: it did not end"
	start $n
	[ $DIED -ne 137 ] || killed "$1"
	check_back $n
	[ $DIED -eq 137 ]
}

begins() { start $FOLLOWER; }
follower_begins()
{
	WHAT="SEED=$SEED, a start dies at '$POINT'"
	leader
	h_stop "${PID[$FOLLOWER]}"
	PID[$FOLLOWER]=0
	dies $FOLLOWER begins || return 1
	killed follower
	start $FOLLOWER
	check_back $FOLLOWER
}

gone() { k -n apps get ocirepository gone >/dev/null 2>&1 || echo yes; }
files() { find "$H_TMP/store$1/ocirepository/apps/gone" -name '*.tar.gz' 2>/dev/null | wc -l; }
removes() { k -n apps delete ocirepository gone --wait=false >/dev/null; }
removal_dies()
{
	WHAT="SEED=$SEED, the leader dies at '$POINT' of a removal"
	leader
	replicas_push gone "to be removed $ROUND"
	replicas_object gone 1h
	check_soon "$WHAT: there is an object" 30 "True Succeeded" outcome gone
	leader
	dies $LEADER removes || return 1
	killed leader
	start $LEADER
	check_soon "$WHAT: the object goes" 30 yes gone
	check_back $LEADER
	for n in 1 2; do check_soon "$WHAT: its files go on replica $n" 20 0 files $n; done
}

# Twice: a process may have lost the Lease in between, on a machine that is busy.
surely()
{
	"$@" || "$@" || h_fail "$WHAT" "a process that dies" "none, the point was not reached"
}
NOT_REACHED=0
perhaps() { "$@" || NOT_REACHED=$((NOT_REACHED + 1)); }

# ---- a round that kills nobody says which points there are -------------------------------------------------------------
WHAT="the first round"
replicas_slice 1 2
start 1
h_until 40 leader_now || h_die "no leader"
replicas_push web "revision 0" 700000
replicas_object web 1h
check_soon "an artifact" 30 "True Succeeded" outcome web
TOLD=$H_TMP/log/told.out
KUBECONFIG=$ADMIN_KUBECONFIG h_spawn told "$KUBECTL" -n apps get ocirepository web --watch -o jsonpath='{.status.artifact.path}{" "}{.status.artifact.digest}{"\n"}'
h_spawn poller python3 "$H_ROOT/test/lib/kill_poller.py" "$TOLD" "$H_TMP/seen" 10.97.0.1:$PORT 10.97.0.2:$PORT
start 2
check_soon "a follower" 40 200 ready 2
# since N: the points that replica N has passed since the last call.
declare -A MARK=([1]=0 [2]=0)
since()
{
	local now

	now=$(stat -c %s "$H_TMP/points$1")
	SINCE=$(tail -c "+$((MARK[$1] + 1))" "$H_TMP/points$1" | head -c $((now - MARK[$1])))
	MARK[$1]=$now
}
points() { printf '%s\n' "$1" | sort -u; }
since 1
since 2
change
check_soon "a new revision" 30 True changed
check_soon "is on the follower" 20 yes has 2
renewed() { tail -c "+$((MARK[1] + 1))" "$H_TMP/points1" | grep -q '^lease/write' && echo yes; }
check_soon "the Lease was renewed meanwhile" 20 yes renewed
since 1
LEAD_TRAIL=$SINCE
mapfile -t LEAD < <(points "$SINCE")
since 2
mapfile -t FOLLOW < <(points "$SINCE")
h_stop "${PID[2]}"
since 2
mapfile -t END < <(points "$SINCE")
start 2
check_soon "the follower again" 40 200 ready 2
since 2
mapfile -t BEGIN < <(points "$SINCE")

# rows PREFIX POINT...: the rows of a task among the points, in ROWS: each once, as it begins or as it goes on.
rows()
{
	local prefix=$1 p row

	shift
	ROWS=()
	for row in $(printf '%s\n' "$@" | grep "^$prefix/" | sed 's/+$//' | tr ' ' '_' | sort -u); do
		row=${row//_/ }
		case " $(printf '%s,' "$@")" in *[\ ,]"$row+,"*) h_choose "$row" "$row+" ;; *) CHOSEN=$row ;; esac
		ROWS+=("$CHOSEN")
	done
}

# ---- every row -------------------------------------------------------------------------------------------------------
rows reconcile "${LEAD[@]}"
check_has "the leader's rows are known" "reconcile/publish" "${ROWS[*]}"
check_has "all of them" "reconcile/events" "${ROWS[*]}"
for POINT in "${ROWS[@]}"; do surely leader_dies; done
rows lease "${LEAD[@]}"
check_has "the rows of the Lease are known" "lease/write" "${ROWS[*]}"
for POINT in "${ROWS[@]}"; do surely leader_dies; done
for POINT in reconcile/remove reconcile/release; do surely removal_dies; done
for POINT in "lease/give back" lease/release+; do surely role_ends leader; done
rows peers "${FOLLOW[@]}"
check_has "the follower's rows are known" "peers/ask" "${ROWS[*]}"
for POINT in "${ROWS[@]}"; do surely follower_dies; done
rows shutdown "${END[@]}"
check_has "the rows of an end are known" "shutdown/save" "${ROWS[*]}"
for POINT in "${ROWS[@]}"; do surely role_ends follower; done

# ---- any point ---------------------------------------------------------------------------------------------------------
for ((i = 0; i < RANDOM_KILLS; i++)); do
	h_choose "${LEAD[@]}" && POINT=$CHOSEN
	h_choose $(seq "$(grep -cFx -- "$POINT" <<<"$LEAD_TRAIL")") && POINT=$POINT:$CHOSEN
	perhaps leader_dies
	h_choose "${FOLLOW[@]}"
	POINT=$CHOSEN && perhaps follower_dies
	h_choose "${BEGIN[@]}"
	POINT=$CHOSEN && perhaps follower_begins
	h_choose "${END[@]}"
	POINT=$CHOSEN && perhaps role_ends follower
done

# ---- in the end --------------------------------------------------------------------------------------------------------
WHAT="SEED=$SEED, in the end"
leader
check_soon "$WHAT: Ready" 20 "True Succeeded" outcome web
for n in 1 2; do check_soon "$WHAT: replica $n has it" 20 yes has $n; done
# Each answer was of bytes that a status named: under that very path, or any of them as the latest.
strange()
{
	awk 'NR == FNR { pair[$1 " " $2]; any[$2]; next }
		$2 ~ /latest/ ? !("sha256:" $3 in any) : !($2 " sha256:" $3 in pair)' "$TOLD" "$H_TMP/seen"
}
check_eq "$WHAT: nobody was served anything else than a status has named" "" "$(strange | head -n 3)"
for n in 1 2; do check_ne "$WHAT: replica $n has served" 0 "$(grep -c "^10.97.0.$n:" "$H_TMP/seen")"; done
echo "kill_test: ${KILLED[leader]} kills of a leader, ${KILLED[follower]} of a follower, $NOT_REACHED random points not reached, $(wc -l <"$H_TMP/seen") answers; another leader after $MOST_MS ms at most"
h_finish
