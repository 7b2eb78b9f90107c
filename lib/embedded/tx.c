#include "embedded/tx.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "base/vec.h"
#include "crypto/rand.h"
#include "embedded/kind.h"
#include "embedded/meta.h"
#include "embedded/objects.h"
#include "embedded/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void emb_change_clear(struct emb_change *c)
{
	free(c->ns);
	free(c->name);
	free(c->text);
	free(c->old);
	*c = (struct emb_change){0};
}

void emb_changes_clear(struct emb_changes *cs)
{
	size_t i;

	for (i = 0; i < cs->len; i++)
		emb_change_clear(&cs->p[i]);
	vec_clear(cs);
}

void emb_tx_init(
	struct emb_tx *tx, struct emb_db *db, const struct emb_kinds *kinds, struct emb_status *st)
{
	*tx = (struct emb_tx){.db = db, .kinds = kinds, .st = st, .now_ms = clock_wall_ms()};
}

void emb_tx_clear(struct emb_tx *tx)
{
	emb_paths_clear(&tx->warnings);
	emb_changes_clear(&tx->changes);
}

static int tx_internal(struct emb_tx *tx, const struct err *err)
{
	return emb_internal(tx->st, err);
}

int emb_tx_begin(struct emb_tx *tx)
{
	struct err err;

	return emb_db_begin(tx->db, &err) ? tx_internal(tx, &err) : 0;
}

int emb_tx_end(struct emb_tx *tx)
{
	struct err err;

	if (tx->st->code || tx->dry_run) {
		emb_db_rollback(tx->db);
		emb_changes_clear(&tx->changes);
		return tx->st->code ? -1 : 0;
	}
	if (!emb_db_commit(tx->db, &err))
		return 0;
	emb_db_rollback(tx->db);
	emb_changes_clear(&tx->changes);
	return tx_internal(tx, &err);
}

static json_t *tx_load(
	struct emb_tx *tx, const struct emb_kind *k, const char *ns, const char *name, int *rc)
{
	auto_free char *text = NULL;
	struct err err;
	size_t len;
	json_t *o;

	*rc = -1;
	if (emb_db_get(tx->db, k->resource, ns, name, &text, &len, &err)) {
		tx_internal(tx, &err);
		return NULL;
	}
	*rc = 0;
	if (!text)
		return NULL;
	o = obj_parse(text, len, "a stored object", &err);
	if (!o)
		*rc = tx_internal(tx, &err);
	return o;
}

json_t *emb_tx_get(struct emb_tx *tx, const struct emb_kind *k, const char *ns, const char *name)
{
	int rc;
	json_t *o = tx_load(tx, k, ns, name, &rc);

	if (!o && !rc)
		emb_not_found(tx->st, k, name);
	return o;
}

/* ---- storing --------------------------------------------------------------------------------- */

static struct emb_change *tx_add_change(struct emb_tx *tx, enum emb_change_type type,
	const struct emb_kind *k, const json_t *o, struct buf *text)
{
	struct emb_change *c = vec_add(&tx->changes);

	*c = (struct emb_change){
		.type = type,
		.kind = k,
		.ns = mem_strdup(k->namespaced ? obj_str_or("", o, "metadata", "namespace") : ""),
		.name = mem_strdup(obj_str_or("", o, "metadata", "name")),
		.version = emb_db_version(tx->db),
		.len = text->len,
	};
	c->text = buf_take(text);
	return c;
}

/* Could a label or field selector see a difference? Only then the old text is kept for the
   watchers. */
static bool selectable_changed(const struct emb_kind *k, const json_t *a, const json_t *b)
{
	const json_t *x = obj_get(a, "metadata", "labels"), *y = obj_get(b, "metadata", "labels");

	if (k->builtin)
		return !json_equal(a, b);
	return !(x && y ? json_equal(x, y) : !json_object_size(x) && !json_object_size(y));
}

static void tx_set_version(struct emb_tx *tx, json_t *o)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, emb_db_version(tx->db) + 1);
	json_object_set_new(json_object_get(o, "metadata"), "resourceVersion", json_string(text));
}

