#include "verify/cose.h"

#include "base/ascii.h"
#include "base/cbor.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "base/vec.h"
#include "verify/plain.h"

#include <string.h>

#define START "\xd2\x84" /* tag 18 and a list of four, in their shortest forms, as in go-cose */
#define TAG_EPOCH 1 /* seconds since 1970 UTC */
#define LABEL_CHAIN 33 /* x5chain (RFC 9360) */
#define TIME_MAX_S 253402300799 /* the end of the year 9999 */

/* What is being read. Labels are kept by name: "alg" is 1, "33" is 33, and a text is itself. */
struct cose {
	struct verify_envelope *e;
	json_t *seen; /* an object: the labels of both maps */
	json_t *header; /* the protected one, with the names and values of JWS */
};

static const struct {
	int64_t label;
	const char *name;
} known[] = {{1, "alg"}, {2, "crit"}, {3, "cty"}};

static const struct {
	int64_t id;
	const char *name;
} algs[] = {
	{-37, "PS256"},
	{-38, "PS384"},
	{-39, "PS512"},
	{-7, "ES256"},
	{-35, "ES384"},
	{-36, "ES512"},
};

/* ---- labels ---------------------------------------------------------------------------------- */

static bool int_of(const struct cbor_item *item, int64_t *value)
{
	if ((item->kind != CBOR_UINT && item->kind != CBOR_NINT) || item->n > INT64_MAX)
		return false;
	*value = item->kind == CBOR_UINT ? (int64_t)item->n : -1 - (int64_t)item->n;
	return true;
}

static char *int_name(int64_t label)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].label == label)
			return mem_strdup(known[i].name);
	return mem_printf("%lld", (long long)label);
}

/* No text is taken for a number. */
static bool text_ok(const char *text, size_t n)
{
	size_t i;

	if (!n || memchr(text, '\0', n) || ascii_is_digit(*text) || *text == '-')
		return false;
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (n == strlen(known[i].name) && !memcmp(text, known[i].name, n))
			return false;
	return true;
}

/* Its name, which the caller frees; NULL: it is none. */
static char *label_of(const struct cbor_item *item)
{
	int64_t label;

	if (int_of(item, &label))
		return int_name(label);
	if (item->kind == CBOR_TEXT && text_ok(item->data, item->n))
		return mem_strndup(item->data, item->n);
	return NULL;
}

/* Each label is there once, whichever map it is in. */
static int label_read(struct cose *c, struct cbor *r, char **name, struct err *err)
{
	struct cbor_item item;
	char shown[VERIFY_PLAIN_MAX];

	if (cbor_next(r, &item, err))
		return -1;
	*name = label_of(&item);
	if (!*name)
		return err_set(err, ERR_RETRY, "a label is neither a number nor a name");
	if (json_object_get(c->seen, *name))
		return err_set(err, ERR_RETRY, "'%s' is there twice", verify_plain(*name, shown));
	json_object_set_new(c->seen, *name, json_true());
	return 0;
}

/* Room for what a stranger counts is made one by one, and not for many. */
static int map_open(struct cbor *r, uint64_t *n, const char *what, struct err *err)
{
	struct cbor_item map;

	if (cbor_next(r, &map, err))
		return -1;
	if (map.kind != CBOR_MAP)
		return err_set(err, ERR_RETRY, "%s is no map", what);
	if (map.n > LIMIT_COSE_LABELS)
		return err_set(
			err, ERR_RETRY, "%s has more than %d labels", what, LIMIT_COSE_LABELS);
	*n = map.n;
	return 0;
}

/* ---- the protected header: each value as JWS has it; null is none of the right type ---------- */

static int alg_read(struct cbor *r, json_t **value, struct err *err)
{
	struct cbor at = *r;
	struct cbor_item item;
	int64_t id;
	size_t i;

	if (cbor_next(&at, &item, err))
		return -1;
	if (!int_of(&item, &id)) {
		*value = json_null();
		return cbor_skip(r, err);
	}
	*r = at;
	for (i = 0; i < ARRAY_LEN(algs); i++)
		if (algs[i].id == id) {
			*value = json_string(algs[i].name);
			return 0;
		}
	*value = json_sprintf("%lld", (long long)id);
	return 0;
}

