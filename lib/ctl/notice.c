#include "ctl/notice.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/js.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/utf8.h"
#include "ctl/event.h"

#include <string.h>

/* The API of events has 39,000 characters; escaped, each of these may take six bytes, and the rest
   has to fit into LIMIT_NOTICE too. */
#define MESSAGE_MAX 8192
#define PREFIX "event.toolkit.fluxcd.io/"

static void object_write(struct js_w *w, const struct event_about *a)
{
	js_key(w, "involvedObject");
	js_begin(w, '{');
	js_kstr(w, "kind", a->kind);
	js_kstr(w, "namespace", a->ns);
	js_kstr(w, "name", a->name);
	js_kstr(w, "uid", a->uid);
	js_kstr(w, "apiVersion", a->api_version);
	js_kstr(w, "resourceVersion", a->rv);
	js_end(w, '}');
}

/* The metadata comes last: behind it there are two brackets. */
static void metadata_add(struct js_w *w, const char *key, const char *value)
{
	auto_buf struct buf one = BUF_INIT(LIMIT_NOTICE);
	struct js_w member = JS_W(&one);

	js_kstr(&member, key, value);
	if (!buf_over(&one) && w->b->len + one.len + strlen(",}}") <= LIMIT_NOTICE)
		js_raw(w, buf_str(&one), one.len);
}

static void metadata_write(struct js_w *w, const struct notice *n)
{
	const struct event_annotation *note;
	const char *key;
	json_t *v;

	js_key(w, "metadata");
	js_begin(w, '{');
	for (note = n->notes; note && note->key; note++)
		metadata_add(w, note->key, note->value);
	json_object_foreach ((json_t *)(uintptr_t)n->annotations, key, v) {
		const char *value = json_string_value(v);

		/* A NUL would end it early: it is not what its owner wrote. */
		if (!strncmp(key, PREFIX, strlen(PREFIX)) && value &&
			strlen(value) == json_string_length(v))
			metadata_add(w, key, value);
	}
	js_end(w, '}');
}

void notice_write(
	const struct notice *n, const char *component, const char *instance, struct buf *b)
{
	auto_free char *message = utf8_tidy(n->message, MESSAGE_MAX);
	struct js_w w = JS_W(b);
	char now[TIME_TEXT_MAX];

	js_begin(&w, '{');
	object_write(&w, n->about);
	js_kstr(&w, "severity", n->error ? "error" : "info");
	js_kstr(&w, "timestamp", time_format_rfc3339(clock_wall_ms(), now));
	js_kstr(&w, "message", message);
	js_kstr(&w, "reason", n->reason);
	js_kstr(&w, "reportingController", component);
	js_kstr(&w, "reportingInstance", instance);
	metadata_write(&w, n);
	js_end(&w, '}');
}
