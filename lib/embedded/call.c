#include "embedded/call.h"

#include "base/js.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "embedded/duplicates.h"
#include "embedded/json_patch.h"
#include "embedded/kind.h"
#include "embedded/objects.h"
#include "embedded/patch.h"
#include "embedded/protobuf.h"
#include "kube/selector.h"

#include <string.h>

struct emb_call *emb_call_new(void)
{
	struct emb_call *c = NEW(struct emb_call);

	buf_init(&c->body, LIMIT_REQUEST_BODY);
	buf_init(&c->out, LIMIT_KUBE_LIST);
	emb_status_init(&c->st);
	c->code = 200;
	return c;
}

void emb_call_free(struct emb_call *c)
{
	if (!c)
		return;
	free(c->ns);
	free(c->name);
	free(c->after_ns);
	free(c->after_name);
	if (c->body.p)
		mem_wipe(c->body.p, c->body.len); /* it may have been a Secret */
	buf_clear(&c->body);
	buf_clear(&c->out);
	kube_selector_free(c->labels);
	kube_selector_free(c->field_selector);
	emb_status_clear(&c->st);
	emb_paths_clear(&c->warnings);
	emb_changes_clear(&c->changes);
	free(c);
}

bool emb_call_selects(const struct emb_call *c, const json_t *o)
{
	return kube_selector_match_labels(c->labels, o) &&
		kube_selector_match_fields(c->field_selector, emb_kind_field, c->view.kind, o);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void render_plain(struct buf *out, const struct emb_view *view, const char *text, size_t len)
{
	buf_addf(out, "{\"apiVersion\":\"%s\",\"kind\":\"%s\",", view->v->api_version,
		view->kind->kind);
	buf_add(out, text + 1, len - 1);
}

static json_t *render_whole(
	const struct emb_view *view, const char *text, size_t len, struct err *err)
{
	json_t *o = obj_parse(text, len, "a stored object", err);

	if (o) {
		json_object_set_new(o, "apiVersion", json_string(view->v->api_version));
		json_object_set_new(o, "kind", json_string(view->kind->kind));
	}
	return o;
}

/*
 * The row of a Table or the metadata alone; NULL with *err filled: the text is broken. *o gets the
 * whole object.
 */
static json_t *render_tree(const struct emb_view *view, const char *text, size_t len,
	int64_t now_ms, json_t **o, struct err *err)
{
	*o = render_whole(view, text, len, err);
	if (!*o)
		return NULL;
	return view->form == EMB_PARTIAL_FORM
		? emb_partial(*o)
		: emb_table_row(view->kind, view->v, *o, view->include, now_ms);
}

/* An element of a list: of Tables it is a row alone. */
static int render_element(struct buf *out, const struct emb_view *view, const char *text,
	size_t len, int64_t now_ms, struct err *err)
{
	auto_json json_t *o = NULL, *made = NULL;

	if (view->form == EMB_OBJECT_FORM) {
		render_plain(out, view, text, len);
		return 0;
	}
	made = render_tree(view, text, len, now_ms, &o, err);
	if (!made)
		return -1;
	obj_write(made, out);
	return 0;
}

static void call_write_table(
	struct buf *out, const struct emb_version *v, json_t *row, const json_t *o, bool columns)
{
	auto_json json_t *table = json_pack("{s:s, s:s, s:{s:s}, s:o, s:[o]}", "kind", "Table",
		"apiVersion", "meta.k8s.io/v1", "metadata", "resourceVersion",
		obj_str_or("", o, "metadata", "resourceVersion"), "columnDefinitions",
		columns ? emb_table_columns(v) : json_array(), "rows", row);

	obj_write(table, out);
}

/* An object by itself: a row stands in a Table of its own. */
static int render_alone(struct buf *out, const struct emb_view *view, const char *text, size_t len,
	bool columns, int64_t now_ms, struct err *err)
{
	auto_json json_t *o = NULL, *row = NULL;

	if (view->form != EMB_TABLE_FORM)
		return render_element(out, view, text, len, now_ms, err);
	row = render_tree(view, text, len, now_ms, &o, err);
	if (!row)
		return -1;
	call_write_table(out, view->v, MOVE(row), o, columns);
	return 0;
}

int emb_render(struct buf *out, const struct emb_view *view, const char *text, size_t len,
	const char *event, bool columns, int64_t now_ms, struct err *err)
{
	if (event)
		buf_addf(out, "{\"type\":\"%s\",\"object\":", event);
	if (render_alone(out, view, text, len, columns, now_ms, err))
		return -1;
	if (event)
		buf_adds(out, "}\n");
	return 0;
}

static int call_answer(struct emb_call *c, const json_t *o, int64_t now_ms)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_KUBE_OBJECT);
	struct err err;

	if (obj_write(o, &text))
		return emb_status_set(&c->st, 413, "RequestEntityTooLarge", c->view.kind, c->name,
			"the object is larger than %llu bytes", LIMIT_KUBE_OBJECT);
	if (emb_render(&c->out, &c->view, text.p, text.len, NULL, true, now_ms, &err))
		return emb_internal(&c->st, &err);
	return 0;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

