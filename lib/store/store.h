/*
 * The artifact store: which file is where, whole or not, wanted or not. It knows nothing of
 * Kubernetes; a "status" below is what some caller promises to others. Loop thread, except
 * lib/store/root.h.
 *
 * Life of a path (lib/store/path.h), as a reader sees it (store_get):
 *
 *	unknown		404. Nobody named it and it is not on disk. Where others write statuses as
 *			well (on_unknown), the status is asked for first.
 *	promised	a status names it and it is not here (yet): a request waits. It ends by
 *			store_published, by a commit, or by store_promise_end.
 *	there		served. Found by the scan at start, or published.
 *	held		the same path is about to get new bytes (store_prepare_start): a request
 *			waits until commit or abandon.
 *
 * The start: store_open, store_scan_start; until store_listed has been called every request waits.
 * For each object: store_claim, and for the file its status names store_promise and
 * store_check_start (the first check of a file hashes it). What is missing is restored by the
 * caller, as any run brings a file, or given up (store_promise_end). After the first list:
 * store_listed. store_ready is what the readiness probe says.
 *
 * A run (lib/source/artifact.c):
 *
 *	store_check_start	is the file there? A stat only, once it was hashed
 *	store_temp_start	of a large layer: it is pulled into a temp
 *	store_temp_publish	a job of the caller makes the file and gives it its name (root.h)
 *	store_published		... and then the loop tells the store
 *	status PATCH
 *	store_set_current	what the status names now
 *	store_retain_start	what it superseded
 *
 * When the path is there already and its bytes change, the job stops before the name, and the
 * status goes first: store_prepare_start, status PATCH, store_commit_start or store_abandon.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H
#include "base/err.h"
#include "base/list.h"
#include "store/path.h"
#include "store/root.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct op;
struct store;

struct store_opts {
	const char *root;
	unsigned retention_records; /* files kept of one object, the current one included; >= 1 */
	uint64_t retention_ttl_ms; /* ... and for how long after they were superseded */
	uint64_t quota; /* bytes of all files; 0: none */
	uint64_t scrub_rate; /* bytes a second (scrub.h); 0: no scrub */
	uint64_t restore_ms; /* store_ready is true this long after store_listed at the latest */
	/* A file that was there is gone or changed under us (found when a request opened it). Its
	   path is promised again if it was current. Called from the loop, never from inside a call.
	   May be NULL. */
	void (*on_lost)(void *arg, const char *path);
	/* Others write statuses, too: a request asks for a file that nobody here knows, of one
	   that somebody has claimed. What the object's status names now is to be found out, told as
	   ever (store_set_current, store_promise), and then said to have been (store_confirmed);
	   the request waits. Once a second and object at most. May be called from inside store_get
	   and store_get_start. NULL: 404 at once. */
	void (*on_unknown)(void *arg, const char *dir);
	/* A volume that has refused bytes (store_refused) may take them now, or the quota has room
	   for the least of what was over it. Called from the loop. May be NULL. */
	void (*on_room)(void *arg);
	/* The volume is full (store_refused): who keeps there what can be had again lets go of it.
	   Called from inside of store_refused. May be NULL. */
	void (*on_full)(void *arg);
	void *arg;
};

/* Blocks: call it before the loop runs. NULL with *err filled: no such directory and it cannot be
   made, another process has it, ... */
struct store *store_open(struct loop *l, const struct store_opts *opts, struct err *err) must_check;
/* Every wait must have been cancelled and every op freed or dropped; the memory goes with the last
   dropped one. NULL is fine. */
void store_close(struct store *s);
/* For worker jobs of the caller. */
const struct store_root *store_root(const struct store *s);

/* ---- the start */
/* Reads the tree into the index (a short-lane job). Files that no status names count as superseded
   from now on. A file that is what the last process has left of it (lib/store/saved.h) is not
   hashed again. */
struct op *store_scan_start(struct store *s);
/* Why all files are to be hashed; "": they are not. Of a scan that is done. */
const char *store_scan_forgot(const struct op *op);
/* One more will call store_listed: each kind has a list of its own, and what only one of them names
   must not be swept before. A single one need not say it. One that comes when all have been called
   changes nothing. */
void store_expect(struct store *s);
/* All promises of the first list have been made; of the last one, when several are expected. */
void store_listed(struct store *s);
/* Scanned, listed, and no promise from before the list is open that has not failed once; or
   restore_ms are over. Never false again after. What is promised later is nobody's to wait for. */
bool store_ready(const struct store *s);

/* What is known of the files goes to the disk for the next process, as it does by itself some time
   after a change (lib/store/saver.h): for the end of this one. */
struct op *store_save_start(struct store *s);

/* ---- objects. dir: "ocirepository/apps/web" (store_dir_format) */
/* Somebody owns this folder: the orphan sweep leaves it alone. */
void store_claim(struct store *s, const char *dir);
/* The object is gone, or left our shard: its files are swept after the grace period, unless it is
   claimed again. */
void store_disown(struct store *s, const char *dir);
/* The API server's status names this path: never removed by retention. All other files of the
   object are superseded from now on, if they were not before. NULL path: it names nothing. */
void store_set_current(struct store *s, const char *dir, const char *path);
/* Whether it is what the last store_set_current said. */
bool store_is_current(const struct store *s, const char *path);

/* After on_unknown: what the store was told of this object is what its status names now. found
   false: it could not be found out, requests go on waiting. */
void store_confirmed(struct store *s, const char *dir, bool found);

/* ---- promises */
void store_promise(struct store *s, const char *path);
/* Somebody else has written a status that names other bytes under this path: what is there is not
   served any more, and the path is promised if it is current. */
