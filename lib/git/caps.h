/*
 * What a server says it can (gitprotocol-capabilities, gitprotocol-v2 "Capability Advertisement").
 * What we do not know is passed over. Plain values, any thread.
 */
#ifndef GIT_CAPS_H
#define GIT_CAPS_H
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct gitc_caps {
	int version; /* 0 (1 is the same to us) or 2 */
	bool shallow, filter; /* of fetches, in either version */
	/* v2 */
	bool ls_refs, fetch, unborn, object_format;
	/* v0: of fetches ... */
	bool band, band_64k, ofs_delta, no_progress, multi_ack, multi_ack_detailed;
	/* ... and of pushes */
	bool report, push_options, quiet;
	bool agent;
	bool sha256; /* its objects are named so: nothing for us */
};

/* A line of v2: "fetch=shallow filter". */
void gitc_caps_line(struct gitc_caps *c, const char *p, size_t n);
/* The list behind the first ref of v0. *target, *target_n: of "symref=HEAD:TARGET", where it is;
   else untouched. */
void gitc_caps_list(
	struct gitc_caps *c, const char *p, size_t n, const char **target, size_t *target_n);
/* -1: it is nothing that we can talk to, for fetches. */
int gitc_caps_check_fetch(const struct gitc_caps *c, struct err *err) must_check;

#endif
