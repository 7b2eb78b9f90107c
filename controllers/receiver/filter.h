/*
 * The expressions of a Receiver (text/cel.h), compiled and evaluated by workers: the worst of them
 * takes tens of milliseconds. Loop thread.
 *
 * Does every expression of a spec compile, those of its issuers too (hook/oidc.h)?
 *	op = receiver_filters_check(loop, ns, spec);     fails with ERR_STALL: one does not
 *
 * Which objects does a call wake?
 *	f = receiver_filter_new(spec);
 *	n = receiver_filter_add(f, resource, text);  ...
 *	op = receiver_filter_start(loop, ns, f, said)
 *	... done: receiver_filter_result(op, n, &err)
 */
#ifndef RECEIVER_FILTER_H
#define RECEIVER_FILTER_H
#include "base/err.h"

#include <stddef.h>

struct loop;
struct op;
struct receiver_filter;
struct receiver_spec;

struct op *receiver_filters_check(struct loop *l, const char *ns, const struct receiver_spec *s);

/* What a verdict on a call says (hook/hook.h), which outlives whoever asked for it. */
struct receiver_said {
	unsigned refs;
	struct op *check; /* its own */
};
struct receiver_said *receiver_said_ref(struct receiver_said *s);
void receiver_said_unref(struct receiver_said *s); /* NULL is fine */

struct receiver_filter *receiver_filter_new(const struct receiver_spec *s);
/* Before it is started. NULL is fine. */
void receiver_filter_free(struct receiver_filter *f);
/* An object of that resource, its metadata as the API server sent it (taken over). Its number:
   0, 1, ... */
size_t receiver_filter_add(struct receiver_filter *f, size_t resource, char *text);
/* Takes f over. */
struct op *receiver_filter_start(
	struct loop *l, const char *ns, struct receiver_filter *f, struct receiver_said *said);
/* 1: it is woken; 0: it is not; -1: an expression could not be evaluated, *err says why. */
int receiver_filter_result(const struct op *op, size_t n, struct err *err);

#endif
