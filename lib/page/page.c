#include "page/page.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/obj.h"
#include "http/server.h"
#include "page/frame.h"
#include "page/list.h"
#include "page/object.h"
#include "page/query.h"
#include "page/row.h"

#include <stdlib.h>
#include <string.h>

struct page {
	struct lists lists;
	char *version;
};

struct page *page_new(struct loop *l, const struct page_source *source, const char *version)
{
	struct page *p = NEW(struct page);

	p->version = mem_strdup(version);
	lists_init(&p->lists, l, source, p->version);
	return p;
}

void page_free(struct page *p)
{
	if (!p)
		return;
	BUG_IF(p->lists.n);
	free(p->version);
	free(p);
}

static void reply_text(struct http_exchange *x, int status, const char *text)
{
	frame_headers_plain(x);
	http_reply_text(x, status, text);
}

/* ---- one object ------------------------------------------------------------------------------ */

struct object_out {
	const struct page *page;
	struct buf html, json;
	bool is_json;
};

/* Its texts are cut, so that a whole page is small: it is written in one go. */
static void object_write(void *arg, const struct page_row *r)
{
	struct object_out *o = arg;
	auto_json json_t *v = NULL;

	if (!o->is_json) {
		object_html(&o->html, r, o->page->version, clock_wall_ms());
		return;
	}
	v = row_json(r, true);
	obj_write(v, &o->json);
	buf_addc(&o->json, '\n');
}

static void object_reply(struct page *p, struct http_exchange *x, const char *key, bool json)
{
	struct object_out o = {
		.page = p, .html = BUF_INIT(BUF_ANY), .json = BUF_INIT(BUF_ANY), .is_json = json};
	const struct page_source *s = &p->lists.source;

	if (strlen(key) > PAGE_KEY_MAX || !s->row(s->arg, key, object_write, &o)) {
		reply_text(x, 404, "there is no such object\n");
		return;
	}
	if (json)
		frame_headers_plain(x);
	else
		frame_headers(x);
	http_reply_buf(x, 200, json ? "application/json" : "text/html; charset=utf-8",
		json ? &o.json : &o.html);
}

/* ---- which page ------------------------------------------------------------------------------ */

static void all_reply(struct page *p, struct http_exchange *x, bool json)
{
	auto_buf struct buf wrong = BUF_INIT(1024);
	struct query q;

	if (query_parse(&q, x, &wrong)) {
		buf_addc(&wrong, '\n');
		reply_text(x, 400, buf_str(&wrong));
		return;
	}
	list_reply(&p->lists, x, &q, json);
}

void page_handle(void *arg, struct http_exchange *x)
{
	const char *path = http_x_path(x);

	if (!strcmp(path, "/"))
		all_reply(arg, x, false);
	else if (!strcmp(path, "/api/objects"))
		all_reply(arg, x, true);
	else if (!strncmp(path, "/objects/", 9))
		object_reply(arg, x, path + 9, false);
	else if (!strncmp(path, "/api/objects/", 13))
		object_reply(arg, x, path + 13, true);
	else if (!strcmp(path, "/favicon.ico")) /* a browser asks for one beside JSON */
		http_reply_buf(x, 204, NULL, NULL);
	else
		http_reply_text(x, 404, "not found");
}
