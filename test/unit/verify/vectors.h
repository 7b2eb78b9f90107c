/* What the tests of lib/verify share: the files of data/, which make-vectors.sh has made, and a
   signer for what no honest tool would sign. */
#ifndef UNIT_VERIFY_VECTORS_H
#define UNIT_VERIFY_VECTORS_H
#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/rsa.h"
#include "verify/keys.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define VECTORS "test/unit/verify/data/"

/* Appends a file of data/. */
static inline void vector_load(
	struct buf *b, const char *folder, const char *name, const char *suffix)
{
	auto_free char *path = mem_printf(VECTORS "%s%s%s", folder, name, suffix);
	FILE *f = fopen(path, "rb");
	char part[4096];
	size_t n;

	ck_assert_msg(f, "%s", path);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(b, part, n);
	fclose(f);
}

/* A file of data/ as text; free it. */
static inline char *vector_text(const char *folder, const char *name, const char *suffix)
{
	struct buf b = BUF_INIT(BUF_ANY);

	vector_load(&b, folder, name, suffix);
	return buf_take(&b);
}

static inline struct digest vector_digest(const char *name)
{
	auto_free char *text = vector_text("", name, ".digest");
	struct err err = {0};
	struct digest d;

	ck_assert_msg(!digest_parse(&d, text, &err), "%s", err.msg);
	return d;
}

/* Adds an entry to a Secret's data. */
static inline void vector_entry(json_t *secret, const char *name, const char *value)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	json_t *data = json_object_get(secret, "data");

	if (!data) {
		data = json_object();
		json_object_set_new(secret, "data", data);
	}
	base64_encode(&b, value, strlen(value), BASE64_STD);
	json_object_set_new(data, name, json_string(buf_str(&b)));
}

/* The keys of these names, "p256 rsa2048", of data/keys. */
static inline struct verify_keys *vector_keys(const char *names)
{
	json_t *secret = json_object();
	struct verify_keys *keys = NULL;
	struct err err = {0};
	auto_free char *copy = mem_strdup(names);
	char *rest = copy, *name;
	int n = 0;

	while ((name = strsep(&rest, " "))) {
		auto_free char *pem = vector_text("keys/", name, ".pub");
		auto_free char *entry = mem_printf("%d.pub", n++);

		vector_entry(secret, entry, pem);
	}
	ck_assert_msg(!verify_keys_read(&keys, secret, &err), "%s", err.msg);
	json_decref(secret);
	return keys;
}

/* The signature of n bytes with the key of rsa2048.pub. */
static inline void vector_sign(struct buf *sig, const void *data, size_t n)
{
	auto_free char *pem = vector_text("", "signer", ".pem");
	struct err err = {0};

	ck_assert_msg(!rsa_sign_sha256(sig, pem, strlen(pem), data, n, &err), "%s", err.msg);
}

#endif
