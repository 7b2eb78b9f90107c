#include "ctl/refs.h"

#include "base/vec.h"

struct users {
	VEC(void *) list;
};

void refs_add(struct refs *r, const char *key, void *user)
{
	struct users *u = map_get(&r->by_key, key);

	if (!u) {
		u = NEW(struct users);
		map_put(&r->by_key, key, u);
	}
	*vec_add(&u->list) = user;
}

static void users_free(struct users *u)
{
	vec_clear(&u->list);
	free(u);
}

void refs_del(struct refs *r, const char *key, void *user)
{
	struct users *u = map_get(&r->by_key, key);
	size_t i;

	for (i = 0; u && i < u->list.len; i++)
		if (u->list.p[i] == user) {
			u->list.p[i] = u->list.p[--u->list.len];
			break;
		}
	if (u && !u->list.len) {
		map_del(&r->by_key, key);
		users_free(u);
	}
}

bool refs_any(const struct refs *r, const char *key)
{
	return map_get(&r->by_key, key) != NULL;
}

void refs_each(const struct refs *r, const char *key, void (*fn)(void *arg, void *user), void *arg)
{
	struct users *u = map_get(&r->by_key, key);
	void **it;

	if (u)
		vec_each (&u->list, it)
			fn(arg, *it);
}

void refs_clear(struct refs *r)
{
	size_t at = 0;
	void *u;

	while (map_next(&r->by_key, &at, NULL, &u))
		users_free(u);
	map_clear(&r->by_key);
}
