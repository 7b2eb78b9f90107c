#!/usr/bin/env bash
# flux and kubectl against the embedded API.
API=embedded exec bash "$(dirname "$0")/image_test.sh"
