/*
 * The store's index: objects (folders) and their files, in memory, without any I/O. Internal to
 * lib/store; store.h explains the states. Loop thread.
 *
 * An entry lives as long as there is something to say about it: it is on disk, promised, held, or
 * an op refers to it. All changes of `there` and `promised` go through the functions below, which
 * keep the counters right and wake who waits.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "store/store.h"

struct store_object;

struct store_entry {
	struct store_object *object;
	struct list link; /* in its object */
	char file[STORE_FILE_MAX];
	struct store_file f; /* valid while there */
	bool there;
	bool wrong; /* there, but not what the status says: not served */
	bool remembered; /* its digest is the last process's word, and no status was compared yet */
	bool promised, failed;
	bool listed; /* promised since before store_listed: readiness waits for it */
	bool held;
	bool superseded;
	uint64_t superseded_at; /* clock_ms() */
	unsigned scrubbed; /* in the pass of this number (scrub.h) */
	unsigned refs; /* ops that will come back to it */
	struct store_temp prepared; /* while held */
	struct store_file prepared_file;
	struct list waits; /* of struct store_wait */
};

/* A place in the line of all objects: an object's, or that of a walk, which has none. */
struct store_seat {
	struct list link;
	struct store_object *object;
};

struct store_object {
	char *dir;
	struct store_seat seat;
	struct list entries; /* of struct store_entry, the newest first */
	char current[STORE_FILE_MAX]; /* "" when the status names nothing */
	bool claimed;
	bool asked; /* on_unknown was called, and nobody has answered yet */
	uint64_t asked_ms; /* when; 0: never */
	uint64_t confirmed_ms; /* store_confirmed was called then, on clock_ms(); 0: never */
	uint64_t ownerless_at; /* clock_ms(), when not claimed */
};

struct store_index {
	struct loop *loop;
	struct map objects; /* by dir */
	struct list seats; /* of struct store_seat: all objects, in the order in which they came */
	/* Which files there are, their digests, or which may go; NULL: nobody asks. */
	void (*changed)(struct store_index *x);
	struct list early; /* of struct store_wait: for paths without a name, until store_listed */
	struct list unknown; /* of struct store_wait: for store_confirmed */
	struct list woken; /* of struct store_wait */
	struct defer defer;
	uint64_t there, bytes, promised, waiting;
	uint64_t open; /* promised by the first list, and not failed once */
	bool listed;
};

void index_init(struct store_index *x, struct loop *l);
void index_clear(struct store_index *x);

struct store_object *index_object(const struct store_index *x, const char *dir);
struct store_object *index_object_make(struct store_index *x, const char *dir);
/* Frees what has nothing to say any more; o may be gone after. */
void index_object_settle(struct store_index *x, struct store_object *o);

static inline struct store_entry *index_entry_at(struct list *at)
{
	return CONTAINER_OF(at, struct store_entry, link);
}

struct store_entry *index_entry(const struct store_object *o, const char *file);
struct store_entry *index_entry_make(struct store_object *o, const char *file);
/* Frees the entry, and its object, when nothing is left to say. */
void index_entry_settle(struct store_index *x, struct store_entry *e);
bool index_is_current(const struct store_entry *e);
/* The file that a path means: latest.tar.gz is what the status names, whatever was published
   last. */
struct store_entry *index_entry_of(const struct store_index *x, const struct store_path *p);

/* Tells who wants to know (`changed`). */
void index_changed(struct store_index *x);
void index_there(struct store_index *x, struct store_entry *e, const struct store_file *f);
void index_not_there(struct store_index *x, struct store_entry *e);
void index_promise(struct store_index *x, struct store_entry *e, bool promised, bool failed);

/* There, and its digest was computed by this process, or is what the status says. */
static inline bool index_is_known(const struct store_entry *e)
{
	return e->there && e->f.digest.algo != DIGEST_NONE && !e->remembered;
}

/* ---- a walk over all objects, which may come and go meanwhile: who stays is met once, and so is
   who comes */
void index_walk_begin(struct store_index *x, struct store_seat *walk);
/* NULL: that was the last one, and the walk has ended. */
struct store_object *index_walk_next(struct store_index *x, struct store_seat *walk);
void index_walk_end(struct store_seat *walk);

/* ---- waits */
void index_wait(struct store_index *x, struct list *list, struct store_wait *w);
void index_wake(struct store_index *x, struct list *list);

#endif
