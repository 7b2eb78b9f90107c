#include "text/ignore.h"

#include "base/limits.h"
#include "base/mem.h"
#include "text/ignore_glob.h"

#include <stdint.h>
#include <string.h>

const char ignore_vcs[] = ".git/\n.gitignore\n.gitmodules\n.gitattributes\n";
const char ignore_ext[] = "*.jpg\n*.jpeg\n*.gif\n*.png\n*.wmv\n*.flv\n*.tar.gz\n*.zip\n";
const char ignore_ci[] = ".github/\n.circleci/\n.travis.yml\n.gitlab-ci.yml\nappveyor.yml\n"
			 ".drone.yml\ncloudbuild.yaml\ncodeship-services.yml\ncodeship-steps.yml\n";
const char ignore_extra[] = "**/.goreleaser.yml\n**/.sops.yaml\n**/.flux.yaml\n";

enum part_kind {
	PART_LITERAL,
	PART_SUFFIX, /* * and a literal */
	PART_PREFIX, /* a literal and * */
	PART_GLOB,
	PART_NEVER, /* malformed */
	PART_EMPTY, /* before a leading slash, between two; in path patterns only */
	PART_DIRS, /* ** in path patterns */
};

/* A component of a pattern: bytes of its text. */
struct part {
	uint16_t off;
	uint16_t len;
	uint8_t kind;
};
_Static_assert(LIMIT_PATTERN < UINT16_MAX, "a part's offset has 16 bits");

struct ignore_pattern {
	char *text;
	char *domain; /* "": the root */
	size_t domain_len;
	struct part *parts;
	uint16_t part_count;
	uint16_t domain_depth;
	bool include;
	bool dir_only;
	bool is_path; /* has a slash: anchored; else a name, anywhere */
};

/* ---- building -------------------------------------------------------------------------------------------------------- */

static bool has_meta(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i] == '*' || s[i] == '?' || s[i] == '[' || s[i] == '\\')
			return true;
	return false;
}

static enum part_kind part_kind(const char *s, size_t n, bool is_path)
{
	if (is_path && !n)
		return PART_EMPTY;
	if (is_path && n == 2 && !memcmp(s, "**", 2))
		return PART_DIRS;
	/* Flux takes ** beside other characters for a mistake, where there are directories. */
	if (is_path && memmem(s, n, "**", 2))
		return PART_NEVER;
	if (!has_meta(s, n))
		return PART_LITERAL;
	if (s[0] == '*' && !has_meta(s + 1, n - 1))
		return PART_SUFFIX;
	if (s[n - 1] == '*' && !has_meta(s, n - 1))
		return PART_PREFIX;
	return ignore_glob_valid(s, n) ? PART_GLOB : PART_NEVER;
}

static void pattern_split(struct ignore_pattern *p, const char *s, size_t n)
{
	size_t from = 0, to, count = 1, i;

	for (i = 0; i < n; i++)
		count += s[i] == '/';
	p->parts = mem_array(NULL, count, sizeof(*p->parts));
	for (i = 0; i < count; i++) {
		const char *slash = memchr(s + from, '/', n - from);

		to = slash ? (size_t)(slash - s) : n;
		p->parts[i].off = (uint16_t)from;
		p->parts[i].len = (uint16_t)(to - from);
		p->parts[i].kind = (uint8_t)part_kind(s + from, to - from, p->is_path);
		from = to + 1;
	}
	p->part_count = (uint16_t)count;
}

static uint16_t domain_depth(const char *domain)
{
	uint16_t n = *domain != 0;

	for (; *domain; domain++)
		n = (uint16_t)(n + (*domain == '/'));
	return n;
}

static void pattern_init(struct ignore_pattern *p, const char *s, size_t n, const char *domain)
{
	memset(p, 0, sizeof(*p));
	if (n && *s == '!') {
		p->include = true;
		s++;
		n--;
	}
	/* An escaped blank at the end keeps them all. */
	if (!(n >= 2 && s[n - 1] == ' ' && s[n - 2] == '\\'))
		while (n && s[n - 1] == ' ')
			n--;
	if (n && s[n - 1] == '/') {
		p->dir_only = true;
		n--;
	}
	p->is_path = memchr(s, '/', n) != NULL;
	p->text = mem_alloc(n + 1);
	memcpy(p->text, s, n);
	p->text[n] = 0;
	pattern_split(p, p->text, n);
	p->domain = mem_strdup(domain);
	p->domain_len = strlen(domain);
	p->domain_depth = domain_depth(domain);
}

