#include "git/commit.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "git/gitc.h"
#include "git/objects_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- lines ----------------------------------------------------------------------------------- */

/* The headers of a commit or tag, line by line; after the empty one comes the message. */
struct lines {
	const char *p, *end;
};

struct line {
	const char *p;
	size_t n; /* without its end */
};

/* False: there is no further line with an end. */
static bool line_next(struct lines *l, struct line *out)
{
	const char *end = l->p < l->end ? memchr(l->p, '\n', (size_t)(l->end - l->p)) : NULL;

	if (!end)
		return false;
	*out = (struct line){l->p, (size_t)(end - l->p)};
	l->p = end + 1;
	return true;
}

/* Is it this header? Then it becomes its value. */
static bool line_is(struct line *l, const char *header)
{
	size_t n = strlen(header);

	if (l->n <= n || memcmp(l->p, header, n) != 0 || l->p[n] != ' ')
		return false;
	l->p += n + 1;
	l->n -= n + 1;
	return true;
}

static bool line_begins(const struct line *l, const char *text)
{
	size_t n = strlen(text);

	return l->n >= n && !memcmp(l->p, text, n);
}

/* ---- who and when ---------------------------------------------------------------------------- */

static void person_clear(struct gitc_person *p)
{
	free(p->name);
	free(p->email);
	*p = (struct gitc_person){0};
}

/* "<seconds> <+hhmm>" */
static bool parse_when(const char *p, const char *end, struct gitc_person *out)
{
	int64_t when = 0;
	int sign, tz;
	size_t i;

	if (p == end || !ascii_is_digit(*p))
		return false;
	for (i = 0; p < end && ascii_is_digit(*p); p++, i++) {
		if (i >= 15)
			return false;
		when = when * 10 + (*p - '0');
	}
	if (end - p < 6 || *p != ' ' || (p[1] != '+' && p[1] != '-'))
		return false;
	sign = p[1] == '-' ? -1 : 1;
	for (i = 2; i < 6; i++)
		if (!ascii_is_digit(p[i]))
			return false;
	tz = ((p[2] - '0') * 10 + (p[3] - '0')) * 60 + (p[4] - '0') * 10 + (p[5] - '0');
	out->when = when;
	out->tz = sign * tz;
	return true;
}

/* "<name> <<email>> <when>"; the brackets are the last ones, so that nobody's name moves the time. */
static void parse_person(const struct line *l, struct gitc_person *out)
{
	const char *end = l->p + l->n, *close = memrchr(l->p, '>', l->n), *open;
	size_t name;

	if (!close || end - close < 2 || close[1] != ' ' || !parse_when(close + 2, end, out))
		return;
	open = memrchr(l->p, '<', (size_t)(close - l->p));
	if (!open) {
		*out = (struct gitc_person){0};
		return;
	}
	name = (size_t)(open - l->p);
	while (name && l->p[name - 1] == ' ')
		name--;
	out->name = mem_strndup(l->p, name);
	out->email = mem_strndup(open + 1, (size_t)(close - open - 1));
}

/* ---- commits --------------------------------------------------------------------------------- */

void gitc_commit_clear(struct gitc_commit *c)
{
	vec_clear(&c->parents);
	person_clear(&c->author);
	person_clear(&c->committer);
	buf_clear(&c->message);
	buf_clear(&c->signature);
	buf_clear(&c->payload);
}

static void commit_init(struct gitc_commit *c)
{
	*c = (struct gitc_commit){.message = BUF_INIT(LIMIT_GIT_COMMIT),
		.signature = BUF_INIT(LIMIT_GIT_COMMIT),
		.payload = BUF_INIT(LIMIT_GIT_COMMIT)};
}

/* What belongs to a signature is not signed: lines of `gpgsig` headers, and those of another
   algorithm's. *in: the header that the line before belongs to. */
enum in_header { IN_OTHER, IN_SIGNATURE, IN_OTHER_SIGNATURE };

