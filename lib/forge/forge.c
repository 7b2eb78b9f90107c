#include "forge/forge.h"

#include "base/mem.h"
#include "forge/internal.h"

#include <string.h>

struct forge *forge_new(struct loop *l, struct http_client *http, const struct http_guard *guard)
{
	struct forge *f = NEW(struct forge);

	f->loop = l;
	f->http = http;
	f->guard = guard;
	forge_tokens_init(f);
	return f;
}

void forge_stop(struct forge *f)
{
	forge_tokens_stop(f);
}

void forge_free(struct forge *f)
{
	if (f)
		lru_clear(&f->tokens);
	free(f);
}

bool forge_kind_parse(const char *name, enum forge_kind *out)
{
	static const struct {
		const char *name;
		enum forge_kind kind;
	} kinds[] = {{"github", FORGE_GITHUB}, {"gitlab", FORGE_GITLAB}, {"gitea", FORGE_GITEA},
		{"forgejo", FORGE_GITEA}};
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(name, kinds[i].name)) {
			*out = kinds[i].kind;
			return true;
		}
	return false;
}