static void patterns_free(struct ignore_pattern *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(p[i].text);
		free(p[i].domain);
		free(p[i].parts);
	}
	free(p);
}

static bool is_space(uint32_t r)
{
	return (r >= '\t' && r <= '\r') || r == ' ' || r == 0x85 || r == 0xa0 || r == 0x1680 ||
		(r >= 0x2000 && r <= 0x200a) || r == 0x2028 || r == 0x2029 || r == 0x202f ||
		r == 0x205f || r == 0x3000;
}

/* A comment, or nothing but Unicode's white space. */
static bool line_is_empty(const char *s, size_t n)
{
	uint32_t rune;
	size_t used;

	if (n && *s == '#')
		return true;
	for (; n; s += used, n -= used) {
		used = ignore_rune(s, n, &rune);
		if (!is_space(rune))
			return false;
	}
	return true;
}

int ignore_add(struct ignore *l, const char *text, size_t len, const char *domain, struct err *err)
{
	const char *p = text, *end = text + len, *where = *domain ? domain : ".";
	unsigned line = 0;

	if (len > LIMIT_IGNORE_FILE)
		return err_set(err, ERR_STALL, "ignore rules of '%s' are over %llu bytes", where,
			LIMIT_IGNORE_FILE);
	for (; p < end; p++) {
		const char *from = p;
		size_t n;

		p = memchr(from, '\n', (size_t)(end - from));
		p = p ? p : end;
		n = (size_t)(p - from);
		n -= n && from[n - 1] == '\r';
		line++;
		if (line_is_empty(from, n))
			continue;
		if (n > LIMIT_PATTERN)
			return err_set(err, ERR_STALL,
				"ignore rules of '%s', line %u: over %d bytes", where, line,
				LIMIT_PATTERN);
		if (l->count == LIMIT_IGNORE_PATTERNS)
			return err_set(err, ERR_STALL,
				"ignore rules of '%s', line %u: more than %d patterns in all",
				where, line, LIMIT_IGNORE_PATTERNS);
		if (l->count == l->cap) {
			l->cap = l->cap ? l->cap * 2 : 16;
			l->added = mem_array(l->added, l->cap, sizeof(*l->added));
		}
		pattern_init(&l->added[l->count++], from, n, domain);
	}
	return 0;
}

/* Our own lists: nothing can fail. */
static void add_builtin(struct ignore *l, const char *text)
{
	struct err err;

	BUG_IF(ignore_add(l, text, strlen(text), "", &err));
}

void ignore_init(struct ignore *l, enum ignore_base base)
{
	memset(l, 0, sizeof(*l));
	if (base == IGNORE_PLAIN)
		return;
	add_builtin(l, ignore_vcs);
	l->builtin_vcs = l->count;
	add_builtin(l, ignore_ext);
	add_builtin(l, ignore_ci);
	add_builtin(l, ignore_extra);
	l->builtin = l->added;
	l->builtin_count = l->count;
	l->added = NULL;
	l->count = l->cap = 0;
}

void ignore_clear(struct ignore *l)
{
	patterns_free(l->added, l->count);
	patterns_free(l->builtin, l->builtin_count);
	memset(l, 0, sizeof(*l));
}

/* ---- matching -------------------------------------------------------------------------------------------------------- */

/* A path as its components. */
struct comp {
	const char *p;
	size_t len;
};
struct path {
	const char *text;
	const struct comp *comp;
	size_t count;
	bool is_dir;
};

static bool part_match(
	const struct ignore_pattern *p, const struct part *part, const struct comp *c)
{
	const char *s = p->text + part->off;
	size_t n = part->len;

	switch (part->kind) {
	case PART_LITERAL:
		return n == c->len && !memcmp(s, c->p, n);
	case PART_SUFFIX:
		return n - 1 <= c->len && !memcmp(s + 1, c->p + c->len - (n - 1), n - 1);
	case PART_PREFIX:
		return n - 1 <= c->len && !memcmp(s, c->p, n - 1);
	case PART_GLOB:
		return ignore_glob(s, n, c->p, c->len);
	default:
		return false;
	}
}

