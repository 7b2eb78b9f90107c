/*
 * The advertisement that a service begins with: of v2 what it can, of v0 and v1 its refs and what
 * it can (gitprotocol-pack "Reference Discovery", gitprotocol-http "Smart Server Response",
 * gitprotocol-v2). Bytes go in as they come. Inside lib/git only; any thread, one at a time.
 *
 *	gitc_advert_init(&a, GITC_UPLOAD_PACK, &list);
 *	while ... gitc_advert_feed(&a, p, n, err);            1: it is whole
 *	if (gitc_advert_end(&a, err)) ...                     no more bytes come
 */
#ifndef GIT_ADVERT_H
#define GIT_ADVERT_H
#include "git/caps.h"
#include "git/link.h"
#include "git/pkt.h"

struct gitc_reflist;

enum gitc_advert_at {
	GITC_ADVERT_START,
	GITC_ADVERT_SERVICE_END, /* the flush behind "# service=" */
	GITC_ADVERT_FIRST, /* a version, or the first ref */
	GITC_ADVERT_CAPS, /* of v2 */
	GITC_ADVERT_REF, /* v1: the first ref, v0: was there */
	GITC_ADVERT_REFS,
	GITC_ADVERT_DONE,
};

struct gitc_advert {
	enum gitc_service service;
	struct gitc_caps caps;
	struct gitc_reflist *refs; /* v0: where they go. Borrowed */
	struct gitc_pkt_reader reader;
	enum gitc_advert_at at;
	size_t caps_bytes;
};

void gitc_advert_init(struct gitc_advert *a, enum gitc_service service, struct gitc_reflist *refs);
void gitc_advert_clear(struct gitc_advert *a);
/* 1: it is whole, 0: more has to come, -1. Bytes behind its end are an error. */
int gitc_advert_feed(struct gitc_advert *a, const char *p, size_t n, struct err *err) must_check;
/* -1: it is not whole, or the repository is none for us. */
int gitc_advert_end(const struct gitc_advert *a, struct err *err) must_check;

#endif
