#include "crypto/crl.h"

#include "base/limits.h"
#include "crypto/notary_cert_internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

/* A piece of the list: the value of one element, and with tag and length before it. */
struct piece {
	const unsigned char *p, *whole;
	size_t n, whole_n;
	int tag; /* with V_ASN1_CONTEXT_SPECIFIC where it is one */
};

struct crl {
	struct piece tbs, tbs_alg, issuer, from, until, entries, extensions;
	struct piece alg, sig;
	bool has_until;
};

#define TAG_MAX 30 /* in one byte */
#define EXPLICIT_0 (V_ASN1_CONTEXT_SPECIFIC | 0)

/* ---- elements -------------------------------------------------------------------------------- */

/* The next element of what is left in *in, which moves on. Definite lengths only. */
static bool piece_next(struct piece *in, struct piece *out)
{
	const unsigned char *at = in->p;
	long n = 0;
	int tag = 0, class = 0, kind;

	if (!in->n)
		return false;
	kind = ASN1_get_object(&at, &n, &tag, &class, (long)in->n);
	if ((kind & 0x80) || (kind & 1) || n < 0 || tag > TAG_MAX)
		return false;
	out->whole = in->p;
	out->whole_n = (size_t)(at - in->p) + (size_t)n;
	out->p = at;
	out->n = (size_t)n;
	out->tag = tag | class;
	in->p += out->whole_n;
	in->n -= out->whole_n;
	return true;
}

static bool piece_take(struct piece *in, int tag, struct piece *out)
{
	return piece_next(in, out) && out->tag == tag;
}

/* Is one of that kind the next one? It is taken then. */
static bool piece_maybe(struct piece *in, int tag, struct piece *out)
{
	struct piece rest = *in, next;

	if (!piece_take(&rest, tag, &next))
		return false;
	*in = rest;
	*out = next;
	return true;
}

static bool piece_time(struct piece *in, struct piece *out)
{
	return piece_maybe(in, V_ASN1_UTCTIME, out) || piece_maybe(in, V_ASN1_GENERALIZEDTIME, out);
}

static bool time_of(const struct piece *t, int64_t *ms)
{
	const unsigned char *at = t->whole;
	ASN1_TIME *time = d2i_ASN1_TIME(NULL, &at, (long)t->whole_n);
	bool good = notary_time_read(time, ms);

	ASN1_TIME_free(time);
	return good;
}

/* ---- the frame ------------------------------------------------------------------------------- */

static bool tbs_read(struct crl *l)
{
	struct piece in = l->tbs, version;

	if (!piece_take(&in, V_ASN1_INTEGER, &version) || version.n != 1 || version.p[0] != 1 ||
		!piece_take(&in, V_ASN1_SEQUENCE, &l->tbs_alg) ||
		!piece_take(&in, V_ASN1_SEQUENCE, &l->issuer) || !piece_time(&in, &l->from))
		return false;
	l->has_until = piece_time(&in, &l->until);
	(void)piece_maybe(&in, V_ASN1_SEQUENCE, &l->entries);
	(void)piece_maybe(&in, EXPLICIT_0, &l->extensions);
	return !in.n;
}

static int frame_read(struct crl *l, const void *der, size_t n, struct err *err)
{
	struct piece in = {.p = der, .n = n}, all;

	if (n > LIMIT_CRL || !piece_take(&in, V_ASN1_SEQUENCE, &all) || in.n ||
		!piece_take(&all, V_ASN1_SEQUENCE, &l->tbs) ||
		!piece_take(&all, V_ASN1_SEQUENCE, &l->alg) ||
		!piece_take(&all, V_ASN1_BIT_STRING, &l->sig) || all.n || !tbs_read(l))
		return err_set(err, ERR_RETRY, "it is no list of revoked certificates");
	return 0;
}

/* ---- whose ----------------------------------------------------------------------------------- */

static bool is_signed_by(const struct crl *l, const struct notary_cert *issuer)
{
	const unsigned char *alg_at = l->alg.whole, *sig_at = l->sig.whole;
	X509_ALGOR *alg = d2i_X509_ALGOR(NULL, &alg_at, (long)l->alg.whole_n);
	ASN1_BIT_STRING *sig = d2i_ASN1_BIT_STRING(NULL, &sig_at, (long)l->sig.whole_n);
	bool good = alg && sig && l->alg.whole_n == l->tbs_alg.whole_n &&
		!memcmp(l->alg.whole, l->tbs_alg.whole, l->alg.whole_n) &&
		notary_signed_by(
			alg, sig, l->tbs.whole, l->tbs.whole_n, X509_get0_pubkey(issuer->x));

	X509_ALGOR_free(alg);
	ASN1_BIT_STRING_free(sig);
	return good;
}

