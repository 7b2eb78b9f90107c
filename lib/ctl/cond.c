#include "ctl/cond.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "base/utf8.h"
#include "base/vary.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const STATUS[] = {"True", "False", "Unknown"};

static void cond_release(struct cond *c)
{
	free(c->type);
	free(c->reason);
	free(c->message);
	free(c->since);
}

void cond_clear(struct cond_set *s)
{
	size_t i;

	for (i = 0; i < s->len; i++)
		cond_release(&s->p[i]);
	free(s->p);
	*s = (struct cond_set){0};
}

static struct cond *cond_add(struct cond_set *s)
{
	if (s->len == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 8;
		s->p = mem_array(s->p, s->cap, sizeof(*s->p));
	}
	s->p[s->len] = (struct cond){0};
	return &s->p[s->len++];
}

void cond_load(struct cond_set *s, const json_t *conditions, int64_t generation)
{
	size_t i, k;
	json_t *one;

	*s = (struct cond_set){.generation = generation};
	json_array_foreach (conditions, i, one) {
		const char *type = obj_str(one, "type"), *status = obj_str(one, "status");
		struct cond *c;

		for (k = 0; status && k < 3 && strcmp(status, STATUS[k]) != 0; k++)
			;
		if (!type || !status || k == 3 || cond_get(s, type))
			continue;
		c = cond_add(s);
		c->type = mem_strdup(type);
		c->status = (enum cond_status)k;
		c->reason = mem_strdup(obj_str_or("", one, "reason"));
		c->message = mem_strdup(obj_str_or("", one, "message"));
		c->since = mem_strdup(obj_str_or("", one, "lastTransitionTime"));
		c->generation = obj_int(0, one, "observedGeneration");
	}
}

static int cond_weight(const char *type)
{
	static const char *const first[] = {"Stalled", "Reconciling", "Ready"};
	int i;

	for (i = 0; i < 3 && strcmp(type, first[i]) != 0; i++)
		;
	return i;
}

static int order_of(const void *x, const void *y)
{
	const struct cond *a = x, *b = y;
	int wa = cond_weight(a->type), wb = cond_weight(b->type);

	if (wa != wb)
		return wa - wb;
	if (a->generation != b->generation)
		return a->generation > b->generation ? -1 : 1;
	return strcmp(a->type, b->type);
}

json_t *cond_json(struct cond_set *s)
{
	json_t *all = json_array();
	size_t i;

	if (s->len)
		qsort(s->p, s->len, sizeof(*s->p), order_of);
	for (i = 0; i < s->len; i++) {
		const struct cond *c = &s->p[i];
		json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "lastTransitionTime", c->since,
			"message", c->message, "reason", c->reason, "status", STATUS[c->status],
			"type", c->type);

		if (o && c->generation)
			json_object_set_new(o, "observedGeneration", json_integer(c->generation));
		json_array_append_new(all, o);
	}
	return all;
}

const struct cond *cond_get(const struct cond_set *s, const char *type)
{
	size_t i;

	for (i = 0; i < s->len; i++)
		if (!strcmp(s->p[i].type, type))
			return &s->p[i];
	return NULL;
}

bool cond_is(const struct cond_set *s, const char *type, enum cond_status status)
{
	const struct cond *c = cond_get(s, type);

	return c && c->status == status;
}

/* A failure that comes back with another request id in its text is no news: the first text stays,
   and nothing is written. */
static bool same_message(const struct cond_set *s, const struct cond *c, const char *text)
{
	if (c->generation != s->generation)
		return !strcmp(c->message, text);
	return vary_equal(c->message, text);
}

static void cond_set_at(struct cond_set *s, const char *type, enum cond_status status,
	const char *reason, const char *message)
{
	struct cond *c = (struct cond *)(uintptr_t)cond_get(s, type);
	char now[TIME_TEXT_MAX];
	char *text = utf8_tidy(message, COND_MESSAGE_MAX);

	if (c && c->status == status && !strcmp(c->reason, reason) && same_message(s, c, text)) {
		c->generation = s->generation;
		free(text);
		return;
	}
	if (!c) {
		c = cond_add(s);
		c->type = mem_strdup(type);
	}
	time_format_rfc3339(clock_wall_ms(), now);
	reason = mem_strdup(reason); /* may point into c */
	free(c->reason);
	free(c->message);
	free(c->since);
	c->reason = (char *)(uintptr_t)reason;
	c->message = text;
	c->since = mem_strdup(now);
	c->status = status;
	c->generation = s->generation;
}

void cond_put(struct cond_set *s, const char *type, enum cond_status status, const char *reason,
	const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = mem_strdup("");
	va_end(ap);
	cond_set_at(s, type, status, reason, text);
	free(text);
}

void cond_observe(struct cond_set *s)
{
	size_t i;

	for (i = 0; i < s->len; i++)
		s->p[i].generation = s->generation;
}

void cond_del(struct cond_set *s, const char *type)
{
	size_t i;

	for (i = 0; i < s->len; i++)
		if (!strcmp(s->p[i].type, type)) {
			cond_release(&s->p[i]);
			memmove(&s->p[i], &s->p[i + 1], (s->len - i - 1) * sizeof(*s->p));
			s->len--;
			return;
		}
}

bool cond_in(const char *const *list, const char *type)
{
	for (; list && *list; list++)
		if (!strcmp(*list, type))
			return true;
	return false;
}

static int cond_badness(const struct cond *c, bool negative)
{
	switch (c->status) {
	case COND_TRUE:
		return negative ? 0 : 2;
	case COND_FALSE:
		return negative ? 3 : 1;
	default:
		return 4;
	}
}

void cond_summarize(struct cond_set *s, const char *target, const char *const *order,
	const char *const *negative)
{
	const struct cond *best = NULL;
	int best_rank = 99;
	auto_free char *message = NULL;

	/* In the order given, so that the first of the worst group stays. */
	for (; *order; order++) {
		const struct cond *c = cond_get(s, *order);
		int rank = c ? cond_badness(c, cond_in(negative, c->type)) : 99;

		if (rank < best_rank) {
			best = c;
			best_rank = rank;
		}
	}
	if (!best)
		return;
	message = mem_strdup(best->message);
	cond_set_at(s, target,
		best_rank == 4                             ? COND_UNKNOWN
			: best_rank == 0 || best_rank == 1 ? COND_FALSE
							   : COND_TRUE,
		best->reason, message);
}
