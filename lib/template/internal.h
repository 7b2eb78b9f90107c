/*
 * What the files of lib/template share; nobody else includes it. From the text to a result:
 *
 *	lex              text -> tokens
 *	parse            tokens -> a tree for each template that the text defines; pipeline: what
 *	                 stands in an action; node: its pieces; ahead: the token that comes next;
 *	                 literal: numbers in it; refuse: its errors
 *	walk             tree and data -> text: actions; eval: pipelines and calls; fields: what
 *	                 names stand for; args: what a call may get
 *	run              the limits of a run, and its errors; show: what they say of the tree
 *	fns              the table of functions; fns_NAME: what they do
 *	format           values as Go's fmt prints them
 *	number, quote    numbers and strings in quotes, both ways; letters
 *	value            values, and their memory
 */
#ifndef TEMPLATE_INTERNAL_H
#define TEMPLATE_INTERNAL_H
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/vec.h"
#include "template/template.h"
#include "template/value.h"

#define TMPL_NAME "commit message"

/* ---- values ---------------------------------------------------------------------------------- */

/* NULL: no more memory in the pool. Zeroed. */
void *value_alloc(struct value_pool *p, size_t n);
struct value *value_new(struct value_pool *p, const struct value_type *type);
struct value *value_int(struct value_pool *p, const struct value_type *type, int64_t i);
struct value *value_float(struct value_pool *p, double d);
struct value *value_bool(struct value_pool *p, bool b);
/* False: no such key. */
bool value_get(const struct value *map, const struct value *key, const struct value **out);
bool value_get_named(const struct value *map, const char *s, size_t len, const struct value **out);
/* NULL: there is none. */
const struct value_entry *value_member(const struct value *s, const char *name, size_t len);
/* The fields that are printed; NULL at the end. Start with 0. */
const struct value_entry *value_next_field(const struct value *s, size_t *i);
/* Of nil: false. */
bool value_truth(const struct value *v);
/* Of strings, and of structs of strings. */
int value_order(const struct value *a, const struct value *b);
/* What comparing may take: values, and pieces of text. */
struct value_budget {
	uint64_t left;
	bool over; /* there was not enough to say, or it is nested too deep */
};
/* The same type and the same in all depth; NULL is nil. */
bool value_same(
	const struct value *a, const struct value *b, unsigned depth, struct value_budget *budget);
/* May Go compare it with ==? */
bool value_comparable(const struct value *v);

/* ---- the tree -------------------------------------------------------------------------------- */

enum node_kind {
	NODE_LIST,
	NODE_TEXT,
	NODE_ACTION, /* pipe */
	NODE_IF, /* pipe, list, other */
	NODE_WITH,
	NODE_RANGE,
	NODE_TEMPLATE, /* text is the name; pipe may be NULL */
	NODE_BREAK,
	NODE_CONTINUE,
	NODE_END, /* only while it is parsed */
	NODE_ELSE,
	NODE_PIPE, /* decl, kids are commands */
	NODE_COMMAND, /* kids are operands */
	NODE_BOOL, /* val */
	NODE_DOT,
	NODE_NIL,
	NODE_NUMBER, /* text as it was written; val, or over */
	NODE_STRING, /* text with its quotes; val without */
	NODE_FIELD, /* names */
	NODE_VARIABLE, /* names; the first is the variable with its $ */
	NODE_CHAIN, /* kids[0], then names */
	NODE_IDENT, /* fn */
};

struct name {
	const char *s;
	size_t len;
};

struct node {
	enum node_kind kind;
	bool assign; /* = and not := */
	bool over; /* an integer that is no int */
	bool ideal_float; /* written with a point or an exponent */
	uint32_t pos; /* in the text, bytes from 0 */
	size_t len;
	const char *text; /* in the template's copy; not terminated */
	const struct value *val;
	const struct fn *fn;
	struct node *pipe, *list, *other;
	struct node *kids, *last, *next; /* a list of children */
	size_t n_kids, n_names, n_decl;
	struct name *names;
	struct name decl[2];
};

/* A template that the text defines. */
struct tree {
	struct name name;
	struct node *root;
	struct tree *next;
};

struct tmpl {
	struct value_pool pool; /* all of it */
	const char *text;
	size_t len;
	struct tree *trees, *main;
};

/* ---- tokens ---------------------------------------------------------------------------------- */