static const char *take_signature(struct gitc_commit *c, struct line *l, enum in_header *in)
{
	if (l->n && l->p[0] == ' ' && *in == IN_SIGNATURE) {
		buf_add(&c->signature, l->p + 1, l->n - 1);
		buf_addc(&c->signature, '\n');
	} else if (l->n && l->p[0] == ' ') {
		/* of the same header */
	} else if (line_is(l, "gpgsig")) {
		/* Who checks one would say nothing of the other. */
		if (c->signature.len)
			return "has two signatures";
		*in = IN_SIGNATURE;
		buf_add(&c->signature, l->p, l->n);
		buf_addc(&c->signature, '\n');
	} else if (line_begins(l, "gpgsig")) {
		*in = IN_OTHER_SIGNATURE;
	} else {
		*in = IN_OTHER;
	}
	return NULL;
}

/* The headers that every commit begins with, in this order. */
static const char *commit_head(struct gitc_commit *c, struct lines *rest)
{
	struct line l;

	if (!line_next(rest, &l) || !line_is(&l, "tree") || !gitc_oid_parse(&c->tree, l.p, l.n))
		return "has no tree";
	while (line_next(rest, &l) && line_is(&l, "parent")) {
		if (c->parents.len >= LIMIT_GIT_PARENTS)
			return "has too many parents";
		if (!gitc_oid_parse(vec_add(&c->parents), l.p, l.n))
			return "has a parent that is none";
	}
	if (!line_is(&l, "author"))
		return "has no author";
	parse_person(&l, &c->author);
	if (!line_next(rest, &l) || !line_is(&l, "committer"))
		return "has no committer";
	parse_person(&l, &c->committer);
	return NULL;
}

const char *gitc_commit_parse(struct gitc_commit *out, const char *p, size_t n)
{
	struct lines rest = {p, p + n};
	enum in_header in = IN_OTHER;
	const char *why, *from;
	struct line l;

	commit_init(out);
	if (n > LIMIT_GIT_COMMIT)
		return "is too long";
	why = commit_head(out, &rest);
	if (why)
		return why;
	buf_add(&out->payload, p, (size_t)(rest.p - p));
	for (from = rest.p; line_next(&rest, &l) && l.n; from = rest.p) {
		if (memchr(l.p, '\0', l.n))
			return "has a NUL in its headers";
		why = take_signature(out, &l, &in);
		if (why)
			return why;
		if (in == IN_OTHER)
			buf_add(&out->payload, from, (size_t)(rest.p - from));
	}
	buf_add(&out->payload, from, (size_t)(p + n - from));
	buf_add(&out->message, rest.p, (size_t)(p + n - rest.p));
	return NULL;
}

int gitc_commit_read(const struct gitc_objects *o, const struct gitc_oid *oid,
	struct gitc_commit *out, struct err *err)
{
	auto_raw struct gitc_raw raw = {0};
	const char *why;

	commit_init(out);
	if (gitc_raw_read(o, oid, &(struct gitc_raw_req){GITC_COMMIT, LIMIT_GIT_COMMIT, 0}, NULL,
		    &raw, err))
		return -1;
	why = gitc_commit_parse(out, raw.b.p, raw.b.len);
	return why ? gitc_object_bad(oid, GITC_COMMIT, why, err) : 0;
}

int gitc_tree_of(const struct gitc_objects *o, const struct gitc_oid *commit, struct gitc_oid *tree,
	struct err *err)
{
	struct gitc_commit c;
	int rc = gitc_commit_read(o, commit, &c, err);

	if (!rc)
		*tree = c.tree;
	gitc_commit_clear(&c);
	return rc;
}

/* ---- tags ------------------------------------------------------------------------------------ */

void gitc_tag_clear(struct gitc_tag *t)
{
	free(t->name);
	t->name = NULL;
	person_clear(&t->tagger);
	buf_clear(&t->message);
	buf_clear(&t->signature);
	buf_clear(&t->payload);
}

static void tag_init(struct gitc_tag *t)
{
	*t = (struct gitc_tag){.message = BUF_INIT(LIMIT_GIT_COMMIT),
		.signature = BUF_INIT(LIMIT_GIT_COMMIT),
		.payload = BUF_INIT(LIMIT_GIT_COMMIT)};
}

static bool parse_type(const struct line *l, enum gitc_type *type)
{
	int t;

	for (t = GITC_COMMIT; t <= GITC_TAG; t++)
		if (l->n == strlen(gitc_type_name((enum gitc_type)t)) &&
			!memcmp(l->p, gitc_type_name((enum gitc_type)t), l->n)) {
			*type = (enum gitc_type)t;
			return true;
		}
	return false;
}

