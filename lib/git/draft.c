#include "git/draft.h"

#include "base/limits.h"
#include "base/mem.h"
#include "git/gitc.h"
#include "git/hash.h"
#include "git/names.h"
#include "git/packw.h"
#include "git/tree.h"
#include "pack/path.h"
#include "pack/source.h"

#include <stdlib.h>
#include <string.h>

struct gitc_draft {
	struct gitc_packw made; /* blobs and trees */
	struct buf head, message; /* of the commit: up to where a signature goes, and behind it */
	struct buf payload;
};

/* While the trees are made. */
struct making {
	struct gitc_draft *d;
	const struct gitc_objects *o;
	const struct gitc_change **changes; /* by path */
	uint64_t left; /* bytes of trees that may still be read on the way down */
	const atomic_bool *stop;
};

static int no_file(const char *path, const char *why, struct err *err)
{
	char q[PACK_QUOTE_MAX];

	return err_code(err, ERR_RETRY, GITC_NO_PATH, "the path '%s' %s",
		pack_quote(q, path, strlen(path)), why);
}

/* A tree is read, and becomes the new one in its place: names of objects are replaced, neither
   modes nor the order change. */
static void tree_set(
	struct gitc_tree *t, const struct gitc_tree_entry *e, const struct gitc_oid *oid)
{
	memcpy(t->raw.b.p + e->name + e->len + 1, oid->b, sizeof(oid->b));
}

static int make_tree(struct making *m, const struct gitc_oid *old, size_t from, size_t to,
	size_t depth, struct gitc_oid *made, struct err *err);

/* The changes from..to are all below one entry, or one of them is that entry. depth: where its name
   is in their paths. */
static int make_entry(struct making *m, struct gitc_tree *t, size_t from, size_t to, size_t depth,
	struct err *err)
{
	const struct gitc_change *first = m->changes[from];
	const char *name = first->path + depth;
	size_t n = strcspn(name, "/");
	const struct gitc_tree_entry *e = gitc_tree_find(t, name, n);
	struct gitc_oid old, made;

	if (!e)
		return no_file(first->path, "is not there", err);
	gitc_tree_oid(t, e, &old);
	if (name[n]) {
		if (e->mode != GITC_MODE_DIR)
			return no_file(first->path, "is not there", err);
		if (make_tree(m, &old, from, to, depth + n + 1, &made, err))
			return -1;
	} else {
		if (to - from > 1)
			return no_file(first->path, "is there twice", err);
		if (e->mode != GITC_MODE_FILE && e->mode != GITC_MODE_EXEC)
			return no_file(first->path, "is no file", err);
		if (gitc_hash(&made, GITC_BLOB, first->text, first->len, err))
			return -1;
		if (!gitc_oid_equal(&made, &old) &&
			gitc_packw_add(&m->d->made, GITC_BLOB, first->text, first->len, &made,
				m->stop, err))
			return -1;
	}
	tree_set(t, e, &made);
	return 0;
}

/* How many of the changes from `from` on have the same name at depth. */
static size_t same_name(const struct making *m, size_t from, size_t to, size_t depth)
{
	const char *name = m->changes[from]->path + depth;
	size_t n = strcspn(name, "/"), i = from + 1;

	while (i < to && !strncmp(m->changes[i]->path + depth, name, n) &&
		strcspn(m->changes[i]->path + depth, "/") == n)
		i++;
	return i;
}

static int make_entries(struct making *m, struct gitc_tree *t, size_t from, size_t to, size_t depth,
	struct err *err)
{
	size_t next;

	for (; from < to; from = next) {
		next = same_name(m, from, to, depth);
		if (make_entry(m, t, from, next, depth, err))
			return -1;
	}
	return 0;
}

static int make_this(struct making *m, struct gitc_tree *t, const struct gitc_oid *old, size_t from,
	size_t to, size_t depth, struct gitc_oid *made, struct err *err)
{
	const struct buf *b = &t->raw.b;

	if (make_entries(m, t, from, to, depth, err) ||
		gitc_hash(made, GITC_TREE, b->p, b->len, err))
		return -1;
	return gitc_oid_equal(made, old)
		? 0
		: gitc_packw_add(&m->d->made, GITC_TREE, b->p, b->len, made, m->stop, err);
}

/* Its depth is that of the paths, which were checked. What is held at a time is the trees down to
   where it is. */
static int make_tree(struct making *m, const struct gitc_oid *old, size_t from, size_t to,
	size_t depth, struct gitc_oid *made, struct err *err)
{
	struct gitc_tree_left left = {LIMIT_ENTRIES, m->left};
	struct gitc_tree t;
	int rc;

	if (pack_stopped(m->stop, err) ||
		gitc_tree_read(m->o, old, m->changes[from]->path, left, m->stop, &t, err))
		return -1;
	m->left -= t.raw.b.len;
	rc = make_this(m, &t, old, from, to, depth, made, err);
	m->left += t.raw.b.len;
	gitc_tree_clear(&t);
	return rc;
}

/* ---- the commit ------------------------------------------------------------------------------ */

/* What has a meaning in the line is dropped, and blanks around the rest. */
static void add_clean(struct buf *out, const char *text)
{
	size_t from = out->len;

	for (; text && *text; text++)
		if (*text != '\n' && *text != '<' && *text != '>' &&
			(*text != ' ' || out->len > from))
			buf_addc(out, *text);
	while (out->len > from && out->p[out->len - 1] == ' ')
		out->p[--out->len] = '\0';
}