static int tx_to_text(
	struct emb_tx *tx, const struct emb_kind *k, const json_t *o, struct buf *text)
{
	if (obj_write(o, text) || buf_over(text))
		return emb_status_set(tx->st, 413, "RequestEntityTooLarge", k,
			obj_str(o, "metadata", "name"), "the object is larger than %llu bytes",
			LIMIT_KUBE_OBJECT);
	return 0;
}

static int tx_store(struct emb_tx *tx, const struct emb_kind *k, json_t *o, const json_t *old)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_KUBE_OBJECT);
	const char *ns = k->namespaced ? obj_str_or("", o, "metadata", "namespace") : "";
	const char *name = obj_str_or("", o, "metadata", "name");
	uint64_t keep = k->builtin ? k->builtin->keep_ms : 0;
	struct emb_change *c;
	struct err err;

	if (tx->dry_run)
		return 0;
	tx_set_version(tx, o);
	if (tx_to_text(tx, k, o, &text))
		return -1;
	if (emb_db_put(tx->db, k->resource, ns, name, text.p, text.len,
		    keep ? tx->now_ms + (int64_t)keep : 0, &err))
		return tx_internal(tx, &err);
	c = tx_add_change(tx, old ? EMB_MODIFIED : EMB_ADDED, k, o, &text);
	if (old && selectable_changed(k, o, old)) {
		auto_buf struct buf before = BUF_INIT(LIMIT_KUBE_OBJECT);

		obj_write(old, &before);
		c->old_len = before.len;
		c->old = buf_take(&before);
	}
	return 0;
}

static int sweep_namespace(struct emb_tx *tx, const char *ns);

static int tx_erase(struct emb_tx *tx, const struct emb_kind *k, json_t *o)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_KUBE_OBJECT);
	const char *ns = k->namespaced ? obj_str_or("", o, "metadata", "namespace") : "";
	const char *name = obj_str_or("", o, "metadata", "name");
	struct err err;

	if (tx->dry_run)
		return 0;
	tx_set_version(tx, o);
	if (tx_to_text(tx, k, o, &text))
		return -1;
	if (emb_db_delete(tx->db, k->resource, ns, name, &err))
		return tx_internal(tx, &err);
	tx_add_change(tx, EMB_DELETED, k, o, &text);
	return k->namespaced ? sweep_namespace(tx, ns) : 0;
}

/* A namespace that is ending goes with its last object. */
static int sweep_namespace(struct emb_tx *tx, const char *ns)
{
	const struct emb_kind *k = emb_kinds_namespace(tx->kinds);
	auto_json json_t *o = NULL;
	struct err err;
	int rc;

	o = tx_load(tx, k, "", ns, &rc);
	if (!o || !obj_get(o, "metadata", "deletionTimestamp"))
		return rc;
	rc = emb_db_any_in(tx->db, ns, &err);
	if (rc < 0)
		return tx_internal(tx, &err);
	return rc ? 0 : tx_erase(tx, k, o);
}

/* Is it there and not ending? 0, or 404 / 403 in tx->st. */
static int namespace_need(
	struct emb_tx *tx, const struct emb_kind *k, const char *ns, const char *name)
{
	const struct emb_kind *nsk = emb_kinds_namespace(tx->kinds);
	auto_json json_t *o = emb_tx_get(tx, nsk, "", ns);

	if (!o)
		return -1;
	if (!obj_get(o, "metadata", "deletionTimestamp"))
		return 0;
	return emb_status_set(tx->st, 403, "Forbidden", k, name,
		"%s \"%s\" is forbidden: unable to create new content in namespace %s because it "
		"is being terminated",
		k->resource, name, ns);
}

/* ---- reading what a client sent -------------------------------------------------------------- */

