#include "ev/sleep.h"

#include "base/mem.h"
#include "ev/op.h"
#include "ev/timer.h"

#include <stdlib.h>

struct sleep_op {
	struct op op;
	struct timer timer;
};

static void sleep_done(void *arg)
{
	struct sleep_op *s = arg;

	op_finish(&s->op);
}

static void sleep_cancel(struct op *op)
{
	struct sleep_op *s = CONTAINER_OF(op, struct sleep_op, op);

	timer_cancel(&s->timer);
	op_finish(op);
}

static void sleep_free(struct op *op)
{
	free(CONTAINER_OF(op, struct sleep_op, op));
}

struct op *sleep_start(struct loop *l, uint64_t ms)
{
	static const struct op_type type = {"sleep", sleep_cancel, sleep_free};
	struct sleep_op *s = NEW(struct sleep_op);

	op_init(&s->op, l, &type);
	timer_init(&s->timer, l, sleep_done, s);
	timer_set(&s->timer, ms);
	return &s->op;
}
