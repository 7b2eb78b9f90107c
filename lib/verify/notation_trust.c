#include "verify/notation_trust.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"

#include <string.h>

#define POLICY "trustpolicy.json"

static bool is_cert(const char *name)
{
	size_t n = strlen(name);

	return n >= 4 && (!strcmp(name + n - 4, ".crt") || !strcmp(name + n - 4, ".pem"));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* An entry's bytes, which count for the digest, too. */
static int entry_read(struct verify_trust *t, const json_t *data, const char *name,
	struct digest_ctx *all, struct buf *out, struct err *err)
{
	const char *text = obj_str(data, name);

	if (!text)
		return err_set(err, ERR_RETRY, "it is no text");
	if (base64_decode(out, text, strlen(text), BASE64_NEWLINES, err))
		return -1;
	t->size += 2 * out->len + 512;
	digest_update(all, &out->len, sizeof(out->len));
	digest_update(all, buf_str(out), out->len);
	return 0;
}

static int cert_read(struct verify_trust *t, const json_t *data, const char *name,
	struct digest_ctx *all, struct err *err)
{
	auto_buf struct buf bytes = BUF_INIT(LIMIT_TRUST_CERT);

	if (entry_read(t, data, name, all, &bytes, err) ||
		notary_certs_add(&t->certs, buf_str(&bytes), bytes.len, err))
		return err_wrap(err, "certificate '%.253s'", name);
	if (t->certs.len > LIMIT_TRUST_CERTS)
		return err_set(
			err, ERR_RETRY, "it has more than %d certificates", LIMIT_TRUST_CERTS);
	return 0;
}

static int certs_read(struct verify_trust *t, json_t *data, struct digest_ctx *all, struct err *err)
{
	VEC(const char *) names = {0};
	const char *name;
	json_t *v;
	size_t i;
	int rc = 0;

	json_object_foreach (data, name, v)
		if (is_cert(name))
			*vec_add(&names) = name;
	if (names.len)
		qsort(names.p, names.len, sizeof(*names.p), by_name);
	else
		rc = err_set(err, ERR_RETRY,
			"it has no certificate: no entry's name ends in '.crt' or '.pem'");
	for (i = 0; !rc && i < names.len; i++)
		rc = cert_read(t, data, names.p[i], all, err);
	vec_clear(&names);
	return rc;
}

static int policy_read(
	struct verify_trust *t, const json_t *data, struct digest_ctx *all, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_TRUST_POLICY);

	if (!obj_get(data, POLICY))
		return err_set(err, ERR_RETRY, "it has no entry '" POLICY "'");
	if (entry_read(t, data, POLICY, all, &text, err) ||
		verify_policy_parse(&t->policy, buf_str(&text), text.len, err))
		return err_wrap(err, POLICY);
	return 0;
}

int verify_trust_read(struct verify_trust **out, const json_t *secret, struct err *err)
{
	auto_digest_ctx struct digest_ctx all = {0};
	json_t *data = obj_get(secret, "data");
	struct verify_trust *t = NEW(struct verify_trust);
	int rc;

	t->refs = 1;
	t->size = sizeof(*t);
	digest_ctx_init(&all, DIGEST_SHA256);
	rc = policy_read(t, data, &all, err) || certs_read(t, data, &all, err) ? -1 : 0;
	digest_final(&all, &t->digest);
	if (rc)
		verify_trust_unref(t);
	else
		*out = t;
	return rc;
}

struct verify_trust *verify_trust_ref(struct verify_trust *t)
{
	t->refs++;
	return t;
}

void verify_trust_unref(struct verify_trust *t)
{
	if (!t || --t->refs)
		return;
	verify_policy_free(t->policy);
	notary_certs_clear(&t->certs);
	free(t);
}
