#include "ev/flight.h"

#include "ev/task.h"

void flight_init(struct flight *f, void (*deserted)(struct flight *f),
	void (*overdue)(struct flight *f, struct flight_wait *w, bool alone, struct err *err))
{
	list_init(&f->waits);
	f->deserted = deserted;
	f->overdue = overdue;
}

bool flight_is_empty(const struct flight *f)
{
	return list_empty(&f->waits);
}

const struct log_ctx *flight_log(const struct flight *f)
{
	const struct list *first = list_first(&f->waits);

	return first ? op_log(&CONTAINER_OF(first, struct flight_wait, link)->op) : NULL;
}

/* Out of its line, and nobody is told. */
static void flight_wait_unlink(struct flight_wait *w)
{
	list_out(&w->link);
	w->flight = NULL;
	timer_cancel(&w->timer);
}

void flight_wait_leave(struct flight_wait *w)
{
	struct flight *f = w->flight;

	if (!f)
		return;
	flight_wait_unlink(w);
	if (list_empty(&f->waits) && f->deserted)
		f->deserted(f);
}

void flight_wait_cancel(struct op *op)
{
	flight_wait_leave(CONTAINER_OF(op, struct flight_wait, op));
	op_finish(op);
}

static void flight_wait_over(void *arg)
{
	struct flight_wait *w = arg;
	struct err err = {0};

	w->flight->overdue(w->flight, w, list_alone(&w->link), &err);
	flight_wait_leave(w);
	op_end(&w->op, &err);
}

void flight_wait_init(struct flight_wait *w, const struct op_type *type, struct loop *l)
{
	op_init(&w->op, l, type);
	list_init(&w->link);
	timer_init(&w->timer, l, flight_wait_over, w);
}

void flight_join(struct flight *f, struct flight_wait *w, uint64_t timeout_ms)
{
	w->flight = f;
	list_add(&f->waits, &w->link);
	if (timeout_ms)
		timer_set(&w->timer, timeout_ms);
}

void flight_land(struct flight *f, const struct err *err,
	void (*give)(struct flight *f, struct flight_wait *w))
{
	while (!list_empty(&f->waits)) {
		struct flight_wait *w =
			CONTAINER_OF(list_first(&f->waits), struct flight_wait, link);

		flight_wait_unlink(w);
		if (err->kind == ERR_NONE && give)
			give(f, w);
		op_end(&w->op, err);
	}
}