static const char *tag_head(struct gitc_tag *t, struct lines *rest)
{
	struct line l;

	if (!line_next(rest, &l) || !line_is(&l, "object") || !gitc_oid_parse(&t->target, l.p, l.n))
		return "has no object";
	if (!line_next(rest, &l) || !line_is(&l, "type") || !parse_type(&l, &t->type))
		return "has no type";
	if (!line_next(rest, &l) || !line_is(&l, "tag") || memchr(l.p, '\0', l.n))
		return "has no name";
	t->name = mem_strndup(l.p, l.n);
	/* Tags of 2005 have no tagger. */
	while (line_next(rest, &l) && l.n) {
		if (memchr(l.p, '\0', l.n))
			return "has a NUL in its headers";
		if (line_is(&l, "tagger")) {
			person_clear(&t->tagger);
			parse_person(&l, &t->tagger);
			t->has_tagger = true;
		}
	}
	return NULL;
}

/* Where the last line is that begins a signature: that is what git takes. */
static const char *tag_signature(const char *p, const char *end)
{
	static const char *const begins[] = {"-----BEGIN PGP SIGNATURE-----",
		"-----BEGIN PGP MESSAGE-----", "-----BEGIN SIGNED MESSAGE-----",
		"-----BEGIN SSH SIGNATURE-----"};
	const char *found = end, *next;
	size_t i;

	for (; p < end; p = next) {
		struct line l;

		next = memchr(p, '\n', (size_t)(end - p));
		next = next ? next + 1 : end;
		l = (struct line){p, (size_t)(next - p)};
		for (i = 0; i < ARRAY_LEN(begins); i++)
			if (line_begins(&l, begins[i]))
				found = p;
	}
	return found;
}

const char *gitc_tag_parse(struct gitc_tag *out, const char *p, size_t n)
{
	struct lines rest = {p, p + n};
	const char *why, *signature;

	tag_init(out);
	if (n > LIMIT_GIT_COMMIT)
		return "is too long";
	why = tag_head(out, &rest);
	if (why)
		return why;
	signature = tag_signature(rest.p, p + n);
	buf_add(&out->payload, p, (size_t)(signature - p));
	buf_add(&out->message, rest.p, (size_t)(signature - rest.p));
	buf_add(&out->signature, signature, (size_t)(p + n - signature));
	return NULL;
}

int gitc_tag_read(const struct gitc_objects *o, const struct gitc_oid *oid, struct gitc_tag *out,
	struct err *err)
{
	auto_raw struct gitc_raw raw = {0};
	const char *why;

	tag_init(out);
	if (gitc_raw_read(
		    o, oid, &(struct gitc_raw_req){GITC_TAG, LIMIT_GIT_COMMIT, 0}, NULL, &raw, err))
		return -1;
	why = gitc_tag_parse(out, raw.b.p, raw.b.len);
	return why ? gitc_object_bad(oid, GITC_TAG, why, err) : 0;
}

/* One step from a tag; *type becomes what it led to. */
static int peel_once(
	const struct gitc_objects *o, struct gitc_oid *oid, enum gitc_type *type, struct err *err)
{
	auto_raw struct gitc_raw raw = {0};
	struct gitc_tag t;
	const char *why;

	if (gitc_raw_read(o, oid, &(struct gitc_raw_req){.max = LIMIT_GIT_COMMIT}, NULL, &raw, err))
		return -1;
	*type = raw.type;
	if (raw.type == GITC_COMMIT)
		return 0;
	if (raw.type != GITC_TAG)
		return gitc_object_bad(oid, raw.type, "is no commit", err);
	why = gitc_tag_parse(&t, raw.b.p, raw.b.len);
	if (why)
		gitc_object_bad(oid, GITC_TAG, why, err);
	else
		*oid = t.target;
	gitc_tag_clear(&t);
	return why ? -1 : 0;
}

int gitc_peel(const struct gitc_objects *o, const struct gitc_oid *oid, struct gitc_oid *commit,
	struct err *err)
{
	struct gitc_oid at = *oid;
	enum gitc_type type;
	unsigned i;

	for (i = 0; i <= LIMIT_GIT_TAGS; i++) {
		if (peel_once(o, &at, &type, err))
			return -1;
		if (type == GITC_COMMIT) {
			*commit = at;
			return 0;
		}
	}
	return gitc_object_bad(oid, GITC_TAG, "leads over too many tags", err);
}
