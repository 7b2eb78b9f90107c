/* sprig's functions of regular expressions and of versions (regex.go, semver.go). */
#include "base/ascii.h"
#include "base/mem.h"
#include "template/internal.h"
#include "text/expand.h"
#include "text/match.h"
#include "text/semver.h"

#include <stdio.h>
#include <string.h>

static const struct value *arg(const struct call *c, size_t i)
{
	return c->args[i];
}

/* ---- patterns -------------------------------------------------------------------------------- */

/* A walk over the matches in a text, as Go's regexp finds them. */
struct search {
	const struct call *c;
	struct match *m;
	const struct value *s;
	struct expand *x; /* of a replacement with groups */
	struct buf *filled; /* by it */
};

/* A pattern of many instructions takes long to compile, and each byte may meet each of them. */
static int compile(const struct call *c, struct search *w, struct err *why)
{
	const struct value *pattern = arg(c, 0);

	*w = (struct search){.c = c, .s = arg(c, 1)};
	if (strlen(pattern->s) != pattern->len)
		return err_set(why, ERR_STALL, "a NUL in it");
	if (run_tick(c->r, 20) || match_new(&w->m, pattern->s, why))
		return -1;
	if (!run_tick(c->r, (size_t)match_program(w->m) / 2))
		return 0;
	match_free(w->m);
	return -1;
}

static int tick_search(const struct search *w, size_t from)
{
	size_t work = (w->s->len - from) * (size_t)match_program(w->m);

	return run_tick(w->c->r, 1 + work / 512);
}

/* 1: a match from there on; 0; -1. */
static int search_from(struct search *w, size_t from, struct match_span *span)
{
	if (tick_search(w, from))
		return -1;
	if (!w->x)
		return match_spans_from(w->m, w->s->s, w->s->len, from, span, 1);
	buf_reset(w->filled);
	return expand_from(w->x, w->s->s, w->s->len, from, span, w->filled);
}

static size_t rune_width(const struct value *s, size_t at)
{
	size_t n = 0;

	if (at < s->len)
		rune_at(s->s + at, s->len - at, &n);
	return n;
}

/* Calls back for up to max matches; max -1: all. */
static int each_match(struct search *w, int64_t max,
	void (*on)(void *arg, const struct match_span *span), void *on_arg)
{
	size_t pos = 0, before = (size_t)-1, n;
	struct match_span span;
	int64_t i = 0;
	int rc;

	while ((max < 0 || i < max) && pos <= w->s->len) {
		bool take = true;

		rc = search_from(w, pos, &span);
		if (rc <= 0)
			return rc;
		if (span.to == pos) {
			take = span.from != before;
			n = rune_width(w->s, pos);
			pos = n ? pos + n : w->s->len + 1;
		} else {
			pos = span.to;
		}
		before = span.to;
		if (take) {
			on(on_arg, &span);
			i++;
		}
	}
	return 0;
}

struct pieces {
	const struct search *w;
	struct value *list;
	int64_t max;
	size_t begin, end;
	bool full;
};

static void add_piece(struct pieces *p, size_t from, size_t to)
{
	struct value_pool *pool = &p->w->c->r->pool;

	value_add(pool, p->list, value_string(pool, p->w->s->s + from, to - from));
}

static void on_found(void *arg, const struct match_span *span)
{
	add_piece(arg, span->from, span->to);
}

static void on_gap(void *arg, const struct match_span *span)
{
	struct pieces *p = arg;

	if (p->full || !p->list)
		return;
	if (p->max > 0 && (int64_t)p->list->len == p->max - 1) {
		p->full = true;
		return;
	}
	p->end = span->from;
	if (span->to)
		add_piece(p, p->begin, p->end);
	p->begin = span->to;
}

static int find_all(struct search *w, int64_t max)
{
	struct pieces p = {.w = w, .list = value_list(&w->c->r->pool, &value_type_list_string)};

	if (each_match(w, max, on_found, &p))
		return -1;
	if (p.list)
		p.list->nil = !p.list->len;
	return call_return(w->c, p.list);
}

