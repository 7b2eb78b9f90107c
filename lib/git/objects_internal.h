/*
 * What the files on the worker's side of lib/git share; nobody else includes this.
 *
 *	scan	a pack as it comes: what is in it, the names of what is no delta
 *	index	puts the pack into a file, names the deltas, writes the index
 *	packs	a pack with its index: where an object is
 *	unpack	an object out of a pack, deltas put together
 *	objects	sets of packs, and objects out of them
 */
#ifndef GIT_OBJECTS_INTERNAL_H
#define GIT_OBJECTS_INTERNAL_H
#include "base/buf.h"
#include "git/objects.h"

struct gitc_folder {
	int fd;
};

/* A pack of a set, and in the same file, behind it, its index: records of a name and a place (8
   bytes, most significant first), sorted by names. The file has no name. */
struct gitc_pack {
	int fd;
	uint32_t fanout[256]; /* records up to this first byte of the name */
	uint64_t pack_size;
	struct gitc_pack *next; /* an older one: a list only grows at its head */
};
#define GITC_RECORD 28

void gitc_pack_free(struct gitc_pack *p); /* NULL is fine */
/* Where in the pack an object begins. */
bool gitc_pack_find(const struct gitc_pack *p, const struct gitc_oid *oid, uint64_t *at);

struct gitc_objects {
	atomic_uint refs;
	_Atomic(struct gitc_pack *) packs;
	struct gitc_objects *base; /* what it adds to; NULL: nothing */
	atomic_bool lacking; /* somebody has looked for what is not there */
};

struct gitc_objects *gitc_objects_new(void);
/* Takes the pack over. */
void gitc_objects_add(struct gitc_objects *o, struct gitc_pack *p);
/* Where an object begins in which pack; false: in none. */
bool gitc_objects_at(const struct gitc_objects *o, const struct gitc_oid *oid,
	const struct gitc_pack **p, uint64_t *at);

/* An object, whole. */
struct gitc_raw {
	struct buf b;
	enum gitc_type type;
};
#define auto_raw __attribute__((cleanup(gitc_raw_clear)))
struct gitc_raw_req {
	enum gitc_type type; /* 0: any */
	uint64_t max; /* bytes; more is GITC_TOO_LARGE, before they are read */
	/* What putting it together may take; past it err->code is -ENOBUFS. 0: any */
	uint64_t memory;
};
int gitc_raw_read(const struct gitc_objects *o, const struct gitc_oid *oid,
	const struct gitc_raw_req *req, const atomic_bool *stop, struct gitc_raw *out,
	struct err *err) must_check;
void gitc_raw_clear(struct gitc_raw *r);

/* "<type> '<name>' <what>", GITC_BAD_OBJECT. Returns -1. */
int gitc_object_bad(
	const struct gitc_oid *oid, enum gitc_type type, const char *what, struct err *err);
/* "... has N bytes, more than M", GITC_TOO_LARGE. Returns -1. */
int gitc_object_large(const struct gitc_oid *oid, enum gitc_type type, uint64_t size, uint64_t max,
	struct err *err);

#endif
