#include "pack/differ.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "crypto/digest.h"
#include "pack/walk.h"

#include <stdlib.h>
#include <string.h>

/* Of 200,000 entries each byte counts: the digest without its name. */
struct entry {
	unsigned char digest[32];
	bool dir, exec;
};

struct side {
	struct map entries; /* path → struct entry */
	struct entry *at; /* the file that is read */
	struct digest_ctx hash;
};

static struct entry *entry_put(struct side *s, const char *path, bool dir)
{
	struct entry *e = NEW(struct entry);

	e->dir = dir;
	free(map_put(&s->entries, path, e));
	return e;
}

/* Who packs without directories means them none the less. */
static void parents_put(struct side *s, const char *path)
{
	auto_free char *part = mem_strdup(path);
	char *slash;

	while ((slash = strrchr(part, '/'))) {
		*slash = '\0';
		if (map_get(&s->entries, part))
			return;
		entry_put(s, part, true);
	}
}

static int on_dir(void *ctx, const char *path, struct err *err)
{
	(void)err;
	parents_put(ctx, path);
	entry_put(ctx, path, true);
	return 0;
}

static int on_file(void *ctx, const char *path, bool exec, struct err *err)
{
	struct side *s = ctx;

	(void)err;
	parents_put(s, path);
	s->at = entry_put(s, path, false);
	s->at->exec = exec;
	digest_ctx_init(&s->hash, DIGEST_SHA256);
	return 0;
}

static int on_data(void *ctx, const void *p, size_t n, struct err *err)
{
	(void)err;
	digest_update(&((struct side *)ctx)->hash, p, n);
	return 0;
}

static int on_end(void *ctx, struct err *err)
{
	struct side *s = ctx;
	struct digest d;

	(void)err;
	digest_final(&s->hash, &d);
	memcpy(s->at->digest, d.bin, sizeof(s->at->digest));
	return 0;
}

static int side_read(struct side *s, const struct pack_in *in, struct err *err)
{
	return pack_walk(in,
		&(struct pack_walker){
			.dir = on_dir, .file = on_file, .data = on_data, .end = on_end, .ctx = s},
		err);
}

static void side_clear(struct side *s)
{
	const char *key;
	size_t at = 0;
	void *e;

	while (map_next(&s->entries, &at, &key, &e))
		free(e);
	map_clear(&s->entries);
	digest_ctx_clear(&s->hash);
}

struct change {
	const char *path; /* of a map */
	enum pack_difference how;
};

static int change_cmp(const void *a, const void *b)
{
	return strcmp(((const struct change *)a)->path, ((const struct change *)b)->path);
}

static bool entry_same(const struct entry *a, const struct entry *b)
{
	return a->dir == b->dir && a->exec == b->exec &&
		!memcmp(a->digest, b->digest, sizeof(a->digest));
}

static void sides_compare(const struct side *before, const struct side *after,
	void (*fn)(void *ctx, enum pack_difference how, const char *path), void *ctx)
{
	VEC(struct change) changes = {0};
	struct change *c;
	const char *path;
	size_t at = 0;
	void *e;

	while (map_next(&before->entries, &at, &path, &e)) {
		const struct entry *other = map_get(&after->entries, path);

		if (!other || !entry_same(e, other))
			*vec_add(&changes) =
				(struct change){path, other ? PACK_CHANGED : PACK_REMOVED};
	}
	for (at = 0; map_next(&after->entries, &at, &path, &e);)
		if (!map_get(&before->entries, path))
			*vec_add(&changes) = (struct change){path, PACK_ADDED};
	if (changes.len)
		qsort(changes.p, changes.len, sizeof(*changes.p), change_cmp);
	vec_each (&changes, c)
		fn(ctx, c->how, c->path);
	vec_clear(&changes);
}

int pack_differ(const struct pack_in *before, const struct pack_in *after,
	void (*fn)(void *ctx, enum pack_difference how, const char *path), void *ctx,
	struct err *err)
{
	struct side a = {.at = NULL}, b = {.at = NULL};
	int rc = side_read(&a, before, err);

	if (!rc)
		rc = side_read(&b, after, err);
	if (!rc)
		sides_compare(&a, &b, fn, ctx);
	side_clear(&a);
	side_clear(&b);
	return rc;
}
