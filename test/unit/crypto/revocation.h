/* What the tests of OCSP and of lists of revoked certificates share: data/revocation.json, which
   make-revocation.py has made. */
#ifndef UNIT_CRYPTO_REVOCATION_H
#define UNIT_CRYPTO_REVOCATION_H
#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/time.h"
#include "crypto/notary_cert.h"
#include "crypto/revoked.h"

#include <check.h>
#include <jansson.h>
#include <string.h>

#define REVOCATION_NOW "2026-12-01T00:00:00Z"

static inline int64_t revocation_time(const char *text)
{
	struct err err = {0};
	int64_t ms;

	ck_assert_msg(!time_parse_rfc3339(text, &ms, &err), "%s", err.msg);
	return ms;
}

static inline json_t *revocation_data(void)
{
	static json_t *all;

	if (!all)
		all = json_load_file("test/unit/crypto/data/revocation.json", 0, NULL);
	ck_assert(all);
	return all;
}

/* kind: "cert", "ocsp", "crl". */
static inline void revocation_der(struct buf *out, const char *kind, const char *name)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(revocation_data(), kind), name));
	struct err err = {0};

	ck_assert_msg(text, "%s %s", kind, name);
	buf_init(out, BUF_ANY);
	ck_assert_msg(!base64_decode(out, text, strlen(text), BASE64_STD, &err), "%s", err.msg);
}

static inline struct notary_cert *revocation_cert(const char *name)
{
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	struct notary_cert *c = NULL;
	struct err err = {0};

	revocation_der(&der, "cert", name);
	ck_assert_msg(!notary_cert_parse(&c, der.p, der.len, &err), "%s: %s", name, err.msg);
	return c;
}

/* Every row of that kind has been looked at. */
static inline void revocation_count(const char *kind, size_t n)
{
	ck_assert_uint_eq(json_object_size(json_object_get(revocation_data(), kind)), n);
}

#endif
