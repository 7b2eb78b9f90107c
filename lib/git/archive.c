#include "git/archive.h"

#include "base/limits.h"
#include "base/mem.h"
#include "git/gitc.h"
#include "git/include.h"
#include "git/objects_internal.h"
#include "git/walk.h"
#include "pack/index.h"
#include "pack/path.h"
#include "pack/sort.h"
#include "pack/tarw.h"
#include "text/ignore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MODE_DIR 0750
#define MODE_FILE 0600
#define MODE_EXEC 0700

/* Where the bytes of an item are. `from`: 0 the commit, then the modules, then the includes. */
struct origin {
	union {
		struct gitc_oid oid;
		uint64_t seq; /* of an include's entry */
	};
	uint32_t from;
};

/* A .sourceignore of an include, read while its names are. */
struct rules {
	uint32_t item; /* seq of the item */
	struct buf text;
};

struct archive {
	const struct gitc_archive_req *req;
	struct gitc_archive_result *res;
	struct pack_memory memory;
	struct pack_index ix; /* an item's seq is its place in origins */
	VEC(struct origin) origins;
	VEC(struct rules) rules;
	uint64_t rules_total;
	struct gitc_included *includes;
	bool *found; /* of sparse */
	struct ignore ign;
	uint64_t expanded, max_expanded;
	/* while a commit is collected */
	const char *prefix; /* "", or where a module goes */
	uint32_t from;
	struct buf path;
	/* while a file is written */
	struct pack_tarw *w;
	const struct pack_item *item;
};

/* ---- which files there are ------------------------------------------------------------------- */

/* The index speaks of layers. */
static int archive_index_failed(const struct archive *a, struct err *err)
{
	if (err->code == PACK_OVER_ENTRIES)
		return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
			"there are more than %llu files and folders",
			(unsigned long long)a->ix.max);
	if (err->code == PACK_OVER_NAMES)
		return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
			"the names of all files take more than %llu bytes",
			(unsigned long long)LIMIT_PATH_TOTAL);
	return -1;
}

static int archive_add(struct archive *a, const char *path, bool dir, bool exec,
	const struct origin *origin, struct err *err)
{
	if (pack_memory_take(&a->memory, 2 * sizeof(*origin), err))
		return -1;
	if (pack_index_add(&a->ix, path, dir, exec, 0, a->origins.len, err))
		return archive_index_failed(a, err);
	*vec_add(&a->origins) = *origin;
	return 0;
}

/* As they are compared: without the ./ in front. */
static const char *sparse_text(const struct archive *a, size_t i)
{
	const char *p = a->req->sparse[i];

	if (!strcmp(p, "."))
		return "";
	return strncmp(p, "./", 2) ? p : p + 2;
}

/* Is this the folder or file itself that the text names, or below it? */
static bool sparse_names(const char *text, const char *path)
{
	size_t n = strlen(text);

	while (n && text[n - 1] == '/')
		n--;
	return !n || (!strncmp(path, text, n) && (!path[n] || path[n] == '/'));
}

static bool sparse_has(struct archive *a, const char *path)
{
	bool has = !a->req->sparse;
	size_t i;

	for (i = 0; i < a->req->n_sparse && a->req->sparse; i++) {
		const char *text = sparse_text(a, i);

		if (strncmp(path, text, strlen(text)) != 0)
			continue;
		has = true;
		if (sparse_names(text, path))
			a->found[i] = true;
	}
	return has;
}

/* May there be such a file below this folder? */
static bool sparse_enters(const struct archive *a, const char *path)
{
	size_t n = strlen(path), i;

	for (i = 0; i < a->req->n_sparse; i++) {
		const char *text = sparse_text(a, i);
		size_t m = strlen(text);

		if (!strncmp(path, text, n < m ? n : m) && (m <= n || text[n] == '/'))
			return true;
	}
	return false;
}

/* The path in the whole tree. */
static const char *archive_path(struct archive *a, const char *path, struct err *err)
{
	if (!*a->prefix)
		return path;
	buf_reset(&a->path);
	buf_addf(&a->path, "%s/%s", a->prefix, path);
	if (!buf_over(&a->path))
		return buf_str(&a->path);
	err_code(
		err, ERR_RETRY, GITC_TOO_LARGE, "a path in the module '%s' is too long", a->prefix);
	return NULL;
}