static int split(struct search *w, int64_t max)
{
	struct pieces p = {
		.w = w, .list = value_list(&w->c->r->pool, &value_type_list_string), .max = max};

	if (!p.list)
		return call_return(w->c, NULL);
	p.list->nil = !max;
	if (!max)
		return call_return(w->c, p.list);
	if (arg(w->c, 0)->len && !w->s->len) {
		add_piece(&p, 0, 0);
		return call_return(w->c, p.list);
	}
	if (each_match(w, max, on_gap, &p))
		return -1;
	if (p.end != w->s->len)
		add_piece(&p, p.begin, w->s->len);
	return call_return(w->c, p.list);
}

static int replace_all(struct search *w, const struct value *literal)
{
	auto_buf struct buf b = CALL_BUF();
	size_t pos = 0, last = 0, n;
	struct match_span span;
	int rc;

	while (pos <= w->s->len && !buf_over(&b)) {
		rc = search_from(w, pos, &span);
		if (rc < 0)
			return -1;
		if (!rc)
			break;
		buf_add(&b, w->s->s + last, span.from - last);
		if (span.to > last || !span.from) {
			if (literal)
				buf_add(&b, literal->s, literal->len);
			else
				buf_add(&b, buf_str(w->filled), w->filled->len);
		}
		last = span.to;
		n = rune_width(w->s, pos);
		if (pos + n > span.to)
			pos += n;
		else
			pos = pos + 1 > span.to ? pos + 1 : span.to;
	}
	buf_add(&b, w->s->s + last, w->s->len - last);
	return call_return_buf(w->c, &b);
}

static int replace_groups(struct search *w)
{
	auto_buf struct buf filled = CALL_BUF();
	const struct value *with = arg(w->c, 2);
	struct err why = {0};
	int rc;

	if (!memchr(with->s, '$', with->len))
		return replace_all(w, with);
	if (strlen(with->s) != with->len || expand_new(&w->x, with->s, w->m, &why))
		return run_over(w->c->r, "a replacement is too long, or takes too long");
	w->filled = &filled;
	rc = replace_all(w, NULL);
	expand_free(w->x);
	return rc;
}

static int find_first(struct search *w)
{
	struct match_span span = {0};
	int rc = search_from(w, 0, &span);

	if (rc < 0)
		return -1;
	return call_return(
		w->c, value_string(&w->c->r->pool, w->s->s + span.from, span.to - span.from));
}

static int search_run(struct search *w)
{
	const struct call *c = w->c;

	switch (c->fn->arg & 0xff) {
	case 'm':
		if (tick_search(w, 0))
			return -1;
		return call_return(
			c, value_bool(&c->r->pool, match_text(w->m, w->s->s, w->s->len)));
	case 'f':
		return find_first(w);
	case 'a':
		return find_all(w, arg(c, 2)->i);
	case 's':
		return split(w, arg(c, 2)->i);
	case 'l':
		return replace_all(w, arg(c, 2));
	default:
		return replace_groups(w);
	}
}

FN(fn_regex)
{
	struct err why = {0};
	struct search w;
	int rc;

	if (compile(c, &w, &why)) {
		if (c->fn->arg == 'm' && c->r->err->kind == ERR_NONE)
			return call_return(c, value_bool(&c->r->pool, false));
		return call_fail(c, "%s%s", c->fn->arg & 0x100 ? "" : "regexp: ", why.msg);
	}
	rc = search_run(&w);
	match_free(w.m);
	return rc;
}

FN(fn_regex_quote)
{
	auto_buf struct buf b = CALL_BUF();
	const struct value *s = arg(c, 0);
	size_t i;

	for (i = 0; i < s->len && !buf_over(&b); i++) {
		if (s->s[i] && strchr("\\.+*?()|[]{}^$", s->s[i]))
			buf_addc(&b, '\\');
		buf_addc(&b, s->s[i]);
	}
	return call_return_buf(c, &b);
}

/* ---- versions -------------------------------------------------------------------------------- */

struct version {
	struct semver v;
	struct name pre, meta, numbers[3];
};

static bool read_digits(const char **s, struct name *out)
{
	const char *from = *s;

	while (ascii_is_digit(**s))
		*s += 1;
	*out = (struct name){from, (size_t)(*s - from)};
	return out->len;
}

/* Words between dots, behind a - or a +. */
static bool read_words(const char **s, struct name *out)
{
	const char *from = ++*s, *word = from;

	for (;; *s += 1) {
		if (ascii_is_alnum(**s) || **s == '-')
			continue;
		if (*s == word)
			return false;
		if (**s != '.')
			break;
		word = *s + 1;
	}
	*out = (struct name){from, (size_t)(*s - from)};
	return true;
}

