#include "source/env.h"

#include "base/mem.h"

void source_env_init(struct source_env *e, const char *adv_address)
{
	e->adv_address = mem_strdup(adv_address);
	if (e->algo == DIGEST_NONE)
		e->algo = DIGEST_SHA256;
	list_init(&e->look_line);
}

void source_env_clear(struct source_env *e)
{
	free(e->adv_address);
}
