#include "ctl/event.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "base/utf8.h"
#include "base/vary.h"
#include "crypto/rand.h"
#include "ev/op.h"
#include "kube/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAITING_MAX 1000
#define IN_FLIGHT_MAX 4
#define REMEMBERED_MAX 512
#define SAME_FOR_MS (60 * 60 * 1000)
#define MESSAGE_MAX 1024 /* of core/v1 Events, as the API server has it */
/*
 * client-go lets an object have 25 Events and one more every 5 minutes, of both types together.
 * Warnings get 5 here: enough to tell one cause from the next, and with back-offs of up to 15
 * minutes the budget is full again before it matters.
 */
#define BUDGET_NORMAL 25
#define BUDGET_WARNING 5
#define BUDGET_REFILL_MS (5 * 60 * 1000)

static const struct kube_resource EVENTS = {"", "v1", "events", "Event", true};

/* One Event object, known by what it says. In the map while it is remembered, in the line while
   something is to be sent. */
struct entry {
	struct event_recorder *r;
	char *key, *ns, *name; /* name of the Event */
	json_t *body; /* until it was created */
	int64_t count; /* occurrences, those that the API server has not heard of included */
	uint64_t last_ms;
	struct op *op;
	bool warning;
	bool again; /* to be sent once more when op has ended */
	struct list line; /* to be sent */
	struct list age; /* remembered, oldest first */
};

struct event_recorder {
	struct kube_client *client;
	char *component, *instance;
	struct map known;
	struct list line, ages; /* of struct entry */
	unsigned waiting, in_flight;
	bool stopped;
	struct event_stats stats;
};

struct event_recorder *event_recorder_new(
	struct kube_client *c, const char *component, const char *instance)
{
	struct event_recorder *r = NEW(struct event_recorder);

	r->client = c;
	r->component = mem_strdup(component);
	r->instance = mem_strdup(instance);
	list_init(&r->line);
	list_init(&r->ages);
	return r;
}

static void event_forget(struct entry *e)
{
	map_del(&e->r->known, e->key);
	list_out(&e->line);
	list_out(&e->age);
	json_decref(e->body);
	free(e->key);
	free(e->ns);
	free(e->name);
	free(e);
}

static void line_trim(struct event_recorder *r)
{
	struct list *at, *next;

	for (at = r->ages.next; at != &r->ages && r->known.len > REMEMBERED_MAX; at = next) {
		struct entry *e = CONTAINER_OF(at, struct entry, age);

		next = at->next;
		if (!e->op && !list_linked(&e->line))
			event_forget(e);
	}
}

static void event_pump(struct event_recorder *r);

/* The oldest warning, or the oldest of all: what tells of new artifacts goes last. */
static void drop_one(struct event_recorder *r)
{
	struct list *at, *chosen = list_first(&r->line);

	list_each (&r->line, at)
		if (CONTAINER_OF(at, struct entry, line)->warning) {
			chosen = at;
			break;
		}
	r->waiting--;
	r->stats.dropped++;
	event_forget(CONTAINER_OF(chosen, struct entry, line));
}

static void line_in(struct entry *e)
{
	struct event_recorder *r = e->r;

	if (list_linked(&e->line) || e->op)
		return;
	if (r->waiting >= WAITING_MAX)
		drop_one(r);
	list_add(&r->line, &e->line);
	r->waiting++;
}

static void event_sent(struct op *op, void *arg)
{
	struct entry *e = arg;
	struct event_recorder *r = e->r;
	bool failed = op->err.kind != ERR_NONE;

	e->op = NULL;
	r->in_flight--;
	if (failed) {
		r->stats.failed++;
		log_debug(NULL, "cannot send an event", LS("event", e->name), LE(&op->err));
	} else {
		r->stats.sent++;
	}
	op_free(op);
	if (failed || r->stopped) {
		event_forget(e); /* the next equal one makes a new Event */
	} else {
		json_decref(e->body);
		e->body = NULL;
		if (e->again)
			line_in(e);
	}
	event_pump(r);
}

static void event_send(struct entry *e)
{
	char now[TIME_TEXT_MAX];
	struct kube_req req = {.resource = &EVENTS, .ns = e->ns};
	auto_json json_t *patch = NULL;

	time_format_rfc3339(clock_wall_ms(), now);
	if (e->body) {
		json_object_set_new(e->body, "count", json_integer(e->count));
		json_object_set_new(e->body, "lastTimestamp", json_string(now));
		req.verb = KUBE_CREATE;
		req.body = e->body;
	} else {
		patch = json_pack(
			"{s:I, s:s}", "count", (json_int_t)e->count, "lastTimestamp", now);
		req.verb = KUBE_PATCH;
		req.name = e->name;
		req.body = patch;
	}
	e->again = false;
	e->op = kube_start(e->r->client, &req);
	op_then(e->op, event_sent, e);
	e->r->in_flight++;
}

static void event_pump(struct event_recorder *r)
{
	while (!list_empty(&r->line) && r->in_flight < IN_FLIGHT_MAX && !r->stopped) {
		struct entry *e = CONTAINER_OF(list_first(&r->line), struct entry, line);

		list_out(&e->line);
		r->waiting--;
		event_send(e);
	}
	line_trim(r);
}

