#!/usr/bin/env bash
# test/isolation/run.sh [NAME...]: no registry, tenant or client takes what the others need (docs/isolation.md). All tests, or those named.
# They run the release build with its embedded API, against servers that stall, lie and flood (lab.py).
set -u
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- $(cd test/isolation && ls ./*_test.py | sed 's,^./,,; s,_test.py$,,')
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for name in "$@"; do
	start=$SECONDS
	timeout -k 10 "${LIMIT:-600}" python3 "test/isolation/${name}_test.py" >"$log" 2>&1
	rc=$?
	read -r p f < <(sed -nE 's/^[a-z0-9_-]+: ([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$log" | tail -n 1)
	p=${p:-0} f=${f:-0}
	if [ $rc -ne 0 ] || [ "$p" -eq 0 ]; then
		cat "$log"
		[ "$f" -ne 0 ] || f=1
	else
		grep -E ' [0-9.]+ .*\((at most|at least) |^skip ' "$log"
	fi
	printf '%-28s %5d passed, %d failed  (%d s)\n' "$name" "$p" "$f" $((SECONDS - start))
	passed=$((passed + p))
	failed=$((failed + f))
	p='' f=''
done
echo "isolation: $passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
