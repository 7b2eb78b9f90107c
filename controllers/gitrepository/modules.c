/*
 * Submodules: the commits that gitlinks name, each fetched from where .gitmodules says, and theirs
 * in turn. What has to be read of an object set is read on a worker.
 */
#include "controllers/gitrepository/run.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "ev/work.h"
#include "git/auth.h"
#include "git/gitc.h"
#include "git/walk.h"
#include "source/git_fetch.h"

#include <stdlib.h>
#include <string.h>

void gitrepository_modules_clear(struct gitrepository_modules *m)
{
	struct gitrepository_module *one;

	vec_each (m, one) {
		free(one->path);
		gitc_objects_unref(one->objects);
	}
	vec_clear(m);
}

/* ---- what a commit has of them, on a worker -------------------------------------------------- */

struct link {
	char *path, *url;
	struct gitc_oid commit;
};

struct scan {
	struct gitc_objects *objects;
	struct gitc_oid commit;
	char *url; /* of the repository that the commit is of */
	struct gitc_modules modules;
	VEC(struct link) links;
};

static int modules_read(struct scan *s, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_GIT_MODULES_FILE);
	enum gitc_mode mode;
	struct gitc_oid blob;
	struct err none = {0};

	if (gitc_find(s->objects, &s->commit, ".gitmodules", &mode, &blob, &none)) {
		if (none.code == GITC_NO_PATH)
			return 0;
		*err = none;
		return -1;
	}
	if (mode != GITC_MODE_FILE && mode != GITC_MODE_EXEC)
		return 0;
	if (gitc_blob_read(s->objects, &blob, &text, LIMIT_GIT_MODULES_FILE, err))
		return -1;
	return gitc_modules_parse(&s->modules, buf_str(&text), text.len, err);
}

/* ---- its gitlinks, in one walk into those folders that may have one ------------------------- */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct gitc_modules_row *)a)->path,
		((const struct gitc_modules_row *)b)->path);
}

/* The first row whose path is not before this one; NULL: there is none. */
static const struct gitc_modules_row *row_from(const struct scan *s, const char *path)
{
	size_t low = 0, high = s->modules.rows.len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(s->modules.rows.p[mid].path, path) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->modules.rows.len ? &s->modules.rows.p[low] : NULL;
}

static int scan_dir(void *ctx, const char *path, bool *enter, struct err *err)
{
	auto_free char *below = mem_printf("%s/", path);
	const struct gitc_modules_row *row = row_from(ctx, below);

	(void)err;
	*enter = row && !strncmp(row->path, below, strlen(below));
	return 0;
}

/* An entry without a gitlink was left behind, and a gitlink without an entry is none of ours. */
static int scan_file(void *ctx, const char *path, enum gitc_mode mode, const struct gitc_oid *oid,
	struct err *err)
{
	struct scan *s = ctx;
	auto_buf struct buf url = BUF_INIT(LIMIT_URL);
	const struct gitc_modules_row *row;

	if (mode != GITC_MODE_MODULE)
		return 0;
	row = row_from(s, path);
	if (!row || strcmp(row->path, path) != 0)
		return 0;
	if (s->links.len >= LIMIT_GIT_MODULES)
		return err_code(err, ERR_RETRY, GITC_TOO_LARGE, "more than %d submodules",
			LIMIT_GIT_MODULES);
	if (gitc_modules_url(&url, s->url, row->url, err))
		return err_wrap(err, "submodule '%.200s'", path);
	*vec_add(&s->links) = (struct link){mem_strdup(path), mem_strdup(buf_str(&url)), *oid};
	return 0;
}

static int scan_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct scan *s = job;

	if (modules_read(s, err))
		return err_wrap(err, "'.gitmodules'");
	if (!s->modules.rows.len)
		return 0;
	qsort(s->modules.rows.p, s->modules.rows.len, sizeof(*s->modules.rows.p), by_path);
	return gitc_walk(s->objects, &s->commit, NULL,
		&(struct gitc_walk_ops){.on_dir = scan_dir, .on_file = scan_file, .ctx = s}, stop,
		err);
}