static json_t *body_of(const struct event_recorder *r, const struct event_about *a,
	const char *name, bool warning, const char *reason, const char *message,
	const struct event_annotation *notes)
{
	char now[TIME_TEXT_MAX];
	json_t *body, *annotations;

	time_format_rfc3339(clock_wall_ms(), now);
	body = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s, s:s, s:s, s:s, s:s}, s:s, s:s, "
			 "s:s, s:s, s:s, "
			 "s:{s:s}, s:s, s:s}",
		"apiVersion", "v1", "kind", "Event", "metadata", "name", name, "namespace", a->ns,
		"involvedObject", "apiVersion", a->api_version, "kind", a->kind, "name", a->name,
		"namespace", a->ns, "resourceVersion", a->rv, "uid", a->uid, "type",
		warning ? "Warning" : "Normal", "reason", reason, "message", message,
		"firstTimestamp", now, "lastTimestamp", now, "source", "component", r->component,
		"reportingComponent", r->component, "reportingInstance", r->instance);
	if (body && notes) {
		annotations = json_object();
		for (; notes->key; notes++)
			json_object_set_new(annotations, notes->key, json_string(notes->value));
		json_object_set_new(obj_get(body, "metadata"), "annotations", annotations);
	}
	return body;
}

/* A bucket as the time at which it is full again (the generic cell rate algorithm): each write
   moves that by the time of one. */
static bool budget_take(struct event_budget *b, bool warning)
{
	uint64_t now = clock_ms(), *at, next;

	if (!b)
		return true;
	at = &b->full_ms[warning];
	next = (*at > now ? *at : now) + BUDGET_REFILL_MS;
	if (next - now > (warning ? BUDGET_WARNING : BUDGET_NORMAL) * (uint64_t)BUDGET_REFILL_MS)
		return false;
	*at = next;
	return true;
}

/* Normal ones tell of facts, and a version in them is one; a warning's numbers are mostly sizes,
   times and ids. */
static char *key_of(const struct event_about *a, bool warning, const char *reason, const char *text)
{
	struct buf b = BUF_INIT(BUF_ANY);

	buf_addf(&b, "%s %d %s ", a->uid, warning, reason);
	if (warning)
		vary_put(&b, text, true);
	else
		buf_adds(&b, text);
	return buf_take(&b);
}

static struct entry *entry_new(struct event_recorder *r, const struct event_about *about,
	bool warning, const char *reason, const char *text, const struct event_annotation *notes)
{
	struct entry *e = NEW(struct entry);
	char random[17];

	list_init(&e->line);
	list_init(&e->age);
	e->r = r;
	e->warning = warning;
	rand_hex(random, 8);
	e->name = mem_printf("%.200s.%s", about->name, random);
	e->ns = mem_strdup(about->ns);
	e->body = body_of(r, about, e->name, warning, reason, text, notes);
	BUG_IF(!e->body);
	return e;
}

void event_record(struct event_recorder *r, const struct event_about *about, bool warning,
	const char *reason, const char *message, const struct event_annotation *annotations)
{
	auto_free char *key = NULL, *text = NULL;
	struct entry *e;
	bool paid;

	if (r->stopped)
		return;
	r->stats.recorded++;
	text = utf8_tidy(message, MESSAGE_MAX);
	key = key_of(about, warning, reason, text);
	e = map_get(&r->known, key);
	if (e && !e->op && !list_linked(&e->line) && clock_ms() - e->last_ms >= SAME_FOR_MS) {
		event_forget(e);
		e = NULL;
	}
	/* What waits in the line takes this one along. */
	paid = (e && list_linked(&e->line)) || budget_take(about->budget, warning);
	if (!paid)
		r->stats.suppressed++;
	if (!e && !paid)
		return;
	if (!e) {
		e = entry_new(r, about, warning, reason, text, annotations);
		e->key = MOVE(key);
		map_put(&r->known, e->key, e);
	}
	e->count++;
	e->last_ms = clock_ms();
	list_to_end(&r->ages, &e->age);
	if (paid && e->op)
		e->again = true;
	else if (paid)
		line_in(e);
	event_pump(r);
}

void event_stats(const struct event_recorder *r, struct event_stats *out)
{
	*out = r->stats;
	out->queued = r->waiting;
}

bool event_recorder_idle(const struct event_recorder *r)
{
	return !r->waiting && !r->in_flight;
}

void event_recorder_forget(struct event_recorder *r)
{
	while (!list_empty(&r->line)) {
		struct list *at = list_first(&r->line);

		r->waiting--;
		r->stats.dropped++;
		event_forget(CONTAINER_OF(at, struct entry, line));
	}
}

void event_recorder_stop(struct event_recorder *r)
{
	struct list *at, *next;

	r->stopped = true;
	for (at = r->ages.next; at != &r->ages; at = next) {
		struct entry *e = CONTAINER_OF(at, struct entry, age);

		next = at->next;
		if (e->op)
			op_cancel(e->op);
		else
			event_forget(e);
	}
}

void event_recorder_free(struct event_recorder *r)
{
	if (!r)
		return;
	BUG_IF(r->in_flight);
	if (!r->stopped)
		event_recorder_stop(r);
	map_clear(&r->known);
	free(r->component);
	free(r->instance);
	free(r);
}
