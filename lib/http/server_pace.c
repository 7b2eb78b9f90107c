/*
 * How fast a client takes its reply. What it has taken is what its side has acknowledged, so bytes
 * that wait in the kernel do not count. Three things are asked of it:
 *
 *	- a byte within progress_ms, always;
 *	- LIMIT_REPLY_RATE on average over windows of progress_ms, always;
 *	- a byte within LIMIT_REPLY_STALL_MS, and LIMIT_REPLY_SLOW after LIMIT_REPLY_SLOW_MS, only
 *	  while others need its place.
 *
 * Nobody tells when a client takes something, so it is looked at now and then. Of a client that has
 * taken nothing since the last look that found more, the pause is at least as long as it seems.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "http/server_internal.h"

/* Looks in progress_ms: a client that stops is cut one of them late at most. */
#define LOOKS 20

static uint64_t pace_taken(const struct http_conn *c)
{
	uint64_t waits = sock_unsent(c->fd);

	return waits < c->sent ? c->sent - waits : 0;
}

static void window_open(struct http_conn *c)
{
	struct window *w = &c->window;

	w->open = true;
	w->from = clock_ms();
	w->mark = pace_taken(c);
}

/* For how long it has taken nothing. */
static uint64_t window_pause(struct http_conn *c)
{
	struct window *w = &c->window;
	uint64_t taken = pace_taken(c);

	if (taken != w->seen) {
		w->seen = taken;
		w->moved = clock_ms();
	}
	return clock_ms() - w->moved;
}

static bool window_took_less(const struct http_conn *c, uint64_t rate, uint64_t ms)
{
	return (pace_taken(c) - c->window.mark) * 1000 < rate * ms;
}

/* True when it has done its share of the window, and the next one has begun. */
static bool window_next(struct http_conn *c)
{
	if (window_took_less(c, LIMIT_REPLY_RATE, c->server->opts.progress_ms))
		return false;
	c->window.slow = window_took_less(c, LIMIT_REPLY_SLOW, clock_ms() - c->window.from);
	window_open(c);
	return true;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t pace_check(struct http_conn *c)
{
	uint64_t whole = c->server->opts.progress_ms, age, pause;

	if (!c->window.open) {
		window_open(c);
		c->window.seen = c->window.mark;
		c->window.moved = c->window.from;
	}
	pause = window_pause(c);
	age = clock_ms() - c->window.from;
	if (age >= LIMIT_REPLY_SLOW_MS && window_next(c))
		age = 0;
	if (pause >= whole || age >= whole)
		return 0;
	return least(least(whole - age, whole - pause), whole / LOOKS + 1);
}

/* The server was the one who had nothing to send: a client that has all of it is not to be blamed
   for that time. */
void pace_caught_up(struct http_conn *c)
{
	if (c->window.open && !sock_unsent(c->fd))
		c->window.open = c->window.slow = false;
}

bool pace_gives_way(struct http_conn *c)
{
	uint64_t age = clock_ms() - c->window.from;

	if (c->state != CONN_REPLY || !c->window.open)
		return false;
	if (window_pause(c) >= LIMIT_REPLY_STALL_MS)
		return true;
	if (age < LIMIT_REPLY_SLOW_MS)
		return c->window.slow;
	if (window_took_less(c, LIMIT_REPLY_SLOW, age))
		return true;
	/* What filled the client's buffers at once does not make it quick for the rest of the
	   minute. */
	window_next(c);
	return false;
}

uint64_t pace_now(const struct http_conn *c)
{
	uint64_t age = clock_ms() - c->window.from;

	if (!c->window.open)
		return UINT64_MAX;
	return (pace_taken(c) - c->window.mark) * 1000 / (age + 1);
}
