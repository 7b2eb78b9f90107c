#include "verify/notation.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "verify/jws.h"
#include "verify/notation_chain.h"
#include "verify/notation_policy.h"
#include "verify/notation_trust.h"
#include "verify/plain.h"

#include <string.h>

#define COSE_TYPE "application/cose"

struct check {
	const struct verify_trust *trust;
	const struct verify_statement *statement;
	const struct verify_artifact *artifact;
	int64_t now_ms;
	struct verify_jws jws;
	struct verify_open *open;
	struct buf *logged;
	bool ignored;
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

static bool is_trusted(const struct check *c, const struct notary_cert *theirs)
{
	struct notary_cert *const *mine;

	vec_each (&c->trust->certs, mine)
		if (notary_cert_equal(*mine, theirs))
			return true;
	return false;
}

/* So many certificates of the chain are trusted or below one that is. What is above of those has
   signed them, and else nobody knows whose it is. */
static size_t anchored(const struct check *c)
{
	size_t n;

	for (n = c->jws.chain.len; n && !is_trusted(c, c->jws.chain.p[n - 1]); n--)
		;
	return n;
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
	notary_cert_describe(c->jws.chain.p[0], &name);
	rc = verify_dn_of(&signer, c->jws.chain.p[0], err);
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

static int authenticity_check(struct check *c, struct err *err)
{
	const struct verify_statement *s = c->statement;

	if (!(c->jws.by_authority ? s->has_authority : s->has_ca))
		return err_set(err, ERR_RETRY, "the policy names no trust store of the type '%s'",
			c->jws.by_authority ? "signingAuthority" : "ca");
	if (!anchored(c))
		return err_set(err, ERR_RETRY,
			"none of the trusted certificates is in the signature's chain");
	return identity_check(c, err);
}

/* ---- when ------------------------------------------------------------------------------------ */

static int expiry_check(struct check *c, struct err *err)
{
	char text[TIME_TEXT_MAX];

	if (!c->jws.expires_ms || c->now_ms < c->jws.expires_ms)
		return 0;
	return err_set(err, ERR_RETRY, "it has expired on %s",
		time_format_rfc3339(c->jws.expires_ms, text));
}

static int timestamp_check(struct check *c, struct err *err)
{
	const struct verify_statement *s = c->statement;

	if (c->jws.by_authority)
		return verify_chain_at(&c->jws.chain, c->jws.signed_ms, err);
	if (s->has_tsa && !(s->after_expiry && !verify_chain_expired(&c->jws.chain, c->now_ms)))
		return err_set(err, ERR_RETRY,
			"the policy wants a timestamp countersignature (tsa:), and these are not "
			"built yet");
	return verify_chain_at(&c->jws.chain, c->now_ms, err);
}

/* ---- what is to be asked --------------------------------------------------------------------- */

static void question_add(struct check *c, const struct notary_certs *chain, size_t n,
	int64_t signed_ms, enum verify_check check)
{
	struct verify_question *q = &c->open->questions[c->open->len];
	struct notary_cert *const *one;

	BUG_IF(c->open->len++ >= ARRAY_LEN(c->open->questions));
	vec_each (chain, one)
		*vec_add(&q->chain) = notary_cert_copy(*one);
	q->n = n;
	q->signed_ms = signed_ms;
	q->check = check;
	q->action = c->statement->action[check];
}

/* A root is not asked about. Who is asked stands in the certificates: those of strangers send us
   nowhere. */
static int revocation_check(struct check *c, struct err *err)
{
	const struct notary_certs *chain = &c->jws.chain;
	size_t n = c->ignored ? 0 : anchored(c);
	bool known = n > 0;

	if (!known || n == chain->len)
		n = chain->len - 1;
	if (!verify_chain_revocable(chain, n))
		return 0;
	if (!known)
		return err_set(err, ERR_RETRY,
			"nobody is asked whether it was revoked, since it is not authentic");
	question_add(c, chain, n, c->jws.by_authority ? c->jws.signed_ms : 0, VERIFY_REVOCATION);
	return 0;
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

static int payload_check(const struct check *c, struct err *err)
{
	auto_json json_t *o = obj_parse_within(
		buf_str(&c->jws.payload), c->jws.payload.len, &obj_signed, "the payload", err);

	return o ? target_check(c, obj_get(o, "targetArtifact"), err) : -1;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int type_check(const char *type, struct err *err)
{
	char shown[VERIFY_PLAIN_MAX];

	if (!strcmp(type, VERIFY_JWS_TYPE))
		return 0;
	if (!strcmp(type, COSE_TYPE))
		return err_set(err, ERR_RETRY,
			"the envelope is of the type '" COSE_TYPE
			"', which is not built yet: sign with --signature-format jws");
	return err_set(
		err, ERR_RETRY, "the envelope's type '%s' is not known", verify_plain(type, shown));
}

/* In the order of enum verify_check. */
static const struct {
	const char *name;
	int (*check)(struct check *c, struct err *err);
} checks[VERIFY_CHECKS] = {
	{"authenticity", authenticity_check},
	{"expiry", expiry_check},
	{"authenticTimestamp", timestamp_check},
	{"revocation", revocation_check},
};

static void log_add(struct buf *logged, enum verify_check check, const struct err *why)
{
	buf_addf(logged, "%s%s: %.300s", logged->len ? "; " : "", checks[check].name, why->msg);
}

static int policy_check(struct check *c, struct err *err)
{
	size_t i;

	for (i = 0; i < VERIFY_CHECKS; i++) {
		enum verify_action action = c->statement->action[i];
		struct err why = {0};

		if (action == VERIFY_SKIP || !checks[i].check(c, &why))
			continue;
		if (action != VERIFY_LOG) {
			*err = why;
			return -1;
		}
		c->ignored |= i == VERIFY_AUTHENTICITY;
		log_add(c->logged, (enum verify_check)i, &why);
	}
	return 0;
}

/* The one place that calls it good. */
static enum verdict verdict_of(const struct verify_open *open)
{
	if (open->at < open->len)
		return VERDICT_OPEN;
	return open->ignored ? VERDICT_IGNORED : VERDICT_GOOD;
}

static enum verdict check_all(
	struct check *c, const char *type, const char *envelope, size_t n, struct err *err)
{
	if (c->statement->skips) {
		err_set(err, ERR_RETRY, "the policy skips it");
		return VERDICT_BAD;
	}
	if (type_check(type, err) || verify_jws_open(&c->jws, envelope, n, err) ||
		verify_chain(&c->jws.chain, err) || policy_check(c, err) || payload_check(c, err))
		return VERDICT_BAD;
	c->open->ignored = c->ignored;
	return verdict_of(c->open);
}

enum verdict verify_notation(const struct verify_trust *trust, const struct verify_statement *s,
	const struct verify_artifact *artifact, const char *type, const char *envelope, size_t n,
	int64_t now_ms, struct verify_open *open, struct buf *logged, struct err *err)
{
	struct check c = {.trust = trust,
		.statement = s,
		.artifact = artifact,
		.now_ms = now_ms,
		.open = open,
		.logged = logged};
	enum verdict verdict = check_all(&c, type, envelope, n, err);

	verify_jws_clear(&c.jws);
	return verdict;
}

enum verdict verify_notation_answer(
	struct verify_open *open, const struct err *answer, struct buf *logged, struct err *err)
{
	const struct verify_question *q = &open->questions[open->at];

	BUG_IF(open->at >= open->len);
	if (answer->kind != ERR_NONE && q->action != VERIFY_LOG) {
		*err = *answer;
		return VERDICT_BAD;
	}
	if (answer->kind != ERR_NONE)
		log_add(logged, q->check, answer);
	open->at++;
	return verdict_of(open);
}

void verify_open_clear(struct verify_open *open)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(open->questions); i++)
		notary_certs_clear(&open->questions[i].chain);
	*open = (struct verify_open){0};
}
