#include "ev/op.h"

#include "base/mem.h"

void op_init(struct op *op, struct loop *l, const struct op_type *type)
{
	*op = (struct op){.type = type, .loop = l};
}

void op_then(struct op *op, void (*on_done)(struct op *op, void *arg), void *arg)
{
	BUG_IF(op->done);
	op->on_done = on_done;
	op->arg = arg;
}

void op_cancel(struct op *op)
{
	if (op->finishing || op->cancelled)
		return;
	op->cancelled = true;
	op->type->cancel(op);
}

void op_free(struct op *op)
{
	if (!op)
		return;
	BUG_IF(!op->done);
	op->type->free(op);
}

void op_drop(struct op *op)
{
	if (!op)
		return;
	if (op->done) {
		op_free(op);
		return;
	}
	op->dropped = true;
	op->on_done = NULL;
	op_cancel(op);
}

static void op_deliver(void *arg)
{
	struct op *op = arg;

	op->done = true;
	if (op->dropped)
		op_free(op);
	else if (op->on_done)
		op->on_done(op, op->arg);
}

void op_finish(struct op *op)
{
	BUG_IF(op->finishing);
	op->finishing = true;
	if (op->cancelled)
		err_set(&op->err, ERR_CANCELED, "canceled");
	defer_queue(op->loop, &op->defer, op_deliver, op);
}

void op_end(struct op *op, const struct err *err)
{
	op->err = *err;
	op_finish(op);
}

static void op_no_cancel(struct op *op)
{
	(void)op;
}

static void op_just_free(struct op *op)
{
	free(op);
}

struct op *op_failed(struct loop *l, const struct err *err)
{
	static const struct op_type type = {"failed", op_no_cancel, op_just_free};
	struct op *op = NEW(struct op);

	op_init(op, l, &type);
	op_end(op, err);
	return op;
}
