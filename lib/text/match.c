/*
 * RE2 is what Go's regexp package was made after, so the pattern goes to it almost as it is; the
 * rewriting here is what the two have grown apart in. It follows the pattern only as far as it
 * must: literal text, \Q...\E and character classes are stepped over.
 */
#include "text/match.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "text/match_re2.h"

#include <string.h>

struct match {
	void *re;
	int program;
};

/* ---- \p{...} --------------------------------------------------------------------------------- */

/*
 * Names of Unicode categories, lower case without separators, and what RE2 calls them (its own name
 * for nearly all; items of a class for the rest). `others` is the complement as items, NULL when
 * only [^...] can say it. RE2 knows no unassigned code points, so a complement inside a class
 * leaves them out; registry tags are ASCII.
 */
#define ASSIGNED "\\pL\\pM\\pN\\pP\\pS\\pZ\\pC"
static const struct category {
	const char *name;
	const char *items;
	const char *others;
} categories[] = {
	{"any", "\\p{Any}", "\\P{Any}"},
	{"ascii", "\\x{0}-\\x{7f}", "\\x{80}-\\x{10ffff}"},
	{"assigned", ASSIGNED, NULL},
	{"lc", "\\p{Lu}\\p{Ll}\\p{Lt}", "\\p{Lm}\\p{Lo}\\pM\\pN\\pP\\pS\\pZ\\pC"},
	{"casedletter", "\\p{Lu}\\p{Ll}\\p{Lt}", "\\p{Lm}\\p{Lo}\\pM\\pN\\pP\\pS\\pZ\\pC"},
};

static const char *const unassigned[] = {"cn", "unassigned"};

/* The code, then the long names of it. */
static const struct {
	const char *code;
	const char *names[2];
} codes[] = {{"L", {"letter"}}, {"Lu", {"uppercaseletter"}}, {"Ll", {"lowercaseletter"}},
	{"Lt", {"titlecaseletter"}}, {"Lm", {"modifierletter"}}, {"Lo", {"otherletter"}},
	{"M", {"mark", "combiningmark"}}, {"Mn", {"nonspacingmark"}}, {"Mc", {"spacingmark"}},
	{"Me", {"enclosingmark"}}, {"N", {"number"}}, {"Nd", {"decimalnumber", "digit"}},
	{"Nl", {"letternumber"}}, {"No", {"othernumber"}}, {"P", {"punctuation", "punct"}},
	{"Pc", {"connectorpunctuation"}}, {"Pd", {"dashpunctuation"}}, {"Ps", {"openpunctuation"}},
	{"Pe", {"closepunctuation"}}, {"Pi", {"initialpunctuation"}}, {"Pf", {"finalpunctuation"}},
	{"Po", {"otherpunctuation"}}, {"S", {"symbol"}}, {"Sm", {"mathsymbol"}},
	{"Sc", {"currencysymbol"}}, {"Sk", {"modifiersymbol"}}, {"So", {"othersymbol"}},
	{"Z", {"separator"}}, {"Zs", {"spaceseparator"}}, {"Zl", {"lineseparator"}},
	{"Zp", {"paragraphseparator"}}, {"C", {"other"}}, {"Cc", {"control", "cntrl"}},
	{"Cf", {"format"}}, {"Cs", {"surrogate"}}, {"Co", {"privateuse"}}};

static char match_lower(char c)
{
	return ascii_is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

static bool is_separator(char c)
{
	return c == ' ' || c == '_' || c == '-';
}

#define NAME_MAX_LEN 64

/* The name in lower case without its separators; false when it is too long to be one. */
static bool fold_name(char out[NAME_MAX_LEN], const char *name, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (is_separator(name[i]))
			continue;
		if (n == NAME_MAX_LEN - 1)
			return false;
		out[n++] = match_lower(name[i]);
	}
	out[n] = 0;
	return true;
}

