#!/usr/bin/env bash
# test/e2e/hookdiff.sh [SEED|random]: lib/hook against what Go, and the SDK of CDEvents for Go, make of the bodies and content types that callers
# of Receivers send: some 50,000 generated ones, and the events of test/e2e/tools/hookdiff/events.txt. test/unit/hook/data/go.tsv is a frozen table
# of the same kind for the Check tests: hookdiff -seed 1 -n 300 -f events.txt.
set -eu
cd "$(dirname "$0")/../.."
seed=${1:-820355209}
[ "$seed" != random ] || seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
table=$(mktemp)
trap 'rm -f "$table"' EXIT
echo "seed $seed"
tools=test/e2e/tools
"$(bash $tools/build.sh hookdiff)/hookdiff" -seed "$seed" -n 6000 -f $tools/hookdiff/events.txt >"$table"
mkdir -p build/san
flock build/san make -s --no-print-directory O=build/san SAN=1 build/san/unit-hook >&2
HOOK_TABLE=$table UNIT=go build/san/unit-hook