static void scan_free(void *job)
{
	struct scan *s = job;
	struct link *l;

	if (!s)
		return;
	gitc_objects_unref(s->objects);
	free(s->url);
	gitc_modules_clear(&s->modules);
	vec_each (&s->links, l) {
		free(l->path);
		free(l->url);
	}
	vec_clear(&s->links);
	free(s);
}

/* ---- one after the other --------------------------------------------------------------------- */

/* A repository whose submodules are not known yet, or a submodule that is not there yet. */
struct open {
	char *path; /* where it goes: "", "a/b" */
	char *url;
	struct gitc_oid commit;
	struct gitc_objects *objects; /* NULL: not there yet */
	unsigned depth;
};

struct walk {
	struct task task;
	struct gitc_client *git;
	struct gitc_auth *auth, *stranger;
	struct gitc_url home; /* whom the credentials are for */
	struct gitc_url url; /* that is asked */
	uint64_t timeout_ms, max_pack;
	char *owner;
	VEC(struct open) open;
	size_t at;
	struct gitrepository_modules found;
	uint64_t bytes; /* of all that were fetched */
};

static struct open *now(struct walk *w)
{
	return &w->open.p[w->at];
}

static enum step_ret walk_failed(struct walk *w)
{
	err_wrap(&w->task.err, "submodule '%.200s'", now(w)->path);
	return STEP_FAIL;
}

/* What is written in a repository may name any host: the Secret is not for those. The key of ssh
   is shown to nobody, and known_hosts decides. */
static struct gitc_auth *auth_for(struct walk *w)
{
	if (w->url.scheme == GITC_SSH && w->home.scheme == GITC_SSH)
		return w->auth;
	if (w->url.scheme == w->home.scheme && w->url.port == w->home.port &&
		!strcmp(w->url.host, w->home.host))
		return w->auth;
	return w->stranger;
}

/* Nor may it lead to where this machine alone is heard, or is told its own secrets. Which address
   the repository's server has is not known: one with a name may be in a private network. */
static struct http_hop hop_for(const struct walk *w)
{
	enum host_class from = host_classify(w->home.host);

	if (!strcmp(w->url.host, w->home.host))
		return (struct http_hop){0};
	return (struct http_hop){.chosen = true,
		.by_git = true,
		.from = host_is_internal(from) ? from : HOST_PRIVATE};
}

static enum step_ret walk_fetch_start(struct task *t)
{
	struct walk *w = TASK(t, struct walk);
	struct open *o;

	if (w->at == w->open.len)
		return STEP_DONE;
	o = now(w);
	if (o->objects)
		return STEP_NEXT;
	if (o->depth > LIMIT_GIT_NESTED) {
		err_code(&t->err, ERR_RETRY, GITC_TOO_LARGE,
			"submodules are nested more than %d deep", LIMIT_GIT_NESTED);
		return walk_failed(w);
	}
	gitc_url_clear(&w->url);
	if (gitc_url_parse(&w->url, o->url, &t->err)) {
		t->err.kind = ERR_RETRY; /* the next commit may have another one */
		return walk_failed(w);
	}
	return task_wait(t,
		git_fetch_start(t->self.loop,
			&(struct git_fetch_req){.git = w->git,
				.target = {.url = &w->url,
					.auth = auth_for(w),
					.timeout_ms = w->timeout_ms,
					.owner = w->owner,
					.hop = hop_for(w)},
				.commit = &o->commit,
				.max_pack = w->max_pack}));
}

/* They are held at once: together they are no more than one repository may be. */
static int walk_count(struct walk *w, const struct gitc_objects *o, struct err *err)
{
	uint64_t max = w->max_pack ? w->max_pack : LIMIT_GIT_PACK;
	struct gitc_objects_stats stats;

	gitc_objects_stats(o, &stats);
	w->bytes += stats.most;
	if (w->bytes <= max)
		return 0;
	return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
		"submodules have more than %llu bytes in all", (unsigned long long)max);
}

static enum step_ret walk_fetch_resume(struct task *t)
{
	struct walk *w = TASK(t, struct walk);
	struct open *o = now(w);

	if (task_op_failed(t))
		return walk_failed(w);
	o->objects = git_fetch_take(t->op);
	if (walk_count(w, o->objects, &t->err))
		return walk_failed(w);
	*vec_add(&w->found) = (struct gitrepository_module){
		mem_strdup(o->path), gitc_objects_ref(o->objects), o->commit};
	return STEP_NEXT;
}

