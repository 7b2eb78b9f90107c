/*
 * OpenPGP signatures of Git objects, with GnuPG's programs (ev/proc.h): `gpgv` verifies with a
 * keyring that is a file in memory and knows of no other key, `gpg` signs in a home that is made
 * for one signature and removed after it. There is no agent and no keyring that outlives an op, and
 * nothing of the user's own is read.
 *
 *	struct op *op = gpg_verify_start(loop, &(struct gpg_verify_req){.keys = keys, .n_keys = n,
 *		.data = payload, .data_len = len, .signature = sig, .signature_len = sig_len});
 *	... when done: gpg_verify_result(op)->good, ->key_id, ->why
 *
 * What a request points to is copied. An op fails (ERR_RETRY) when there is no answer; err.code
 * says more. Messages hold nothing of a key, a passphrase or of what was signed. Milliseconds. Loop
 * thread.
 */
#ifndef GPG_GPG_H
#define GPG_GPG_H
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct op;

#define GPG_KEY_ID_MAX 17 /* 16 hex digits in capitals */
#define GPG_WHY_MAX 256

/* err.code of both. */
enum {
	GPG_BAD_KEY = 1, /* the text of a key is not what it should be; of a signing key: there is
			    no secret part, or more than one key */
	GPG_NO_PASSPHRASE, /* the signing key has one, and none was given */
	GPG_WRONG_PASSPHRASE,
	GPG_NOT_RUN, /* the program is not there, did not start, or broke */
};

/* Public keys in armor (RFC 9580 section 6), one block or several. */
struct gpg_key_text {
	const char *name; /* for messages: the key of a Secret */
	const char *p;
	size_t len;
};

struct gpg_verify_req {
	const struct gpg_key_text *keys;
	size_t n_keys;
	const void *data;
	size_t data_len;
	const char *signature; /* detached, in armor */
	size_t signature_len;
	uint64_t deadline_ms; /* 0: LIMIT_GPG_MS */
};

struct gpg_verify_result {
	bool good;
	char key_id[GPG_KEY_ID_MAX]; /* of the primary key; "" unless good */
	char why[GPG_WHY_MAX]; /* unless good: fit to stand behind "signature of X: " */
};

struct op *gpg_verify_start(struct loop *l, const struct gpg_verify_req *req);
/* Of an op that ended well. */
const struct gpg_verify_result *gpg_verify_result(const struct op *op);
/* Does the text begin with the armor of a signature? */
bool gpg_signature_is(const char *text, size_t len);

struct gpg_sign_req {
	const char *folder; /* where the home is made: a folder of ours, on any file system */
	const char *key; /* one secret key in armor */
	size_t key_len;
	const struct secret *passphrase; /* NULL or empty: none */
	const void *data;
	size_t data_len;
	uint64_t deadline_ms; /* 0: LIMIT_GPG_MS */
};

struct op *gpg_sign_start(struct loop *l, const struct gpg_sign_req *req);
/* The detached signature in armor, of an op that ended well. */
const struct buf *gpg_sign_result(const struct op *op);

/* Removes the homes that a process which was killed has left there. On a worker, or before the loop
   runs; a folder that is not there has none. */
void gpg_sweep(const char *folder);

#endif