static int collect_dir(void *ctx, const char *path, bool *enter, struct err *err)
{
	struct archive *a = ctx;
	struct origin none = {.from = a->from};

	path = archive_path(a, path, err);
	if (!path)
		return -1;
	/* Of a sparse tree only those are there that have something. */
	if (!a->req->sparse)
		return archive_add(a, path, true, false, &none, err);
	*enter = sparse_enters(a, path);
	return 0;
}

static bool is_module(const struct archive *a, const char *path)
{
	size_t i;

	for (i = 0; i < a->req->n_modules; i++)
		if (!strcmp(a->req->modules[i].path, path))
			return true;
	return false;
}

static int collect_file(void *ctx, const char *path, enum gitc_mode mode,
	const struct gitc_oid *oid, struct err *err)
{
	struct archive *a = ctx;
	struct origin origin = {.oid = *oid, .from = a->from};

	path = archive_path(a, path, err);
	if (!path)
		return -1;
	if (!sparse_has(a, path))
		return 0;
	if (mode == GITC_MODE_LINK) {
		a->res->links++;
		return 0;
	}
	if (mode != GITC_MODE_MODULE)
		return archive_add(a, path, false, mode == GITC_MODE_EXEC, &origin, err);
	/* A checkout has an empty folder for one that it does not follow. */
	if (!is_module(a, path))
		a->res->modules++;
	return archive_add(a, path, true, false, &origin, err);
}

static int collect_commit(struct archive *a, const struct gitc_objects *o,
	const struct gitc_oid *commit, const char *prefix, struct err *err)
{
	struct gitc_walk_ops ops = {
		.on_dir = collect_dir, .on_file = collect_file, .ctx = a, .entries = a->ix.max};

	a->prefix = prefix;
	return gitc_walk(o, commit, NULL, &ops, a->req->stop, err);
}

static int collect_modules(struct archive *a, struct err *err)
{
	size_t i;

	for (i = 0; i < a->req->n_modules; i++) {
		const struct gitc_module *m = &a->req->modules[i];

		a->from++;
		if (collect_commit(a, m->objects, &m->commit, m->path, err))
			return err_wrap(err, "module '%s'", m->path);
	}
	return 0;
}

static int sparse_check(const struct archive *a, struct err *err)
{
	char q[PACK_QUOTE_MAX];
	size_t i;

	for (i = 0; i < a->req->n_sparse && a->req->sparse; i++) {
		const char *text = a->req->sparse[i];

		if (!a->found[i] && *sparse_text(a, i))
			return err_code(err, ERR_RETRY, GITC_NO_PATH,
				"sparse checkout dir '%s' does not exist in repository",
				pack_quote(q, text, strlen(text)));
	}
	return 0;
}

/* ---- ignore rules ---------------------------------------------------------------------------- */

static int rules_room(struct archive *a, const char *path, uint64_t size, struct err *err)
{
	char q[PACK_QUOTE_MAX];

	a->rules_total += size;
	if (size > LIMIT_IGNORE_FILE || a->rules_total > LIMIT_IGNORE_TOTAL)
		return err_set(err, ERR_RETRY, "file '%s' is too long for ignore rules",
			pack_quote(q, path, strlen(path)));
	return pack_memory_take(
		&a->memory, PACK_RULES_FACTOR * size + strlen(path) + sizeof(struct rules), err);
}

static int collect_included(void *ctx, const struct pack_entry *e, const char *path,
	struct pack_read *body, struct err *err)
{
	struct archive *a = ctx;
	struct origin origin = {.seq = e->seq, .from = a->from};
	struct rules *rules;
	size_t n, dir;
	const void *p;

	if (e->type == PACK_FILE && ignore_is_file(path, &dir)) {
		if (rules_room(a, path, e->size, err))
			return -1;
		rules = vec_add(&a->rules);
		*rules = (struct rules){
			.item = (uint32_t)a->origins.len, .text = BUF_INIT(LIMIT_IGNORE_FILE)};
		do {
			if (pack_read_data(body, &p, &n, err))
				return -1;
			buf_add(&rules->text, p, n);
		} while (n);
	}
	return archive_add(a, path, e->type == PACK_DIR, e->mode & 0111, &origin, err);
}

static int collect_includes(struct archive *a, struct err *err)
{
	size_t i;

	for (i = 0; i < a->req->n_includes; i++) {
		a->from++;
		gitc_included_init(&a->includes[i], &a->req->includes[i], a->req->stop);
		if (gitc_included_list(&a->includes[i], a->ix.max, collect_included, a, err))
			return -1;
	}
	return 0;
}

