/*
 * Most requests are small, and of those there may be as many as there are connections. What is
 * larger is counted: bodies by the account of memory, headers by a number of places.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "ev/account.h"
#include "http/server_internal.h"

bool memory_for_head(struct http_conn *c)
{
	struct http_server *s = c->server;

	if (c->large_head || c->in.len < LIMIT_REQUEST_AHEAD)
		return true;
	if (s->large_heads >= LIMIT_LARGE_HEADERS)
		return false;
	s->large_heads++;
	c->large_head = true;
	return true;
}

static void memory_came(struct op *op, void *arg)
{
	struct http_conn *c = arg;

	(void)op;
	c->has_memory = true;
	conn_wake(c);
}

bool memory_for_body(struct http_conn *c)
{
	const struct http_request *r = &c->x.req;
	const struct http_server_opts *o = &c->server->opts;

	if (c->has_memory || !o->account || r->drop_body ||
		r->body.len + c->in.len <= LIMIT_MEMORY_FREE)
		return true;
	if (!c->memory) {
		c->memory = account_take(o->account, ACCOUNT_BODIES, o->name,
			r->chunked ? r->max_body : r->content_length);
		op_then(c->memory, memory_came, c);
	}
	return false;
}

bool memory_waits(const struct http_conn *c)
{
	return c->memory && !c->has_memory;
}

void memory_release(struct http_conn *c)
{
	op_drop(MOVE(c->memory));
	c->has_memory = false;
	c->server->large_heads -= c->large_head;
	c->large_head = false;
}
