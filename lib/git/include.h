/*
 * Another artifact as part of an archive (archive.h): its names, then its files, in the order in
 * which the archive wants them. Workers; the owner clears it.
 */
#ifndef GIT_INCLUDE_H
#define GIT_INCLUDE_H
#include "base/buf.h"
#include "git/archive.h"
#include "pack/read.h"

#include <stdbool.h>

struct gitc_included {
	const struct gitc_include *from;
	struct pack_src src;
	struct pack_read r;
	bool open; /* r is at some entry */
	uint64_t at; /* the number of the next one */
	uint64_t size; /* of the file that was found */
	unsigned rewinds;
};

/* Called for each of its files and folders that belong to the archive, with the path there. body:
   of a file, may be read with pack_read_data() during the call. */
typedef int gitc_included_fn(void *ctx, const struct pack_entry *e, const char *path,
	struct pack_read *body, struct err *err);

void gitc_included_init(
	struct gitc_included *in, const struct gitc_include *from, const atomic_bool *stop);
void gitc_included_clear(struct gitc_included *in);
int gitc_included_list(struct gitc_included *in, uint64_t max_entries, gitc_included_fn *fn,
	void *ctx, struct err *err) must_check;
/* Moves to the entry of this number, which is a file: pack_read_data(&in->r) has its body. */
int gitc_included_find(struct gitc_included *in, uint64_t seq, struct err *err) must_check;

#endif
