#!/usr/bin/env bash
# The Kubernetes behaviour against the real API server, with Debian's kubectl (1.20 on Debian 12).
API=real KUBECTL_FROM=debian exec bash "$(dirname "$0")/kube_test.sh"
