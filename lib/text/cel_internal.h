/*
 * What the files of text/cel share; nobody else includes it. From the text to a result:
 *
 *	cel_lex, cel_parse   text -> tree; macros become nodes of their own
 *	cel_type, cel_check  tree -> the type of each node, and which function a call means
 *	cel_fold             what the peer evaluates while it compiles: its errors are refusals
 *	cel_eval             tree and JSON -> a value
 *	cel_fns              the table of functions; cel_ops, cel_text, cel_time: what they do
 *	cel_val, cel_pool    values, and their memory
 */
#ifndef TEXT_CEL_INTERNAL_H
#define TEXT_CEL_INTERNAL_H
#include "base/err.h"
#include "base/limits.h"
#include "text/match.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- memory ---------------------------------------------------------------------------------- */

/* Blocks that are freed together. */
struct cel_pool {
	struct cel_block *head; /* the newest */
	size_t used, max;
};

/* NULL: more than max. Zeroed. */
void *cel_pool_alloc(struct cel_pool *p, size_t n);
void *cel_pool_dup(struct cel_pool *p, const void *data, size_t n);
/* Frees what came after `mark`, an earlier head; NULL: all. */
void cel_pool_release(struct cel_pool *p, struct cel_block *mark);

/* ---- values ---------------------------------------------------------------------------------- */

/* Of values and of types; the last two are of types only. */
enum cel_kind {
	CEL_NULL,
	CEL_BOOL,
	CEL_INT,
	CEL_UINT,
	CEL_DOUBLE,
	CEL_STRING,
	CEL_BYTES,
	CEL_LIST,
	CEL_MAP,
	CEL_TIMESTAMP,
	CEL_DURATION,
	CEL_OPTIONAL,
	CEL_TYPE,
	CEL_DYN,
	CEL_PARAM, /* a type that is not known yet */
};

struct cel_time {
	int64_t sec; /* since 1970 UTC */
	int32_t nsec;
	int32_t offset; /* minutes east of UTC, as it was written */
};

/* Strings, items and JSON are borrowed: from a pool, from the tree, or from the caller's JSON. */
struct cel_val {
	enum cel_kind kind;
	bool exact; /* json: whole numbers are ints */
	const json_t *json; /* a list or map that is JSON still; NULL: items */
	size_t len; /* bytes of text; items of a list; entries of a map */
	union {
		bool b;
		int64_t i; /* int; duration in nanoseconds */
		uint64_t u;
		double d;
		const char *s; /* string, bytes; not terminated */
		const struct cel_val *items; /* a map's: key, value, key, value ... */
		const struct cel_val *inner; /* optional; NULL: none */
		struct cel_time time;
		enum cel_kind type;
	};
};

/* One evaluation. */
struct cel_run {
	struct cel_pool pool;
	uint64_t steps; /* left */
	bool over; /* a limit was passed: no operator takes that error away */
	const json_t *const *values; /* of the variables */
	int exact_var; /* the index of `vars`, -1: it is not there */
	struct cel_val local[LIMIT_CEL_DEPTH]; /* of the macros around */
};

/* Takes steps; -1: there are no more. */
int cel_tick(struct cel_run *r, size_t n, struct err *err);
/* The same for work on so many bytes. */
int cel_tick_bytes(struct cel_run *r, size_t n, struct err *err);
/* Memory of the evaluation; NULL, and *err: no more. */
void *cel_alloc(struct cel_run *r, size_t n, struct err *err);

const char *cel_kind_name(enum cel_kind kind);

struct cel_val cel_of_bool(bool b);
struct cel_val cel_of_int(int64_t i);
struct cel_val cel_of_string(const char *s, size_t len);
struct cel_val cel_of_json(const json_t *j, bool exact);
/* An optional one that holds v. */
int cel_of_some(struct cel_run *r, const struct cel_val *v, struct cel_val *out, struct err *err);

/* Item i of a list; key and value i of a map. */
struct cel_val cel_list_at(const struct cel_val *list, size_t i);
/* A walk over the entries of a map: start with a zeroed one. */
struct cel_walk {
	size_t i;
	void *iter;
};
bool cel_map_next(
	const struct cel_val *map, struct cel_walk *w, struct cel_val *key, struct cel_val *value);
/* 1: found, *out; 0: no such key; -1: out of steps. */
int cel_map_find(struct cel_run *r, const struct cel_val *map, const struct cel_val *key,
	struct cel_val *out, struct err *err);
