#!/usr/bin/env bash
# test/bench/serving.sh [PART...]: `make bench-serving`. How well artifacts stay available: the parts in test/bench/serving, restart, outage,
# beside and replicas, or those named. JSON lines on stdout; docs/serving.md, "Measured", says what each is. Nothing passes or fails by a time; a
# part that breaks (an object that is not Ready, a client that could not run) says why on stderr, in place of its line.
set -u
set -o pipefail
cd "$(dirname "$0")/serving"
[ $# -gt 0 ] || set -- restart outage beside replicas
rc=0
for part in "$@"; do
	if ! bash "$part.sh" | { grep --line-buffered '^{' || true; }; then
		echo "bench-serving: $part failed" >&2
		rc=1
	fi
done
exit $rc
