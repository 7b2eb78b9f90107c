#!/usr/bin/env bash
# flux and kubectl with the CRDs of Flux's own modules.
CRDS=peers exec bash "$(dirname "$0")/git_test.sh"