void store_differs(struct store *s, const char *path);
/* A restore failed for now and will be tried again: requests go on waiting, but the readiness probe
   does not. */
void store_promise_failed(struct store *s, const char *path);
/* Given up: 404 from now on, unless the file is there. */
void store_promise_end(struct store *s, const char *path);

/* ---- is it there, and is it what the status says? */
enum store_check { STORE_INTACT, STORE_MISSING, STORE_DIFFERS };
/* A stat, compared with the index; hashed with want's algorithm when it never was. A file that is
   STORE_DIFFERS is not served any more. A current file that is missing or differs is promised from
   then on: restore it, or store_promise_end it. The op fails only when the disk does. */
struct op *store_check_start(struct store *s, const char *path, const struct digest *want);
enum store_check store_check_result(const struct op *op);
/* In memory only: what the index knows. False: not there, or never hashed. */
bool store_known(const struct store *s, const char *path, struct store_file *out);

/* ---- writing */
/* A new temporary file (short lane). Take it when the op is done; what is not taken is dropped with
   the op. */
struct op *store_temp_start(struct store *s);
struct store_temp store_temp_take(struct op *op);
/* Drops it in a job; nobody waits. */
void store_temp_discard(struct store *s, struct store_temp *t);

/* A job of the caller has given this file its name (store_temp_publish): it is there, and who waits
   for it is woken. */
void store_published(struct store *s, const char *path, const struct store_file *f);

/* ---- the quota */
#define STORE_OVER_QUOTA 1 /* err->code of a store_room_start: there is no room */
/* Reserves room for so many bytes. Where there is none, superseded files give way, the oldest of
   all objects first; if all of them would not be enough, none does, and the op fails, unless it
   `must` be: what a status names and was lost comes back over the quota. held: what the caller has
   reserved for the same file already. */
struct op *store_room_start(struct store *s, uint64_t bytes, uint64_t held, bool must);
/* The reservation is the caller's from then on; what is not taken goes with the op. Returns its
   bytes. */
uint64_t store_room_take(struct op *op);
/* The file is there and counts itself, or does not come. */
void store_room_release(struct store *s, uint64_t bytes);

/* ---- the volume. A folder that is removed, or replaced by another one, is noticed within seconds:
   the new one is read as at a start. */
/* So many bytes could not be written, with this error (-errno): on_room says when it may be worth
   another try. */
void store_refused(struct store *s, uint64_t bytes, int code);
/* What a failed file system call (-errno) of the store means, for people: "no space left on the
   storage volume". NULL: no more than what the error says. */
const char *store_failure_words(int code);

struct store_put {
	const char *path;
	struct digest digest; /* of the bytes, already checked */
	struct store_temp *temp; /* the bytes; taken over, fd and name, and left empty */
};
/* Same path, new bytes: to the disk under .tmp. When the op is done well, the path is held. One at
   a time per path. */
struct op *store_prepare_start(struct store *s, const struct store_put *put);
/* Under its name. Cannot be cancelled. A failure leaves the path promised (its old bytes are not
   what the status says any more). */
struct op *store_commit_start(struct store *s, const char *path);
/* Drops the new bytes; the old ones are served again. Nothing prepared: nothing happens. */
void store_abandon(struct store *s, const char *path);

/* ---- removing. All short lane; nothing to do ends without a job. */
/* Retention for one object. */
struct op *store_retain_start(struct store *s, const char *dir);
/* The object was deleted: all its files, and it is disowned. Do not publish for the same object
   until it is done. */
struct op *store_remove_start(struct store *s, const char *dir);
/* Folders that nobody has claimed for grace_ms (since the start, or since store_disown). Before
   store_listed: nothing. Those of the kinds in spared (the first element of their names; NULL
   behind the last one) stay: of these nobody here can say who owns what. */
struct op *store_sweep_start(struct store *s, const char *const spared[], uint64_t grace_ms);
unsigned store_sweep_result(const struct op *op); /* how many folders were removed */

/* ---- reading, for lib/serve */
enum store_got {
	STORE_HIT, /* *fd is open (the caller's), *f filled */
	STORE_WAIT, /* store_wait_start, then ask again */
	STORE_MISS, /* 404 */
	STORE_COLD, /* a disk may be needed: store_get_start, then look at its result */
};
/* Never blocks. latest.tar.gz is what store_set_current said. */
enum store_got store_get(
	struct store *s, const struct store_path *p, struct store_file *f, int *fd);
/* The same in a job; hashes a file that never was. Its result is one of HIT, WAIT, MISS; it is
   given once. */
struct op *store_get_start(struct store *s, const struct store_path *p);
enum store_got store_get_result(struct op *op, struct store_file *f, int *fd);

/* Called once, later, from the loop, when something about the path changed. Lives in the waiter,
   who cancels it before it dies. */
struct store_wait {
	void (*fn)(void *arg);
	void *arg;
	struct list link;
	struct store_index *index; /* NULL: not waiting, as when zeroed */
};
void store_wait_start(struct store *s, const struct store_path *p, struct store_wait *w,
	void (*fn)(void *arg), void *arg);
void store_wait_cancel(struct store_wait *w);

struct store_stats {
	uint64_t objects, files, bytes; /* there, as the index knows them */
	uint64_t promised, waiting; /* open promises, requests that wait */
	uint64_t published, removed; /* since the start */
	uint64_t remembered; /* files whose digest the scan took from the last process's index */
	uint64_t quota, reserved; /* bytes */
	uint64_t refused; /* for want of quota, since the start */
	uint64_t scrubbed, wrong; /* bytes that the scrub has read; files that were not right */
	uint64_t jobs; /* ops not freed yet, dropped ones included */
};
void store_stats(const struct store *s, struct store_stats *out);

#endif
