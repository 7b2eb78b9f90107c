/*
 * libyaml's events become a jansson tree in one descent; its own document API would hold the whole
 * file as nodes first. What an alias stands for is copied, and its size is counted before it is
 * copied, so a few lines cannot become gigabytes.
 */
#include "text/yaml.h"

#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "text/yaml_directives.h"
#include "text/yaml_scalar.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <yaml.h>

/* What a value costs. */
struct weight {
	size_t nodes;
	size_t bytes;
	unsigned height; /* a scalar has 1 */
};

struct anchor {
	json_t *value; /* NULL: it is still being read */
	struct weight weight;
	struct yscalar scalar; /* for keys: the value no longer tells 1.0 from 1 */
};

struct load {
	yaml_parser_t parser;
	yaml_event_t event; /* the one that is looked at */
	bool has_event;
	struct map anchors; /* of the document: the latest of each name */
	VEC(struct anchor *) owned; /* all of them: one may be named again while it is being read */
	struct weight total;
	unsigned depth;
	unsigned line;
	struct err *err;
};

/* ---- errors and events ----------------------------------------------------------------------- */

static int yaml_fail(struct load *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int yaml_fail(struct load *l, const char *fmt, ...)
{
	auto_buf struct buf b = BUF_INIT(ERR_MSG_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	return err_set(l->err, ERR_STALL, "line %u: %s", l->line, buf_str(&b));
}

static unsigned count_lines(const char *p, const char *end)
{
	unsigned n = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		n++;
		p++;
	}
	return n;
}

static int yaml_fail_parser(struct load *l)
{
	yaml_parser_t *p = &l->parser;
	const char *problem = p->problem ? p->problem : "not YAML";

	if (p->error == YAML_READER_ERROR) {
		const char *text = (const char *)p->input.string.start;

		l->line = 1 + count_lines(text, text + p->problem_offset);
		return yaml_fail(l, "%s", problem);
	}
	l->line = (unsigned)p->problem_mark.line + 1;
	if (p->context)
		return yaml_fail(l, "%s %s", problem, p->context);
	return yaml_fail(l, "%s", problem);
}

static void yaml_drop_event(struct load *l)
{
	if (l->has_event)
		yaml_event_delete(&l->event);
	l->has_event = false;
}

/* Makes the next event the one that is looked at. */
static int yaml_next_event(struct load *l)
{
	yaml_drop_event(l);
	if (!yaml_parser_parse(&l->parser, &l->event))
		return yaml_fail_parser(l);
	l->has_event = true;
	l->line = (unsigned)l->event.start_mark.line + 1;
	return 0;
}

static int yaml_charge(struct load *l, const struct weight *w)
{
	l->total.nodes += w->nodes;
	l->total.bytes += w->bytes;
	if (l->total.nodes > LIMIT_YAML_NODES)
		return yaml_fail(l, "more than %d values", LIMIT_YAML_NODES);
	if (l->total.bytes > LIMIT_YAML_EXPANDED)
		return yaml_fail(l, "strings of more than %llu bytes in all", LIMIT_YAML_EXPANDED);
	if (l->depth + w->height > LIMIT_YAML_DEPTH)
		return yaml_fail(l, "nested deeper than %d levels", LIMIT_YAML_DEPTH);
	return 0;
}

/* ---- anchors --------------------------------------------------------------------------------- */

static void anchors_clear(struct load *l)
{
	struct anchor **a;

	vec_each (&l->owned, a) {
		json_decref((*a)->value);
		free(*a);
	}
	vec_clear(&l->owned);
	map_clear(&l->anchors);
}

/* Borrowed; NULL without a name. From here on the name means this value. */
static struct anchor *anchor_open(struct load *l, const yaml_char_t *name)
{
	struct anchor *a;

	if (!name)
		return NULL;
	a = NEW(struct anchor);
	*vec_add(&l->owned) = a;
	map_put(&l->anchors, (const char *)name, a);
	return a;
}

static void anchor_close(
	struct load *l, struct anchor *a, json_t *value, struct weight before, unsigned height)
{
	if (!a)
		return;
	a->value = json_incref(value);
	a->weight.nodes = l->total.nodes - before.nodes;
	a->weight.bytes = l->total.bytes - before.bytes;
	a->weight.height = height;
}

/* The anchor that the current event, an alias, names. */
static const struct anchor *alias_find(struct load *l)
{
	const char *name = (const char *)l->event.data.alias.anchor;
	const struct anchor *a = map_get(&l->anchors, name);

	if (!a)
		yaml_fail(l, "no anchor '%.100s'", name);
	else if (!a->value)
		yaml_fail(l, "anchor '%.100s' contains itself", name);
	return a && a->value ? a : NULL;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* As Go's encoding/json writes a float64 and Kubernetes reads it back: what is whole is an
   integer. */
static json_t *real_value(double r)
{
	if (fabs(r) < 9223372036854775808.0 && floor(r) == r)
		return json_integer((json_int_t)r);
	return json_real(r);
}

static json_t *scalar_value(const struct yscalar *s, const char *text, size_t len)
{
	switch (s->kind) {
	case YSCALAR_NULL:
		return json_null();
	case YSCALAR_BOOL:
		return json_boolean(s->b);
	case YSCALAR_INT:
		return json_integer(s->i);
	case YSCALAR_BIG:
	case YSCALAR_REAL:
		return real_value(s->r);
	default:
		return json_stringn(text, len);
	}
}

/* Resolves the current scalar, and counts it against the limits. */
static int scalar_resolve(struct load *l, struct yscalar *s)
{
	const char *text = (const char *)l->event.data.scalar.value;
	size_t len = l->event.data.scalar.length;
	struct err err;

	if (yaml_charge(l, &(struct weight){1, len, 1}))
		return -1;
	if (memchr(text, 0, len))
		return yaml_fail(l, "a NUL in a string");
	if (yscalar_resolve(s, text, len, (const char *)l->event.data.scalar.tag,
		    l->event.data.scalar.plain_implicit, &err))
		return yaml_fail(l, "%s", err.msg);
	return 0;
}

static json_t *yaml_read_scalar(struct load *l, struct anchor *a)
{
	const char *text = (const char *)l->event.data.scalar.value;
	struct yscalar s;
	json_t *v;

	if (scalar_resolve(l, &s))
		return NULL;
	if (s.kind == YSCALAR_REAL && !isfinite(s.r)) {
		yaml_fail(l, "'%s' cannot stand in JSON", text);
		return NULL;
	}
	if (a)
		a->scalar = s;
	v = scalar_value(&s, text, l->event.data.scalar.length);
	if (!v)
		yaml_fail(l, "a string that is not UTF-8");
	return v;
}

static json_t *yaml_read_alias(struct load *l, unsigned *height)
{
	const struct anchor *a = alias_find(l);
	json_t *copy;

	if (!a || yaml_charge(l, &a->weight))
		return NULL;
	*height = a->weight.height;
	copy = json_deep_copy(a->value);
	if (!copy)
		yaml_fail(l, "out of memory");
	return copy;
}

static json_t *yaml_read_value(struct load *l, unsigned *height);

static json_t *yaml_read_sequence(struct load *l, unsigned *height)
{
	auto_json json_t *out = json_array();
	unsigned below;
	json_t *v;

	for (;;) {
		if (yaml_next_event(l))
			return NULL;
		if (l->event.type == YAML_SEQUENCE_END_EVENT)
			return MOVE(out);
		v = yaml_read_value(l, &below);
		if (!v)
			return NULL;
		if (json_array_append_new(out, v)) {
			yaml_fail(l, "out of memory");
			return NULL;
		}
		if (below >= *height)
			*height = below + 1;
	}
}

/* ---- mappings -------------------------------------------------------------------------------- */

/* The current event, a key, as text, the caller's. *merge: it is a <<. */
static char *yaml_read_key(struct load *l, bool *merge)
{
	const char *text = (const char *)l->event.data.scalar.value, *key;
	const struct anchor *a;
	char number[YSCALAR_KEY_MAX];
	struct yscalar s;

	*merge = false;
	if (l->event.type == YAML_ALIAS_EVENT) {
		a = alias_find(l);
		if (!a || yaml_charge(l, &a->weight))
			return NULL;
		if (json_is_string(a->value))
			return mem_strdup(json_string_value(a->value));
		key = json_is_object(a->value) || json_is_array(a->value)
			? NULL
			: yscalar_key(&a->scalar, number);
	} else if (l->event.type == YAML_SCALAR_EVENT) {
		struct anchor *named = anchor_open(l, l->event.data.scalar.anchor);
		struct weight before = l->total;
		json_t *v;

		if (scalar_resolve(l, &s))
			return NULL;
		*merge = !strcmp(text, "<<") && l->event.data.scalar.plain_implicit;
		key = s.kind == YSCALAR_STR ? text : yscalar_key(&s, number);
		if (named) {
			named->scalar = s;
			v = scalar_value(&s, text, l->event.data.scalar.length);
			anchor_close(l, named, v, before, 1);
			json_decref(v);
		}
	} else {
		key = NULL;
	}
	if (!key)
		yaml_fail(l, "a key that is null, too large a number, a mapping or a sequence");
	return mem_strdup(key);
}

/* Adds what is not there yet. */
static int merge_object(struct load *l, json_t *into, json_t *from)
{
	const char *key;
	json_t *v;

	if (!json_is_object(from))
		return yaml_fail(l, "<< takes mappings only");
	json_object_foreach (from, key, v)
		if (!json_object_get(into, key) && json_object_set(into, key, v))
			return yaml_fail(l, "key '%.100s' cannot be merged", key);
	return 0;
}

/* Of several mappings the first wins. They are copies of our own, so their values move over. */
static int merge_apply(struct load *l, json_t *into, json_t *from)
{
	json_t *one;
	size_t i;

	if (!from)
		return 0;
	if (!json_is_array(from))
		return merge_object(l, into, from);
	json_array_foreach (from, i, one)
		if (merge_object(l, into, one))
			return -1;
	return 0;
}

/* One key and its value; a << waits in *merge until all keys are known, because an explicit one
   wins. */
static int yaml_read_pair(struct load *l, json_t *out, json_t **merge, unsigned *height)
{
	unsigned line = l->line, below;
	bool is_merge, is_alias;
	auto_free char *key = yaml_read_key(l, &is_merge);
	auto_json json_t *v = NULL;

	if (!key)
		return -1;
	if (is_merge ? *merge != NULL : json_object_get(out, key) != NULL)
		return yaml_fail(l, "key '%.100s' stands twice", key);
	if (yaml_next_event(l))
		return -1;
	is_alias = l->event.type == YAML_ALIAS_EVENT;
	v = yaml_read_value(l, &below);
	if (!v)
		return -1;
	if (below >= *height)
		*height = below + 1;
	/* A list of mappings has to be written out, its elements may be aliases. */
	if (is_merge && is_alias && !json_is_object(v))
		return yaml_fail(l, "<< takes mappings only");
	if (is_merge) {
		*merge = MOVE(v);
		return 0;
	}
	if (json_object_set(out, key, v)) {
		l->line = line;
		return yaml_fail(l, "key '%.100s' is not UTF-8", key);
	}
	return 0;
}

static json_t *yaml_read_mapping(struct load *l, unsigned *height)
{
	auto_json json_t *out = json_object();
	auto_json json_t *merge = NULL;
	unsigned line = l->line;

	for (;;) {
		if (yaml_next_event(l))
			return NULL;
		if (l->event.type == YAML_MAPPING_END_EVENT)
			break;
		if (yaml_read_pair(l, out, &merge, height))
			return NULL;
	}
	l->line = line;
	return merge_apply(l, out, merge) ? NULL : MOVE(out);
}

/*
 * The value that begins with the current event; a new reference, or NULL. *height: how deep it is,
 * itself included.
 */
static json_t *yaml_read_value(struct load *l, unsigned *height)
{
	struct weight before = l->total;
	struct anchor *a = NULL;
	json_t *v;

	*height = 1;
	if (l->event.type == YAML_ALIAS_EVENT)
		return yaml_read_alias(l, height);
	if (l->event.type == YAML_SCALAR_EVENT) {
		a = anchor_open(l, l->event.data.scalar.anchor);
		v = yaml_read_scalar(l, a);
	} else {
		if (yaml_charge(l, &(struct weight){1, 0, 1}))
			return NULL;
		l->depth++;
		if (l->event.type == YAML_MAPPING_START_EVENT) {
			a = anchor_open(l, l->event.data.mapping_start.anchor);
			v = yaml_read_mapping(l, height);
		} else {
			a = anchor_open(l, l->event.data.sequence_start.anchor);
			v = yaml_read_sequence(l, height);
		}
		l->depth--;
	}
	if (v)
		anchor_close(l, a, v, before, *height);
	return v;
}

/* ---- documents ------------------------------------------------------------------------------- */

typedef VEC(struct ydoc) doc_vec;

static int yaml_read_documents(struct load *l, doc_vec *docs)
{
	unsigned height, line;
	json_t *root;

	for (;;) {
		if (yaml_next_event(l))
			return -1;
		if (l->event.type == YAML_STREAM_END_EVENT)
			return 0;
		if (l->event.type != YAML_DOCUMENT_START_EVENT)
			continue;
		if (yaml_next_event(l))
			return -1;
		line = l->line;
		root = yaml_read_value(l, &height);
		anchors_clear(l);
		if (!root)
			return -1;
		if (json_is_null(root))
			json_decref(root);
		else
			*vec_add(docs) = (struct ydoc){root, line};
	}
}

static int load_yaml(doc_vec *docs, const char *text, size_t len, struct err *err)
{
	struct load l = {.err = err};
	int rc;

	if (!yaml_parser_initialize(&l.parser))
		return err_set(err, ERR_RETRY, "out of memory");
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)text, len);
	rc = yaml_read_documents(&l, docs);
	yaml_drop_event(&l);
	anchors_clear(&l);
	yaml_parser_delete(&l.parser);
	return rc;
}

