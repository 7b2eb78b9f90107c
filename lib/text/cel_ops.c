/* Operators, conversions, sets and optional values. The arguments fit one of the overloads that
   cel_fns.c lists. */
#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/cel_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int op_overflow(struct err *err)
{
	return err_set(err, ERR_RETRY, "a number is out of range");
}

static int op_zero(struct err *err)
{
	return err_set(err, ERR_RETRY, "division by zero");
}

/* ---- times ----------------------------------------------------------------------------------- */

#define NS 1000000000LL

static int add_to_time(const struct cel_time *t, int64_t ns, struct cel_val *out, struct err *err)
{
	int64_t sec = t->sec + ns / NS, nsec = t->nsec + ns % NS;

	if (nsec < 0) {
		sec--;
		nsec += NS;
	} else if (nsec >= NS) {
		sec++;
		nsec -= NS;
	}
	if (!cel_timestamp_ok(sec))
		return op_overflow(err);
	*out = (struct cel_val){.kind = CEL_TIMESTAMP,
		.time = {.sec = sec, .nsec = (int32_t)nsec, .offset = t->offset}};
	return 0;
}

static int time_difference(
	const struct cel_time *a, const struct cel_time *b, struct cel_val *out, struct err *err)
{
	int64_t ns;

	if (__builtin_mul_overflow(a->sec - b->sec, NS, &ns) ||
		__builtin_add_overflow(ns, (int64_t)a->nsec - b->nsec, &ns))
		return op_overflow(err);
	*out = (struct cel_val){.kind = CEL_DURATION, .i = ns};
	return 0;
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static int add_lists(struct cel_run *r, const struct cel_val *a, const struct cel_val *b,
	struct cel_val *out, struct err *err)
{
	struct cel_val *items;
	size_t i;

	if (!a->len || !b->len) {
		*out = a->len ? *a : *b;
		return 0;
	}
	items = cel_alloc(r, (a->len + b->len) * sizeof(*items), err);
	if (!items || cel_tick(r, a->len + b->len, err))
		return -1;
	for (i = 0; i < a->len; i++)
		items[i] = cel_list_at(a, i);
	for (i = 0; i < b->len; i++)
		items[a->len + i] = cel_list_at(b, i);
	*out = (struct cel_val){.kind = CEL_LIST, .items = items, .len = a->len + b->len};
	return 0;
}

static int add_text(struct cel_run *r, const struct cel_val *a, const struct cel_val *b,
	struct cel_val *out, struct err *err)
{
	char *s = cel_alloc(r, a->len + b->len, err);

	if (!s || cel_tick_bytes(r, a->len + b->len, err))
		return -1;
	if (a->len)
		memcpy(s, a->s, a->len);
	if (b->len)
		memcpy(s + a->len, b->s, b->len);
	*out = (struct cel_val){.kind = a->kind, .s = s, .len = a->len + b->len};
	return 0;
}

CEL_FN(cel_op_add)
{
	const struct cel_val *a = &args[0], *b = &args[1];

	(void)n;
	*out = *a;
	switch (a->kind) {
	case CEL_LIST:
		return add_lists(r, a, b, out, err);
	case CEL_STRING:
	case CEL_BYTES:
		return add_text(r, a, b, out, err);
	case CEL_DOUBLE:
		out->d = a->d + b->d;
		return 0;
	case CEL_UINT:
		return __builtin_add_overflow(a->u, b->u, &out->u) ? op_overflow(err) : 0;
	case CEL_TIMESTAMP:
		return add_to_time(&a->time, b->i, out, err);
	case CEL_DURATION:
		if (b->kind == CEL_TIMESTAMP)
			return add_to_time(&b->time, a->i, out, err);
		/* fallthrough */
	default:
		return __builtin_add_overflow(a->i, b->i, &out->i) ? op_overflow(err) : 0;
	}
}

CEL_FN(cel_op_sub)
{
	const struct cel_val *a = &args[0], *b = &args[1];
	int64_t minus;

	(void)r;
	(void)n;
	*out = *a;
	switch (a->kind) {
	case CEL_DOUBLE:
		out->d = a->d - b->d;
		return 0;
	case CEL_UINT:
		return __builtin_sub_overflow(a->u, b->u, &out->u) ? op_overflow(err) : 0;
	case CEL_TIMESTAMP:
		if (b->kind == CEL_TIMESTAMP)
			return time_difference(&a->time, &b->time, out, err);
		if (__builtin_sub_overflow((int64_t)0, b->i, &minus))
			return op_overflow(err);
		return add_to_time(&a->time, minus, out, err);
	default:
		return __builtin_sub_overflow(a->i, b->i, &out->i) ? op_overflow(err) : 0;
	}
}

CEL_FN(cel_op_mul)
{
	const struct cel_val *a = &args[0], *b = &args[1];

	(void)r;
	(void)n;
	*out = *a;
	if (a->kind == CEL_DOUBLE) {
		out->d = a->d * b->d;
		return 0;
	}
	if (a->kind == CEL_UINT ? __builtin_mul_overflow(a->u, b->u, &out->u)
				: __builtin_mul_overflow(a->i, b->i, &out->i))
		return op_overflow(err);
	return 0;
}

/* 0 when a / b is a number. */
static int check_division(const struct cel_val *a, const struct cel_val *b, struct err *err)
{
	if (a->kind == CEL_UINT ? !b->u : !b->i)
		return op_zero(err);
	if (a->kind == CEL_INT && a->i == INT64_MIN && b->i == -1)
		return op_overflow(err);
	return 0;
}

CEL_FN(cel_op_div)
{
	const struct cel_val *a = &args[0], *b = &args[1];

	(void)r;
	(void)n;
	*out = *a;
	if (a->kind == CEL_DOUBLE) {
		out->d = a->d / b->d;
		return 0;
	}
	if (check_division(a, b, err))
		return -1;
	if (a->kind == CEL_UINT)
		out->u = a->u / b->u;
	else
		out->i = a->i / b->i;
	return 0;
}

CEL_FN(cel_op_mod)
{
	const struct cel_val *a = &args[0], *b = &args[1];

	(void)r;
	(void)n;
	*out = *a;
	if (check_division(a, b, err))
		return -1;
	if (a->kind == CEL_UINT)
		out->u = a->u % b->u;
	else
		out->i = a->i % b->i;
	return 0;
}

CEL_FN(cel_op_neg)
{
	(void)r;
	(void)n;
	*out = args[0];
	if (out->kind == CEL_DOUBLE)
		out->d = -out->d;
	else if (__builtin_sub_overflow((int64_t)0, args[0].i, &out->i))
		return op_overflow(err);
	return 0;
}

CEL_FN(cel_op_not)
{
	(void)r;
	(void)n;
	(void)err;
	*out = cel_of_bool(!args[0].b);
	return 0;
}

/* ---- comparisons ----------------------------------------------------------------------------- */

static int op_order(struct cel_run *r, const struct cel_val *args, int *order, struct err *err)
{
	if (cel_tick_bytes(r, args[0].kind == CEL_STRING ? args[0].len : 0, err))
		return -1;
	*order = cel_compare(&args[0], &args[1]);
	if (*order == CEL_UNORDERED)
		return err_set(err, ERR_RETRY, "NaN has no order");
	return 0;
}

CEL_FN(cel_op_less)
{
	int order, rc = op_order(r, args, &order, err);

	(void)n;
	*out = cel_of_bool(!rc && order < 0);
	return rc;
}

CEL_FN(cel_op_less_equal)
{
	int order, rc = op_order(r, args, &order, err);

	(void)n;
	*out = cel_of_bool(!rc && order <= 0);
	return rc;
}

CEL_FN(cel_op_greater)
{
	int order, rc = op_order(r, args, &order, err);

	(void)n;
	*out = cel_of_bool(!rc && order > 0);
	return rc;
}

CEL_FN(cel_op_greater_equal)
{
	int order, rc = op_order(r, args, &order, err);

	(void)n;
	*out = cel_of_bool(!rc && order >= 0);
	return rc;
}

/* The answer of a question that may run out of steps. */
static int answer(int rc, struct cel_val *out)
{
	*out = cel_of_bool(rc > 0);
	return rc < 0 ? -1 : 0;
}

CEL_FN(cel_op_equal)
{
	(void)n;
	return answer(cel_equal(r, &args[0], &args[1], err), out);
}

CEL_FN(cel_op_not_equal)
{
	int rc = cel_equal(r, &args[0], &args[1], err);

	(void)n;
	return answer(rc < 0 ? rc : !rc, out);
}

CEL_FN(cel_op_in)
{
	struct cel_val found;

	(void)n;
	if (args[1].kind == CEL_MAP)
		return answer(cel_map_find(r, &args[1], &args[0], &found, err), out);
	return answer(cel_list_has(r, &args[1], &args[0], err), out);
}

/* ---- conversions ----------------------------------------------------------------------------- */

static int not_converted(const struct cel_val *v, const char *to, struct err *err)
{
	return err_set(err, ERR_RETRY, "this '%s' cannot become '%s'", cel_kind_name(v->kind), to);
}

CEL_FN(cel_to_type)
{
	(void)r;
	(void)n;
	(void)err;
	*out = (struct cel_val){.kind = CEL_TYPE, .type = args[0].kind};
	return 0;
}

CEL_FN(cel_to_dyn)
{
	(void)r;
	(void)n;
	(void)err;
	*out = args[0];
	return 0;
}

static bool text_is(const struct cel_val *v, const char *s)
{
	return v->len == strlen(s) && !memcmp(v->s, s, v->len);
}

CEL_FN(cel_to_bool)
{
	static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
	static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};
	size_t i;

	(void)r;
	(void)n;
	*out = args[0];
	if (args[0].kind == CEL_BOOL)
		return 0;
	for (i = 0; i < ARRAY_LEN(yes); i++) {
		*out = cel_of_bool(text_is(&args[0], yes[i]));
		if (out->b || text_is(&args[0], no[i]))
			return 0;
	}
	return not_converted(&args[0], "bool", err);
}

