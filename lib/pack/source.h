/*
 * A blob as a stream of chunks, from memory or from a file, in a worker thread. The stop flag is
 * polled once a chunk (64 KiB).
 *
 *	struct pack_src src;
 *	const unsigned char *p;
 *	size_t n;
 *
 *	pack_src_init(&src, NULL, fd, size, &job->stop);
 *	while (!(rc = pack_src_next(&src, &p, &n, err)) && n) ...
 *	pack_src_clear(&src);
 */
#ifndef PACK_SOURCE_H
#define PACK_SOURCE_H
#include "base/err.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define PACK_CHUNK ((size_t)64 * 1024)

/* What one job on a layer keeps in memory: its names, its rules, the decoder's window. */
struct pack_memory {
	uint64_t max; /* 0: no limit */
	uint64_t used;
};

struct pack_src {
	const unsigned char *mem; /* NULL: fd */
	int fd;
	uint64_t size;
	uint64_t at; /* bytes handed out */
	const atomic_bool *stop;
	unsigned char *chunk;
	struct pack_memory memory;
};

/* Borrows mem or fd until clear. fd is read with pread(2) from offset 0, so its position does not
   matter and stays. */
void pack_src_init(
	struct pack_src *s, const void *mem, int fd, uint64_t size, const atomic_bool *stop);
/* Starts over. */
void pack_src_rewind(struct pack_src *s);
void pack_src_clear(struct pack_src *s);
/* The next bytes, borrowed until the next call; *n is 0 at the end. A file shorter than size is an
   error. */
int pack_src_next(
	struct pack_src *s, const unsigned char **p, size_t *n, struct err *err) must_check;
/* Counts n bytes more. -1 with err->code -ENOBUFS: the job is to begin again with a higher limit,
   or to be given up. */
int pack_memory_take(struct pack_memory *m, uint64_t n, struct err *err) must_check;
void pack_memory_give(struct pack_memory *m, uint64_t n);
/* ERR_CANCELED when the flag is set; stop may be NULL. */
int pack_stopped(const atomic_bool *stop, struct err *err) must_check;

#endif
