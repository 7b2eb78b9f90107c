#include "text/ignore.h"

#include "base/limits.h"
#include "base/mem.h"
#include "text/ignore_glob.h"

#include <stdint.h>
#include <stdio.h>
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
	/* what first and last bytes of components it needs, each hashed to a bit: most patterns
	   fail there */
	uint64_t first, last;
	char *text;
	char *domain; /* "": the root; one copy for all patterns of a text, which stand together */
	const char *origin; /* NULL: .sourceignore */
	size_t domain_len;
	unsigned line;
	struct part *parts;
	uint16_t part_count;
	uint16_t domain_depth;
	bool include;
	bool dir_only;
	bool is_path; /* has a slash: anchored; else a name, anywhere */
};

/* ---- building -------------------------------------------------------------------------------- */

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

/* Takes no component of a path: of several in a row only the last one says anything. */
static bool takes_none(const struct part *part)
{
	return part->kind == PART_EMPTY || part->kind == PART_DIRS;
}

static void pattern_split(struct ignore_pattern *p, const char *s, size_t n)
{
	size_t from = 0, to, count = 1, used = 0, i;

	for (i = 0; i < n; i++)
		count += s[i] == '/';
	p->parts = mem_array(NULL, count, sizeof(*p->parts));
	for (i = 0; i < count; i++) {
		const char *slash = memchr(s + from, '/', n - from);
		struct part *part = &p->parts[used];

		to = slash ? (size_t)(slash - s) : n;
		part->off = (uint16_t)from;
		part->len = (uint16_t)(to - from);
		part->kind = (uint8_t)part_kind(s + from, to - from, p->is_path);
		if (used && takes_none(part) && takes_none(part - 1))
			part[-1] = *part;
		else
			used++;
		from = to + 1;
	}
	p->parts = mem_array(p->parts, used, sizeof(*p->parts));
	p->part_count = (uint16_t)used;
}

static uint64_t byte_bit(char c)
{
	return 1ULL << (c & 63);
}

static bool is_plain(char c)
{
	return !strchr("*?[]\\", c);
}

/* The last byte of a glob is itself unless something before it makes it more. */
static void part_needs(const char *s, const struct part *part, uint64_t *first, uint64_t *last)
{
	size_t n = part->len;

	*first = *last = 0;
	if (!n || part->kind >= PART_NEVER)
		return;
	if (part->kind == PART_LITERAL || part->kind == PART_PREFIX || is_plain(s[0]))
		*first = byte_bit(s[0]);
	if (part->kind == PART_LITERAL || (n > 1 && is_plain(s[n - 1]) && s[n - 2] != '\\'))
		*last = byte_bit(s[n - 1]);
}

/* Each part has to match a component. */
static void pattern_needs(struct ignore_pattern *p)
{
	uint64_t first, last;
	size_t i;

	for (i = 0; i < p->part_count; i++) {
		part_needs(p->text + p->parts[i].off, &p->parts[i], &first, &last);
		p->first |= first;
		p->last |= last;
	}
}

static uint16_t domain_depth(const char *domain)
{
	uint16_t n = *domain != 0;

	for (; *domain; domain++)
		n = (uint16_t)(n + (*domain == '/'));
	return n;
}

/* domain: the pattern's, or its neighbours' as well. */
static void pattern_init(struct ignore_pattern *p, const char *s, size_t n, char *domain)
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
	pattern_needs(p);
	p->domain = domain;
	p->domain_len = strlen(domain);
	p->domain_depth = domain_depth(domain);
}

static void patterns_free(struct ignore_pattern *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(p[i].text);
		if (i + 1 == n || p[i].domain != p[i + 1].domain)
			free(p[i].domain);
		free(p[i].parts);
	}
	free(p);
}

static bool rune_is_space(uint32_t r)
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
		if (!rune_is_space(rune))
			return false;
	}
	return true;
}

