#include "verify/fulcio.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/time.h"
#include "base/vec.h"
#include "crypto/sct.h"
#include "verify/trusted_root.h"

int verify_fulcio_chain(struct cert_chain *out, const struct verify_root *root,
	const struct cert *leaf, int64_t at_s, struct err *err)
{
	const struct verify_authority *a;
	struct err why = {0};

	vec_each (&root->authorities, a) {
		if (!verify_window_has(&a->valid, at_s * 1000))
			continue;
		err_clear(&why);
		if (!cert_chain_find(out, leaf, a->certs, a->len, at_s, &why))
			return 0;
	}
	return err_set(err, ERR_RETRY, "the certificate is of no authority of the trusted root: %s",
		why.kind == ERR_NONE ? "none was trusted at that time" : why.msg);
}

/* ---- the log of certificates ----------------------------------------------------------------- */

static int one_check(const struct verify_root *root, const struct sct *s, const struct buf *tbs,
	const struct cert_chain *chain, struct err *err)
{
	const struct verify_log *log = verify_logs_find(
		&root->ctlogs, s->log_id, SCT_LOG_ID, (int64_t)(s->time_ms & INT64_MAX));

	if (!log)
		return err_set(
			err, ERR_RETRY, "it is of a log that the trusted root does not have");
	if (s->time_ms > INT64_MAX || !verify_window_has(&log->valid, (int64_t)s->time_ms))
		return err_set(err, ERR_RETRY, "it is of a time when the log was not trusted");
	return sct_verifies(s, tbs, &chain->issuer_key, log->key)
		? 0
		: err_set(err, ERR_RETRY, "its signature is not of this certificate by that log");
}

int verify_fulcio_logged(const struct verify_root *root, const struct cert *leaf,
	const struct cert_chain *chain, struct err *err)
{
	auto_buf struct buf tbs = BUF_INIT(LIMIT_CERTIFICATE);
	struct err why = {0};
	struct sct all[SCT_MAX];
	int n = sct_read(all, leaf, err), i;

	if (n < 0 || cert_tbs(leaf, &tbs, err))
		return -1;
	for (i = 0; i < n; i++) {
		err_clear(&why);
		if (!one_check(root, &all[i], &tbs, chain, &why))
			return 0;
	}
	return err_set(err, ERR_RETRY, "the certificate's timestamp (SCT) does not count: %s",
		n ? why.msg : "it is of a version that nobody knows");
}

/* ---- when ------------------------------------------------------------------------------------ */

int verify_fulcio_leaf_valid(const struct cert *leaf, int64_t at_s, struct err *err)
{
	char at[TIME_TEXT_MAX], edge[TIME_TEXT_MAX];

	if (at_s < cert_from(leaf))
		return err_set(err, ERR_RETRY,
			"it was logged at %s, and its certificate is valid from %s on",
			time_format_rfc3339(at_s * 1000, at),
			time_format_rfc3339(cert_from(leaf) * 1000, edge));
	if (at_s > cert_until(leaf))
		return err_set(err, ERR_RETRY,
			"it was logged at %s, and its certificate is valid until %s",
			time_format_rfc3339(at_s * 1000, at),
			time_format_rfc3339(cert_until(leaf) * 1000, edge));
	return 0;
}

int verify_fulcio_valid(
	const struct cert *leaf, const struct cert_chain *chain, int64_t at_s, struct err *err)
{
	char at[TIME_TEXT_MAX];

	if (verify_fulcio_leaf_valid(leaf, at_s, err))
		return -1;
	if (at_s < chain->from || at_s > chain->until)
		return err_set(err, ERR_RETRY,
			"it was logged at %s, when its authority's certificate was not valid",
			time_format_rfc3339(at_s * 1000, at));
	return 0;
}