static enum step_ret walk_scan_start(struct task *t)
{
	struct walk *w = TASK(t, struct walk);
	struct scan *s = NEW(struct scan);

	s->objects = gitc_objects_ref(now(w)->objects);
	s->commit = now(w)->commit;
	s->url = mem_strdup(now(w)->url);
	return task_wait(
		t, work_start_for(t->self.loop, WORK_HEAVY, w->owner, scan_run, scan_free, s));
}

static enum step_ret walk_scan_resume(struct task *t)
{
	struct walk *w = TASK(t, struct walk);
	struct open parent = *now(w);
	const struct link *l;
	const struct scan *s;

	if (task_op_failed(t))
		return parent.depth ? walk_failed(w) : STEP_FAIL;
	s = work_job(t->op);
	/* The first is the repository itself. */
	if (w->open.len - 1 + s->links.len > LIMIT_GIT_MODULES) {
		err_code(&t->err, ERR_RETRY, GITC_TOO_LARGE, "more than %d submodules",
			LIMIT_GIT_MODULES);
		return STEP_FAIL;
	}
	vec_each (&s->links, l)
		*vec_add(&w->open) = (struct open){
			.path = mem_printf("%s%s%s", parent.path, *parent.path ? "/" : "", l->path),
			.url = mem_strdup(l->url),
			.commit = l->commit,
			.depth = parent.depth + 1};
	w->at++;
	return task_goto(t, "fetch");
}

static void walk_free(struct task *t)
{
	struct walk *w = TASK(t, struct walk);
	struct open *o;

	gitc_auth_unref(w->auth);
	gitc_auth_unref(w->stranger);
	gitc_url_clear(&w->home);
	gitc_url_clear(&w->url);
	vec_each (&w->open, o) {
		free(o->path);
		free(o->url);
		gitc_objects_unref(o->objects);
	}
	vec_clear(&w->open);
	gitrepository_modules_clear(&w->found);
	free(w->owner);
	free(w);
}

/* As whom a host is asked that the credentials are not for: nobody, by the same way. */
static struct gitc_auth *stranger_of(const struct gitc_auth *auth)
{
	struct gitc_auth *a = gitc_auth_new();

	if (auth) {
		a->trust.ca_pem = BUF_INIT(auth->trust.ca_pem.max);
		buf_add(&a->trust.ca_pem, auth->trust.ca_pem.p, auth->trust.ca_pem.len);
		http_proxy_copy(&a->proxy, &auth->proxy);
	}
	gitc_auth_seal(a);
	return a;
}

enum step_ret gitrepository_modules_start(struct task *t)
{
	static const struct step steps[] = {
		{"fetch", walk_fetch_start, walk_fetch_resume},
		{"scan", walk_scan_start, walk_scan_resume},
		{0},
	};
	struct run *r = RUN(t);
	struct gitrepository_run *g = GIT_RUN(r);
	struct walk *w;

	if (!gitrepository_made_by(r)->recurse)
		return STEP_NEXT;
	w = NEW(struct walk);
	w->git = GIT_ENV(r)->git;
	w->auth = gitc_auth_ref(g->login.auth);
	w->stranger = stranger_of(g->login.auth);
	gitc_url_copy(&w->home, &g->url);
	w->timeout_ms = (uint64_t)GIT_SPEC(r)->git.timeout_ms;
	w->max_pack = GIT_ENV(r)->max_pack;
	w->owner = mem_strdup(r->ns);
	*vec_add(&w->open) = (struct open){.path = mem_strdup(""),
		.url = mem_strdup(GIT_SPEC(r)->git.url),
		.commit = g->what.commit,
		.objects = gitc_objects_ref(g->objects)};
	task_init(&w->task, t->self.loop, "git submodules", steps, NULL, walk_free);
	return task_wait(t, task_spawn(&w->task));
}

enum step_ret gitrepository_modules_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct walk *w;

	if (task_op_failed(t))
		return gitrepository_git_failed(r,
			"failed to checkout and determine revision: unable to update submodules");
	w = TASK_OF_OP(t->op, struct walk);
	GIT_RUN(r)->modules = w->found;
	w->found = (struct gitrepository_modules){0};
	return STEP_NEXT;
}
