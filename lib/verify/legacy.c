#include "verify/legacy.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"

#include <string.h>

#define SIGNATURE "dev.cosignproject.cosign/signature"
#define TIMESTAMP "dev.sigstore.cosign/rfc3161timestamp"

/* ---- the manifest ---------------------------------------------------------------------------- */

/* What goes with a certificate says nothing to who has keys, but a layer in which it is broken is
   no signature: cosign has it so. */
static int extra_check(const json_t *annotations, const char *name, struct err *err)
{
	const char *text = obj_str(annotations, name);
	auto_json json_t *o = NULL;

	if (!obj_get(annotations, name))
		return 0;
	o = obj_parse_within(text ? text : "", text ? strlen(text) : 0, &obj_signed, name, err);
	if (!o)
		return -1;
	return json_is_object(o) ? 0 : err_set(err, ERR_RETRY, "%s is no JSON object", name);
}

static int signature_read(struct verify_legacy_layer *l, const json_t *annotations, struct err *err)
{
	const char *text = obj_str(annotations, SIGNATURE);

	if (!text || !*text)
		return err_set(err, ERR_RETRY, "the layer has no annotation '" SIGNATURE "'");
	if (strlen(text) > LIMIT_SIGNATURE_TEXT)
		return err_set(err, ERR_RETRY, "the signature has %zu characters, more than %llu",
			strlen(text), LIMIT_SIGNATURE_TEXT);
	if (l->size > LIMIT_SIGNATURE_PAYLOAD)
		return err_set(err, ERR_RETRY, "the payload has %llu bytes, more than %llu",
			(unsigned long long)l->size, LIMIT_SIGNATURE_PAYLOAD);
	if (base64_decode(&l->sig, text, strlen(text), BASE64_STD, err))
		return err_wrap(err, "the signature");
	if (extra_check(annotations, VERIFY_LEGACY_LOG_ENTRY, err) ||
		extra_check(annotations, TIMESTAMP, err))
		return -1;
	return 0;
}

static void extras_copy(struct verify_legacy_layer *l, const json_t *annotations)
{
	l->certificate = mem_strdup(obj_str(annotations, VERIFY_LEGACY_CERTIFICATE));
	l->log_entry = mem_strdup(obj_str(annotations, VERIFY_LEGACY_LOG_ENTRY));
}

static int layer_read(struct verify_legacy_layer *l, const json_t *o, struct err *err)
{
	const char *digest = obj_str(o, "digest");
	int64_t size = obj_int(-1, o, "size");
	struct err why = {0};

	if (!digest || size < 0)
		return err_set(err, ERR_RETRY, "a layer has no digest or no size");
	if (digest_parse(&l->digest, digest, err))
		return -1;
	l->size = (uint64_t)size;
	if (signature_read(l, obj_get(o, "annotations"), &why))
		l->why = mem_strdup(why.msg);
	else
		extras_copy(l, obj_get(o, "annotations"));
	return 0;
}

int verify_legacy_read(
	struct verify_legacy_layers *out, const char *data, size_t n, struct err *err)
{
	auto_json json_t *o =
		obj_parse_within(data, n, &obj_manifest, "the manifest of the signatures", err);
	const json_t *layers = obj_get(o, "layers");
	json_t *one;
	size_t i;

	if (!o)
		return -1;
	if (!json_is_array(layers))
		return err_set(err, ERR_RETRY, "the manifest of the signatures has no layers");
	if (json_array_size(layers) > LIMIT_SIGNATURES)
		return err_set(err, ERR_RETRY,
			"the manifest of the signatures has %zu layers, more than %d",
			json_array_size(layers), LIMIT_SIGNATURES);
	json_array_foreach (layers, i, one) {
		struct verify_legacy_layer *l = vec_add(out);

		*l = (struct verify_legacy_layer){.sig = BUF_INIT(LIMIT_SIGNATURE_TEXT)};
		if (layer_read(l, one, err))
			return err_wrap(err, "the manifest of the signatures");
	}
	return 0;
}

void verify_legacy_clear(struct verify_legacy_layers *l)
{
	struct verify_legacy_layer *one;

	vec_each (l, one) {
		buf_clear(&one->sig);
		free(one->why);
		free(one->certificate);
		free(one->log_entry);
	}
	vec_clear(l);
}
