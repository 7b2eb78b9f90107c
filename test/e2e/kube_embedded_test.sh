#!/usr/bin/env bash
# The Kubernetes behaviour against the embedded API, with a current kubectl.
API=embedded KUBECTL_FROM=tools exec bash "$(dirname "$0")/kube_test.sh"
