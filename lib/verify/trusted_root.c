#include "verify/trusted_root.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "base/vec.h"
#include "crypto/pubkey.h"
#include "verify/note.h"
#include "verify/plain.h"
#include "verify/protojson.h"

#include <string.h>

#define TYPE "application/vnd.dev.sigstore.trustedroot+json;version=0.1"

/* ---- the messages of sigstore_trustroot.proto ------------------------------------------------ */

static const struct verify_pj_field RANGE[] = {
	{"start", NULL, VERIFY_PJ_STRING}, {"end", NULL, VERIFY_PJ_STRING}, {0}};

static const struct verify_pj_field PUBLIC_KEY[] = {
	{"rawBytes", "raw_bytes", VERIFY_PJ_BYTES},
	{"keyDetails", "key_details", VERIFY_PJ_ENUM},
	{"validFor", "valid_for", VERIFY_PJ_MESSAGE, .fields = RANGE},
	{0},
};

static const struct verify_pj_field LOG_ID[] = {{"keyId", "key_id", VERIFY_PJ_BYTES}, {0}};

static const struct verify_pj_field LOG[] = {
	{"baseUrl", "base_url", VERIFY_PJ_STRING},
	{"hashAlgorithm", "hash_algorithm", VERIFY_PJ_ENUM},
	{"publicKey", "public_key", VERIFY_PJ_MESSAGE, .fields = PUBLIC_KEY},
	{"logId", "log_id", VERIFY_PJ_MESSAGE, .fields = LOG_ID},
	{"checkpointKeyId", "checkpoint_key_id", VERIFY_PJ_MESSAGE, .fields = LOG_ID},
	{"operator", NULL, VERIFY_PJ_STRING},
	{0},
};

static const struct verify_pj_field NAME[] = {{"organization", NULL, VERIFY_PJ_STRING},
	{"commonName", "common_name", VERIFY_PJ_STRING}, {0}};

static const struct verify_pj_field CERTIFICATE[] = {
	{"rawBytes", "raw_bytes", VERIFY_PJ_BYTES}, {0}};

static const struct verify_pj_field CHAIN[] = {
	{"certificates", NULL, VERIFY_PJ_MESSAGE, .many = true, .fields = CERTIFICATE}, {0}};

static const struct verify_pj_field AUTHORITY[] = {
	{"subject", NULL, VERIFY_PJ_MESSAGE, .fields = NAME},
	{"uri", NULL, VERIFY_PJ_STRING},
	{"certChain", "cert_chain", VERIFY_PJ_MESSAGE, .fields = CHAIN},
	{"validFor", "valid_for", VERIFY_PJ_MESSAGE, .fields = RANGE},
	{"operator", NULL, VERIFY_PJ_STRING},
	{0},
};

static const struct verify_pj_field ROOT[] = {
	{"mediaType", "media_type", VERIFY_PJ_STRING},
	{"tlogs", NULL, VERIFY_PJ_MESSAGE, .many = true, .fields = LOG},
	{"certificateAuthorities", "certificate_authorities", VERIFY_PJ_MESSAGE, .many = true,
		.fields = AUTHORITY},
	{"ctlogs", NULL, VERIFY_PJ_MESSAGE, .many = true, .fields = LOG},
	{"timestampAuthorities", "timestamp_authorities", VERIFY_PJ_MESSAGE, .many = true,
		.fields = AUTHORITY},
	{0},
};

/* ---- times ----------------------------------------------------------------------------------- */

static int time_read(int64_t *out, const json_t *range, const char *name, struct err *err)
{
	const json_t *v = range ? verify_pj_get(range, RANGE, name) : NULL;
	char shown[VERIFY_PLAIN_MAX];

	if (!v || !time_parse_rfc3339(json_string_value(v), out, err))
		return 0;
	err_clear(err);
	return err_set(err, ERR_RETRY, "'%s' is no time: '%s'", name,
		verify_plain(json_string_value(v), shown));
}

