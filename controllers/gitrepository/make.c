/* What ARTIFACT_PUBLISH makes the artifact with, on a worker: the archive of the commit. */
#include "controllers/gitrepository/run.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/sys.h"
#include "git/archive.h"
#include "git/gitc.h"
#include "source/peers.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Another artifact. */
struct part {
	char *name, *from, *to;
	char *path; /* in the store, ... */
	struct digest digest; /* ... where it has to be this one */
	struct store_temp temp; /* or from another replica, with `bytes` for a small one */
	struct buf bytes;
};

struct make {
	struct store *store; /* the loop's */
	const struct store_root *root;
	struct gitc_objects *objects;
	struct gitc_oid commit;
	char *ignore;
	VEC(char *) sparse;
	VEC(struct part) parts;
	struct gitrepository_modules modules;
	struct pack_limits limits;
};

/* ---- on a worker ----------------------------------------------------------------------------- */

static int part_of_store(
	struct make *j, const struct part *p, const atomic_bool *stop, struct err *err)
{
	struct digest found;
	int fd = sys_openat(j->root->fd, p->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);

	if (fd < 0)
		return err_set(err, ERR_RETRY, "include '%s': '%.300s' is not there any more",
			p->name, p->path);
	if (!digest_fd(&found, p->digest.algo, fd, stop, NULL, err)) {
		if (digest_equal(&found, &p->digest))
			return fd;
		err_set(err, ERR_RETRY, "include '%s': '%.300s' has other bytes by now", p->name,
			p->path);
	}
	sys_close(fd);
	return -1;
}

/* -1: there is none, and *err says why. */
static int part_open(struct make *j, struct part *p, const atomic_bool *stop, struct err *err)
{
	if (p->path)
		return part_of_store(j, p, stop, err);
	if (p->temp.fd >= 0)
		return p->temp.fd;
	if (store_temp_new(j->root, &p->temp, err))
		return -1;
	if (sys_write_all(p->temp.fd, buf_str(&p->bytes), p->bytes.len))
		return err_sys(err, "write a part of the artifact");
	return p->temp.fd;
}

static int parts_open(
	struct make *j, struct gitc_include *out, const atomic_bool *stop, struct err *err)
{
	struct stat st;
	size_t i;

	for (i = 0; i < j->parts.len; i++) {
		struct part *p = &j->parts.p[i];

		out[i] = (struct gitc_include){.fd = part_open(j, p, stop, err),
			.from = p->from,
			.to = p->to,
			.name = p->name};
		if (out[i].fd < 0)
			return -1;
		if (sys_fstat(out[i].fd, &st))
			return err_sys(err, "stat a part of the artifact");
		out[i].size = (uint64_t)st.st_size;
	}
	return 0;
}

/* What a replica has given stays, in case this has to begin again. */
static void parts_close(struct make *j, struct gitc_include *opened)
{
	size_t i;

	for (i = 0; i < j->parts.len; i++)
		if (j->parts.p[i].path && opened[i].fd >= 0)
			sys_close(opened[i].fd);
}

static int archive_make(struct make *j, struct publish_make *m, const struct gitc_include *includes,
	struct err *err)
{
	struct gitc_module *modules = mem_array(NULL, j->modules.len + 1, sizeof(*modules));
	struct gitc_archive_req req = {.objects = j->objects,
		.commit = j->commit,
		.ignore = j->ignore,
		.sparse = (const char *const *)j->sparse.p,
		.n_sparse = j->sparse.len,
		.includes = includes,
		.n_includes = j->parts.len,
		.modules = modules,
		.n_modules = j->modules.len,
		.out_fd = m->out_fd,
		.algo = m->algo,
		.limits = j->limits,
		.stop = m->stop};
	struct gitc_archive_result res;
	size_t i;
	int rc;

	for (i = 0; i < j->modules.len; i++)
		modules[i] = (struct gitc_module){.path = j->modules.p[i].path,
			.objects = j->modules.p[i].objects,
			.commit = j->modules.p[i].commit};
	req.limits.memory = m->memory;
	rc = gitc_archive(&req, &res, err);
	free(modules);
	if (rc)
		return -1;
	m->digest = res.digest;
	m->size = res.size;
	return 0;
}

static int make_run(void *arg, struct publish_make *m, struct err *err)
{
	struct make *j = arg;
	struct gitc_include *includes = mem_array(NULL, j->parts.len + 1, sizeof(*includes));
	size_t i;
	int rc;

	for (i = 0; i < j->parts.len; i++)
		includes[i].fd = -1;
	rc = parts_open(j, includes, m->stop, err) ? -1 : archive_make(j, m, includes, err);
	parts_close(j, includes);
	free(includes);
	return rc;
}

