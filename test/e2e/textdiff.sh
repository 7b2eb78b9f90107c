#!/usr/bin/env bash
# test/e2e/textdiff.sh [SEED|random]: lib/text against the Go modules whose behaviour it has to have: some 100,000 generated versions, ranges and filters
# (Masterminds/semver and Go's regexp), numbers and templates (Go's strconv and regexp), ignore rules (fluxcd/pkg/sourceignore), YAML documents (sigs.k8s.io/yaml) and CEL expressions (google/cel-go). The same seed each time, so that
# a change is judged by what it changed; `random` looks for what no seed has shown yet, and prints the seed. test/unit/text/data holds frozen tables of the same kind for the Check tests.
set -eu
cd "$(dirname "$0")/../.."
seed=${1:-820355209}
[ "$seed" != random ] || seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
build=${BUILD:-build}
tables=$(mktemp -d)
trap 'rm -rf "$tables"' EXIT
echo "seed $seed"
for tool in semverdiff ignorediff yamldiff celdiff policydiff; do
	dir=$(bash test/e2e/tools/build.sh $tool)
	listed=()
	[ $tool != celdiff ] || listed=(-f test/e2e/tools/celdiff/expressions.txt)
	"$dir/$tool" -seed "$seed" -n 20000 "${listed[@]}" >"$tables/$tool.tsv"
done
flock "$build" make -s --no-print-directory O="$build" "$build/textdiff" >&2
"$build/textdiff" "$tables"/*.tsv
