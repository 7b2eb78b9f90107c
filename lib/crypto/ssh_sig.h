/*
 * Signatures made with ssh keys: "SSH SIGNATURE" (OpenSSH's PROTOCOL.sshsig), as Git has them in
 * commits and tags, with the namespace "git". Any thread.
 *
 * Who may have signed is said by lines as authorized_keys has them (sshd(8)); a signature names its
 * key itself, and counts only if that key is among them.
 *
 *	struct ssh_signers *who = ssh_signers_new();
 *	if (ssh_signers_add(who, text, len, err) ||
 *		ssh_sig_verify(who, armored, armored_len, "git", data, n, fingerprint, err))
 *		...
 *	ssh_signers_free(who);
 */
#ifndef CRYPTO_SSH_SIG_H
#define CRYPTO_SSH_SIG_H
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct ssh_key;
struct ssh_signers;

#define SSH_FINGERPRINT_MAX 64 /* "SHA256:" and 43 characters */

/* err.code of ssh_sig_verify. */
enum {
	SSH_SIG_BROKEN = 1, /* it is no such signature, or of a kind that is not taken */
	SSH_SIG_STRANGER, /* its key is not among the signers */
	SSH_SIG_WRONG, /* it is not of these bytes */
};

struct ssh_signers *ssh_signers_new(void);
/* Adds the keys of a text: a line each, with options in front or not, comments and empty lines
   between. Lines with keys of other kinds, certificates and `cert-authority` are left out. 0, or
   -1 (ERR_RETRY): no line has a key that is taken, or there are too many. */
int ssh_signers_add(
	struct ssh_signers *who, const char *text, size_t len, struct err *err) must_check;
void ssh_signers_free(struct ssh_signers *who); /* NULL is fine */

/* Appends the signature in armor. A key that ssh_key_check_signing refuses is refused. */
int ssh_sig_sign(struct buf *out, const struct ssh_key *key, const char *name_space,
	const void *data, size_t n, struct err *err) must_check;
/* Does the text begin with the armor of one? */
bool ssh_sig_is(const char *text, size_t len);
/* Is it a signature of these n bytes, by one of them, for this namespace? 0: fingerprint says by
   which key; or -1: ERR_RETRY with a code of above. */
int ssh_sig_verify(const struct ssh_signers *who, const char *armored, size_t armored_len,
	const char *name_space, const void *data, size_t n, char fingerprint[SSH_FINGERPRINT_MAX],
	struct err *err) must_check;

#endif
