/* Calls of Receivers: the first byte is the type, the second says what stands around the body, the
   rest is the body. It is signed here, so that what is behind a signature is reached too. A verdict
   is one of those that there are, never half of one, and tells nothing of the token. */
#include "hook/read.h"

#include "base/limits.h"
#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define TOKEN "s3cr3t-of-the-receiver"

enum { FILTERED = 1, FORM = 2, OTHER_CONTENT = 4, EVENTS = 8, PACKAGE = 16, UNSIGNED = 32 };

struct around {
	unsigned flags;
	char signature[80], nexus[48];
};

/* size: of out. */
static void mac_write(char *out, size_t size, const char *prefix, const EVP_MD *md,
	const unsigned char *p, size_t n)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int len = 0, i;
	size_t at = strlen(prefix);

	BUG_IF(!HMAC(md, TOKEN, (int)strlen(TOKEN), p, n, mac, &len));
	snprintf(out, size, "%s", prefix);
	for (i = 0; i < len; i++, at += 2)
		snprintf(out + at, size - at, "%02x", mac[i]);
}

static const char *header(void *x, const char *name)
{
	const struct around *a = x;

	if (!strcmp(name, "Content-Type"))
		return a->flags & FORM             ? "application/x-www-form-urlencoded"
			: a->flags & OTHER_CONTENT ? "text/plain; a, application/json"
						   : "application/json; charset=utf-8";
	if (!strcmp(name, "X-Signature") || !strcmp(name, "X-Hub-Signature-256"))
		return a->flags & UNSIGNED ? "sha256=00" : a->signature;
	if (!strcmp(name, "X-Nexus-Webhook-Signature"))
		return a->nexus;
	if (!strcmp(name, "X-GitHub-Event"))
		return a->flags & PACKAGE ? "package" : "ping";
	if (!strcmp(name, "X-Gitlab-Token") || !strcmp(name, "Authorization"))
		return TOKEN;
	return NULL;
}

static void verdict_check(const struct hook_in *in, const struct hook_verdict *v)
{
	const struct hook_push *p;

	BUG_IF(v->status != 200 && v->status != 400 && v->status != 500);
	BUG_IF(!*v->why != (v->status == 200));
	BUG_IF(strstr(v->why, TOKEN) || strstr(v->detail, TOKEN));
	BUG_IF(v->said != HOOK_FIRE && (v->req || v->pushes.len));
	BUG_IF(v->said == HOOK_FIRE && in->filtered != json_is_object(v->req));
	BUG_IF(v->pushes.len > LIMIT_HOOK_PUSHES);
	vec_each (&v->pushes, p)
		BUG_IF(!oci_tag_valid(p->tag, strlen(p->tag)) || !*p->repo.name);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const char *const types[] = {"acr", "bitbucket", "cdevents", "dockerhub", "gcr",
		"generic", "generic-hmac", "generic-oidc", "github", "gitlab", "harbor", "nexus",
		"quay"};
	static const char *const events[] = {"package", NULL};
	struct secret token = {.p = (char *)TOKEN, .len = strlen(TOKEN)};
	struct hook_spec spec = {.token = &token};
	struct hook_verdict v = {0};
	struct around around;
	struct hook_call call = {.header = header, .x = &around};
	struct hook_in in;

	if (size < 2)
		return 0;
	spec.type = hook_type_find(types[data[0] % ARRAY_LEN(types)]);
	around.flags = data[1];
	call.body = (const char *)data + 2;
	call.len = size - 2;
	spec.filtered = around.flags & FILTERED;
	spec.events = around.flags & EVENTS ? events : NULL;
	mac_write(around.signature, sizeof(around.signature), "sha256=", EVP_sha256(), data + 2,
		size - 2);
	mac_write(around.nexus, sizeof(around.nexus), "", EVP_sha1(), data + 2, size - 2);
	hook_in_init(&in, &spec, &call);
	hook_read(&in, &v);
	verdict_check(&in, &v);
	hook_verdict_clear(&v);
	hook_in_clear(&in);
	return 0;
}
