#!/usr/bin/env bash
# The rows of Receiver on a real API server, with the rights that deploy/ grants.
API=real exec bash "$(dirname "$0")/../integration/receiver_test.sh"
