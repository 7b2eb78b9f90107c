#include "oci/contents.h"

#include "base/limits.h"
#include "base/lru.h"
#include "base/mem.h"
#include "oci/identity.h"

#include <string.h>

struct oci_contents {
	struct lru items;
};

struct kept {
	struct lru_item item;
	unsigned refs;
	struct oci_kept kept;
};

void oci_kept_unref(struct oci_kept *kept)
{
	struct kept *k = kept ? CONTAINER_OF(kept, struct kept, kept) : NULL;

	if (!k || --k->refs)
		return;
	buf_clear(&kept->body);
	free(kept->type);
	free(k);
}

static void kept_drop(struct lru_item *it)
{
	oci_kept_unref(&CONTAINER_OF(it, struct kept, item)->kept);
}

struct oci_contents *oci_contents_new(void)
{
	struct oci_contents *c = NEW(struct oci_contents);

	lru_init(&c->items, LIMIT_CONTENTS, NULL, kept_drop);
	c->items.max_bytes = LIMIT_CONTENTS_BYTES;
	return c;
}

void oci_contents_free(struct oci_contents *c)
{
	if (!c)
		return;
	lru_clear(&c->items);
	free(c);
}

static char *key_of(const struct oci_target *t, bool blob, const struct digest *digest)
{
	char text[DIGEST_TEXT_MAX];

	return mem_printf("%s\n%d\n%llu\n%s\n%d\n%s", t->repo->host, t->repo->insecure,
		(unsigned long long)oci_identity_id(t->identity), t->repo->name, blob,
		digest_format(digest, text));
}

struct oci_kept *oci_contents_get(struct oci_contents *c, const struct oci_target *target,
	bool blob, const struct digest *digest)
{
	auto_free char *key = key_of(target, blob, digest);
	struct lru_item *it = lru_get(&c->items, key);
	struct kept *k = it ? CONTAINER_OF(it, struct kept, item) : NULL;

	if (!k)
		return NULL;
	k->refs++;
	return &k->kept;
}

void oci_contents_put(struct oci_contents *c, const struct oci_target *target, bool blob,
	const struct digest *digest, const struct buf *body, const char *type)
{
	auto_free char *key = key_of(target, blob, digest);
	struct kept *k;

	if (body->len > LIMIT_CONTENT_KEPT || lru_get(&c->items, key))
		return;
	k = NEW(struct kept);
	k->refs = 1;
	buf_init(&k->kept.body, LIMIT_CONTENT_KEPT);
	(void)!buf_add(&k->kept.body, buf_str(body), body->len);
	k->kept.type = mem_strdup(type ? type : "");
	k->item.size = sizeof(*k) + 2 * strlen(key) + body->len + strlen(k->kept.type);
	lru_add(&c->items, key, &k->item);
}
