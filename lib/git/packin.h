/*
 * The exchange that brings a pack: what is asked, in either version of the protocol (gitprotocol-v2
 * "fetch", gitprotocol-pack "Packfile Negotiation"), and the answer, out of which the bytes of the
 * pack come. Nothing is negotiated: wants, a depth, a filter, at most one commit that is here,
 * done. Inside lib/git only; any thread, one at a time.
 */
#ifndef GIT_PACKIN_H
#define GIT_PACKIN_H
#include "git/caps.h"
#include "git/oid.h"
#include "git/side.h"

#include <stdbool.h>

struct gitc_packin_ask {
	const struct gitc_caps *caps;
	const char *agent;
	const struct gitc_oid *want;
	size_t n_want;
	unsigned depth; /* 0: all; as far as the server can */
	/* A commit that is here with all its files, without its history: what it has need not come,
	   and the pack may have deltas on it. NULL: nothing is here. Version 2 only. */
	const struct gitc_oid *have;
	bool no_blobs; /* likewise */
	bool no_trees; /* commits and tags alone, likewise */
};

void gitc_packin_question(struct buf *out, const struct gitc_packin_ask *ask);

enum gitc_packin_at {
	GITC_PACKIN_SECTION, /* v2: a section's name */
	GITC_PACKIN_SHALLOWS, /* v2: in the section; v0: before the flush */
	GITC_PACKIN_ACKS, /* v0 */
	GITC_PACKIN_BANDS,
	GITC_PACKIN_RAW, /* v0 without bands: to the end */
	GITC_PACKIN_DONE,
};

struct gitc_packin {
	/* Bytes of the pack. -1: *err is filled. */
	int (*on_pack)(void *arg, const char *p, size_t n, struct err *err);
	void *arg;
	bool v2, bands;
	enum gitc_packin_at at;
	struct gitc_pkt_reader reader;
	struct gitc_side side;
	size_t lines; /* before the pack */
};

void gitc_packin_init(struct gitc_packin *in, const struct gitc_packin_ask *ask);
void gitc_packin_clear(struct gitc_packin *in);
/* 1: it is whole, 0: more has to come, -1. */
int gitc_packin_feed(struct gitc_packin *in, const char *p, size_t n, struct err *err) must_check;
/* No more bytes come. -1: it is not whole. */
int gitc_packin_end(const struct gitc_packin *in, struct err *err) must_check;

#endif
