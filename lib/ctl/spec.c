#include "ctl/spec.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct spec *spec_ref(struct spec *s)
{
	s->refs++;
	return s;
}

void spec_unref(struct spec *s)
{
	if (!s || --s->refs)
		return;
	free(s->wrong);
	s->free(s);
}

char *spec_text(size_t *size, const char *text)
{
	if (!text)
		return NULL;
	*size += strlen(text) + 1;
	return mem_strdup(text);
}

char *spec_member(size_t *size, const char *name, const char *text, struct err *err)
{
	if (!text || !*text)
		return NULL;
	if (strlen(text) <= LIMIT_SPEC_TEXT)
		return spec_text(size, text);
	if (err->kind == ERR_NONE)
		err_set(err, ERR_STALL, "spec.%s is longer than %llu bytes", name,
			(unsigned long long)LIMIT_SPEC_TEXT);
	return NULL;
}
