#include "oci/memo.h"

#include "base/limits.h"
#include "base/lru.h"
#include "base/mem.h"
#include "oci/ref.h"

#include <string.h>

struct oci_memos {
	struct lru items;
};

struct memo {
	struct lru_item item;
	enum oci_scheme scheme;
	char *realm, *service;
	struct http_hop hop;
};

static void memo_free(struct lru_item *it)
{
	struct memo *m = CONTAINER_OF(it, struct memo, item);

	free(m->realm);
	free(m->service);
	free(m);
}

struct oci_memos *oci_memos_new(void)
{
	struct oci_memos *m = NEW(struct oci_memos);

	lru_init(&m->items, LIMIT_CHALLENGES, NULL, memo_free);
	m->items.max_bytes = LIMIT_CHALLENGES_BYTES;
	return m;
}

void oci_memos_free(struct oci_memos *m)
{
	if (!m)
		return;
	lru_clear(&m->items);
	free(m);
}

static char *memo_key(const struct oci_repo *repo, uint64_t identity)
{
	return mem_printf("%s|%d|%llu|%s", repo->host, repo->insecure, (unsigned long long)identity,
		repo->name);
}

static struct memo *memo_find(struct oci_memos *m, const struct oci_repo *repo, uint64_t identity)
{
	auto_free char *key = memo_key(repo, identity);
	struct lru_item *it = lru_get(&m->items, key);

	return it ? CONTAINER_OF(it, struct memo, item) : NULL;
}

struct oci_way oci_memo_get(struct oci_memos *m, const struct oci_repo *repo, uint64_t identity)
{
	const struct memo *at = memo_find(m, repo, identity);

	return at ? (struct oci_way){at->scheme, at->realm, at->service, at->hop}
		  : (struct oci_way){0};
}

void oci_memo_drop(struct oci_memos *m, const struct oci_repo *repo, uint64_t identity)
{
	struct memo *at = memo_find(m, repo, identity);

	if (at)
		lru_drop(&m->items, &at->item);
}

void oci_memo_set(struct oci_memos *m, const struct oci_repo *repo, uint64_t identity,
	const struct oci_challenge *c, const struct http_hop *hop)
{
	auto_free char *key = memo_key(repo, identity);
	struct memo *at = NEW(struct memo);

	oci_memo_drop(m, repo, identity);
	at->scheme = c->scheme;
	at->realm = mem_strdup(c->realm);
	at->service = mem_strdup(c->service);
	at->hop = *hop;
	at->item.size = sizeof(*at) + 2 * strlen(key) + strlen(at->realm) + strlen(at->service);
	lru_add(&m->items, key, &at->item);
}
