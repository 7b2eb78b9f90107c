#include "oci/pace.h"

#include "base/clock.h"
#include "base/limits.h"
#include "oci/health.h"
#include "oci/rate.h"

#include <stdio.h>
#include <string.h>

#define LITTLE 10 /* the tenth part of the limit */
#define STEADY 3 /* answers in a row that took nothing: this kind does not count */
#define WINDOW_MAX_MS 86400000 /* what ends later is spread as if it ended then */

struct oci_pace {
	struct lru_item item;
	char *host;
	unsigned users; /* passes */
	bool known; /* what is below was said */
	bool guessed; /* `remaining` was not, since the window has begun */
	uint64_t remaining, limit;
	uint64_t until_ms; /* on clock_ms(): the window's end; 0: nobody knows */
	uint64_t span_ms; /* of the whole window, as far as we know */
	unsigned flying; /* requests that count and are not answered */
	uint64_t next_ms; /* not before that a patient one goes, while there is little */
	uint64_t slot_ms; /* the time that was told last to one who has to wait */
	bool costs[OCI_KIND_COUNT]; /* the last answer to this kind said that one was taken */
	uint8_t steady[OCI_KIND_COUNT]; /* so many in a row said that none was */
};

static struct oci_pace *pace_of(const struct lru_item *it)
{
	return CONTAINER_OF(it, struct oci_pace, item);
}

static bool pace_busy(const struct lru_item *it)
{
	return pace_of(it)->users;
}

static void pace_free(struct lru_item *it)
{
	free(pace_of(it)->host);
	free(pace_of(it));
}

void oci_paces_init(struct lru *paces)
{
	lru_init(paces, LIMIT_REGISTRY_HOSTS, pace_busy, pace_free);
}

static struct oci_pace *pace_get(
	struct lru *paces, const struct oci_health_key *key, uint64_t identity)
{
	auto_free char *text =
		mem_printf("%s\n%d\n%llu", key->host, key->insecure, (unsigned long long)identity);
	struct lru_item *it = lru_get(paces, text);
	struct oci_pace *p;

	if (it)
		return pace_of(it);
	p = NEW(struct oci_pace);
	p->host = mem_strdup(key->host);
	lru_add(paces, text, &p->item);
	return p;
}

static bool pace_counts(const struct oci_pace *p, enum oci_kind kind)
{
	return p->steady[kind] < STEADY;
}

/* The window is over: another one has begun. */
static void pace_renew(struct oci_pace *p, uint64_t now)
{
	if (!p->until_ms || now < p->until_ms)
		return;
	p->known = p->limit; /* else it would be nothing for ever */
	p->guessed = true;
	p->remaining = p->limit;
	p->until_ms = p->known ? now + p->span_ms : 0;
	p->next_ms = 0;
}

/* What may still be sent. */
static uint64_t pace_left(const struct oci_pace *p)
{
	return p->remaining > p->flying ? p->remaining - p->flying : 0;
}

/* Between two who are patient. */
static uint64_t pace_gap(const struct oci_pace *p, uint64_t left, uint64_t now)
{
	if (left)
		return (p->until_ms - now) / (left + 1);
	return p->span_ms / (p->limit ? p->limit : 1);
}

/* Each is told another time, so that they do not come back as one. */
static uint64_t pace_slot(struct oci_pace *p, uint64_t from, uint64_t gap, uint64_t now)
{
	uint64_t last = now + LIMIT_PACE_WAIT_MS;

	p->slot_ms = (p->slot_ms > from ? p->slot_ms : from) + gap;
	if (p->slot_ms > last)
		p->slot_ms = last;
	return p->slot_ms > now ? p->slot_ms - now : 1;
}

/* How long a request of this kind has to wait; 0: it goes. While it is not known that this kind
   costs anything one goes at a time, so that its answer says so. */
static uint64_t pace_wait(struct oci_pace *p, enum oci_kind kind, bool patient, uint64_t now)
{
	uint64_t left = pace_left(p), gap = pace_gap(p, left, now), end = p->until_ms - now;

	if (!left && !patient)
		return end <= LIMIT_PACE_WAIT_MS ? end : 0;
	if (!patient || left > p->limit / LITTLE)
		return 0;
	if (!p->costs[kind] && !p->flying && (left || end > LIMIT_PACE_WAIT_MS))
		return 0;
	if (!left)
		return pace_slot(p, p->until_ms, gap, now);
	/* Who comes at the time that was told must find it good, a little early or late. */
	if (now + gap / 2 < p->next_ms)
		return pace_slot(p, p->next_ms > gap ? p->next_ms - gap : 0, gap, now);
	p->next_ms = now + gap;
	return 0;
}

