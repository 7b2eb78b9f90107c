#!/usr/bin/env bash
# flux and kubectl with GitRepository and ImageUpdateAutomation on the embedded API.
API=embedded exec bash "$(dirname "$0")/git_test.sh"
