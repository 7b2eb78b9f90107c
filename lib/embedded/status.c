#include "embedded/status.h"

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

static int fill(struct emb_status *st, int code, const char *reason, const struct emb_kind *kind,
	const char *name, const char *fmt, va_list ap)
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
	rc = fill(st, code, reason, kind, name, fmt, ap);
	va_end(ap);
	return rc;
}

int emb_bad_request(struct emb_status *st, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = fill(st, 400, "BadRequest", NULL, NULL, fmt, ap);
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
	va_list ap;

	if (json_array_size(c->list) >= LIMIT_EMBEDDED_CAUSES)
		return;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (!c->list)
		c->list = json_array();
	/* A value that is quoted in the message may be cut inside a character when it is over the limit. */
	json_array_append_new(c->list,
		json_pack("{s:s, s:o, s:s}", "reason", reason, "message",
			buf_over(&text) ? json_string("Invalid value")
					: json_string(buf_str(&text)),
			"field", field));
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

/* details.kind is the resource's plural for most reasons, the kind itself for Invalid: as the API server has it. */
static json_t *details(const struct emb_status *st)
{
	json_t *d;

	if (!st->kind && !st->name && !st->causes)
		return NULL;
	d = json_object();
	if (st->name && st->name[0])
		json_object_set_new(d, "name", json_string(st->name));
	if (st->kind) {
		if (st->kind->group[0])
			json_object_set_new(d, "group", json_string(st->kind->group));
		json_object_set_new(d, "kind",
			json_string(st->code == 422 ? st->kind->kind : st->kind->plural));
	}
	if (st->causes)
		json_object_set(d, "causes", st->causes);
	return d;
}

json_t *emb_status_json(const struct emb_status *st)
{
	json_t *d = details(st);
	json_t *o = json_pack("{s:s, s:s, s:{}, s:s, s:s?, s:s, s:o*, s:i}", "kind", "Status",
		"apiVersion", "v1", "metadata", "status", "Failure", "message",
		buf_str(&st->message), "reason", st->reason, "details", d, "code", st->code);

	if (o)
		return o;
	/* The message held bytes that are no UTF-8 (a cut value, a foreign name). */
	return json_pack("{s:s, s:s, s:{}, s:s, s:s, s:s, s:i}", "kind", "Status", "apiVersion",
		"v1", "metadata", "status", "Failure", "message", st->reason, "reason", st->reason,
		"code", st->code);
}

void emb_status_write(const struct emb_status *st, struct buf *out)
{
	auto_json json_t *o = emb_status_json(st);

	obj_write(o, out);
}

json_t *emb_success_json(const struct emb_kind *kind, const char *name, const char *uid)
{
	json_t *d = json_pack("{s:s, s:s, s:s*}", "name", name, "kind", kind->plural, "uid", uid);

	if (kind->group[0])
		json_object_set_new(d, "group", json_string(kind->group));
	return json_pack("{s:s, s:s, s:{}, s:s, s:o}", "kind", "Status", "apiVersion", "v1",
		"metadata", "status", "Success", "details", d);
}