static const char *find_code(const char *folded)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(codes); i++) {
		const char *c = codes[i].code;

		if (folded[0] == match_lower(c[0]) && !strcmp(folded + 1, c + 1))
			return c;
		if (!strcmp(folded, codes[i].names[0]) ||
			(codes[i].names[1] && !strcmp(folded, codes[i].names[1])))
			return c;
	}
	return NULL;
}

/* A script of one word as RE2 spells it: Greek. Go's names have no separators left either when it
   looks them up. */
static void add_script(struct buf *out, const char *folded, bool negated)
{
	char first = *folded;

	if (first >= 'a' && first <= 'z')
		first = (char)(first - 'a' + 'A');
	buf_adds(out, negated ? "\\P{" : "\\p{");
	if (first)
		buf_addf(out, "%c%s", first, folded + 1);
	buf_addc(out, '}');
}

/* Items of a class: spliced into one, or made one. */
static void add_items(struct buf *out, const char *items, bool negated, bool in_class)
{
	if (in_class)
		buf_adds(out, items);
	else
		buf_addf(out, negated ? "[^%s]" : "[%s]", items);
}

static int add_unassigned(struct buf *out, bool negated, bool in_class, struct err *err)
{
	if (in_class && !negated)
		return err_set(err, ERR_RETRY, "\\p{Cn} inside [...] is not supported");
	add_items(out, ASSIGNED, !negated, in_class);
	return 0;
}

static int add_property(
	struct buf *out, const char *name, size_t len, bool negated, bool in_class, struct err *err)
{
	char folded[NAME_MAX_LEN];
	const char *code;
	size_t i;

	if (len && *name == '^') {
		negated = !negated;
		name++;
		len--;
	}
	if (!fold_name(folded, name, len))
		return err_set(err, ERR_RETRY, "invalid character class: \\p{%.40s...}", name);
	code = find_code(folded);
	if (code) {
		buf_addf(out, "\\%c{%s}", negated ? 'P' : 'p', code);
		return 0;
	}
	for (i = 0; i < ARRAY_LEN(unassigned); i++)
		if (!strcmp(folded, unassigned[i]))
			return add_unassigned(out, negated, in_class, err);
	for (i = 0; i < ARRAY_LEN(categories); i++) {
		const struct category *c = &categories[i];

		if (strcmp(folded, c->name) != 0)
			continue;
		if (negated && !c->others)
			return add_unassigned(out, false, in_class, err);
		add_items(out, negated ? c->others : c->items, false, in_class);
		return 0;
	}
	add_script(out, folded, negated);
	return 0;
}

/* ---- the walk -------------------------------------------------------------------------------- */

/* p stands on a backslash outside \Q...\E. Returns what comes after the escape; NULL: refused. */
static const char *copy_escape(struct buf *out, const char *p, bool in_class, struct err *err)
{
	const char *name, *end;

	if (p[1] == 'C') {
		err_set(err, ERR_RETRY, "invalid escape sequence: \\C");
		return NULL;
	}
	if (p[1] != 'p' && p[1] != 'P') {
		/* A backslash at the end is RE2's to refuse. */
		buf_add(out, p, p[1] ? 2 : 1);
		return p + (p[1] ? 2 : 1);
	}
	name = p + 2;
	end = *name == '{' ? strchr(name, '}') : name + 1;
	if (!*name || !end || (unsigned char)*name >= 0x80) {
		buf_add(out, p, 2);
		return p + 2;
	}
	if (*name == '{')
		name++;
	if (add_property(out, name, (size_t)(end - name), p[1] == 'P', in_class, err))
		return NULL;
	return end + (*end == '}' && name[-1] == '{');
}

/* p stands on the [ of a class. Returns what comes after its ]. */
static const char *copy_class(struct buf *out, const char *p, struct err *err)
{
	const char *end, *first;

	buf_addc(out, *p++);
	if (*p == '^')
		buf_addc(out, *p++);
	for (first = p; p && *p;) {
		if (*p == ']' && p != first) {
			buf_addc(out, ']');
			return p + 1;
		}
		end = p[0] == '[' && p[1] == ':' ? strstr(p + 2, ":]") : NULL;
		if (end) {
			buf_add(out, p, (size_t)(end + 2 - p));
			p = end + 2;
		} else if (*p == '\\') {
			p = copy_escape(out, p, true, err);
		} else {
			buf_addc(out, *p++);
		}
	}
	return p;
}

