/*
 * The parts of a pack that several files read (gitformat-pack, "pack-*.pack files have the
 * following format"). Any thread.
 */
#ifndef GIT_PACK_FORMAT_H
#define GIT_PACK_FORMAT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Types of what lies in a pack: those of objects, and two of deltas. */
enum { PACK_OBJ_OFS = 6, PACK_OBJ_REF = 7 };

/* The largest header of an object: type and size, then a place or a name. */
#define PACK_HEAD_MAX 32

struct gitc_head {
	unsigned type;
	uint64_t size; /* of what is deflated */
	uint64_t back; /* PACK_OBJ_OFS: how far in front its base begins */
	size_t name; /* PACK_OBJ_REF: where in the header the name of its base is */
	size_t len; /* of the header */
};

/* Reads the header that the n bytes at p begin with; false: there is none. */
bool gitc_head_parse(struct gitc_head *h, const unsigned char *p, size_t n);
/* Appends the header of an object that is no delta, of so many bytes. */
void gitc_head_put(struct buf *out, unsigned type, uint64_t size);
/* A delta begins with two numbers, the size of its base and its own: the one at *at, which moves
   on. False: there is none. */
bool gitc_delta_size(const unsigned char *p, size_t n, size_t *at, uint64_t *out);
/* Puts out_len bytes together out of a base and the instructions of a delta, of n bytes with the
   two numbers. False: they do not make exactly that. */
bool gitc_delta_apply(const unsigned char *base, size_t base_len, const unsigned char *p, size_t n,
	unsigned char *out, size_t out_len);

#endif