static void add_person(struct buf *out, const char *header, const struct gitc_person *who)
{
	int tz = abs(who->tz);

	buf_addf(out, "%s ", header);
	add_clean(out, who->name);
	buf_adds(out, " <");
	add_clean(out, who->email);
	buf_addf(out, "> %lld %c%02d%02d\n", (long long)who->when, who->tz < 0 ? '-' : '+', tz / 60,
		tz % 60);
}

static int make_commit(struct gitc_draft *d, const struct gitc_draft_req *req,
	const struct gitc_oid *tree, struct err *err)
{
	char hex[GITC_OID_HEX];

	if (req->message_len && memchr(req->message, '\0', req->message_len))
		return err_set(err, ERR_STALL, "the commit message has a NUL");
	buf_addf(&d->head, "tree %s\n", gitc_oid_format(tree, hex));
	buf_addf(&d->head, "parent %s\n", gitc_oid_format(&req->parent, hex));
	add_person(&d->head, "author", &req->who);
	add_person(&d->head, "committer", &req->who);
	buf_addc(&d->message, '\n');
	buf_add(&d->message, req->message, req->message_len);
	buf_add(&d->payload, d->head.p, d->head.len);
	buf_add(&d->payload, d->message.p, d->message.len);
	if (buf_over(&d->head) || buf_over(&d->message) || buf_over(&d->payload))
		return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
			"the commit has more than %llu bytes",
			(unsigned long long)LIMIT_GIT_COMMIT);
	return 0;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	return pack_path_cmp((*(const struct gitc_change *const *)a)->path,
		(*(const struct gitc_change *const *)b)->path);
}

static int draft_check(const struct gitc_draft_req *req, struct err *err)
{
	const char *why;
	size_t i;

	if (req->n_changes > LIMIT_GIT_CHANGES)
		return err_code(err, ERR_RETRY, GITC_TOO_LARGE, "more than %d files change",
			LIMIT_GIT_CHANGES);
	for (i = 0; i < req->n_changes; i++) {
		const char *path = req->changes[i].path;

		/* Git's rules, not those of an archive: a name need not be text. */
		why = gitc_path_refused(path, strlen(path));
		if (why)
			return no_file(path, why, err);
	}
	return req->n_changes ? 0 : err_code(err, ERR_RETRY, GITC_SAME, "nothing changes");
}

static int draft_make(struct gitc_draft *d, const struct gitc_draft_req *req,
	const atomic_bool *stop, struct err *err)
{
	struct making m = {.d = d,
		.o = req->objects,
		.left = req->trees ? req->trees : LIMIT_GIT_TREES,
		.stop = stop};
	struct gitc_oid old, made;
	size_t i;
	int rc;

	if (draft_check(req, err) || gitc_tree_of(req->objects, &req->parent, &old, err))
		return -1;
	m.changes = mem_array(NULL, req->n_changes, sizeof(const struct gitc_change *));
	for (i = 0; i < req->n_changes; i++)
		m.changes[i] = &req->changes[i];
	qsort(m.changes, req->n_changes, sizeof(const struct gitc_change *), by_path);
	rc = make_tree(&m, &old, 0, req->n_changes, 0, &made, err);
	free(m.changes);
	if (rc)
		return -1;
	if (gitc_oid_equal(&made, &old))
		return err_code(err, ERR_RETRY, GITC_SAME, "nothing changes");
	return make_commit(d, req, &made, err);
}

struct gitc_draft *gitc_draft_new(
	const struct gitc_draft_req *req, const atomic_bool *stop, struct err *err)
{
	struct gitc_draft *d = NEW(struct gitc_draft);

	gitc_packw_init(&d->made, req->max_pack ? req->max_pack : LIMIT_GIT_PACK);
	d->head = d->message = d->payload = BUF_INIT(LIMIT_GIT_COMMIT);
	if (draft_make(d, req, stop, err)) {
		gitc_draft_free(d);
		return NULL;
	}
	return d;
}

void gitc_draft_free(struct gitc_draft *d)
{
	if (!d)
		return;
	gitc_packw_clear(&d->made);
	buf_clear(&d->head);
	buf_clear(&d->message);
	buf_clear(&d->payload);
	free(d);
}

const struct buf *gitc_draft_payload(const struct gitc_draft *d)
{
	return &d->payload;
}

/* As a header: a blank in front of each further line, and no empty one at its end. */
static void add_signature(struct buf *out, const char *text)
{
	size_t n = strlen(text), i;

	while (n && text[n - 1] == '\n')
		n--;
	buf_adds(out, "gpgsig ");
	for (i = 0; i < n; i++) {
		if (text[i] == '\r')
			continue;
		buf_addc(out, text[i]);
		if (text[i] == '\n')
			buf_addc(out, ' ');
	}
	buf_addc(out, '\n');
}

int gitc_draft_seal(struct gitc_draft *d, const char *signature, struct gitc_oid *oid,
	struct buf *pack, const atomic_bool *stop, struct err *err)
{
	struct buf commit = BUF_INIT(2 * LIMIT_GIT_COMMIT);
	int rc = 0;

	buf_add(&commit, d->head.p, d->head.len);
	if (signature && *signature)
		add_signature(&commit, signature);
	buf_add(&commit, d->message.p, d->message.len);
	if (buf_over(&commit))
		rc = err_code(err, ERR_RETRY, GITC_TOO_LARGE, "the signature is too long");
	if (!rc)
		rc = gitc_hash(oid, GITC_COMMIT, commit.p, commit.len, err);
	if (!rc)
		rc = gitc_packw_add(&d->made, GITC_COMMIT, commit.p, commit.len, oid, stop, err);
	buf_clear(&commit);
	return rc ? rc : gitc_packw_end(&d->made, pack, stop, err);
}
