#include "verify/notation.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "verify/cose.h"
#include "verify/envelope.h"
#include "verify/jws.h"
#include "verify/notation_chain.h"
#include "verify/notation_policy.h"
#include "verify/notation_trust.h"
#include "verify/plain.h"

#include <string.h>

struct check {
	const struct verify_trust *trust;
	const struct verify_statement *statement;
	const struct verify_artifact *artifact;
	int64_t now_ms;
	const char *type, *data; /* the envelope's type, and its bytes */
	size_t n;
	struct buf *signer; /* or NULL */
	struct verify_envelope envelope;
};

/* ---- the manifest that holds it -------------------------------------------------------------- */

/* Nobody has to say whose it is, but who does must not lie. */
static int subject_check(const json_t *o, const struct digest *subject, struct err *err)
{
	const json_t *said = obj_get(o, "subject");
	char want[DIGEST_TEXT_MAX], shown[VERIFY_PLAIN_MAX];

	if (!said || json_is_null(said) ||
		!strcmp(obj_str_or("", said, "digest"), digest_format(subject, want)))
		return 0;
	return err_set(err, ERR_RETRY, "its subject is '%s', not '%s'",
		verify_plain(obj_str(said, "digest"), shown), want);
}

int verify_notation_blob(const char *data, size_t n, const struct digest *subject,
	struct digest *blob, uint64_t *size, char **type, struct err *err)
{
	auto_json json_t *o =
		obj_parse_within(data, n, &obj_manifest, "the manifest of a signature", err);
	const json_t *layers = obj_get(o, "layers"), *layer;
	int64_t bytes;

	if (!o)
		return -1;
	/* The retired artifact manifest of OCI 1.1's candidates calls them so. */
	if (!layers)
		layers = obj_get(o, "blobs");
	layer = json_array_get(layers, 0);
	bytes = obj_int(-1, layer, "size");
	if (json_array_size(layers) != 1)
		return err_set(
			err, ERR_RETRY, "it has %zu layers, not one", json_array_size(layers));
	if (subject_check(o, subject, err))
		return -1;
	if (bytes < 0)
		return err_set(err, ERR_RETRY, "its layer has no size");
	*size = (uint64_t)bytes;
	*type = mem_strdup(obj_str_or("", layer, "mediaType"));
	return digest_parse(blob, obj_str_or("", layer, "digest"), err);
}

/* ---- who ------------------------------------------------------------------------------------- */

static bool is_anchored(const struct check *c)
{
	struct notary_cert *const *mine, *const *theirs;

	vec_each (&c->trust->certs, mine)
		vec_each (&c->envelope.chain, theirs)
			if (notary_cert_equal(*mine, *theirs))
				return true;
	return false;
}

static int identity_check(const struct check *c, struct err *err)
{
	auto_buf struct buf name = BUF_INIT(LIMIT_TRUST_CERT);
	const struct verify_dn *dn;
	struct verify_dn signer = {0};
	char shown[VERIFY_PLAIN_MAX];
	bool found = false;
	int rc;

	if (c->statement->any_identity)
		return 0;
	notary_cert_describe(c->envelope.chain.p[0], &name);
	rc = verify_dn_of(&signer, c->envelope.chain.p[0], err);
	vec_each (&c->statement->identities, dn)
		found |= !rc && verify_dn_within(dn, &signer);
	verify_dn_clear(&signer);
	if (found)
		return 0;
	verify_plain(buf_str(&name), shown);
	if (rc)
		return err_wrap(err, "the signer's name '%s'", shown);
	return err_set(err, ERR_RETRY, "the signer '%s' is none of the trusted identities", shown);
}

static int authenticity_check(void *arg, struct err *err)
{
	const struct check *c = arg;
	const struct verify_statement *s = c->statement;

	if (!(c->envelope.by_authority ? s->has_authority : s->has_ca))
		return err_set(err, ERR_RETRY, "the policy names no trust store of the type '%s'",
			c->envelope.by_authority ? "signingAuthority" : "ca");
	if (!is_anchored(c))
		return err_set(err, ERR_RETRY,
			"none of the trusted certificates is in the signature's chain");
	return identity_check(c, err);
}

/* ---- when ------------------------------------------------------------------------------------ */

static int expiry_check(void *arg, struct err *err)
{
	const struct check *c = arg;
	char text[TIME_TEXT_MAX];

	if (!c->envelope.expires_ms || c->now_ms < c->envelope.expires_ms)
		return 0;
	return err_set(err, ERR_RETRY, "it has expired on %s",
		time_format_rfc3339(c->envelope.expires_ms, text));
}

