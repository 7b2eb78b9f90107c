#include "test/unit/ocirepository/keyless.h"

#include "base/mem.h"
#include "test/unit/ocirepository/signing.h"
#include "test/unit/verify/keyless.h"
#include "verify/legacy.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct fake_image image;
static struct buf layer = BUF_INIT(BUF_ANY); /* the registry sends it from here */

char *keyless_root_text(const char *name)
{
	json_t *o = keyless_case("roots", name);
	char *text = json_dumps(o, 0);

	json_decref(o);
	return text;
}

/* The image has to be the one that make-keyless.py has signed. */
const struct fake_image *keyless_push(struct world *w)
{
	auto_free char *digest = vector_text("keyless/", "image", ".digest");
	FILE *f = fopen(VECTORS "keyless/layer.tgz", "rb");
	char part[4096];

	ck_assert(f);
	buf_add(&layer, part, fread(part, 1, sizeof(part), f));
	fclose(f);
	world_push(w, "1.0", &layer, &image);
	ck_assert_msg(!strcmp(image.manifest_text, digest),
		"image.digest is not %s: write it anew, and run make-keyless.py",
		image.manifest_text);
	return &image;
}

char *keyless_layer(const char *name, long long size)
{
	json_t *o = keyless_case("legacy", name), *l;
	const char *payload = json_string_value(json_object_get(o, "payload"));
	char *text;

	l = json_pack("{sssIs{sOsO*sO}}", "digest", signing_digest(payload), "size",
		(json_int_t)(size < 0 ? (long long)strlen(payload) : size), "annotations",
		"dev.cosignproject.cosign/signature", json_object_get(o, "signature"),
		VERIFY_LEGACY_CERTIFICATE, json_object_get(o, "certificate"),
		VERIFY_LEGACY_LOG_ENTRY, json_object_get(o, "entry"));
	text = json_dumps(l, 0);
	json_decref(l);
	json_decref(o);
	return text;
}

char *keyless_payload(const char *name)
{
	json_t *o = keyless_case("legacy", name);
	char *payload = mem_strdup(json_string_value(json_object_get(o, "payload")));

	json_decref(o);
	return payload;
}

void keyless_layers(struct world *w, const char *layers)
{
	signing_answer(w, mem_printf("/v2/app/manifests/sha256-%s.sig", image.manifest_text + 7),
		mem_printf("{\"layers\":[%s]}", layers), NULL);
}

void keyless_sign(struct world *w, const char *name)
{
	auto_free char *one = keyless_layer(name, -1);

	signing_blob(w, keyless_payload(name));
	keyless_layers(w, one);
}

void keyless_good(struct world *w)
{
	auto_free char *want =
		mem_printf("verified signature of revision 1.0@%s by '" KEYLESS_SUBJECT_NAME
			   "' of 'https://issuer.example'",
			image.manifest_text);

	signing_good(w, want);
}

void keyless_bad(struct world *w, const char *why)
{
	signing_bad(w, "cosign keyless", why);
}

void keyless_end(struct world *w)
{
	signing_end(w, &image);
	buf_clear(&layer);
}