static int tx_unknown_fields(struct emb_tx *tx, const struct emb_kind *k,
	const struct emb_version *v, const struct emb_paths *unknown,
	const struct emb_paths *duplicates, bool is_patch)
{
	auto_buf struct buf all = BUF_INIT(LIMIT_EMBEDDED_MESSAGE);
	size_t i, dups = duplicates ? duplicates->len : 0;

	if (tx->fields == EMB_FIELDS_IGNORE)
		return 0;
	for (i = 0; i < dups + unknown->len; i++) {
		char *text = i < dups ? mem_printf("duplicate field \"%s\"", duplicates->p[i])
				      : mem_printf("unknown field \"%s\"", unknown->p[i - dups]);

		buf_addf(&all, "%s%s", i ? ", " : "", text);
		*vec_add(&tx->warnings) = text;
	}
	if (!all.len || tx->fields != EMB_FIELDS_STRICT)
		return 0;
	emb_paths_clear(&tx->warnings);
	if (is_patch) {
		auto_emb_causes struct emb_causes causes = {0};

		emb_cause(&causes, "FieldValueInvalid", "patch",
			"Invalid value: \"the patch\": strict decoding error: %s", buf_str(&all));
		return emb_invalid(tx->st, k, "", &causes);
	}
	return emb_bad_request(tx->st,
		"%s in version \"%s\" cannot be handled as a %s: strict decoding error: %s",
		k->kind, v->name, k->kind, buf_str(&all));
}

int emb_tx_read(struct emb_tx *tx, const struct emb_kind *k, const struct emb_version *v, json_t *o,
	const struct emb_paths *duplicates, bool is_patch)
{
	auto_emb_paths struct emb_paths unknown = {0};

	json_object_del(o, "apiVersion");
	json_object_del(o, "kind");
	if (emb_meta_read(tx->kinds->meta, k, o, &unknown, tx->st))
		return -1;
	emb_schema_prune(v->schema, o, &unknown);
	if (tx_unknown_fields(tx, k, v, &unknown, duplicates, is_patch))
		return -1;
	return 0;
}

/* A built-in kind is typed: what has the wrong type cannot even be read. */
static int tx_typed(
	struct emb_tx *tx, const struct emb_kind *k, const struct emb_version *v, const json_t *o)
{
	auto_emb_causes struct emb_causes causes = {0};
	const json_t *first;

	if (!k->builtin)
		return 0;
	emb_schema_validate(v->schema, o, &causes);
	first = json_array_get(causes.list, 0);
	if (!first)
		return 0;
	return emb_bad_request(tx->st, "%s in version \"v1\" cannot be handled as a %s: %s: %s",
		k->kind, k->kind, obj_str_or("", first, "field"), obj_str_or("", first, "message"));
}

static int tx_admit(struct emb_tx *tx, const struct emb_kind *k, const struct emb_version *v,
	json_t *o, const json_t *old)
{
	auto_emb_causes struct emb_causes causes = {0};

	emb_schema_default(v->schema, o);
	if (tx_typed(tx, k, v, o))
		return -1;
	emb_meta_validate(k, o, &causes);
	if (old && obj_get(old, "metadata", "deletionTimestamp"))
		emb_meta_check_finalizers(o, old, &causes);
	if (!k->builtin)
		emb_schema_validate(v->schema, o, &causes);
	else if (k->builtin->admit && k->builtin->admit(o, old, &causes, tx->st))
		return -1;
	return emb_invalid(tx->st, k, obj_str_or("", o, "metadata", "name"), &causes);
}

/* ---- create ---------------------------------------------------------------------------------- */

static const char *const SYSTEM_FIELDS[] = {"uid", "creationTimestamp", "deletionTimestamp",
	"deletionGracePeriodSeconds", "generation", "resourceVersion"};

/* Empty maps and lists in metadata are as good as none, and are not kept. */
static void meta_tidy(json_t *meta)
{
	static const char *const keys[] = {
		"labels", "annotations", "finalizers", "ownerReferences", "generateName"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(keys); i++) {
		const json_t *v = json_object_get(meta, keys[i]);

		if (v && !json_object_size(v) && !json_array_size(v) && !json_string_length(v))
			json_object_del(meta, keys[i]);
	}
}

