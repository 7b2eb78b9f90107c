/*
 * Ranges. The Go module defines them by four regular expressions applied one after the other; what
 * they accept together is the grammar here. Two oddities are kept, because they decide what
 * matches: `A - B` is rewritten as text before anything else is read, and a lone `|` counts as a
 * character of a version (which then is no number).
 */
#include "text/semver.h"

#include "base/ascii.h"
#include "base/mem.h"
#include "base/vec.h"

#include <stdio.h>
#include <string.h>

enum op { OP_EQ, OP_NE, OP_GT, OP_LT, OP_GE, OP_LE, OP_TILDE, OP_CARET };

/* The first part that is missing or a wildcard. */
enum wild { WILD_NONE, WILD_MAJOR, WILD_MINOR, WILD_PATCH };

struct semver_term {
	enum op op;
	enum wild wild;
	bool first; /* of its group */
	bool pre; /* some term of its group has a prerelease */
	struct semver con;
};

static const struct {
	char text[3];
	enum op op;
} ops[] = {{"", OP_EQ}, {"=", OP_EQ}, {"!=", OP_NE}, {">", OP_GT}, {"<", OP_LT}, {">=", OP_GE},
	{"=>", OP_GE}, {"<=", OP_LE}, {"=<", OP_LE}, {"~", OP_TILDE}, {"~>", OP_TILDE},
	{"^", OP_CARET}};

/* One version of a range as it was written. */
struct con_text {
	const char *from, *end;
	const char *part[3]; /* NULL: missing */
	int part_len[3];
	const char *pre; /* from its '-'; "" without */
	int pre_len;
};

static const char *range_skip_blanks(const char *p)
{
	return p + strspn(p, " \t\n\f\r");
}

static bool range_is_ident(char c)
{
	return ascii_is_alnum(c) || c == '-';
}

/* `-` or `+` and dotted identifiers, if they are here. */
static const char *scan_tail(const char *p, char mark)
{
	if (*p != mark || !range_is_ident(p[1]))
		return p;
	for (p++; range_is_ident(*p) || (*p == '.' && range_is_ident(p[1]));)
		p++;
	return p;
}

/* The longest version text at p; NULL if none begins here. */
static const char *scan_con(const char *p, struct con_text *t)
{
	static const char digits[] = "0123456789|xX*";
	size_t i, n;

	memset(t, 0, sizeof(*t));
	t->from = p;
	p += *p == 'v';
	for (i = 0; i < 3; i++) {
		if (i && *p != '.')
			break;
		n = strspn(p + (i > 0), digits);
		if (!n)
			break;
		p += i > 0;
		t->part[i] = p;
		t->part_len[i] = (int)n;
		p += n;
	}
	if (!t->part[0])
		return NULL;
	t->pre = p;
	p = scan_tail(p, '-');
	t->pre_len = (int)(p - t->pre);
	t->end = p = scan_tail(p, '+');
	return p;
}

/* ---- A - B ----------------------------------------------------------------------------------- */

/* `A - B` with the blanks around it, at p exactly: its end, or NULL. */
static const char *scan_hyphen(const char *p, struct con_text *a, struct con_text *b)
{
	const char *q = scan_con(range_skip_blanks(p), a);

	if (!q || range_skip_blanks(q) == q)
		return NULL;
	q = range_skip_blanks(q);
	if (*q != '-' || range_skip_blanks(q + 1) == q + 1)
		return NULL;
	q = scan_con(range_skip_blanks(q + 1), b);
	return q ? range_skip_blanks(q) : NULL;
}

/* Puts `to` in place of the first occurrence of the n bytes at `what`, wherever that is. */
static char *replace_first(char *in, const char *what, size_t n, const char *to)
{
	char *at = memmem(in, strlen(in), what, n), *out;

	if (!at)
		return in;
	out = mem_printf("%.*s%s%s", (int)(at - in), in, to, at + n);
	free(in);
	return out;
}

