#!/bin/bash
# embed-root.sh FILE: prints a C file with the bytes of a root.json, for lib/source/sigstore_root.h.
echo '/* generated from lib/source/sigstore-root.json; do not edit */'
echo '#include "source/sigstore_root.h"'
echo 'const char sigstore_root[] = {'
od -An -v -td1 "$1" | sed 's/\(-*[0-9][0-9]*\)/\1,/g'
echo '};'
echo 'const size_t sigstore_root_len = sizeof(sigstore_root);'
