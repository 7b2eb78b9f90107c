/* Types of registries whose body has to be what they send. */
#include "base/base64.h"
#include "base/limits.h"
#include "base/obj.h"
#include "hook/how.h"
#include "hook/push.h"
#include "hook/read.h"
#include "hook/shape.h"

#include <string.h>

static bool shape_ok(struct hook_in *in, const struct hook_shape *shape, struct hook_verdict *v)
{
	const json_t *json = hook_json(in);

	if (json && hook_shape_fits(json, shape))
		return true;
	hook_say(v, HOOK_BAD,
		in->body.len ? "the body is not what this type of receiver is sent"
			     : "there is no body: this type of receiver needs one, '{}' is enough");
	return false;
}

static void dockerhub_read(struct hook_in *in, struct hook_verdict *v)
{
	static const struct hook_shape push[] = {{"tag", HOOK_TEXT}, {NULL}};
	static const struct hook_shape repository[] = {{"repo_url", HOOK_TEXT}, {NULL}};
	static const struct hook_shape body[] = {
		{"push_data", HOOK_OBJECT, push}, {"repository", HOOK_OBJECT, repository}, {NULL}};

	if (shape_ok(in, body, v))
		hook_push_dockerhub(v, hook_json(in));
}

static void quay_read(struct hook_in *in, struct hook_verdict *v)
{
	static const struct hook_shape body[] = {
		{"docker_url", HOOK_TEXT}, {"updated_tags", HOOK_TEXTS}, {NULL}};

	if (shape_ok(in, body, v))
		hook_push_quay(v, hook_json(in));
}

static void acr_read(struct hook_in *in, struct hook_verdict *v)
{
	static const struct hook_shape target[] = {
		{"repository", HOOK_TEXT}, {"tag", HOOK_TEXT}, {NULL}};
	static const struct hook_shape body[] = {
		{"action", HOOK_TEXT}, {"target", HOOK_OBJECT, target}, {NULL}};

	if (shape_ok(in, body, v))
		hook_push_acr(v, hook_json(in));
}

/* ---- gcr: what Pub/Sub brings ---------------------------------------------------------------- */

/* The event in message.data; NULL: there is none. */
static json_t *event_open(const json_t *envelope)
{
	const char *data = hook_text(hook_member(envelope, "message"), "data");
	auto_buf struct buf text = BUF_INIT(strlen(data) + 3);
	struct err ignored = {0};
	json_error_t at;

	if (base64_decode(&text, data, strlen(data), BASE64_STD | BASE64_NEWLINES, &ignored) ||
		obj_measure(buf_str(&text), text.len, &obj_answer, "the event", &ignored))
		return NULL;
	return json_loadb(buf_str(&text), text.len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &at);
}

static void gcr_read(struct hook_in *in, struct hook_verdict *v)
{
	static const struct hook_shape message[] = {{"data", HOOK_TEXT}, {"messageId", HOOK_TEXT},
		{"publishTime", HOOK_TIME}, {"subscription", HOOK_TEXT}, {NULL}};
	static const struct hook_shape body[] = {{"message", HOOK_OBJECT, message}, {NULL}};
	static const struct hook_shape event[] = {
		{"action", HOOK_TEXT}, {"digest", HOOK_TEXT}, {"tag", HOOK_TEXT}, {NULL}};
	auto_json json_t *got = NULL;

	if (!shape_ok(in, body, v))
		return;
	got = event_open(hook_json(in));
	if (!got || !hook_shape_fits(got, event)) {
		hook_say(v, HOOK_BAD, "the message holds no event of the registry");
		return;
	}
	hook_push_gcr(v, got);
	/* Without a content type that says JSON, filters see nothing of it. */
	if (hook_is_json(in))
		v->req = json_pack("{s:s, s:s, s:s}", "action", hook_text(got, "action"), "digest",
			hook_text(got, "digest"), "tag", hook_text(got, "tag"));
}

const struct hook_how hook_dockerhub = {dockerhub_read};
const struct hook_how hook_quay = {quay_read};
const struct hook_how hook_acr = {acr_read};
const struct hook_how hook_gcr = {gcr_read};
