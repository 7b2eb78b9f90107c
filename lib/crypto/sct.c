#include "crypto/sct.h"

#include "base/buf.h"
#include "base/limits.h"
#include "crypto/cert.h"
#include "crypto/pubkey.h"

#define OID_LIST "1.3.6.1.4.1.11129.2.4.2"
#define HASH_SHA256 4
#define ALGO_RSA 1
#define ALGO_ECDSA 3

/* ---- reading --------------------------------------------------------------------------------- */

struct reader {
	const unsigned char *p;
	size_t n;
};

/* n bytes, or NULL. */
static const unsigned char *take(struct reader *r, size_t n)
{
	const unsigned char *at = r->p;

	if (n > r->n)
		return NULL;
	r->p += n;
	r->n -= n;
	return at;
}

static bool number(struct reader *r, size_t bytes, uint64_t *out)
{
	const unsigned char *p = take(r, bytes);
	size_t i;

	*out = 0;
	for (i = 0; p && i < bytes; i++)
		*out = *out << 8 | p[i];
	return p;
}

/* What has its length in 16 bits before it; empty where it is not there. */
static bool vector(struct reader *r, struct reader *out)
{
	uint64_t n;

	*out = (struct reader){0};
	if (!number(r, 2, &n))
		return false;
	out->n = (size_t)n;
	out->p = take(r, out->n);
	return out->p;
}

/* The OCTET STRING inside the extension's own; what it holds. */
static bool unwrap(struct reader *r, struct reader *out)
{
	uint64_t tag, n;

	if (!number(r, 1, &tag) || tag != 4 || !number(r, 1, &n))
		return false;
	if (n > 0x82 || n == 0x80)
		return false;
	if (n > 0x80 && !number(r, (size_t)n - 0x80, &n))
		return false;
	out->n = (size_t)n;
	out->p = take(r, out->n);
	return out->p && !r->n;
}

/* True with log_id NULL: a version that nobody knows yet. */
static bool one_read(struct sct *out, struct reader r)
{
	struct reader extensions, sig;
	uint64_t version, hash, algo;

	*out = (struct sct){0};
	if (!number(&r, 1, &version))
		return false;
	if (version)
		return true;
	out->log_id = take(&r, SCT_LOG_ID);
	if (!out->log_id || !number(&r, 8, &out->time_ms) || !vector(&r, &extensions) ||
		!number(&r, 1, &hash) || !number(&r, 1, &algo) || !vector(&r, &sig) || r.n)
		return false;
	out->extensions = extensions.p;
	out->extensions_len = extensions.n;
	out->hash = (unsigned char)hash;
	out->algo = (unsigned char)algo;
	out->sig = sig.p;
	out->sig_len = sig.n;
	return true;
}

static int list_read(struct sct out[SCT_MAX], struct reader ext)
{
	struct reader all, list, one;
	struct sct s;
	int n = 0;

	if (!unwrap(&ext, &all) || !vector(&all, &list) || all.n || !list.n)
		return -1;
	while (list.n) {
		if (n == SCT_MAX || !vector(&list, &one) || !one_read(&s, one))
			return -1;
		if (s.log_id)
			out[n++] = s;
	}
	return n;
}

int sct_read(struct sct out[SCT_MAX], const struct cert *c, struct err *err)
{
	struct reader ext = {0};
	int n;

	if (cert_extension(c, OID_LIST, &ext.p, &ext.n, err))
		return -1;
	if (!ext.p)
		return err_set(err, ERR_RETRY, "the certificate has no timestamp (SCT) of a log");
	n = list_read(out, ext);
	return n < 0 ? err_set(err, ERR_RETRY, "the certificate's timestamps (SCT) are broken") : n;
}

/* ---- checking -------------------------------------------------------------------------------- */

static void number_add(struct buf *b, uint64_t v, unsigned bytes)
{
	while (bytes--)
		buf_addc(b, (char)(v >> 8 * bytes));
}

static bool is_of_key(const struct sct *s, const struct pubkey *key)
{
	enum pubkey_kind kind = pubkey_kind(key);

	return s->hash == HASH_SHA256 &&
		((s->algo == ALGO_ECDSA && kind == PUBKEY_EC) ||
			(s->algo == ALGO_RSA && kind == PUBKEY_RSA));
}

bool sct_verifies(const struct sct *s, const struct buf *tbs, const struct digest *issuer_key,
	const struct pubkey *log_key)
{
	auto_buf struct buf m = BUF_INIT(2 * LIMIT_CERTIFICATE + 65536);

	if (!is_of_key(s, log_key))
		return false;
	number_add(&m, 0, 1); /* v1 */
	number_add(&m, 0, 1); /* certificate_timestamp */
	number_add(&m, s->time_ms, 8);
	number_add(&m, 1, 2); /* precert_entry */
	buf_add(&m, issuer_key->bin, digest_size(issuer_key->algo));
	number_add(&m, tbs->len, 3);
	buf_add(&m, tbs->p, tbs->len);
	number_add(&m, s->extensions_len, 2);
	buf_add(&m, s->extensions, s->extensions_len);
	return !buf_over(&m) && pubkey_verifies(log_key, s->sig, s->sig_len, m.p, m.len);
}
