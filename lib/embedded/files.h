/*
 * Keeps the objects of a folder of manifests applied: at the start, and 1 s after the last change in it (DESIGN.md section 9).
 * What the folder created and no file names any more is deleted, but only when the folder was read completely and every file and object
 * in it was understood; a missing or unreadable folder deletes nothing. What a user deletes with kubectl stays deleted until the folder
 * changes again. Loop thread; reading is done by workers, writing by the chain.
 */
#ifndef EMBEDDED_FILES_H
#define EMBEDDED_FILES_H

struct loop;
struct op;
struct emb_chain;
struct emb_db;
struct emb_files;
struct emb_hub;
struct emb_kinds;

struct emb_files *emb_files_new(struct loop *l, const char *dir, struct emb_db *db,
	const struct emb_kinds *kinds, struct emb_chain *chain, struct emb_hub *hub);
/* Looks no more; the op (part of the struct) is done when nothing runs any more. Then emb_files_free. */
struct op *emb_files_stop(struct emb_files *f);
void emb_files_free(struct emb_files *f); /* NULL is fine */

#endif
