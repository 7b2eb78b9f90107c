/* Certificates that no authority should issue: data/keyless/certs.json, which make-keyless.py has
   written by hand. */
#ifndef UNIT_CRYPTO_CERTS_H
#define UNIT_CRYPTO_CERTS_H
#include "crypto/cert.h"
#include "test/unit/verify/vectors.h"

static inline void cert_der(const char *name, struct buf *der)
{
	auto_free char *text = vector_text("keyless/", "certs", ".json");
	json_t *all = json_loads(text, 0, NULL);
	const char *base64 = json_string_value(json_object_get(all, name));
	struct err err = {0};

	ck_assert_msg(base64 != NULL, "no certificate '%s'", name);
	ck_assert(!base64_decode(der, base64, strlen(base64), BASE64_STD, &err));
	json_decref(all);
}

static inline struct cert *cert_of(const char *name)
{
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	struct cert *c = NULL;
	struct err err = {0};

	cert_der(name, &der);
	ck_assert_msg(!cert_parse_der(&c, buf_str(&der), der.len, &err), "%s: %s", name, err.msg);
	return c;
}

#endif
