/*
 * Finds what is to be set. The pieces of the text come one after the other (text/yaml_marks.h); the
 * gaps between them are read for comments. A comment behind a scalar is looked for when the scalar
 * comes, since no line may end before it. One above a scalar waits in `above` until the next piece
 * says whose it is.
 *
 * Which comment is whose is as kyaml has it, since markers were written for that; where kyaml is
 * odd (the marker behind an item that is empty sets the next one) nothing is set.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "setter/internal.h"
#include "text/steady.h"
#include "text/yaml_break.h"

#include <string.h>

/* The last piece that stands in the text, as a comment behind it sees it. */
enum behind {
	BEHIND_NOTHING,
	BEHIND_VALUE,
	BEHIND_KEY,
	BEHIND_FLOW_KEY,
	BEHIND_EMPTY,
	BEHIND_ALIAS,
	BEHIND_BRACKET,
	BEHIND_MARK,
	BEHIND_ROOT,
};

static const char *const behind_words[] = {
	[BEHIND_NOTHING] = "there is nothing before it",
	[BEHIND_VALUE] = "something else stands between it and the value",
	[BEHIND_KEY] = "it stands behind a key",
	[BEHIND_FLOW_KEY] = "it stands behind a key",
	[BEHIND_EMPTY] = "there is no value",
	[BEHIND_ALIAS] = "it stands behind an alias",
	[BEHIND_BRACKET] = "it stands behind a bracket",
	[BEHIND_MARK] = "it stands behind the mark of a document",
	[BEHIND_ROOT] = "the document is one value",
};

struct comment {
	size_t at, end;
	unsigned long line;
};

/* Comments on lines of their own, as far as it is open what they stand above. */
struct above {
	struct comment last;
	size_t column; /* of the last one */
	unsigned all, group; /* how many; how many since an empty line */
	unsigned empty; /* lines of blanks only, behind the last one */
	unsigned dashes; /* behind the last one */
	size_t dash_column; /* of the last dash */
	bool others; /* behind the last one: another sign */
	bool ended; /* behind the last one: a collection without brackets */
	unsigned opened; /* behind the last one: lists without brackets */
};

