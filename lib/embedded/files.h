/*
 * Keeps the objects of a folder of manifests applied: at the start, and about 1 s after the last
 * change in it.
 *
 * A look compares what stat says of the folder and of every manifest, links followed, with the look
 * before. Events (ev/fswatch) only make it come soon; it also comes every 5 s, because a link that
 * is swapped in the folder's path, a link's target elsewhere, a network file system and a folder
 * that is made anew give no events. The folder is read when two looks 1 s apart agree, at the start
 * at once.
 *
 * What the folder created and no file names any more is deleted when a look 5 s later agrees too,
 * the folder was read completely and every file and object in it was understood: a file that is
 * written in parts deletes nothing. A missing or unreadable folder deletes nothing, nor does an
 * empty one that is not the very directory in which manifests were seen (a file system that is not
 * mounted).
 *
 * A manifest that failed for another reason than itself (the database, a namespace that is ending),
 * and a file that cannot be read, are tried again, 1 s to 60 s apart; the others are not applied
 * again with it, so what a user deletes with kubectl stays deleted until the folder changes. Loop
 * thread; looking is done by workers, writing by the chain.
 */
#ifndef EMBEDDED_FILES_H
#define EMBEDDED_FILES_H

struct loop;
struct op;
struct emb_chain;
struct emb_db;
struct emb_files;
struct emb_history;
struct emb_kinds;

struct emb_files *emb_files_new(struct loop *l, const char *dir, struct emb_db *db,
	const struct emb_kinds *kinds, struct emb_chain *chain, struct emb_history *history);
/* Looks no more; the op (part of the struct) is done when nothing runs any more. Then
   emb_files_free. */
struct op *emb_files_stop(struct emb_files *f);
void emb_files_free(struct emb_files *f); /* NULL is fine */

#endif
