#include "app.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/cloud.h"
#include "ctl/controller.h"
#include "ctl/event.h"
#include "ctl/poster.h"
#include "ctl/role.h"
#include "embedded/embedded.h"
#include "ev/sleep.h"
#include "ev/work.h"
#include "forge/forge.h"
#include "http/server.h"
#include "oci/registry.h"
#include "serve/files.h"
#include "source/peers.h"
#include "store/store.h"

#include <unistd.h>

/* Runs that write their last status get this long. */
#define RUNS_GRACE_MS 10000
/* Notices of what these runs did: somebody may still be there to take them. */
#define NOTICES_GRACE_MS 2000
#define JOBS_GRACE_MS 2000
/* Answers of the metrics and the health port are small. */
#define SMALL_GRACE_MS 1000

static struct app *app_of(struct task *t)
{
	return CONTAINER_OF(t, struct app, end);
}

/* Its resume looks at row_since. */
static enum step_ret row_wait(struct app *a)
{
	a->row_since = clock_ms();
	return task_wait(&a->end, sleep_start(a->loop, 0));
}

/* Words to an API server that does not answer: nothing is lost that a kill would not lose. */
static enum step_ret runs_wait(struct app *a)
{
	if (clock_ms() - a->row_since > RUNS_GRACE_MS) {
		log_error(NULL, "leaving with runs that have not ended");
		_exit(0);
	}
	return task_wait(&a->end, sleep_start(a->loop, 5));
}

static enum step_ret runs_start(struct task *t)
{
	struct app *a = app_of(t);
	unsigned i;

	serve_files_end(a->files);
	app_kinds_stop(a);
	timer_cancel(&a->sweep_timer);
	if (a->scan)
		op_cancel(a->scan);
	for (i = 0; i < a->n_controllers; i++)
		controller_stop(a->controllers[i]);
	return row_wait(a);
}

static bool controllers_idle(const struct app *a)
{
	unsigned i;

	for (i = 0; i < a->n_controllers; i++)
		if (!controller_idle(a->controllers[i]))
			return false;
	return true;
}

static enum step_ret runs_resume(struct task *t)
{
	struct app *a = app_of(t);

	return controllers_idle(a) && !a->scan && !a->sweep ? STEP_NEXT : runs_wait(a);
}

/* While Services still send readers here they ask for what the next leader has written meanwhile:
   until the delay is over this replica follows, and has it. Without others nothing new comes. */
static bool follows_on(const struct app *a)
{
	return a->elects && a->flags.shutdown_delay_ms > 0;
}

/* A call ends when its patches have: nobody learns what a call has done that is cut. */
static enum step_ret webhooks_drain(struct app *a)
{
	if (!a->webhooks_server)
		return STEP_NEXT;
	return task_wait(&a->end, http_server_drain(a->webhooks_server, RUNS_GRACE_MS));
}

/* Without a delay the controllers stop at once. */
static enum step_ret webhooks_first_start(struct task *t)
{
	return follows_on(app_of(t)) ? STEP_NEXT : webhooks_drain(app_of(t));
}

static enum step_ret webhooks_start(struct task *t)
{
	return follows_on(app_of(t)) ? webhooks_drain(app_of(t)) : STEP_NEXT;
}

static enum step_ret resign_start(struct task *t)
{
	struct app *a = app_of(t);
	unsigned i;

	app_kinds_stop(a);
	if (!follows_on(a))
		return runs_start(t);
	for (i = 0; i < a->n_controllers; i++)
		role_resign(a->controllers[i]);
	return row_wait(a);
}

static enum step_ret resign_resume(struct task *t)
{
	struct app *a = app_of(t);
	unsigned i;

	if (!follows_on(a))
		return runs_resume(t);
	for (i = 0; i < a->n_controllers; i++)
		if (!role_resigned(a->controllers[i]))
			return runs_wait(a);
	return STEP_NEXT;
}

static enum step_ret notices_start(struct task *t)
{
	struct app *a = app_of(t);
	unsigned i;

	for (i = 0; i < APP_GROUPS; i++)
		if (a->groups[i].poster)
			poster_drain(a->groups[i].poster);
	return row_wait(a);
}

/* Of what the last runs did: Events and notices. */
static bool all_told(const struct app *a)
{
	unsigned i;

	for (i = 0; i < APP_GROUPS; i++) {
		const struct app_group *g = &a->groups[i];

		if (g->name &&
			(!event_recorder_idle(g->events) || (g->poster && !poster_idle(g->poster))))
			return false;
	}
	return true;
}

static enum step_ret notices_resume(struct task *t)
{
	struct app *a = app_of(t);

	if (all_told(a) || clock_ms() - a->row_since > NOTICES_GRACE_MS)
		return STEP_NEXT;
	return task_wait(t, sleep_start(a->loop, 5));
}

static void roles_tell(struct app *a)
{
	unsigned i;

	for (i = 0; i < a->n_controllers; i++)
		role_changed(a->controllers[i]);
}

