/* The Link header: a target is a part of the header, between '<' and '>'. */
#include "oci/link.h"

#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size);
	auto_free char *target = NULL, *quoted = NULL;
	struct err err = {0};
	int rc = oci_link_next(text, &target, &err);

	BUG_IF(rc && target);
	if (!target)
		return 0;
	quoted = mem_printf("<%s>", target);
	BUG_IF(!strstr(text, quoted) || strchr(target, '>'));
	return 0;
}
