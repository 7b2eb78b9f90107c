/* A bundle that was signed by a certificate: all checks, in their order, are in
   verify_bundle_keyless. */
#include "base/limits.h"
#include "base/vec.h"
#include "crypto/cert.h"
#include "crypto/pubkey.h"
#include "crypto/timestamp.h"
#include "verify/bundle.h"
#include "verify/bundle_entry.h"
#include "verify/dsse.h"
#include "verify/fulcio.h"
#include "verify/identity.h"
#include "verify/log_body.h"
#include "verify/plain.h"
#include "verify/policy.h"
#include "verify/protojson.h"
#include "verify/statement.h"
#include "verify/trusted_root.h"

#include <string.h>

struct proof {
	const struct verify_bundle *b;
	const struct verify_dsse *d;
	const struct verify_root *root;
	const atomic_bool *stop;
	struct buf leaf_der;
	struct cert *leaf;
	struct verify_bundle_entry entries[LIMIT_BUNDLE_LOG_ENTRIES];
	size_t len; /* entries that were read */
	unsigned good; /* entries that are in their logs */
	/* That logs have promised, or else timestamps say. */
	int64_t times[LIMIT_BUNDLE_LOG_ENTRIES + LIMIT_BUNDLE_TIMESTAMPS];
	bool has_time; /* an entry says when, promised or not */
	size_t times_len;
	struct err skipped; /* why the last entry that does not count does not */
};

/* ---- entries of logs ------------------------------------------------------------------------- */

static bool is_same(const struct verify_log_entry *a, const struct verify_log_entry *b)
{
	return a->index == b->index && a->log_id.len == b->log_id.len &&
		!memcmp(buf_str(&a->log_id), buf_str(&b->log_id), a->log_id.len);
}

static int entries_read(struct proof *p, struct err *err)
{
	size_t i, k;

	if (!p->b->log_entries)
		return err_set(err, ERR_RETRY, "the bundle has no entry of a log");
	for (i = 0; i < p->b->log_entries; i++) {
		p->len++;
		if (verify_bundle_entry_read(&p->entries[i], json_array_get(p->b->entries, i), err))
			return -1;
		for (k = 0; k < i; k++)
			if (is_same(&p->entries[k].entry, &p->entries[i].entry))
				return err_set(
					err, ERR_RETRY, "the bundle has the same log entry twice");
	}
	return 0;
}

static int body_check(struct proof *p, const struct verify_bundle_entry *e,
	const struct verify_log_body *body, struct err *err)
{
	struct verify_log_subject of = {.sig = &p->d->signature, .leaf = p->leaf};
	char kind[VERIFY_PLAIN_MAX], version[VERIFY_PLAIN_MAX];

	if (!verify_log_body_is(body, e->kind, e->version))
		return err_set(err, ERR_RETRY, "the log entry is no '%s' '%s', as the bundle says",
			verify_plain(e->kind, kind), verify_plain(e->version, version));
	digest_mem(&of.payload, DIGEST_SHA256, buf_str(&p->d->payload), p->d->payload.len);
	return verify_log_body_of_envelope(body, &of, err);
}

static int body_prove(struct proof *p, const struct verify_bundle_entry *e, struct err *err)
{
	struct verify_log_body body = {0};
	int rc;

	rc = verify_log_body_read(&body, buf_str(&e->entry.body), e->entry.body.len, err) ||
		body_check(p, e, &body, err);
	verify_log_body_clear(&body);
	return rc ? -1 : 0;
}

/* What lies in a log of version 2 is written anew from the signature at hand, so that it is of no
   other. */
static int entry_prove_v2(struct proof *p, const struct verify_log *log,
	const struct verify_bundle_entry *e, struct err *err)
{
	struct verify_log_subject of = {
		.sig = &p->d->signature, .leaf = p->leaf, .leaf_der = &p->leaf_der};
	auto_buf struct buf body = BUF_INIT(LIMIT_LOG_BODY);

	if (strcmp(e->kind, "hashedrekord") != 0 || strcmp(e->version, "0.0.2") != 0)
		return err_set(err, ERR_RETRY,
			"a log of version 2 has entries 'hashedrekord' '0.0.2' only");
	if (verify_log_body_write(&body, &of, &p->d->signed_bytes, err) ||
		verify_tlog_proof_v2(log, &e->entry, &body, &e->proof, err))
		return -1;
	p->good++;
	return 0;
}

/* 0 as well where it does not count. */
static int entry_prove(struct proof *p, const struct verify_bundle_entry *e, struct err *err)
{
	const struct verify_log *log = verify_tlog_find(p->root, &e->entry);

	if (!log) {
		err_clear(&p->skipped);
		err_set(&p->skipped, ERR_RETRY,
			"the log entry is of a log that the trusted root does not have");
		return 0;
	}
	if (!e->has_promise && !e->has_proof)
		return err_set(err, ERR_RETRY, "a log entry has neither a promise nor a proof");
	p->has_time |= e->entry.time_s != 0;
	if (e->has_proof && !e->has_promise && verify_tlog_is_v2(&e->proof))
		return entry_prove_v2(p, log, e, err);
	err_clear(&p->skipped);
	if (e->has_promise && verify_tlog_promise(log, &e->entry, &e->promise, &p->skipped))
		return 0;
	if (e->has_proof && verify_tlog_proof(log, &e->entry, &e->proof, err))
		return -1;
	/* A time that nobody has promised says nothing, but must not lie. */
	if (body_prove(p, e, err) ||
		(e->entry.time_s && verify_fulcio_leaf_valid(p->leaf, e->entry.time_s, err)))
		return -1;
	p->good++;
	if (e->has_promise)
		p->times[p->times_len++] = e->entry.time_s;
	return 0;
}

