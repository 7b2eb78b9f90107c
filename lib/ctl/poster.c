#include "ctl/poster.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fnv.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "ctl/event.h"
#include "ctl/notice.h"
#include "ctl/queue.h"
#include "ev/op.h"
#include "ev/timer.h"
#include "http/client.h"
#include "http/url.h"

#include <stdlib.h>
#include <string.h>

#define IN_FLIGHT_MAX 4
#define AGAIN_MIN_MS 1000
#define AGAIN_MAX_MS 30000
#define JITTER_PERCENT 10
#define LOG_EVERY_MS 60000

struct letter {
	struct list link;
	char *uid, *body;
	size_t len, cost;
	uint64_t says; /* hash of all that makes it another one */
	uint64_t since_ms;
	unsigned tries; /* answers of 5xx */
	bool error;
};

/* The notices of one namespace; there is one as long as it has any. */
struct line {
	struct poster *p;
	char *ns;
	struct list letters; /* waiting, oldest first */
	size_t bytes; /* of those */
	struct letter *sending; /* on its way with op */
	struct op *op;
	struct timer again;
	unsigned failures; /* in a row */
	struct list turn; /* in the poster's turns: it has something to send now */
};

struct poster {
	struct loop *loop;
	struct http_client *http;
	char *url, *display, *component, *instance;
	struct map lines; /* namespace → struct line */
	struct list turns;
	unsigned waiting, in_flight;
	size_t bytes;
	bool draining;
	bool told; /* the log has that nothing gets through */
	uint64_t told_ms; /* when; 0: never */
	struct poster_stats stats;
};

/* How a try has ended. */
enum ending {
	TAKEN,
	DUPLICATE,
	AWAY, /* nobody is there */
	BROKEN, /* somebody is there and cannot take it now */
	REFUSED, /* nor later */
	CANCELED,
};

struct poster *poster_new(struct loop *l, struct http_client *http, const char *url,
	const char *component, const char *instance)
{
	struct poster *p = NEW(struct poster);
	auto_buf struct buf display = BUF_INIT(LIMIT_URL);

	p->loop = l;
	p->http = http;
	p->url = mem_strdup(url);
	url_safe(&display, url);
	p->display = buf_take(&display);
	p->component = mem_strdup(component);
	p->instance = mem_strdup(instance);
	list_init(&p->turns);
	return p;
}