static bool has_name(const struct crl *l, const struct notary_cert *issuer)
{
	const unsigned char *name = NULL;
	size_t n = 0;

	return X509_NAME_get0_der(X509_get_subject_name(issuer->x), &name, &n) == 1 &&
		n == l->issuer.whole_n && !memcmp(name, l->issuer.whole, n);
}

static int issuer_check(const struct crl *l, const struct notary_cert *issuer, struct err *err)
{
	if (!has_name(l, issuer))
		return err_set(err, ERR_RETRY, "the list is of another issuer");
	/* All bits, where there is no such extension. */
	if (!(X509_get_key_usage(issuer->x) & KU_CRL_SIGN))
		return err_set(err, ERR_RETRY, "the issuer's key usage has no cRLSign");
	if (!is_signed_by(l, issuer))
		return err_set(err, ERR_RETRY, "the list is not signed by the issuer");
	return 0;
}

/* ---- of what --------------------------------------------------------------------------------- */

static bool is_among(const GENERAL_NAMES *names, const char *url)
{
	size_t n = strlen(url);
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
		const ASN1_IA5STRING *text = one->d.uniformResourceIdentifier;

		if (one->type == GEN_URI && (size_t)ASN1_STRING_length(text) == n &&
			!memcmp(ASN1_STRING_get0_data(text), url, n))
			return true;
	}
	return false;
}

static int scope_check(const ISSUING_DIST_POINT *scope, const struct notary_cert *c,
	const char *url, struct err *err)
{
	const DIST_POINT_NAME *at = scope->distpoint;

	if (scope->indirectCRL > 0)
		return err_set(err, ERR_RETRY, "the list is about certificates of several issuers");
	if (scope->onlysomereasons)
		return err_set(err, ERR_RETRY, "the list is about some reasons only");
	if (scope->onlyattr > 0 || (c->facts.is_ca ? scope->onlyuser : scope->onlyCA) > 0)
		return err_set(err, ERR_RETRY, "the list is about other certificates");
	if (at && (at->type || !is_among(at->name.fullname, url)))
		return err_set(err, ERR_RETRY, "the list is the one of another place");
	return 0;
}

static int scope_read(
	X509_EXTENSION *e, const struct notary_cert *c, const char *url, struct err *err)
{
	ISSUING_DIST_POINT *scope = X509V3_EXT_d2i(e);
	int rc = scope ? scope_check(scope, c, url, err)
		       : err_set(err, ERR_RETRY, "the list has an extension that is broken");

	ISSUING_DIST_POINT_free(scope);
	return rc;
}

static int extension_check(
	X509_EXTENSION *e, const struct notary_cert *c, const char *url, struct err *err)
{
	switch (OBJ_obj2nid(X509_EXTENSION_get_object(e))) {
	case NID_issuing_distribution_point:
		return scope_read(e, c, url, err);
	case NID_delta_crl:
		return err_set(err, ERR_RETRY, "the list is a delta list");
	case NID_freshest_crl:
		return err_set(err, ERR_RETRY,
			"the list is to be read with a delta list (freshestCRL), and these are not "
			"built yet");
	default:
		if (!X509_EXTENSION_get_critical(e))
			return 0;
		return err_set(
			err, ERR_RETRY, "the list has a critical extension that is not known");
	}
}

static int extensions_check(
	const struct crl *l, const struct notary_cert *c, const char *url, struct err *err)
{
	const unsigned char *at = l->extensions.p;
	X509_EXTENSIONS *all;
	int i, rc = 0;

	if (!l->extensions.whole)
		return 0;
	all = d2i_X509_EXTENSIONS(NULL, &at, (long)l->extensions.n);
	if (!all || at != l->extensions.p + l->extensions.n)
		rc = err_set(err, ERR_RETRY, "the list has an extension that is broken");
	for (i = 0; !rc && i < sk_X509_EXTENSION_num(all); i++)
		rc = extension_check(sk_X509_EXTENSION_value(all, i), c, url, err);
	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
	return rc;
}

static int window_check(const struct crl *l, int64_t now_ms, int64_t *until_ms, struct err *err)
{
	int64_t from_ms;

	if (!l->has_until)
		return err_set(err, ERR_RETRY, "the list does not say until when it counts");
	if (!time_of(&l->from, &from_ms) || !time_of(&l->until, until_ms))
		return err_set(err, ERR_RETRY, "the list has a time that is none");
	return revoked_window_check("list", from_ms, *until_ms, now_ms, err);
}