/* Nothing is written any more: another replica may begin. */
static enum step_ret lease_end_start(struct task *t)
{
	struct app *a = app_of(t);
	struct op **held = NULL;
	unsigned i;

	/* All are given back at once, and waited for one after the other: the next one may have
	   ended by then. */
	for (i = 0; i < APP_GROUPS; i++) {
		struct op **lease = &a->groups[i].lease;

		if (*lease && (*lease)->done)
			op_free(MOVE(*lease));
		else if (*lease)
			op_cancel(*(held = lease));
	}
	if (held)
		return task_wait(t, MOVE(*held));
	roles_tell(a);
	return STEP_NEXT;
}

static enum step_ret lease_end_resume(struct task *t)
{
	roles_tell(app_of(t));
	return STEP_AGAIN;
}

/* From SIGTERM on, whatever the rows before have taken of it. */
static enum step_ret delay_start(struct task *t)
{
	uint64_t delay = (uint64_t)app_of(t)->flags.shutdown_delay_ms;
	uint64_t since = clock_ms() - t->since_ms;

	return since < delay ? task_wait(t, sleep_start(t->self.loop, delay - since)) : STEP_NEXT;
}

static enum step_ret artifacts_start(struct task *t)
{
	struct app *a = app_of(t);

	return task_wait(t, http_server_drain(a->artifacts_server, (uint64_t)a->flags.grace_ms));
}

/* server: NULL when it was turned off. */
static enum step_ret small_server_drain(struct task *t, struct http_server *server)
{
	return server ? task_wait(t, http_server_drain(server, SMALL_GRACE_MS)) : STEP_NEXT;
}

static enum step_ret metrics_start(struct task *t)
{
	return small_server_drain(t, app_of(t)->metrics_server);
}

static enum step_ret health_start(struct task *t)
{
	return small_server_drain(t, app_of(t)->health_server);
}

static enum step_ret embedded_stop_start(struct task *t)
{
	struct app *a = app_of(t);
	unsigned i;

	for (i = 0; i < APP_GROUPS; i++) {
		if (a->groups[i].events)
			event_recorder_stop(a->groups[i].events);
		poster_stop(a->groups[i].poster);
	}
	peers_stop(a->peers);
	oci_client_stop(a->oci);
	cloud_stop(a->cloud);
	forge_stop(a->forge);
	return a->embedded ? task_wait(t, embedded_stop(a->embedded, 1000)) : STEP_NEXT;
}

/* What is known of the files, for the next start. A disk that hangs is left behind. */
static enum step_ret save_start(struct task *t)
{
	struct app *a = app_of(t);

	a->save = store_save_start(a->store);
	return row_wait(a);
}

static enum step_ret save_resume(struct task *t)
{
	struct app *a = app_of(t);

	if (!a->save->done && clock_ms() - a->row_since <= JOBS_GRACE_MS)
		return task_wait(t, sleep_start(a->loop, 5));
	if (a->save->done && a->save->err.kind != ERR_NONE)
		log_error(NULL, "cannot save the store's index", LE(&a->save->err));
	op_drop(MOVE(a->save));
	return STEP_NEXT;
}

/* What nobody waits for any more ends when it sees its stop flag; what hangs in the kernel may
   never do so, and must not keep the process. */
static enum step_ret jobs_start(struct task *t)
{
	return row_wait(app_of(t));
}

static enum step_ret jobs_resume(struct task *t)
{
	struct app *a = app_of(t);

	if (!work_jobs(a->loop))
		return STEP_NEXT;
	if (clock_ms() - a->row_since > JOBS_GRACE_MS) {
		log_error(NULL, "leaving with jobs that have not ended",
			LU("jobs", work_jobs(a->loop)));
		_exit(0);
	}
	return task_wait(t, sleep_start(a->loop, 5));
}

static enum step_ret end_resume(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

static const struct step END_STEPS[] = {
	{"webhooks", webhooks_first_start, end_resume},
	{"resign", resign_start, resign_resume},
	{"notices", notices_start, notices_resume},
	{"lease", lease_end_start, lease_end_resume},
	{"delay", delay_start, end_resume},
	{"webhooks", webhooks_start, end_resume},
	{"runs", runs_start, runs_resume},
	{"artifacts", artifacts_start, end_resume},
	{"metrics", metrics_start, end_resume},
	{"health", health_start, end_resume},
	{"embedded", embedded_stop_start, end_resume},
	{"save", save_start, save_resume},
	{"jobs", jobs_start, jobs_resume},
	{0},
};

static void end_free(struct task *t)
{
	(void)t; /* part of struct app */
}

static void app_ended(struct op *op, void *arg)
{
	struct app *a = arg;

	op_free(op);
	a->ending = NULL;
	loop_stop(a->loop);
}

void app_end(struct app *a)
{
	if (a->ending) {
		log_error(NULL, "second signal, leaving at once");
		_exit(1);
	}
	task_init(&a->end, a->loop, "shutdown", END_STEPS, NULL, end_free);
	a->ending = task_spawn(&a->end);
	op_then(a->ending, app_ended, a);
}
