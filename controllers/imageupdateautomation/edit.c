#include "controllers/imageupdateautomation/edit.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "ev/op.h"
#include "ev/work.h"
#include "git/gitc.h"
#include "git/objects.h"
#include "git/walk.h"

#include <stdlib.h>
#include <string.h>

/* So many are read well within a second. */
#define FILES_AT_ONCE 1000

struct edit_job {
	struct edit *e;
};

/* ---- it comes and goes ----------------------------------------------------------------------- */

struct edit *edit_new(struct gitc_objects *objects, const struct gitc_oid *commit, const char *path)
{
	struct edit *e = NEW(struct edit);

	e->objects = gitc_objects_ref(objects);
	e->commit = *commit;
	e->path = mem_strdup(path);
	e->entries = LIMIT_AUTOMATION_ENTRIES;
	e->paths_left = LIMIT_AUTOMATION_PATHS;
	e->read_left = LIMIT_AUTOMATION_READ;
	e->scan_left = LIMIT_AUTOMATION_SCANNED;
	e->time_ms = LIMIT_AUTOMATION_EDIT_MS;
	return e;
}

void edit_policy(struct edit *e, const char *ns, const char *name, const char *image,
	const char *tag, const char *digest)
{
	*vec_add(&e->policies) = (struct setter_policy){mem_strdup(ns), mem_strdup(name),
		mem_strdup(image), mem_strdup(tag), mem_strdup(digest)};
}

void edit_foreign(struct edit *e, const char *ns, const char *name)
{
	edit_policy(e, ns, name, "", "", "");
	e->policies.p[e->policies.len - 1].foreign = true;
}

static void text_free(const char *text)
{
	free((char *)(uintptr_t)text);
}

static void policies_clear(struct edit *e)
{
	struct setter_policy *p;

	vec_each (&e->policies, p) {
		text_free(p->ns);
		text_free(p->name);
		text_free(p->image);
		text_free(p->tag);
		text_free(p->digest);
	}
	vec_clear(&e->policies);
}

void edit_free(struct edit *e)
{
	struct edit_changed *c;
	struct edit_report *r;
	struct edit_file *f;

	if (!e)
		return;
	policies_clear(e);
	vec_each (&e->files, f)
		free(f->path);
	vec_clear(&e->files);
	vec_clear(&e->missing);
	vec_each (&e->changed, c) {
		free(c->path);
		setter_out_clear(&c->out);
	}
	vec_clear(&e->changed);
	vec_each (&e->reports, r) {
		free(r->path);
		free(r->what);
	}
	vec_clear(&e->reports);
	gitc_objects_unref(e->objects);
	free(e->path);
	free(e->ns);
	free(e);
}

/* Flux's: relative to the folder that the update is about, and to the file's own folder when it is
   about a file. */
size_t edit_prefix(const struct edit *e)
{
	const char *slash = strrchr(e->path, '/');

	if (e->files.len == 1 && !strcmp(e->files.p[0].path, e->path))
		return slash ? (size_t)(slash - e->path) + 1 : 0;
	return *e->path ? strlen(e->path) + 1 : 0;
}

static int too_large(const char *what, struct err *err)
{
	return err_code(err, ERR_RETRY, GITC_TOO_LARGE, "%s", what);
}

static int name_a_folder(struct err *err)
{
	return err_append(err, ": name a folder in spec.update.path");
}

static int too_much(const char *what, struct err *err)
{
	too_large(what, err);
	return name_a_folder(err);
}

/* False: it is more than is left. */
static bool take(uint64_t *left, uint64_t n)
{
	bool fits = n <= *left;

	*left -= fits ? n : *left;
	return fits;
}

/* ---- which files ----------------------------------------------------------------------------- */

static int file_seen(void *ctx, const char *path, enum gitc_mode mode, const struct gitc_oid *oid,
	struct err *err)
{
	struct edit *e = ctx;
	const char *slash = strrchr(path, '/');

	/* What a link leads to may not even have been fetched. */
	if ((mode == GITC_MODE_LINK || mode == GITC_MODE_MODULE) && !strcmp(path, e->path))
		return err_set(err, ERR_RETRY, "spec.update.path '%s' is a %s", path,
			mode == GITC_MODE_LINK ? "symbolic link: name what it leads to"
					       : "submodule: its files are not in the commit");
	if ((mode != GITC_MODE_FILE && mode != GITC_MODE_EXEC) ||
		!setter_wants_file(slash ? slash + 1 : path))
		return 0;
	if (e->files.len == LIMIT_AUTOMATION_FILES)
		return too_large("there are too many YAML files to look at", err);
	if (!take(&e->paths_left, strlen(path)))
		return too_large("the names of the YAML files to look at are too long", err);
	*vec_add(&e->files) = (struct edit_file){mem_strdup(path), *oid};
	if (!gitc_objects_has(e->objects, oid))
		*vec_add(&e->missing) = *oid;
	return 0;
}