static const char *json_skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* Makes integers of whole reals, as for YAML. Returns how deep the value is, itself included. */
static unsigned json_settle(json_t *v)
{
	unsigned most = 0, h;
	json_t *below;
	void *at;
	size_t i;

	for (at = json_object_iter(v); at; at = json_object_iter_next(v, at)) {
		below = json_object_iter_value(at);
		h = json_settle(below);
		most = h > most ? h : most;
		if (json_is_real(below))
			json_object_iter_set_new(v, at, real_value(json_real_value(below)));
	}
	json_array_foreach (v, i, below) {
		h = json_settle(below);
		most = h > most ? h : most;
		if (json_is_real(below))
			json_array_set_new(v, i, real_value(json_real_value(below)));
	}
	return most + 1;
}

/* No JSON text of so few separators has more values than the limit. */
static bool json_is_small(const char *p, const char *end)
{
	size_t n = 0;

	for (; p < end; p++)
		n += *p == ',' || *p == ':' || *p == '{' || *p == '[';
	return n < LIMIT_YAML_NODES;
}

static void docs_drop(doc_vec *docs)
{
	struct ydoc *d;

	vec_each (docs, d)
		json_decref(d->root);
	vec_clear(docs);
}

/*
 * One or more JSON objects or arrays: libyaml would refuse some of JSON's escapes and tabs. False,
 * and nothing kept, for anything else: then it may still be YAML in flow style, and its parser
 * knows the better message.
 */
