#include "verify/tuf.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "verify/plain.h"
#include "verify/tuf_listed.h"
#include "verify/tuf_meta.h"
#include "verify/tuf_root.h"

#include <stdio.h>
#include <string.h>

#define SNAPSHOT "snapshot.json"
#define TARGETS "targets.json"

_Static_assert((int)VERIFY_TUF_FILE_TARGETS == (int)VERIFY_TUF_TARGETS, "files are roles first");

struct verify_tuf {
	const char *target_name;
	struct verify_tuf_root *root; /* as meta[VERIFY_TUF_ROOT] says */
	struct verify_tuf_meta *meta[VERIFY_TUF_ROLES]; /* what is believed; NULL: none yet */
	struct buf target;
	int64_t now_ms; /* of the refresh */
	enum verify_tuf_file at;
	unsigned roots; /* new ones in this refresh */
};

/* ---- what one file says of another one ------------------------------------------------------- */

/* What `by` says of the file that comes behind it. -1: nothing that could be followed. */
static int listed(const struct verify_tuf *t, const struct verify_tuf_meta *by,
	enum verify_tuf_file file, struct verify_tuf_listed *out, struct err *err)
{
	bool is_target = file == VERIFY_TUF_FILE_TARGET;
	const char *name = is_target              ? t->target_name
		: file == VERIFY_TUF_FILE_TARGETS ? TARGETS
						  : SNAPSHOT;
	const json_t *o = obj_get(by->body, is_target ? "targets" : "meta", name);

	if (!json_is_object(o))
		return err_set(err, ERR_RETRY, "it does not list '%s'", name);
	if (verify_tuf_listed_read(out, o, err))
		return err_wrap(err, "of '%s'", name);
	if (!is_target && !out->version)
		return err_set(err, ERR_RETRY, "of '%s': it gives no version", name);
	if (is_target && (out->length < 1 || (uint64_t)out->length > LIMIT_TRUSTED_ROOT))
		return err_set(err, ERR_RETRY, "of '%s': its length is %lld; 1 to %llu are taken",
			name, (long long)out->length, LIMIT_TRUSTED_ROOT);
	if (is_target && out->sha256.algo == DIGEST_NONE && out->sha512.algo == DIGEST_NONE)
		return err_set(err, ERR_RETRY, "of '%s': it gives no sha256 or sha512", name);
	return 0;
}

/* The same of what is believed: nothing is that does not say it. */
static struct verify_tuf_listed known(const struct verify_tuf *t, enum verify_tuf_file file)
{
	struct verify_tuf_listed l = {0};
	struct err err = {0};

	BUG_IF(listed(t, t->meta[file - 1], file, &l, &err));
	return l;
}

static const char *lister(enum verify_tuf_file file)
{
	return file == VERIFY_TUF_FILE_SNAPSHOT   ? "timestamp.json"
		: file == VERIFY_TUF_FILE_TARGETS ? SNAPSHOT
						  : TARGETS;
}

/* ---- names ----------------------------------------------------------------------------------- */

char *verify_tuf_kept_name(
	const struct verify_tuf *t, enum verify_tuf_file file, char out[VERIFY_TUF_PATH_MAX])
{
	if (file == VERIFY_TUF_FILE_ROOT)
		snprintf(out, VERIFY_TUF_PATH_MAX, "%lld.root.json",
			(long long)t->meta[VERIFY_TUF_ROOT]->version + 1);
	else if (file == VERIFY_TUF_FILE_TARGET)
		snprintf(out, VERIFY_TUF_PATH_MAX, "%s", t->target_name);
	else
		snprintf(out, VERIFY_TUF_PATH_MAX, "%s.json",
			verify_tuf_role_name((enum verify_tuf_role)file));
	return out;
}

static void target_path(const struct verify_tuf *t, const struct verify_tuf_listed *l, char *out)
{
	char hex[DIGEST_HEX_MAX];

	if (verify_tuf_root_consistent(t->root))
		snprintf(out, VERIFY_TUF_PATH_MAX, "targets/%s.%s",
			digest_hex(l->sha256.algo == DIGEST_NONE ? &l->sha512 : &l->sha256, hex),
			t->target_name);
	else
		snprintf(out, VERIFY_TUF_PATH_MAX, "targets/%s", t->target_name);
}

static void listed_want(const struct verify_tuf *t, struct verify_tuf_want *w)
{
	struct verify_tuf_listed l = known(t, t->at);

	w->max = l.length >= 0 && (uint64_t)l.length < LIMIT_TUF_META ? (size_t)l.length
								      : LIMIT_TUF_META;
	if (t->at == VERIFY_TUF_FILE_TARGET)
		target_path(t, &l, w->path);
	else if (verify_tuf_root_consistent(t->root))
		snprintf(w->path, sizeof(w->path), "%lld.%.100s", (long long)l.version, w->name);
}

