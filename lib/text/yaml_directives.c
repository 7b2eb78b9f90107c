#include "text/yaml_directives.h"

#include "base/limits.h"
#include "text/yaml_break.h"

#include <stdbool.h>
#include <string.h>

/* It begins or ends a document: the directives before it are over. */
static bool is_border(const char *p, const char *end)
{
	return end - p >= 3 && (!memcmp(p, "---", 3) || !memcmp(p, "...", 3));
}

unsigned long yaml_directives_over(const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	unsigned long line = 1;
	unsigned n = 0;
	size_t step;

	while (p < end) {
		if (*p == '%' && ++n > LIMIT_YAML_DIRECTIVES)
			return line;
		if (is_border(p, end))
			n = 0;
		for (step = 0; p < end && !(step = yaml_break(p, end)); p++)
			;
		p += step;
		line++;
	}
	return 0;
}
