#include "verify/jws.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/obj.h"

#include <string.h>

static int part_decode(const json_t *o, const char *name, struct buf *out, struct err *err)
{
	const char *text = obj_str(o, name);

	if (!text || !*text)
		return err_set(err, ERR_RETRY, "it has no '%s'", name);
	if (base64_decode(out, text, strlen(text), BASE64_URL, err))
		return err_wrap(err, "'%s'", name);
	return 0;
}

static int cert_add(struct verify_envelope *e, const char *text, struct err *err)
{
	auto_buf struct buf der = BUF_INIT(LIMIT_TRUST_CERT);

	if (!text)
		return err_set(err, ERR_RETRY, "it is no text");
	if (base64_decode(&der, text, strlen(text), BASE64_STD, err))
		return -1;
	return verify_envelope_cert(e, buf_str(&der), der.len, err);
}

static int chain_read(struct verify_envelope *e, const json_t *list, struct err *err)
{
	size_t n = json_array_size(list), i;

	if (verify_envelope_count(n, err))
		return -1;
	for (i = 0; i < n; i++)
		if (cert_add(e, json_string_value(json_array_get(list, i)), err))
			return err_wrap(err, "certificate %zu", i + 1);
	return 0;
}

static int timestamp_read(struct verify_envelope *e, const json_t *header, struct err *err)
{
	const json_t *value = obj_get(header, VERIFY_HEADER_TIMESTAMP);
	const char *text = obj_str(header, VERIFY_HEADER_TIMESTAMP);

	if (!value || json_is_null(value))
		return 0;
	if (!text)
		return err_set(err, ERR_RETRY, "'" VERIFY_HEADER_TIMESTAMP "' is no text");
	if (base64_decode(&e->timestamp, text, strlen(text), BASE64_STD, err))
		return err_wrap(err, "'" VERIFY_HEADER_TIMESTAMP "'");
	return 0;
}

static int parts_read(
	struct verify_envelope *e, const json_t *o, struct buf *header, struct err *err)
{
	if (part_decode(o, "protected", header, err) ||
		part_decode(o, "payload", &e->payload, err) ||
		part_decode(o, "signature", &e->sig, err) ||
		chain_read(e, obj_get(o, "header", "x5c"), err) ||
		timestamp_read(e, obj_get(o, "header"), err))
		return -1;
	buf_adds(&e->signing, obj_str_or("", o, "protected"));
	buf_addc(&e->signing, '.');
	buf_adds(&e->signing, obj_str_or("", o, "payload"));
	return buf_over(&e->signing) ? err_set(err, ERR_RETRY, "it is too long") : 0;
}

static int header_open(struct verify_envelope *e, const struct buf *text, struct err *err)
{
	auto_json json_t *header =
		obj_parse_within(buf_str(text), text->len, &obj_signed, "the header", err);

	return header ? verify_envelope_check(e, header, NOTARY_SALT_ANY, err) : -1;
}

int verify_jws_open(struct verify_envelope *out, const char *text, size_t n, struct err *err)
{
	auto_json json_t *o = obj_parse_within(text, n, &obj_signed, "the envelope", err);
	auto_buf struct buf header = BUF_INIT(LIMIT_ENVELOPE);

	verify_envelope_init(out);
	if (!o)
		return -1;
	return parts_read(out, o, &header, err) || header_open(out, &header, err)
		? err_wrap(err, "the envelope")
		: 0;
}