CEL_FN(cel_to_bytes)
{
	(void)r;
	(void)n;
	(void)err;
	*out = args[0];
	out->kind = CEL_BYTES;
	return 0;
}

CEL_FN(cel_to_double)
{
	struct cel_val v = args[0];

	(void)n;
	*out = (struct cel_val){.kind = CEL_DOUBLE};
	if (v.kind == CEL_STRING) {
		if (cel_tick_bytes(r, v.len, err))
			return -1;
		return cel_double_parse(v.s, v.len, &out->d) ? 0 : not_converted(&v, "double", err);
	}
	out->d = v.kind == CEL_INT ? (double)v.i : v.kind == CEL_UINT ? (double)v.u : v.d;
	return 0;
}

/* Decimal digits and nothing else; false: more than 64 bits, too. */
static bool read_uint(const char *s, size_t len, uint64_t *out)
{
	*out = 0;
	if (!len)
		return false;
	for (; len; s++, len--) {
		if (!ascii_is_digit(*s) || __builtin_mul_overflow(*out, 10U, out) ||
			__builtin_add_overflow(*out, (unsigned)(*s - '0'), out))
			return false;
	}
	return true;
}

static bool read_int(const char *s, size_t len, int64_t *out)
{
	bool minus = len && *s == '-';
	size_t sign = len && (*s == '-' || *s == '+');
	uint64_t u;

	if (!read_uint(s + sign, len - sign, &u) || u > (uint64_t)INT64_MAX + minus)
		return false;
	*out = minus ? (int64_t)(0 - u) : (int64_t)u;
	return true;
}

