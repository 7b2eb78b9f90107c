#!/usr/bin/env bash
# corpus.sh BUILD NAME...: runs BUILD/fuzz-NAME once on each file of test/fuzz/corpus/NAME. A target
# without a corpus fails: nobody would notice that it reads nothing.
cd "$(dirname "$0")/../.." || exit 2
build=$1
shift
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for name in "$@"; do
	corpus=test/fuzz/corpus/$name
	inputs=("$corpus"/*)
	if [ -f "${inputs[0]}" ] && "$build/fuzz-$name" "${inputs[@]}" >"$log" 2>&1; then
		passed=$((passed + 1))
		continue
	fi
	failed=$((failed + 1))
	echo "FAIL  fuzz-$name (${#inputs[@]} inputs of $corpus)"
	tail -n 30 "$log"
done
echo "fuzz-corpus: $passed passed, $failed failed"
[ $failed -eq 0 ]
