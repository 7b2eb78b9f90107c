#include "source/public_root.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "ev/flight.h"
#include "ev/timer.h"
#include "ev/work.h"
#include "http/url.h"
#include "source/public_root_fetch.h"
#include "source/public_root_kept.h"
#include "verify/trusted_root.h"
#include "verify/tuf.h"

#include <errno.h>
#include <string.h>

/* After a failure, doubled with each one. Somebody may wait for the first one. */
#define PAUSE_LEAST_MS 60000
#define PAUSE_MOST_WAITED_MS (5 * 60000)
#define PAUSE_MOST_MS (60 * 60000)

struct public_root {
	struct loop *loop;
	struct http_client *http;
	char *url, *host, *dir;
	void (*on_taken)(void *arg);
	void *arg;
	struct verify_tuf *tuf; /* NULL: `op` has it */
	struct verify_root *root;
	struct op *op; /* reads what was kept, or fetches */
	bool began; /* what was kept was read */
	bool kept_told; /* that nothing can be kept */
	struct flight flight; /* those who wait for the first one */
	struct timer timer; /* to the next refresh */
	uint64_t pause_ms, quiet_until; /* quiet_until: on clock_ms() */
	struct err why; /* the last one has failed */
	uint64_t refreshed_at; /* on clock_ms() */
	struct public_root_stats stats;
};

/* ---- a root ---------------------------------------------------------------------------------- */

/* Takes the reference over. True: it is another one. */
static bool root_take(struct public_root *p, struct verify_root *root)
{
	bool same = p->root && digest_equal(&p->root->digest, &root->digest);
	struct err none = {0};

	if (same) {
		verify_root_unref(root);
		return false;
	}
	verify_root_unref(p->root);
	p->root = root;
	log_info(NULL, "a trusted root counts from now on", LS("url", p->url));
	flight_land(&p->flight, &none, NULL);
	if (p->on_taken)
		p->on_taken(p->arg);
	return true;
}

/* ---- refreshing ------------------------------------------------------------------------------ */

static void refresh_failed(struct public_root *p, const struct err *err)
{
	uint64_t most = p->root ? PAUSE_MOST_MS : PAUSE_MOST_WAITED_MS;

	p->stats.failed++;
	p->why = *err;
	p->pause_ms = p->pause_ms ? 2 * p->pause_ms : PAUSE_LEAST_MS;
	if (p->pause_ms > most)
		p->pause_ms = most;
	p->quiet_until = clock_ms() + p->pause_ms;
	flight_land(&p->flight, err, NULL);
	if (!p->root)
		return; /* objects say why, and ask again */
	log_error(NULL, "the trusted root could not be refreshed; the one that is there counts",
		LS("url", p->url), LE(err));
	timer_set(&p->timer, p->pause_ms);
}

static void refresh_done(struct op *op, void *arg)
{
	struct public_root *p = arg;
	struct verify_root *root = NULL;
	struct err kept = {0};

	p->op = NULL;
	p->tuf = public_root_fetch_take(op, &root, &kept);
	if (kept.kind != ERR_NONE && !p->kept_told)
		log_error(NULL, "what is fetched for the trusted root cannot be kept", LE(&kept));
	p->kept_told = kept.kind != ERR_NONE;
	if (root) {
		p->pause_ms = 0;
		p->refreshed_at = clock_ms();
		p->stats.refreshed = true;
		*(root_take(p, root) ? &p->stats.taken : &p->stats.unchanged) += 1;
		timer_set(&p->timer, PUBLIC_ROOT_MS);
	} else {
		refresh_failed(p, &op->err);
	}
	op_free(op);
}

static void refresh_begin(void *arg)
{
	struct public_root *p = arg;

	if (p->op)
		return;
	p->op = public_root_fetch_start(p->loop, p->http, p->url, p->dir, MOVE(p->tuf));
	op_then(p->op, refresh_done, p);
}

/* ---- what was kept --------------------------------------------------------------------------- */

struct kept {
	struct verify_tuf *tuf;
	char *dir;
	int64_t now_ms;
	struct verify_root *root; /* good enough for now; NULL: there is none */
	struct err broken; /* kind ERR_NONE: nothing of it is */
};

static int kept_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct kept *k = job;
	const struct buf *target = verify_tuf_target(k->tuf);
	struct err old = {0};

	(void)stop; /* some files, and their signatures */
	(void)err;
	if (public_root_kept_read(k->tuf, k->dir, &k->broken) ||
		verify_tuf_check(k->tuf, k->now_ms, &old))
		return 0;
	(void)!verify_root_parse(&k->root, buf_str(target), target->len, &k->broken);
	return 0;
}