static void system_fields_set(struct emb_tx *tx, const struct emb_kind *k, json_t *meta)
{
	char uid[RAND_UUID_LEN + 1], now[TIME_TEXT_MAX];
	size_t i;

	for (i = 0; i < ARRAY_LEN(SYSTEM_FIELDS); i++)
		json_object_del(meta, SYSTEM_FIELDS[i]);
	json_object_set_new(meta, "uid", json_string(rand_uuid(uid)));
	json_object_set_new(
		meta, "creationTimestamp", json_string(time_format_rfc3339(tx->now_ms, now)));
	if (!k->builtin)
		json_object_set_new(meta, "generation", json_integer(1));
	meta_tidy(meta);
}

int emb_tx_create(struct emb_tx *tx, const struct emb_kind *k, const struct emb_version *v,
	const char *ns, json_t *o)
{
	json_t *meta = json_object_get(o, "metadata");
	const char *own = obj_str_or("", meta, "namespace"), *name;
	auto_json json_t *there = NULL;
	int rc;

	if (own[0] && strcmp(own, ns) != 0)
		return emb_bad_request(tx->st,
			"the namespace of the provided object does not match the namespace sent on "
			"the request");
	if (obj_str_or("", meta, "resourceVersion")[0])
		return emb_status_set(tx->st, 500, "", NULL, NULL,
			"resourceVersion should not be set on objects to be created");
	json_object_del(meta, "namespace");
	if (k->namespaced)
		json_object_set_new(meta, "namespace", json_string(ns));
	if (!obj_str_or("", meta, "name")[0] && obj_str_or("", meta, "generateName")[0])
		emb_meta_generate(meta);
	name = obj_str_or("", meta, "name");
	system_fields_set(tx, k, meta);
	if (k->has_status)
		json_object_del(o, "status");
	if (k->namespaced && namespace_need(tx, k, ns, name))
		return -1;
	if (tx_admit(tx, k, v, o, NULL))
		return -1;
	there = tx_load(tx, k, k->namespaced ? ns : "", name, &rc);
	if (rc)
		return -1;
	if (there)
		return emb_status_set(tx->st, 409, "AlreadyExists", k, name,
			"%s \"%s\" already exists", k->resource, name);
	return tx_store(tx, k, o, NULL);
}

/* ---- update ---------------------------------------------------------------------------------- */

/* Refuses an update that changes what only the server sets: the uid and the time of a deletion. */
static int tx_immutable(
	struct emb_tx *tx, const struct emb_kind *k, const json_t *old, const json_t *o)
{
	static const char *const fields[] = {"uid", "deletionTimestamp"};
	auto_emb_causes struct emb_causes causes = {0};
	size_t i;

	for (i = 0; i < ARRAY_LEN(fields); i++) {
		const char *now = obj_str_or("", o, "metadata", fields[i]);
		auto_free char *field = mem_printf("metadata.%s", fields[i]);

		if (now[0] && strcmp(now, obj_str_or("", old, "metadata", fields[i])) != 0)
			emb_cause(&causes, "FieldValueInvalid", field,
				"Invalid value: \"%s\": field is immutable", now);
	}
	return emb_invalid(tx->st, k, obj_str_or("", old, "metadata", "name"), &causes);
}

/* Does o rest on the object that is there? */
static int tx_preconditions(struct emb_tx *tx, const struct emb_kind *k, const json_t *old,
	const json_t *o, const struct emb_update *how)
{
	const char *name = obj_str_or("", old, "metadata", "name");
	const char *own = obj_str_or("", o, "metadata", "name");
	const char *ns = obj_str_or("", o, "metadata", "namespace");
	const char *version = obj_str_or("", o, "metadata", "resourceVersion");
	const char *uid = obj_str_or("", o, "metadata", "uid");
	const char *uid_there = obj_str_or("", old, "metadata", "uid");

	if (own[0] && strcmp(own, name) != 0)
		return emb_bad_request(tx->st,
			"the name of the object (%s) does not match the name on the URL (%s)", own,
			name);
	if (ns[0] && strcmp(ns, obj_str_or("", old, "metadata", "namespace")) != 0)
		return emb_bad_request(tx->st,
			"the namespace of the provided object does not match the namespace sent on "
			"the request");
	if (!version[0] && how->need_version) {
		auto_emb_causes struct emb_causes causes = {0};

		emb_cause(&causes, "FieldValueInvalid", "metadata.resourceVersion",
			"Invalid value: 0: must be specified for an update");
		return emb_invalid(tx->st, k, name, &causes);
	}
	if (uid[0] && strcmp(uid, uid_there) != 0 && !how->is_patch) {
		auto_free char *why = mem_printf(
			"Precondition failed: UID in precondition: %s, UID in object meta: %s", uid,
			uid_there);

		return emb_conflict(tx->st, k, name, why);
	}
	if (tx_immutable(tx, k, old, o))
		return -1;
	if (version[0] && strcmp(version, obj_str_or("", old, "metadata", "resourceVersion")) != 0)
		return emb_conflict(tx->st, k, name,
			"the object has been modified; please apply your changes to the latest "
			"version and try again");
	return 0;
}

