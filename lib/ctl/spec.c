#include "ctl/spec.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"

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

int spec_grace(struct spec *s, const json_t *obj, const char *annotation, struct err *err)
{
	json_t *v = obj_get(obj, "metadata", "annotations", annotation);
	const char *text = obj_str(obj, "metadata", "annotations", annotation);
	int64_t ms;

	if (!v)
		return 0;
	if (!text || time_parse_duration(text, &ms, err) || ms < 0)
		return err_set(err, ERR_STALL,
			"annotation '%s': '%.64s' is no duration such as 10m or 1h30m", annotation,
			text ? text : "");
	s->grace_ms = ms ? ms : -1;
	return 0;
}
