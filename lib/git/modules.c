#include "git/modules.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "git/gitc.h"
#include "git/names.h"
#include "pack/path.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void gitc_modules_clear(struct gitc_modules *m)
{
	struct gitc_modules_row *r;

	vec_each (&m->rows, r) {
		free(r->name);
		free(r->path);
		free(r->url);
	}
	vec_clear(&m->rows);
}

/* ---- the file -------------------------------------------------------------------------------- */

struct parser {
	struct gitc_modules *out;
	const char *p, *end;
	unsigned line;
	struct buf word; /* a name or a value */
	bool inside; /* of a [submodule "..."] */
	size_t row; /* its place; only then */
};

static int bad_line(const struct parser *s, const char *what, struct err *err)
{
	return err_code(err, ERR_RETRY, GITC_BAD_OBJECT, ".gitmodules, line %u: %s", s->line, what);
}

static int bad_module(const char *name, const char *what, const char *value, struct err *err)
{
	char q[PACK_QUOTE_MAX], r[PACK_QUOTE_MAX];

	return err_code(err, ERR_RETRY, GITC_BAD_OBJECT, "module '%s': %s '%s' is refused",
		pack_quote(q, name, strlen(name)), what, pack_quote(r, value, strlen(value)));
}

static bool at_end(const struct parser *s)
{
	return s->p == s->end;
}