/* ---- entries --------------------------------------------------------------------------------- */

struct entry {
	struct piece serial, at, extensions;
	int64_t since_ms, invalid_ms;
	int reason;
};

static bool entry_next(struct piece *in, struct entry *e)
{
	struct piece all;

	*e = (struct entry){0};
	if (!piece_take(in, V_ASN1_SEQUENCE, &all) ||
		!piece_take(&all, V_ASN1_INTEGER, &e->serial) || !piece_time(&all, &e->at))
		return false;
	(void)piece_maybe(&all, V_ASN1_SEQUENCE, &e->extensions);
	/* One number is written in one way, so that bytes can be compared. */
	return !all.n && e->serial.n &&
		!(e->serial.n > 1 &&
			((!e->serial.p[0] && e->serial.p[1] < 0x80) ||
				(e->serial.p[0] == 0xff && e->serial.p[1] >= 0x80)));
}

static bool entry_extension(struct entry *e, X509_EXTENSION *x)
{
	ASN1_GENERALIZEDTIME *when;
	ASN1_ENUMERATED *reason;
	bool good;

	switch (OBJ_obj2nid(X509_EXTENSION_get_object(x))) {
	case NID_invalidity_date:
		when = X509V3_EXT_d2i(x);
		good = notary_time_read(when, &e->invalid_ms);
		ASN1_GENERALIZEDTIME_free(when);
		return good;
	case NID_crl_reason:
		reason = X509V3_EXT_d2i(x);
		e->reason = reason ? (int)ASN1_ENUMERATED_get(reason) : -1;
		ASN1_ENUMERATED_free(reason);
		return e->reason >= 0;
	default:
		return !X509_EXTENSION_get_critical(x);
	}
}

static bool entry_read(struct entry *e)
{
	const unsigned char *at = e->extensions.whole;
	X509_EXTENSIONS *all;
	bool good;
	int i;

	if (!time_of(&e->at, &e->since_ms))
		return false;
	if (!at)
		return true;
	all = d2i_X509_EXTENSIONS(NULL, &at, (long)e->extensions.whole_n);
	good = all != NULL;
	for (i = 0; good && i < sk_X509_EXTENSION_num(all); i++)
		good = entry_extension(e, sk_X509_EXTENSION_value(all, i));
	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
	return good;
}

#define REASON_HOLD 6
#define REASON_REMOVED 8

static bool is_passing(int reason)
{
	return reason == REASON_HOLD || reason == REASON_REMOVED;
}

/* Of several the first one that is for good counts, or else the latest. */
static void entry_count(struct revoked *out, const struct entry *e, bool first)
{
	if (!first &&
		(!is_passing(out->reason) ||
			(is_passing(e->reason) && e->since_ms <= out->since_ms)))
		return;
	out->status = e->reason == REASON_REMOVED ? REVOKED_NO : REVOKED_YES;
	out->since_ms = e->since_ms;
	out->invalid_ms = e->invalid_ms;
	out->reason = e->reason;
}

static int entries_read(
	struct revoked *out, const struct crl *l, const struct notary_cert *c, struct err *err)
{
	struct piece in = l->entries;
	unsigned char *serial = NULL;
	int n = i2d_ASN1_INTEGER(X509_get0_serialNumber(c->x), &serial);
	bool first = true;
	struct entry e;
	int rc = 0;

	out->status = REVOKED_NO;
	while (!rc && in.n) {
		if (!entry_next(&in, &e))
			rc = err_set(err, ERR_RETRY, "the list has an entry that is broken");
		else if (n <= 0 || e.serial.whole_n != (size_t)n ||
			memcmp(e.serial.whole, serial, (size_t)n) != 0)
			continue;
		else if (!entry_read(&e))
			rc = err_set(err, ERR_RETRY,
				"its entry in the list is broken, or has a critical extension that "
				"is not known");
		else
			entry_count(out, &e, first);
		first = false;
	}
	OPENSSL_free(serial);
	return rc;
}

/* ---- all of it ------------------------------------------------------------------------------- */

int crl_read(struct revoked *out, const struct notary_cert *c, const struct notary_cert *issuer,
	const char *url, const void *der, size_t n, int64_t now_ms, struct err *err)
{
	struct crl l = {0};
	int rc;

	*out = (struct revoked){0};
	rc = frame_read(&l, der, n, err) || issuer_check(&l, issuer, err) ||
		extensions_check(&l, c, url, err) ||
		window_check(&l, now_ms, &out->until_ms, err) || entries_read(out, &l, c, err);
	if (rc)
		*out = (struct revoked){0};
	ERR_clear_error();
	return rc ? -1 : 0;
}