int ignore_add(struct ignore *l, const char *text, size_t len, const char *domain, struct err *err)
{
	const char *p = text, *end = text + len, *where = *domain ? domain : ".";
	char *shared = NULL;
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
		if (!shared)
			shared = mem_strdup(domain);
		pattern_init(&l->added[l->count], from, n, shared);
		l->added[l->count].origin = l->origin;
		l->added[l->count++].line = line;
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

/* ---- matching -------------------------------------------------------------------------------- */

/* A path as its components. */
struct comp {
	const char *p;
	size_t len;
};
struct path {
	const char *text;
	const struct comp *comp;
	size_t count;
	uint64_t first, last; /* bytes of its components, as ignore_pattern has them */
	bool is_dir;
	struct ignore_budget *budget;
};

#define BYTES_A_STEP 32 /* for memcmp */
#define PATTERNS_A_STEP 4 /* that are passed over */

static bool part_match(const struct ignore_pattern *p, const struct part *part,
	const struct comp *c, struct ignore_budget *b)
{
	const char *s = p->text + part->off;
	size_t n = part->len;

	if (!ignore_spend(b, 1 + (n <= c->len + 1 ? n / BYTES_A_STEP : 0)))
		return false;
	switch (part->kind) {
	case PART_LITERAL:
		return n == c->len && !memcmp(s, c->p, n);
	case PART_SUFFIX:
		return n - 1 <= c->len && !memcmp(s + 1, c->p + c->len - (n - 1), n - 1);
	case PART_PREFIX:
		return n - 1 <= c->len && !memcmp(s, c->p, n - 1);
	case PART_GLOB:
		return ignore_glob(s, n, c->p, c->len, b);
	default:
		return false;
	}
}

/* A name: any component may match; with a trailing slash, a last one only if it is a directory. */
static bool name_match(const struct ignore_pattern *p, const struct path *path)
{
	size_t i;

	for (i = p->domain_depth; i < path->count; i++)
		if (part_match(p, p->parts, &path->comp[i], path->budget))
			return !p->dir_only || path->is_dir || i + 1 < path->count;
	return false;
}

/*
 * A path: component by component from the domain on; what is left of the path below a match is
 * covered. `**` takes the first component that fits what follows it, and there is no second try:
 * that is how Flux does it.
 */
static bool path_match(const struct ignore_pattern *p, const struct path *path)
{
	size_t at = p->domain_depth, i;
	bool matched = false, skip = false;

	for (i = 0; i < p->part_count; i++) {
		const struct part *part = &p->parts[i];

		if (!ignore_spend(path->budget, 1))
			return false;
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
			matched = part_match(p, part, &path->comp[at++], path->budget);
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

	if (!ignore_spend(path->budget, 1 + n / BYTES_A_STEP))
		return false;
	/* Only what lies below the domain, never the domain itself. */
	if (n && (strncmp(path->text, p->domain, n) != 0 || path->text[n] != '/'))
		return false;
	return p->is_path ? path_match(p, path) : name_match(p, path);
}

/* The last pattern that matches decides: 1 excluded, 0 included, -1 none matches, or the budget is
   over. */
static int list_match(const struct ignore_pattern *p, size_t n, const struct path *path)
{
	struct ignore_budget *b = path->budget;
	bool matched;
	uint64_t used;

	ignore_spend(b, n / PATTERNS_A_STEP);
	for (; n && !b->over; n--) {
		if (p[n - 1].first & ~path->first || p[n - 1].last & ~path->last)
			continue;
		used = b->used;
		matched = pattern_match(&p[n - 1], path);
		used = b->used - used;
		if (used > b->worst_used) {
			b->worst_used = used;
			b->worst = &p[n - 1];
		}
		if (matched && !b->over)
			return !p[n - 1].include;
	}
	return -1;
}

#define COMPS_INLINE 64

static bool ignore_ask(
	const struct ignore *l, struct ignore_budget *b, const char *path, bool is_dir)
{
	struct comp few[COMPS_INLINE];
	auto_free struct comp *many = NULL;
	struct path split = {.text = path, .comp = few, .is_dir = is_dir, .budget = b};
	struct comp *comp = few;
	const char *p, *end;
	size_t count = 1, i;
	int rc;

	/* The root itself: no pattern is about it, though a bare * would match the empty name. */
	if (!*path)
		return false;
	for (p = path; *p; p++)
		count += *p == '/';
	ignore_spend(b, (uint64_t)(p - path));
	if (count > COMPS_INLINE)
		split.comp = comp = many = mem_array(NULL, count, sizeof(*many));
	for (p = path, i = 0; i < count; p = end + 1, i++) {
		end = strchrnul(p, '/');
		comp[i] = (struct comp){p, (size_t)(end - p)};
		split.first |= byte_bit(*p);
		split.last |= end > p ? byte_bit(end[-1]) : 0;
	}
	split.count = count;
	rc = list_match(l->added, l->count, &split);
	if (rc < 0)
		rc = list_match(l->builtin, l->count ? l->builtin_vcs : l->builtin_count, &split);
	return rc > 0;
}

bool ignore_match(const struct ignore *l, const char *path, bool is_dir)
{
	struct ignore_budget all = {.max = UINT64_MAX};

	return ignore_ask(l, &all, path, is_dir);
}

#define SHOWN 60

/* A rule as it can stand in a message. */
static void pattern_show(const struct ignore_pattern *p, char out[SHOWN + 4])
{
	size_t i;

	for (i = 0; p->text[i] && i < SHOWN; i++)
		out[i] = p->text[i] >= ' ' && p->text[i] <= '~' ? p->text[i] : '?';
	snprintf(out + i, 4, "%s", p->text[i] ? "..." : "");
}

static int budget_over(const struct ignore *l, const struct ignore_budget *b, struct err *err)
{
	const struct ignore_pattern *p = b->worst;
	char rule[SHOWN + 4] = "";

	if (b->stopped)
		return err_set(err, ERR_CANCELED, "canceled");
	if (p)
		pattern_show(p, rule);
	return err_set(err, ERR_RETRY,
		"the ignore rules take too long: %zu rules for more than %llu entries; the "
		"costliest is '%s' (%s%s%s, line %u)",
		l->count, (unsigned long long)b->entries, rule, p ? p->domain : "",
		p && *p->domain ? "/" : "", p && p->origin ? p->origin : IGNORE_FILE,
		p ? p->line : 0);
}

int ignore_match_within(const struct ignore *l, struct ignore_budget *b, const char *path,
	bool is_dir, struct err *err)
{
	bool is = !b->over && ignore_ask(l, b, path, is_dir);

	if (b->over)
		return budget_over(l, b, err);
	b->entries++;
	return is;
}

/* ---- which files count ----------------------------------------------------------------------- */

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
	/* A directory's end comes before everything, its slash before every other byte of a
	   name. */
	if (!*a || !*b)
		return (*a != 0) - (*b != 0);
	if (*a == '/' || *b == '/')
		return (*b == '/') - (*a == '/');
	return (unsigned char)*a < (unsigned char)*b ? -1 : *a != *b;
}