bool verify_tuf_wants(const struct verify_tuf *t, struct verify_tuf_want *out)
{
	*out = (struct verify_tuf_want){.max = LIMIT_TUF_META};
	if (t->at == VERIFY_TUF_FILE_NONE)
		return false;
	verify_tuf_kept_name(t, t->at, out->name);
	memcpy(out->path, out->name, sizeof(out->path));
	out->optional = t->at == VERIFY_TUF_FILE_ROOT;
	if (t->at == VERIFY_TUF_FILE_TIMESTAMP)
		out->max = LIMIT_TUF_TIMESTAMP;
	else if (t->at != VERIFY_TUF_FILE_ROOT)
		listed_want(t, out);
	return true;
}

/* ---- root.json ------------------------------------------------------------------------------- */

static void meta_put(struct verify_tuf *t, enum verify_tuf_role role, struct verify_tuf_meta *m)
{
	verify_tuf_meta_free(t->meta[role]);
	t->meta[role] = m;
}

static int root_prove(const struct verify_tuf *t, const struct verify_tuf_meta *m,
	struct verify_tuf_root **out, struct err *err)
{
	int64_t want =
		t->meta[VERIFY_TUF_ROOT] ? t->meta[VERIFY_TUF_ROOT]->version + 1 : m->version;

	if (t->root && verify_tuf_root_signs(t->root, VERIFY_TUF_ROOT, m, err))
		return -1;
	if (m->version != want)
		return err_set(err, ERR_RETRY, "its version is %lld, not %lld",
			(long long)m->version, (long long)want);
	if (verify_tuf_root_read(out, m, err))
		return -1;
	return verify_tuf_root_signs(*out, VERIFY_TUF_ROOT, m, err);
}

static int root_take(struct verify_tuf *t, const char *data, size_t n, struct err *err)
{
	struct verify_tuf_root *root = NULL;
	struct verify_tuf_meta *m = NULL;

	if (verify_tuf_meta_read(&m, VERIFY_TUF_ROOT, data, n, err))
		return -1;
	if (root_prove(t, m, &root, err)) {
		verify_tuf_root_free(root);
		verify_tuf_meta_free(m);
		return -1;
	}
	verify_tuf_root_free(t->root);
	t->root = root;
	meta_put(t, VERIFY_TUF_ROOT, m);
	return 0;
}

static bool meta_stands(const struct verify_tuf *t, enum verify_tuf_role role)
{
	struct err ignored = {0};

	return !t->meta[role] || !verify_tuf_root_signs(t->root, role, t->meta[role], &ignored);
}

/* Who has had the keys of timestamp or snapshot may have given them versions that nobody can
   follow. When such a key is out, what it has signed protects nothing any more (5.3.11). */
static void meta_forget(struct verify_tuf *t)
{
	if (!meta_stands(t, VERIFY_TUF_TIMESTAMP) || !meta_stands(t, VERIFY_TUF_SNAPSHOT)) {
		meta_put(t, VERIFY_TUF_TIMESTAMP, NULL);
		meta_put(t, VERIFY_TUF_SNAPSHOT, NULL);
	}
	if (!meta_stands(t, VERIFY_TUF_TARGETS))
		meta_put(t, VERIFY_TUF_TARGETS, NULL);
}

static int root_current(const struct verify_tuf *t, struct err *err)
{
	const struct verify_tuf_meta *m = t->meta[VERIFY_TUF_ROOT];

	if (!verify_tuf_meta_current(m, t->now_ms, err))
		return 0;
	return err_wrap(err, "%lld.root.json", (long long)m->version);
}

/* ---- the others ------------------------------------------------------------------------------ */

static int rollback_check(const char *name, int64_t now, int64_t before, struct err *err)
{
	if (now >= before)
		return 0;
	return err_set(err, ERR_RETRY,
		"it lists version %lld of '%s', older than %lld, which is known", (long long)now,
		name, (long long)before);
}

/* 1: it is the one that is believed already. */
static int timestamp_prove(
	const struct verify_tuf *t, const struct verify_tuf_meta *m, struct err *err)
{
	const struct verify_tuf_meta *before = t->meta[VERIFY_TUF_TIMESTAMP];
	struct verify_tuf_listed now = {0};

	if (!before)
		return 0;
	if (m->version == before->version)
		return 1;
	if (m->version < before->version)
		return err_set(err, ERR_RETRY,
			"its version is %lld, older than %lld, which is known",
			(long long)m->version, (long long)before->version);
	if (listed(t, m, VERIFY_TUF_FILE_SNAPSHOT, &now, err))
		return -1;
	return rollback_check(
		SNAPSHOT, now.version, known(t, VERIFY_TUF_FILE_SNAPSHOT).version, err);
}

