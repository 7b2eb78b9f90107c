/* What a registry says of a failure: the first half is the text, the second the URL. It grows by no
   more than what a mark needs, and no byte is made up. */
#include "text/steady.h"

#include "base/err.h"
#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static size_t count(const char *s, char c)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == c;
	return n;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size / 2);
	auto_free char *url = mem_strndup((const char *)data + size / 2, size - size / 2);
	auto_buf struct buf out = BUF_INIT(BUF_ANY);

	steady_add(&out, text, url);
	BUG_IF(out.len > 6 * strlen(text) + 6);
	BUG_IF(count(buf_str(&out), '@') > count(text, '@'));
	return 0;
}