int oci_pace_take(struct lru *paces, const struct oci_health_key *key, uint64_t identity,
	enum oci_kind kind, bool patient, struct oci_pace_pass *pass, struct err *err)
{
	struct oci_pace *p = pace_get(paces, key, identity);
	uint64_t now = clock_ms(), wait = 0;

	BUG_IF(pass->pace);
	pace_renew(p, now);
	if (p->known && p->until_ms && pace_counts(p, kind))
		wait = pace_wait(p, kind, patient, now);
	if (wait) {
		err_code(err, ERR_HELD, OCI_PACED,
			"the registry '%s' has said that its limit of requests is reached, or "
			"nearly",
			p->host);
		err->retry_ms = wait;
		return -1;
	}
	*pass = (struct oci_pace_pass){.pace = p, .kind = kind, .counted = pace_counts(p, kind)};
	p->users++;
	p->flying += pass->counted;
	return 0;
}

static void pace_land(struct oci_pace_pass *pass)
{
	pass->pace->flying -= pass->counted;
	pass->counted = false;
}

/* Did this answer's request cost one? More than before says nothing: the window may be another, or
   the answers have overtaken each other. */
static void pace_judge(struct oci_pace *p, enum oci_kind kind, const struct oci_rate *rate)
{
	if (rate && rate->remaining > p->remaining)
		return;
	p->costs[kind] = rate && rate->remaining < p->remaining;
	if (p->costs[kind])
		p->steady[kind] = 0;
	else if (p->steady[kind] < STEADY)
		p->steady[kind]++;
}

/* Answers overtake each other: one with a little more than the last one is older, not better. */
static bool pace_is_stale(const struct oci_pace *p, const struct oci_rate *rate)
{
	return p->known && !p->guessed && rate->remaining > p->remaining &&
		rate->remaining - p->remaining <= p->flying;
}

static void pace_learn_window(struct oci_pace *p, const struct oci_rate *rate, uint64_t now)
{
	uint64_t left = rate->reset_ms > WINDOW_MAX_MS ? WINDOW_MAX_MS : (uint64_t)rate->reset_ms;
	bool fresh = !p->known || !p->until_ms || rate->remaining > p->remaining;

	if (rate->window_ms)
		p->span_ms = rate->window_ms < WINDOW_MAX_MS ? rate->window_ms : WINDOW_MAX_MS;
	if (rate->reset_ms >= 0) {
		p->until_ms = now + left;
		if (!rate->window_ms && left > p->span_ms)
			p->span_ms = left;
	} else if (rate->window_ms && fresh) {
		p->until_ms = now + p->span_ms;
	}
}

void oci_pace_heard(struct oci_pace_pass *pass, const struct oci_rate *rate)
{
	struct oci_pace *p = pass->pace;

	if (!p)
		return;
	pace_land(pass);
	if (p->known && !p->guessed)
		pace_judge(p, pass->kind, rate);
	if (!rate || pace_is_stale(p, rate))
		return;
	pace_learn_window(p, rate, clock_ms());
	p->known = true;
	p->guessed = false;
	p->remaining = rate->remaining;
	if (rate->limit)
		p->limit = rate->limit;
	else if (rate->remaining > p->limit)
		p->limit = rate->remaining;
}

void oci_pace_release(struct oci_pace_pass *pass)
{
	if (!pass->pace)
		return;
	pace_land(pass);
	pass->pace->users--;
	pass->pace = NULL;
}

struct host_left {
	const char *host;
	uint64_t remaining;
};

void oci_paces_each(const struct lru *paces,
	void (*fn)(void *arg, const char *host, uint64_t remaining), void *arg)
{
	struct host_left all[LIMIT_REGISTRY_HOSTS_COUNTED];
	struct lru_item *it;
	size_t n = 0, i;

	lru_each (paces, it) {
		const struct oci_pace *p = pace_of(it);

		for (i = 0; i < n && strcmp(all[i].host, p->host) != 0; i++)
			;
		if (!p->known || i == ARRAY_LEN(all))
			continue;
		if (i == n)
			all[n++] = (struct host_left){p->host, p->remaining};
		else if (p->remaining < all[i].remaining)
			all[i].remaining = p->remaining;
	}
	for (i = 0; i < n; i++)
		fn(arg, all[i].host, all[i].remaining);
}
