#!/usr/bin/env bash
# test/e2e/policydiff.sh [SEED|random]: which tag an ImagePolicy chooses, held to Go's own packages (regexp's Expand, strconv.ParseFloat and
# Masterminds/semver, put together as lib/image/choose.h says): some 50,000 generated policies and lists of tags. The same seed each time, so that a change is
# judged by what it changed; `random` looks for what no seed has shown yet, and prints the seed. test/unit/image/data holds a frozen table of the same kind.
set -eu
cd "$(dirname "$0")/../.."
seed=${1:-820355209}
[ "$seed" != random ] || seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
build=${BUILD:-build}
table=$(mktemp)
trap 'rm -f "$table"' EXIT
echo "seed $seed"
dir=$(bash test/e2e/tools/build.sh policydiff)
"$dir/policydiff" -what choice -seed "$seed" -n 50000 >"$table"
flock "$build" make -s --no-print-directory O="$build" "$build/policydiff" >&2
"$build/policydiff" "$table"
