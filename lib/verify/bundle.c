#include "verify/bundle.h"

#include "base/limits.h"
#include "base/obj.h"
#include "verify/bundle_entry.h"
#include "verify/dsse.h"
#include "verify/plain.h"
#include "verify/protojson.h"

#include <string.h>

/* ---- the messages of sigstore_bundle.proto, _common.proto and _rekor.proto ------------------- */

static const struct verify_pj_field CERTIFICATE[] = {
	{"rawBytes", "raw_bytes", VERIFY_PJ_BYTES}, {0}};

static const struct verify_pj_field CHAIN[] = {
	{"certificates", NULL, VERIFY_PJ_MESSAGE, .many = true, .fields = CERTIFICATE}, {0}};

static const struct verify_pj_field PUBLIC_KEY[] = {{"hint", NULL, VERIFY_PJ_STRING}, {0}};

static const struct verify_pj_field MATERIAL[] = {
	{"publicKey", "public_key", VERIFY_PJ_MESSAGE, .one_of = 1, .fields = PUBLIC_KEY},
	{"x509CertificateChain", "x509_certificate_chain", VERIFY_PJ_MESSAGE, .one_of = 1,
		.fields = CHAIN},
	{"certificate", NULL, VERIFY_PJ_MESSAGE, .one_of = 1, .fields = CERTIFICATE},
	{"tlogEntries", "tlog_entries", VERIFY_PJ_MESSAGE, .many = true,
		.fields = verify_bundle_entry_fields},
	{"timestampVerificationData", "timestamp_verification_data", VERIFY_PJ_MESSAGE,
		.fields = verify_bundle_times_fields},
	{0},
};

static const struct verify_pj_field HASH[] = {
	{"algorithm", NULL, VERIFY_PJ_ENUM}, {"digest", NULL, VERIFY_PJ_BYTES}, {0}};

static const struct verify_pj_field MESSAGE[] = {
	{"messageDigest", "message_digest", VERIFY_PJ_MESSAGE, .fields = HASH},
	{"signature", NULL, VERIFY_PJ_BYTES},
	{0},
};

static const struct verify_pj_field BUNDLE[] = {
	{"mediaType", "media_type", VERIFY_PJ_STRING},
	{"verificationMaterial", "verification_material", VERIFY_PJ_MESSAGE, .fields = MATERIAL},
	{"messageSignature", "message_signature", VERIFY_PJ_MESSAGE, .one_of = 1,
		.fields = MESSAGE},
	{"dsseEnvelope", "dsse_envelope", VERIFY_PJ_MESSAGE, .one_of = 1,
		.fields = verify_dsse_fields},
	{0},
};

/* ---- the image that holds it ----------------------------------------------------------------- */

/* Nobody has to say whose it is, but who does must not lie. */
static int subject_check(const json_t *o, const struct digest *manifest, struct err *err)
{
	const json_t *subject = obj_get(o, "subject");
	char want[DIGEST_TEXT_MAX], shown[VERIFY_PLAIN_MAX];

	if (!subject || json_is_null(subject) ||
		!strcmp(obj_str_or("", subject, "digest"), digest_format(manifest, want)))
		return 0;
	return err_set(err, ERR_RETRY, "its subject is '%s', not '%s'",
		verify_plain(obj_str(subject, "digest"), shown), want);
}

int verify_bundle_blob(const char *data, size_t n, const struct digest *manifest,
	struct digest *blob, uint64_t *size, struct err *err)
{
	auto_json json_t *o =
		obj_parse_within(data, n, &obj_manifest, "the manifest of a bundle", err);
	const json_t *layers = obj_get(o, "layers"), *layer = json_array_get(layers, 0);
	const char *type = obj_str_or("", layer, "mediaType");
	int64_t bytes = obj_int(-1, layer, "size");
	char shown[VERIFY_PLAIN_MAX];