static const struct gitc_objects *archive_objects(const struct archive *a, const struct origin *o)
{
	if (!o->from)
		return a->req->objects;
	return o->from <= a->req->n_modules ? a->req->modules[o->from - 1].objects : NULL;
}

static int rules_of_blob(struct archive *a, const struct pack_item *it, const struct origin *o,
	const char *dir, struct err *err)
{
	struct buf text = BUF_INIT(LIMIT_IGNORE_FILE);
	int rc = gitc_blob_read(archive_objects(a, o), &o->oid, &text, LIMIT_IGNORE_FILE, err);

	if (!rc)
		rc = rules_room(a, pack_index_name(&a->ix, it), text.len, err);
	if (!rc)
		rc = ignore_add(&a->ign, buf_str(&text), text.len, dir, err);
	buf_clear(&text);
	return rc;
}

static int by_item(const void *key, const void *elem)
{
	uint32_t x = *(const uint32_t *)key, y = ((const struct rules *)elem)->item;

	return x < y ? -1 : x > y;
}

/* A file with rules, and the folder that they are for. */
struct rules_file {
	const struct pack_item *it;
	char *dir;
};

static int rules_add(struct archive *a, const struct rules_file *f, struct err *err)
{
	const struct origin *o = &a->origins.p[f->it->seq];
	uint32_t key = f->it->seq;
	const struct rules *r;

	if (archive_objects(a, o))
		return rules_of_blob(a, f->it, o, f->dir, err);
	r = bsearch(&key, a->rules.p, a->rules.len, sizeof(*r), by_item);
	BUG_IF(!r);
	return ignore_add(&a->ign, buf_str(&r->text), r->text.len, f->dir, err);
}

static int by_dir(const void *x, const void *y, const void *ctx)
{
	(void)ctx;
	return ignore_dir_cmp(
		((const struct rules_file *)x)->dir, ((const struct rules_file *)y)->dir);
}

/* Parents first, and what the spec says last: it wins. */
static int archive_rules(struct archive *a, struct err *err)
{
	const char *ignore = a->req->ignore;
	VEC(struct rules_file) all = {0};
	const struct pack_item *it;
	struct rules_file *f;
	size_t dir;
	int rc = 0;

	vec_each (&a->ix.items, it) {
		const char *name = pack_index_name(&a->ix, it);

		if (!it->dir && ignore_is_file(name, &dir))
			*vec_add(&all) = (struct rules_file){it, mem_strndup(name, dir)};
	}
	if (all.len)
		rc = pack_sort(all.p, all.len, sizeof(*all.p), by_dir, NULL, a->req->stop, err);
	vec_each (&all, f) {
		if (!rc)
			rc = pack_stopped(a->req->stop, err) || rules_add(a, f, err) ? -1 : 0;
		free(f->dir);
	}
	vec_clear(&all);
	if (rc || !ignore)
		return rc;
	a->ign.origin = "spec.ignore";
	rc = pack_memory_take(&a->memory, PACK_RULES_FACTOR * strlen(ignore), err);
	if (!rc && ignore_add(&a->ign, ignore, strlen(ignore), "", err))
		rc = err_wrap(err, "spec.ignore");
	return rc;
}

static int archive_exclude(struct archive *a, struct err *err)
{
	struct ignore_budget budget = {.max = LIMIT_IGNORE_STEPS, .stop = a->req->stop};
	struct pack_item *it;
	int rc;

	vec_each (&a->ix.items, it) {
		const char *name = pack_index_name(&a->ix, it);

		if (!*name)
			continue;
		rc = ignore_match_within(&a->ign, &budget, name, it->dir, err);
		if (rc < 0)
			return -1;
		it->excluded = rc > 0;
		a->res->excluded += rc > 0;
	}
	return 0;
}

/* ---- the bytes ------------------------------------------------------------------------------- */

static int file_begin(void *ctx, uint64_t size, struct err *err)
{
	struct archive *a = ctx;
	const char *name = pack_index_name(&a->ix, a->item);

	a->expanded += size;
	if (a->expanded > a->max_expanded)
		return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
			"the files have more than %llu bytes", (unsigned long long)a->max_expanded);
	return pack_tarw_file(a->w, name, a->item->exec ? MODE_EXEC : MODE_FILE, size, err);
}

static int file_data(void *ctx, const void *p, size_t n, struct err *err)
{
	struct archive *a = ctx;

	return pack_tarw_data(a->w, p, n, err);
}