/* A number of several digits that begins with a zero. */
static bool has_zero_word(const struct name *n)
{
	const char *at = n->s, *end = n->s + n->len;

	while (at < end) {
		const char *dot = memchr(at, '.', (size_t)(end - at)), *to = dot ? dot : end, *p;

		for (p = at; p < to && ascii_is_digit(*p); p++)
			;
		if (p == to && to - at > 1 && *at == '0')
			return true;
		at = to + 1;
	}
	return false;
}

/* As semver.NewVersion: parts may be missing. NULL, or what is wrong. */
static const char *read_version(const struct value *text, struct version *out)
{
	char whole[SEMVER_TEXT_MAX + 16];
	const char *s = text->s;
	size_t n = 0;

	*out = (struct version){0};
	if (text->len > SEMVER_TEXT_MAX)
		return "version string is too long (max 256 bytes)";
	s += *s == 'v';
	if (!read_digits(&s, &out->numbers[n++]))
		return "invalid semantic version";
	while (n < 3 && *s == '.' && ascii_is_digit(s[1])) {
		s++;
		read_digits(&s, &out->numbers[n++]);
	}
	if ((*s == '-' && !read_words(&s, &out->pre)) ||
		(*s == '+' && !read_words(&s, &out->meta)) || s != text->s + text->len)
		return "invalid semantic version";
	if (has_zero_word(&out->pre))
		return "version segment starts with 0";
	snprintf(whole, sizeof(whole), "%.*s.%.*s.%.*s%s%.*s", (int)out->numbers[0].len,
		out->numbers[0].s, n > 1 ? (int)out->numbers[1].len : 1,
		n > 1 ? out->numbers[1].s : "0", n > 2 ? (int)out->numbers[2].len : 1,
		n > 2 ? out->numbers[2].s : "0", out->pre.len ? "-" : "", (int)out->pre.len,
		out->pre.s ? out->pre.s : "");
	if (strlen(whole) > SEMVER_TEXT_MAX || !semver_parse(&out->v, whole))
		return "error parsing version segment: value out of range";
	return NULL;
}

static void add_method(const struct call *c, struct value *s, const char *name, uint64_t n)
{
	value_method(&c->r->pool, s, name, value_int(&c->r->pool, &value_type_uint64, (int64_t)n));
}

static void add_text(const struct call *c, struct value *s, const char *name, const struct name *n)
{
	value_method(&c->r->pool, s, name, value_string(&c->r->pool, n->s ? n->s : "", n->len));
}

FN(fn_semver)
{
	static const struct value_type type = {VALUE_STRUCT, "*semver.Version", NULL, NULL};
	auto_buf struct buf b = BUF_INIT(SEMVER_TEXT_MAX + 80);
	struct value *s = value_struct(&c->r->pool, &type);
	struct version v;
	const char *why = read_version(arg(c, 0), &v);

	if (why)
		return call_fail(c, "%s", why);
	buf_addf(&b, "%llu.%llu.%llu", (unsigned long long)v.v.major, (unsigned long long)v.v.minor,
		(unsigned long long)v.v.patch);
	if (v.pre.len)
		buf_addf(&b, "-%.*s", (int)v.pre.len, v.pre.s);
	if (v.meta.len)
		buf_addf(&b, "+%.*s", (int)v.meta.len, v.meta.s);
	add_method(c, s, "Major", v.v.major);
	add_method(c, s, "Minor", v.v.minor);
	add_method(c, s, "Patch", v.v.patch);
	add_text(c, s, "Prerelease", &v.pre);
	add_text(c, s, "Metadata", &v.meta);
	value_method(&c->r->pool, s, "Original", arg(c, 0));
	value_prints(s, value_from_buf(&c->r->pool, &b));
	if (s)
		value_method(&c->r->pool, s, "String", s->text);
	return call_return(c, s);
}

FN(fn_semver_compare)
{
	struct semver_range range;
	struct err err = {0};
	struct version v;
	const char *why;
	bool yes;

	if (semver_range_parse(&range, arg(c, 0)->s, &err))
		return call_fail(c, "%s", err.msg);
	why = read_version(arg(c, 1), &v);
	yes = !why && semver_range_match(&range, &v.v);
	semver_range_clear(&range);
	if (why)
		return call_fail(c, "%s", why);
	return call_return(c, value_bool(&c->r->pool, yes));
}