static int window_read(struct verify_window *w, const json_t *range, struct err *err)
{
	*w = (struct verify_window){INT64_MIN, INT64_MAX};
	return time_read(&w->from, range, "start", err) || time_read(&w->until, range, "end", err)
		? -1
		: 0;
}

/* ---- logs ------------------------------------------------------------------------------------ */

/* PublicKeyDetails of sigstore_common.proto; bits 0: any. */
static const struct {
	const char *name;
	int number;
	enum pubkey_kind kind;
	int bits;
	enum pubkey_form form;
} details[] = {
	{"PKCS1_RSA_PKCS1V5", 1, PUBKEY_RSA, 0, PUBKEY_PKCS1},
	{"PKIX_RSA_PKCS1V5", 3, PUBKEY_RSA, 0, PUBKEY_SPKI},
	{"PKIX_ECDSA_P256_SHA_256", 5, PUBKEY_EC, 256, PUBKEY_SPKI},
	{"PKIX_ED25519", 7, PUBKEY_ED25519, 0, PUBKEY_SPKI},
	{"PKIX_RSA_PKCS1V15_2048_SHA256", 9, PUBKEY_RSA, 2048, PUBKEY_SPKI},
	{"PKIX_RSA_PKCS1V15_3072_SHA256", 10, PUBKEY_RSA, 3072, PUBKEY_SPKI},
	{"PKIX_RSA_PKCS1V15_4096_SHA256", 11, PUBKEY_RSA, 4096, PUBKEY_SPKI},
	{"PKIX_ECDSA_P384_SHA_384", 12, PUBKEY_EC, 384, PUBKEY_SPKI},
	{"PKIX_ECDSA_P521_SHA_512", 13, PUBKEY_EC, 521, PUBKEY_SPKI},
};

static bool enum_is(const json_t *v, const char *name, int number)
{
	return json_is_integer(v) ? json_integer_value(v) == number
				  : !strcmp(json_string_value(v), name);
}

static int key_read(struct verify_log *log, const json_t *o, struct err *err)
{
	const json_t *bytes = o ? verify_pj_get(o, PUBLIC_KEY, "rawBytes") : NULL;
	const json_t *what = o ? verify_pj_get(o, PUBLIC_KEY, "keyDetails") : NULL;
	auto_buf struct buf der = BUF_INIT(LIMIT_PUBLIC_KEY);
	size_t i = 0;

	if (!bytes || !what)
		return err_set(err, ERR_RETRY, "it has no key, or does not say of which kind");
	while (i < ARRAY_LEN(details) && !enum_is(what, details[i].name, details[i].number))
		i++;
	if (i == ARRAY_LEN(details))
		return err_set(err, ERR_RETRY, "its key is of a kind that is not taken");
	if (verify_pj_bytes(bytes, &der, err) ||
		pubkey_parse_der(&log->key, der.p, der.len, details[i].form, err))
		return err_wrap(err, "its key");
	if (pubkey_kind(log->key) != details[i].kind ||
		(details[i].bits && pubkey_bits(log->key) != details[i].bits))
		return err_set(err, ERR_RETRY, "its key is no %s", details[i].name);
	digest_mem(&log->key_digest, DIGEST_SHA256, der.p, der.len);
	if (der.len >= sizeof(log->key_end))
		memcpy(log->key_end, der.p + der.len - sizeof(log->key_end), sizeof(log->key_end));
	return 0;
}

/* Of "https://log.example/path": "log.example". */
static char *host_of(const json_t *url)
{
	const char *text = url ? json_string_value(url) : "", *at = strstr(text, "://");

	at = at ? at + 3 : "";
	return mem_strndup(at, strcspn(at, "/:?#"));
}