/* 1, 0, or -1: out of steps. Numbers of different types may be equal, NaN never is. */
int cel_equal(struct cel_run *r, const struct cel_val *a, const struct cel_val *b, struct err *err);
/* 1: the list holds it, 0, -1. */
int cel_list_has(
	struct cel_run *r, const struct cel_val *list, const struct cel_val *v, struct err *err);
/* -1, 0, 1; CEL_UNORDERED: NaN, or not comparable. */
#define CEL_UNORDERED 2
int cel_compare(const struct cel_val *a, const struct cel_val *b);
bool cel_double_to_int(double d, int64_t *out); /* false: out of range; cuts the fraction */
bool cel_double_to_uint(double d, uint64_t *out);
/* NULL, and *err: no JSON form. */
json_t *cel_to_json(struct cel_run *r, const struct cel_val *v, struct err *err);

/* ---- functions ------------------------------------------------------------------------------- */

struct cel_fn {
	const char *name; /* `_+_` and the like: operators */
	bool member; /* may be called as x.f(y) */
	bool global; /* may be called as f(x, y) */
	/* A conversion: of a constant, it is evaluated at once; the overload that the types say is
	   the only one, whatever the value is then. */
	bool converts;
	/*
	 * Its overloads, divided by blanks, each `ARGS:RESULT`, in the peer's order, which decides
	 * between them when a type is not known. A type is a letter: n null, b bool, i int, u uint,
	 * d double, s string, y bytes, t timestamp, r duration, * dyn; [X a list of X,
	 * {XY a map, ?X an optional one, TX the type of X; A and B stand for any type, the same
	 * wherever they occur.
	 */
	const char *sigs;
	int (*run)(struct cel_run *r, const struct cel_val *args, size_t n, struct cel_val *out,
		struct err *err);
};

/* NULL: there is none. */
const struct cel_fn *cel_fn_find(const char *name, size_t len);
/* Do these values fit the first of these overloads, or with `any`, one of them? */
bool cel_sigs_fit(const char *sigs, bool any, const struct cel_val *args, size_t n);

/* What functions do; cel_fns.c says which. */
#define CEL_FN(name) \
	int name(struct cel_run *r, const struct cel_val *args, size_t n, struct cel_val *out, \
		struct err *err)
CEL_FN(cel_op_add);
CEL_FN(cel_op_sub);
CEL_FN(cel_op_mul);
CEL_FN(cel_op_div);
CEL_FN(cel_op_mod);
CEL_FN(cel_op_neg);
CEL_FN(cel_op_not);
CEL_FN(cel_op_less);
CEL_FN(cel_op_less_equal);
CEL_FN(cel_op_greater);
CEL_FN(cel_op_greater_equal);
CEL_FN(cel_op_equal);
CEL_FN(cel_op_not_equal);
CEL_FN(cel_op_in);
CEL_FN(cel_to_type);
CEL_FN(cel_to_dyn);
CEL_FN(cel_to_bool);
CEL_FN(cel_to_bytes);
CEL_FN(cel_to_double);
CEL_FN(cel_to_int);
CEL_FN(cel_to_uint);
CEL_FN(cel_to_string);
CEL_FN(cel_to_timestamp);
CEL_FN(cel_to_duration);
CEL_FN(cel_set_contains);
CEL_FN(cel_set_equivalent);
CEL_FN(cel_set_intersects);
CEL_FN(cel_optional_of);
CEL_FN(cel_optional_none);
CEL_FN(cel_optional_nonzero);
CEL_FN(cel_optional_value);
CEL_FN(cel_optional_has_value);
CEL_FN(cel_list_first);
CEL_FN(cel_list_last);
CEL_FN(cel_size);
CEL_FN(cel_text_contains);
CEL_FN(cel_text_starts_with);
CEL_FN(cel_text_ends_with);
CEL_FN(cel_text_matches);
CEL_FN(cel_text_char_at);
CEL_FN(cel_text_index_of);
CEL_FN(cel_text_last_index_of);
CEL_FN(cel_text_lower);
CEL_FN(cel_text_upper);
CEL_FN(cel_text_replace);
CEL_FN(cel_text_split);
CEL_FN(cel_text_substring);
CEL_FN(cel_text_trim);
CEL_FN(cel_text_join);
CEL_FN(cel_base64_encode);
CEL_FN(cel_base64_decode);

/* Matches, and takes steps for it: in the worst case each byte meets each instruction. */
int cel_match(struct cel_run *r, const struct match *m, const struct cel_val *text,
	struct cel_val *out, struct err *err);