static bool load_json(doc_vec *docs, const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	json_error_t jerr;
	json_t *root;

	if (!json_is_small(text, end))
		return false;
	for (p = json_skip_blanks(p, end); p < end; p = json_skip_blanks(p + jerr.position, end)) {
		root = json_loadb(p, (size_t)(end - p),
			JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &jerr);
		if (!root || json_settle(root) > LIMIT_YAML_DEPTH) {
			json_decref(root);
			docs_drop(docs);
			return false;
		}
		*vec_add(docs) = (struct ydoc){root, 1 + count_lines(text, p)};
	}
	return docs->len > 0;
}

int ydocs_parse(struct ydocs *docs, const char *text, size_t len, struct err *err)
{
	doc_vec v = {0};
	const char *first;
	unsigned long line;

	/* An empty buffer may have no address at all. */
	if (!len)
		text = "";
	if (len > LIMIT_YAML_FILE)
		return err_set(err, ERR_STALL, "line 1: over %llu bytes", LIMIT_YAML_FILE);
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		len -= 3;
	}
	line = yaml_directives_over(text, len);
	if (line)
		return err_set(err, ERR_STALL, "line %lu: more than %d directives", line,
			LIMIT_YAML_DIRECTIVES);
	first = json_skip_blanks(text, text + len);
	if (!(first < text + len && (*first == '{' || *first == '[') && load_json(&v, text, len)) &&
		load_yaml(&v, text, len, err)) {
		docs_drop(&v);
		return -1;
	}
	docs->at = v.p;
	docs->count = v.len;
	return 0;
}

void ydocs_clear(struct ydocs *docs)
{
	size_t i;

	for (i = 0; i < docs->count; i++)
		json_decref(docs->at[i].root);
	free(docs->at);
	docs->at = NULL;
	docs->count = 0;
}