static void copy_member(json_t *to, const json_t *from, const char *key)
{
	const json_t *v = json_object_get(from, key);

	if (v)
		json_object_set_new(to, key, json_deep_copy(v));
	else
		json_object_del(to, key);
}

/* The status subresource changes nothing else, the main one everything else. */
static void tx_keep_the_rest(
	const struct emb_kind *k, const json_t *old, json_t *o, const struct emb_update *how)
{
	json_t *meta = json_object_get(o, "metadata"), *before = json_object_get(old, "metadata");
	size_t i;

	if (how->status) {
		json_t *status = json_incref(json_object_get(o, "status"));
		auto_json json_t *copy = json_deep_copy(old);

		json_object_clear(o);
		json_object_update(o, copy);
		if (status)
			json_object_set_new(o, "status", status);
		else
			json_object_del(o, "status");
		return;
	}
	for (i = 0; i < ARRAY_LEN(SYSTEM_FIELDS); i++)
		copy_member(meta, before, SYSTEM_FIELDS[i]);
	copy_member(meta, before, "name");
	copy_member(meta, before, "namespace");
	meta_tidy(meta);
	if (k->has_status)
		copy_member(o, old, "status");
}

static bool tx_equal_but(const json_t *a, const json_t *b, const char *skip, const char *skip2)
{
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach ((json_t *)(uintptr_t)a, key, value) {
		const json_t *other = json_object_get(b, key);

		if (!strcmp(key, skip) || !strcmp(key, skip2))
			continue;
		n++;
		if (!other || !json_equal(value, other))
			return false;
	}
	return n ==
		json_object_size(b) - (json_object_get(b, skip) != NULL) -
		(json_object_get(b, skip2) != NULL);
}

static void raise_generation(json_t *o)
{
	json_object_set_new(json_object_get(o, "metadata"), "generation",
		json_integer(obj_int(0, o, "metadata", "generation") + 1));
}

int emb_tx_update(struct emb_tx *tx, const struct emb_kind *k, const struct emb_version *v,
	const json_t *old, json_t *o, const struct emb_update *how)
{
	if (tx_preconditions(tx, k, old, o, how))
		return -1;
	tx_keep_the_rest(k, old, o, how);
	if (tx_admit(tx, k, v, o, old))
		return -1;
	if (!k->builtin && !tx_equal_but(o, old, "metadata", k->has_status ? "status" : "metadata"))
		raise_generation(o);
	if (json_equal(o, old))
		return 0;
	if (obj_get(old, "metadata", "deletionTimestamp") && !k->is_namespace &&
		!emb_meta_has_finalizers(o))
		return tx_erase(tx, k, o);
	return tx_store(tx, k, o, old);
}

/* ---- delete ---------------------------------------------------------------------------------- */

struct names {
	VEC(char *) name;
};

static int tx_note_name(void *arg, const struct emb_row *row, struct err *err)
{
	struct names *n = arg;

	(void)err;
	*vec_add(&n->name) = mem_strdup(row->name);
	return 0;
}

static int tx_delete_one(struct emb_tx *tx, const struct emb_kind *k, json_t *o, bool *left);

/* Everything in a namespace: gone, or waiting for its finalizers. The namespace itself may be gone
   after. */
