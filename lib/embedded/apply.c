#include "embedded/apply.h"

#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "embedded/kind.h"
#include "embedded/objects.h"
#include "embedded/patch.h"
#include "embedded/status.h"

#include <string.h>

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

static void apply_take_changes(struct emb_tx *tx, struct emb_changes *to)
{
	size_t i;

	for (i = 0; i < tx->changes.len; i++)
		*vec_add(to) = tx->changes.p[i];
	vec_clear(&tx->changes);
}

/* The manifest with the annotation that holds it: what kubectl sends. */
static json_t *apply_wanted(const struct emb_manifest *m)
{
	json_t *o = json_deep_copy(m->root), *meta = json_object_get(o, "metadata"), *notes;
	char *text;

	if (m->kind->namespaced)
		json_object_set_new(meta, "namespace", json_string(m->ns));
	notes = json_object_get(meta, "annotations");
	if (!json_is_object(notes)) {
		notes = json_object();
		json_object_set_new(meta, "annotations", notes);
	}
	text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	json_object_set_new(notes, LAST_APPLIED, json_sprintf("%s\n", text ? text : "{}"));
	free(text);
	return o;
}

static json_t *last_applied(const json_t *live)
{
	const char *text = obj_str(live, "metadata", "annotations", LAST_APPLIED);
	struct err err;
	json_t *o = text ? obj_parse(text, strlen(text), "the annotation", &err) : NULL;

	if (o && !json_is_object(o)) {
		json_decref(o);
		o = NULL;
	}
	return o;
}

/* kubectl would refuse; a folder on a laptop need not spell out its namespaces. Such a namespace is
   not the folder's own. */
static int need_namespace(struct emb_tx *tx, const struct emb_manifest *m)
{
	const struct emb_kind *k = emb_kinds_namespace(tx->kinds);
	auto_json json_t *o = NULL;
	auto_free char *text = NULL;
	struct err err;
	size_t len;

	if (!m->kind->namespaced)
		return 0;
	if (emb_db_get(tx->db, k->resource, "", m->ns, &text, &len, &err))
		return emb_internal(tx->st, &err);
	if (text)
		return 0;
	o = json_pack("{s:{s:s}}", "metadata", "name", m->ns);
	return emb_tx_read(tx, k, &k->versions[0], o, NULL, false) ||
			emb_tx_create(tx, k, &k->versions[0], "", o)
		? -1
		: 0;
}

static int apply_create(struct emb_tx *tx, const struct emb_manifest *m, json_t *o)
{
	struct err err;

	if (need_namespace(tx, m) || emb_tx_read(tx, m->kind, m->v, o, NULL, false) ||
		emb_tx_create(tx, m->kind, m->v, m->ns, o))
		return -1;
	if (emb_db_mark(tx->db, m->kind->resource, m->ns, m->name,
		    obj_str_or("", o, "metadata", "uid"), &err))
		return emb_internal(tx->st, &err);
	return 0;
}

static int apply_update(
	struct emb_tx *tx, const struct emb_manifest *m, const json_t *live, const json_t *want)
{
	struct emb_update how = {0};
	auto_json json_t *last = last_applied(live);
	auto_json json_t *o = json_deep_copy(live);

	emb_patch_three_way(o, last, want);
	if (emb_tx_read(tx, m->kind, m->v, o, NULL, false))
		return -1;
	return emb_tx_update(tx, m->kind, m->v, live, o, &how);
}

enum emb_applied emb_apply(struct emb_db *db, const struct emb_kinds *kinds,
	const struct emb_manifest *m, struct emb_changes *changes, struct emb_status *st)
{
	auto_json json_t *want = apply_wanted(m), *live = NULL;
	enum emb_applied result = EMB_APPLY_FAILED;
	auto_free char *text = NULL;
	struct emb_tx tx;
	struct err err;
	size_t len;

	emb_tx_init(&tx, db, kinds, st);
	tx.fields = EMB_FIELDS_STRICT;
	if (emb_tx_begin(&tx))
		goto out;
	if (emb_db_get(db, m->kind->resource, m->ns, m->name, &text, &len, &err)) {
		emb_internal(st, &err);
	} else if (!text) {
		if (!apply_create(&tx, m, want))
			result = EMB_APPLY_CREATED;
	} else if (!(live = obj_parse(text, len, "a stored object", &err))) {
		emb_internal(st, &err);
	} else if (!apply_update(&tx, m, live, want)) {
		result = tx.changes.len ? EMB_APPLY_CHANGED : EMB_APPLY_SAME;
	}
out:
	if (emb_tx_end(&tx))
		result = EMB_APPLY_FAILED;
	apply_take_changes(&tx, changes);
	emb_tx_clear(&tx);
	return result;
}

/* ---- deleting -------------------------------------------------------------------------------- */

struct mark {
	char *key, *ns, *name, *uid;
};

struct marks {
	struct mark *p;
	size_t len, cap;
};

