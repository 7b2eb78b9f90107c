#include "verify/notation_chain.h"

#include "base/limits.h"
#include "base/time.h"
#include "verify/plain.h"

#include <stdbool.h>

/* "certificate 'CN=...': " before what is wrong with it. */
static int wrong(const struct notary_cert *c, struct err *err)
{
	auto_buf struct buf name = BUF_INIT(LIMIT_TRUST_CERT);
	char shown[VERIFY_PLAIN_MAX];

	notary_cert_describe(c, &name);
	return err_wrap(err, "certificate '%s'", verify_plain(buf_str(&name), shown));
}

/* ---- each for itself ------------------------------------------------------------------------- */

/* What the chain is for. */
enum use { USE_CODE, USE_TIMESTAMPS };

/* For timestamps it need not be critical, as in notation. */
static int usage_check(const struct notary_cert_facts *f, enum use use, struct err *err)
{
	if (!f->has_usage)
		return err_set(err, ERR_RETRY, "it has no key usage");
	if (use == USE_CODE && !f->usage_critical)
		return err_set(err, ERR_RETRY, "its key usage is not critical");
	return 0;
}

static int signer_check(const struct notary_cert_facts *f, enum use use, struct err *err)
{
	if (f->is_ca)
		return err_set(err, ERR_RETRY, "it signs, and is a CA's");
	if (usage_check(f, use, err))
		return -1;
	if (!(f->usage & NOTARY_USAGE_SIGN))
		return err_set(err, ERR_RETRY, "its key usage has no digitalSignature");
	if (f->usage & NOTARY_USAGE_OTHER)
		return err_set(err, ERR_RETRY, "its key usage has more than digitalSignature");
	if (use == USE_CODE && f->wrong_purpose)
		return err_set(err, ERR_RETRY, "its extended key usage has %s", f->wrong_purpose);
	return 0;
}

/* below: CAs between it and the signer. */
static int ca_check(const struct notary_cert_facts *f, size_t below, enum use use, struct err *err)
{
	if (!f->is_ca)
		return err_set(err, ERR_RETRY, "it issues, and is no CA's");
	if (f->path_len >= 0 && (uint64_t)f->path_len < below)
		return err_set(err, ERR_RETRY, "%zu CAs are below it, more than %lld", below,
			(long long)f->path_len);
	if (usage_check(f, use, err))
		return -1;
	if (!(f->usage & NOTARY_USAGE_CERTS))
		return err_set(err, ERR_RETRY, "its key usage has no keyCertSign");
	if (use == USE_TIMESTAMPS && !f->may_timestamp)
		return err_set(err, ERR_RETRY, "its extended key usage has no timeStamping");
	return 0;
}

static int cert_check(const struct notary_certs *chain, size_t i, enum use use, struct err *err)
{
	const struct notary_cert_facts *f = notary_cert_facts(chain->p[i]);

	if (!f->sound)
		return err_set(err, ERR_RETRY,
			"it has an extension that is broken, or critical and not known");
	/* Whose key signs code is known by the algorithm of the signature. */
	if (!i && use == USE_TIMESTAMPS && notary_cert_alg(chain->p[i]) == NOTARY_ALG_NONE)
		return err_set(err, ERR_RETRY, "its key is of no kind that signs");
	return i ? ca_check(f, i - 1, use, err) : signer_check(f, use, err);
}

/* ---- one by the next ------------------------------------------------------------------------- */

static bool is_root(const struct notary_cert *c)
{
	return notary_cert_issued_by(c, c);
}

static int names_check(const struct notary_certs *chain, size_t ca, struct err *err)
{
	size_t i;

	for (i = 0; i < ca; i++)
		if (!notary_cert_names_permitted(chain->p[i], chain->p[ca]))
			return err_set(
				err, ERR_RETRY, "its name constraints do not permit one below it");
	return 0;
}

static int link_check(const struct notary_certs *chain, size_t i, struct err *err)
{
	bool last = i + 1 == chain->len;

	if (last && !is_root(chain->p[i]))
		return err_set(err, ERR_RETRY, "it is the last one, and not signed by itself");
	if (!last && is_root(chain->p[i]))
		return err_set(err, ERR_RETRY, "it is not the last one, and signed by itself");
	if (!last && !notary_cert_issued_by(chain->p[i], chain->p[i + 1]))
		return err_set(err, ERR_RETRY, "the next one has not issued it");
	return names_check(chain, i, err);
}

static int chain_check(const struct notary_certs *chain, enum use use, struct err *err)
{
	size_t i;

	for (i = 0; i < chain->len; i++)
		if (link_check(chain, i, err) || cert_check(chain, i, use, err))
			return wrong(chain->p[i], err);
	return chain->len ? 0 : err_set(err, ERR_RETRY, "there is no certificate");
}

int verify_chain(const struct notary_certs *chain, struct err *err)
{
	return chain_check(chain, USE_CODE, err);
}

int verify_chain_timestamps(const struct notary_certs *chain, struct err *err)
{
	return chain_check(chain, USE_TIMESTAMPS, err);
}

/* ---- times ----------------------------------------------------------------------------------- */

int verify_chain_at(const struct notary_certs *chain, int64_t ms, struct err *err)
{
	char text[TIME_TEXT_MAX];
	size_t i;

	for (i = 0; i < chain->len; i++) {
		const struct notary_cert_facts *f = notary_cert_facts(chain->p[i]);

		if (ms < f->not_before_ms)
			err_set(err, ERR_RETRY, "it is not valid before %s",
				time_format_rfc3339(f->not_before_ms, text));
		else if (ms > f->not_after_ms)
			err_set(err, ERR_RETRY, "it is not valid after %s",
				time_format_rfc3339(f->not_after_ms, text));
		else
			continue;
		return wrong(chain->p[i], err);
	}
	return 0;
}

bool verify_chain_expired(const struct notary_certs *chain, int64_t ms)
{
	size_t i;

	for (i = 0; i < chain->len; i++)
		if (ms > notary_cert_facts(chain->p[i])->not_after_ms)
			return true;
	return false;
}

bool verify_chain_revocable(const struct notary_certs *chain, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct notary_cert_facts *f = notary_cert_facts(chain->p[i]);

		if (f->has_ocsp || f->has_crl)
			return true;
	}
	return false;
}