static int empty_namespace(struct emb_tx *tx, const char *ns)
{
	size_t i, j;
	int rc = 0;

	for (i = 0; !rc && i < tx->kinds->len; i++) {
		const struct emb_kind *k = &tx->kinds->p[i];
		struct names names = {0};
		struct err err;

		if (!k->namespaced)
			continue;
		if (emb_db_list(tx->db, k->resource, ns, NULL, NULL, UINT32_MAX, tx_note_name,
			    &names, &err) < 0)
			rc = tx_internal(tx, &err);
		for (j = 0; j < names.name.len; j++) {
			auto_json json_t *o = rc ? NULL : emb_tx_get(tx, k, ns, names.name.p[j]);
			bool left;

			if (!rc)
				rc = o ? tx_delete_one(tx, k, o, &left) : -1;
			free(names.name.p[j]);
		}
		vec_clear(&names.name);
	}
	return rc;
}

static int tx_start_ending(struct emb_tx *tx, const struct emb_kind *k, json_t *o)
{
	auto_json json_t *old = json_deep_copy(o);
	json_t *meta = json_object_get(o, "metadata");
	char now[TIME_TEXT_MAX];

	json_object_set_new(
		meta, "deletionTimestamp", json_string(time_format_rfc3339(tx->now_ms, now)));
	if (!k->is_namespace)
		json_object_set_new(meta, "deletionGracePeriodSeconds", json_integer(0));
	if (!k->builtin)
		raise_generation(o);
	if (k->is_namespace)
		json_object_set_new(o, "status", json_pack("{s:s}", "phase", "Terminating"));
	return tx_store(tx, k, o, old);
}

static int tx_delete_one(struct emb_tx *tx, const struct emb_kind *k, json_t *o, bool *left)
{
	bool ending = obj_get(o, "metadata", "deletionTimestamp") != NULL;

	*left = k->is_namespace || emb_meta_has_finalizers(o);
	if (!*left)
		return tx_erase(tx, k, o);
	return ending ? 0 : tx_start_ending(tx, k, o);
}

static int tx_may_delete(struct emb_tx *tx, const struct emb_kind *k, const json_t *o,
	const char *want_uid, const char *want_version)
{
	const char *name = obj_str_or("", o, "metadata", "name");
	const char *uid = obj_str_or("", o, "metadata", "uid");
	const char *version = obj_str_or("", o, "metadata", "resourceVersion");
	auto_free char *why = NULL;

	if (k->is_namespace && !strcmp(name, "default"))
		return emb_status_set(tx->st, 403, "Forbidden", k, name,
			"namespaces \"default\" is forbidden: this namespace may not be deleted");
	if (want_uid && strcmp(want_uid, uid) != 0)
		why = mem_printf(
			"the UID in the precondition (%s) does not match the UID in record (%s). "
			"The object might have been deleted and then recreated",
			want_uid, uid);
	else if (want_version && strcmp(want_version, version) != 0)
		why = mem_printf(
			"the ResourceVersion in the precondition (%s) does not match the "
			"ResourceVersion in record (%s). The object might have been modified",
			want_version, version);
	return why ? emb_conflict(tx->st, k, name, why) : 0;
}

int emb_tx_delete(struct emb_tx *tx, const struct emb_kind *k, const char *ns, const char *name,
	const char *want_uid, const char *want_version, json_t **left, char **uid)
{
	auto_json json_t *o = emb_tx_get(tx, k, ns, name);
	bool stays;

	*left = NULL;
	*uid = NULL;
	if (!o || tx_may_delete(tx, k, o, want_uid, want_version) ||
		tx_delete_one(tx, k, o, &stays))
		return -1;
	*uid = mem_strdup(obj_str_or("", o, "metadata", "uid"));
	if (k->is_namespace && !tx->dry_run) {
		int any;
		struct err err;

		if (empty_namespace(tx, name))
			return -1;
		any = emb_db_any_in(tx->db, name, &err);
		if (any < 0)
			return tx_internal(tx, &err);
		/* With the last object it went already; an empty one has to go here. */
		if (!any && sweep_namespace(tx, name))
			return -1;
	}
	if (stays)
		*left = MOVE(o);
	return 0;
}