enum token_kind {
	TOKEN_ERROR,
	TOKEN_BOOL,
	TOKEN_CHAR, /* a sign that means nothing, or a comma */
	TOKEN_CHARACTER, /* 'a' */
	TOKEN_COMPLEX,
	TOKEN_ASSIGN,
	TOKEN_DECLARE,
	TOKEN_EOF,
	TOKEN_FIELD,
	TOKEN_IDENT,
	TOKEN_LEFT,
	TOKEN_LEFT_PAREN,
	TOKEN_NUMBER,
	TOKEN_PIPE,
	TOKEN_RAW_STRING,
	TOKEN_RIGHT,
	TOKEN_RIGHT_PAREN,
	TOKEN_SPACE,
	TOKEN_STRING,
	TOKEN_TEXT,
	TOKEN_VARIABLE,
	TOKEN_KEYWORD, /* all after it are */
	TOKEN_BLOCK,
	TOKEN_BREAK,
	TOKEN_CONTINUE,
	TOKEN_DOT,
	TOKEN_DEFINE,
	TOKEN_ELSE,
	TOKEN_END,
	TOKEN_IF,
	TOKEN_NIL,
	TOKEN_RANGE,
	TOKEN_TEMPLATE,
	TOKEN_WITH,
};

struct token {
	enum token_kind kind;
	uint32_t pos;
	unsigned line;
	const char *p; /* of TOKEN_ERROR: the message, which the lexer holds */
	size_t len;
};

struct lexer {
	const char *text;
	size_t len, pos, start;
	unsigned line, start_line;
	int parens;
	bool inside; /* an action */
	struct token token; /* that the states make */
	char message[200];
};

void lexer_init(struct lexer *l, const char *text, size_t len);
struct token lexer_next(struct lexer *l);

/* ---- quotes and letters ---------------------------------------------------------------------- */

#define RUNE_ERROR 0xFFFD
/* The rune that s starts with; of a byte that begins none, RUNE_ERROR and *n 1. len is at least
   1. */
uint32_t rune_at(const char *s, size_t len, size_t *n);
bool rune_is_letter_or_digit(uint32_t r);
bool rune_is_print(uint32_t r);
bool rune_is_space(uint32_t r);
void rune_add(struct buf *b, uint32_t r);
size_t rune_count(const char *s, size_t len);

/* As strconv.Quote and friends. */
void quote_add(struct buf *b, const char *s, size_t len, bool ascii);
void quote_add_rune(struct buf *b, uint32_t r, bool ascii);
/* May it stand in `...`? */
bool quote_raw_ok(const char *s, size_t len);
/* As strconv.Unquote. False: invalid syntax. */
bool unquote(struct buf *out, const char *s, size_t len);
/* One character of a literal in such quotes; *n: bytes of it; *multi: it is a rune and no byte. */
bool unquote_char(const char *s, size_t len, char quote, uint32_t *rune, bool *multi, size_t *n);

/* ---- printing -------------------------------------------------------------------------------- */

/* As fmt.Sprint, Sprintln, Sprintf. NULL is nil. The buffer's limit bounds it; false: a value is
   nested too deep. */
bool format_print(struct buf *b, const struct value *const *args, size_t n);
bool format_println(struct buf *b, const struct value *const *args, size_t n);
bool format_printf(
	struct buf *b, const char *format, size_t len, const struct value *const *args, size_t n);
/* As %v. */
bool format_value(struct buf *b, const struct value *v);
/* As strconv.ParseUint and ParseInt of base 0. */
bool number_parse_uint(const char *s, size_t len, uint64_t *out);
bool number_parse_int(const char *s, size_t len, int64_t *out);
/* A float as strconv.FormatFloat has it: b e E f g G x X; b is empty for x and X; prec -1: the
   shortest that is exact. */
void float_add(struct buf *b, double d, char verb, int prec);
/* What stands in the place of a node in an error message. */
void node_show(struct buf *b, const struct node *n);

/* ---- a run ----------------------------------------------------------------------------------- */

/* What an expression comes to: v; or without one nil (as a value of an interface type), or no
   value at all. */
struct result {
	const struct value *v;
	bool any; /* it came as an interface {}: an item of a []interface {} */
};

static inline bool result_is_none(const struct result *v)
{
	return !v->v && !v->any;
}

struct variable {
	struct name name;
	struct result value;
};

