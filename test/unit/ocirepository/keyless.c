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
const char *keyless_push(struct world *w)
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
	return image.manifest_text;
}

void keyless_sign(struct world *w, const char *name)
{
	json_t *o = keyless_case("legacy", name), *m;
	char *payload = mem_strdup(json_string_value(json_object_get(o, "payload")));

	m = json_pack("{s[{sssIs{sOsOsO}}]}", "layers", "digest", signing_digest(payload), "size",
		(json_int_t)strlen(payload), "annotations", "dev.cosignproject.cosign/signature",
		json_object_get(o, "signature"), VERIFY_LEGACY_CERTIFICATE,
		json_object_get(o, "certificate"), VERIFY_LEGACY_LOG_ENTRY,
		json_object_get(o, "entry"));
	signing_blob(w, payload);
	signing_answer(w, mem_printf("/v2/app/manifests/sha256-%s.sig", image.manifest_text + 7),
		json_dumps(m, 0), NULL);
	json_decref(m);
	json_decref(o);
}

void keyless_good(struct world *w)
{
	auto_free char *want =
		mem_printf("verified signature of revision 1.0@%s by '" KEYLESS_SUBJECT_NAME
			   "' of 'https://issuer.example'",
			image.manifest_text);

	ck_assert_msg(!strcmp(world_status(w, "web", "Ready.status"), "True"), "%s",
		world_status(w, "web", "Ready.message"));
	ck_assert_str_eq(world_status(w, "web", "SourceVerified.status"), "True");
	ck_assert_str_eq(world_status(w, "web", "SourceVerified.message"), want);
}

#define FAILED "failed to verify the signature using provider 'cosign keyless': "

void keyless_bad(struct world *w, const char *why)
{
	auto_free char *message = mem_strdup(world_status(w, "web", "SourceVerified.message"));

	ck_assert_str_eq(world_status(w, "web", "SourceVerified.status"), "False");
	ck_assert_str_eq(world_status(w, "web", "SourceVerified.reason"), "VerificationError");
	ck_assert_msg(!strncmp(message, FAILED, strlen(FAILED)), "%s", message);
	ck_assert_msg(strstr(message, why) != NULL, "%s", message);
	ck_assert_str_eq(world_status(w, "web", "Ready.reason"), "VerificationError");
	ck_assert_str_eq(world_status(w, "web", "Ready.message"), message);
}

void keyless_clear(void)
{
	fake_image_clear(&image);
	signing_clear();
	buf_clear(&layer);
}
