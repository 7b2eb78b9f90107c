/* textdiff TABLE...: holds lib/text to tables that the Go tools printed; test/e2e/textdiff.sh makes
   them. */
#include "test/unit/text/table.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	struct table_result res = {0};
	int i, rc = 0;

	for (i = 1; i < argc; i++)
		rc |= table_run(argv[i], &res);
	printf("%lu passed, %lu failed\n", res.passed, res.failed);
	return rc || res.failed || !res.passed;
}
