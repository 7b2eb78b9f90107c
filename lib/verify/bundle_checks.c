/* What a bundle has to pass: the tables at the end have all of it, in order. */
#include "base/mem.h"
#include "base/vec.h"
#include "crypto/pubkey.h"
#include "crypto/timestamp.h"
#include "verify/bundle_proof.h"
#include "verify/checks.h"
#include "verify/fulcio.h"
#include "verify/identity.h"
#include "verify/keys.h"
#include "verify/plain.h"
#include "verify/protojson.h"
#include "verify/statement.h"
#include "verify/trusted_root.h"

#include <string.h>

/* ---- its form -------------------------------------------------------------------------------- */

static int form_check(void *arg, struct err *err)
{
	const struct verify_bundle_proof *p = arg;
	const struct verify_bundle *b = p->b;
	bool by_key = p->policy->keys;

	if (!b->envelope)
		return err_set(err, ERR_RETRY,
			"the bundle has the signature of a file, not of a manifest");
	if (by_key && !b->key)
		return err_set(err, ERR_RETRY,
			"the bundle was signed with a certificate, and keys are trusted");
	if (!by_key && b->key)
		return err_set(err, ERR_RETRY,
			"the bundle was signed with a key, and certificates are trusted");
	if (b->log_entries > LIMIT_BUNDLE_LOG_ENTRIES)
		return err_set(err, ERR_RETRY, "the bundle has %zu log entries, more than %d",
			b->log_entries, LIMIT_BUNDLE_LOG_ENTRIES);
	if (b->timestamps > LIMIT_BUNDLE_TIMESTAMPS)
		return err_set(err, ERR_RETRY, "the bundle has %zu timestamps, more than %d",
			b->timestamps, LIMIT_BUNDLE_TIMESTAMPS);
	return 0;
}

static int envelope_check(void *arg, struct err *err)
{
	struct verify_bundle_proof *p = arg;
	char shown[VERIFY_PLAIN_MAX];

	if (verify_dsse_read(&p->d, p->b->envelope, err))
		return -1;
	return strcmp(p->d.type, VERIFY_STATEMENT_TYPE) != 0
		? err_set(err, ERR_RETRY, "the envelope's payload is of the type '%s', not '%s'",
			  verify_plain(p->d.type, shown), VERIFY_STATEMENT_TYPE)
		: 0;
}

static int statement_check(void *arg, struct err *err)
{
	const struct verify_bundle_proof *p = arg;

	return verify_statement(buf_str(&p->d.payload), p->d.payload.len, p->manifest, err) ==
			VERDICT_GOOD
		? 0
		: -1;
}

/* ---- by a key -------------------------------------------------------------------------------- */

static int key_check(void *arg, struct err *err)
{
	struct verify_bundle_proof *p = arg;
	const struct buf *sig = &p->d.signature, *text = &p->d.signed_bytes;
	const struct verify_key *by = verify_keys_find(
		p->policy->keys, buf_str(sig), sig->len, buf_str(text), text->len, p->stop);

	if (!by)
		return err_set(err, ERR_RETRY, "it is a signature of none of the keys");
	p->key = by->key;
	if (p->signer)
		buf_addf(p->signer, "the key '%.253s'", by->name);
	return 0;
}

/* ---- timestamps ------------------------------------------------------------------------------ */