CEL_FN(cel_to_int)
{
	const struct cel_val *v = &args[0];
	bool ok = true;

	(void)r;
	(void)n;
	*out = cel_of_int(0);
	switch (v->kind) {
	case CEL_UINT:
		ok = v->u <= INT64_MAX;
		out->i = ok ? (int64_t)v->u : 0;
		break;
	case CEL_DOUBLE:
		ok = cel_double_to_int(v->d, &out->i);
		break;
	case CEL_STRING:
		ok = read_int(v->s, v->len, &out->i);
		break;
	case CEL_TIMESTAMP:
		out->i = v->time.sec;
		break;
	default:
		out->i = v->i;
	}
	return ok ? 0 : not_converted(v, "int", err);
}

CEL_FN(cel_to_uint)
{
	const struct cel_val *v = &args[0];
	bool ok = true;

	(void)r;
	(void)n;
	*out = (struct cel_val){.kind = CEL_UINT};
	if (v->kind == CEL_UINT) {
		out->u = v->u;
	} else if (v->kind == CEL_INT) {
		ok = v->i >= 0;
		out->u = ok ? (uint64_t)v->i : 0;
	} else if (v->kind == CEL_DOUBLE) {
		ok = cel_double_to_uint(v->d, &out->u);
	} else {
		ok = read_uint(v->s, v->len, &out->u);
	}
	return ok ? 0 : not_converted(v, "uint", err);
}

