#!/usr/bin/env bash
# test/e2e/proxydiff.sh [SEED|random]: lib/http/proxy_env.h against golang.org/x/net/http/httpproxy, whose rules it has to have: generated NO_PROXY lists
# and URLs. The same seed each time; `random` looks for what no seed has shown yet, and prints the seed.
set -eu
cd "$(dirname "$0")/../.."
seed=${1:-20260101}
[ "$seed" != random ] || seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
build=${BUILD:-build}
echo "seed $seed"
dir=$(bash test/e2e/tools/build.sh proxydiff)
flock "$build" make -s --no-print-directory O="$build" "$build/proxydiff" >&2
"$dir/proxydiff" -seed "$seed" -n 100000 | "$build/proxydiff"
