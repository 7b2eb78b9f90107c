#include "text/yaml_break.h"

#include <string.h>

size_t yaml_break(const char *p, const char *end)
{
	size_t n = (size_t)(end - p);

	if (n && *p == '\r')
		return n > 1 && p[1] == '\n' ? 2 : 1;
	if (n && *p == '\n')
		return 1;
	if (n > 1 && !memcmp(p, "\xc2\x85", 2))
		return 2;
	if (n > 2 && (!memcmp(p, "\xe2\x80\xa8", 3) || !memcmp(p, "\xe2\x80\xa9", 3)))
		return 3;
	return 0;
}