struct scan {
	struct setter_work *w;
	struct ymarks *marks;
	const char *text;
	size_t len;
	size_t pos; /* the gap begins here */
	size_t line_at; /* the line that pos is in begins here */
	unsigned long line;
	enum behind behind;
	size_t solid; /* where the piece that `behind` is of ends */
	size_t taken; /* the comment that begins here was dealt with; SIZE_MAX: none */
	struct above above;
	struct object_state object;
	unsigned long piece, documents;
	char *key; /* the piece before was a scalar that is a key: that */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* ---- reports --------------------------------------------------------------------------------- */

static void report_text(struct scan *s, enum setter_report_kind kind, unsigned long line,
	const char *before, const char *text, const char *behind)
{
	auto_buf struct buf name = BUF_INIT(LIMIT_SETTER_NAME);

	steady_add_clean(&name, text, 128);
	setter_report(s->w, kind, line, "%s'%s'%s", before, buf_str(&name), behind);
}

static void report_near(struct scan *s, unsigned long line)
{
	setter_report(s->w, SETTER_BAD_MARKER, line,
		"this comment is no marker: it has to be one JSON object of strings, with "
		"\"$imagepolicy\": \"NAMESPACE:NAME\" or that with :tag, :name or :digest");
}

/* Of the policy that the marker names, or would. */
static void report_policy(struct scan *s, enum setter_report_kind kind, unsigned long line,
	const char *before, const struct setter_marker *m, const char *behind)
{
	auto_free char *named = mem_strndup(m->text, m->named);

	report_text(s, kind, line, before, named, behind);
}

/* A comment that sets nothing: says so if it is a marker of ours. */
static void report_unused(struct scan *s, const struct comment *c, const char *why)
{
	struct setter_marker m;
	bool near;

	if (setter_marker_read(s->w, c->at, c->end, &m, &near)) {
		auto_buf struct buf behind = BUF_INIT(ERR_MSG_MAX);

		buf_addf(&behind, " cannot be set here: %s", why);
		if (!m.foreign)
			report_text(s, SETTER_BAD_PLACE, c->line, "", m.text, buf_str(&behind));
		setter_marker_clear(&m);
	} else if (near) {
		report_near(s, c->line);
	}
}

/* ---- comments above -------------------------------------------------------------------------- */

static void above_drop(struct scan *s, const char *why)
{
	if (s->above.all)
		report_unused(s, &s->above.last, why);
	s->above = (struct above){0};
}

static void above_add(struct scan *s, const struct comment *c, size_t column)
{
	struct above *a = &s->above;

	if (a->all)
		report_unused(s, &a->last, "another comment follows");
	a->group = a->all && !a->empty ? a->group + 1 : 1;
	a->all++;
	a->last = *c;
	a->column = column;
	a->empty = a->dashes = a->opened = 0;
	a->others = a->ended = false;
}

/* Why the last comment above is not that of this scalar; NULL: it is. */
static const char *above_fault(const struct scan *s, const struct ymark *k)
{
	const struct above *a = &s->above;
	bool first = k->in_map || k->index == 0;
	unsigned count = first ? a->all : a->group;

	if (count > 1)
		return "it is not the only comment above";
	if (!first && a->empty)
		return "an empty line follows";
	if (a->others || a->opened > 1 || a->dashes > (k->in_list && !k->flow ? 1 : 0))
		return "it stands above what is more than one value";
	if (a->ended && a->column > a->dash_column)
		return "it belongs to the lines before it";
	return NULL;
}

/* ---- what is set ----------------------------------------------------------------------------- */

static bool is_block(const struct ymark *k)
{
	return k->style == YMARK_LITERAL || k->style == YMARK_FOLDED;
}

static int edit_add(struct scan *s, const struct ymark *k, const struct comment *c,
	const struct setter_marker *m, const char *value)
{
	enum scalar_tag tag;
	struct setter_edit *e;
	char *written;
	bool quoted;

	if (k->len == strlen(value) && !memcmp(k->value, value, k->len))
		return 0;
	written = setter_scalar_write(k->style, value, &quoted);
	tag = setter_scalar_tag(k->tag, quoted);
	if (tag == SCALAR_TAG_UNFIT) {
		free(written);
		report_unused(s, c, "the value has a tag that makes it no text");
		return 0;
	}
	if (s->w->edits.len >= LIMIT_SETTER_EDITS) {
		free(written);
		setter_report(s->w, SETTER_TOO_LARGE, k->line, "more than %d values to set",
			LIMIT_SETTER_EDITS);
		return 1;
	}
	e = vec_add(&s->w->edits);
	*e = (struct setter_edit){.piece = s->piece,
		.at = k->body,
		.end = k->end,
		.tag_at = k->body,
		.tag_end = k->body,
		.written = written,
		.in = k->in_map ? k->in : 0,
		.key = k->in_map ? mem_strdup(s->key) : NULL,
		.change = {.old_text = mem_strndup(k->value, k->len),
			.new_text = mem_strdup(value),
			.setter = mem_strdup(m->text),
			.line = k->line}};
	if (tag == SCALAR_TAG_GOES && k->tag_end > k->tag_at) {
		e->tag_at = k->tag_at;
		e->tag_end = k->tag_end;
		while (e->tag_end < k->body && is_blank(s->text[e->tag_end]))
			e->tag_end++;
	}
	return 0;
}

static int marker_take(struct scan *s, const struct ymark *k, const struct comment *c,
	const struct setter_marker *m)
{
	auto_buf struct buf value = BUF_INIT(LIMIT_SETTER_TEXT);
	auto_buf struct buf behind = BUF_INIT(ERR_MSG_MAX);
	const char *why;

	if (m->foreign)
		return 0;
	if (is_block(k)) {
		report_unused(s, c, "the value is a block of lines");
	} else if (!m->policy) {
		report_policy(s, SETTER_NO_POLICY, c->line, "no policy ", m, " in this namespace");
	} else if (setter_marker_value(m, &value, &why)) {
		buf_addf(&behind, " %s", why);
		report_policy(s, SETTER_BAD_POLICY, c->line, "policy ", m, buf_str(&behind));
	} else {
		return edit_add(s, k, c, m, buf_str(&value));
	}
	return 0;
}

/* The comment is the scalar's. 0; 1: a limit. */
static int scalar_take(struct scan *s, const struct ymark *k, const struct comment *c)
{
	struct setter_marker m;
	bool near;
	int rc = 0;

	if (setter_marker_read(s->w, c->at, c->end, &m, &near))
		rc = marker_take(s, k, c, &m);
	else if (near)
		report_near(s, c->line);
	setter_marker_clear(&m);
	return rc;
}

/* ---- a scalar -------------------------------------------------------------------------------- */

static size_t line_end(const struct scan *s, size_t at)
{
	while (at < s->len && !yaml_break(s->text + at, s->text + s->len))
		at++;
	return at;
}

static unsigned long count_breaks(const struct scan *s, size_t from, size_t to)
{
	unsigned long n = 0;
	size_t len;

	for (; from < to; from += len ? len : 1) {
		len = yaml_break(s->text + from, s->text + s->len);
		n += len != 0;
	}
	return n;
}

/* The comment behind a scalar that ends at `at`: on its line, or on that of the comma behind it. */
static bool find_behind(const struct scan *s, size_t at, struct comment *c)
{
	size_t from = at, n;
	bool broken = false, comma = false;

	for (; at < s->len; at += n) {
		n = yaml_break(s->text + at, s->text + s->len);
		broken = broken || n;
		if (n && comma)
			return false;
		if (!n && s->text[at] == ',' && !comma) {
			comma = true;
			broken = false;
			n = 1;
		} else if (!n && !is_blank(s->text[at])) {
			break;
		} else if (!n) {
			n = 1;
		}
	}
	if (at >= s->len || s->text[at] != '#' || broken)
		return false;
	*c = (struct comment){at, line_end(s, at), s->line + count_breaks(s, from, at)};
	return true;
}

/* The one behind | or >; and what looks like one inside, where it is text. */
static void see_block(struct scan *s, const struct ymark *k)
{
	size_t at = k->body, end = line_end(s, at);
	const char *inside;

	while (at < end && s->text[at] != '#')
		at++;
	if (at < end)
		report_unused(
			s, &(struct comment){at, end, k->line}, "the value is a block of lines");
	if (end < k->end && setter_may_have(s->text + end, k->end - end)) {
		inside = memmem(s->text + end, k->end - end, "\"$imagepolicy\"", 14);
		setter_report(s->w, SETTER_BAD_PLACE,
			k->line + count_breaks(s, k->body, (size_t)(inside - s->text)),
			"a marker inside of a block of lines is text, and sets nothing");
	}
}

/* s->pos and s->line are at the scalar's end. */
static int see_value(struct scan *s, const struct ymark *k)
{
	struct above above = s->above;
	struct comment behind;
	const char *fault;

	s->behind = BEHIND_VALUE;
	if (k->body == k->end) {
		s->behind = BEHIND_EMPTY;
		above_drop(s, "it stands above no value");
		return 0;
	}
	if (is_block(k))
		see_block(s, k);
	else if (find_behind(s, k->end, &behind)) {
		above_drop(s, "the value has a comment on its own line");
		s->taken = behind.at;
		return scalar_take(s, k, &behind);
	}
	fault = above.all ? above_fault(s, k) : NULL;
	if (fault)
		above_drop(s, fault);
	s->above = (struct above){0};
	return above.all && !fault ? scalar_take(s, k, &above.last) : 0;
}

static int see_scalar(struct scan *s, const struct ymark *k)
{
	s->solid = k->end;
	if (k->in_list || (k->in_map && !k->key))
		return see_value(s, k);
	above_drop(s, k->key ? "it stands above a key" : "the document is one value");
	if (is_block(k))
		see_block(s, k);
	s->behind = !k->key ? BEHIND_ROOT : k->flow ? BEHIND_FLOW_KEY : BEHIND_KEY;
	return 0;
}

/* ---- gaps ------------------------------------------------------------------------------------ */

/* Is a comment above what comes, by what stands before it on its line, or behind the piece that
   `behind` is of? Blanks and dashes; names and tags, which are the value's already; and the colon
   of a key in brackets. */
static bool is_above(const struct scan *s, size_t from, size_t at, bool same_line)
{
	bool key = same_line && (s->behind == BEHIND_KEY || s->behind == BEHIND_FLOW_KEY);
	bool colon = false, named = false;

	while (from < at) {
		char c = s->text[from];

		if (c == '&' || c == '!') {
			named = true;
			while (from < at && !is_blank(s->text[from]))
				from++;
			continue;
		}
		colon = colon || c == ':';
		if (!is_blank(c) && c != '-' && !(c == ':' && key && !named))
			return false;
		from++;
	}
	return !same_line || (key && colon && (named || s->behind == BEHIND_FLOW_KEY));
}

static void see_comment(struct scan *s, const struct comment *c)
{
	bool same_line = s->solid > s->line_at;

	if (c->at == s->taken)
		return;
	if (is_above(s, same_line ? s->solid : s->line_at, c->at, same_line))
		above_add(s, c, c->at - s->line_at);
	else
		report_unused(s, c,
			same_line ? behind_words[s->behind] : "it stands behind another sign");
}

/* Is the line of blanks only, up to where the gap is read? */
static bool is_empty(const struct scan *s)
{
	size_t at = s->line_at;

	while (at < s->pos && is_blank(s->text[at]))
		at++;
	return at == s->pos;
}

/* Between two pieces there are blanks, comments, names, tags, directives, and - ? : , */
static void read_gap(struct scan *s, size_t to)
{
	bool word = false;
	size_t n;

	while (s->pos < to) {
		char c = s->text[s->pos];

		n = yaml_break(s->text + s->pos, s->text + s->len);
		if (n) {
			s->above.empty += is_empty(s);
			s->pos += n;
			s->line++;
			s->line_at = s->pos;
			word = false;
			continue;
		}
		if (c == '#' && !word) {
			struct comment found = {s->pos, line_end(s, s->pos), s->line};

			see_comment(s, &found);
			s->pos = found.end;
			continue;
		}
		word = !is_blank(c) && (word || c == '&' || c == '!' || c == '%');
		if (!word && c == '-') {
			s->above.dashes++;
			s->above.dash_column = s->pos - s->line_at;
		} else if (!word && !is_blank(c)) {
			s->above.others = true;
		}
		s->pos++;
	}
}

/* Goes over a piece, which may have lines of its own. */
static void pass_piece(struct scan *s, size_t to)
{
	size_t n;

	for (; s->pos < to; s->pos += n ? n : 1) {
		n = yaml_break(s->text + s->pos, s->text + s->len);
		if (n) {
			s->line++;
			s->line_at = s->pos + n;
		}
	}
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static void see_collection(struct scan *s, const struct ymark *k)
{
	bool ends = k->kind == YMARK_MAP_END || k->kind == YMARK_LIST_END;

	if (k->kind == YMARK_LIST && !k->flow) {
		s->above.opened++;
	} else if (ends && k->body == k->end) {
		s->above.ended = true;
	} else {
		above_drop(s, "it stands above a mapping or a list");
		if (k->body < k->end) {
			s->behind = BEHIND_BRACKET;
			s->solid = k->end;
		}
	}
}

static int see_document(struct scan *s, const struct ymark *k)
{
	if (k->kind == YMARK_DOC_END || k->explicit_doc)
		above_drop(s, "it stands above a document, or at its end");
	if (k->explicit_doc) {
		s->behind = BEHIND_MARK;
		s->solid = k->end;
	}
	if (k->kind == YMARK_DOC && ++s->documents > LIMIT_SETTER_DOCUMENTS) {
		setter_report(s->w, SETTER_TOO_LARGE, k->line, "more than %d documents",
			LIMIT_SETTER_DOCUMENTS);
		return 1;
	}
	return 0;
}

static int see_piece(struct scan *s, const struct ymark *k)
{
	int rc = 0;

	read_gap(s, k->body);
	pass_piece(s, k->end);
	switch (k->kind) {
	case YMARK_DOC:
	case YMARK_DOC_END:
		rc = see_document(s, k);
		break;
	case YMARK_SCALAR:
		rc = see_scalar(s, k);
		break;
	case YMARK_ALIAS:
		above_drop(s, "it stands above an alias");
		s->behind = BEHIND_ALIAS;
		s->solid = k->end;
		break;
	default:
		see_collection(s, k);
		break;
	}
	free(MOVE(s->key));
	if (k->kind == YMARK_SCALAR && k->key)
		s->key = mem_strndup(k->value, k->len);
	setter_object_see(&s->object, s->w, k);
	s->piece++;
	return rc;
}

/* As setter_scan. */
static int scan_run(struct scan *s)
{
	const struct ymark *k;
	struct err err;
	int rc;

	while ((rc = ymarks_next(s->marks, &k, &err)) > 0) {
		if (setter_stopped(s->w))
			return -1;
		if (see_piece(s, k))
			return 1;
	}
	if (rc < 0) {
		setter_report(s->w, SETTER_NOT_PARSED, ymarks_line(s->marks), "%s", err.msg);
		return 1;
	}
	read_gap(s, s->len);
	above_drop(s, "nothing comes after it");
	return 0;
}

int setter_scan(struct setter_work *w)
{
	struct scan s = {.w = w,
		.marks = ymarks_new(w->in->text, w->in->len),
		.text = w->in->text,
		.len = w->in->len,
		.line = 1,
		.taken = SIZE_MAX};
	int rc;

	if (s.len >= 3 && !memcmp(s.text, "\xef\xbb\xbf", 3))
		s.pos = s.line_at = 3;
	setter_object_clear_state(&s.object);
	rc = scan_run(&s);
	setter_object_clear_state(&s.object);
	ymarks_free(s.marks);
	free(s.key);
	return rc;
}