static int log_read(struct verify_log *log, const json_t *o, struct err *err)
{
	const json_t *hash = verify_pj_get(o, LOG, "hashAlgorithm");
	const json_t *key = verify_pj_get(o, LOG, "publicKey");
	const json_t *id = verify_pj_get(o, LOG, "logId");
	const json_t *range = key ? verify_pj_get(key, PUBLIC_KEY, "validFor") : NULL;
	auto_buf struct buf bytes = BUF_INIT(VERIFY_LOG_ID_MAX);

	log->host = host_of(verify_pj_get(o, LOG, "baseUrl"));
	id = id ? verify_pj_get(id, LOG_ID, "keyId") : NULL;
	if (!hash || !enum_is(hash, "SHA2_256", 1))
		return err_set(err, ERR_RETRY, "its hash is not SHA2_256");
	if (verify_pj_bytes(id, &bytes, err) || !bytes.len) {
		err_clear(err);
		return err_set(err, ERR_RETRY, "its logId is none");
	}
	memcpy(log->id, bytes.p, bytes.len);
	log->id_len = bytes.len;
	if (key_read(log, key, err))
		return -1;
	if (!range || !verify_pj_get(range, RANGE, "start"))
		return err_set(err, ERR_RETRY, "its key does not say from when on it is valid");
	return window_read(&log->valid, range, err);
}

static int logs_read(struct verify_logs *out, const json_t *root, const char *name, struct err *err)
{
	const json_t *list = verify_pj_get(root, ROOT, name);
	json_t *one;
	size_t i;

	if (json_array_size(list) > LIMIT_TRUSTED_LOGS)
		return err_set(err, ERR_RETRY, "it has %zu %s, more than %d", json_array_size(list),
			name, LIMIT_TRUSTED_LOGS);
	json_array_foreach (list, i, one) {
		struct verify_log *log = vec_add(out);

		*log = (struct verify_log){0};
		if (log_read(log, one, err))
			return err_wrap(err, "%s[%zu]", name, i);
	}
	return 0;
}

/* Version 1 goes by the hash of its key, version 2 by what it signs notes as. */
static bool is_misnamed(const struct verify_log *log)
{
	struct digest id;

	if (log->id_len == 32 && !memcmp(log->id, log->key_digest.bin, 32))
		return false;
	return !verify_note_key_id(&id, log) || log->id_len != 32 || memcmp(log->id, id.bin, 32);
}

static void names_check(struct verify_root *root, const struct verify_logs *logs, const char *name)
{
	const struct verify_log *one;

	vec_each (logs, one)
		if (!root->misnamed && is_misnamed(one))
			root->misnamed = mem_printf("%s[%zu]", name, (size_t)(one - logs->p));
}

static void logs_clear(struct verify_logs *logs)
{
	struct verify_log *one;

	vec_each (logs, one) {
		pubkey_free(one->key);
		free(one->host);
	}
	vec_clear(logs);
}

const struct verify_log *verify_logs_find(
	const struct verify_logs *logs, const void *id, size_t n, int64_t ms)
{
	const struct verify_log *one, *found = NULL;

	vec_each (logs, one)
		if (one->id_len == n && !memcmp(one->id, id, n) &&
			(!found || verify_window_has(&one->valid, ms)))
			found = one;
	return found;
}

/* ---- authorities ----------------------------------------------------------------------------- */

static int cert_add(struct verify_authority *a, const json_t *o, struct err *err)
{
	const json_t *v = verify_pj_get(o, CERTIFICATE, "rawBytes");
	auto_buf struct buf der = BUF_INIT(LIMIT_CERTIFICATE);
	struct cert *c = NULL;

	if (!v)
		return err_set(err, ERR_RETRY, "it is empty");
	if (verify_pj_bytes(v, &der, err) || cert_parse_der(&c, der.p, der.len, err))
		return -1;
	a->certs[a->len++] = c;
	return 0;
}

static int authority_read(struct verify_authority *a, const json_t *o, struct err *err)
{
	const json_t *list = verify_pj_get(o, AUTHORITY, "certChain");
	json_t *one;
	size_t i;

	list = list ? verify_pj_get(list, CHAIN, "certificates") : NULL;
	if (!json_array_size(list) || json_array_size(list) > CERT_CHAIN_MAX)
		return err_set(err, ERR_RETRY, "it has %zu certificates; 1 to %d are taken",
			json_array_size(list), CERT_CHAIN_MAX);
	json_array_foreach (list, i, one)
		if (cert_add(a, one, err))
			return err_wrap(err, "certificate %zu", i);
	return window_read(&a->valid, verify_pj_get(o, AUTHORITY, "validFor"), err);
}

