#include "embedded/status.h"

#include "base/js.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "embedded/kind.h"

#include <stdarg.h>
#include <string.h>

void emb_status_init(struct emb_status *st)
{
	*st = EMB_STATUS_INIT;
}

void emb_status_clear(struct emb_status *st)
{
	buf_clear(&st->message);
	free(st->name);
	json_decref(st->causes);
	emb_status_init(st);
}

__attribute__((format(printf, 6, 0))) static int status_fill(struct emb_status *st, int code,
	const char *reason, const struct emb_kind *kind, const char *name, const char *fmt,
	va_list ap)
{
	if (st->code)
		return -1;
	st->code = code;
	st->reason = reason;
	st->kind = kind;
	st->name = mem_strdup(name);
	buf_vaddf(&st->message, fmt, ap);
	return -1;
}

int emb_status_set(struct emb_status *st, int code, const char *reason, const struct emb_kind *kind,
	const char *name, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = status_fill(st, code, reason, kind, name, fmt, ap);
	va_end(ap);
	return rc;
}

int emb_bad_request(struct emb_status *st, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = status_fill(st, 400, "BadRequest", NULL, NULL, fmt, ap);
	va_end(ap);
	return rc;
}

int emb_not_found(struct emb_status *st, const struct emb_kind *kind, const char *name)
{
	return emb_status_set(
		st, 404, "NotFound", kind, name, "%s \"%s\" not found", kind->resource, name);
}

int emb_conflict(
	struct emb_status *st, const struct emb_kind *kind, const char *name, const char *why)
{
	return emb_status_set(st, 409, "Conflict", kind, name,
		"Operation cannot be fulfilled on %s \"%s\": %s", kind->resource, name, why);
}

int emb_internal(struct emb_status *st, const struct err *err)
{
	return emb_status_set(
		st, 500, "InternalError", NULL, NULL, "Internal error occurred: %s", err->msg);
}

void emb_causes_clear(struct emb_causes *c)
{
	json_decref(c->list);
	c->list = NULL;
}

void emb_cause(struct emb_causes *c, const char *reason, const char *field, const char *fmt, ...)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_EMBEDDED_MESSAGE);
	json_t *message, *where;
	va_list ap;

	if (json_array_size(c->list) >= LIMIT_EMBEDDED_CAUSES)
		return;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (!c->list)
		c->list = json_array();
	/*
	 * A text that is over the limit, or was cut inside a character, is replaced: the cause
	 * itself must not get lost.
	 */
	message = buf_over(&text) ? NULL : json_string(buf_str(&text));
	where = json_string(field);
	json_array_append_new(c->list,
		json_pack("{s:s, s:o, s:o}", "reason", reason, "message",
			message ? message : json_string("Invalid value"), "field",
			where ? where : json_string("")));
}

int emb_invalid(
	struct emb_status *st, const struct emb_kind *kind, const char *name, struct emb_causes *c)
{
	size_t i, n = json_array_size(c->list);
	auto_buf struct buf text = BUF_INIT(LIMIT_EMBEDDED_MESSAGE);

	if (!n)
		return 0;
	for (i = 0; i < n; i++) {
		const json_t *one = json_array_get(c->list, i);

		buf_addf(&text, "%s%s: %s", i ? ", " : "", obj_str_or("", one, "field"),
			obj_str_or("", one, "message"));
	}
	if (buf_over(&text)) {
		buf_reset(&text);
		buf_addf(&text, "%zu fields", n);
	}
	emb_status_set(st, 422, "Invalid", kind, name,
		n > 1 ? "%s \"%s\" is invalid: [%s]" : "%s \"%s\" is invalid: %s", kind->group_kind,
		name ? name : "", buf_str(&text));
	if (!st->causes)
		st->causes = MOVE(c->list);
	return -1;
}

/* details.kind is the resource's plural for most reasons, the kind itself for Invalid: as the API
   server has it. */
static void status_details(const struct emb_status *st, struct js_w *w)
{
	if (!st->kind && !st->name && !st->causes)
		return;
	js_key(w, "details");
	js_begin(w, '{');
	if (st->name && st->name[0])
		js_kstr(w, "name", st->name);
	if (st->kind) {
		if (st->kind->group[0])
			js_kstr(w, "group", st->kind->group);
		js_kstr(w, "kind", st->code == 422 ? st->kind->kind : st->kind->plural);
	}
	js_kobj(w, "causes", st->causes);
	js_end(w, '}');
}

/*
 * Goes through the writer, not through a tree: a message may hold a piece of a foreign text that
 * was cut inside a character. The writer mends that; jansson would refuse the string.
 */
void emb_status_write(const struct emb_status *st, struct buf *out)
{
	struct js_w w = JS_W(out);

	js_begin(&w, '{');
	js_kstr(&w, "kind", "Status");
	js_kstr(&w, "apiVersion", "v1");
	js_key(&w, "metadata");
	js_raw(&w, "{}", 2);
	js_kstr(&w, "status", "Failure");
	js_kstr(&w, "message", buf_str(&st->message));
	if (st->reason[0])
		js_kstr(&w, "reason", st->reason);
	status_details(st, &w);
	js_kint(&w, "code", st->code);
	js_end(&w, '}');
}

json_t *emb_success_json(const struct emb_kind *kind, const char *name, const char *uid)
{
	json_t *d = json_pack("{s:s, s:s, s:s*}", "name", name, "kind", kind->plural, "uid", uid);

	if (kind->group[0])
		json_object_set_new(d, "group", json_string(kind->group));
	return json_pack("{s:s, s:s, s:{}, s:s, s:o}", "kind", "Status", "apiVersion", "v1",
		"metadata", "status", "Success", "details", d);
}