static int time_prove(struct verify_bundle_proof *p, const struct buf *der, struct err *err)
{
	const struct buf *sig = &p->d.signature;
	const struct verify_authority *a;
	int64_t at_s = 0;

	err_set(err, ERR_RETRY, "the trusted root has no authority of timestamps");
	vec_each (&p->policy->root->timestamps, a) {
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
static bool times_wanted(const void *arg)
{
	return !((const struct verify_bundle_proof *)arg)->times_len;
}

static int times_check(void *arg, struct err *err)
{
	struct verify_bundle_proof *p = arg;
	struct err why = {0};
	json_t *one;
	size_t i;

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

static int leaf_check(void *arg, struct err *err)
{
	struct verify_bundle_proof *p = arg;
	struct buf *der = &p->leaf_der;

	if (verify_pj_bytes(p->b->certificate, der, err) ||
		cert_parse_der(&p->leaf, buf_str(der), der->len, err))
		return err_wrap(err, "the certificate");
	return 0;
}

/* A time that nobody has promised says nothing, but must not lie. */
static int validity_check(void *arg, struct err *err)
{
	const struct verify_bundle_proof *p = arg;
	size_t i;

	for (i = 0; i < p->len; i++) {
		const struct verify_bundle_logged *one = &p->entries[i];

		if (one->log && !one->v2 && one->e.entry.time_s &&
			verify_fulcio_leaf_valid(p->leaf, one->e.entry.time_s, err))
			return -1;
	}
	return 0;
}

static int wanted(const struct verify_bundle_proof *p, struct err *err)
{
	return p->stop && *p->stop ? err_set(err, ERR_CANCELED, "it is not wanted any more") : 0;
}

/* At each of the times. */
static int chain_check(void *arg, struct err *err)
{
	struct verify_bundle_proof *p = arg;
	size_t i;

	BUG_IF(!p->times_len);
	for (i = 0; i < p->times_len; i++)
		if (wanted(p, err) ||
			verify_fulcio_chain(
				&p->chains[i], p->policy->root, p->leaf, p->times[i], err))
			return -1;
	return 0;
}

static int sct_check(void *arg, struct err *err)
{
	const struct verify_bundle_proof *p = arg;
	size_t i;

	for (i = 0; i < p->times_len; i++)
		if (wanted(p, err) ||
			verify_fulcio_logged(p->policy->root, p->leaf, &p->chains[i], err))
			return -1;
	return 0;
}

/* With the hash that goes with the key; older signers took SHA-256 for all of them. */
static int signature_check(void *arg, struct err *err)
{
	const struct verify_bundle_proof *p = arg;
	const struct pubkey *key = cert_key(p->leaf);
	const struct buf *sig = &p->d.signature, *text = &p->d.signed_bytes;
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

static int identity_check(void *arg, struct err *err)
{
	const struct verify_bundle_proof *p = arg;

	return verify_identities_match(p->policy->who, p->leaf, VERIFY_ONE_NAME, p->signer, err);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static const struct verify_check by_key[] = {
	{"bundle", form_check},
	{"envelope", envelope_check},
	{"signature", key_check},
	{"statement", statement_check},
	{0},
};

static const struct verify_check by_certificate[] = {
	{"bundle", form_check},
	{"envelope", envelope_check},
	{"certificate", leaf_check},
	{"log-entry", verify_bundle_log_entries},
	{"signed-entry-timestamp", verify_bundle_log_promises, verify_bundle_log_has_promise},
	{"inclusion-proof", verify_bundle_log_inclusion, verify_bundle_log_has_proof},
	{"checkpoint", verify_bundle_log_checkpoints, verify_bundle_log_has_proof},
	{"log-entry-body", verify_bundle_log_bodies, verify_bundle_log_has_body},
	{"validity", validity_check},
	{"timestamp", times_check, times_wanted},
	{"chain", chain_check},
	{"sct", sct_check},
	{"signature", signature_check},
	{"statement", statement_check},
	{"identity", identity_check},
	{0},
};

enum verdict verify_bundle(const struct verify_bundle *b, const struct verify_policy *policy,
	const struct digest *manifest, const atomic_bool *stop, struct buf *signer, struct err *err)
{
	struct verify_bundle_proof *p = NEW(struct verify_bundle_proof);
	struct verify_checks checks = {
		.rows = policy->keys ? by_key : by_certificate, .arg = p, .report = policy->report};
	enum verdict verdict;

	buf_init(&p->leaf_der, LIMIT_CERTIFICATE);
	p->b = b;
	p->policy = policy;
	p->manifest = manifest;
	p->stop = stop;
	p->signer = signer;
	verdict = verify_checks_run(&checks, err);
	verify_bundle_log_clear(p);
	verify_dsse_clear(&p->d);
	cert_free(p->leaf);
	buf_clear(&p->leaf_der);
	free(p);
	return verdict;
}