static bool is_word(char c)
{
	return ascii_is_alnum(c) || c == '_';
}

/* p stands on `(?<` or `(?P<`; name is what comes after. */
static const char *copy_group(struct buf *out, const char *name, struct err *err)
{
	const char *p = name;

	while (is_word(*p))
		p++;
	if (p == name || *p != '>') {
		err_set(err, ERR_RETRY, "no valid group name at '%.40s'", name);
		return NULL;
	}
	buf_addf(out, "(?P<%.*s>", (int)(p - name), name);
	return p + 1;
}

static int pattern_rewrite(struct buf *out, const char *p, struct err *err)
{
	while (p && *p) {
		if (p[0] == '\\' && p[1] == 'Q') {
			const char *end = strstr(p + 2, "\\E");

			end = end ? end + 2 : p + strlen(p);
			buf_add(out, p, (size_t)(end - p));
			p = end;
		} else if (*p == '\\') {
			p = copy_escape(out, p, false, err);
		} else if (*p == '[') {
			p = copy_class(out, p, err);
		} else if (!strncmp(p, "(?<", 3)) {
			p = copy_group(out, p + 3, err);
		} else if (!strncmp(p, "(?P<", 4)) {
			p = copy_group(out, p + 4, err);
		} else {
			buf_addc(out, *p++);
		}
	}
	return p ? 0 : -1;
}

int match_new(struct match **out, const char *pattern, struct err *err)
{
	/* \p{LC} and its like grow; nothing grows tenfold. */
	auto_buf struct buf text = BUF_INIT(LIMIT_PATTERN * 16);
	char why[256];
	int program;
	void *re;

	if (strnlen(pattern, LIMIT_PATTERN + 1) > LIMIT_PATTERN)
		return err_set(err, ERR_RETRY, "pattern '%.40s...' is over %d bytes", pattern,
			LIMIT_PATTERN);
	if (pattern_rewrite(&text, pattern, err))
		return err_wrap(err, "pattern '%s' is not valid", pattern);
	BUG_IF(buf_over(&text));
	re = match_re2_new(buf_str(&text), text.len, LIMIT_PATTERN_MEMORY, why, sizeof(why));
	if (!re)
		return err_set(err, ERR_RETRY, "pattern '%s' is not valid: %s", pattern, why);
	program = match_re2_program(re);
	if (program > LIMIT_PATTERN_PROGRAM) {
		match_re2_free(re);
		return err_set(err, ERR_RETRY,
			"pattern '%s' is not valid: too large: it compiles to %d instructions, %d "
			"are allowed",
			pattern, program, LIMIT_PATTERN_PROGRAM);
	}
	*out = NEW(struct match);
	(*out)->re = re;
	(*out)->program = program;
	return 0;
}

int match_program(const struct match *m)
{
	return m->program;
}

void match_free(struct match *m)
{
	if (!m)
		return;
	match_re2_free(m->re);
	free(m);
}

bool match_text(const struct match *m, const char *text, size_t len)
{
	return match_re2_text(m->re, text, len);
}

int match_groups(const struct match *m)
{
	return match_re2_groups(m->re);
}

const char *match_group_name(const struct match *m, int n)
{
	return match_re2_group_name(m->re, n);
}

bool match_spans(
	const struct match *m, const char *text, size_t len, struct match_span *spans, size_t n)
{
	return match_spans_from(m, text, len, 0, spans, n);
}

bool match_spans_from(const struct match *m, const char *text, size_t len, size_t from,
	struct match_span *spans, size_t n)
{
	BUG_IF(n > (size_t)match_groups(m) + 1);
	return match_re2_spans(m->re, text, len, from, spans, n);
}

bool match_span_took_part(const struct match_span *s)
{
	return s->from != MATCH_RE2_NONE;
}