/* As Go reads and prints them. */
bool cel_duration_parse(const char *s, size_t len, int64_t *ns);
bool cel_timestamp_parse(const char *s, size_t len, struct cel_time *out);
bool cel_timestamp_ok(int64_t sec); /* in the years 1 to 9999 */
#define CEL_TIME_TEXT 64
void cel_timestamp_format(const struct cel_time *t, char out[CEL_TIME_TEXT]);
#define CEL_DOUBLE_TEXT 400
void cel_double_format(double d, char out[CEL_DOUBLE_TEXT]); /* %g */
void cel_double_format_plain(double d, char out[CEL_DOUBLE_TEXT]); /* no exponent */
bool cel_double_parse(const char *s, size_t len, double *out);

/* ---- the tree -------------------------------------------------------------------------------- */

enum cel_op {
	CEL_LITERAL,
	CEL_IDENT,
	CEL_SELECT, /* kids[0].name */
	CEL_OPT_SELECT, /* kids[0].?name */
	CEL_HAS, /* has(kids[0].name) */
	CEL_INDEX, /* kids[0][kids[1]] */
	CEL_OPT_INDEX,
	CEL_AND, /* any number of kids */
	CEL_OR,
	CEL_COND,
	CEL_NEW_LIST,
	CEL_NEW_MAP, /* key, value, key, value ... */
	CEL_CALL, /* operators too; of x.f(y), x is kids[0] */
	CEL_OPT_OR, /* x.or(y) */
	CEL_OR_VALUE,
	CEL_ALL, /* kids[0].all(name, kids[1]) */
	CEL_EXISTS,
	CEL_EXISTS_ONE,
	CEL_MAP_TO, /* kids[0].map(name, kids[1]) or .map(name, kids[2], kids[1]) */
	CEL_FILTER,
};

struct cel_node {
	enum cel_op op;
	unsigned depth; /* of the tree below it, itself included */
	uint32_t pos; /* in the text, from 1, for messages */
	bool member; /* a call x.f(y) */
	bool absolute; /* .name */
	bool constant; /* as the peer sees it */
	bool never; /* x in [] */
	int slot; /* identifier: which local value; less than 0: -1 - index of the variable */
	size_t name_len;
	const char *name; /* field, function, variable */
	size_t n;
	struct cel_node **kids;
	bool *optional; /* of a list's items and a map's entries: written with ? */
	struct cel_val val; /* of a literal */
	const struct cel_fn *fn;
	const char *only; /* of its overloads, the one that can be meant; NULL: several */
	const struct cel_type *type;
	struct match *match; /* compiled already: the pattern is constant */
	struct cel_node *next_match;
};

/* The kind of a type that has a name: `int`, or -1. */
int cel_type_named(const char *name, size_t len);

struct cel_tree {
	struct cel_pool pool;
	struct cel_node *root;
	struct cel_node *matches; /* those with a match */
	int patterns, program; /* how many, and their instructions */
};

/* 0, or -1 (ERR_STALL); the pool is to be released either way. */
int cel_parse(struct cel_tree *t, const char *text, size_t len, struct err *err) must_check;
/* Gives names their meaning and nodes their types. *kind: what the whole is. */
int cel_check(struct cel_tree *t, const char *const *vars, enum cel_kind *kind,
	struct err *err) must_check;
int cel_fold(struct cel_tree *t, struct err *err) must_check;
int cel_run_node(struct cel_run *r, const struct cel_node *n, struct cel_val *out,
	struct err *err) must_check;

/* ---- tokens ---------------------------------------------------------------------------------- */

enum cel_token_kind {
	CEL_T_END,
	CEL_T_NAME,
	CEL_T_INT,
	CEL_T_UINT,
	CEL_T_FLOAT,
	CEL_T_STRING,
	CEL_T_BYTES,
	CEL_T_PUNCT, /* also `in` */
	CEL_T_TRUE,
	CEL_T_FALSE,
	CEL_T_NULL,
};

struct cel_token {
	enum cel_token_kind kind;
	const char *p; /* in the text; of a string: what it holds, in the pool */
	size_t len;
	uint32_t pos;
};

struct cel_lexer {
	const char *text;
	size_t len, at;
	struct cel_pool *pool;
};

int cel_lex(struct cel_lexer *l, struct cel_token *out, struct err *err) must_check;
/* "...: at N". */
int cel_refuse(struct err *err, uint32_t pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
