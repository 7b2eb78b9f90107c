#include "text/expand.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/vec.h"
#include "text/match.h"

#include <stdlib.h>
#include <string.h>

/* What has a digit more than such a number is a name. */
#define NUMBER_MAX 100000000

/* Literal text, or a group: the first of `groups` that took part. */
struct part {
	const char *text; /* in expand.text; NULL: a group */
	size_t len;
	int *groups;
	size_t count;
};

struct expand {
	const struct match *match;
	char *text;
	VEC(struct part) parts;
	struct match *names; /* what a name is, beyond ASCII; NULL: it was not asked for yet */
	char *missing; /* the first group that is not there, or NULL */
	size_t spans; /* that have to be asked for: of the highest group, and those before it */
};

/* ---- names ----------------------------------------------------------------------------------- */

static bool expand_is_word(char c)
{
	return ascii_is_alnum(c) || c == '_';
}

/* The longest run of letters, digits and _. Beyond ASCII RE2 knows what a letter is. */
static size_t expand_name_len(struct expand *x, const char *p)
{
	struct match_span span;
	struct err err;
	size_t n = 0;

	while (expand_is_word(p[n]))
		n++;
	if (!((unsigned char)p[n] & 0x80))
		return n;
	BUG_IF(!x->names && match_new(&x->names, "^[\\pL\\p{Nd}_]*", &err));
	BUG_IF(!match_spans(x->names, p, strlen(p), &span, 1));
	return span.to;
}

/* -1: it is a name. */
static int expand_number(const char *name, size_t len)
{
	int n = 0;
	size_t i;

	if (*name == '0' && len > 1)
		return -1;
	for (i = 0; i < len; i++) {
		if (!ascii_is_digit(name[i]) || n >= NUMBER_MAX)
			return -1;
		n = n * 10 + (name[i] - '0');
	}
	return n;
}

static void part_add_group(struct expand *x, struct part *part, int group)
{
	part->groups = mem_array(part->groups, part->count + 1, sizeof(*part->groups));
	part->groups[part->count++] = group;
	if ((size_t)group >= x->spans)
		x->spans = (size_t)group + 1;
}

static void expand_add_group(struct expand *x, const char *name, size_t len)
{
	int n = expand_number(name, len), groups = match_groups(x->match), g;
	struct part part = {0};

	if (n >= 0 && n <= groups)
		part_add_group(x, &part, n);
	for (g = 1; n < 0 && g <= groups; g++) {
		const char *known = match_group_name(x->match, g);

		if (known && strlen(known) == len && !memcmp(known, name, len))
			part_add_group(x, &part, g);
	}
	if (part.count)
		*vec_add(&x->parts) = part;
	else if (!x->missing)
		x->missing = mem_strndup(name, len);
}

static void expand_add_text(struct expand *x, const char *text, size_t len)
{
	if (len)
		*vec_add(&x->parts) = (struct part){.text = text, .len = len};
}

/* p is behind a dollar sign that begins a group, maybe: what follows the group, or NULL. */
static const char *expand_read_group(struct expand *x, const char *p)
{
	bool brace = *p == '{';
	size_t n;

	p += brace;
	n = expand_name_len(x, p);
	if (!n || (brace && p[n] != '}'))
		return NULL;
	expand_add_group(x, p, n);
	return p + n + brace;
}

static void expand_compile(struct expand *x)
{
	const char *p = x->text, *dollar, *next;

	while ((dollar = strchr(p, '$'))) {
		expand_add_text(x, p, (size_t)(dollar - p));
		p = dollar + 1;
		if (*p == '$') {
			expand_add_text(x, p++, 1);
			continue;
		}
		next = expand_read_group(x, p);
		if (!next)
			expand_add_text(x, dollar, 1);
		p = next ? next : p;
	}
	expand_add_text(x, p, strlen(p));
}

int expand_new(struct expand **out, const char *text, const struct match *m, struct err *err)
{
	struct expand *x;

	if (strnlen(text, LIMIT_EXTRACT + 1) > LIMIT_EXTRACT)
		return err_set(err, ERR_RETRY, "template '%.40s...' is over %d bytes", text,
			LIMIT_EXTRACT);
	x = NEW(struct expand);
	x->match = m;
	x->text = mem_strdup(text);
	x->spans = 1;
	expand_compile(x);
	match_free(MOVE(x->names));
	if (x->spans > 2 && x->spans * (size_t)match_program(m) > LIMIT_EXTRACT_COST) {
		err_set(err, ERR_RETRY,
			"template '%.40s': to know group %zu of a pattern that compiles to %d "
			"instructions takes too long",
			text, x->spans - 1, match_program(m));
		expand_free(x);
		return -1;
	}
	*out = x;
	return 0;
}

void expand_free(struct expand *x)
{
	struct part *part;

	if (!x)
		return;
	vec_each (&x->parts, part)
		free(part->groups);
	vec_clear(&x->parts);
	free(x->text);
	free(x->missing);
	free(x);
}

const char *expand_missing(const struct expand *x)
{
	return x->missing;
}

static void part_put(
	const struct part *part, const struct match_span *spans, const char *text, struct buf *to)
{
	size_t i;

	if (part->text)
		(void)buf_add(to, part->text, part->len);
	for (i = 0; i < part->count; i++) {
		const struct match_span *s = &spans[part->groups[i]];

		if (!match_span_took_part(s))
			continue;
		(void)buf_add(to, text + s->from, s->to - s->from);
		return;
	}
}

bool expand_text(const struct expand *x, const char *text, size_t len, struct buf *to)
{
	struct match_span whole;

	return expand_from(x, text, len, 0, &whole, to);
}

bool expand_from(const struct expand *x, const char *text, size_t len, size_t from,
	struct match_span *whole, struct buf *to)
{
	auto_free struct match_span *spans = mem_array(NULL, x->spans, sizeof(*spans));
	const struct part *part;

	if (!match_spans_from(x->match, text, len, from, spans, x->spans))
		return false;
	vec_each (&x->parts, part)
		part_put(part, spans, text, to);
	*whole = spans[0];
	return true;
}
