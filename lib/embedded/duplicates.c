#include "embedded/duplicates.h"

#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "embedded/schema.h"

#include <string.h>

struct scan {
	const char *at, *end;
	struct buf path;
	struct emb_paths *out;
};

static void scan_blanks(struct scan *s)
{
	while (s->at < s->end && strchr(" \t\r\n", *s->at))
		s->at++;
}

/* The string with its quotes; jansson undoes the escapes. */
static char *scan_string(struct scan *s)
{
	const char *from = s->at++;
	auto_json json_t *one = NULL;

	while (s->at < s->end && *s->at != '"')
		s->at += *s->at == '\\' ? 2 : 1;
	if (s->at >= s->end)
		return NULL;
	s->at++;
	one = json_loadb(from, (size_t)(s->at - from), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	return one ? mem_strdup(json_string_value(one)) : NULL;
}

static void scan_value(struct scan *s);

static void scan_cut(struct scan *s, size_t len)
{
	s->path.len = len;
	s->path.over = false;
	if (s->path.p)
		s->path.p[len] = '\0';
}

static void scan_member(struct scan *s, struct map *seen)
{
	static char here;
	size_t len = s->path.len;
	auto_free char *key = scan_string(s);

	if (!key)
		return;
	buf_addf(&s->path, "%s%s", len ? "." : "", key);
	if (map_put(seen, key, &here) && s->out->len < LIMIT_EMBEDDED_UNKNOWN)
		*vec_add(s->out) = mem_strdup(buf_str(&s->path));
	scan_blanks(s);
	s->at++; /* the colon */
	scan_value(s);
	scan_cut(s, len);
}

static void scan_object(struct scan *s)
{
	struct map seen = {0};

	for (s->at++; s->at < s->end; s->at++) {
		scan_blanks(s);
		if (s->at >= s->end || *s->at != '"')
			break;
		scan_member(s, &seen);
		scan_blanks(s);
		if (s->at >= s->end || *s->at != ',')
			break;
	}
	map_clear(&seen);
	s->at++;
}

static void scan_array(struct scan *s)
{
	size_t i, len = s->path.len;

	s->at++;
	scan_blanks(s);
	for (i = 0; s->at < s->end && *s->at != ']'; i++) {
		buf_addf(&s->path, "[%zu]", i);
		scan_value(s);
		scan_cut(s, len);
		scan_blanks(s);
		if (s->at < s->end && *s->at == ',')
			s->at++;
	}
	s->at++;
}

static void scan_value(struct scan *s)
{
	scan_blanks(s);
	if (s->at >= s->end)
		return;
	if (*s->at == '{') {
		scan_object(s);
	} else if (*s->at == '[') {
		scan_array(s);
	} else if (*s->at == '"') {
		free(scan_string(s));
	} else {
		while (s->at < s->end && !strchr(",]} \t\r\n", *s->at))
			s->at++;
	}
}

void emb_duplicates(const char *text, size_t len, struct emb_paths *out)
{
	struct scan s = {.at = text,
		.end = text + len,
		.path = BUF_INIT(LIMIT_EMBEDDED_MESSAGE),
		.out = out};

	scan_value(&s);
	buf_clear(&s.path);
}
