#include "source/env.h"

#include "base/mem.h"
#include "store/store.h"

void source_env_init(struct source_env *e, const char *adv_address)
{
	e->adv_address = mem_strdup(adv_address);
	if (e->algo == DIGEST_NONE)
		e->algo = DIGEST_SHA256;
	list_init(&e->look_line);
	store_expect(e->store);
}

void source_env_listed(struct source_env *e)
{
	store_listed(e->store);
}

void source_env_clear(struct source_env *e)
{
	free(e->adv_address);
}
