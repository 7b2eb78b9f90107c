#include "kube/lease.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "ev/sleep.h"
#include "ev/task.h"
#include "ev/timer.h"
#include "kube/client.h"

#include <stdlib.h>
#include <string.h>

/* At the end nobody waits long for a server that does not answer: the Lease runs out by itself. */
#define RELEASE_MS 3000

struct lease {
	struct task task;
	struct kube_client *client;
	char *ns, *name, *identity;
	struct kube_lease_req req;

	json_t *obj; /* as it was read last; NULL: there is none */
	uint64_t seen_ms; /* its record has been what it is since then, on clock_ms() */
	uint64_t asked_ms; /* the write on its way was sent then */
	uint64_t until_ms; /* it leads until then; 0: it does not */
	struct timer end;
	bool leads; /* as on_change was told */
	bool asking; /* the write that takes it is on its way */
	bool failing; /* as on_error was told */
	bool release; /* at the end: it is still ours, as it was read */
};

static const struct kube_resource LEASES = {"coordination.k8s.io", "v1", "leases", "Lease", true};

/* ---- who leads ------------------------------------------------------------------------------- */

static void lease_tell(struct lease *l, bool leads)
{
	if (l->leads == leads)
		return;
	l->leads = leads;
	l->req.on_change(l->req.arg, leads);
}

static void lease_lost(struct lease *l)
{
	l->until_ms = 0;
	timer_cancel(&l->end);
	lease_tell(l, false);
}

static void lease_ran_out(void *arg)
{
	lease_lost(arg);
}

static void lease_won(struct lease *l)
{
	uint64_t now = clock_ms();

	l->until_ms = l->asked_ms + l->req.renew_ms;
	if (l->until_ms <= now) {
		lease_lost(l);
		return;
	}
	timer_set(&l->end, l->until_ms - now);
	lease_tell(l, true);
}

/* ---- the record ------------------------------------------------------------------------------ */

static const char *lease_held_by(const struct lease *l)
{
	return obj_str_or("", l->obj, "spec", "holderIdentity");
}

static bool lease_is_ours(const struct lease *l)
{
	return !strcmp(lease_held_by(l), l->identity);
}

/* Its clock begins anew with each change: the times in the record are another machine's. */
static void lease_see(struct lease *l, json_t *obj)
{
	if (!l->obj || !json_equal(obj_get(l->obj, "spec"), obj_get(obj, "spec")))
		l->seen_ms = clock_ms();
	json_decref(l->obj);
	l->obj = obj;
}

static bool lease_is_free(const struct lease *l)
{
	int64_t seconds = obj_int(0, l->obj, "spec", "leaseDurationSeconds");

	if (!*lease_held_by(l) || lease_is_ours(l))
		return true;
	if (seconds < 0 || seconds > INT32_MAX)
		seconds = 0; /* the field is an int32: no server hands out such a one */
	return clock_ms() - l->seen_ms >= (uint64_t)seconds * 1000;
}

static void spec_set(json_t *spec, const char *key, json_t *value)
{
	json_object_set_new(spec, key, value);
}

