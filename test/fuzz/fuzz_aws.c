/* What AWS and what stands in for it answer. The first byte chooses the reader; keys and passwords
   that it takes fit into a header, and what it refuses leaves nothing behind and quotes nothing. */
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "cloud/aws.h"
#include "cloud/aws_profiles.h"
#include "cloud/xml.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* Visible ASCII, and so no line break. */
static void visible(const struct secret *s)
{
	size_t i;

	BUG_IF(s->len > LIMIT_CLOUD_PASSWORD);
	for (i = 0; i < s->len; i++)
		BUG_IF(s->p[i] <= 0x20 || s->p[i] > 0x7e);
}

static void got_keys(int rc, struct cloud_secrets *got, const struct err *err)
{
	BUG_IF(rc && (err->kind != ERR_RETRY || !err->msg[0]));
	BUG_IF(rc && (got->first.len || got->second.len || got->third.len));
	BUG_IF(!rc && (!got->first.len || !got->second.len || got->expires_ms < 0));
	BUG_IF(!rc && strpbrk(got->first.p, ",/= "));
	visible(&got->first);
	visible(&got->second);
	visible(&got->third);
}

static void got_password(int rc, struct cloud_secrets *got, const struct err *err)
{
	const char *colon = got->first.len ? strchr(got->first.p, ':') : NULL;
	size_t i;

	BUG_IF(rc && (err->kind != ERR_RETRY || got->first.len));
	if (rc)
		return;
	BUG_IF(!colon || colon == got->first.p || !colon[1] || strchr(colon + 1, ':'));
	BUG_IF(got->expires_ms < 0);
	for (i = 0; i < got->first.len; i++)
		BUG_IF((unsigned char)got->first.p[i] < 0x20);
}

static void secrets_clear(struct cloud_secrets *got)
{
	secret_clear(&got->first);
	secret_clear(&got->second);
	secret_clear(&got->third);
}

static void one_json(const char *p, size_t n, unsigned which)
{
	struct cloud_secrets got = {.expires_ms = 0};
	struct err err = {0}, hidden = {0};
	auto_json json_t *o = obj_parse_within(p, n, &obj_answer, "x", &hidden);

	if (!o)
		return;
	if (which == 1)
		got_keys(aws_keys_of_json(&got, o, &err), &got, &err);
	else
		got_password(aws_password_of_json(&got, o, which == 3, &err), &got, &err);
	secrets_clear(&got);
}

static void one_xml(const char *p, size_t n)
{
	struct cloud_secrets got = {.expires_ms = 0};
	struct xml_text want[] = {{"a"}, {"a/b"}, {"a/b/c"}};
	struct err err = {0};
	size_t i;

	got_keys(aws_keys_of_xml(&got, p, n, &err), &got, &err);
	secrets_clear(&got);
	err_clear(&err);
	if (xml_read(p, n, want, ARRAY_LEN(want), &err)) {
		BUG_IF(err.kind != ERR_RETRY);
		for (i = 0; i < ARRAY_LEN(want); i++)
			BUG_IF(want[i].found || want[i].text.len);
	}
	/* A child has a parent, and no text is longer than where it comes from. */
	BUG_IF(want[2].found && !want[1].found);
	BUG_IF(want[1].found && !want[0].found);
	for (i = 0; i < ARRAY_LEN(want); i++)
		BUG_IF(want[i].text.len > n);
	xml_texts_clear(want, ARRAY_LEN(want));
}

static void one_refusal(const char *p, size_t n)
{
	struct http_res res = {.status = 400,
		.body = BUF_INIT(BUF_ANY),
		.raw_headers = BUF_INIT(BUF_ANY),
		.scratch = BUF_INIT(BUF_ANY)};
	auto_said struct aws_said said = {NULL, NULL};

	buf_add(&res.body, p, n);
	aws_said_read(&said, &res);
	BUG_IF(!said.code || !said.text || strpbrk(said.code, ":"));
	BUG_IF(aws_is_throttled(&res) && !*said.code);
	buf_clear(&res.body);
	buf_clear(&res.scratch);
}

static void one_profile(const char *p, size_t n)
{
	struct aws_profile profile = {.found = false};
	struct err err = {0};
	int rc;

	aws_profile_add(&profile, p, n / 2, "default", false);
	aws_profile_add(&profile, p + n / 2, n - n / 2, "default", true);
	rc = aws_profile_check(&profile, "default", &err);
	BUG_IF(rc > 0 && (!profile.found || !profile.id.len || !profile.key.len));
	BUG_IF((rc < 0) != (err.kind == ERR_RETRY));
	aws_profile_clear(&profile);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *p = (const char *)data + 1;

	if (!size)
		return 0;
	switch (data[0] % 6) {
	case 0:
		one_xml(p, size - 1);
		break;
	case 4:
		one_refusal(p, size - 1);
		break;
	case 5:
		one_profile(p, size - 1);
		break;
	default:
		one_json(p, size - 1, data[0] % 6);
	}
	return 0;
}
