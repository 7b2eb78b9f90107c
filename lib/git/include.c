#include "git/include.h"

#include "base/limits.h"
#include "git/gitc.h"
#include "git/names.h"
#include "pack/path.h"

#include <string.h>

/* An artifact of ours has its files in the order of the archive: going back is for others. */
#define REWINDS_MAX 100

void gitc_included_init(
	struct gitc_included *in, const struct gitc_include *from, const atomic_bool *stop)
{
	*in = (struct gitc_included){.from = from};
	pack_src_init(&in->src, NULL, from->fd, from->size, stop);
}

static void included_close(struct gitc_included *in)
{
	if (in->open)
		pack_read_clear(&in->r);
	in->open = false;
}

void gitc_included_clear(struct gitc_included *in)
{
	included_close(in);
	pack_src_clear(&in->src);
}

static int included_failed(const struct gitc_included *in, struct err *err)
{
	return err_wrap(err, "include '%s'", in->from->name);
}

static int included_open(struct gitc_included *in, struct err *err)
{
	included_close(in);
	in->open = true;
	in->at = 0;
	return pack_read_init(&in->r, &in->src, LIMIT_EXPANDED, LIMIT_ENTRIES, err);
}

/* What follows `dir` in path: "" for itself, NULL for what is elsewhere. */
static const char *below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (!n)
		return path;
	if (strncmp(path, dir, n) != 0 || (path[n] && path[n] != '/'))
		return NULL;
	return path[n] ? path + n + 1 : path + n;
}

/* A folder of the spec as a clean path: "./a/" is "a". */
static int clean_dir(char out[LIMIT_ENTRY_PATH + 1], const char *dir, struct err *err)
{
	char q[PACK_QUOTE_MAX];
	bool tidy;

	out[0] = '\0';
	if (!dir || !*dir)
		return 0;
	if (strlen(dir) > LIMIT_ENTRY_PATH || pack_path_check(out, &tidy, dir, strlen(dir), err))
		return err_code(err, ERR_RETRY, GITC_BAD_NAME, "the path '%s' is none",
			pack_quote(q, dir, strlen(dir)));
	return 0;
}

struct list {
	struct gitc_included *in;
	gitc_included_fn *fn;
	void *ctx;
	char from[LIMIT_ENTRY_PATH + 1], to[LIMIT_ENTRY_PATH + 1];
	bool found;
};

static int list_entry(struct list *l, const struct pack_entry *e, struct err *err)
{
	const char *rest = below(e->path, l->from), *why;
	char q[PACK_QUOTE_MAX];
	char path[2 * LIMIT_ENTRY_PATH + 2];

	if (!rest || e->type == PACK_LINK)
		return 0;
	l->found = true;
	snprintf(path, sizeof(path), "%s%s%s", l->to, *l->to && *rest ? "/" : "", rest);
	if (!*path) {
		if (e->type == PACK_DIR)
			return 0;
		return err_code(err, ERR_RETRY, GITC_BAD_NAME, "the file '%s' has no path to go to",
			pack_quote(q, e->path, strlen(e->path)));
	}
	why = gitc_path_refused(path, strlen(path));
	if (why)
		return err_code(err, ERR_RETRY, GITC_BAD_NAME, "the path '%s' %s",
			pack_quote(q, path, strlen(path)), why);
	return l->fn(l->ctx, e, path, &l->in->r, err);
}

static int included_list(struct list *l, uint64_t max_entries, struct err *err)
{
	struct gitc_included *in = l->in;
	struct pack_entry e;
	char q[PACK_QUOTE_MAX];
	int rc;

	if (clean_dir(l->from, in->from->from, err) || clean_dir(l->to, in->from->to, err) ||
		included_open(in, err))
		return -1;
	in->r.max_entries = max_entries;
	while ((rc = pack_read_next(&in->r, &e, err)) > 0)
		if (list_entry(l, &e, err))
			return -1;
	if (!rc && *l->from && !l->found)
		return err_code(err, ERR_RETRY, GITC_NO_PATH, "there is no '%s'",
			pack_quote(q, l->from, strlen(l->from)));
	return rc;
}

int gitc_included_list(struct gitc_included *in, uint64_t max_entries, gitc_included_fn *fn,
	void *ctx, struct err *err)
{
	struct list l = {.in = in, .fn = fn, .ctx = ctx};
	int rc = included_list(&l, max_entries, err);

	included_close(in);
	return rc ? included_failed(in, err) : 0;
}

static int included_seek(struct gitc_included *in, uint64_t seq, struct err *err)
{
	struct pack_entry e;
	int rc;

	if (!in->open || in->at > seq) {
		if (in->open && ++in->rewinds > REWINDS_MAX)
			return err_set(err, ERR_RETRY, "its files are in no order");
		if (included_open(in, err))
			return -1;
	}
	do {
		rc = pack_read_next(&in->r, &e, err);
		if (rc < 0)
			return -1;
		if (!rc || e.seq > seq)
			return err_set(err, ERR_RETRY, "it changed between two readings");
		in->at = e.seq + 1;
	} while (e.seq < seq);
	in->size = e.size;
	return 0;
}

int gitc_included_find(struct gitc_included *in, uint64_t seq, struct err *err)
{
	return included_seek(in, seq, err) ? included_failed(in, err) : 0;
}
