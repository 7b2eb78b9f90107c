/* Dates of strangers: what is read as one of the forms of RFC 9110 is written and read again as the
   same moment; so is an RFC 3339 time. */
#include "base/mem.h"
#include "base/time.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size);
	char out[TIME_TEXT_MAX];
	struct err err = {0};
	int64_t ms, again;

	if (!time_parse_http(text, &ms, &err)) {
		time_format_http(ms, out);
		BUG_IF(time_parse_http(out, &again, &err) || again != ms);
	}
	if (!time_parse_rfc3339(text, &ms, &err) && ms >= 0 && ms < 253402300800000) {
		time_format_millis(ms, out);
		BUG_IF(time_parse_rfc3339(out, &again, &err) || again != ms);
	}
	return 0;
}
