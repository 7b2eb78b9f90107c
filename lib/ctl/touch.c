#include "ctl/touch.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "ctl/object.h"
#include "ev/flight.h"
#include "ev/op.h"
#include "kube/client.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct touches {
	struct kube_client *kube;
	struct map touches; /* key → struct touch */
	struct list line; /* those that have somebody waiting and are not on their way */
	unsigned patches; /* on their way */
	uint64_t last_ns; /* the value of the last annotation */
	bool stopping;
};

/* An object, for as long as somebody wants it patched. */
struct touch {
	struct touches *t;
	char *key;
	/* In key, cut into strings. */
	const char *group, *version, *plural, *ns, *name;
	struct list link; /* in the line, or in none */
	struct op *patch; /* NULL: none is on its way */
	struct flight *now, *next; /* who waits for that one, and for the next */
};

struct touch_wait {
	struct flight_wait base;
};

static struct flight *flight_new(void)
{
	struct flight *f = NEW(struct flight);

	flight_init(f, NULL, NULL);
	return f;
}

/* ---- one object ------------------------------------------------------------------------------ */

static char *key_of(const struct kube_resource *r, const char *ns, const char *name)
{
	return mem_printf("%s/%s/%s/%s/%s", r->group, r->version, r->plural, ns, name);
}

/* No part has a slash. */
static const char *part_next(char **at)
{
	char *part = *at, *slash = strchr(part, '/');

	if (slash)
		*slash++ = '\0';
	*at = slash;
	return part;
}

static struct touch *touch_new(struct touches *t, const char *key)
{
	struct touch *o = NEW(struct touch);
	char *at = mem_strdup(key);

	o->t = t;
	o->key = at;
	o->group = part_next(&at);
	o->version = part_next(&at);
	o->plural = part_next(&at);
	o->ns = part_next(&at);
	o->name = part_next(&at);
	o->next = flight_new();
	list_init(&o->link);
	map_put(&t->touches, key, o);
	return o;
}

static void touch_free(struct touch *o)
{
	struct kube_resource r = {o->group, o->version, o->plural, NULL, true};
	auto_free char *key = key_of(&r, o->ns, o->name);

	map_del(&o->t->touches, key);
	list_out(&o->link);
	free(o->now);
	free(o->next);
	free(o->key);
	free(o);
}

/* ---- the patch ------------------------------------------------------------------------------- */

/* RFC 3339 in UTC with nanoseconds. The clock may stand still, or go back: each value is a later
   one all the same. */
static void value_next(struct touches *t, char out[64])
{
	uint64_t ns = (uint64_t)clock_wall_ms() * 1000000 + clock_ns() % 1000000;
	time_t s;
	struct tm tm;
	size_t n;

	if (ns <= t->last_ns)
		ns = t->last_ns + 1;
	t->last_ns = ns;
	s = (time_t)(ns / 1000000000);
	gmtime_r(&s, &tm);
	n = strftime(out, 64, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 64 - n, ".%09lluZ", (unsigned long long)(ns % 1000000000));
}

static void touches_pump(struct touches *t);

static void patch_done(struct op *op, void *arg)
{
	struct touch *o = arg;
	struct touches *t = o->t;

	o->patch = NULL;
	t->patches--;
	flight_land(o->now, &op->err, NULL);
	free(MOVE(o->now));
	op_free(op);
	if (flight_is_empty(o->next))
		touch_free(o);
	else
		list_add(&t->line, &o->link);
	touches_pump(t);
}

static void patch_start(struct touch *o)
{
	char value[64];
	json_t *body;

	value_next(o->t, value);
	body = json_pack("{s:{s:{s:s}}}", "metadata", "annotations", OBJECT_REQUESTED_AT, value);
	o->now = o->next;
	o->next = flight_new();
	o->t->patches++;
	o->patch = kube_start(o->t->kube,
		&(struct kube_req){.verb = KUBE_PATCH,
			.resource = &(struct kube_resource){o->group, o->version, o->plural,
				o->plural, true},
			.ns = o->ns,
			.name = o->name,
			.body = body,
			.metadata_only = true,
			.deadline_ms = LIMIT_TOUCH_MS});
	json_decref(body);
	op_then(o->patch, patch_done, o);
}

static void touches_pump(struct touches *t)
{
	struct list *at;

	while (t->patches < LIMIT_TOUCHES && (at = list_first(&t->line))) {
		struct touch *o = CONTAINER_OF(at, struct touch, link);

		list_out(at);
		/* All who wanted it have given up before it began. */
		if (flight_is_empty(o->next))
			touch_free(o);
		else
			patch_start(o);
	}
}

/* ---- the interface --------------------------------------------------------------------------- */

static void wait_free(struct op *op)
{
	struct touch_wait *w = CONTAINER_OF(op, struct touch_wait, base.op);

	flight_wait_leave(&w->base);
	free(w);
}

struct op *touch_object(
	struct touches *t, const struct kube_resource *resource, const char *ns, const char *name)
{
	static const struct op_type type = {"touch", flight_wait_cancel, wait_free};
	auto_free char *key = key_of(resource, ns, name);
	struct touch_wait *w;
	struct touch *o;
	struct err err;

	if (t->stopping) {
		err_set(&err, ERR_CANCELED, "the process ends");
		return op_failed(kube_client_loop(t->kube), &err);
	}
	w = NEW(struct touch_wait);
	flight_wait_init(&w->base, &type, kube_client_loop(t->kube));
	o = map_get(&t->touches, key);
	if (!o)
		o = touch_new(t, key);
	flight_join(o->next, &w->base, 0);
	if (!o->patch && !list_linked(&o->link))
		list_add(&t->line, &o->link);
	touches_pump(t);
	return &w->base.op;
}

struct touches *touches_new(struct kube_client *kube)
{
	struct touches *t = NEW(struct touches);

	t->kube = kube;
	list_init(&t->line);
	return t;
}

void touches_stop(struct touches *t)
{
	struct err err;
	struct list *at;
	const char *key;
	size_t next = 0;
	void *value;

	t->stopping = true;
	err_set(&err, ERR_CANCELED, "the process ends");
	while ((at = list_first(&t->line))) {
		struct touch *o = CONTAINER_OF(at, struct touch, link);

		list_out(at);
		flight_land(o->next, &err, NULL);
		touch_free(o);
	}
	while (map_next(&t->touches, &next, &key, &value)) {
		struct touch *o = value;

		flight_land(o->next, &err, NULL);
		op_cancel(o->patch);
	}
}

bool touches_idle(const struct touches *t)
{
	return !t->touches.len;
}

void touches_free(struct touches *t)
{
	if (!t)
		return;
	BUG_IF(t->touches.len);
	map_clear(&t->touches);
	free(t);
}
