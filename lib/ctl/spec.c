#include "ctl/spec.h"

#include <stdlib.h>

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