static char *rewrite_hyphens(const char *text)
{
	char *out = mem_strdup(text);
	struct con_text a, b;
	const char *p = text, *end;

	while (*p) {
		auto_free char *to = NULL;

		end = scan_hyphen(p, &a, &b);
		if (!end) {
			p++;
			continue;
		}
		to = mem_printf(">= %.*s, <= %.*s ", (int)(a.end - a.from), a.from,
			(int)(b.end - b.from), b.from);
		out = replace_first(out, p, (size_t)(end - p), to);
		p = end;
	}
	return out;
}

/* ---- terms ----------------------------------------------------------------------------------- */

static bool part_is_wild(const struct con_text *t, int i)
{
	return !t->part[i] || (t->part_len[i] == 1 && strchr("xX*", t->part[i][0]));
}

/* The version that a term compares with: wildcards and what follows them are 0, a prerelease
   stays. */
static bool term_version(struct semver_term *term, const struct con_text *t)
{
	auto_free char *text = NULL;
	struct semver v;

	if (part_is_wild(t, 0)) {
		term->wild = WILD_MAJOR;
		text = mem_printf("0.0.0%.*s", t->pre_len, t->pre);
	} else if (part_is_wild(t, 1)) {
		term->wild = WILD_MINOR;
		text = mem_printf("%.*s.0.0%.*s", t->part_len[0], t->part[0], t->pre_len, t->pre);
	} else if (part_is_wild(t, 2)) {
		term->wild = WILD_PATCH;
		text = mem_printf("%.*s.%.*s.0%.*s", t->part_len[0], t->part[0], t->part_len[1],
			t->part[1], t->pre_len, t->pre);
	} else {
		term->wild = WILD_NONE;
		text = mem_strndup(t->from, (size_t)(t->end - t->from));
	}
	/* Three parts are there now, and a dot in each place: the tags' rule fits. */
	if (!semver_parse(&v, text))
		return false;
	term->con = v;
	return true;
}

static const char *scan_op(const char *p, enum op *op)
{
	size_t n = strspn(p, "=!<>~^"), i;

	for (i = 0; i < ARRAY_LEN(ops); i++)
		if (strlen(ops[i].text) == n && !memcmp(ops[i].text, p, n)) {
			*op = ops[i].op;
			return p + n;
		}
	return NULL;
}

typedef VEC(struct semver_term) term_vec;

/* One group: terms divided by blanks or one comma. */
static int parse_group(term_vec *terms, const char *group, struct err *err)
{
	const char *p = range_skip_blanks(group), *start = p, *end;
	size_t from = terms->len, i;
	struct con_text t;
	bool pre = false;

	for (;;) {
		struct semver_term term = {.first = terms->len == from};

		start = p;
		p = scan_op(p, &term.op);
		p = p ? scan_con(range_skip_blanks(p), &t) : NULL;
		if (!p)
			return err_set(err, ERR_RETRY, "no term at '%s'", start);
		if (!term_version(&term, &t))
			return err_set(
				err, ERR_RETRY, "no version in '%.*s'", (int)(p - start), start);
		pre = pre || term.con.pre[0];
		*vec_add(terms) = term;
		end = p;
		p = range_skip_blanks(p);
		if (!*p)
			break;
		if (*p == ',')
			p = range_skip_blanks(p + 1);
		else if (p == end)
			return err_set(err, ERR_RETRY, "no term at '%s'", start);
	}
	for (i = from; i < terms->len; i++)
		terms->p[i].pre = pre;
	return 0;
}

static int parse_groups(term_vec *terms, char *text, struct err *err)
{
	unsigned groups = 0;
	char *p = text, *bar;

	do {
		if (++groups > SEMVER_GROUPS_MAX)
			return err_set(
				err, ERR_RETRY, "more than %d alternatives", SEMVER_GROUPS_MAX);
		bar = strstr(p, "||");
		if (bar)
			*bar = 0;
		if (parse_group(terms, p, err))
			return -1;
		p = bar ? bar + 2 : NULL;
	} while (p);
	return 0;
}