static int prune_note(void *arg, const char *key, const struct emb_row *row, struct err *err)
{
	struct marks *ms = arg;

	(void)err;
	*vec_add(ms) = (struct mark){mem_strdup(key), mem_strdup(row->ns), mem_strdup(row->name),
		mem_strndup(row->text, row->len)};
	return 0;
}

static const struct emb_kind *apply_kind_of(const struct emb_kinds *ks, const char *key)
{
	size_t i;

	for (i = 0; i < ks->len; i++)
		if (!strcmp(ks->p[i].resource, key))
			return &ks->p[i];
	return NULL;
}

struct holds {
	bool foreign;
};

/* Something that is not on its way out. */
static int prune_note_foreign(void *arg, const struct emb_row *row, struct err *err)
{
	struct holds *h = arg;
	auto_json json_t *o = obj_parse(row->text, row->len, "a stored object", err);

	if (!o)
		return -1;
	h->foreign = !obj_get(o, "metadata", "deletionTimestamp");
	return h->foreign;
}

/* Deleting a namespace deletes what is in it. So it stays while it holds what the files did not
   create, or still name; events (the only kind here that goes by itself) do not count. */
static int namespace_in_use(struct emb_tx *tx, const char *ns, bool *used)
{
	struct holds h = {0};
	struct err err;
	size_t i;

	for (i = 0; !h.foreign && i < tx->kinds->len; i++) {
		const struct emb_kind *k = &tx->kinds->p[i];

		if (!k->namespaced || (k->builtin && k->builtin->keep_ms))
			continue;
		if (emb_db_list(tx->db, k->resource, ns, NULL, NULL, UINT32_MAX, prune_note_foreign,
			    &h, &err) < 0)
			return emb_internal(tx->st, &err);
	}
	*used = h.foreign;
	return 0;
}

/* 1: deleted, 0: it was not there any more, or is another one by now. */
static int prune_one(struct emb_tx *tx, const struct mark *k)
{
	const struct emb_kind *kind = apply_kind_of(tx->kinds, k->key);
	auto_json json_t *left = NULL, *live = NULL;
	auto_free char *uid = NULL, *text = NULL;
	struct err err;
	bool used = false;
	size_t len;

	if (kind && kind->is_namespace && namespace_in_use(tx, k->name, &used))
		return -1;
	if (used)
		return 0;
	if (emb_db_unmark(tx->db, k->key, k->ns, k->name, &err) ||
		emb_db_get(tx->db, k->key, k->ns, k->name, &text, &len, &err))
		return emb_internal(tx->st, &err);
	if (!text || !kind)
		return 0;
	live = obj_parse(text, len, "a stored object", &err);
	if (!live)
		return emb_internal(tx->st, &err);
	if (strcmp(obj_str_or("", live, "metadata", "uid"), k->uid) != 0)
		return 0;
	return emb_tx_delete(tx, kind, k->ns, k->name, NULL, NULL, &left, &uid) ? -1 : 1;
}

/* Each in a transaction of its own, so that one that cannot go does not hold the others. */
static int prune_all(struct emb_db *db, const struct emb_kinds *kinds, const struct marks *marks,
	bool namespaces, const struct map *wanted_keys, struct emb_changes *changes,
	struct emb_status *st)
{
	const struct mark *k;
	int n = 0;

	vec_each (marks, k) {
		auto_free char *key = mem_printf("%s/%s/%s", k->key, k->ns, k->name);
		auto_emb_status struct emb_status one = EMB_STATUS_INIT;
		struct emb_tx tx;
		int rc;

		if (map_get(wanted_keys, key) ||
			namespaces != !strcmp(k->key, emb_kinds_namespace(kinds)->resource))
			continue;
		emb_tx_init(&tx, db, kinds, &one);
		rc = emb_tx_begin(&tx);
		if (!rc)
			rc = prune_one(&tx, k);
		if (emb_tx_end(&tx))
			emb_status_set(
				st, one.code, one.reason, NULL, NULL, "%s", buf_str(&one.message));
		else
			n += rc;
		apply_take_changes(&tx, changes);
		emb_tx_clear(&tx);
	}
	return st->code ? -1 : n;
}

int emb_apply_prune(struct emb_db *db, const struct emb_kinds *kinds,
	const struct emb_manifests *ms, struct emb_changes *changes, struct emb_status *st)
{
	static char here;
	struct marks marks = {0};
	struct map keys = {0};
	const struct emb_manifest *m;
	struct mark *k;
	struct err err;
	int rc;

	vec_each (ms, m) {
		auto_free char *key = emb_manifest_key(m);

		map_put(&keys, key, &here);
	}
	rc = emb_db_marks(db, prune_note, &marks, &err) ? emb_internal(st, &err) : 0;
	if (!rc)
		rc = prune_all(db, kinds, &marks, false, &keys, changes, st);
	if (rc >= 0) {
		int n = prune_all(db, kinds, &marks, true, &keys, changes, st);

		rc = n < 0 ? n : rc + n;
	}
	vec_each (&marks, k) {
		free(k->key);
		free(k->ns);
		free(k->name);
		free(k->uid);
	}
	vec_clear(&marks);
	map_clear(&keys);
	return rc;
}
