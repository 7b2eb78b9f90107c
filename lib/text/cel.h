/*
 * Filters of Receivers and the checks of their OIDC tokens: a bounded subset of CEL, the Common
 * Expression Language (cel-spec: doc/langdef.md), as cel-go 0.27 reads it in Flux's
 * notification-controller: optional values, the extensions for strings, sets and base64, numbers of
 * different types compare, lists and maps hold one type, UTC.
 *
 *	static const char *const vars[] = {"res", "req", NULL};
 *	struct cel *c;
 *	bool yes;
 *	if (cel_new(&c, "req.tag.contains(res.metadata.name)", vars, err)) ...
 *	if (cel_bool(c, (const json_t *const[]){res, req}, &yes, err)) ...
 *
 * What there is: the whole grammar without messages (`Type{...}`); has, all, exists, exists_one,
 * map, filter; size contains startsWith endsWith matches; string int uint double bool bytes dyn
 * type timestamp duration; optional.of optional.none optional.ofNonZeroValue first last value or
 * orValue hasValue; charAt indexOf lastIndexOf lowerAscii upperAscii replace split substring trim
 * join; sets.contains, .equivalent, .intersects; base64.encode, .decode. Any other function is
 * refused by its name.
 *
 * A variable is a map from strings to values of any type. Its numbers are doubles, whole ones too,
 * so `req.n + 1` is an error when it is evaluated and `req.n + 1.0` is none. The one exception is a
 * variable named `vars`: it holds what cel_eval gave, whose integers stay integers.
 *
 * Where it differs from the peer: messages and all other functions are refused; so is a map whose
 * keys are neither strings, numbers nor bools, and a macro's variable that is a type, whatever its
 * name. Numbers as text have no `_` in them. has(a.?b) is a bool in a ternary too, and what is
 * optional twice stays so.
 *
 * Limits: LIMIT_CEL_TEXT bytes of text, LIMIT_CEL_DEPTH of nesting, LIMIT_CEL_PATTERNS regular
 * expressions that are constants; text/match.h says what those are. One evaluation takes
 * LIMIT_CEL_STEPS and makes LIMIT_CEL_MEMORY of values. An ordinary filter compiles in 30 µs and is
 * evaluated in 10 µs; the worst within the limits takes some 50 ms each, which is work for a
 * worker. A compiled expression is read only: any thread.
 */
#ifndef TEXT_CEL_H
#define TEXT_CEL_H
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

struct cel;

/* Compiles an expression whose type is bool; one that may be of any type (`req.a` alone) is
   refused. vars names what may be used, with NULL at the end; the names are copied. 0, *out is the
   caller's (cel_free); or -1 (ERR_STALL): the message says what is wrong, and where. */
int cel_new(
	struct cel **out, const char *text, const char *const *vars, struct err *err) must_check;
/* The same for an expression of any type. */
int cel_new_any(
	struct cel **out, const char *text, const char *const *vars, struct err *err) must_check;
/* NULL is fine. */
void cel_free(struct cel *c);

/* Evaluates what cel_new made. values: one for each of vars, in their order, borrowed; NULL: there
   is none, and using it is an error. 0, or -1 (ERR_RETRY: with other values it may work). */
int cel_bool(
	const struct cel *c, const json_t *const *values, bool *out, struct err *err) must_check;
/* Evaluates to JSON: integers for int, reals for double. A value without a JSON form (timestamp,
   duration, bytes, uint, type, an optional one) is an error. *out is the caller's. */
int cel_eval(
	const struct cel *c, const json_t *const *values, json_t **out, struct err *err) must_check;

#endif
