#include "hook/how.h"
#include "hook/read.h"

static void cdevents_read(struct hook_in *in, struct hook_verdict *v)
{
	if (!json_is_object(hook_json(in)) || in->junk)
		hook_say(v, HOOK_BAD, "the body is no CDEvent");
	else
		hook_event_ok(in, HOOK_CE_TYPE, v);
}

const struct hook_how hook_cdevents = {cdevents_read};
