#!/bin/bash
# main.sh MODULE test_*.c: prints the main() of a module's Check program. UNIT=NAME in the environment runs one suite.
mod=$1; shift
names=(); for f in "$@"; do n=$(basename "$f" .c); names+=("${n#test_}"); done
echo '#include <check.h>'; echo '#include <stdio.h>'; echo '#include <stdlib.h>'; echo '#include <string.h>'; echo '#include <locale.h>'; echo '#include <signal.h>'; echo '#include "test/unit/end.h"'
for n in "${names[@]}"; do echo "Suite *suite_$n(void);"; done
cat <<C
int main(void)
{
	const char *only = getenv("UNIT");
	SRunner *r = srunner_create(suite_create("$mod"));
	int failed, found = 0;

	setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	end_init();
C
for n in "${names[@]}"; do
	printf '\tif (!only || !strcmp(only, "%s")) {\n\t\tsrunner_add_suite(r, suite_%s());\n\t\tfound = 1;\n\t}\n' "$n" "$n"
done
cat <<C
	if (!found) {
		fprintf(stderr, "no such suite: '%s'; there are: ${names[*]}\\n", only);
		srunner_free(r);
		return 1;
	}
C
cat <<'C'
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	if (!srunner_ntests_run(r))
		failed = 1;
	srunner_free(r);
	return failed != 0;
}
C
