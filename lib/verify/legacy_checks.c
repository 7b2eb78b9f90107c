/* What a signature below a .sig tag has to pass: the tables at the end have all of it, in order. */
#include "base/ascii.h"
#include "base/base64.h"
#include "base/limits.h"
#include "base/obj.h"
#include "crypto/cert.h"
#include "crypto/pubkey.h"
#include "verify/checks.h"
#include "verify/demands.h"
#include "verify/fulcio.h"
#include "verify/identity.h"
#include "verify/keys.h"
#include "verify/legacy.h"
#include "verify/log_body.h"
#include "verify/plain.h"
#include "verify/policy.h"
#include "verify/simple_signing.h"
#include "verify/tlog.h"
#include "verify/trusted_root.h"

#include <string.h>

struct proof {
	const struct verify_legacy_layer *layer;
	const struct buf *payload;
	const struct verify_policy *policy;
	const struct digest *manifest;
	const atomic_bool *stop;
	struct buf *signer;
	struct verify_log_entry entry;
	struct buf promise;
	struct verify_log_body body;
	/* Who has signed: this certificate, or with leaf NULL this key. */
	struct cert *leaf;
	const struct pubkey *key;
	struct cert_chain chain;
};

static void proof_clear(struct proof *p)
{
	buf_clear(&p->entry.body);
	buf_clear(&p->entry.log_id);
	buf_clear(&p->promise);
	verify_log_body_clear(&p->body);
	cert_free(p->leaf);
}

/* ---- the entry of the log -------------------------------------------------------------------- */

static int hex_decode(struct buf *out, const char *text)
{
	size_t n = strlen(text), i;

	if (!n || n % 2 || strspn(text, "0123456789abcdef") != n)
		return -1;
	for (i = 0; i < n; i += 2)
		buf_addc(out, (char)(ascii_hex_value(text[i]) << 4 | ascii_hex_value(text[i + 1])));
	return buf_over(out) ? -1 : 0;
}

static int text_decode(struct buf *out, const json_t *v, const char *name, struct err *err)
{
	const char *text = json_string_value(v);

	if (!text || !*text)
		return err_set(err, ERR_RETRY, "the log entry has no '%s'", name);
	return base64_decode(out, text, strlen(text), BASE64_STD, err)
		? err_wrap(err, "the log entry's '%s'", name)
		: 0;
}

static int entry_fill(struct proof *p, const json_t *o, struct err *err)
{
	const json_t *payload = obj_get(o, "Payload");
	const json_t *time = obj_get(payload, "integratedTime");
	const json_t *index = obj_get(payload, "logIndex");

	if (text_decode(
		    &p->promise, obj_get(o, "SignedEntryTimestamp"), "SignedEntryTimestamp", err) ||
		text_decode(&p->entry.body, obj_get(payload, "body"), "body", err))
		return -1;
	if (!json_is_integer(time) || !json_is_integer(index))
		return err_set(err, ERR_RETRY, "the log entry has no time or no index");
	p->entry.time_s = json_integer_value(time);
	p->entry.index = json_integer_value(index);
	if (hex_decode(&p->entry.log_id, obj_str_or("", payload, "logID")))
		return err_set(err, ERR_RETRY, "the log entry's 'logID' is none");
	return 0;
}

static int entry_read(struct proof *p, struct err *err)
{
	const char *text = p->layer->log_entry;
	auto_json json_t *o = NULL;

	if (!text)
		return err_set(err, ERR_RETRY,
			"the layer has no annotation '" VERIFY_LEGACY_LOG_ENTRY
			"', and no log is asked whether it knows the signature");
	if (strlen(text) > LIMIT_LOG_TEXT)
		return err_set(err, ERR_RETRY, "the log entry has %zu characters, more than %llu",
			strlen(text), LIMIT_LOG_TEXT);
	o = obj_parse_within(text, strlen(text), &obj_signed, "the log entry", err);
	return o ? entry_fill(p, o, err) : -1;
}

static int body_read(struct proof *p, struct err *err)
{
	if (verify_log_body_read(&p->body, buf_str(&p->entry.body), p->entry.body.len, err))
		return -1;
	return verify_log_body_is(&p->body, "hashedrekord", "0.0.1")
		? 0
		: verify_log_body_unknown(&p->body, err);
}

static int entry_check(void *arg, struct err *err)
{
	return entry_read(arg, err) || body_read(arg, err) ? -1 : 0;
}

static int body_check(void *arg, struct err *err)
{
	struct proof *p = arg;
	struct verify_log_subject of = {.sig = &p->layer->sig, .leaf = p->leaf, .key = p->key};

	digest_mem(&of.payload, DIGEST_SHA256, buf_str(p->payload), p->payload->len);
	return verify_log_body_of_hash(&p->body, &of, err);
}

static int promise_check(void *arg, struct err *err)
{
	struct proof *p = arg;
	const struct verify_log *log = verify_tlog_find(p->policy->root, &p->entry);

	if (!log)
		return err_set(err, ERR_RETRY,
			"the log entry is of a log that the trusted root does not have");
	return verify_tlog_promise(log, &p->entry, &p->promise, err);
}

