/* Housekeeping of the embedded API: the namespaces that a fresh database begins with, and events
   whose hour is over. Loop thread. */
#ifndef EMBEDDED_JANITOR_H
#define EMBEDDED_JANITOR_H

struct loop;
struct emb_chain;
struct emb_db;
struct emb_history;
struct emb_janitor;
struct emb_kinds;

/* Its first job is in the chain when this returns. */
struct emb_janitor *emb_janitor_new(struct loop *l, struct emb_db *db,
	const struct emb_kinds *kinds, struct emb_chain *chain, struct emb_history *history);
/* No job is started any more; a running one frees what is left. NULL is fine. */
void emb_janitor_free(struct emb_janitor *j);

#endif
