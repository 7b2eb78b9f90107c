/*
 * libyaml counts code points; the bytes are found by walking along. The walk only ever goes from
 * one mark to the next, so all of it together is one pass over the text.
 */
#include "text/yaml_marks.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/vec.h"
#include "text/yaml_break.h"
#include "text/yaml_directives.h"

#include <string.h>
#include <yaml.h>

struct frame {
	unsigned long self, index;
	bool map, value; /* value: a key was there, its value is next */
	bool flow;
	bool key; /* the collection is one */
};

struct ymarks {
	yaml_parser_t parser;
	yaml_event_t event;
	bool has_event;
	const char *text; /* without the byte order mark */
	size_t len, skipped;
	size_t at, point; /* the walk: bytes, code points */
	VEC(struct frame) frames;
	unsigned long numbers; /* of collections that were given */
	unsigned long line;
	unsigned long crowded; /* the line where a document has too many directives; 0: none has */
	struct ymark mark;
};

struct ymarks *ymarks_new(const char *text, size_t len)
{
	struct ymarks *m = NEW(struct ymarks);

	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		m->skipped = 3;
	/* An empty buffer may have no address at all. */
	m->text = len ? text + m->skipped : "";
	m->len = len - m->skipped;
	m->crowded = yaml_directives_over(m->text, m->len);
	BUG_IF(!yaml_parser_initialize(&m->parser));
	yaml_parser_set_encoding(&m->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&m->parser, (const unsigned char *)m->text, m->len);
	return m;
}

void ymarks_free(struct ymarks *m)
{
	if (!m)
		return;
	if (m->has_event)
		yaml_event_delete(&m->event);
	yaml_parser_delete(&m->parser);
	vec_clear(&m->frames);
	free(m);
}

