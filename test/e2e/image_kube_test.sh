#!/usr/bin/env bash
# The rows of ImageRepository and ImagePolicy on a real API server, with the rights that deploy/ grants.
API=real exec bash "$(dirname "$0")/../integration/image_test.sh"
