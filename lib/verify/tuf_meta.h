/*
 * One file of metadata of a TUF repository (The Update Framework, specification 1.0, section 4):
 * what all four have in common, read and not yet proven. Any thread, one at a time.
 *
 *	if (verify_tuf_meta_read(&meta, VERIFY_TUF_TIMESTAMP, text, len, err))
 *		return -1;
 *	... verify_tuf_root_signs (verify/tuf_root.h) says whose it is
 *	verify_tuf_meta_free(meta);
 */
#ifndef VERIFY_TUF_META_H
#define VERIFY_TUF_META_H
#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum verify_tuf_role {
	VERIFY_TUF_ROOT,
	VERIFY_TUF_TIMESTAMP,
	VERIFY_TUF_SNAPSHOT,
	VERIFY_TUF_TARGETS,
	VERIFY_TUF_ROLES, /* how many there are */
};

/* "root", "timestamp", ... */
const char *verify_tuf_role_name(enum verify_tuf_role role);

struct verify_tuf_meta {
	struct buf raw; /* as it came */
	json_t *doc;
	const json_t *body; /* its member `signed`: what is said */
	const json_t *signatures; /* a list */
	struct buf canonical; /* of the body: what is signed */
	int64_t version; /* 1 and up */
	int64_t expires_ms; /* since 1970 UTC */
};

/* 0, *out is the caller's. -1 (ERR_RETRY): it cannot be read, or is of another role. */
int verify_tuf_meta_read(struct verify_tuf_meta **out, enum verify_tuf_role role, const char *text,
	size_t n, struct err *err) must_check;
void verify_tuf_meta_free(struct verify_tuf_meta *m); /* NULL is fine */
/* -1: it is no more to be believed at this time. */
int verify_tuf_meta_current(
	const struct verify_tuf_meta *m, int64_t now_ms, struct err *err) must_check;

#endif
