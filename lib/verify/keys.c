#include "verify/keys.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "crypto/pubkey.h"

#include <string.h>

#define SUFFIX ".pub"

struct verify_keys {
	unsigned refs;
	struct digest digest;
	size_t size;
	VEC(struct verify_key) keys;
};

struct names {
	const char **p;
	size_t len, cap;
};

static bool is_key(const char *name)
{
	size_t n = strlen(name);

	return n >= strlen(SUFFIX) && !strcmp(name + n - strlen(SUFFIX), SUFFIX);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int names_find(struct names *names, json_t *data, struct err *err)
{
	const char *name;
	json_t *v;

	json_object_foreach (data, name, v) {
		if (!is_key(name))
			continue;
		if (names->len == LIMIT_PUBLIC_KEYS)
			return err_set(err, ERR_RETRY, "it has more than %d entries '*%s'",
				LIMIT_PUBLIC_KEYS, SUFFIX);
		*vec_add(names) = name;
	}
	if (!names->len)
		return err_set(err, ERR_RETRY, "it has no entry whose name ends in '%s'", SUFFIX);
	qsort(names->p, names->len, sizeof(*names->p), by_name);
	return 0;
}

static int key_add(struct verify_keys *k, const json_t *data, const char *name,
	struct digest_ctx *all, struct err *err)
{
	const char *text = obj_str(data, name);
	auto_buf struct buf pem = BUF_INIT(LIMIT_PUBLIC_KEY + 3);
	struct pubkey *key = NULL;

	if (!text)
		return err_set(err, ERR_RETRY, "key '%.253s': it is no text", name);
	if (base64_decode(&pem, text, strlen(text), BASE64_NEWLINES, err) ||
		pubkey_parse(&key, buf_str(&pem), pem.len, err))
		return err_wrap(err, "key '%.253s'", name);
	*vec_add(&k->keys) = (struct verify_key){key, mem_strdup(name)};
	k->size += 2 * pem.len + 512;
	digest_update(all, &pem.len, sizeof(pem.len));
	digest_update(all, buf_str(&pem), pem.len);
	return 0;
}

int verify_keys_read(struct verify_keys **out, const json_t *secret, struct err *err)
{
	auto_digest_ctx struct digest_ctx all = {0};
	json_t *data = obj_get(secret, "data");
	struct verify_keys *k = NEW(struct verify_keys);
	struct names names = {0};
	size_t i;
	int rc;

	k->refs = 1;
	k->size = sizeof(*k);
	digest_ctx_init(&all, DIGEST_SHA256);
	rc = names_find(&names, data, err);
	for (i = 0; !rc && i < names.len; i++)
		rc = key_add(k, data, names.p[i], &all, err);
	vec_clear(&names);
	digest_final(&all, &k->digest);
	if (rc)
		verify_keys_unref(k);
	else
		*out = k;
	return rc;
}

struct verify_keys *verify_keys_ref(struct verify_keys *k)
{
	k->refs++;
	return k;
}

void verify_keys_unref(struct verify_keys *k)
{
	struct verify_key *one;

	if (!k || --k->refs)
		return;
	vec_each (&k->keys, one) {
		pubkey_free(one->key);
		free(one->name);
	}
	vec_clear(&k->keys);
	free(k);
}

const struct digest *verify_keys_digest(const struct verify_keys *k)
{
	return &k->digest;
}

size_t verify_keys_size(const struct verify_keys *k)
{
	return k->size;
}

const struct verify_key *verify_keys_find(const struct verify_keys *k, const void *sig,
	size_t sig_len, const void *data, size_t n, const atomic_bool *stop)
{
	const struct verify_key *one;

	vec_each (&k->keys, one) {
		if (stop && *stop)
			return NULL;
		if (pubkey_verifies(one->key, sig, sig_len, data, n))
			return one;
	}
	return NULL;
}
