/*
 * What walk.c, eval.c, fields.c and args.c share of a run: each only calls those behind it. All
 * return -1 when r->err is filled.
 */
#ifndef TEMPLATE_EVAL_H
#define TEMPLATE_EVAL_H
#include "template/internal.h"

/* eval.c. What a pipeline comes to, its variables set; NULL: no value. */
int eval_pipe(struct run *r, const struct result *dot, const struct node *pipe, struct result *out);

/* fields.c. NULL: there is none of this name. */
struct variable *variable_find(struct run *r, const struct name *name);
int variable_set(struct run *r, const struct name *name, const struct result *value);
int variable_push(struct run *r, const struct name *name, const struct result *value);
/* names[from...] of a node, one after the other; arguments are for the last one. */
int eval_fields(struct run *r, const struct node *n, size_t from, const struct result *start,
	size_t n_args, struct result *out);

/* args.c; type is a letter of struct fn. May it be an argument of this type? What is nil of a
   map's type becomes an empty map. */
int arg_check(struct run *r, char type, struct result *v);
int arg_nil(struct run *r, char type, struct result *out);
/* A literal, where the type of the argument decides what it is; and where nothing does. */
int arg_literal(struct run *r, char type, const struct node *n, struct result *out);
int arg_constant(struct run *r, const struct node *n, struct result *out);

#endif
