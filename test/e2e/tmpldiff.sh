#!/usr/bin/env bash
# test/e2e/tmpldiff.sh [SEED|random]: lib/template against Go's text/template with sprig's hermetic functions: some 20,000 generated templates,
# and those of test/e2e/tools/tmpldiff/templates.txt. test/unit/template/data/go.tsv is a frozen table of the same kind for the Check tests:
# tmpldiff -seed 1 -n 1500 -f templates.txt.
set -eu
cd "$(dirname "$0")/../.."
seed=${1:-820355209}
[ "$seed" != random ] || seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
table=$(mktemp)
trap 'rm -f "$table"' EXIT
echo "seed $seed"
tools=test/e2e/tools
"$(bash $tools/build.sh tmpldiff)/tmpldiff" -seed "$seed" -n 20000 -f $tools/tmpldiff/templates.txt >"$table"
mkdir -p build/san
flock build/san make -s --no-print-directory O=build/san SAN=1 build/san/unit-template >&2
TEMPLATE_TABLE=$table UNIT=go build/san/unit-template