static bool log_wanted(const void *arg)
{
	const struct verify_demands *d = ((const struct proof *)arg)->policy->demands;

	return d && d->log;
}

/* ---- the certificate ------------------------------------------------------------------------- */

static int leaf_check(void *arg, struct err *err)
{
	struct proof *p = arg;
	const char *pem = p->layer->certificate;

	if (!pem)
		return err_set(err, ERR_RETRY,
			"the layer has no annotation '" VERIFY_LEGACY_CERTIFICATE "'");
	return cert_parse_pem(&p->leaf, pem, strlen(pem), CERT_FIRST, err)
		? err_wrap(err, "the certificate")
		: 0;
}

static int chain_check(void *arg, struct err *err)
{
	struct proof *p = arg;

	return verify_fulcio_chain(&p->chain, p->policy->root, p->leaf, cert_from(p->leaf), err);
}

static int identity_check(void *arg, struct err *err)
{
	struct proof *p = arg;

	return verify_identities_match(p->policy->who, p->leaf, VERIFY_ANY_NAME, p->signer, err);
}

static bool extensions_wanted(const void *arg)
{
	const struct verify_demands *d = ((const struct proof *)arg)->policy->demands;

	return d && verify_demands_of_certificate(d);
}

static int extensions_check(void *arg, struct err *err)
{
	const struct proof *p = arg;

	return verify_demands_check(p->policy->demands, p->leaf, err);
}

static int sct_check(void *arg, struct err *err)
{
	struct proof *p = arg;

	return verify_fulcio_logged(p->policy->root, p->leaf, &p->chain, err);
}

/* When a certificate is from its authority says itself; when it was used the log does. Whose trust
   has ended in between could date it back. */
static int validity_check(void *arg, struct err *err)
{
	struct proof *p = arg;
	struct cert_chain then;

	return verify_fulcio_valid(p->leaf, &p->chain, p->entry.time_s, err) ||
			verify_fulcio_chain(&then, p->policy->root, p->leaf, p->entry.time_s, err)
		? -1
		: 0;
}

/* ---- the signature --------------------------------------------------------------------------- */

static int signature_check(void *arg, struct err *err)
{
	struct proof *p = arg;

	return pubkey_verifies(cert_key(p->leaf), buf_str(&p->layer->sig), p->layer->sig.len,
		       buf_str(p->payload), p->payload->len)
		? 0
		: err_set(err, ERR_RETRY, "it is no signature by its certificate");
}

static int key_check(void *arg, struct err *err)
{
	struct proof *p = arg;

	const struct verify_key *by = verify_keys_find(p->policy->keys, buf_str(&p->layer->sig),
		p->layer->sig.len, buf_str(p->payload), p->payload->len, p->stop);

	if (!by)
		return err_set(err, ERR_RETRY, "it is a signature of none of the keys");
	p->key = by->key;
	if (p->signer)
		buf_addf(p->signer, "the key '%.253s'", by->name);
	return 0;
}

static int payload_check(void *arg, struct err *err)
{
	struct proof *p = arg;

	return verify_simple_signing(buf_str(p->payload), p->payload->len, p->manifest, err) ==
			VERDICT_GOOD
		? 0
		: -1;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static const struct verify_check by_key[] = {
	{"signature", key_check},
	{"log-entry", entry_check, log_wanted},
	{"log-entry-body", body_check, log_wanted},
	{"signed-entry-timestamp", promise_check, log_wanted},
	{"payload", payload_check},
	{0},
};

static const struct verify_check by_certificate[] = {
	{"log-entry", entry_check},
	{"certificate", leaf_check},
	{"log-entry-body", body_check},
	{"signed-entry-timestamp", promise_check},
	{"chain", chain_check},
	{"identity", identity_check},
	{"extensions", extensions_check, extensions_wanted},
	{"sct", sct_check},
	{"signature", signature_check},
	{"validity", validity_check},
	{"payload", payload_check},
	{0},
};

enum verdict verify_legacy(const struct verify_legacy_layer *layer, const struct buf *payload,
	const struct verify_policy *policy, const struct digest *manifest, const atomic_bool *stop,
	struct buf *signer, struct err *err)
{
	struct proof p = {.layer = layer,
		.payload = payload,
		.policy = policy,
		.manifest = manifest,
		.stop = stop,
		.signer = signer,
		.entry = {.body = BUF_INIT(LIMIT_LOG_BODY), .log_id = BUF_INIT(VERIFY_LOG_ID_MAX)},
		.promise = BUF_INIT(LIMIT_SIGNATURE_TEXT)};
	struct verify_checks checks = {.rows = policy->keys ? by_key : by_certificate,
		.arg = &p,
		.report = policy->report};
	enum verdict verdict = verify_checks_run(&checks, err);

	proof_clear(&p);
	return verdict;
}