static void letter_free(struct letter *x)
{
	free(x->uid);
	free(x->body);
	free(x);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void pump(struct poster *p);

static void line_put(struct line *l, struct letter *x, bool first)
{
	if (first)
		list_add_first(&l->letters, &x->link);
	else
		list_add(&l->letters, &x->link);
	l->bytes += x->cost;
	l->p->bytes += x->cost;
	l->p->waiting++;
}

static void line_take(struct line *l, struct letter *x)
{
	list_out(&x->link);
	l->bytes -= x->cost;
	l->p->bytes -= x->cost;
	l->p->waiting--;
}

static void line_drop_letters(struct line *l)
{
	struct list *at;

	while ((at = list_first(&l->letters))) {
		struct letter *x = CONTAINER_OF(at, struct letter, link);

		line_take(l, x);
		letter_free(x);
		l->p->stats.dropped++;
	}
}

static void line_free(struct line *l)
{
	timer_cancel(&l->again);
	list_out(&l->turn);
	map_del(&l->p->lines, l->ns);
	free(l->ns);
	free(l);
}

/* Whatever has changed: it goes, waits for its turn, or for an answer, or for its next try. */
static void line_settle(struct line *l)
{
	if (l->op || timer_is_set(&l->again))
		return;
	if (list_empty(&l->letters))
		line_free(l);
	else if (!list_linked(&l->turn))
		list_add(&l->p->turns, &l->turn);
}

static void line_again(void *arg)
{
	struct line *l = arg;
	struct poster *p = l->p;

	line_settle(l);
	pump(p);
}

static struct line *line_of(struct poster *p, const char *ns)
{
	struct line *l = map_get(&p->lines, ns);

	if (l)
		return l;
	l = NEW(struct line);
	l->p = p;
	l->ns = mem_strdup(ns);
	list_init(&l->letters);
	list_init(&l->turn);
	timer_init(&l->again, p->loop, line_again, l);
	map_put(&p->lines, ns, l);
	return l;
}

/* ---- room ------------------------------------------------------------------------------------ */

static struct letter *worst_of(const struct line *l)
{
	struct list *at;

	list_each (&l->letters, at) {
		struct letter *x = CONTAINER_OF(at, struct letter, link);

		if (x->error)
			return x;
	}
	return CONTAINER_OF(list_first(&l->letters), struct letter, link);
}

static void drop_one(struct poster *p)
{
	struct line *most = NULL;
	struct letter *x;
	size_t at = 0;
	const char *ns;
	void *l;

	while (map_next(&p->lines, &at, &ns, &l))
		if (!most || ((struct line *)l)->bytes > most->bytes)
			most = l;
	x = worst_of(most);
	line_take(most, x);
	letter_free(x);
	p->stats.dropped++;
	if (!most->op && list_empty(&most->letters) && !timer_is_set(&most->again))
		line_free(most);
}

static bool joins(const struct line *l, const char *uid, uint64_t says)
{
	const struct list *at;

	for (at = l->letters.prev; at != &l->letters; at = at->prev) {
		const struct letter *x = CONTAINER_OF(at, struct letter, link);

		if (!strcmp(x->uid, uid))
			return x->says == says;
	}
	return false;
}

/* What people would see: not its time, nor the version of the object. */
static uint64_t hash_of(const struct notice *n)
{
	const struct event_annotation *note;
	uint64_t h = fnv_byte(FNV_START, n->error);

	h = fnv_text(fnv_byte(fnv_text(h, n->reason), 0), n->message);
	for (note = n->notes; note && note->key; note++)
		h = fnv_text(fnv_byte(fnv_text(fnv_byte(h, 0), note->key), 0), note->value);
	return h;
}

static struct letter *letter_new(const struct poster *p, const struct notice *n, uint64_t says)
{
	auto_buf struct buf body = BUF_INIT(2 * LIMIT_NOTICE);
	struct letter *x = NEW(struct letter);

	notice_write(n, p->component, p->instance, &body);
	list_init(&x->link);
	x->uid = mem_strdup(n->about->uid);
	x->len = body.len;
	x->body = mem_strndup(buf_str(&body), body.len);
	x->cost = x->len + sizeof(*x);
	x->says = says;
	x->since_ms = clock_ms();
	x->error = n->error;
	return x;
}

void poster_post(struct poster *p, const struct notice *n)
{
	struct line *l = map_get(&p->lines, n->about->ns);
	uint64_t says = hash_of(n);
	struct letter *x;

	if (p->draining)
		return;
	if (l && joins(l, n->about->uid, says)) {
		p->stats.joined++;
		return;
	}
	x = letter_new(p, n, says);
	while (p->waiting &&
		(p->waiting >= LIMIT_NOTICES || p->bytes + x->cost > LIMIT_NOTICES_BYTES))
		drop_one(p);
	l = line_of(p, n->about->ns);
	line_put(l, x, false);
	line_settle(l);
	pump(p);
}

/* ---- sending --------------------------------------------------------------------------------- */

static enum ending ending_of(const struct op *op)
{
	const struct http_res *res = http_result(op);
	int status = res->headers_complete ? res->status : 0;

	if (op->err.kind == ERR_CANCELED)
		return CANCELED;
	if (status >= 200 && status < 300)
		return TAKEN; /* what came of the body does not matter */
	if (status == 429)
		return DUPLICATE;
	if (!status)
		return op->err.kind == ERR_STALL ? REFUSED : AWAY;
	if (status >= 502 && status <= 504)
		return AWAY;
	return status >= 500 ? BROKEN : REFUSED;
}

static void log_failure(struct poster *p, const struct op *op)
{
	const struct http_res *res = http_result(op);
	struct err err = op->err;

	/* One that comes and goes is told once a minute. */
	if (p->told || (p->told_ms && clock_ms() - p->told_ms < LOG_EVERY_MS))
		return;
	p->told = true;
	p->told_ms = clock_ms();
	if (res->headers_complete)
		(void)err_set(&err, ERR_RETRY, "it answered with status %d", res->status);
	log_error(NULL, "cannot tell notification-controller; events wait, or are lost",
		LS("address", p->display), LE(&err));
}

static void log_success(struct poster *p)
{
	if (p->told)
		log_info(NULL, "notification-controller takes events again",
			LS("address", p->display), LU("waiting", p->waiting),
			LU("dropped", p->stats.dropped), LU("failed", p->stats.failed));
	p->told = false;
}

/* True: it goes to the front of its line once more. */
static bool comes_again(const struct poster *p, struct letter *x, enum ending how)
{
	if (how == BROKEN)
		x->tries++;
	return (how == AWAY || how == BROKEN) && !p->draining && x->tries < LIMIT_NOTICE_TRIES;
}

static void letter_ended(struct line *l, struct letter *x, enum ending how)
{
	struct poster *p = l->p;

	switch (how) {
	case TAKEN:
		p->stats.sent++;
		break;
	case DUPLICATE:
		p->stats.duplicate++;
		break;
	case CANCELED:
		p->stats.dropped++;
		break;
	default:
		p->stats.failed++;
	}
	letter_free(x);
}

static void line_posted(struct op *op, void *arg)
{
	struct line *l = arg;
	struct poster *p = l->p;
	struct letter *x = MOVE(l->sending);
	enum ending how = ending_of(op);

	p->in_flight--;
	l->op = NULL;
	if (how == TAKEN || how == DUPLICATE)
		log_success(p);
	else if (how != CANCELED)
		log_failure(p, op);
	op_free(op);
	if (comes_again(p, x, how)) {
		line_put(l, x, true);
		timer_set(&l->again,
			queue_jitter_ms(queue_backoff_ms(AGAIN_MIN_MS, AGAIN_MAX_MS, l->failures++),
				JITTER_PERCENT));
	} else {
		l->failures = 0;
		letter_ended(l, x, how);
		/* At the end nobody waits for who is not there. */
		if (p->draining && how == AWAY)
			line_drop_letters(l);
	}
	line_settle(l);
	pump(p);
}

static void line_send(struct line *l, struct letter *x)
{
	static const struct http_hdr hdrs[] = {{"Content-Type", "application/json"}, {NULL, NULL}};
	struct poster *p = l->p;

	l->sending = x;
	l->op = http_start(p->http,
		&(struct http_req){.method = "POST",
			.url = p->url,
			.display = p->display,
			.hdrs = hdrs,
			.body = x->body,
			.body_len = x->len,
			.deadline_ms = LIMIT_NOTICE_POST_MS,
			.max_body = LIMIT_ERROR_BODY});
	p->in_flight++;
	p->stats.tries++;
	op_then(l->op, line_posted, l);
}

/* One whose time is over says what is not so any more. */
static struct letter *line_next(struct line *l)
{
	struct list *at;

	while ((at = list_first(&l->letters))) {
		struct letter *x = CONTAINER_OF(at, struct letter, link);

		line_take(l, x);
		if (clock_ms() - x->since_ms <= LIMIT_NOTICE_MS)
			return x;
		letter_free(x);
		l->p->stats.failed++;
	}
	return NULL;
}

static void pump(struct poster *p)
{
	struct list *at;

	while (p->in_flight < IN_FLIGHT_MAX && (at = list_first(&p->turns))) {
		struct line *l = CONTAINER_OF(at, struct line, turn);
		struct letter *x = line_next(l);

		list_out(&l->turn);
		if (x)
			line_send(l, x);
		else
			line_free(l);
	}
}

/* ---- the end --------------------------------------------------------------------------------- */

void poster_stats(const struct poster *p, struct poster_stats *out)
{
	*out = p->stats;
	out->waiting = p->waiting;
}

/* Deleting the entry just given is all that happens to the map meanwhile. */
static void each_line(struct poster *p, void (*fn)(struct line *l))
{
	size_t at = 0;
	const char *ns;
	void *l;

	while (map_next(&p->lines, &at, &ns, &l))
		fn(l);
}

static void line_give_up(struct line *l)
{
	if (!timer_is_set(&l->again))
		return;
	line_drop_letters(l);
	line_free(l);
}

void poster_drain(struct poster *p)
{
	p->draining = true;
	each_line(p, line_give_up);
}

bool poster_idle(const struct poster *p)
{
	return !p->lines.len;
}

static void line_stop(struct line *l)
{
	line_drop_letters(l);
	if (l->op)
		op_cancel(l->op);
	else
		line_free(l);
}

void poster_stop(struct poster *p)
{
	if (!p)
		return;
	p->draining = true;
	each_line(p, line_stop);
}

void poster_free(struct poster *p)
{
	if (!p)
		return;
	poster_stop(p);
	BUG_IF(p->in_flight);
	map_clear(&p->lines);
	free(p->url);
	free(p->display);
	free(p->component);
	free(p->instance);
	free(p);
}