static int timestamp_check(void *arg, struct err *err)
{
	const struct check *c = arg;
	const struct verify_statement *s = c->statement;

	if (c->envelope.by_authority)
		return verify_chain_at(&c->envelope.chain, c->envelope.signed_ms, err);
	if (s->has_tsa &&
		!(s->after_expiry && !verify_chain_expired(&c->envelope.chain, c->now_ms)))
		return err_set(err, ERR_RETRY,
			"the policy wants a timestamp countersignature (tsa:), and these are not "
			"built yet");
	return verify_chain_at(&c->envelope.chain, c->now_ms, err);
}

static int revocation_check(void *arg, struct err *err)
{
	const struct check *c = arg;

	return verify_chain_revocable(&c->envelope.chain, err) ? -1 : 0;
}

/* ---- what ------------------------------------------------------------------------------------ */

static int target_check(const struct check *c, const json_t *target, struct err *err)
{
	const struct verify_artifact *a = c->artifact;
	const char *digest = obj_str_or("", target, "digest");
	const char *type = obj_str_or("", target, "mediaType");
	int64_t size = obj_int(-1, target, "size");
	char want[DIGEST_TEXT_MAX], shown[VERIFY_PLAIN_MAX], mine[VERIFY_PLAIN_MAX];

	if (strcmp(digest, digest_format(&a->digest, want)) != 0)
		return err_set(err, ERR_RETRY, "it is the signature of '%s', not of '%s'",
			verify_plain(digest, shown), want);
	if (size < 0 || (uint64_t)size != a->size)
		return err_set(err, ERR_RETRY, "it is the signature of %lld bytes, not of %llu",
			(long long)size, (unsigned long long)a->size);
	if (strcmp(type, a->type) != 0)
		return err_set(err, ERR_RETRY,
			"it is the signature of what is of the type '%s', not '%s'",
			verify_plain(type, shown), verify_plain(a->type, mine));
	return 0;
}

static int payload_check(void *arg, struct err *err)
{
	const struct check *c = arg;
	auto_json json_t *o = obj_parse_within(buf_str(&c->envelope.payload),
		c->envelope.payload.len, &obj_signed, "the payload", err);

	return o ? target_check(c, obj_get(o, "targetArtifact"), err) : -1;
}

/* ---- the envelope ---------------------------------------------------------------------------- */

static int envelope_open(struct check *c, struct err *err)
{
	char shown[VERIFY_PLAIN_MAX];

	if (!strcmp(c->type, VERIFY_JWS_TYPE))
		return verify_jws_open(&c->envelope, c->data, c->n, err);
	if (!strcmp(c->type, VERIFY_COSE_TYPE))
		return verify_cose_open(&c->envelope, c->data, c->n, err);
	return err_set(err, ERR_RETRY, "the envelope's type '%s' is not known",
		verify_plain(c->type, shown));
}

static int integrity_check(void *arg, struct err *err)
{
	struct check *c = arg;

	if (c->statement->skips)
		return err_set(err, ERR_RETRY, "the policy skips it");
	return envelope_open(c, err);
}

static int chain_check(void *arg, struct err *err)
{
	struct check *c = arg;

	if (verify_chain(&c->envelope.chain, err))
		return -1;
	if (c->signer)
		notary_cert_describe(c->envelope.chain.p[0], c->signer);
	return 0;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static const struct verify_check checks[] = {
	{"integrity", integrity_check},
	{"chain", chain_check},
	{"authenticity", authenticity_check, .nth = VERIFY_AUTHENTICITY},
	{"expiry", expiry_check, .nth = VERIFY_EXPIRY},
	{"authenticTimestamp", timestamp_check, .nth = VERIFY_TIMESTAMP},
	{"revocation", revocation_check, .nth = VERIFY_REVOCATION},
	{"payload", payload_check},
	{0},
};

enum verdict verify_notation(const struct verify_trust *trust, const struct verify_statement *s,
	const struct verify_artifact *artifact, const char *type, const char *envelope, size_t n,
	int64_t now_ms, const struct verify_notation_said *said, struct err *err)
{
	struct check c = {.trust = trust,
		.statement = s,
		.artifact = artifact,
		.now_ms = now_ms,
		.type = type,
		.data = envelope,
		.n = n,
		.signer = said->signer};
	struct verify_checks all = {.rows = checks,
		.arg = &c,
		.actions = s->action,
		.logged = said->logged,
		.report = said->report};
	enum verdict verdict = verify_checks_run(&all, err);

	verify_envelope_clear(&c.envelope);
	if (verdict == VERDICT_GOOD && all.passed_by & 1U << VERIFY_AUTHENTICITY)
		return VERDICT_IGNORED;
	return verdict;
}
