#!/bin/bash
# embed-crds.sh FILE...: prints a C file with the bytes of each FILE, for lib/embedded (struct embedded_crd, embedded_crds[]).
echo '/* generated from deploy/crds; do not edit */'
echo '#include "embedded/crds.h"'
i=0
for f in "$@"; do
	printf 'static const unsigned char crd_%d[] = {\n' $i
	od -An -v -tu1 "$f" | sed 's/\([0-9][0-9]*\)/\1,/g'
	printf '};\n'
	i=$((i + 1))
done
echo 'const struct embedded_crd embedded_crds[] = {'
i=0
for f in "$@"; do printf '\t{"%s", (const char *)crd_%d, sizeof(crd_%d)},\n' "$(basename "$f")" $i $i; i=$((i + 1)); done
echo '	{0, 0, 0},'
echo '};'
