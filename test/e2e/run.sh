#!/usr/bin/env bash
# test/e2e/run.sh [NAME...]: the end-to-end tests, all of them or those named (kube, deploy, ...). They run the release build against a real
# kube-apiserver, etcd, docker-registry and kustomize-controller. Needs Go 1.26 or newer: the first run builds what Debian has no package of.
set -eu
cd "$(dirname "$0")/../.."
rc=0
# No registry, tenant or client takes what the others need. It needs nothing of Go: a build that .ci/run has begun goes on meanwhile.
[ $# -ne 0 ] || bash test/isolation/run.sh || rc=1
test/e2e/tools/build.sh || { echo "0 passed, 1 failed"; exit 1; }
if [ $# -eq 0 ]; then
	set -- test/e2e/*_test.sh
	[ ! -e test/e2e/textdiff.sh ] || set -- "$@" test/e2e/textdiff.sh
	[ ! -e test/e2e/policydiff.sh ] || set -- "$@" test/e2e/policydiff.sh
	[ ! -e test/e2e/proxydiff.sh ] || set -- "$@" test/e2e/proxydiff.sh
	[ ! -e test/e2e/untardiff.sh ] || set -- "$@" test/e2e/untardiff.sh
	[ ! -e test/e2e/hookdiff.sh ] || set -- "$@" test/e2e/hookdiff.sh
	[ ! -e test/e2e/tmpldiff.sh ] || set -- "$@" test/e2e/tmpldiff.sh
else
	for n in "$@"; do
		shift
		if [ -e "test/e2e/${n}_test.sh" ]; then set -- "$@" "test/e2e/${n}_test.sh"; else set -- "$@" "test/e2e/$n.sh"; fi
	done
fi
# One script at a time unless AT_ONCE says otherwise: each has an API server, which alone can keep two cores busy.
AT_ONCE=${AT_ONCE:-1} bash test/all.sh "$@" || rc=1
exit $rc
