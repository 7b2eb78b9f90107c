/*
 * A trusted root of Sigstore (sigstore/protobuf-specs, sigstore_trustroot.proto; the file
 * trusted_root.json): which authorities may issue certificates, and which logs tell when. Nothing
 * in here comes from the network. References are counted on the loop thread; it is read in any.
 *
 *	if (verify_root_parse(&root, text, len, err))
 *		return -1;
 *	verify_root_unref(root);
 */
#ifndef VERIFY_TRUSTED_ROOT_H
#define VERIFY_TRUSTED_ROOT_H
#include "base/err.h"
#include "crypto/cert.h"
#include "crypto/digest.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct pubkey;

#define VERIFY_ROOT_ENTRY "trusted_root.json" /* of a Secret */
#define VERIFY_LOG_ID_MAX 64

/* Milliseconds since 1970 UTC, both included. */
struct verify_window {
	int64_t from, until;
};

static inline bool verify_window_has(const struct verify_window *w, int64_t ms)
{
	return ms >= w->from && ms <= w->until;
}

struct verify_log {
	unsigned char id[VERIFY_LOG_ID_MAX];
	size_t id_len;
	struct pubkey *key;
	struct digest key_digest; /* SHA-256 of the key as it stands there */
	unsigned char key_end[32]; /* its last bytes: an Ed25519 key */
	char *host; /* of its address; "" */
	struct verify_window valid;
};

/* Vectors, for base/vec.h. */
struct verify_logs {
	struct verify_log *p;
	size_t len, cap;
};

struct verify_authority {
	const struct cert *certs[CERT_CHAIN_MAX]; /* the anchor is the last one */
	size_t len;
	struct verify_window valid;
};

struct verify_authorities {
	struct verify_authority *p;
	size_t len, cap;
};

struct verify_root {
	unsigned refs;
	struct digest digest; /* of the text */
	size_t size; /* bytes of memory, about */
	struct verify_logs tlogs, ctlogs;
	struct verify_authorities authorities, timestamps;
	/* "tlogs[0]": a log that goes by a name that is not made of its key, as it should be: what
	   is in that log may not be found. NULL: there is none. */
	char *misnamed;
};

/* 0, *out is a reference of the caller's. -1 (ERR_RETRY): one thing in it that cannot be read makes
   all of it useless. */
int verify_root_parse(
	struct verify_root **out, const char *text, size_t n, struct err *err) must_check;
/* The entry VERIFY_ROOT_ENTRY of a Secret as the API server has it. */
int verify_root_read(struct verify_root **out, const json_t *secret, struct err *err) must_check;
struct verify_root *verify_root_ref(struct verify_root *root);
void verify_root_unref(struct verify_root *root); /* NULL is fine */

/* The log of this name; of several the one whose key was valid then, else any. NULL: none. */
const struct verify_log *verify_logs_find(
	const struct verify_logs *logs, const void *id, size_t n, int64_t ms);

#endif