/* The last of several equal keys counts, as everywhere in Kubernetes; they are told apart by path
   only if there are any. */
static json_t *call_read_json(struct emb_call *c, struct emb_paths *duplicates)
{
	const char *text = buf_str(&c->body);
	json_error_t why;
	struct err err = {0};
	json_t *o;

	if (obj_measure(text, c->body.len, &obj_api, "the body", &err)) {
		emb_bad_request(&c->st, "%s", err.msg);
		return NULL;
	}
	o = json_loadb(text, c->body.len, JSON_REJECT_DUPLICATES, &why);
	if (o)
		return o;
	o = json_loadb(text, c->body.len, 0, &why);
	if (o)
		emb_duplicates(text, c->body.len, duplicates);
	else
		emb_bad_request(
			&c->st, "the body is not valid JSON: line %d: %.200s", why.line, why.text);
	return o;
}

static json_t *call_read_body(struct emb_call *c, struct emb_paths *duplicates)
{
	struct err err;
	json_t *o;

	if (c->body_type == EMB_BODY_PROTOBUF) {
		o = emb_protobuf_read(buf_str(&c->body), c->body.len, &err);
		if (!o)
			emb_bad_request(&c->st, "%s", err.msg);
		return o;
	}
	o = call_read_json(c, duplicates);
	/* A JSON patch is a list; emb_json_patch says so itself. */
	if (o && !json_is_object(o) && c->body_type != EMB_BODY_JSON_PATCH) {
		emb_bad_request(&c->st, "the body must be a JSON object");
		json_decref(o);
		return NULL;
	}
	return o;
}