static void format_duration(int64_t ns, char text[CEL_DOUBLE_TEXT])
{
	/* Seconds as a double. */
	double d = (double)(ns / NS) + (double)(ns % NS) / 1e9;
	char number[CEL_DOUBLE_TEXT];

	cel_double_format_plain(d, number);
	snprintf(text, CEL_DOUBLE_TEXT, "%.300ss", number);
}

CEL_FN(cel_to_string)
{
	const struct cel_val *v = &args[0];
	char text[CEL_DOUBLE_TEXT] = "", *copy;

	(void)n;
	switch (v->kind) {
	case CEL_STRING:
		*out = *v;
		return 0;
	case CEL_BYTES:
		if (cel_tick_bytes(r, v->len, err))
			return -1;
		if (!utf8_ok(v->s, v->len))
			return not_converted(v, "string", err);
		*out = cel_of_string(v->s, v->len);
		return 0;
	case CEL_BOOL:
		snprintf(text, sizeof(text), "%s", v->b ? "true" : "false");
		break;
	case CEL_INT:
		snprintf(text, sizeof(text), "%" PRId64, v->i);
		break;
	case CEL_UINT:
		snprintf(text, sizeof(text), "%" PRIu64, v->u);
		break;
	case CEL_DOUBLE:
		cel_double_format(v->d, text);
		break;
	case CEL_DURATION:
		format_duration(v->i, text);
		break;
	default:
		cel_timestamp_format(&v->time, text);
	}
	copy = cel_alloc(r, strlen(text) + 1, err);
	if (!copy)
		return -1;
	memcpy(copy, text, strlen(text) + 1);
	*out = cel_of_string(copy, strlen(text));
	return 0;
}

CEL_FN(cel_to_timestamp)
{
	const struct cel_val *v = &args[0];

	(void)r;
	(void)n;
	*out = *v;
	if (v->kind == CEL_TIMESTAMP)
		return 0;
	*out = (struct cel_val){.kind = CEL_TIMESTAMP};
	if (v->kind == CEL_INT) {
		out->time.sec = v->i;
		return cel_timestamp_ok(v->i) ? 0 : not_converted(v, "timestamp", err);
	}
	return cel_timestamp_parse(v->s, v->len, &out->time) ? 0
							     : not_converted(v, "timestamp", err);
}

