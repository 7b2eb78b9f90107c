#include "embedded/janitor.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "embedded/chain.h"
#include "embedded/kind.h"
#include "embedded/objects.h"
#include "embedded/status.h"
#include "embedded/tx.h"
#include "embedded/watch.h"
#include "ev/timer.h"

#include <string.h>

#define EVERY_MS (60 * 1000)

struct gone {
	char *key, *ns, *name;
};

struct emb_janitor {
	struct emb_db *db;
	const struct emb_kinds *kinds;
	struct emb_chain *chain;
	struct emb_history *history;
	struct timer timer;
	bool first, in_chain, closed;
	/* results of a job */
	struct emb_changes changes;
	struct emb_status st;
	bool more;
};

/* What `kubectl` finds in any cluster, and the namespace of Flux. Only once: who deletes
   flux-system does not get it back. */
static int first_namespaces(struct emb_janitor *j, struct emb_tx *tx)
{
	static const char *const names[] = {"default", "flux-system", "kube-system"};
	const struct emb_kind *k = emb_kinds_namespace(j->kinds);
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		auto_json json_t *o = json_pack("{s:{s:s}}", "metadata", "name", names[i]);

		if (emb_tx_read(tx, k, &k->versions[0], o, NULL, false) ||
			emb_tx_create(tx, k, &k->versions[0], "", o))
			return -1;
	}
	return 0;
}

struct found {
	VEC(struct gone) list;
};

static int janitor_note(
	void *arg, const char *key, const char *ns, const char *name, struct err *err)
{
	struct found *f = arg;

	(void)err;
	*vec_add(&f->list) = (struct gone){mem_strdup(key), mem_strdup(ns), mem_strdup(name)};
	return 0;
}

static int janitor_remove_one(struct emb_janitor *j, struct emb_tx *tx, const struct gone *g)
{
	auto_json json_t *left = NULL;
	auto_free char *uid = NULL;
	size_t i;

	for (i = 0; i < j->kinds->len; i++)
		if (!strcmp(j->kinds->p[i].resource, g->key))
			return emb_tx_delete(
				tx, &j->kinds->p[i], g->ns, g->name, NULL, NULL, &left, &uid);
	return 0;
}

static int janitor_expire(struct emb_janitor *j, struct emb_tx *tx)
{
	struct found f = {0};
	struct gone *g;
	struct err err;
	int rc = 0, n;

	n = emb_db_expired(j->db, tx->now_ms, LIMIT_EMBEDDED_SLICE, janitor_note, &f, &err);
	if (n < 0)
		rc = emb_internal(tx->st, &err);
	j->more = n == LIMIT_EMBEDDED_SLICE;
	vec_each (&f.list, g) {
		if (!rc)
			rc = janitor_remove_one(j, tx, g);
		free(g->key);
		free(g->ns);
		free(g->name);
	}
	vec_clear(&f.list);
	return rc;
}

static void janitor_run(void *arg)
{
	struct emb_janitor *j = arg;
	struct emb_tx tx;

	emb_status_init(&j->st);
	emb_tx_init(&tx, j->db, j->kinds, &j->st);
	j->more = false;
	/* A failure is in j->st, and emb_tx_end rolls back. */
	if (!emb_tx_begin(&tx) && (!j->first || !first_namespaces(j, &tx)))
		(void)janitor_expire(j, &tx);
	if (!emb_tx_end(&tx)) {
		j->first = false;
		j->changes = tx.changes;
		tx.changes = (struct emb_changes){0};
	}
	emb_tx_clear(&tx);
}

static void janitor_go(void *arg);

static void janitor_done(void *arg)
{
	struct emb_janitor *j = arg;

	j->in_chain = false;
	emb_history_add(j->history, &j->changes);
	if (j->st.code)
		log_error(NULL, "embedded API: housekeeping failed",
			LS("error", buf_str(&j->st.message)));
	emb_status_clear(&j->st);
	if (j->closed)
		free(j);
	else
		timer_set(&j->timer, j->more ? 0 : EVERY_MS);
}

static void janitor_go(void *arg)
{
	struct emb_janitor *j = arg;

	j->in_chain = true;
	emb_chain_add(j->chain, janitor_run, janitor_done, j);
}

struct emb_janitor *emb_janitor_new(struct loop *l, struct emb_db *db,
	const struct emb_kinds *kinds, struct emb_chain *chain, struct emb_history *history)
{
	struct emb_janitor *j = NEW(struct emb_janitor);

	j->db = db;
	j->kinds = kinds;
	j->chain = chain;
	j->history = history;
	j->first = emb_db_is_new(db);
	timer_init(&j->timer, l, janitor_go, j);
	janitor_go(j);
	return j;
}

void emb_janitor_free(struct emb_janitor *j)
{
	if (!j)
		return;
	timer_cancel(&j->timer);
	j->closed = true;
	if (!j->in_chain)
		free(j);
}