static int entries_prove(struct proof *p, struct err *err)
{
	size_t i;

	if (entries_read(p, err))
		return -1;
	for (i = 0; i < p->len; i++)
		if (entry_prove(p, &p->entries[i], err))
			return -1;
	if (!p->good)
		return err_set(err, ERR_RETRY, "%s", p->skipped.msg);
	return 0;
}

/* ---- timestamps ------------------------------------------------------------------------------ */

static int time_prove(struct proof *p, const struct buf *der, struct err *err)
{
	const struct buf *sig = &p->d->signature;
	const struct verify_authority *a;
	int64_t at_s = 0;

	err_set(err, ERR_RETRY, "the trusted root has no authority of timestamps");
	vec_each (&p->root->timestamps, a) {
		err_clear(err);
		if (timestamp_verify(&at_s, buf_str(der), der->len, buf_str(sig), sig->len,
			    a->certs, a->len, err))
			continue;
		if (verify_window_has(&a->valid, at_s * 1000)) {
			p->times[p->times_len++] = at_s;
			return 0;
		}
		err_set(err, ERR_RETRY, "its authority was not trusted at that time");
	}
	return -1;
}

/* Version 2 of the log promises no time; there a timestamp says when. */
static int times_prove(struct proof *p, struct err *err)
{
	struct err why = {0};
	json_t *one;
	size_t i;

	if (p->times_len)
		return 0;
	if (p->has_time)
		return err_set(err, ERR_RETRY, "no log has promised a time (SET)");
	err_set(&why, ERR_RETRY, "there is none");
	json_array_foreach (p->b->times, i, one) {
		auto_buf struct buf der = BUF_INIT(LIMIT_TIMESTAMP);

		err_clear(&why);
		if (!verify_bundle_time_read(&der, one, &why))
			(void)!time_prove(p, &der, &why);
	}
	return p->times_len ? 0 : err_set(err, ERR_RETRY, "no timestamp counts: %s", why.msg);
}

/* ---- the certificate ------------------------------------------------------------------------- */

static int leaf_read(struct proof *p, struct err *err)
{
	struct buf *der = &p->leaf_der;

	if (verify_pj_bytes(p->b->certificate, der, err) ||
		cert_parse_der(&p->leaf, buf_str(der), der->len, err))
		return err_wrap(err, "the certificate");
	return 0;
}

static int wanted(const struct proof *p, struct err *err)
{
	return p->stop && *p->stop ? err_set(err, ERR_CANCELED, "it is not wanted any more") : 0;
}

static int chains_check(struct proof *p, struct err *err)
{
	struct cert_chain chain;
	size_t i;

	for (i = 0; i < p->times_len; i++)
		if (wanted(p, err) ||
			verify_fulcio_chain(&chain, p->root, p->leaf, p->times[i], err) ||
			verify_fulcio_logged(p->root, p->leaf, &chain, err))
			return -1;
	return 0;
}

/* With the hash that goes with the key; older signers took SHA-256 for all of them. */
static int signature_check(struct proof *p, struct err *err)
{
	const struct pubkey *key = cert_key(p->leaf);
	const struct buf *sig = &p->d->signature, *text = &p->d->signed_bytes;
	int bits = pubkey_kind(key) == PUBKEY_EC ? pubkey_bits(key) : 0;
	enum digest_algo own = bits == 384 ? DIGEST_SHA384
		: bits == 521              ? DIGEST_SHA512
					   : DIGEST_SHA256;

	if (pubkey_verifies_with(key, own, buf_str(sig), sig->len, buf_str(text), text->len) ||
		(own != DIGEST_SHA256 &&
			pubkey_verifies(key, buf_str(sig), sig->len, buf_str(text), text->len)))
		return 0;
	return err_set(err, ERR_RETRY, "it is no signature by its certificate");
}

/* ---- all of it ------------------------------------------------------------------------------- */

static enum verdict prove(struct proof *p, const struct verify_policy *policy,
	const struct digest *manifest, struct buf *signer, struct err *err)
{
	if (leaf_read(p, err) || entries_prove(p, err) || times_prove(p, err) ||
		chains_check(p, err) || signature_check(p, err))
		return VERDICT_BAD;
	if (verify_statement(buf_str(&p->d->payload), p->d->payload.len, manifest, err) !=
		VERDICT_GOOD)
		return VERDICT_BAD;
	return verify_identities_match(policy->who, p->leaf, VERIFY_ONE_NAME, signer, err)
		? VERDICT_BAD
		: VERDICT_GOOD;
}

enum verdict verify_bundle_keyless(const struct verify_bundle *b, const struct verify_dsse *d,
	const struct verify_policy *policy, const struct digest *manifest, const atomic_bool *stop,
	struct buf *signer, struct err *err)
{
	struct proof *p = NEW(struct proof);
	enum verdict verdict;
	size_t i;

	buf_init(&p->leaf_der, LIMIT_CERTIFICATE);
	p->b = b;
	p->d = d;
	p->root = policy->root;
	p->stop = stop;
	verdict = prove(p, policy, manifest, signer, err);
	for (i = 0; i < p->len; i++)
		verify_bundle_entry_clear(&p->entries[i]);
	cert_free(p->leaf);
	buf_clear(&p->leaf_der);
	free(p);
	return verdict;
}
