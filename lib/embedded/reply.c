#include "embedded/reply.h"

#include "base/base64.h"
#include "base/js.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "embedded/chain.h"
#include "embedded/kind.h"
#include "embedded/watch.h"
#include "http/server.h"

#include <inttypes.h>
#include <string.h>

#define PIECE (64 * 1024)
#define JSON_TYPE "application/json"
#define WARNINGS_MAX (8 * 1024) /* bytes of all Warning headers of one answer */

void emb_reply_status(struct http_exchange *x, struct emb_status *st)
{
	struct buf b = BUF_INIT(2 * LIMIT_EMBEDDED_MESSAGE + LIMIT_KUBE_OBJECT);
	int code = st->code;

	emb_status_write(st, &b);
	emb_status_clear(st);
	http_reply_buf(x, code, JSON_TYPE, &b);
}

void emb_reply_json(struct http_exchange *x, int code, json_t *o)
{
	struct buf b = BUF_INIT(LIMIT_KUBE_LIST);

	obj_write(o, &b);
	json_decref(o);
	http_reply_buf(x, code, JSON_TYPE, &b);
}

static char *continue_format(int64_t version, const char *ns, const char *name)
{
	auto_json json_t *o =
		json_pack("{s:I, s:s, s:s}", "v", (json_int_t)version, "ns", ns, "n", name);
	auto_buf struct buf text = BUF_INIT(4096), out = BUF_INIT(8192);

	obj_write(o, &text);
	base64_encode(&out, buf_str(&text), text.len, BASE64_URL);
	return buf_take(&out);
}

int emb_continue_parse(const char *token, int64_t *version, char **ns, char **name, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(4096);
	auto_json json_t *o = NULL;

	if (!base64_decode(&text, token, strlen(token), BASE64_URL, err))
		o = obj_parse(buf_str(&text), text.len, "the token", err);
	*version = obj_int(-1, o, "v");
	if (*version < 0 || !obj_str(o, "ns") || !obj_str(o, "n"))
		return err_set(err, ERR_STALL, "continue key is not valid");
	*ns = mem_strdup(obj_str(o, "ns"));
	*name = mem_strdup(obj_str(o, "n"));
	return 0;
}

/* ---- one call -------------------------------------------------------------------------------- */

struct reply {
	struct http_exchange *x; /* NULL: the client is gone, or has its answer */
	struct emb_chain *chain;
	struct emb_history *history;
	struct emb_call *call;
	int64_t version; /* of a list: what its metadata says */
	bool in_chain, streaming, tail_done;
	struct buf pending;
};

static void reply_free(struct reply *r)
{
	emb_call_free(r->call);
	buf_clear(&r->pending);
	free(r);
}

static void reply_on_end(void *arg, struct http_exchange *x, bool gone)
{
	struct reply *r = arg;

	(void)x;
	(void)gone;
	r->x = NULL;
	if (!r->in_chain)
		reply_free(r);
}

/* RFC 7234 section 5.5: 299 is a persistent warning; kubectl prints its text. */
static void reply_warn(struct http_exchange *x, const struct emb_paths *warnings)
{
	size_t i, total = 0;

	for (i = 0; i < warnings->len && total < WARNINGS_MAX; i++) {
		auto_buf struct buf b = BUF_INIT(1024);
		const char *p;

		buf_adds(&b, "299 - \"");
		for (p = warnings->p[i]; *p && b.len < 1000; p++) {
			if (*p == '"' || *p == '\\')
				buf_addc(&b, '\\');
			buf_addc(&b, (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p);
		}
		buf_addc(&b, '"');
		total += b.len;
		http_x_add_header(x, "Warning", buf_str(&b));
	}
}

/* ---- lists: head, slices, tail; metadata comes last, with the continue token ----------------- */

static void reply_head(const struct reply *r, struct buf *b)
{
	const struct emb_call *c = r->call;
	auto_json json_t *columns = NULL;

	if (c->view.form == EMB_TABLE_FORM) {
		columns = emb_table_columns(c->view.v);
		buf_adds(b,
			"{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/"
			"v1\",\"columnDefinitions\":");
		obj_write(columns, b);
		buf_adds(b, ",\"rows\":[");
	} else if (c->view.form == EMB_PARTIAL_FORM) {
		buf_adds(b,
			"{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/"
			"v1\",\"items\":[");
	} else {
		buf_addf(b, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"items\":[",
			c->view.kind->list_kind, c->view.v->api_version);
	}
}

static void reply_tail(const struct reply *r, struct buf *b)
{
	const struct emb_call *c = r->call;

	buf_addf(b, "],\"metadata\":{\"resourceVersion\":\"%" PRId64 "\"", r->version);
	if (c->more) {
		auto_free char *token = continue_format(r->version, c->after_ns, c->after_name);

		buf_addf(b, ",\"continue\":\"%s\"", token);
	}
	buf_adds(b, "}}\n");
}

static void reply_run(void *arg)
{
	emb_call_run(((struct reply *)arg)->call);
}

static void reply_done(void *arg);

static void reply_go(struct reply *r)
{
	r->in_chain = true;
	emb_chain_add(r->chain, reply_run, reply_done, r);
}

static int reply_pull(void *arg, struct buf *b)
{
	struct reply *r = arg;
	size_t n = r->pending.len < PIECE ? r->pending.len : PIECE;

	if (n) {
		buf_add(b, r->pending.p, n);
		buf_shift(&r->pending, n);
		return 1;
	}
	if (r->call->st.code)
		return -2;
	if (r->tail_done)
		return -1;
	if (!r->in_chain)
		reply_go(r);
	return 0;
}

static void reply_list_done(struct reply *r)
{
	struct emb_call *c = r->call;
	bool over = !c->more || c->full;

	if (!r->version)
		r->version = c->version;
	if (!r->streaming)
		reply_head(r, &r->pending);
	buf_add(&r->pending, c->out.p, c->out.len);
	buf_clear(&c->out);
	if (over) {
		reply_tail(r, &r->pending);
		r->tail_done = true;
	}
	if (r->streaming) {
		http_reply_wake(r->x);
	} else if (over) {
		http_reply_buf(r->x, 200, JSON_TYPE, &r->pending);
	} else {
		r->streaming = true;
		http_reply_stream(r->x, 200, JSON_TYPE, reply_pull, r);
	}
}

static void reply_done(void *arg)
{
	struct reply *r = arg;
	struct emb_call *c = r->call;

	r->in_chain = false;
	emb_history_add(r->history, &c->changes);
	if (!r->x) {
		reply_free(r);
	} else if (r->streaming && c->st.code) {
		http_reply_wake(r->x); /* pull cuts the connection */
	} else if (c->st.code) {
		emb_reply_status(r->x, &c->st);
	} else if (c->verb == EMB_LIST) {
		reply_list_done(r);
	} else {
		reply_warn(r->x, &c->warnings);
		buf_addc(&c->out, '\n');
		http_reply_buf(r->x, c->code, JSON_TYPE, &c->out);
	}
}

void emb_reply_call(struct http_exchange *x, struct emb_chain *chain, struct emb_history *history,
	struct emb_call *call, int64_t first_version)
{
	struct reply *r = NEW(struct reply);

	r->x = x;
	r->chain = chain;
	r->history = history;
	r->call = call;
	r->version = first_version;
	buf_init(&r->pending, 2 * LIMIT_KUBE_LIST);
	http_x_on_end(x, reply_on_end, r);
	reply_go(r);
}