/* The record as this process writes it; holder "": nobody's. */
static json_t *lease_body(const struct lease *l, const char *holder)
{
	bool renewed = *holder && lease_is_ours(l);
	int64_t changes = obj_int(0, l->obj, "spec", "leaseTransitions");
	json_t *body = json_is_object(l->obj) ? json_deep_copy(l->obj) : json_object();
	json_t *meta, *spec;
	char now[TIME_TEXT_MAX];

	time_format_micros(clock_wall_ms(), now);
	if (!json_is_object(obj_get(body, "metadata")))
		json_object_set_new(body, "metadata", json_object());
	if (!json_is_object(obj_get(body, "spec")))
		json_object_set_new(body, "spec", json_object());
	meta = obj_get(body, "metadata");
	spec = obj_get(body, "spec");
	json_object_set_new(body, "apiVersion", json_string("coordination.k8s.io/v1"));
	json_object_set_new(body, "kind", json_string("Lease"));
	json_object_set_new(meta, "name", json_string(l->name));
	json_object_set_new(meta, "namespace", json_string(l->ns));
	json_object_del(meta, "managedFields");
	spec_set(spec, "holderIdentity", json_string(holder));
	spec_set(spec, "leaseDurationSeconds",
		json_integer(*holder ? (json_int_t)((l->req.duration_ms + 999) / 1000) : 1));
	spec_set(spec, "renewTime", json_string(now));
	if (!renewed)
		spec_set(spec, "acquireTime", json_string(now));
	if (*holder && !renewed && l->obj)
		spec_set(spec, "leaseTransitions",
			json_integer(changes < INT32_MAX ? changes + 1 : 0));
	return body;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static struct op *lease_read(const struct lease *l, uint64_t deadline_ms)
{
	return kube_start(l->client,
		&(struct kube_req){.verb = KUBE_GET,
			.resource = &LEASES,
			.ns = l->ns,
			.name = l->name,
			.urgent = true,
			.deadline_ms = deadline_ms});
}

static struct op *lease_write(const struct lease *l, const char *holder, uint64_t deadline_ms)
{
	auto_json json_t *body = lease_body(l, holder);

	return kube_start(l->client,
		&(struct kube_req){.verb = l->obj ? KUBE_UPDATE : KUBE_CREATE,
			.resource = &LEASES,
			.ns = l->ns,
			.name = l->name,
			.body = body,
			.urgent = true,
			.deadline_ms = deadline_ms});
}

static enum step_ret lease_failed(struct lease *l)
{
	if (!l->failing && l->req.on_error)
		l->req.on_error(l->req.arg, &l->task.op->err);
	l->failing = true;
	return task_goto(&l->task, "sleep");
}

static enum step_ret read_start(struct task *t)
{
	struct lease *l = TASK(t, struct lease);

	return task_wait(t, lease_read(l, l->req.renew_ms / 2));
}

static enum step_ret read_resume(struct task *t)
{
	struct lease *l = TASK(t, struct lease);

	if (t->op->err.code == 404) {
		json_decref(MOVE(l->obj));
		return STEP_NEXT;
	}
	if (t->op->err.kind != ERR_NONE)
		return lease_failed(l);
	lease_see(l, kube_take(t->op));
	if (!lease_is_ours(l))
		lease_lost(l);
	if (lease_is_free(l))
		return STEP_NEXT;
	l->failing = false;
	return task_goto(t, "sleep");
}

static enum step_ret write_start(struct task *t)
{
	struct lease *l = TASK(t, struct lease);

	l->asked_ms = clock_ms();
	l->asking = true;
	return task_wait(t, lease_write(l, l->identity, l->req.renew_ms / 2));
}

static enum step_ret write_resume(struct task *t)
{
	struct lease *l = TASK(t, struct lease);

	l->asking = false;
	/* Somebody else was quicker: the next look says who. */
	if (t->op->err.code == 409)
		return STEP_NEXT;
	if (t->op->err.kind != ERR_NONE)
		return lease_failed(l);
	l->failing = false;
	lease_see(l, kube_take(t->op));
	lease_won(l);
	return STEP_NEXT;
}

/* Who waits for it spreads its looks, so that two do not meet each time. */
static enum step_ret sleep_begin(struct task *t)
{
	struct lease *l = TASK(t, struct lease);
	uint64_t spread = l->leads ? 0 : (uint64_t)random() % (l->req.retry_ms / 5 + 1);

	return task_wait(t, sleep_start(t->self.loop, l->req.retry_ms + spread));
}

static enum step_ret sleep_resume(struct task *t)
{
	return task_goto(t, "read");
}

/* ---- the end --------------------------------------------------------------------------------- */

/* A write that was cancelled may have been done: only the server knows what it has now. */
static enum step_ret give_back_start(struct task *t)
{
	struct lease *l = TASK(t, struct lease);

	timer_cancel(&l->end);
	l->until_ms = 0;
	if (l->req.keep || !(l->leads || l->asking))
		return STEP_NEXT;
	return task_wait(t, lease_read(l, RELEASE_MS));
}

static enum step_ret give_back_resume(struct task *t)
{
	struct lease *l = TASK(t, struct lease);

	if (t->op->err.kind != ERR_NONE)
		return STEP_NEXT;
	lease_see(l, kube_take(t->op));
	l->release = lease_is_ours(l);
	return STEP_NEXT;
}

static enum step_ret release_start(struct task *t)
{
	struct lease *l = TASK(t, struct lease);

	return l->release ? task_wait(t, lease_write(l, "", RELEASE_MS)) : STEP_NEXT;
}

static enum step_ret release_resume(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

static void lease_free(struct task *t)
{
	struct lease *l = TASK(t, struct lease);

	timer_cancel(&l->end);
	json_decref(l->obj);
	free(l->ns);
	free(l->name);
	free(l->identity);
	free(l);
}

struct op *kube_lease_start(struct kube_client *c, const struct kube_lease_req *req)
{
	static const struct step steps[] = {
		{"read", read_start, read_resume},
		{"write", write_start, write_resume},
		{"sleep", sleep_begin, sleep_resume}, /* and back to "read" */
		{0},
	};
	static const struct step last[] = {
		{"give back", give_back_start, give_back_resume, .always = true},
		{"release", release_start, release_resume, .always = true},
		{0},
	};
	struct lease *l = NEW(struct lease);

	BUG_IF(!req->on_change || req->duration_ms <= req->renew_ms ||
		req->renew_ms <= req->retry_ms || !req->retry_ms);
	l->client = c;
	l->req = *req;
	l->ns = mem_strdup(req->ns);
	l->name = mem_strdup(req->name);
	l->identity = mem_strdup(req->identity);
	timer_init(&l->end, kube_client_loop(c), lease_ran_out, l);
	task_init(&l->task, kube_client_loop(c), "lease", steps, last, lease_free);
	return task_spawn(&l->task);
}

bool kube_lease_leads(const struct op *op)
{
	const struct lease *l = CONTAINER_OF(op, const struct lease, task.self);

	return l->leads && clock_ms() < l->until_ms;
}

const char *kube_lease_holder(const struct op *op)
{
	return lease_held_by(CONTAINER_OF(op, const struct lease, task.self));
}
