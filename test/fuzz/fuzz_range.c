/* Range and entity-tag lists of a request. Property: a part lies inside the file. */
#include "serve/range.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct validators v = {.etag = "\"x\"", .mtime_s = 784111777};
	struct conditions c = {0};
	uint64_t file, from = 0, len = 0;
	char *text;
	int rc;

	if (size < 9)
		return 0;
	memcpy(&file, data, 8);
	file >>= data[8] % 64;
	text = mem_strndup((const char *)data + 9, size - 9);
	switch (range_parse(text, file, &from, &len)) {
	case RANGE_PART:
		BUG_IF(!len || from >= file || len > file - from);
		break;
	case RANGE_BEYOND:
		BUG_IF(strncasecmp(text, "bytes=", 6));
		break;
	case RANGE_NONE:
		BUG_IF(from || len);
		break;
	}
	/* A strong match is a weak one as well. */
	BUG_IF(etag_in_list(text, v.etag, false) && !etag_in_list(text, v.etag, true));
	c.if_match = c.if_none_match = c.if_range = c.range = text;
	rc = conditions_check(&c, &v);
	BUG_IF(rc && rc != 304 && rc != 412);
	conditions_range(&c, &v);
	c = (struct conditions){.if_modified_since = text};
	rc = conditions_check(&c, &v);
	BUG_IF(rc && rc != 304);
	free(text);
	return 0;
}