	if (!o)
		return -1;
	if (json_array_size(layers) != 1)
		return err_set(
			err, ERR_RETRY, "it has %zu layers, not one", json_array_size(layers));
	if (strncmp(type, VERIFY_BUNDLE_TYPE, strlen(VERIFY_BUNDLE_TYPE)) != 0)
		return err_set(err, ERR_RETRY, "its layer is of the type '%s': no bundle",
			verify_plain(type, shown));
	if (subject_check(o, manifest, err))
		return -1;
	if (bytes < 0)
		return err_set(err, ERR_RETRY, "its layer has no size");
	*size = (uint64_t)bytes;
	return digest_parse(blob, obj_str_or("", layer, "digest"), err);
}

/* ---- what is a bundle ------------------------------------------------------------------------ */

/* "0.3", or "0.3." and a number. */
static bool version_ok(const char *text, size_t n)
{
	size_t i;

	if (n < 3 || strncmp(text, "0.3", 3) != 0)
		return false;
	if (n == 3)
		return true;
	for (i = 4; i < n; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return text[3] == '.' && n > 4;
}

static bool type_ok(const char *type)
{
	static const char dotted[] = VERIFY_BUNDLE_TYPE ".v",
			  old[] = VERIFY_BUNDLE_TYPE "+json;version=", json[] = "+json";
	size_t n = strlen(type), tail = sizeof(json) - 1;

	if (!strncmp(type, old, sizeof(old) - 1))
		return version_ok(type + sizeof(old) - 1, n - (sizeof(old) - 1));
	if (strncmp(type, dotted, sizeof(dotted) - 1) != 0 || n < sizeof(dotted) - 1 + tail ||
		strcmp(type + n - tail, json) != 0)
		return false;
	return version_ok(type + sizeof(dotted) - 1, n - (sizeof(dotted) - 1) - tail);
}

static int material_check(struct verify_bundle *b, const json_t *material, struct err *err)
{
	const json_t *entries = verify_pj_get(material, MATERIAL, "tlogEntries");
	const json_t *times = verify_pj_get(material, MATERIAL, "timestampVerificationData");
	const json_t *certificate = verify_pj_get(material, MATERIAL, "certificate");

	if (verify_pj_get(material, MATERIAL, "x509CertificateChain"))
		return err_set(err, ERR_RETRY,
			"it has a chain of certificates, which version 0.3 does not have");
	b->key = verify_pj_get(material, MATERIAL, "publicKey");
	if (!b->key &&
		(!certificate ||
			!json_string_length(verify_pj_get(certificate, CERTIFICATE, "rawBytes"))))
		return err_set(err, ERR_RETRY, "it has neither a key nor a certificate");
	if (verify_bundle_entries_check(entries, err))
		return -1;
	b->certificate = b->key ? NULL : verify_pj_get(certificate, CERTIFICATE, "rawBytes");
	b->entries = entries;
	b->log_entries = json_array_size(entries);
	b->times = times ? verify_bundle_times(times) : NULL;
	b->timestamps = json_array_size(b->times);
	return 0;
}

static int bundle_check(struct verify_bundle *b, struct err *err)
{
	const json_t *type, *material;
	char shown[VERIFY_PLAIN_MAX];

	if (verify_pj_check(b->root, BUNDLE, "bundle", err))
		return -1;
	type = verify_pj_get(b->root, BUNDLE, "mediaType");
	material = verify_pj_get(b->root, BUNDLE, "verificationMaterial");
	b->envelope = verify_pj_get(b->root, BUNDLE, "dsseEnvelope");
	if (!type || !type_ok(json_string_value(type)))
		return err_set(err, ERR_RETRY,
			"its media type is '%s': bundles of version 0.3 are taken",
			verify_plain(json_string_value(type), shown));
	if (!b->envelope && !verify_pj_get(b->root, BUNDLE, "messageSignature"))
		return err_set(err, ERR_RETRY, "it has no signature");
	return material_check(b, material, err);
}

int verify_bundle_parse(struct verify_bundle *b, const char *data, size_t n, struct err *err)
{
	b->root = obj_parse_within(data, n, &obj_signed, "the bundle", err);
	if (!b->root)
		return -1;
	if (!bundle_check(b, err))
		return 0;
	verify_bundle_clear(b);
	return err_wrap(err, "the bundle");
}

void verify_bundle_clear(struct verify_bundle *b)
{
	json_decref(b->root);
	*b = (struct verify_bundle){0};
}
