/*
 * ls-refs of protocol v2 (gitprotocol-v2): what is asked, and the answer. Inside lib/git only; any
 * thread, one at a time.
 */
#ifndef GIT_LSREFS_H
#define GIT_LSREFS_H
#include "git/caps.h"
#include "git/pkt.h"

#include <stdbool.h>

struct gitc_reflist;

struct gitc_lsrefs {
	struct gitc_reflist *refs; /* where they go. Borrowed */
	struct gitc_pkt_reader reader;
	bool done;
};

/* prefixes end with NULL; NULL: all. HEAD is asked for always: it says whether there is any ref. */
void gitc_lsrefs_ask(struct buf *out, const struct gitc_caps *caps, const char *agent,
	const char *const *prefixes);
void gitc_lsrefs_init(struct gitc_lsrefs *l, struct gitc_reflist *refs);
void gitc_lsrefs_clear(struct gitc_lsrefs *l);
/* 1: it is whole, 0: more has to come, -1. */
int gitc_lsrefs_feed(struct gitc_lsrefs *l, const char *p, size_t n, struct err *err) must_check;
/* It is, and nothing came behind it. */
bool gitc_lsrefs_is_whole(const struct gitc_lsrefs *l);

#endif
