#include "pack/walk.h"

#include "base/limits.h"
#include "pack/read.h"

static int walk_file(struct pack_read *r, const struct pack_entry *e, const struct pack_walker *w,
	struct err *err)
{
	const void *p;
	size_t n;

	if (w->file && w->file(w->ctx, e->path, e->mode & 0111, err))
		return -1;
	for (;;) {
		if (pack_read_data(r, &p, &n, err))
			return -1;
		if (!n)
			return w->end ? w->end(w->ctx, err) : 0;
		if (w->data && w->data(w->ctx, p, n, err))
			return -1;
	}
}

static int walk_entries(struct pack_src *src, const struct pack_limits *l,
	const struct pack_walker *w, struct err *err)
{
	struct pack_entry e;
	struct pack_read r;
	int rc;

	rc = pack_read_init(&r, src, l->expanded ? l->expanded : LIMIT_EXPANDED,
		l->entries ? l->entries : LIMIT_ENTRIES, err);
	while (!rc && (rc = pack_read_next(&r, &e, err)) > 0) {
		rc = 0;
		if (e.type == PACK_FILE)
			rc = walk_file(&r, &e, w, err);
		else if (*e.path && w->dir)
			rc = w->dir(w->ctx, e.path, err);
	}
	pack_read_clear(&r);
	return rc;
}

int pack_walk(const struct pack_in *in, const struct pack_walker *w, struct err *err)
{
	struct pack_result res;
	struct pack_src src;
	int rc;

	if (pack_run(in, &res, err))
		return -1;
	if (res.how == PACK_PASS)
		pack_src_init(&src, in->mem, in->fd, in->size, in->stop);
	else
		pack_src_init(&src, NULL, in->out_fd, res.size, in->stop);
	rc = walk_entries(&src, &in->limits, w, err);
	pack_src_clear(&src);
	return rc;
}
