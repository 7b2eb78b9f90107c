#!/usr/bin/env bash
# test/e2e/untardiff.sh [SEED|random]: artifacts that lib/pack makes of odd layers against Flux's own untar (github.com/fluxcd/pkg/tar), as a user
# that is not root: all are unpacked, with the contents that the layers have, into folders and files that can be written to. The same
# seed each time; `random` looks for what no seed has shown yet, and prints the seed.
set -eu
cd "$(dirname "$0")/../.."
seed=${1:-20260101}
[ "$seed" != random ] || seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
build=${BUILD:-build}
echo "seed $seed"
tools=$(bash test/e2e/tools/build.sh untardiff)
flock "$build" make -s --no-print-directory O="$build" "$build/untardiff" >&2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
"$build/untardiff" "$dir" "$seed" 1500 >"$dir/table"
# Where the tool was built may be closed to others.
cp "$tools/untardiff" "$dir/"
"$dir/untardiff" "$dir" <"$dir/table"