static int write_included(struct archive *a, const struct origin *o, struct err *err)
{
	struct gitc_included *in = &a->includes[o->from - 1 - a->req->n_modules];
	const void *p;
	size_t n;

	if (gitc_included_find(in, o->seq, err) || file_begin(a, in->size, err))
		return -1;
	do {
		if (pack_read_data(&in->r, &p, &n, err) || pack_tarw_data(a->w, p, n, err))
			return -1;
	} while (n);
	return 0;
}

static int write_file(struct archive *a, const struct pack_item *it, struct err *err)
{
	const struct pack_memory *m = &a->memory;
	const struct gitc_blob_fns fns = {
		file_begin, file_data, a, m->max > m->used ? m->max - m->used : 1};
	const struct origin *o = &a->origins.p[it->seq];
	const char *name = pack_index_name(&a->ix, it);
	char q[PACK_QUOTE_MAX];
	int rc;

	a->item = it;
	if (archive_objects(a, o))
		rc = gitc_blob_stream(
			archive_objects(a, o), &o->oid, &fns, UINT64_MAX, a->req->stop, err);
	else
		rc = write_included(a, o, err);
	return rc ? err_wrap(err, "file '%s'", pack_quote(q, name, strlen(name))) : 0;
}

static int write_item(struct archive *a, const struct pack_item *it, struct err *err)
{
	const char *name = pack_index_name(&a->ix, it);
	char q[PACK_QUOTE_MAX];

	/* Those who unpack it refuse the whole archive for such a name. */
	if (strchr(name, '\\'))
		return err_code(err, ERR_RETRY, GITC_BAD_NAME,
			"the name '%s' has a backslash: nobody can unpack it",
			pack_quote(q, name, strlen(name)));
	if (it->dir)
		return pack_tarw_dir(a->w, *name ? name : ".", MODE_DIR, err);
	return write_file(a, it, err);
}

static int archive_write(struct archive *a, struct err *err)
{
	struct pack_tarw_result res;
	const struct pack_item *it;

	a->w = pack_tarw_new(&(struct pack_tarw_out){
		.fd = a->req->out_fd, .algo = a->req->algo, .stop = a->req->stop});
	vec_each (&a->ix.items, it)
		if (!it->excluded && (pack_stopped(a->req->stop, err) || write_item(a, it, err)))
			return -1;
	if (pack_tarw_end(a->w, &res, err))
		return -1;
	a->res->digest = res.digest;
	a->res->size = res.size;
	a->res->entries = res.entries;
	a->res->expanded = res.expanded;
	return 0;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int archive_run(struct archive *a, struct err *err)
{
	const struct gitc_archive_req *req = a->req;

	if (collect_commit(a, req->objects, &req->commit, "", err) || collect_modules(a, err) ||
		sparse_check(a, err) || collect_includes(a, err))
		return -1;
	if (pack_index_build(&a->ix, err))
		return archive_index_failed(a, err);
	return archive_rules(a, err) || archive_exclude(a, err) || archive_write(a, err) ? -1 : 0;
}

static void archive_clear(struct archive *a)
{
	struct rules *r;
	size_t i;

	for (i = 0; i < a->req->n_includes; i++)
		gitc_included_clear(&a->includes[i]);
	free(a->includes);
	vec_each (&a->rules, r)
		buf_clear(&r->text);
	vec_clear(&a->rules);
	vec_clear(&a->origins);
	pack_index_clear(&a->ix);
	ignore_clear(&a->ign);
	buf_clear(&a->path);
	pack_tarw_free(a->w);
	free(a->found);
}

int gitc_archive(
	const struct gitc_archive_req *req, struct gitc_archive_result *res, struct err *err)
{
	const struct pack_limits *l = &req->limits;
	struct archive a = {.req = req,
		.res = res,
		.memory = {.max = l->memory ? l->memory : PACK_MEMORY_MAX},
		.max_expanded = l->expanded ? l->expanded : LIMIT_EXPANDED,
		.path = BUF_INIT(LIMIT_ENTRY_PATH)};
	int rc;

	*res = (struct gitc_archive_result){0};
	pack_index_init(&a.ix, l->entries ? l->entries : LIMIT_ENTRIES, &a.memory);
	a.ix.stop = req->stop;
	ignore_init(&a.ign, IGNORE_SOURCE);
	a.includes = mem_zalloc((req->n_includes + 1) * sizeof(*a.includes));
	a.found = mem_zalloc((req->n_sparse + 1) * sizeof(*a.found));
	rc = archive_run(&a, err);
	archive_clear(&a);
	return rc;
}
