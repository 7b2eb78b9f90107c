#!/usr/bin/env bash
# test/all.sh PROGRAM-OR-SCRIPT...: runs Check programs (unit-*) and test scripts (*.sh, *.py), shows what each said when it has ended,
# and closes with the sum: "N passed, N failed". Exit status 1 if anything failed, or if something ended without a count.
# They share nothing, and most of their time is waiting: three run at once (AT_ONCE), each with ports of its own (h_free_port). A script
# that measures time or memory, or lives by short Leases, has a line "# Alone: WHY": it runs when the others have ended.
set -u
export CK_TIMEOUT_MULTIPLIER=${CK_TIMEOUT_MULTIPLIER:-4} # a shared machine can be slow; a test that hangs still ends
LSAN_OPTIONS=suppressions=$(cd "$(dirname "$0")" && pwd)/lsan.supp:print_suppressions=0
export LSAN_OPTIONS
AT_ONCE=${AT_ONCE:-3}
logs=$(mktemp -d)
running=''
trap '[ -z "$running" ] || kill "$running" 2>/dev/null; rm -rf "$logs"' EXIT
name_of()
{
	local name=${1##*/}

	echo "${name%.*}"
}
# run PROGRAM-OR-SCRIPT: what it says into NAME.log, then what is to be said of it, in one piece. In a shell of its own, which
# has counted the CPU of nobody else.
run()
{
	local name start=$SECONDS rc=0 cpu

	name=$(name_of "$1")
	case $1 in
	*.sh) bash "$1" ;;
	*.py) timeout -k 10 "${LIMIT:-600}" python3 "$1" ;;
	*) "$1" ;;
	esac >"$logs/$name.log" 2>&1 || rc=$?
	times >"$logs/$name.cpu" # its second line is of the children: 1m2.345s 0m6.789s
	cpu=$(tail -n 1 "$logs/$name.cpu" | tr ms '  ' | awk '{ printf "%.0f", $1 * 60 + $2 + $3 * 60 + $4 }')
	(
		flock 9
		report "$name" $rc $((SECONDS - start)) "$cpu"
	) 9>>"$logs/lock"
}
# report NAME STATUS SECONDS CPU-SECONDS: a line of it, behind all it said if it failed; NAME.sum has what it counted.
report()
{
	local log=$logs/$1.log counts p f seed

	# Check: "97%: Checks: 34, Failures: 1, Errors: 0"; the scripts: "name: 34 passed, 0 failed".
	counts=$(sed -nE 's/^[0-9]+%: Checks: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+)$/\1 \2 \3/p; s/^([a-z0-9_-]+: )?([0-9]+) passed, ([0-9]+) failed$/\2 \3 -/p' "$log" |
		awk '{ if ($3 == "-") { p += $1; f += $2 } else { p += $1 - $2 - $3; f += $2 + $3 } n++ } END { if (n) print p, f }')
	read -r p f <<<"${counts:-0 0}"
	if [ "$2" -ne 0 ] || [ -z "$counts" ] || [ "$f" -ne 0 ]; then
		cat "$log"
		[ "$f" -ne 0 ] || f=1
	else
		grep -E ' [0-9.]+ .*\((at most|at least) |^skip ' "$log" # figures, and what they are held to
	fi
	# What chose at random says how to choose so again.
	seed=$(grep -oE 'SEED=[0-9]+' "$log" | head -n 1)
	printf '%-28s %5d passed, %d failed  (%d s, CPU %d s)%s\n' "$1" "$p" "$f" "$3" "$4" "${seed:+  $seed}"
	echo "$p $f" >"$logs/$1.sum"
}
export -f name_of run report
export logs
together=() alone=()
for t in "$@"; do
	case $t in
	*.sh|*.py) if grep -q '^# Alone: ' "$t"; then alone+=("$t"); else together+=("$t"); fi ;;
	*) together+=("$t") ;;
	esac
done
if [ ${#together[@]} -gt 0 ]; then
	printf '%s\0' "${together[@]}" | H_SLOTS=$AT_ONCE xargs -0 -n 1 -P "$AT_ONCE" --process-slot-var=H_SLOT bash -c 'run "$1"' run &
	running=$!
	wait "$running"
	running=''
fi
for t in ${alone[@]+"${alone[@]}"}; do bash -c 'run "$1"' run "$t"; done

passed=0 failed=0 broken=''
for t in "$@"; do
	name=$(name_of "$t")
	p=0 f=1 # killed before it could be counted
	[ ! -e "$logs/$name.sum" ] || read -r p f <"$logs/$name.sum"
	[ "$f" -eq 0 ] || broken="$broken $name"
	passed=$((passed + p))
	failed=$((failed + f))
done
[ -z "$broken" ] || echo "failed:$broken"
[ $((passed + failed)) -gt 0 ] || { echo "nothing was tested"; exit 1; }
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