CEL_FN(cel_to_duration)
{
	const struct cel_val *v = &args[0];

	(void)n;
	*out = *v;
	if (v->kind == CEL_DURATION)
		return 0;
	out->kind = CEL_DURATION;
	if (cel_tick_bytes(r, v->kind == CEL_STRING ? v->len : 0, err))
		return -1;
	/* Of an int: the peer has the overload, and no such conversion. */
	if (v->kind == CEL_INT || !cel_duration_parse(v->s, v->len, &out->i))
		return not_converted(v, "duration", err);
	return 0;
}

/* ---- sets ------------------------------------------------------------------------------------ */

/* 1: all items of b are in a; 0; -1. */
static int has_all(
	struct cel_run *r, const struct cel_val *a, const struct cel_val *b, struct err *err)
{
	size_t i;
	int rc = 1;

	for (i = 0; i < b->len && rc > 0; i++) {
		struct cel_val item = cel_list_at(b, i);

		rc = cel_list_has(r, a, &item, err);
	}
	return rc;
}

CEL_FN(cel_set_contains)
{
	(void)n;
	return answer(has_all(r, &args[0], &args[1], err), out);
}

CEL_FN(cel_set_equivalent)
{
	int rc = has_all(r, &args[0], &args[1], err);

	(void)n;
	if (rc > 0)
		rc = has_all(r, &args[1], &args[0], err);
	return answer(rc, out);
}

CEL_FN(cel_set_intersects)
{
	size_t i;
	int rc = 0;

	(void)n;
	for (i = 0; i < args[0].len && !rc; i++) {
		struct cel_val item = cel_list_at(&args[0], i);

		rc = cel_list_has(r, &args[1], &item, err);
	}
	return answer(rc, out);
}

/* ---- optional values, lists ------------------------------------------------------------------ */

CEL_FN(cel_optional_of)
{
	(void)n;
	return cel_of_some(r, &args[0], out, err);
}

CEL_FN(cel_optional_none)
{
	(void)r;
	(void)args;
	(void)n;
	(void)err;
	*out = (struct cel_val){.kind = CEL_OPTIONAL};
	return 0;
}

/* The first instant of Go's calendar. */
#define TIME_ZERO (-62135596800LL)

static bool is_zero(const struct cel_val *v)
{
	switch (v->kind) {
	case CEL_NULL:
		return true;
	case CEL_BOOL:
		return !v->b;
	case CEL_INT:
	case CEL_DURATION:
		return !v->i;
	case CEL_UINT:
		return !v->u;
	case CEL_DOUBLE:
		return v->d == 0;
	case CEL_TIMESTAMP:
		return v->time.sec == TIME_ZERO && !v->time.nsec;
	case CEL_STRING:
	case CEL_BYTES:
	case CEL_LIST:
	case CEL_MAP:
		return !v->len;
	default:
		return false;
	}
}

CEL_FN(cel_optional_nonzero)
{
	if (is_zero(&args[0]))
		return cel_optional_none(r, args, n, out, err);
	return cel_of_some(r, &args[0], out, err);
}

CEL_FN(cel_optional_value)
{
	(void)r;
	(void)n;
	if (!args[0].inner)
		return err_set(err, ERR_RETRY, "there is no value in the optional one");
	*out = *args[0].inner;
	return 0;
}

CEL_FN(cel_optional_has_value)
{
	(void)r;
	(void)n;
	(void)err;
	*out = cel_of_bool(args[0].inner != NULL);
	return 0;
}

static int list_at(struct cel_run *r, const struct cel_val *list, size_t i, struct cel_val *out,
	struct err *err)
{
	struct cel_val item;

	if (!list->len)
		return cel_optional_none(r, NULL, 0, out, err);
	item = cel_list_at(list, i);
	return cel_of_some(r, &item, out, err);
}

CEL_FN(cel_list_first)
{
	(void)n;
	return list_at(r, &args[0], 0, out, err);
}

CEL_FN(cel_list_last)
{
	(void)n;
	return list_at(r, &args[0], args[0].len - 1, out, err);
}
