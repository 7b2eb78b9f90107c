#include "embedded/jsonpath.h"

#include "base/ascii.h"
#include "base/mem.h"
#include "base/vec.h"

#include <stdbool.h>
#include <string.h>

enum seg_type { SEG_KEY, SEG_INDEX, SEG_ALL, SEG_FILTER };

struct seg {
	enum seg_type type;
	char *key; /* SEG_KEY */
	long index; /* SEG_INDEX */
	struct emb_jsonpath *path; /* SEG_FILTER: of the left side */
	char *value; /* and the right one */
	bool differs; /* != */
};

struct emb_jsonpath {
	VEC(struct seg) segs;
};

static struct emb_jsonpath *jsonpath_parse(const char **at, const char *stops, struct err *err);

static bool jsonpath_is_name(char c)
{
	return ascii_is_alnum(c) || c == '_' || c == '-';
}

static int jsonpath_quoted(const char **at, char **out, struct err *err)
{
	char mark = **at;
	const char *end;

	if (mark != '"' && mark != '\'')
		return err_set(err, ERR_STALL, "a quoted text is missing at '%s'", *at);
	end = strchr(*at + 1, mark);
	if (!end)
		return err_set(err, ERR_STALL, "a quote is not closed at '%s'", *at);
	*out = mem_strndup(*at + 1, (size_t)(end - *at - 1));
	*at = end + 1;
	return 0;
}

static int jsonpath_expect(const char **at, const char *what, struct err *err)
{
	size_t n = strlen(what);

	if (strncmp(*at, what, n) != 0)
		return err_set(err, ERR_STALL, "'%s' is missing at '%s'", what, *at);
	*at += n;
	return 0;
}

/* After "[?(@". */
static int jsonpath_filter(const char **at, struct seg *s, struct err *err)
{
	s->type = SEG_FILTER;
	s->path = jsonpath_parse(at, "=!", err);
	if (!s->path)
		return -1;
	s->differs = **at == '!';
	if (jsonpath_expect(at, s->differs ? "!=" : "==", err) ||
		jsonpath_quoted(at, &s->value, err))
		return -1;
	return jsonpath_expect(at, ")]", err);
}

static int jsonpath_bracket(const char **at, struct seg *s, struct err *err)
{
	char *end;

	if (!strncmp(*at, "?(@", 3)) {
		*at += 3;
		return jsonpath_filter(at, s, err);
	}
	if (**at == '*') {
		s->type = SEG_ALL;
		(*at)++;
		return jsonpath_expect(at, "]", err);
	}
	if (**at == '\'' || **at == '"') {
		s->type = SEG_KEY;
		return jsonpath_quoted(at, &s->key, err) ? -1 : jsonpath_expect(at, "]", err);
	}
	s->type = SEG_INDEX;
	s->index = strtol(*at, &end, 10);
	if (end == *at)
		return err_set(err, ERR_STALL, "an index is missing at '%s'", *at);
	*at = end;
	return jsonpath_expect(at, "]", err);
}

static struct emb_jsonpath *jsonpath_parse(const char **at, const char *stops, struct err *err)
{
	struct emb_jsonpath *p = NEW(struct emb_jsonpath);

	while (**at && !strchr(stops, **at)) {
		struct seg *s = vec_add(&p->segs);
		char c = *(*at)++;

		memset(s, 0, sizeof(*s));
		if (c == '[') {
			if (jsonpath_bracket(at, s, err))
				goto fail;
		} else if (c == '.' && jsonpath_is_name(**at)) {
			const char *from = *at;

			while (jsonpath_is_name(**at))
				(*at)++;
			s->key = mem_strndup(from, (size_t)(*at - from));
		} else {
			err_set(err, ERR_STALL, "'.' or '[' is missing at '%s'", *at - 1);
			goto fail;
		}
	}
	return p;
fail:
	emb_jsonpath_free(p);
	return NULL;
}

struct emb_jsonpath *emb_jsonpath_new(const char *text, struct err *err)
{
	const char *at = text;
	struct emb_jsonpath *p = jsonpath_parse(&at, "", err);

	if (!p)
		err_wrap(err, "JSON path '%s'", text);
	return p;
}

void emb_jsonpath_free(struct emb_jsonpath *p)
{
	struct seg *s;

	if (!p)
		return;
	vec_each (&p->segs, s) {
		free(s->key);
		free(s->value);
		emb_jsonpath_free(s->path);
	}
	vec_clear(&p->segs);
	free(p);
}

static bool segment_takes(const struct seg *s, const json_t *o)
{
	const json_t *v = emb_jsonpath_first(s->path, o);
	const char *text = json_string_value(v);

	return text && (strcmp(text, s->value) == 0) != s->differs;
}

static const json_t *jsonpath_first(const struct emb_jsonpath *p, size_t at, const json_t *o)
{
	const struct seg *s;
	const json_t *one, *found;
	size_t i, n;

	if (!o || at == p->segs.len)
		return o;
	s = &p->segs.p[at];
	n = json_array_size(o);
	switch (s->type) {
	case SEG_KEY:
		return jsonpath_first(p, at + 1, json_object_get(o, s->key));
	case SEG_INDEX:
		i = s->index < 0 ? n - (size_t)-s->index : (size_t)s->index;
		return jsonpath_first(p, at + 1, json_array_get(o, i));
	default:
		break;
	}
	for (i = 0; i < n; i++) {
		one = json_array_get(o, i);
		if ((s->type == SEG_ALL || segment_takes(s, one)) &&
			(found = jsonpath_first(p, at + 1, one)))
			return found;
	}
	return NULL;
}

const json_t *emb_jsonpath_first(const struct emb_jsonpath *p, const json_t *o)
{
	return jsonpath_first(p, 0, o);
}
