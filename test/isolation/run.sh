#!/usr/bin/env bash
# test/isolation/run.sh [NAME...]: no registry, tenant or client takes what the others need (docs/isolation.md). All tests, or those named.
# They run the release build with its embedded API, against servers that stall, lie and flood (lab.py).
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- $(cd test/isolation && ls ./*_test.py | sed 's,^./,,; s,_test.py$,,')
exec bash test/all.sh $(printf 'test/isolation/%s_test.py ' "$@")