static int time_read(struct cbor *r, json_t **value, struct err *err)
{
	struct cbor at = *r;
	struct cbor_item tag, seconds;
	char text[TIME_TEXT_MAX];

	*value = json_null();
	if (cbor_next(&at, &tag, err))
		return -1;
	if (tag.kind != CBOR_TAG || tag.n != TAG_EPOCH)
		return cbor_skip(r, err);
	if (cbor_next(&at, &seconds, err))
		return -1;
	if (seconds.kind != CBOR_UINT || seconds.n > TIME_MAX_S)
		return cbor_skip(r, err);
	*r = at;
	*value = json_string(time_format_rfc3339((int64_t)seconds.n * 1000, text));
	return 0;
}

static int crit_read(struct cbor *r, json_t **value, struct err *err)
{
	struct cbor at = *r;
	struct cbor_item list, item;
	uint64_t i;

	*value = json_null();
	if (cbor_next(&at, &list, err))
		return -1;
	if (list.kind != CBOR_ARRAY)
		return cbor_skip(r, err);
	if (list.n > LIMIT_COSE_LABELS)
		return err_set(err, ERR_RETRY, "'crit' has more than %d labels", LIMIT_COSE_LABELS);
	*r = at;
	*value = json_array();
	for (i = 0; i < list.n; i++) {
		auto_free char *name = NULL;

		at = *r;
		if (cbor_next(&at, &item, err) || cbor_skip(r, err))
			return -1;
		name = label_of(&item);
		json_array_append_new(*value, name ? json_string(name) : json_null());
	}
	return 0;
}

static int other_read(struct cbor *r, json_t **value, struct err *err)
{
	struct cbor at = *r;
	struct cbor_item item;

	if (cbor_next(&at, &item, err))
		return -1;
	*value = item.kind == CBOR_TEXT ? json_stringn(item.data, item.n) : json_null();
	return cbor_skip(r, err);
}

static int value_read(struct cbor *r, const char *name, json_t **value, struct err *err)
{
	if (!strcmp(name, "alg"))
		return alg_read(r, value, err);
	if (!strcmp(name, "crit"))
		return crit_read(r, value, err);
	if (!strcmp(name, VERIFY_HEADER_SIGNED) ||
		!strcmp(name, VERIFY_HEADER_SIGNED_BY_AUTHORITY) ||
		!strcmp(name, VERIFY_HEADER_EXPIRES))
		return time_read(r, value, err);
	return other_read(r, value, err);
}

static int pair_read(struct cose *c, struct cbor *r, struct err *err)
{
	auto_free char *name = NULL;
	json_t *value = NULL;
	int rc;

	if (label_read(c, r, &name, err))
		return -1;
	rc = value_read(r, name, &value, err);
	if (value)
		json_object_set_new(c->header, name, value);
	return rc;
}

static int header_read(struct cose *c, const struct cbor_item *bytes, struct err *err)
{
	struct cbor r = cbor_of(bytes->data, bytes->n);
	uint64_t n, i;

	if (map_open(&r, &n, "the protected header", err))
		return -1;
	for (i = 0; i < n; i++)
		if (pair_read(c, &r, err))
			return -1;
	if (r.p != r.end)
		return err_set(err, ERR_RETRY, "something follows the protected header");
	return 0;
}

/* ---- what is not signed ---------------------------------------------------------------------- */

static int chain_read(struct cose *c, struct cbor *r, struct err *err)
{
	struct cbor_item list, der;
	uint64_t i;

	if (cbor_next(r, &list, err))
		return -1;
	if (list.kind != CBOR_ARRAY)
		return err_set(err, ERR_RETRY, "its certificates are no list");
	if (verify_envelope_count(list.n, err))
		return -1;
	for (i = 0; i < list.n; i++) {
		if (cbor_next(r, &der, err))
			return -1;
		if (der.kind != CBOR_BYTES)
			return err_set(err, ERR_RETRY, "a certificate is not in bytes");
		if (verify_envelope_cert(c->e, der.data, der.n, err))
			return err_wrap(err, "certificate %llu", (unsigned long long)i + 1);
	}
	return 0;
}