unsigned long ymarks_line(const struct ymarks *m)
{
	return m->line;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Within a character of UTF-8: the parser has found the text to be that up to the mark. */
static bool is_inner(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t bytes_of(struct ymarks *m, const yaml_mark_t *mark)
{
	while (m->point < mark->index && m->at < m->len) {
		do
			m->at++;
		while (m->at < m->len && is_inner(m->text[m->at]));
		m->point++;
	}
	while (m->point > mark->index && m->at) {
		do
			m->at--;
		while (m->at && is_inner(m->text[m->at]));
		m->point--;
	}
	return m->at;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Steps over a name or a tag. */
static size_t skip_word(const struct ymarks *m, size_t at, size_t end)
{
	while (at < end && !is_blank(m->text[at]) && !yaml_break(m->text + at, m->text + end))
		at++;
	return at;
}

/* Steps over blanks, line breaks and comments. */
static size_t skip_space(const struct ymarks *m, size_t at, size_t end, unsigned long *line)
{
	size_t n;

	while (at < end) {
		n = yaml_break(m->text + at, m->text + end);
		if (n) {
			at += n;
			*line += 1;
		} else if (is_blank(m->text[at])) {
			at++;
		} else if (m->text[at] == '#') {
			while (at < end && !yaml_break(m->text + at, m->text + end))
				at++;
		} else {
			break;
		}
	}
	return at;
}

/* Anchor and tag come first, in any order; no scalar that is not in quotes begins with & or !. */
static void find_body(struct ymarks *m, struct ymark *k)
{
	size_t at = k->start, end = k->end, from;

	k->tag_at = k->tag_end = k->start;
	while (at < end && (m->text[at] == '&' || m->text[at] == '!')) {
		from = at;
		at = skip_word(m, at, end);
		if (m->text[from] == '!') {
			k->tag_at = from;
			k->tag_end = at;
		}
		at = skip_space(m, at, end, &k->line);
	}
	k->body = at;
}

static void find_bytes(struct ymarks *m, struct ymark *k)
{
	bool bare = k->kind == YMARK_DOC || k->kind == YMARK_DOC_END ||
		((k->kind == YMARK_MAP || k->kind == YMARK_LIST) && !k->flow);

	k->start = bytes_of(m, &m->event.start_mark);
	k->end = bytes_of(m, &m->event.end_mark);
	k->line = m->event.start_mark.line + 1;
	if (k->end < k->start)
		k->end = k->start;
	find_body(m, k);
	if (bare)
		k->body = k->end;
	k->start += m->skipped;
	k->tag_at += m->skipped;
	k->tag_end += m->skipped;
	k->body += m->skipped;
	k->end += m->skipped;
}

/* ---- where it is ----------------------------------------------------------------------------- */

/* The piece, or the collection that ends, was a whole key, value or item. */
static void frame_step(struct ymarks *m)
{
	struct frame *f = m->frames.len ? &m->frames.p[m->frames.len - 1] : NULL;

	if (!f)
		return;
	if (f->map)
		f->value = !f->value;
	if (!f->map || !f->value)
		f->index++;
}

static void frame_tell(const struct ymarks *m, struct ymark *k)
{
	const struct frame *f = m->frames.len ? &m->frames.p[m->frames.len - 1] : NULL;

	k->depth = (unsigned)m->frames.len;
	if (!f)
		return;
	k->in = f->self;
	k->index = f->index;
	k->in_map = f->map;
	k->in_list = !f->map;
	k->key = f->map && !f->value;
	if (k->kind == YMARK_SCALAR || k->kind == YMARK_ALIAS)
		k->flow = f->flow;
}

static int frame_open(struct ymarks *m, struct ymark *k, struct err *err)
{
	if (m->frames.len >= LIMIT_YAML_MARKS_DEPTH) {
		m->line = k->line;
		return err_set(
			err, ERR_STALL, "nested deeper than %d levels", LIMIT_YAML_MARKS_DEPTH);
	}
	frame_tell(m, k);
	k->self = ++m->numbers;
	*vec_add(&m->frames) = (struct frame){
		.self = k->self, .map = k->kind == YMARK_MAP, .flow = k->flow, .key = k->key};
	return 0;
}

static void frame_close(struct ymarks *m, struct ymark *k)
{
	struct frame f = m->frames.p[--m->frames.len];

	frame_tell(m, k);
	k->self = f.self;
	k->key = f.key;
	k->flow = f.flow;
	/* libyaml has the next token's place for one that is not written. */
	if (!f.flow)
		k->body = k->end = k->start;
	frame_step(m);
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static int marks_fail(struct ymarks *m, struct err *err)
{
	const yaml_parser_t *p = &m->parser;
	const char *problem = p->problem ? p->problem : "it is not YAML";
	size_t at, n;

	if (p->error == YAML_READER_ERROR) {
		m->line = 1;
		for (at = 0; at < p->problem_offset && at < m->len; at += n ? n : 1) {
			n = yaml_break(m->text + at, m->text + m->len);
			m->line += n != 0;
		}
		return err_set(err, ERR_STALL, "%s", problem);
	}
	m->line = p->problem_mark.line + 1;
	if (p->context)
		return err_set(err, ERR_STALL, "%s %s", problem, p->context);
	return err_set(err, ERR_STALL, "%s", problem);
}

static enum ymark_style style_of(yaml_scalar_style_t style)
{
	switch (style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return YMARK_SINGLE;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return YMARK_DOUBLE;
	case YAML_LITERAL_SCALAR_STYLE:
		return YMARK_LITERAL;
	case YAML_FOLDED_SCALAR_STYLE:
		return YMARK_FOLDED;
	default:
		return YMARK_PLAIN;
	}
}

/* False: the event is none. */
static bool mark_read(const yaml_event_t *e, struct ymark *k)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		k->kind = YMARK_DOC;
		k->explicit_doc = !e->data.document_start.implicit;
		return true;
	case YAML_DOCUMENT_END_EVENT:
		k->kind = YMARK_DOC_END;
		k->explicit_doc = !e->data.document_end.implicit;
		return true;
	case YAML_MAPPING_START_EVENT:
		k->kind = YMARK_MAP;
		k->flow = e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
		k->anchor = (const char *)e->data.mapping_start.anchor;
		k->tag = (const char *)e->data.mapping_start.tag;
		return true;
	case YAML_SEQUENCE_START_EVENT:
		k->kind = YMARK_LIST;
		k->flow = e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
		k->anchor = (const char *)e->data.sequence_start.anchor;
		k->tag = (const char *)e->data.sequence_start.tag;
		return true;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		k->kind = e->type == YAML_MAPPING_END_EVENT ? YMARK_MAP_END : YMARK_LIST_END;
		return true;
	case YAML_SCALAR_EVENT:
		k->kind = YMARK_SCALAR;
		k->style = style_of(e->data.scalar.style);
		k->anchor = (const char *)e->data.scalar.anchor;
		k->tag = (const char *)e->data.scalar.tag;
		k->value = (const char *)e->data.scalar.value;
		k->len = e->data.scalar.length;
		return true;
	case YAML_ALIAS_EVENT:
		k->kind = YMARK_ALIAS;
		k->anchor = (const char *)e->data.alias.anchor;
		return true;
	default:
		return false;
	}
}

int ymarks_next(struct ymarks *m, const struct ymark **out, struct err *err)
{
	struct ymark *k = &m->mark;

	if (m->len > LIMIT_YAML_FILE) {
		m->line = 1;
		return err_set(err, ERR_STALL, "over %llu bytes", LIMIT_YAML_FILE);
	}
	if (m->crowded) {
		m->line = m->crowded;
		return err_set(err, ERR_STALL, "more than %d directives", LIMIT_YAML_DIRECTIVES);
	}
	do {
		if (m->has_event)
			yaml_event_delete(&m->event);
		m->has_event = false;
		if (!yaml_parser_parse(&m->parser, &m->event))
			return marks_fail(m, err);
		m->has_event = true;
		if (m->event.type == YAML_STREAM_END_EVENT)
			return 0;
		*k = (struct ymark){0};
	} while (!mark_read(&m->event, k));
	find_bytes(m, k);
	*out = k;
	if (k->kind == YMARK_MAP || k->kind == YMARK_LIST)
		return frame_open(m, k, err) ? -1 : 1;
	if (k->kind == YMARK_MAP_END || k->kind == YMARK_LIST_END) {
		frame_close(m, k);
		return 1;
	}
	frame_tell(m, k);
	if (k->kind == YMARK_SCALAR || k->kind == YMARK_ALIAS)
		frame_step(m);
	return 1;
}

static bool same_text(const char *a, const char *b)
{
	return !a || !b ? a == b : !strcmp(a, b);
}

bool ymark_same(const struct ymark *a, const struct ymark *b)
{
	return a->kind == b->kind && a->style == b->style && a->flow == b->flow &&
		a->explicit_doc == b->explicit_doc && a->key == b->key && a->in == b->in &&
		a->index == b->index && a->self == b->self && same_text(a->anchor, b->anchor) &&
		same_text(a->tag, b->tag) && a->len == b->len &&
		(!a->len || !memcmp(a->value, b->value, a->len));
}
