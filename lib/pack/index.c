#include "pack/index.h"

#include "base/limits.h"
#include "pack/pack.h"
#include "pack/path.h"
#include "pack/sort.h"
#include "pack/source.h"

#include <stdlib.h>
#include <string.h>

void pack_index_init(struct pack_index *ix, uint64_t max_items, struct pack_memory *memory)
{
	*ix = (struct pack_index){.max = max_items, .memory = memory, .sorted = true};
	buf_init(&ix->names, LIMIT_PATH_TOTAL);
}

void pack_index_clear(struct pack_index *ix)
{
	vec_clear(&ix->items);
	buf_clear(&ix->names);
}

const char *pack_index_name(const struct pack_index *ix, const struct pack_item *it)
{
	return ix->names.p + it->name;
}

static int index_add_name(
	struct pack_index *ix, const char *path, size_t n, uint32_t *at, struct err *err)
{
	*at = (uint32_t)ix->names.len;
	if (buf_add(&ix->names, path, n) || buf_addc(&ix->names, '\0'))
		return err_code(err, ERR_RETRY, PACK_OVER_NAMES,
			"the names in the layer take more than %llu bytes",
			(unsigned long long)LIMIT_PATH_TOTAL);
	return ix->memory ? pack_memory_take(ix->memory, n + 1 + PACK_ITEM_COST, err) : 0;
}

static int index_too_many(const struct pack_index *ix, struct err *err)
{
	return err_code(err, ERR_RETRY, PACK_OVER_ENTRIES,
		"the layer has more than %llu files and directories", (unsigned long long)ix->max);
}

int pack_index_add(struct pack_index *ix, const char *path, bool dir, bool exec, uint64_t size,
	uint64_t seq, struct err *err)
{
	struct pack_item it = {.size = size & PACK_SIZE_MAX,
		.seq = (uint32_t)seq,
		.dir = dir,
		.exec = exec && !dir};

	if (size > PACK_SIZE_MAX)
		return err_set(err, ERR_RETRY, "a file in the layer claims %llu bytes",
			(unsigned long long)size);
	if (ix->items.len >= ix->max)
		return index_too_many(ix, err);
	if (index_add_name(ix, path, strlen(path), &it.name, err))
		return -1;
	if (ix->sorted && ix->items.len)
		ix->sorted = pack_path_cmp(pack_index_name(ix, &ix->items.p[ix->items.len - 1]),
				     path) < 0;
	*vec_add(&ix->items) = it;
	return 0;
}

static int index_by_name(const void *a, const void *b, const void *ctx)
{
	const struct pack_item *x = a, *y = b;
	const struct pack_index *ix = ctx;
	int rc = pack_path_cmp(pack_index_name(ix, x), pack_index_name(ix, y));

	return rc ? rc : x->seq < y->seq ? -1 : 1;
}

static int index_conflict(const char *name, struct err *err)
{
	char q[PACK_QUOTE_MAX];

	return err_set(err, ERR_RETRY, "entry '%s' is a file and a directory",
		pack_quote(q, name, strlen(name)));
}

/* Of equal names the last stays. */
static int drop_repeated(struct pack_index *ix, struct err *err)
{
	struct pack_item *p = ix->items.p;
	size_t from, to = 0;

	for (from = 0; from < ix->items.len; from++) {
		const char *name = pack_index_name(ix, &p[from]);

		if (pack_stopped(ix->stop, err))
			return -1;
		if (to && !strcmp(pack_index_name(ix, &p[to - 1]), name)) {
			if (p[to - 1].dir != p[from].dir)
				return index_conflict(name, err);
			ix->repeated = true;
			to--;
		}
		p[to++] = p[from];
	}
	ix->items.len = to;
	return 0;
}

/* Whole components that a and b share: the length of their common ancestor-or-self, given that it
   is a prefix of a. */
static size_t common_dir(const char *a, const char *b)
{
	size_t i = 0, last = 0;

	for (;; i++) {
		bool ends_a = !a[i] || a[i] == '/', ends_b = !b[i] || b[i] == '/';

		if (ends_a && ends_b)
			last = i;
		if (!a[i] || a[i] != b[i])
			return last;
	}
}

/*
 * The items are sorted, so whatever lies below a directory follows it at once: an ancestor of an
 * item is there already if it is the item before or an ancestor of that one.
 */
static int index_add_implied(struct pack_index *ix, struct err *err)
{
	__typeof__(ix->items) all = {0};
	const struct pack_item *it, *before = NULL;
	int rc = -1;

	if (!ix->items.len || *pack_index_name(ix, &ix->items.p[0])) {
		struct pack_item root = {.dir = true, .implied = true};

		if (index_add_name(ix, "", 0, &root.name, err))
			return -1;
		*vec_add(&all) = root;
	}
	vec_each (&ix->items, it) {
		const char *name = pack_index_name(ix, it), *slash;
		size_t known = before ? common_dir(pack_index_name(ix, before), name) : 0;

		if (pack_stopped(ix->stop, err))
			goto out;
		if (before && !before->dir && known &&
			known == strlen(pack_index_name(ix, before))) {
			index_conflict(pack_index_name(ix, before), err);
			goto out;
		}
		slash = name + known;
		while ((slash = strchr(slash + (slash > name), '/'))) {
			struct pack_item dir = {.dir = true, .implied = true};
			uint32_t off = (uint32_t)(slash - name);

			if (all.len >= ix->max) {
				index_too_many(ix, err);
				goto out;
			}
			/* The buffer may move. */
			if (buf_room(&ix->names, off + 1))
				name = pack_index_name(ix, it);
			if (index_add_name(ix, name, off, &dir.name, err))
				goto out;
			name = pack_index_name(ix, it);
			slash = name + off;
			*vec_add(&all) = dir;
		}
		*vec_add(&all) = *it;
		before = it;
	}
	vec_clear(&ix->items);
	ix->items.p = all.p;
	ix->items.len = all.len;
	ix->items.cap = all.cap;
	all.p = NULL;
	rc = 0;
out:
	free(all.p);
	return rc;
}

int pack_index_build(struct pack_index *ix, struct err *err)
{
	if (!ix->sorted) {
		if (pack_sort(ix->items.p, ix->items.len, sizeof(*ix->items.p), index_by_name, ix,
			    ix->stop, err) ||
			drop_repeated(ix, err))
			return -1;
	}
	if (ix->items.len && !*pack_index_name(ix, &ix->items.p[0]) && !ix->items.p[0].dir)
		return err_set(err, ERR_RETRY, "entry '.' is a file");
	return index_add_implied(ix, err);
}