static int timestamp_read(struct cose *c, struct cbor *r, struct err *err)
{
	struct cbor_item token;

	if (cbor_next(r, &token, err))
		return -1;
	if (token.kind != CBOR_BYTES)
		return err_set(err, ERR_RETRY, "'" VERIFY_HEADER_TIMESTAMP "' is not in bytes");
	if (buf_add(&c->e->timestamp, token.data, token.n))
		return err_set(err, ERR_RETRY, "'" VERIFY_HEADER_TIMESTAMP "' is too long");
	return 0;
}

static int beside_read(struct cose *c, struct cbor *r, struct err *err)
{
	auto_free char *chain = int_name(LABEL_CHAIN);
	uint64_t n, i;
	int rc = 0;

	if (map_open(r, &n, "the unprotected header", err))
		return -1;
	for (i = 0; i < n && !rc; i++) {
		auto_free char *name = NULL;

		if (label_read(c, r, &name, err))
			return -1;
		if (!strcmp(name, chain))
			rc = chain_read(c, r, err);
		else if (!strcmp(name, VERIFY_HEADER_TIMESTAMP))
			rc = timestamp_read(c, r, err);
		else
			rc = cbor_skip(r, err);
	}
	return rc;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* A byte string in the shortest form, whatever form it came in (RFC 9052 section 9). The buffer
   has no room for one whose length takes more than two bytes. */
static void bytes_add(struct buf *out, const void *data, size_t n)
{
	if (n < 24) {
		buf_addc(out, (char)(0x40 | n));
	} else if (n <= UINT8_MAX) {
		buf_addc(out, 0x58);
		buf_addc(out, (char)n);
	} else {
		buf_addc(out, 0x59);
		buf_addc(out, (char)(n >> 8));
		buf_addc(out, (char)n);
	}
	buf_add(out, data, n);
}

/* Sig_structure of RFC 9052 section 4.4: an array of four. */
static int signing_make(struct verify_envelope *e, const struct cbor_item *header, struct err *err)
{
	static const char start[] = "\x84\x6aSignature1";

	buf_add(&e->signing, start, sizeof(start) - 1);
	bytes_add(&e->signing, header->data, header->n);
	bytes_add(&e->signing, "", 0);
	bytes_add(&e->signing, buf_str(&e->payload), e->payload.len);
	return buf_over(&e->signing) ? err_set(err, ERR_RETRY, "it is too long") : 0;
}

static int bytes_next(struct cbor *r, struct cbor_item *item, const char *what, struct err *err)
{
	if (cbor_next(r, item, err))
		return -1;
	if (item->kind != CBOR_BYTES || !item->n)
		return err_set(err, ERR_RETRY, "it has no %s", what);
	return 0;
}

static int parts_read(struct cose *c, const char *data, size_t n, struct err *err)
{
	struct cbor r;
	struct cbor_item header, payload, sig;

	if (n < sizeof(START) - 1 || memcmp(data, START, sizeof(START) - 1) != 0)
		return err_set(err, ERR_RETRY, "it does not start as a tagged COSE_Sign1 does");
	r = cbor_of(data + sizeof(START) - 1, n - (sizeof(START) - 1));
	if (bytes_next(&r, &header, "protected header", err) || header_read(c, &header, err) ||
		beside_read(c, &r, err) || bytes_next(&r, &payload, "payload", err) ||
		bytes_next(&r, &sig, "signature", err))
		return -1;
	if (r.p != r.end)
		return err_set(err, ERR_RETRY, "something follows it");
	if (verify_envelope_count(c->e->chain.len, err))
		return -1;
	if (buf_add(&c->e->payload, payload.data, payload.n) ||
		buf_add(&c->e->sig, sig.data, sig.n))
		return err_set(err, ERR_RETRY, "it is too long");
	return signing_make(c->e, &header, err);
}

int verify_cose_open(struct verify_envelope *out, const char *data, size_t n, struct err *err)
{
	auto_json json_t *seen = json_object(), *header = json_object();
	struct cose c = {.e = out, .seen = seen, .header = header};

	verify_envelope_init(out);
	return parts_read(&c, data, n, err) ||
			verify_envelope_check(out, header, NOTARY_SALT_HASH, err)
		? err_wrap(err, "the envelope")
		: 0;
}
