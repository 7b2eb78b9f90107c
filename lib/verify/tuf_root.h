/*
 * root.json of a TUF repository (specification 1.0, section 4.3): which keys speak for which role,
 * and how many of them have to. Any thread, one at a time.
 *
 * Keys: ECDSA on P-256 in PEM, Ed25519 in hex, RSA in PEM with RSASSA-PSS and SHA-256. One of
 * another kind is nobody's: it signs nothing. One key that has two names counts once.
 */
#ifndef VERIFY_TUF_ROOT_H
#define VERIFY_TUF_ROOT_H
#include "verify/tuf_meta.h"

#include <stdbool.h>

struct verify_tuf_root;

/* 0, *out is the caller's, who has taken the file for a root.json by verify_tuf_meta_read. */
int verify_tuf_root_read(struct verify_tuf_root **out, const struct verify_tuf_meta *meta,
	struct err *err) must_check;
void verify_tuf_root_free(struct verify_tuf_root *r); /* NULL is fine */
/* Have enough different keys of the role signed it? -1: the message says how many have. */
int verify_tuf_root_signs(const struct verify_tuf_root *r, enum verify_tuf_role role,
	const struct verify_tuf_meta *meta, struct err *err) must_check;
/* Do names of files begin with their versions and hashes? */
bool verify_tuf_root_consistent(const struct verify_tuf_root *r);

#endif
