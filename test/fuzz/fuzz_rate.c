/* RateLimit and its older forms, a line for each field: what is read is within its bounds, and the
   same text says the same again. */
#include "oci/rate.h"

#include "base/err.h"
#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* Takes a line off the text; NULL: there is none. */
static const char *line_next(char **text)
{
	char *line = *text, *end = line ? strchr(line, '\n') : NULL;

	*text = end ? end + 1 : NULL;
	if (end)
		*end = '\0';
	return line && *line ? line : NULL;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size);
	struct oci_rate_fields fields = {0};
	struct oci_rate rate, again;
	char *at = text;

	fields.rate = line_next(&at);
	fields.policy = line_next(&at);
	fields.limit = line_next(&at);
	fields.remaining = line_next(&at);
	fields.reset = line_next(&at);
	if (!oci_rate_parse(&rate, &fields))
		return 0;
	BUG_IF(!fields.rate && !fields.remaining);
	BUG_IF(rate.remaining > 999999999999999 || rate.limit > 999999999999999);
	BUG_IF(rate.window_ms > 7ULL * 86400 * 1000 || rate.window_ms % 1000);
	BUG_IF(rate.reset_ms < -1);
	BUG_IF(!oci_rate_parse(&again, &fields) || again.remaining != rate.remaining ||
		again.limit != rate.limit || again.window_ms != rate.window_ms);
	return 0;
}