/* All that was listed before is, and none of it is older. */
static int snapshot_rollback(
	const struct verify_tuf *t, const struct verify_tuf_meta *m, struct err *err)
{
	json_t *before = t->meta[VERIFY_TUF_SNAPSHOT]
		? obj_get(t->meta[VERIFY_TUF_SNAPSHOT]->body, "meta")
		: NULL;
	const json_t *now = obj_get(m->body, "meta"), *o;
	char shown[VERIFY_PLAIN_MAX];
	const char *name;
	json_t *one;

	json_object_foreach (before, name, one) {
		o = json_object_get(now, name);
		verify_plain(name, shown);
		if (!json_is_object(o))
			return err_set(err, ERR_RETRY, "it does not list '%s' any more", shown);
		if (rollback_check(
			    shown, obj_int(0, o, "version"), obj_int(0, one, "version"), err))
			return -1;
	}
	return 0;
}

static int version_check(const struct verify_tuf *t, const struct verify_tuf_meta *m,
	enum verify_tuf_file file, struct err *err)
{
	int64_t want = known(t, file).version;

	if (m->version == want)
		return 0;
	return err_set(err, ERR_RETRY, "its version is %lld, and %s says %lld",
		(long long)m->version, lister(file), (long long)want);
}

static int meta_prove(const struct verify_tuf *t, enum verify_tuf_role role,
	const struct verify_tuf_meta *m, bool fresh, struct err *err)
{
	int rc = verify_tuf_root_signs(t->root, role, m, err);

	if (!rc && role == VERIFY_TUF_TIMESTAMP)
		rc = timestamp_prove(t, m, err);
	if (!rc && role != VERIFY_TUF_TIMESTAMP && fresh)
		rc = version_check(t, m, (enum verify_tuf_file)role, err);
	if (!rc && role == VERIFY_TUF_SNAPSHOT)
		rc = snapshot_rollback(t, m, err);
	return rc;
}

/* fresh: from the repository, not from what was kept. */
static int meta_take(struct verify_tuf *t, enum verify_tuf_role role, const char *data, size_t n,
	bool fresh, struct err *err)
{
	struct verify_tuf_listed l, next;
	struct verify_tuf_meta *m = NULL;
	int rc;

	if (role != VERIFY_TUF_TIMESTAMP && fresh) {
		l = known(t, (enum verify_tuf_file)role);
		if (verify_tuf_listed_check(&l, lister((enum verify_tuf_file)role), data, n, err))
			return -1;
	}
	if (verify_tuf_meta_read(&m, role, data, n, err))
		return -1;
	rc = meta_prove(t, role, m, fresh, err);
	if (!rc)
		rc = listed(t, m, (enum verify_tuf_file)(role + 1), &next, err);
	if (rc)
		verify_tuf_meta_free(m);
	else
		meta_put(t, role, m);
	return rc < 0 ? -1 : 0;
}

static int target_take(struct verify_tuf *t, const char *data, size_t n, struct err *err)
{
	struct verify_tuf_listed l = known(t, VERIFY_TUF_FILE_TARGET);

	if (verify_tuf_listed_check(&l, TARGETS, data, n, err))
		return -1;
	buf_reset(&t->target);
	buf_add(&t->target, data, n);
	return 0;
}

/* ---- the way through ------------------------------------------------------------------------- */

/* Is what is believed what its list says? */
static bool meta_fits(const struct verify_tuf *t, enum verify_tuf_role role)
{
	struct verify_tuf_listed l = known(t, (enum verify_tuf_file)role);
	const struct verify_tuf_meta *m = t->meta[role];
	struct err ignored = {0};

	return m && m->version == l.version &&
		!verify_tuf_listed_check(&l, "", m->raw.p, m->raw.len, &ignored);
}

/* Over all that need not be fetched. */
static int advance(struct verify_tuf *t, struct err *err)
{
	struct verify_tuf_listed l;
	struct err ignored = {0};
	enum verify_tuf_role role;

	while (t->at < VERIFY_TUF_FILE_TARGET) {
		role = (enum verify_tuf_role)t->at;
		if (!meta_fits(t, role))
			return 0;
		if (verify_tuf_meta_current(t->meta[role], t->now_ms, err))
			return err_wrap(err, "%s.json", verify_tuf_role_name(role));
		t->at++;
	}
	l = known(t, VERIFY_TUF_FILE_TARGET);
	if (t->target.len && !verify_tuf_listed_check(&l, "", t->target.p, t->target.len, &ignored))
		t->at = VERIFY_TUF_FILE_NONE;
	return 0;
}