struct run {
	const struct tmpl *tmpl;
	const struct tree *tree;
	const struct node *at; /* for errors */
	struct buf *out;
	struct value_pool pool;
	uint64_t steps; /* left */
	unsigned depth;
	bool breaking, continuing;
	VEC(struct variable) vars;
	size_t base; /* of the variables of this template */
	struct err *err;
};

/* Takes steps; -1: there are no more. */
int run_tick(struct run *r, size_t n);
/* The same for work on so many bytes. */
int run_tick_bytes(struct run *r, size_t n);
/* One level deeper in the tree, until the caller counts r->depth down. */
int run_deeper(struct run *r);
/* Are they the same, in all depth? 1, 0, or -1: it takes too much. */
int run_same(struct run *r, const struct value *a, const struct value *b);
/* Errors in a run; all return -1. run_refuse: in Go's words, at r->at. */
int run_refuse(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int run_over(struct run *r, const char *what);

/* What a function gets. */
struct call {
	struct run *r;
	const struct fn *fn;
	const struct value *const *args; /* NULL: nil, or none */
	const bool *given_any; /* of an argument that is NULL: a nil of interface {} type */
	size_t n;
	const struct node *node; /* at which it is called */
	struct result *out;
};

/* -1: "error calling NAME: ...". */
int call_fail(const struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Return a value; NULL: out of memory (-1). */
int call_return(const struct call *c, const struct value *v);
/* Of a function whose result is an interface {}: nil too. */
int call_return_any(const struct call *c, const struct value *v);
int call_return_buf(const struct call *c, struct buf *b);
/* For the text that a function makes. */
#define CALL_BUF() BUF_INIT(LIMIT_TEMPLATE_RESULT)

struct fn {
	const char *name;
	/* A letter an argument: s string, i int, b bool, f float64, a anything, v anything as it
	   is, m map[string]interface {}; `*` behind the last: any number of it. */
	const char *args;
	int (*run)(const struct call *c); /* NULL: it is not built here */
	int arg; /* which of several that share run */
};

/* NULL: there is none. */
const struct fn *fn_find(const char *name, size_t len);

#define FN(name) int name(const struct call *c)
FN(fn_and_or);
FN(fn_not);
FN(fn_compare);
FN(fn_index);
FN(fn_len);
FN(fn_print);
FN(fn_escape);
FN(fn_case);
FN(fn_trim);
FN(fn_trim_all);
FN(fn_trim_end);
FN(fn_quote);
FN(fn_trunc);
FN(fn_abbrev);
FN(fn_substr);
FN(fn_replace);
FN(fn_contains);
FN(fn_repeat);
FN(fn_nospace);
FN(fn_join);
FN(fn_split);
FN(fn_cat);
FN(fn_indent);
FN(fn_plural);
FN(fn_hello);
FN(fn_path);
FN(fn_base);
FN(fn_sum);
FN(fn_adler);
FN(fn_list);
FN(fn_end);
FN(fn_push);
FN(fn_most);
FN(fn_reverse);
FN(fn_uniq);
FN(fn_has);
FN(fn_without);
FN(fn_sort);
FN(fn_concat);
FN(fn_slice);
FN(fn_until);
FN(fn_dict);
FN(fn_get);
FN(fn_has_key);
FN(fn_keys);
FN(fn_pick);
FN(fn_pluck);
FN(fn_default);
FN(fn_empty);
FN(fn_coalesce);
FN(fn_all_any);
FN(fn_ternary);
FN(fn_to_string);
FN(fn_to_strings);
FN(fn_to_number);
FN(fn_atoi);
FN(fn_add);
FN(fn_divide);
FN(fn_round);
FN(fn_to_json);
FN(fn_from_json);
FN(fn_type);
FN(fn_deep_equal);
FN(fn_fail);
FN(fn_regex);
FN(fn_regex_quote);
FN(fn_semver);
FN(fn_semver_compare);

/* What several of them use. */
struct value *value_from_buf(struct value_pool *p, const struct buf *b);
/* As sprig's strval: the text of anything. NULL: no memory, or too deep (-1 was set). */
const struct value *fn_text_of(const struct call *c, const struct value *v);
/* As sprig's strslice. */
struct value *fn_strings_of(const struct call *c, const struct value *v);
/* As cast.ToInt64. */
int64_t fn_int_of(const struct value *v);
double fn_float_of(const struct value *v);
/* As reflect.Kind.String(); nil: "invalid". */
const char *fn_kind_of(const struct value *v);

#endif
