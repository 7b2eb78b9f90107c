#include "pack/pack.h"

#include "base/limits.h"
#include "pack/path.h"
#include "pack/repack.h"
#include "pack/scan.h"

#include <stdio.h>
#include <string.h>

/* The rules are asked once for every name but the root, which the artifact always has. */
static int pack_exclude(
	const struct pack_in *in, struct pack_scan *s, struct pack_result *res, struct err *err)
{
	struct pack_item *it;
	int is;

	if (!in->excluded)
		return 0;
	vec_each (&s->ix.items, it) {
		const char *name = pack_index_name(&s->ix, it);
		char q[PACK_QUOTE_MAX];

		if (pack_stopped(in->stop, err))
			return -1;
		is = *name ? in->excluded(in->ctx, name, it->dir, err) : 0;
		if (is < 0)
			return -1;
		if (!is)
			continue;
		it->excluded = true;
		/* A directory that no entry names is not in the layer either. */
		if (it->implied)
			continue;
		res->excluded++;
		if (!res->why[0])
			snprintf(res->why, sizeof(res->why), "the ignore rules exclude '%s'",
				pack_quote(q, name, strlen(name)));
	}
	return 0;
}

static struct pack_limits pack_limits_of(const struct pack_in *in)
{
	struct pack_limits l = in->limits;

	if (!l.entries || l.entries > UINT32_MAX)
		l.entries = LIMIT_ENTRIES;
	if (!l.expanded)
		l.expanded = LIMIT_EXPANDED;
	if (!l.spool)
		l.spool = LIMIT_SPOOL;
	/* With higher limits than the default ones the caller knows what he does. */
	if (!l.memory && l.entries <= LIMIT_ENTRIES)
		l.memory = PACK_MEMORY_MAX;
	return l;
}

static int pack_decide(const struct pack_in *in, struct pack_scan *s, struct pack_src *src,
	const struct pack_limits *limits, struct pack_result *res, struct err *err)
{
	struct pack_repack rp = {.scan = s,
		.src = src,
		.limits = limits,
		.spool_dirfd = in->spool_dirfd,
		.out_fd = in->out_fd,
		.algo = in->algo};

	if (!res->why[0]) {
		res->how = PACK_PASS;
		res->size = in->size;
		res->entries = s->entries;
		return 0;
	}
	res->how = PACK_REPACKED;
	if (in->open_out && (rp.out_fd = in->open_out(in->ctx, err)) < 0)
		return -1;
	return pack_repack_run(&rp, res, err);
}

int pack_run(const struct pack_in *in, struct pack_result *res, struct err *err)
{
	struct pack_limits limits = pack_limits_of(in);
	struct pack_result out = {0};
	struct pack_scan s;
	struct pack_src src;
	int rc;

	pack_src_init(&src, in->mem, in->fd, in->size, in->stop);
	src.memory.max = limits.memory;
	rc = pack_scan_run(&s, &src, &limits, err);
	if (!rc && in->ignore_file)
		rc = pack_scan_rules(&s, in->ignore_file, in->ctx, err);
	if (!rc && in->rules_done)
		rc = in->rules_done(in->ctx, err);
	if (!rc) {
		memcpy(out.why, s.why, sizeof(out.why));
		out.expanded = s.expanded;
		out.links = s.links;
		rc = pack_exclude(in, &s, &out, err);
		if (!rc)
			rc = pack_decide(in, &s, &src, &limits, &out, err);
	}
	pack_scan_clear(&s);
	pack_src_clear(&src);
	if (rc)
		return -1;
	*res = out;
	return 0;
}