static int timestamp_current(struct verify_tuf *t, struct err *err)
{
	if (verify_tuf_meta_current(t->meta[VERIFY_TUF_TIMESTAMP], t->now_ms, err))
		return err_wrap(err, "timestamp.json");
	t->at = VERIFY_TUF_FILE_SNAPSHOT;
	return advance(t, err);
}

static int file_take(struct verify_tuf *t, const char *data, size_t n, struct err *err)
{
	switch (t->at) {
	case VERIFY_TUF_FILE_ROOT:
		return root_take(t, data, n, err);
	case VERIFY_TUF_FILE_TARGET:
		return target_take(t, data, n, err);
	default:
		return meta_take(t, (enum verify_tuf_role)t->at, data, n, true, err);
	}
}

int verify_tuf_give(struct verify_tuf *t, const char *data, size_t n, struct err *err)
{
	struct verify_tuf_want w;

	BUG_IF(!verify_tuf_wants(t, &w));
	if (n > w.max)
		return err_set(
			err, ERR_RETRY, "%s: it has %zu bytes, more than %zu", w.name, n, w.max);
	if (file_take(t, data, n, err))
		return err_wrap(err, "%s", w.name);
	if (t->at == VERIFY_TUF_FILE_ROOT)
		return ++t->roots <= LIMIT_TUF_ROOTS
			? 0
			: err_set(err, ERR_RETRY, "%s: it is the one after %d new ones", w.name,
				  LIMIT_TUF_ROOTS);
	if (t->at == VERIFY_TUF_FILE_TIMESTAMP)
		return timestamp_current(t, err);
	return advance(t, err);
}

int verify_tuf_lacks(struct verify_tuf *t, struct err *err)
{
	struct verify_tuf_want w;

	BUG_IF(!verify_tuf_wants(t, &w));
	if (t->at != VERIFY_TUF_FILE_ROOT)
		return err_set(err, ERR_RETRY, "%s: the repository does not have it", w.name);
	if (root_current(t, err))
		return -1;
	meta_forget(t);
	t->at = VERIFY_TUF_FILE_TIMESTAMP;
	return 0;
}

void verify_tuf_begin(struct verify_tuf *t, int64_t now_ms)
{
	t->now_ms = now_ms;
	t->at = VERIFY_TUF_FILE_ROOT;
	t->roots = 0;
}

int verify_tuf_check(struct verify_tuf *t, int64_t now_ms, struct err *err)
{
	verify_tuf_begin(t, now_ms);
	if (root_current(t, err))
		return -1;
	if (!t->meta[VERIFY_TUF_TIMESTAMP])
		return err_set(err, ERR_RETRY, "there is no timestamp.json");
	if (timestamp_current(t, err))
		return -1;
	return t->at == VERIFY_TUF_FILE_NONE
		? 0
		: err_set(err, ERR_RETRY, "not all that timestamp.json leads to is there");
}

/* ---- beginning and end ----------------------------------------------------------------------- */

int verify_tuf_restore(struct verify_tuf *t, enum verify_tuf_file file, const char *data, size_t n,
	struct err *err)
{
	char name[VERIFY_TUF_PATH_MAX];
	int rc;

	verify_tuf_kept_name(t, file, name);
	if (file > VERIFY_TUF_FILE_TIMESTAMP && !t->meta[file - 1])
		return err_set(err, ERR_RETRY, "%s: what lists it is not there", name);
	if (file == VERIFY_TUF_FILE_ROOT)
		rc = root_take(t, data, n, err);
	else if (file == VERIFY_TUF_FILE_TARGET)
		rc = target_take(t, data, n, err);
	else
		rc = meta_take(t, (enum verify_tuf_role)file, data, n, false, err);
	return rc ? err_wrap(err, "%s", name) : 0;
}

struct verify_tuf *verify_tuf_new(const char *root, size_t n, const char *target, struct err *err)
{
	struct verify_tuf *t = NEW(struct verify_tuf);

	t->target_name = target;
	t->at = VERIFY_TUF_FILE_NONE;
	buf_init(&t->target, LIMIT_TRUSTED_ROOT);
	if (!root_take(t, root, n, err))
		return t;
	verify_tuf_free(t);
	return NULL;
}

void verify_tuf_free(struct verify_tuf *t)
{
	unsigned i;

	if (!t)
		return;
	for (i = 0; i < VERIFY_TUF_ROLES; i++)
		verify_tuf_meta_free(t->meta[i]);
	verify_tuf_root_free(t->root);
	buf_clear(&t->target);
	free(t);
}

const struct buf *verify_tuf_target(const struct verify_tuf *t)
{
	return &t->target;
}
