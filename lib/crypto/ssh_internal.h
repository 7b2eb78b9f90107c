/* What ssh_key.c, ssh_pub.c and ssh_sig.c share; nobody else includes this. */
#ifndef CRYPTO_SSH_INTERNAL_H
#define CRYPTO_SSH_INTERNAL_H
#include "base/buf.h"
#include "base/err.h"
#include "crypto/ssh_wire.h"

#include <openssl/evp.h>
#include <stdbool.h>

/* ssh itself takes no fewer bits, nor Git's servers; for signatures of ours RSA_BITS_MIN counts. */
#define SSH_RSA_BITS_MIN 1024

enum ssh_form { SSH_ED25519, SSH_ECDSA, SSH_RSA };

/* A kind of key that is taken. */
struct ssh_kind {
	const char *name;
	enum ssh_form form;
	const char *curve, *group; /* of ECDSA: ssh's name, OpenSSL's */
	size_t point; /* bytes of its public key: 0x04, x, y */
	const char *hash;
	bool sk; /* its private part is in a device (OpenSSH's PROTOCOL.u2f) */
};

/* NULL: none. */
const struct ssh_kind *ssh_kind_named(struct ssh_str name);
/* Of a key that OpenSSL has read; NULL: none that is taken. */
const struct ssh_kind *ssh_kind_of(const EVP_PKEY *key);

struct ssh_pub {
	const struct ssh_kind *kind;
	EVP_PKEY *key;
	struct buf blob; /* as it stands in lines and signatures */
	struct buf application; /* of sk */
};

/* A key of OpenSSL's out of its numbers; selection: EVP_PKEY_PUBLIC_KEY or EVP_PKEY_KEYPAIR. NULL:
   they are none. */
EVP_PKEY *ssh_key_of_params(const char *type, int selection, OSSL_PARAM_BLD *bld);
/* What stands behind the kind's name in a public key, and in a private one. */
EVP_PKEY *ssh_pub_read(const struct ssh_kind *kind, struct ssh_read *r);
/* 0, or -1 (ERR_RETRY): broken, or of a kind that is not taken. */
int ssh_pub_parse(struct ssh_pub *pub, struct ssh_str blob, struct err *err) must_check;
void ssh_pub_clear(struct ssh_pub *pub);
/* Appends the public key of this one. */
void ssh_pub_write(const struct ssh_kind *kind, const EVP_PKEY *key, struct buf *out);
/* Is it a signature (algorithm and bytes, as ssh writes them) of this text? */
bool ssh_pub_verifies(
	const struct ssh_pub *pub, struct ssh_str signature, const void *text, size_t n);

struct ssh_key {
	const struct ssh_kind *kind;
	EVP_PKEY *key;
};

/* Appends such a signature: 0, or -1. */
int ssh_key_sign(const struct ssh_key *key, const void *text, size_t n, struct buf *out);

/* A number of the key; NULL: it has none of that name. BN_clear_free. */
BIGNUM *ssh_key_bn(const EVP_PKEY *key, const char *name);
/* Appends that as an mpint, or nothing. */
void ssh_write_bn(struct buf *out, const BIGNUM *n);

#endif