static void make_free(void *arg)
{
	struct make *j = arg;
	struct part *p;
	char **dir;

	gitc_objects_unref(j->objects);
	free(j->ignore);
	vec_each (&j->sparse, dir)
		free(*dir);
	vec_clear(&j->sparse);
	vec_each (&j->parts, p) {
		free(p->name);
		free(p->from);
		free(p->to);
		free(p->path);
		buf_clear(&p->bytes);
		store_temp_discard(j->store, &p->temp);
	}
	vec_clear(&j->parts);
	gitrepository_modules_clear(&j->modules);
	free(j);
}

/* ---- the row --------------------------------------------------------------------------------- */

static void part_add(
	struct make *j, const struct gitrepository_include *i, struct gitrepository_included *from)
{
	struct part *p = vec_add(&j->parts);
	struct err ignored = {0};
	struct buf *mem;

	*p = (struct part){.name = mem_strdup(i->name),
		.from = mem_strdup(i->from),
		.to = mem_strdup(gitrepository_include_to(i)),
		.temp = STORE_TEMP_INIT};
	if (digest_parse(&p->digest, obj_str_or("", from->artifact, "digest"), &ignored))
		p->digest = (struct digest){.algo = DIGEST_SHA256}; /* nothing has it */
	if (!from->peer) {
		p->path = mem_strdup(obj_str_or("", from->artifact, "path"));
		return;
	}
	p->temp = *peers_temp(from->peer);
	*peers_temp(from->peer) = STORE_TEMP_INIT;
	mem = peers_mem(from->peer);
	p->bytes = *mem;
	*mem = BUF_INIT(mem->max);
}

enum step_ret gitrepository_make_start(struct task *t)
{
	struct run *r = RUN(t);
	struct gitrepository_run *g = GIT_RUN(r);
	const struct gitrepository_spec *s = gitrepository_made_by(r);
	struct artifact_input *in = &ARTIFACT_RUN(r)->input;
	struct make *j = NEW(struct make);
	struct gitc_objects_stats stats;
	char *const *dir;
	size_t i;

	j->store = GIT_ENV(r)->source.store;
	j->root = store_root(j->store);
	j->objects = gitc_objects_ref(g->objects);
	j->commit = g->what.commit;
	j->ignore = mem_strdup(s->ignore);
	/* Go's Git would not find "./a". */
	vec_each (&s->sparse, dir)
		*vec_add(&j->sparse) = mem_strdup(strncmp(*dir, "./", 2) ? *dir : *dir + 2);
	for (i = 0; i < g->included.len; i++)
		part_add(j, &s->includes.p[i], &g->included.p[i]);
	j->modules = g->modules;
	g->modules = (struct gitrepository_modules){0};
	j->limits = (struct pack_limits){.entries = GIT_ENV(r)->source.max_entries,
		.expanded = GIT_ENV(r)->source.max_expanded};
	gitc_objects_stats(g->objects, &stats);
	in->size = stats.most;
	in->maker = (struct publish_maker){.make = make_run, .free = make_free, .arg = j};
	return STEP_NEXT;
}

/* ---- what went wrong ------------------------------------------------------------------------- */

/* As git/archive.h has it in front of everything about one. */
static bool is_include(const struct err *err)
{
	return !strncmp(err->msg, "include '", 9);
}

enum step_ret gitrepository_make_failed(struct run *r)
{
	struct err *err = &r->task.err;

	if (is_include(err)) {
		err_wrap(err, "failed to copy");
		return run_fail(r, COND_STORAGE_FAILED,
			err->code == GITC_BAD_NAME ? "IllegalPath" : "CopyFailure");
	}
	if (err->code == GITC_NO_PATH) {
		err_wrap(err, "failed to sparse checkout directories");
		return run_fail(r, COND_FETCH_FAILED, "GitOperationFailed");
	}
	if (err->code >= GITC_AUTH_FAILED)
		return gitrepository_git_failed(r, "failed to archive the commit");
	if (err->code == -ENOBUFS) {
		err_append(err, " (--memory-budget)");
		return run_fail(r, COND_STORAGE_FAILED, "ArchiveOperationFailed");
	}
	err_wrap(err, "failed to load source ignore patterns from repository");
	return run_fail(r, COND_STORAGE_FAILED, "SourceIgnoreError");
}
