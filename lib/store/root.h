/*
 * The store's directory, and what workers do in it. Everything here blocks, and is called from jobs
 * (lib/ev/work.h) or before the loop runs; it touches no state of the loop. A struct store_root is
 * immutable after it was opened, so any number of workers share it; it must outlive them. Which
 * folder its descriptor leads to may change between two calls (store_root_replace): what was begun
 * in the old one then fails, as if it had been removed.
 *
 * A file comes to be in three steps, and a crash between any two leaves a whole file or none under
 * its name:
 *	store_temp_new	a name under `.tmp/`, mode 0600, emptied at the next start if we die
 *	store_temp_sync	fdatasync: the bytes are on disk before a name points at them
 *	store_temp_name	directories, rename, the latest link
 * One sync per file. The directory is not synced: if the power fails right after, the file may have
 * no name, or the link may be old; the next start then compares files with statuses and restores
 * what is missing from the registry, so a second sync would buy nothing.
 *
 * A job, whose temp began as STORE_TEMP_INIT, makes a file, writes to it, and takes the two other
 * steps at once:
 *	if (store_temp_new(root, &job->temp, err))
 *		return -1;
 *	if (sys_write_all(job->temp.fd, p, n) || ... )		or pack writes to the fd
 *		return ...
 *	if (store_temp_publish(root, &job->temp, job->path, &job->digest, stop, &job->file, err))
 *		return -1;
 *	job->named = true;
 * and then the loop tells the store, also of a job that was cancelled after the rename, for what
 * the store does not know it never removes:
 *	if (job->named)
 *		store_published(store, job->path, &job->file);
 *	store_temp_discard(store, &job->temp);			nothing, when it has its name
 * The whole of it is lib/source/publish.c.
 */
#ifndef STORE_ROOT_H
#define STORE_ROOT_H
#include "base/err.h"
#include "crypto/digest.h"
#include "store/path.h"

#include <stdatomic.h>
#include <stdint.h>

struct store_root {
	int fd;
	char *path;
};

/* What identifies the bytes of a file. The digest is of the bytes; the rest lets a stat tell that
   they are still the same. */
struct store_file {
	struct digest digest; /* DIGEST_NONE: never computed */
	uint64_t size;
	int64_t mtime_ns;
	uint64_t ino;
};

#define STORE_TEMP_NAME 40
struct store_temp {
	int fd; /* open for reading and writing; -1 when none */
	char name[STORE_TEMP_NAME]; /* under .tmp */
};
#define STORE_TEMP_INIT ((struct store_temp){.fd = -1})

/* Makes the directory if it is missing, takes the process lock on it, empties .tmp. A directory
   that cannot be written to is an error, but for a file system that became read-only: what is there
   can be served, writing fails later with its own message. */
int store_root_open(struct store_root *r, const char *path, struct err *err) must_check;
void store_root_close(struct store_root *r);
/* Does the path still lead to the folder that is open? False also when nobody can say. */
bool store_root_is_current(const struct store_root *r);
/* Opens what the path leads to now, as store_root_open does, under the same descriptor. After a
   failure the old folder is still open. One at a time. */
int store_root_replace(const struct store_root *r, struct err *err) must_check;

int store_temp_new(const struct store_root *r, struct store_temp *t, struct err *err) must_check;
/* The bytes are complete and their digest is known: to the disk, and fills *out. */
int store_temp_sync(struct store_temp *t, const struct digest *digest, struct store_file *out,
	struct err *err) must_check;
/* Under its name, atomically, whether or not there was one of that name; then the latest link, best
   effort. The temp is closed. */
int store_temp_name(const struct store_root *r, struct store_temp *t, const char *path,
	struct err *err) must_check;
/* The same for a file that is no artifact: dir is made as store_temp_name makes it, `file` is one
   part of a path, and no link leads to it. */
int store_temp_name_in(const struct store_root *r, struct store_temp *t, const char *dir,
	const char *file, struct err *err) must_check;
/* Both. A *stop that is set before the rename is ERR_CANCELED, and nothing has changed. After a
   failure the temp is still the caller's. */
int store_temp_publish(const struct store_root *r, struct store_temp *t, const char *path,
	const struct digest *digest, const atomic_bool *stop, struct store_file *out,
	struct err *err) must_check;
/* Points the latest link of its folder at this file, best effort: no reader of ours follows it. */
void store_root_link(const struct store_root *r, const struct store_path *p);
/* Closes and removes; after store_temp_name, or on STORE_TEMP_INIT, nothing. */
void store_temp_drop(const struct store_root *r, struct store_temp *t);

/* A whole file of our own in the root itself, atomically: a temporary one that is renamed. Not
   synced: what it says counts within one boot only. */
int store_root_save(const struct store_root *r, const char *name, const void *data, size_t n,
	struct err *err) must_check;

/* Opens a file for reading and stats it (digest: none). Missing, a link on the way or anything but
   a regular file: ENOENT in err->code (-ENOENT). */
int store_root_open_file(const struct store_root *r, const char *path, int *fd,
	struct store_file *out, struct err *err) must_check;
/* The digest of an open file. */
int store_root_hash(int fd, struct store_file *f, enum digest_algo algo, const atomic_bool *stop,
	struct err *err) must_check;
/* What opening or reading a file fails with when the file system has lost that very file, where EIO
   may be the whole disk. code: a negative errno. */
bool store_is_damage(int code);
/* Same size, mtime and inode. */
bool store_file_same(const struct store_file *a, const struct store_file *b);

/* Removes one file; missing is fine. */
int store_root_remove(const struct store_root *r, const char *path, struct err *err) must_check;
/* One that store_temp_name_in has named, and its folders as far as they are empty; missing is
   fine. */
int store_root_remove_in(
	const struct store_root *r, const char *dir, const char *file, struct err *err) must_check;
/* Removes an object's folder: its files and links (not followed), then itself and its parents as
   far as they are empty. Missing is fine. A folder inside is an error. */
int store_root_remove_dir(const struct store_root *r, const char *dir, struct err *err) must_check;

/* Walks the whole tree, three levels of folders deep, no links: calls fn for each file whose path
   store_path_parse takes. Foreign things and the latest link are skipped. */
typedef void store_scan_fn(void *arg, const struct store_path *p, const struct store_file *f);
int store_root_scan(const struct store_root *r, store_scan_fn *fn, void *arg,
	const atomic_bool *stop, struct err *err) must_check;

#endif
