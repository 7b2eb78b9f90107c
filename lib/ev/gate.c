#include "ev/gate.h"

#include "base/mem.h"
#include "ev/op.h"

#include <stdlib.h>

struct gate_wait {
	struct op op;
	struct gate *gate;
	struct gate_wait *next;
	bool entered;
};

static void grant(struct gate_wait *w)
{
	w->gate->held++;
	op_finish(&w->op);
}

static void wait_cancel(struct op *op)
{
	struct gate_wait *w = CONTAINER_OF(op, struct gate_wait, op);
	struct gate *g = w->gate;
	struct gate_wait **at;

	for (at = &g->first; *at != w; at = &(*at)->next)
		;
	*at = w->next;
	if (!*at)
		g->last = at;
	g->waiting--;
	op_finish(op);
}

static void wait_free(struct op *op)
{
	struct gate_wait *w = CONTAINER_OF(op, struct gate_wait, op);

	/* Granted, but nobody came to use it. */
	if (op->err.kind == ERR_NONE && !w->entered)
		gate_release(w->gate);
	free(w);
}

void gate_init(struct gate *g, struct loop *l, unsigned max)
{
	*g = (struct gate){.loop = l, .max = max};
	g->last = &g->first;
}

struct op *gate_wait_start(struct gate *g)
{
	static const struct op_type type = {"gate", wait_cancel, wait_free};
	struct gate_wait *w = NEW(struct gate_wait);

	op_init(&w->op, g->loop, &type);
	w->gate = g;
	if (g->held < g->max) {
		grant(w);
	} else {
		g->waiting++;
		*g->last = w;
		g->last = &w->next;
	}
	return &w->op;
}

void gate_enter(struct op *op)
{
	BUG_IF(op->err.kind != ERR_NONE);
	CONTAINER_OF(op, struct gate_wait, op)->entered = true;
}

void gate_release(struct gate *g)
{
	struct gate_wait *w = g->first;

	BUG_IF(!g->held);
	g->held--;
	if (!w || g->held >= g->max)
		return;
	g->first = w->next;
	if (!g->first)
		g->last = &g->first;
	g->waiting--;
	grant(w);
}
