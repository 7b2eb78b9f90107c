/*
 * The commit of an automation as jobs on a worker: its message, its trees and its bytes; a
 * signature with an ssh key; the pack. With an OpenPGP key the signature comes from a process
 * between two jobs (gpg/gpg.h).
 *
 *	op = commit_draft_start(loop, &req);            ... commit_take(op): c
 *	with .later: op = gpg_sign_start(... gitc_draft_payload(c->draft)) ...
 *		op = commit_seal_start(loop, owner, c, signature);    ... commit_take(op)
 *	c->oid, c->pack, c->message
 *	commit_free(c);
 */
#ifndef IMAGEUPDATEAUTOMATION_COMMIT_H
#define IMAGEUPDATEAUTOMATION_COMMIT_H
#include "base/buf.h"
#include "base/secret.h"
#include "git/oid.h"

#include <stdbool.h>
#include <stdint.h>

struct automation_spec;
struct edit;
struct gitc_draft;
struct loop;
struct op;

/* What failed. */
enum commit_stage { COMMIT_MESSAGE, COMMIT_DRAFT, COMMIT_SIGN };

struct commit {
	struct buf message;
	struct gitc_draft *draft; /* until it is sealed */
	struct gitc_oid oid;
	struct buf pack;
	enum commit_stage stage; /* where it is, or has failed */
};

struct commit_req {
	/* Lent until the op is done, as the key's secrets are. */
	const struct automation_spec *spec;
	const struct edit *edit;
	const struct secret *key, *passphrase; /* of ssh; key NULL: it is not signed here */
	const char *ns, *name; /* of the automation */
	int64_t when_s;
	uint64_t memory; /* bytes that it may hold; 0: its limits */
	bool later; /* it is signed by somebody else: it stays a draft */
};

struct op *commit_draft_start(struct loop *l, const struct commit_req *req);
/* signature: armored. c is lent to the job, as in edit.h. */
struct op *commit_seal_start(
	struct loop *l, const char *owner, struct commit *c, const char *signature);
/* After a failure too: c->stage says what has failed. */
struct commit *commit_take(struct op *op);
void commit_free(struct commit *c); /* NULL is fine */

#endif
