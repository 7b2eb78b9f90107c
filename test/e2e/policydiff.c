/* policydiff TABLE...: holds lib/image/choose.h to tables that the Go tool printed;
   test/e2e/policydiff.sh makes them. */
#include "test/unit/image/choice_table.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	struct choice_result res = {0};
	int i, rc = 0;

	for (i = 1; i < argc; i++)
		rc |= choice_table_run(argv[i], &res);
	printf("%lu passed, %lu failed\n", res.passed, res.failed);
	return rc || res.failed || !res.passed;
}
