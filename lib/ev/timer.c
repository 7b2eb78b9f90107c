#include "ev/timer.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "ev/internal.h"
#include "ev/op.h"

static uint64_t timer_now(const struct timer *t)
{
	return t->real ? clock_ns() / 1000000 : clock_ms();
}

static void heap_place(struct heap *h, size_t i, struct timer *t)
{
	h->p[i] = t;
	t->pos = i + 1;
}

static void heap_sift_up(struct heap *h, size_t i)
{
	struct timer *t = h->p[i];

	while (i && h->p[(i - 1) / 2]->at > t->at) {
		heap_place(h, i, h->p[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_place(h, i, t);
}

static void heap_sift_down(struct heap *h, size_t i)
{
	struct timer *t = h->p[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= h->len)
			break;
		if (child + 1 < h->len && h->p[child + 1]->at < h->p[child]->at)
			child++;
		if (h->p[child]->at >= t->at)
			break;
		heap_place(h, i, h->p[child]);
		i = child;
	}
	heap_place(h, i, t);
}

static void timer_fired(uv_timer_t *handle);

static void heap_arm(struct loop *l, struct heap *h)
{
	uint64_t now, at;

	if (!h->len || (h == &l->timers[0] && clock_is_fake())) {
		uv_timer_stop(&h->uv);
		return;
	}
	at = h->p[0]->at;
	now = timer_now(h->p[0]);
	/* libuv's clock stands still within a turn; without the update a long turn would make
	   timers late. */
	uv_update_time(&l->uv);
	uv_timer_start(&h->uv, timer_fired, at > now ? at - now : 0, 0);
}

static void heap_take_out(struct heap *h, struct timer *t)
{
	size_t i = t->pos - 1;
	struct timer *last = h->p[--h->len];

	t->pos = 0;
	if (last == t)
		return;
	heap_place(h, i, last);
	heap_sift_up(h, i);
	heap_sift_down(h, last->pos - 1);
}

void timers_due(struct loop *l, struct heap *h)
{
	uint64_t now;

	if (!h->len)
		return;
	now = timer_now(h->p[0]);
	h->round_at = now;
	while (h->len && h->p[0]->at <= now) {
		struct timer *t = h->p[0];

		heap_take_out(h, t);
		t->fn(t->arg);
	}
	h->round_at = 0;
	heap_arm(l, h);
}

static void timer_fired(uv_timer_t *handle)
{
	struct loop *l = handle->data;

	timers_due(l, CONTAINER_OF(handle, struct heap, uv));
}

void timers_init(struct loop *l)
{
	int i;

	for (i = 0; i < 2; i++) {
		uv_timer_init(&l->uv, &l->timers[i].uv);
		l->timers[i].uv.data = l;
	}
}

void timers_close(struct loop *l)
{
	int i;

	for (i = 0; i < 2; i++) {
		uv_close((uv_handle_t *)&l->timers[i].uv, NULL);
		free(l->timers[i].p);
	}
}

static void timer_init_any(
	struct timer *t, struct loop *l, void (*fn)(void *), void *arg, unsigned real)
{
	*t = (struct timer){.loop = l, .fn = fn, .arg = arg, .real = real};
}

void timer_init(struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg)
{
	timer_init_any(t, l, fn, arg, 0);
}

void timer_init_real(struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg)
{
	timer_init_any(t, l, fn, arg, 1);
}

void timer_set(struct timer *t, uint64_t ms)
{
	struct heap *h = &t->loop->timers[t->real];
	struct timer *first = h->len ? h->p[0] : NULL;
	uint64_t first_at = first ? first->at : 0;

	if (t->pos)
		heap_take_out(h, t);
	if (h->len == h->cap) {
		h->cap = h->cap ? h->cap * 2 : 16;
		h->p = mem_array(h->p, h->cap, sizeof(*h->p));
	}
	/* +1: a millisecond that has begun must pass whole, or a timer could fire early. */
	t->at = timer_now(t) + ms + (ms && !clock_is_fake());
	/* A callback that sets a timer for "now" again waits for the next round, or it would hold
	   the loop. */
	if (h->round_at && t->at <= h->round_at)
		t->at = h->round_at + 1;
	h->p[h->len++] = t;
	heap_sift_up(h, h->len - 1);
	if (h->p[0] != first || h->p[0]->at != first_at)
		heap_arm(t->loop, h);
}

void timer_cancel(struct timer *t)
{
	struct heap *h;

	if (!t->pos)
		return;
	h = &t->loop->timers[t->real];
	heap_take_out(h, t);
	if (!h->len)
		heap_arm(t->loop, h);
}

bool timer_is_set(const struct timer *t)
{
	return t->pos != 0;
}

uint64_t timer_left(const struct timer *t)
{
	uint64_t now = timer_now(t);

	return t->pos && t->at > now ? t->at - now : 0;
}