static int list_run(void *arg, const atomic_bool *stop, struct err *err)
{
	struct edit *e = ((struct edit_job *)arg)->e;

	if (!gitc_walk(e->objects, &e->commit, e->path,
		    &(struct gitc_walk_ops){.on_file = file_seen, .entries = e->entries, .ctx = e},
		    stop, err))
		return 0;
	return err->code == GITC_TOO_LARGE ? name_a_folder(err) : -1;
}

/* ---- what changes in them -------------------------------------------------------------------- */

static void report(struct edit *e, const char *path, unsigned line, const char *what)
{
	if (e->reports.len == LIMIT_AUTOMATION_REPORTS) {
		e->reports_left++;
		return;
	}
	*vec_add(&e->reports) = (struct edit_report){mem_strdup(path), line, mem_strdup(what)};
}

static void reports_take(struct edit *e, const char *path, const struct setter_out *out)
{
	size_t i;

	for (i = 0; i < out->n_reports; i++)
		report(e, path, out->reports[i].line, out->reports[i].what);
	e->reports_left += out->reports_left;
	e->has_own = e->has_own || out->has_own;
	e->has_foreign = e->has_foreign || out->has_foreign;
}

static uint64_t object_bytes(const struct setter_object *o)
{
	return strlen(o->api_version) + strlen(o->kind) + strlen(o->name) + strlen(o->ns);
}

/* A short text can have many changes, and each of them says a lot. */
static uint64_t out_bytes(const struct setter_out *out)
{
	uint64_t n = out->text.len;
	size_t i;

	for (i = 0; i < out->n_changes; i++) {
		const struct setter_change *c = &out->changes[i];

		n += sizeof(*c) + object_bytes(&c->object) + strlen(c->old_text) +
			strlen(c->new_text) + strlen(c->setter);
	}
	return n;
}

static int changed_take(struct edit *e, const char *path, struct setter_out *out, struct err *err)
{
	e->changed_bytes += out_bytes(out);
	*vec_add(&e->changed) = (struct edit_changed){mem_strdup(path), *out};
	*out = (struct setter_out){0};
	return e->changed_bytes <= LIMIT_AUTOMATION_CHANGED
		? 0
		: too_much("the files that change, and what changes in them, are too large "
			   "together",
			  err);
}

static int file_edit(
	struct edit *e, const struct edit_file *f, const atomic_bool *stop, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_AUTOMATION_FILE);
	struct setter_out out = {0};
	struct err no = {0};
	int rc;

	if (gitc_blob_read(e->objects, &f->oid, &text, LIMIT_AUTOMATION_FILE, &no)) {
		if (no.code != GITC_TOO_LARGE) {
			*err = no;
			return -1;
		}
		report(e, f->path, 0, "the file is too large");
		return 0;
	}
	if (!take(&e->read_left, text.len))
		return too_much("the YAML files to look at are too large together", err);
	if (!setter_may_have(buf_str(&text), text.len))
		return 0;
	if (!take(&e->scan_left, text.len))
		return too_much("the files with markers are too large together", err);
	if (setter_run(&(struct setter_in){buf_str(&text), text.len, e->policies.p, e->policies.len,
			       stop, e->ns},
		    &out, err))
		return -1;
	reports_take(e, f->path, &out);
	rc = out.changed ? changed_take(e, f->path, &out, err) : 0;
	setter_out_clear(&out);
	return rc;
}

static int policy_compare(const void *a, const void *b)
{
	const struct setter_policy *x = a, *y = b;
	int rc = strcmp(x->ns, y->ns);

	return rc ? rc : strcmp(x->name, y->name);
}

static int edit_run(void *arg, const atomic_bool *stop, struct err *err)
{
	struct edit *e = ((struct edit_job *)arg)->e;
	const struct edit_file *f;
	uint64_t began = clock_ms();

	if (e->policies.len)
		qsort(e->policies.p, e->policies.len, sizeof(*e->policies.p), policy_compare);
	vec_each (&e->files, f) {
		if (atomic_load(stop))
			return err_set(err, ERR_CANCELED, "canceled");
		if (clock_ms() - began >= e->time_ms)
			return too_much("it takes too long to look at the YAML files", err);
		if (file_edit(e, f, stop, err)) {
			err_wrap(err, "%.200s", f->path);
			return -1;
		}
	}
	return 0;
}

/* ---- as jobs --------------------------------------------------------------------------------- */

static void job_free(void *arg)
{
	struct edit_job *j = arg;

	edit_free(j->e);
	free(j);
}

static struct op *job_start(struct loop *l, const char *owner, work_fn *run, struct edit *e)
{
	struct edit_job *j = NEW(struct edit_job);

	j->e = e;
	return work_start_for(
		l, e->files.len > FILES_AT_ONCE ? WORK_BULK : WORK_HEAVY, owner, run, job_free, j);
}

struct op *edit_list_start(struct loop *l, const char *owner, struct edit *e)
{
	return job_start(l, owner, list_run, e);
}

struct op *edit_run_start(struct loop *l, const char *owner, struct edit *e)
{
	return job_start(l, owner, edit_run, e);
}

struct edit *edit_take(struct op *op)
{
	struct edit_job *j = work_job(op);

	return MOVE(j->e);
}