static void skip_blanks(struct parser *s)
{
	while (!at_end(s) && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r'))
		s->p++;
}

static void skip_line(struct parser *s)
{
	while (!at_end(s) && *s->p != '\n')
		s->p++;
}

/* Between two files of one name only the later value counts: a name has one row. */
static size_t module_row(struct parser *s, struct err *err)
{
	const char *name = buf_str(&s->word);
	size_t i;

	for (i = 0; i < s->out->rows.len; i++)
		if (!strcmp(s->out->rows.p[i].name, name))
			return i;
	if (s->out->rows.len >= LIMIT_GIT_MODULES) {
		bad_line(s, "too many modules", err);
		return SIZE_MAX;
	}
	*vec_add(&s->out->rows) = (struct gitc_modules_row){.name = mem_strdup(name)};
	return i;
}

/* A name becomes a folder in git's own: no way out of it. */
static bool name_refused(const char *name)
{
	size_t n;

	if (!*name)
		return true;
	for (;; name += n + 1) {
		n = strcspn(name, "/\\");
		if (n == 2 && name[0] == '.' && name[1] == '.')
			return true;
		if (!name[n])
			return false;
	}
}

/* Behind [submodule: the name in quotes, with \" and \\. */
static int section_name(struct parser *s, struct err *err)
{
	buf_reset(&s->word);
	for (s->p++; !at_end(s) && *s->p != '"'; s->p++) {
		if (*s->p == '\\' && s->p + 1 < s->end)
			s->p++;
		if (*s->p == '\n' || !*s->p)
			return bad_line(s, "a name without an end", err);
		if (buf_addc(&s->word, *s->p))
			return bad_line(s, "a name that is too long", err);
	}
	if (at_end(s))
		return bad_line(s, "a name without an end", err);
	s->p++;
	return 0;
}

static int parse_section(struct parser *s, struct err *err)
{
	const char *word = ++s->p;
	bool ours;

	while (!at_end(s) && (ascii_is_alnum(*s->p) || *s->p == '-' || *s->p == '.'))
		s->p++;
	ours = s->p - word == 9 && !strncasecmp(word, "submodule", 9);
	skip_blanks(s);
	s->inside = false;
	buf_reset(&s->word);
	if (!at_end(s) && *s->p == '"') {
		if (section_name(s, err))
			return -1;
		s->inside = ours;
	}
	if (at_end(s) || *s->p != ']')
		return bad_line(s, "a section without an end", err);
	s->p++;
	if (!s->inside)
		return 0;
	if (name_refused(buf_str(&s->word)))
		return bad_line(s, "a module's name that leads elsewhere", err);
	s->row = module_row(s, err);
	return s->row == SIZE_MAX ? -1 : 0;
}

/* \\ in a value: git's four, and the line that goes on. */
static int value_escape(struct parser *s, struct err *err)
{
	static const char from[] = "nt\"\\b", to[] = "\n\t\"\\\b";
	const char *at;

	s->p++;
	if (!at_end(s) && *s->p == '\r' && s->p + 1 < s->end && s->p[1] == '\n')
		s->p++;
	if (at_end(s))
		return bad_line(s, "a value without an end", err);
	if (*s->p == '\n') {
		s->line++;
		s->p++;
		return 0;
	}
	at = *s->p ? strchr(from, *s->p) : NULL;
	if (!at)
		return bad_line(s, "an escape that is none", err);
	s->p++;
	buf_addc(&s->word, to[at - from]);
	return 0;
}

/* Up to the end of the line: comments go, and blanks at its end that are not quoted. */
static int parse_value(struct parser *s, struct err *err)
{
	bool quoted = false;
	size_t keep = 0;

	buf_reset(&s->word);
	skip_blanks(s);
	while (!at_end(s) && *s->p != '\n') {
		if (!quoted && (*s->p == '#' || *s->p == ';')) {
			skip_line(s);
			break;
		}
		if (!*s->p)
			return bad_line(s, "a NUL", err);
		if (*s->p == '\\') {
			if (value_escape(s, err))
				return -1;
			keep = s->word.len;
			continue;
		}
		if (*s->p == '"')
			quoted = !quoted;
		else
			buf_addc(&s->word, *s->p);
		if (quoted || (*s->p != ' ' && *s->p != '\t' && *s->p != '\r'))
			keep = s->word.len;
		s->p++;
	}
	if (quoted)
		return bad_line(s, "a quote without an end", err);
	if (buf_over(&s->word))
		return bad_line(s, "a value that is too long", err);
	if (s->word.p)
		s->word.p[s->word.len = keep] = '\0';
	return 0;
}

static int take_path(struct gitc_modules_row *r, const char *value, struct err *err)
{
	size_t n = strlen(value);

	while (n && value[n - 1] == '/')
		n--;
	if (!n || value[0] == '-' || gitc_path_refused(value, n))
		return bad_module(r->name, "the path", value, err);
	free(r->path);
	r->path = mem_strndup(value, n);
	return 0;
}

/* What a command would take for an option, or what ends a line of a protocol. */
static int take_url(struct gitc_modules_row *r, const char *value, struct err *err)
{
	const unsigned char *p = (const unsigned char *)value;

	if (!*value || *value == '-' || strlen(value) > LIMIT_GIT_URL)
		return bad_module(r->name, "the url", value, err);
	for (; *p; p++)
		if (*p < ' ' || *p == 127)
			return bad_module(r->name, "the url", value, err);
	free(r->url);
	r->url = mem_strdup(value);
	return 0;
}

static int parse_key(struct parser *s, struct err *err)
{
	const char *key = s->p;
	size_t n;

	while (!at_end(s) && (ascii_is_alnum(*s->p) || *s->p == '-'))
		s->p++;
	n = (size_t)(s->p - key);
	if (!n)
		return bad_line(s, "neither a section nor a key", err);
	skip_blanks(s);
	buf_reset(&s->word);
	/* A key alone says "true". */
	if (!at_end(s) && *s->p == '=') {
		s->p++;
		if (parse_value(s, err))
			return -1;
	}
	if (!s->inside)
		return 0;
	if (n == 4 && !strncasecmp(key, "path", n))
		return take_path(&s->out->rows.p[s->row], buf_str(&s->word), err);
	if (n == 3 && !strncasecmp(key, "url", n))
		return take_url(&s->out->rows.p[s->row], buf_str(&s->word), err);
	return 0;
}

static int parse_all(struct parser *s, struct err *err)
{
	for (s->line = 1; !at_end(s);) {
		int rc = 0;

		skip_blanks(s);
		if (at_end(s))
			break;
		if (*s->p == '\n') {
			s->line++;
			s->p++;
		} else if (*s->p == '#' || *s->p == ';') {
			skip_line(s);
		} else if (*s->p == '[') {
			rc = parse_section(s, err);
		} else {
			rc = parse_key(s, err);
		}
		if (rc)
			return -1;
	}
	return 0;
}

/* Rows without a path or url, and of two with one path the earlier one. */
static void drop_rows(struct gitc_modules *m)
{
	size_t i, j, to = 0;

	for (i = 0; i < m->rows.len; i++) {
		struct gitc_modules_row r = m->rows.p[i];
		bool keep = r.path && r.url;

		for (j = i + 1; keep && j < m->rows.len; j++)
			keep = !m->rows.p[j].path || !m->rows.p[j].url ||
				strcmp(m->rows.p[j].path, r.path) != 0;
		if (keep) {
			m->rows.p[to++] = r;
			continue;
		}
		free(r.name);
		free(r.path);
		free(r.url);
	}
	m->rows.len = to;
}

int gitc_modules_parse(struct gitc_modules *out, const char *text, size_t n, struct err *err)
{
	struct parser s = {.out = out, .p = text, .end = text + n, .word = BUF_INIT(LIMIT_GIT_URL)};
	int rc;

	*out = (struct gitc_modules){0};
	if (n > LIMIT_GIT_MODULES_FILE)
		return err_code(err, ERR_RETRY, GITC_TOO_LARGE, ".gitmodules is too long");
	if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		s.p += 3;
	rc = parse_all(&s, err);
	buf_clear(&s.word);
	if (rc)
		gitc_modules_clear(out);
	else
		drop_rows(out);
	return rc;
}

/* ---- URLs ------------------------------------------------------------------------------------ */

static bool has_scheme(const char *url)
{
	return !strncasecmp(url, "http://", 7) || !strncasecmp(url, "https://", 8) ||
		!strncasecmp(url, "ssh://", 6);
}

static int bad_url(const char *url, const char *why, struct err *err)
{
	char q[PACK_QUOTE_MAX];
	const char *at = strrchr(url, '@');

	/* Never who or with what. */
	url = at ? at + 1 : url;
	return err_code(err, ERR_RETRY, GITC_BAD_OBJECT, "the URL '%s' of a module %s",
		pack_quote(q, url, strlen(url)), why);
}

/* [user@]host:path, as ssh://. */
static bool scp_url(struct buf *out, const char *url)
{
	const char *colon = strchr(url, ':'), *slash = strchr(url, '/');
	const char *path;

	if (!colon || colon == url || (slash && slash < colon) || strstr(url, "::"))
		return false;
	path = colon + 1;
	buf_addf(out, "ssh://%.*s%s%s", (int)(colon - url), url, *path == '/' ? "" : "/", path);
	return *path != '\0';
}

/* Where its path begins: behind the host. */
static size_t url_path(const char *url)
{
	const char *host = strstr(url, "://") + 3;

	return (size_t)(host - url) + strcspn(host, "/");
}

static int relative_url(struct buf *out, const char *parent, const char *url, struct err *err)
{
	size_t n = strlen(parent), root;
	const char *rest = url;

	if (!has_scheme(parent))
		return bad_url(url, "is relative to none", err);
	root = url_path(parent);
	while (n > root && parent[n - 1] == '/')
		n--;
	for (;;) {
		if (!strncmp(rest, "./", 2)) {
			rest += 2;
			continue;
		}
		if (strncmp(rest, "../", 3) != 0)
			break;
		rest += 3;
		if (n <= root)
			return bad_url(url, "leads above its host", err);
		while (n > root && parent[n - 1] != '/')
			n--;
		while (n > root && parent[n - 1] == '/')
			n--;
	}
	buf_add(out, parent, n);
	buf_addc(out, '/');
	buf_adds(out, rest);
	while (out->len && out->p[out->len - 1] == '/')
		out->p[--out->len] = '\0';
	return 0;
}

int gitc_modules_url(struct buf *out, const char *parent, const char *url, struct err *err)
{
	buf_reset(out);
	if (!strncmp(url, "./", 2) || !strncmp(url, "../", 3)) {
		if (relative_url(out, parent, url, err))
			return -1;
	} else if (has_scheme(url)) {
		buf_adds(out, url);
	} else if (strstr(url, "://") || !scp_url(out, url)) {
		return bad_url(url, "is none of http, https and ssh", err);
	}
	return buf_over(out) ? bad_url(url, "is too long", err) : 0;
}