static void kept_free(void *job)
{
	struct kept *k = job;

	verify_tuf_free(k->tuf);
	verify_root_unref(k->root);
	free(k->dir);
	free(k);
}

static void kept_done(struct op *op, void *arg)
{
	struct public_root *p = arg;
	struct kept *k = work_job(op);

	p->op = NULL;
	p->began = true;
	p->tuf = MOVE(k->tuf);
	if (k->broken.kind != ERR_NONE)
		log_error(NULL, "what was kept of the trusted root cannot be used", LE(&k->broken));
	if (k->root)
		root_take(p, MOVE(k->root));
	op_free(op);
	refresh_begin(p);
}

static void begin(struct public_root *p)
{
	struct kept *k;

	if (p->began || !p->dir) {
		refresh_begin(p);
		return;
	}
	k = NEW(struct kept);
	k->tuf = MOVE(p->tuf);
	k->dir = mem_strdup(p->dir);
	k->now_ms = clock_wall_ms();
	p->op = work_start(p->loop, WORK_SHORT, kept_run, kept_free, k);
	op_then(p->op, kept_done, p);
}

/* ---- who waits ------------------------------------------------------------------------------- */

static void wait_free(struct op *op)
{
	struct flight_wait *w = CONTAINER_OF(op, struct flight_wait, op);

	flight_wait_leave(w);
	free(w);
}

static void wait_overdue(struct flight *f, struct flight_wait *w, bool alone, struct err *err)
{
	const struct public_root *p = CONTAINER_OF(f, struct public_root, flight);

	(void)w;
	(void)alone;
	err_code(err, ERR_RETRY, -ETIMEDOUT, "'%s' did not answer in time", p->host);
}

struct op *public_root_start(struct public_root *p, uint64_t timeout_ms)
{
	static const struct op_type type = {"trusted root", flight_wait_cancel, wait_free};
	struct flight_wait *w = NEW(struct flight_wait);

	flight_wait_init(w, &type, p->loop);
	if (p->root) {
		op_finish(&w->op);
	} else if (!p->op && clock_ms() < p->quiet_until) {
		op_end(&w->op, &p->why);
	} else {
		flight_join(&p->flight, w, timeout_ms);
		if (!p->op)
			begin(p);
	}
	return &w->op;
}

struct verify_root *public_root_known(const struct public_root *p)
{
	return p->root;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

/* The address as it is asked, without what may be secret. */
static int url_set(struct public_root *p, const char *text, struct err *err)
{
	auto_buf struct buf whole = BUF_INIT(LIMIT_URL), host = BUF_INIT(LIMIT_URL);
	auto_url struct url u = {0};

	if (url_parse(&u, text, err))
		return -1;
	if (u.has_user || u.has_query || u.has_fragment)
		return err_set(err, ERR_STALL, "it has a user, a query or a fragment");
	url_format(&u, &whole);
	url_authority(&u, &host);
	p->host = buf_take(&host);
	p->url = buf_take(&whole);
	while (*p->url && p->url[strlen(p->url) - 1] == '/')
		p->url[strlen(p->url) - 1] = '\0';
	return 0;
}

struct public_root *public_root_new(const struct public_root_opts *opts, struct err *err)
{
	struct public_root *p = NEW(struct public_root);

	p->loop = opts->loop;
	p->http = opts->http;
	p->on_taken = opts->on_taken;
	p->arg = opts->arg;
	flight_init(&p->flight, NULL, wait_overdue);
	timer_init(&p->timer, p->loop, refresh_begin, p);
	if (!url_set(p, opts->url ? opts->url : PUBLIC_ROOT_URL, err))
		p->tuf = verify_tuf_new(opts->root, opts->root_len, PUBLIC_ROOT_TARGET, err);
	if (!p->tuf) {
		public_root_free(p);
		return NULL;
	}
	if (opts->dir)
		p->dir = public_root_kept_dir(opts->dir, p->url);
	return p;
}

void public_root_free(struct public_root *p)
{
	struct err gone = {.kind = ERR_CANCELED};

	if (!p)
		return;
	timer_cancel(&p->timer);
	flight_land(&p->flight, &gone, NULL);
	op_drop(p->op);
	verify_tuf_free(p->tuf);
	verify_root_unref(p->root);
	free(p->url);
	free(p->host);
	free(p->dir);
	free(p);
}

void public_root_stats(const struct public_root *p, struct public_root_stats *out)
{
	*out = p->stats;
	out->age_ms = p->stats.refreshed ? clock_ms() - p->refreshed_at : 0;
}
