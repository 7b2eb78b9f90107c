/*
 * Pass 1 over a layer: everything is checked and counted, nothing is written. Leaves the index of
 * its names and the `.sourceignore` texts. Worker thread; the owner clears it. The source is
 * borrowed for the call.
 */
#ifndef PACK_SCAN_H
#define PACK_SCAN_H
#include "pack/index.h"
#include "pack/pack.h"
#include "pack/source.h"

struct pack_rules { /* one .sourceignore */
	uint32_t seq;
	struct buf text;
};

struct pack_scan {
	struct pack_index ix; /* built */
	VEC(struct pack_rules) rules; /* in the stream's order, repeated ones included */
	uint64_t rules_total;
	uint64_t expanded;
	uint64_t entries; /* in the stream, links included */
	uint64_t links;
	/* the first reason against a pass-through that the archive itself gives; "" is none */
	char why[256];
};

/* limits: none is 0. */
int pack_scan_run(struct pack_scan *s, struct pack_src *src, const struct pack_limits *limits,
	struct err *err) must_check;
void pack_scan_clear(struct pack_scan *s);
/* Hands the texts of the surviving .sourceignore files to fn, parents before children. */
int pack_scan_rules(struct pack_scan *s, pack_ignore_fn fn, void *ctx, struct err *err) must_check;

#endif