/* A name: any component may match; with a trailing slash, a last one only if it is a directory. */
static bool name_match(const struct ignore_pattern *p, const struct path *path)
{
	size_t i;

	for (i = p->domain_depth; i < path->count; i++)
		if (part_match(p, p->parts, &path->comp[i]))
			return !p->dir_only || path->is_dir || i + 1 < path->count;
	return false;
}

/*
 * A path: component by component from the domain on; what is left of the path below a match is covered. `**` takes the first
 * component that fits what follows it, and there is no second try: that is how Flux does it.
 */
static bool path_match(const struct ignore_pattern *p, const struct path *path)
{
	size_t at = p->domain_depth, i;
	bool matched = false, skip = false;

	for (i = 0; i < p->part_count; i++) {
		const struct part *part = &p->parts[i];

		if (part->kind == PART_EMPTY) {
			skip = false;
			continue;
		}
		if (part->kind == PART_DIRS) {
			skip = true;
			continue;
		}
		if (part->kind == PART_NEVER || at == path->count)
			return false;
		do
			matched = part_match(p, part, &path->comp[at++]);
		while (!matched && skip && at < path->count);
		if (!matched)
			return false;
		skip = false;
	}
	return matched && (!p->dir_only || path->is_dir || at < path->count);
}

static bool pattern_match(const struct ignore_pattern *p, const struct path *path)
{
	size_t n = p->domain_len;

	/* Only what lies below the domain, never the domain itself. */
	if (n && (strncmp(path->text, p->domain, n) != 0 || path->text[n] != '/'))
		return false;
	return p->is_path ? path_match(p, path) : name_match(p, path);
}

/* The last pattern that matches decides: 1 excluded, 0 included, -1 none matches. */
static int list_match(const struct ignore_pattern *p, size_t n, const struct path *path)
{
	while (n--)
		if (pattern_match(&p[n], path))
			return !p[n].include;
	return -1;
}

#define COMPS_INLINE 64

bool ignore_match(const struct ignore *l, const char *path, bool is_dir)
{
	struct comp few[COMPS_INLINE];
	auto_free struct comp *many = NULL;
	struct path split = {.text = path, .comp = few, .is_dir = is_dir};
	struct comp *comp = few;
	const char *p, *end;
	size_t count = 1, i;
	int rc;

	/* The root itself: no pattern is about it, though a bare * would match the empty name. */
	if (!*path)
		return false;
	for (p = path; *p; p++)
		count += *p == '/';
	if (count > COMPS_INLINE)
		split.comp = comp = many = mem_array(NULL, count, sizeof(*many));
	for (p = path, i = 0; i < count; p = end + 1, i++) {
		end = strchrnul(p, '/');
		comp[i] = (struct comp){p, (size_t)(end - p)};
	}
	split.count = count;
	rc = list_match(l->added, l->count, &split);
	if (rc < 0)
		rc = list_match(l->builtin, l->count ? l->builtin_vcs : l->builtin_count, &split);
	return rc > 0;
}

/* ---- which files count ----------------------------------------------------------------------------------------------- */

bool ignore_is_file(const char *path, size_t *dir_len)
{
	const char *slash = strrchr(path, '/'), *p, *end;

	if (strcmp(slash ? slash + 1 : path, IGNORE_FILE) != 0)
		return false;
	for (p = path; slash && p < slash; p = end + 1) {
		end = strchrnul(p, '/');
		if (end - p == 4 && !memcmp(p, ".git", 4))
			return false;
	}
	*dir_len = slash ? (size_t)(slash - path) : 0;
	return true;
}

int ignore_dir_cmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	/* A directory's end comes before everything, its slash before every other byte of a name. */
	if (!*a || !*b)
		return (*a != 0) - (*b != 0);
	if (*a == '/' || *b == '/')
		return (*b == '/') - (*a == '/');
	return (unsigned char)*a < (unsigned char)*b ? -1 : *a != *b;
}