static int authorities_read(
	struct verify_authorities *out, const json_t *root, const char *name, struct err *err)
{
	const json_t *list = verify_pj_get(root, ROOT, name);
	json_t *one;
	size_t i;

	if (json_array_size(list) > LIMIT_TRUSTED_AUTHORITIES)
		return err_set(err, ERR_RETRY, "it has %zu %s, more than %d", json_array_size(list),
			name, LIMIT_TRUSTED_AUTHORITIES);
	json_array_foreach (list, i, one) {
		struct verify_authority *a = vec_add(out);

		*a = (struct verify_authority){0};
		if (authority_read(a, one, err))
			return err_wrap(err, "%s[%zu]", name, i);
	}
	return 0;
}

static void authorities_clear(struct verify_authorities *all)
{
	struct verify_authority *one;
	size_t i;

	vec_each (all, one)
		for (i = 0; i < one->len; i++)
			cert_free((struct cert *)(uintptr_t)one->certs[i]);
	vec_clear(all);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int root_fill(struct verify_root *root, const json_t *o, struct err *err)
{
	char shown[VERIFY_PLAIN_MAX];
	const json_t *type;

	if (verify_pj_check(o, ROOT, "trusted root", err))
		return -1;
	type = verify_pj_get(o, ROOT, "mediaType");
	if (!type || strcmp(json_string_value(type), TYPE) != 0)
		return err_set(err, ERR_RETRY, "its media type is '%s', not '" TYPE "'",
			verify_plain(type ? json_string_value(type) : "", shown));
	return logs_read(&root->tlogs, o, "tlogs", err) ||
			logs_read(&root->ctlogs, o, "ctlogs", err) ||
			authorities_read(&root->authorities, o, "certificateAuthorities", err) ||
			authorities_read(&root->timestamps, o, "timestampAuthorities", err)
		? -1
		: 0;
}

int verify_root_parse(struct verify_root **out, const char *text, size_t n, struct err *err)
{
	auto_json json_t *o = NULL;
	struct verify_root *root;

	if (n > LIMIT_TRUSTED_ROOT)
		return err_set(
			err, ERR_RETRY, "it has %zu bytes, more than %llu", n, LIMIT_TRUSTED_ROOT);
	o = obj_parse_within(text, n, &obj_signed, "the trusted root", err);
	if (!o)
		return -1;
	root = NEW(struct verify_root);
	root->refs = 1;
	root->size = sizeof(*root) + 2 * n;
	digest_mem(&root->digest, DIGEST_SHA256, text, n);
	if (root_fill(root, o, err)) {
		verify_root_unref(root);
		return -1;
	}
	names_check(root, &root->tlogs, "tlogs");
	names_check(root, &root->ctlogs, "ctlogs");
	*out = root;
	return 0;
}

int verify_root_read(struct verify_root **out, const json_t *secret, struct err *err)
{
	const char *text = obj_str(secret, "data", VERIFY_ROOT_ENTRY);
	auto_buf struct buf plain = BUF_INIT(LIMIT_TRUSTED_ROOT + 3);

	if (!text)
		return err_set(err, ERR_RETRY, "it has no entry '" VERIFY_ROOT_ENTRY "'");
	if (base64_decode(&plain, text, strlen(text), BASE64_NEWLINES, err) ||
		verify_root_parse(out, buf_str(&plain), plain.len, err))
		return err_wrap(err, "key '" VERIFY_ROOT_ENTRY "'");
	return 0;
}

struct verify_root *verify_root_ref(struct verify_root *root)
{
	if (root)
		root->refs++;
	return root;
}

void verify_root_unref(struct verify_root *root)
{
	if (!root || --root->refs)
		return;
	logs_clear(&root->tlogs);
	logs_clear(&root->ctlogs);
	authorities_clear(&root->authorities);
	authorities_clear(&root->timestamps);
	free(root->misnamed);
	free(root);
}
