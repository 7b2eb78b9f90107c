#include "ev/gate.h"

#include "ev/op.h"

#include <check.h>

static void turns(struct loop *l)
{
	int i;

	for (i = 0; i < 4; i++)
		loop_turn(l, false);
}

START_TEST(test_order)
{
	struct loop *l = loop_new();
	struct gate g;
	struct op *a, *b, *c, *d;

	gate_init(&g, l, 1);
	a = gate_wait_start(&g);
	b = gate_wait_start(&g);
	c = gate_wait_start(&g);
	d = gate_wait_start(&g);
	turns(l);
	ck_assert(a->done && !b->done && !c->done);
	gate_enter(a);
	op_free(a);
	op_cancel(c); /* out of the middle of the line */
	turns(l);
	ck_assert(c->done);
	ck_assert_int_eq(c->err.kind, ERR_CANCELED);
	op_free(c);
	ck_assert_uint_eq(g.held, 1);
	gate_release(&g);
	turns(l);
	ck_assert(b->done && !d->done);
	op_free(b); /* never entered: the place goes on to d */
	turns(l);
	ck_assert(d->done);
	gate_enter(d);
	op_free(d);
	gate_release(&g);
	ck_assert_uint_eq(g.held, 0);
	ck_assert_uint_eq(g.waiting, 0);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

Suite *suite_gate(void);
Suite *suite_gate(void)
{
	Suite *s = suite_create("gate");
	TCase *tc = tcase_create("gate");

	tcase_add_test(tc, test_order);
	suite_add_tcase(s, tc);
	return s;
}
