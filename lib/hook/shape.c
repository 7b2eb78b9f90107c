#include "hook/shape.h"

#include "base/ascii.h"
#include "base/mem.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- texts ----------------------------------------------------------------------------------- */

static bool time_fits(const char *text)
{
	struct err ignored = {0};
	int64_t ms;

	return !time_parse_rfc3339(text, &ms, &ignored);
}

/* The scheme's length; 0: there is none, -1: a colon stands where it may not. */
static int uri_scheme(const char *text)
{
	size_t n = strcspn(text, ":/?#"), i;

	if (text[n] != ':')
		return 0;
	for (i = 0; i < n; i++)
		if (!ascii_is_alpha(text[i]) &&
			(!i || (!ascii_is_digit(text[i]) && !strchr("+-.", text[i]))))
			return -1;
	return n ? (int)n : -1;
}

/* HOST[:PORT] behind "//". */
static bool uri_host_fits(const char *p)
{
	size_t n = strcspn(p, "/?#"), i;
	const char *colon, *end = p + n;

	for (i = 0; i < n; i++)
		if (strchr(" <>\"\\^`{|}", p[i]))
			return false;
	if (*p == '[' && !(p = memchr(p, ']', n)))
		return false;
	colon = memchr(p, ':', (size_t)(end - p));
	return !colon || strspn(colon + 1, "0123456789") == (size_t)(end - colon - 1);
}

static bool uri_fits(const char *text)
{
	int scheme = uri_scheme(text);
	const char *p;

	for (p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
		if (*p == '%' && !(ascii_is_hex(p[1]) && ascii_is_hex(p[2])))
			return false;
	}
	if (scheme < 0)
		return false;
	p = text + scheme + (scheme ? 1 : 0);
	return strncmp(p, "//", 2) != 0 || uri_host_fits(p + 2);
}

/* TYPE and NAME are there; what stands between and behind them nobody here needs. */
static bool purl_fits(const char *text)
{
	const char *p = text + 4, *slash;

	if (strncmp(text, "pkg:", 4) != 0)
		return false;
	p += strspn(p, "/");
	slash = strchr(p, '/');
	if (!slash || slash == p || memchr(p, '@', (size_t)(slash - p)) ||
		memchr(p, '?', (size_t)(slash - p)))
		return false;
	p = slash + strspn(slash, "/");
	return *p && !strchr("@?#", *p);
}

static bool text_fits(const char *text, const struct hook_shape *s)
{
	auto_free char *word = NULL;

	if (!*text)
		return !s->needed && s->kind != HOOK_TIME;
	if (s->words) {
		word = mem_printf(" %s ", text);
		return strstr(s->words, word);
	}
	return s->kind == HOOK_TIME    ? time_fits(text)
		: s->kind == HOOK_URI  ? uri_fits(text)
		: s->kind == HOOK_PURL ? purl_fits(text)
				       : true;
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool texts_fit(const json_t *v)
{
	size_t i;

	for (i = 0; i < json_array_size(v); i++)
		if (!json_is_string(json_array_get(v, i)) && !json_is_null(json_array_get(v, i)))
			return false;
	return json_is_array(v);
}

static bool value_fits(const json_t *v, const struct hook_shape *s)
{
	if (json_is_null(v))
		return true;
	switch (s->kind) {
	case HOOK_TEXTS:
		return texts_fit(v);
	case HOOK_OBJECT:
		return s->in ? hook_shape_fits(v, s->in) : json_is_object(v);
	default:
		return json_is_string(v) && text_fits(json_string_value(v), s);
	}
}

static bool has_needed(const json_t *o, const struct hook_shape *shape)
{
	const struct hook_shape *s;

	for (s = shape; s->name; s++)
		if (s->needed && !hook_member(o, s->name))
			return false;
	return true;
}

bool hook_shape_fits(const json_t *o, const struct hook_shape *shape)
{
	const struct hook_shape *s;
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)o, name, v)
		for (s = shape; s->name; s++)
			if (!strcasecmp(name, s->name) && !value_fits(v, s))
				return false;
	return (!o || json_is_null(o) || json_is_object(o)) && has_needed(o, shape);
}

const json_t *hook_member(const json_t *o, const char *name)
{
	const json_t *found = NULL;
	const char *at;
	json_t *v;

	json_object_foreach ((json_t *)o, at, v)
		if (!strcasecmp(at, name) && !json_is_null(v))
			found = v;
	return found;
}

const char *hook_text(const json_t *o, const char *name)
{
	const char *text = json_string_value(hook_member(o, name));

	return text ? text : "";
}
