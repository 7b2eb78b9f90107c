#!/usr/bin/env bash
# test/all.sh PROGRAM-OR-SCRIPT...: runs Check programs (unit-*) and test scripts (*.sh) one after the other, shows what each said in the end,
# and closes with the sum: "N passed, N failed". Exit status 1 if anything failed, or if something ended without a count.
# Check programs share nothing, and many of them wait most of the time: two run at once (UNITS_AT_ONCE). Scripts run alone.
set -u
export CK_TIMEOUT_MULTIPLIER=${CK_TIMEOUT_MULTIPLIER:-4} # a shared machine can be slow; a test that hangs still ends
LSAN_OPTIONS=suppressions=$(cd "$(dirname "$0")" && pwd)/lsan.supp:print_suppressions=0
export LSAN_OPTIONS
passed=0 failed=0 broken=''
logs=$(mktemp -d)
units=''
trap '[ -z "$units" ] || kill "$units" 2>/dev/null; rm -rf "$logs"' EXIT
# run PROGRAM-OR-SCRIPT: what it says into NAME.log, then its status and its seconds into NAME.end.
run()
{
	local name start=$SECONDS rc=0

	name=$(basename "$1" .sh)
	case $1 in
	*.sh) bash "$1" ;;
	*) "$1" ;;
	esac >"$logs/$name.log" 2>&1 || rc=$?
	echo "$rc $((SECONDS - start))" >"$logs/$name.part"
	mv "$logs/$name.part" "$logs/$name.end"
}
export -f run
export logs
programs=()
for t in "$@"; do case $t in *.sh) ;; *) programs+=("$t") ;; esac; done
if [ ${#programs[@]} -gt 0 ]; then
	printf '%s\0' "${programs[@]}" | xargs -0 -n 1 -P "${UNITS_AT_ONCE:-2}" bash -c 'run "$1"' run &
	units=$!
fi
for t in "$@"; do
	name=$(basename "$t" .sh)
	case $t in
	*.sh)
		[ -z "$units" ] || { wait "$units"; units=''; }
		run "$t"
		;;
	*) until [ -e "$logs/$name.end" ] || ! kill -0 "$units" 2>/dev/null; do sleep 0.1; done ;;
	esac
	log=$logs/$name.log
	rc=1 seconds=0
	[ ! -e "$logs/$name.end" ] || read -r rc seconds <"$logs/$name.end"
	# Check: "97%: Checks: 34, Failures: 1, Errors: 0"; the scripts: "name: 34 passed, 0 failed".
	counts=$(sed -nE 's/^[0-9]+%: Checks: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+)$/\1 \2 \3/p; s/^([a-z0-9_-]+: )?([0-9]+) passed, ([0-9]+) failed$/\2 \3 -/p' "$log" |
		awk '{ if ($3 == "-") { p += $1; f += $2 } else { p += $1 - $2 - $3; f += $2 + $3 } n++ } END { if (n) print p, f }')
	read -r p f <<<"${counts:-0 0}"
	if [ $rc -ne 0 ] || [ -z "$counts" ] || [ "$f" -ne 0 ]; then
		cat "$log"
		broken="$broken $name"
		[ "$f" -ne 0 ] || f=1
	fi
	# What chose at random says how to choose so again.
	seed=$(grep -oE 'SEED=[0-9]+' "$log" | head -n 1)
	printf '%-28s %5d passed, %d failed  (%d s)%s\n' "$name" "$p" "$f" "$seconds" "${seed:+  $seed}"
	passed=$((passed + p))
	failed=$((failed + f))
done
[ -z "$broken" ] || echo "failed:$broken"
[ $((passed + failed)) -gt 0 ] || { echo "nothing was tested"; exit 1; }
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