/* `missing_ok`: after a patch the tree has apiVersion and kind only if the patch had. */
static int call_check_type(struct emb_call *c, const json_t *o, bool missing_ok)
{
	const char *api = obj_str_or("", o, "apiVersion"), *kind = obj_str_or("", o, "kind");

	if (missing_ok && !api[0])
		api = c->view.v->api_version;
	if (missing_ok && !kind[0])
		kind = c->view.kind->kind;
	if (!kind[0])
		return emb_bad_request(&c->st, "Object 'Kind' is missing");
	if (strcmp(api, c->view.v->api_version) != 0)
		return emb_bad_request(&c->st,
			"the API version in the data (%.253s) does not match the expected API "
			"version (%s)",
			api, c->view.v->api_version);
	if (strcmp(kind, c->view.kind->kind) != 0) {
		auto_emb_causes struct emb_causes causes = {0};

		emb_cause(&causes, "FieldValueInvalid", "kind",
			"Invalid value: \"%.253s\": must be %s", kind, c->view.kind->kind);
		return emb_invalid(
			&c->st, c->view.kind, obj_str_or("", o, "metadata", "name"), &causes);
	}
	return 0;
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static int call_get(struct emb_call *c, struct emb_tx *tx)
{
	auto_json json_t *o = emb_tx_get(tx, c->view.kind, c->ns, c->name);

	return o ? call_answer(c, o, tx->now_ms) : -1;
}

static int call_create(struct emb_call *c, struct emb_tx *tx)
{
	auto_emb_paths struct emb_paths duplicates = {0};
	auto_json json_t *o = call_read_body(c, &duplicates);

	if (!o || call_check_type(c, o, false) ||
		emb_tx_read(tx, c->view.kind, c->view.v, o, &duplicates, false) ||
		emb_tx_create(tx, c->view.kind, c->view.v, c->ns, o))
		return -1;
	c->code = 201;
	return call_answer(c, o, tx->now_ms);
}

static int call_update(struct emb_call *c, struct emb_tx *tx)
{
	struct emb_update how = {.status = c->status,
		.need_version =
			!(c->view.kind->builtin && c->view.kind->builtin->unconditional_update)};
	auto_emb_paths struct emb_paths duplicates = {0};
	auto_json json_t *o = call_read_body(c, &duplicates);
	auto_json json_t *old = NULL;

	if (!o || call_check_type(c, o, false))
		return -1;
	old = emb_tx_get(tx, c->view.kind, c->ns, c->name);
	if (!old || emb_tx_read(tx, c->view.kind, c->view.v, o, &duplicates, false) ||
		emb_tx_update(tx, c->view.kind, c->view.v, old, o, &how))
		return -1;
	return call_answer(c, o, tx->now_ms);
}

static int call_change_tree(struct emb_call *c, json_t **o, const json_t *change)
{
	switch (c->body_type) {
	case EMB_BODY_STRATEGIC:
		return emb_patch_strategic(*o, change, &c->st);
	case EMB_BODY_JSON_PATCH:
		/* Its operations see the object as a client does. */
		json_object_set_new(*o, "apiVersion", json_string(c->view.v->api_version));
		json_object_set_new(*o, "kind", json_string(c->view.kind->kind));
		if (emb_json_patch(o, change, &c->st))
			return -1;
		return obj_str(*o, "kind") ? 0
					   : emb_bad_request(&c->st, "Object 'Kind' is missing");
	default:
		emb_patch_merge(o, change);
		return 0;
	}
}

static int call_patch(struct emb_call *c, struct emb_tx *tx)
{
	struct emb_update how = {.status = c->status, .is_patch = true};
	auto_emb_paths struct emb_paths duplicates = {0};
	auto_json json_t *change = call_read_body(c, &duplicates);
	auto_json json_t *old = NULL, *o = NULL;

	if (!change)
		return -1;
	old = emb_tx_get(tx, c->view.kind, c->ns, c->name);
	if (!old)
		return -1;
	o = json_deep_copy(old);
	if (call_change_tree(c, &o, change))
		return -1;
	if (call_check_type(c, o, true) ||
		emb_tx_read(tx, c->view.kind, c->view.v, o, &duplicates, true) ||
		emb_tx_update(tx, c->view.kind, c->view.v, old, o, &how))
		return -1;
	return call_answer(c, o, tx->now_ms);
}

static int call_delete(struct emb_call *c, struct emb_tx *tx)
{
	auto_emb_paths struct emb_paths ignored = {0};
	auto_json json_t *options = c->body.len ? call_read_body(c, &ignored) : json_object();
	auto_json json_t *left = NULL, *done = NULL;
	auto_free char *uid = NULL;
	const json_t *dry;

	if (!options)
		return -1;
	dry = json_object_get(options, "dryRun");
	if (json_array_size(dry))
		c->dry_run = tx->dry_run = true;
	if (emb_tx_delete(tx, c->view.kind, c->ns, c->name,
		    obj_str(options, "preconditions", "uid"),
		    obj_str(options, "preconditions", "resourceVersion"), &left, &uid))
		return -1;
	if (left)
		return call_answer(c, left, tx->now_ms);
	done = emb_success_json(c->view.kind, c->name, uid);
	obj_write(done, &c->out);
	return 0;
}

static int call_change(struct emb_call *c, struct emb_tx *tx)
{
	int rc;

	if (emb_tx_begin(tx))
		return -1;
	rc = c->verb == EMB_CREATE      ? call_create(c, tx)
		: c->verb == EMB_UPDATE ? call_update(c, tx)
		: c->verb == EMB_PATCH  ? call_patch(c, tx)
					: call_delete(c, tx);
	BUG_IF((rc != 0) != (c->st.code != 0));
	return emb_tx_end(tx);
}

/* ---- lists ----------------------------------------------------------------------------------- */

struct lister {
	struct emb_call *c;
	int64_t now_ms;
	const char *want_name;
};

static bool list_row_wanted(
	const struct lister *l, const struct emb_row *row, struct err *err, int *rc)
{
	const struct emb_call *c = l->c;
	auto_json json_t *o = NULL;

	*rc = 0;
	if (l->want_name && strcmp(l->want_name, row->name) != 0)
		return false;
	if (!c->labels && !c->field_selector)
		return true;
	o = obj_parse(row->text, row->len, "a stored object", err);
	if (!o) {
		*rc = -1;
		return false;
	}
	return emb_call_selects(c, o);
}

static int list_row(void *arg, const struct emb_row *row, struct err *err)
{
	struct lister *l = arg;
	struct emb_call *c = l->c;
	int rc;

	if ((c->limit && c->count == c->limit) || c->out.len > LIMIT_EMBEDDED_SLICE_BYTES) {
		c->more = true;
		c->full = c->limit && c->count == c->limit;
		return 1;
	}
	if (list_row_wanted(l, row, err, &rc)) {
		if (c->count && !c->watch)
			buf_addc(&c->out, ',');
		if (c->watch)
			rc = emb_render(&c->out, &c->view, row->text, row->len, "ADDED",
				!c->columns_sent, l->now_ms, err);
		else
			rc = render_element(&c->out, &c->view, row->text, row->len, l->now_ms, err);
		c->columns_sent = true;
		c->count++;
	}
	if (rc)
		return -1;
	free(c->after_ns);
	free(c->after_name);
	c->after_ns = mem_strdup(row->ns);
	c->after_name = mem_strdup(row->name);
	return 0;
}

static int call_list(struct emb_call *c, struct emb_tx *tx)
{
	struct lister l = {c, tx->now_ms, kube_selector_value(c->field_selector, "metadata.name")};
	auto_free char *ns = mem_strdup(c->after_ns), *name = mem_strdup(c->after_name);
	struct err err;
	int n;

	c->more = false;
	n = emb_db_list(c->db, c->view.kind->resource, c->ns, ns, name, LIMIT_EMBEDDED_SLICE,
		list_row, &l, &err);
	if (n < 0)
		return emb_internal(&c->st, &err);
	if (n == LIMIT_EMBEDDED_SLICE)
		c->more = true;
	return 0;
}

/* ----  */

void emb_call_run(struct emb_call *c)
{
	struct emb_tx tx;
	int rc;

	emb_tx_init(&tx, c->db, c->kinds, &c->st);
	tx.dry_run = c->dry_run;
	tx.fields = c->fields;
	if (c->verb == EMB_GET)
		rc = call_get(c, &tx);
	else if (c->verb == EMB_LIST)
		rc = call_list(c, &tx);
	else
		rc = call_change(c, &tx);
	if (!rc) {
		c->changes = tx.changes;
		c->warnings = tx.warnings;
		memset(&tx.changes, 0, sizeof(tx.changes));
		memset(&tx.warnings, 0, sizeof(tx.warnings));
	} else {
		buf_clear(&c->out);
	}
	if (!c->started)
		c->version = emb_db_version(c->db);
	c->started = true;
	emb_tx_clear(&tx);
}
