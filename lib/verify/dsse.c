#include "verify/dsse.h"

#include "base/limits.h"

#include <string.h>

static const struct verify_pj_field SIGNATURE[] = {
	{"sig", NULL, VERIFY_PJ_BYTES}, {"keyid", NULL, VERIFY_PJ_STRING}, {0}};

const struct verify_pj_field verify_dsse_fields[] = {
	{"payload", NULL, VERIFY_PJ_BYTES},
	{"payloadType", NULL, VERIFY_PJ_STRING},
	{"signatures", NULL, VERIFY_PJ_MESSAGE, .many = true, .fields = SIGNATURE},
	{0},
};

/* Pre-authentication encoding: no other type and payload give the same bytes. */
static void pae_write(struct verify_dsse *d)
{
	struct buf *out = &d->signed_bytes;

	buf_addf(out, "DSSEv1 %zu ", strlen(d->type));
	buf_adds(out, d->type);
	buf_addf(out, " %zu ", d->payload.len);
	buf_add(out, buf_str(&d->payload), d->payload.len);
}

/* The key's name, keyid, is a hint that anybody could have written: it is not looked at. */
int verify_dsse_read(struct verify_dsse *d, const json_t *envelope, struct err *err)
{
	const json_t *signatures = verify_pj_get(envelope, verify_dsse_fields, "signatures");
	const json_t *payload = verify_pj_get(envelope, verify_dsse_fields, "payload");
	const json_t *type = verify_pj_get(envelope, verify_dsse_fields, "payloadType");
	const json_t *sig = NULL;

	d->type = type ? json_string_value(type) : "";
	buf_init(&d->payload, LIMIT_BUNDLE);
	buf_init(&d->signature, LIMIT_SIGNATURE_TEXT);
	buf_init(&d->signed_bytes, 2 * LIMIT_BUNDLE);
	if (json_array_size(signatures) != 1)
		return err_set(err, ERR_RETRY, "the envelope has %zu signatures, not one",
			json_array_size(signatures));
	sig = verify_pj_get(json_array_get(signatures, 0), SIGNATURE, "sig");
	if (!payload || !sig)
		return err_set(err, ERR_RETRY, "the envelope has no %s",
			payload ? "signature" : "payload");
	if (verify_pj_bytes(payload, &d->payload, err) || verify_pj_bytes(sig, &d->signature, err))
		return err_wrap(err, "the envelope");
	pae_write(d);
	return buf_over(&d->signed_bytes) ? err_set(err, ERR_RETRY, "the envelope is too large")
					  : 0;
}

void verify_dsse_clear(struct verify_dsse *d)
{
	buf_clear(&d->payload);
	buf_clear(&d->signature);
	buf_clear(&d->signed_bytes);
}
