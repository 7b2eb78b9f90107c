/* Input: two texts divided by a NUL. Properties: a text equals itself, equality goes both ways, and
   nothing gets longer. */
#include "base/err.h"
#include "base/mem.h"
#include "base/vary.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_put(const char *text)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);

	vary_put(&b, text, true);
	BUG_IF(b.len > strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *a = mem_strndup((const char *)data, size);
	const uint8_t *nul = memchr(data, 0, size);
	char *b = nul ? mem_strndup((const char *)nul + 1, size - (size_t)(nul + 1 - data))
		      : mem_strdup("");

	BUG_IF(!vary_equal(a, a));
	BUG_IF(vary_equal(a, b) != vary_equal(b, a));
	check_put(a);
	check_put(b);
	free(a);
	free(b);
	return 0;
}
