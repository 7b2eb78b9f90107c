/*
 * The layer that a reference means, fetched and checked: in memory when it is small, else in a file
 * without a name. Main thread.
 *
 *	struct layer l;
 *	if (!layer_fetch(&l, a, &err)) ... l.in ...
 *	layer_clear(&l);
 */
#ifndef OCICTL_LAYER_H
#define OCICTL_LAYER_H
#include "cmd/ocictl/args.h"
#include "pack/pack.h"

struct layer {
	struct digest manifest; /* what the reference means: of an index, if it is one */
	char *media_type;
	struct buf mem;
	int fd, out_fd, tmp_fd; /* -1: none */
	struct pack_in in; /* for pack_walk and its like; without rules */
};

/* To be cleared after a failure too. */
int layer_fetch(struct layer *l, const struct args *a, struct err *err) must_check;
void layer_clear(struct layer *l);
/* The same for one that is in a file already, which stays the caller's. */
int layer_of_file(struct layer *l, int fd, uint64_t size, struct err *err) must_check;

#endif
