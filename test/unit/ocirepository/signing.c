#include "test/unit/ocirepository/signing.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/vec.h"
#include "oci/manifest.h"
#include "test/unit/verify/vectors.h"

#include <string.h>

static VEC(char *) kept_texts;

char *signing_keep(char *text)
{
	*vec_add(&kept_texts) = text;
	return text;
}

void signing_trust(struct world *w, const char *key)
{
	auto_free char *pem = vector_text("keys/", key, ".pub");
	json_t *o = json_pack("{s{ssss}}", "metadata", "name", "trust", "namespace", "apps");
	auto_free char *text = NULL;

	vector_entry(o, "cosign.pub", pem);
	text = json_dumps(o, 0);
	fake_kube_put(w->kube, "secrets", text);
	json_decref(o);
}

struct fake_answer *signing_answer(struct world *w, char *path, char *body, const char *headers)
{
	struct fake_answer *a = fake_on(w->reg, "GET", signing_keep(path));

	a->body = signing_keep(body);
	a->headers = headers;
	return a;
}

char *signing_digest(const char *text)
{
	char out[DIGEST_TEXT_MAX];
	struct digest d;

	digest_mem(&d, DIGEST_SHA256, text, strlen(text));
	return signing_keep(mem_strdup(digest_format(&d, out)));
}

struct fake_answer *signing_blob(struct world *w, char *text)
{
	return signing_answer(w, mem_printf("/v2/app/blobs/%s", signing_digest(text)), text, NULL);
}

char *signing_payload(const struct fake_image *of)
{
	return mem_printf("{\"critical\":{\"identity\":{\"docker-reference\":\"\"},\"image\":{"
			  "\"docker-manifest-digest\":\"%s\"},\"type\":\"cosign container image "
			  "signature\"},\"optional\":null}",
		of->manifest_text);
}

struct fake_answer *signing_sign(
	struct world *w, const struct fake_image *of, const struct fake_image *at)
{
	auto_buf struct buf sig = BUF_INIT(BUF_ANY), text = BUF_INIT(BUF_ANY);
	char *payload = signing_payload(of);

	vector_sign(&sig, payload, strlen(payload));
	base64_encode(&text, sig.p, sig.len, BASE64_STD);
	signing_blob(w, payload);
	return signing_answer(w,
		mem_printf("/v2/app/manifests/sha256-%s.sig", at->manifest_text + 7),
		mem_printf("{\"schemaVersion\":2,\"layers\":[{\"digest\":\"%s\",\"size\":%zu,"
			   "\"annotations\":{\"dev.cosignproject.cosign/signature\":\"%s\"}}]}",
			signing_digest(payload), strlen(payload), buf_str(&text)),
		NULL);
}

struct fake_answer *signing_list(
	struct world *w, const struct fake_image *of, const char *entries, bool tag)
{
	return signing_answer(w,
		tag ? mem_printf("/v2/app/manifests/sha256-%s", of->manifest_text + 7)
		    : mem_printf("/v2/app/referrers/%s", of->manifest_text),
		mem_printf("{\"schemaVersion\":2,\"manifests\":[%s]}", entries),
		"Content-Type: " OCI_TYPE_INDEX "\r\n");
}

void signing_clear(void)
{
	char **text;

	vec_each (&kept_texts, text)
		free(*text);
	vec_clear(&kept_texts);
}

/* ---- a world --------------------------------------------------------------------------------- */

void signing_start(struct world *w)
{
	world_start(w);
	world_settle(w);
}

bool signing_asked(struct world *w, const char *what)
{
	return strstr(fake_log(w->reg), what) != NULL;
}

void signing_end(struct world *w, struct fake_image *image)
{
	fake_image_clear(image);
	world_clear(w);
	signing_clear();
}

void signing_good(struct world *w, const char *message)
{
	ck_assert_msg(!strcmp(world_status(w, "web", "Ready.status"), "True"), "%s",
		world_status(w, "web", "Ready.message"));
	ck_assert_str_eq(world_status(w, "web", "SourceVerified.status"), "True");
	ck_assert_str_eq(world_status(w, "web", "SourceVerified.reason"), "Succeeded");
	if (message)
		ck_assert_str_eq(world_status(w, "web", "SourceVerified.message"), message);
}

void signing_bad(struct world *w, const char *provider, const char *why)
{
	auto_free char *message = mem_strdup(world_status(w, "web", "SourceVerified.message"));
	auto_free char *start =
		mem_printf("failed to verify the signature using provider '%s': ", provider);

	ck_assert_str_eq(world_status(w, "web", "SourceVerified.status"), "False");
	ck_assert_str_eq(world_status(w, "web", "SourceVerified.reason"), "VerificationError");
	ck_assert_msg(!strncmp(message, start, strlen(start)), "%s", message);
	ck_assert_msg(strstr(message, why) != NULL, "%s", message);
	ck_assert_str_eq(world_status(w, "web", "Ready.status"), "False");
	ck_assert_str_eq(world_status(w, "web", "Ready.reason"), "VerificationError");
	ck_assert_str_eq(world_status(w, "web", "Ready.message"), message);
	ck_assert_str_eq(world_status(w, "web", "FetchFailed.status"), "");
}
