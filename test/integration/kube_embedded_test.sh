#!/usr/bin/env bash
# The Kubernetes behaviour against the embedded API, with Debian's kubectl: what `make test` can do without Go.
API=embedded KUBECTL_FROM=debian exec bash "$(dirname "$0")/../e2e/kube_test.sh"