int semver_range_parse(struct semver_range *r, const char *text, struct err *err)
{
	auto_free char *rewritten = NULL;
	term_vec terms = {0};

	if (strnlen(text, SEMVER_RANGE_MAX + 1) > SEMVER_RANGE_MAX)
		return err_set(err, ERR_RETRY, "semver range '%.40s...' is over %d bytes", text,
			SEMVER_RANGE_MAX);
	rewritten = rewrite_hyphens(text);
	if (parse_groups(&terms, rewritten, err)) {
		vec_clear(&terms);
		return err_wrap(err, "semver range '%s' is not valid", text);
	}
	r->terms = terms.p;
	r->count = terms.len;
	return 0;
}

void semver_range_clear(struct semver_range *r)
{
	free(r->terms);
	r->terms = NULL;
	r->count = 0;
}

/* ---- matching -------------------------------------------------------------------------------- */

static bool same_minor(const struct semver *v, const struct semver *con)
{
	return v->major == con->major && v->minor == con->minor;
}

static bool match_tilde(const struct semver_term *t, const struct semver *v, int c)
{
	const struct semver *con = &t->con;

	if (c < 0)
		return false;
	/* ~0.0.0 and a bare * take everything from there on. */
	if (!con->major && !con->minor && !con->patch && t->wild != WILD_MINOR &&
		t->wild != WILD_PATCH)
		return true;
	return t->wild == WILD_MINOR ? v->major == con->major : same_minor(v, con);
}

static bool match_caret(const struct semver_term *t, const struct semver *v, int c)
{
	const struct semver *con = &t->con;

	if (c < 0)
		return false;
	if (con->major || t->wild == WILD_MINOR)
		return v->major == con->major;
	if (con->minor || t->wild == WILD_PATCH)
		return same_minor(v, con);
	/* So ^* means 0.0.0, unlike in npm. */
	return same_minor(v, con) && v->patch == con->patch;
}

static bool match_not_equal(const struct semver_term *t, const struct semver *v, int c)
{
	if (t->wild == WILD_MINOR)
		return v->major != t->con.major;
	if (t->wild == WILD_PATCH)
		return !same_minor(v, &t->con) || strcmp(v->pre, t->con.pre) != 0;
	return c != 0;
}

static bool match_greater(const struct semver_term *t, const struct semver *v, int c)
{
	if (t->wild == WILD_MINOR)
		return v->major > t->con.major;
	if (t->wild == WILD_PATCH)
		return v->major > t->con.major ||
			(v->major == t->con.major && v->minor > t->con.minor);
	return c > 0;
}

static bool match_less_equal(const struct semver_term *t, const struct semver *v, int c)
{
	if (t->wild == WILD_NONE)
		return c <= 0;
	if (v->major != t->con.major || t->wild == WILD_MINOR)
		return v->major <= t->con.major;
	return v->minor <= t->con.minor;
}

static bool match_term(const struct semver_term *t, const struct semver *v)
{
	int c;

	if (v->pre[0] && !t->pre)
		return false;
	c = semver_compare(v, &t->con);
	switch (t->op) {
	case OP_EQ:
		return t->wild == WILD_NONE ? c == 0 : match_tilde(t, v, c);
	case OP_NE:
		return match_not_equal(t, v, c);
	case OP_GT:
		return match_greater(t, v, c);
	case OP_LT:
		return c < 0;
	case OP_GE:
		return c >= 0;
	case OP_LE:
		return match_less_equal(t, v, c);
	case OP_TILDE:
		return match_tilde(t, v, c);
	case OP_CARET:
		return match_caret(t, v, c);
	}
	return false;
}

bool semver_range_match(const struct semver_range *r, const struct semver *v)
{
	bool all = false;
	size_t i;

	for (i = 0; i < r->count; i++) {
		if (r->terms[i].first && all)
			return true;
		all = (r->terms[i].first || all) && match_term(&r->terms[i], v);
	}
	return all;
}
