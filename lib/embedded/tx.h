/*
 * What a write means: the rules of the API server for creating, updating and deleting, inside one
 * database transaction. Runs on a worker, from the chain's jobs only. Trees are whole objects;
 * apiVersion and kind are not part of what is stored.
 *
 *	emb_tx_begin(&tx, db, kinds, st) ... o = emb_tx_create(&tx, kind, v, ns, o) ...
 *	emb_tx_commit(&tx)
 *	changes in tx.changes go to the watchers, in order, after the commit (watch.h)
 */
#ifndef EMBEDDED_TX_H
#define EMBEDDED_TX_H
#include "base/err.h"
#include "embedded/schema.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct emb_db;
struct emb_kind;
struct emb_kinds;
struct emb_version;
struct emb_status;

enum emb_change_type { EMB_ADDED, EMB_MODIFIED, EMB_DELETED };

struct emb_change {
	enum emb_change_type type;
	const struct emb_kind *kind;
	char *ns, *name;
	int64_t version;
	char *text; /* as stored: without apiVersion and kind */
	size_t len;
	/* EMB_MODIFIED: the text before, if a selector could tell the two apart; else NULL */
	char *old;
	size_t old_len;
};

struct emb_changes {
	struct emb_change *p;
	size_t len, cap;
};
void emb_change_clear(struct emb_change *c);
void emb_changes_clear(struct emb_changes *cs);

enum emb_field_validation { EMB_FIELDS_WARN, EMB_FIELDS_STRICT, EMB_FIELDS_IGNORE };

struct emb_tx {
	struct emb_db *db;
	const struct emb_kinds *kinds;
	struct emb_status *st;
	int64_t now_ms; /* wall clock, for timestamps */
	bool dry_run;
	enum emb_field_validation fields;
	struct emb_paths warnings; /* texts */
	struct emb_changes changes;
};

void emb_tx_init(
	struct emb_tx *tx, struct emb_db *db, const struct emb_kinds *kinds, struct emb_status *st);
void emb_tx_clear(struct emb_tx *tx);

int emb_tx_begin(struct emb_tx *tx) must_check;
/* Commits, or rolls back after a failure (tx->st) or for a dry run, and then drops the changes. */
int emb_tx_end(struct emb_tx *tx) must_check;

/* The object as it is, without apiVersion and kind; NULL with tx->st filled (404, or 500). The
   caller's. */
json_t *emb_tx_get(
	struct emb_tx *tx, const struct emb_kind *k, const char *ns, const char *name) must_check;

/* What a client sent becomes an object of this kind: metadata and schema, unknown fields
   (tx->fields decides), defaults. o loses apiVersion and kind. duplicates: of the text it was read
   from, may be NULL. is_patch changes the error's code and words. */
int emb_tx_read(struct emb_tx *tx, const struct emb_kind *k, const struct emb_version *v, json_t *o,
	const struct emb_paths *duplicates, bool is_patch) must_check;
/* o (from emb_tx_read) becomes what was stored: the answer. ns: of the URL, "" without. */
int emb_tx_create(struct emb_tx *tx, const struct emb_kind *k, const struct emb_version *v,
	const char *ns, json_t *o) must_check;

struct emb_update {
	bool status; /* the status subresource */
	bool is_patch;
	bool need_version; /* a PUT of a custom object without resourceVersion is refused */
};
/* The same for an object that exists as `old`. */
int emb_tx_update(struct emb_tx *tx, const struct emb_kind *k, const struct emb_version *v,
	const json_t *old, json_t *o, const struct emb_update *how) must_check;
/* *left: the object as it stays because of finalizers, or as a namespace ends; NULL: it is gone,
   and *uid (caller's) says who it was. */
int emb_tx_delete(struct emb_tx *tx, const struct emb_kind *k, const char *ns, const char *name,
	const char *want_uid, const char *want_version, json_t **left, char **uid) must_check;

#endif
