#include "verify/tuf_listed.h"

#include "base/obj.h"
#include "verify/plain.h"

#include <stdio.h>
#include <string.h>

static int hash_read(struct digest *out, const json_t *o, enum digest_algo algo, struct err *err)
{
	const char *name = digest_algo_name(algo), *hex = obj_str(o, "hashes", name);
	char text[DIGEST_TEXT_MAX], shown[VERIFY_PLAIN_MAX];

	*out = (struct digest){0};
	if (!obj_get(o, "hashes", name))
		return 0;
	snprintf(text, sizeof(text), "%s:%s", name, hex ? hex : "");
	if (hex && strlen(hex) == 2 * digest_size(algo) && !digest_parse(out, text, err))
		return 0;
	err_clear(err);
	return err_set(err, ERR_RETRY, "its %s is none: '%s'", name, verify_plain(hex, shown));
}

/* As digits: a number that is no whole one, or none, must not read as "nothing is said". */
static int number_read(int64_t *out, const json_t *o, const char *name, int64_t least,
	int64_t absent, struct err *err)
{
	const json_t *v = obj_get(o, name);

	*out = absent;
	if (!v)
		return 0;
	*out = json_integer_value(v);
	if (json_is_integer(v) && *out >= least)
		return 0;
	return err_set(err, ERR_RETRY, "its %s is none", name);
}

int verify_tuf_listed_read(struct verify_tuf_listed *out, const json_t *o, struct err *err)
{
	return number_read(&out->version, o, "version", 1, 0, err) ||
			number_read(&out->length, o, "length", 1, -1, err) ||
			hash_read(&out->sha256, o, DIGEST_SHA256, err) ||
			hash_read(&out->sha512, o, DIGEST_SHA512, err)
		? -1
		: 0;
}

static int hash_check(
	const struct digest *want, const char *by, const char *data, size_t n, struct err *err)
{
	char said[DIGEST_TEXT_MAX], is[DIGEST_TEXT_MAX];
	struct digest got;

	if (want->algo == DIGEST_NONE)
		return 0;
	digest_mem(&got, want->algo, data, n);
	if (digest_equal(&got, want))
		return 0;
	return err_set(err, ERR_RETRY, "its digest is '%s', and %s says '%s'",
		digest_format(&got, is), by, digest_format(want, said));
}

int verify_tuf_listed_check(const struct verify_tuf_listed *l, const char *by, const char *data,
	size_t n, struct err *err)
{
	if (l->length >= 0 && (uint64_t)l->length != n)
		return err_set(err, ERR_RETRY, "it has %zu bytes, and %s says %lld", n, by,
			(long long)l->length);
	return hash_check(&l->sha256, by, data, n, err) || hash_check(&l->sha512, by, data, n, err)
		? -1
		: 0;
}
