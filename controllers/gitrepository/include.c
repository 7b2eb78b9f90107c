/* The other GitRepositories whose artifacts go into this one's. */
#include "controllers/gitrepository/run.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/object.h"
#include "kube/client.h"
#include "source/peers.h"
#include "store/store.h"

#include <string.h>

void gitrepository_included_clear(struct gitrepository_run *g)
{
	struct gitrepository_included *i;

	vec_each (&g->included, i) {
		json_decref(i->artifact);
		op_free(i->peer);
	}
	vec_clear(&g->included);
}

/* ---- which artifacts they have --------------------------------------------------------------- */

static enum step_ret unavailable(struct run *r, const char *reason)
{
	struct err *err = &r->task.err;

	err->kind = ERR_WAIT;
	err->retry_ms = GIT_ENV(r)->requeue_ms;
	return run_fail(r, COND_INCLUDE, reason);
}

/* Is it a file of that object? Somebody may have written another one into its status. */
static bool is_own(const struct run *r, const char *name, const json_t *artifact)
{
	char dir[STORE_DIR_MAX];
	struct store_path p;
	struct err ignored = {0};

	return !store_dir_format(dir, r->c->kind->name, r->ns, name, &ignored) &&
		!store_path_parse_file(&p, obj_str_or("", artifact, "path"), &ignored) &&
		!strcmp(p.dir, dir);
}

/* What a restore puts in is what was in there. */
static enum step_ret included_of_status(struct run *r)
{
	struct gitrepository_run *g = GIT_RUN(r);
	const json_t *list = obj_get(r->first, "status", "includedArtifacts");
	size_t i;

	for (i = 0; i < g->observed->includes.len; i++) {
		if (!is_own(r, g->observed->includes.p[i].name, json_array_get(list, i))) {
			err_set(&r->task.err, ERR_RETRY,
				"status.includedArtifacts does not fit status.observedInclude");
			return run_fail(r, COND_STORAGE_FAILED, "CopyFailure");
		}
		*vec_add(&g->included) = (struct gitrepository_included){
			.artifact = json_incref(json_array_get(list, i))};
	}
	return STEP_NEXT;
}

enum step_ret gitrepository_includes_start(struct task *t)
{
	struct run *r = RUN(t);
	size_t at = GIT_RUN(r)->included.len;

	if (r->mode != RUN_WORK)
		return included_of_status(r);
	if (at == GIT_SPEC(r)->includes.len)
		return STEP_NEXT;
	if (!at && gitrepository_ring_check(r, &t->err))
		return unavailable(r, "IncludeCycle");
	return task_wait(t,
		kube_start(r->c->opts.kube,
			&(struct kube_req){.verb = KUBE_GET,
				.resource = r->c->kind->resource,
				.ns = r->ns,
				.name = GIT_SPEC(r)->includes.p[at].name,
				.deadline_ms = (uint64_t)GIT_SPEC(r)->git.timeout_ms}));
}

enum step_ret gitrepository_includes_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct gitrepository_run *g = GIT_RUN(r);
	const char *name = GIT_SPEC(r)->includes.p[g->included.len].name;
	json_t *artifact;

	if (task_op_failed(t)) {
		err_wrap(&t->err, "could not get resource for include '%s'", name);
		return unavailable(r, "NotFound");
	}
	artifact = obj_get(kube_result(t->op), "status", "artifact");
	if (!is_own(r, name, artifact)) {
		err_set(&t->err, ERR_WAIT, "no artifact available for include '%s'", name);
		return unavailable(r, "NoArtifact");
	}
	*vec_add(&g->included) = (struct gitrepository_included){.artifact = json_incref(artifact)};
	return STEP_AGAIN;
}

/* Revision and bytes count; where they are served and since when does not. */
bool gitrepository_included_is(struct run *r, const json_t *observed)
{
	static const char *const members[] = {"revision", "digest"};
	const struct gitrepository_run *g = GIT_RUN(r);
	size_t i, m;

	if (json_array_size(observed) != g->included.len)
		return false;
	for (i = 0; i < g->included.len; i++)
		for (m = 0; m < ARRAY_LEN(members); m++)
			if (strcmp(obj_str_or("", g->included.p[i].artifact, members[m]),
				    obj_str_or("", json_array_get(observed, i), members[m])))
				return false;
	return true;
}

json_t *gitrepository_included_json(struct run *r)
{
	const struct gitrepository_run *g = GIT_RUN(r);
	json_t *list;
	size_t i;

	if (!g->included.len)
		return NULL;
	list = json_array();
	for (i = 0; i < g->included.len; i++)
		json_array_append(list, g->included.p[i].artifact);
	return list;
}

/* ---- their bytes ----------------------------------------------------------------------------- */

/* NULL: what the status of the other one says cannot be asked for. */
static struct op *peer_start(struct run *r, const json_t *artifact, struct err *err)
{
	const char *path = obj_str_or("", artifact, "path");
	int64_t size = obj_int(0, artifact, "size");
	struct store_path parsed;
	struct digest digest;

	if (store_path_parse_file(&parsed, path, err) ||
		digest_parse(&digest, obj_str_or("", artifact, "digest"), err))
		return NULL;
	if (size <= 0 || !peers_any(GIT_ENV(r)->source.peers)) {
		err_set(err, ERR_RETRY, "'%.300s' is not in this storage", path);
		return NULL;
	}
	return peers_fetch_start(GIT_ENV(r)->source.peers,
		&(struct peers_req){.store = GIT_ENV(r)->source.store,
			.path = path,
			.digest = &digest,
			.size = (uint64_t)size,
			.owner = r->ns});
}

static enum step_ret copy_failed(struct run *r, size_t i)
{
	const struct gitrepository_include *one = &gitrepository_made_by(r)->includes.p[i];

	err_wrap(&r->task.err, "failed to copy '%s' include from %s to %s", one->name,
		one->from ? one->from : "", gitrepository_include_to(one));
	return run_fail(r, COND_STORAGE_FAILED, "CopyFailure");
}

/* The first that is neither here nor was asked for; len: there is none. */
static size_t first_absent(struct run *r)
{
	const struct gitrepository_run *g = GIT_RUN(r);
	struct store_file f;
	size_t i;

	for (i = 0; i < g->included.len; i++) {
		const char *path = obj_str_or("", g->included.p[i].artifact, "path");

		if (!g->included.p[i].peer && !store_known(GIT_ENV(r)->source.store, path, &f))
			break;
	}
	return i;
}

enum step_ret gitrepository_included_start(struct task *t)
{
	struct run *r = RUN(t);
	struct gitrepository_run *g = GIT_RUN(r);
	size_t i = first_absent(r);
	struct op *op;

	if (i == g->included.len)
		return STEP_NEXT;
	op = peer_start(r, g->included.p[i].artifact, &t->err);
	return op ? task_wait(t, op) : copy_failed(r, i);
}

enum step_ret gitrepository_included_resume(struct task *t)
{
	struct run *r = RUN(t);
	size_t i = first_absent(r);

	if (task_op_failed(t))
		return copy_failed(r, i);
	GIT_RUN(r)->included.p[i].peer = MOVE(t->op);
	return STEP_AGAIN;
}
