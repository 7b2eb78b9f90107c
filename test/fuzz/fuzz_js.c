/*
 * The JSON splitter and writer. Properties: any cutting of the input gives the same items and the
 * same rest; for a valid document the items are exactly the elements of its array, in order; what
 * the writer makes of any bytes is valid JSON.
 */
#include "base/js.h"

#include "base/mem.h"
#include "base/obj.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct got {
	struct buf items; /* each with a NUL after it */
	unsigned n;
	bool ok;
	json_t *rest;
};

static int on_item(void *arg, const char *text, size_t len, struct err *err)
{
	struct got *g = arg;

	(void)err;
	BUG_IF(!len);
	buf_add(&g->items, text, len);
	buf_addc(&g->items, '\0');
	g->n++;
	return 0;
}

static void split(struct got *g, const char *p, size_t n, size_t piece)
{
	struct js_split s;
	struct err err;
	size_t at, m;

	*g = (struct got){.items = BUF_INIT(BUF_ANY), .ok = true};
	js_split_init(&s, "items", 200, 400, on_item, g);
	for (at = 0; at < n && g->ok; at += m) {
		m = n - at < piece ? n - at : piece;
		g->ok = !js_split_feed(&s, p + at, m, &err);
	}
	if (g->ok)
		g->ok = !js_split_end(&s, &g->rest, &err);
	js_split_clear(&s);
}

/* For a document that jansson takes as well: element by element the same. */
static void compare(const struct got *g, const char *p, size_t n)
{
	json_error_t e;
	json_t *doc = json_loadb(p, n, JSON_REJECT_DUPLICATES, &e), *array;
	const char *item = buf_str(&g->items);
	unsigned i;

	if (!doc)
		return;
	array = json_object_get(doc, "items");
	if (!json_is_array(array))
		array = NULL;
	/* A key that is written with escapes is not recognised, and stays in the rest. */
	if (array && g->n == 0 && json_array_size(array)) {
		BUG_IF(!memchr(p, '\\', n));
		json_decref(doc);
		return;
	}
	BUG_IF(g->n != json_array_size(array));
	for (i = 0; i < g->n; i++, item += strlen(item) + 1) {
		json_t *one = json_loads(item, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);

		BUG_IF(!one || !json_equal(one, json_array_get(array, i)));
		json_decref(one);
	}
	json_decref(doc);
}

static void write_any(const char *p, size_t n)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct js_w w = JS_W(&b);
	auto_free char *s = mem_strndup(p, n);
	json_error_t e;
	json_t *doc;

	js_begin(&w, '{');
	js_kstr(&w, s, s);
	js_key(&w, "bytes");
	js_strn(&w, p, n);
	js_key(&w, "list");
	js_begin(&w, '[');
	js_str(&w, NULL);
	js_num(&w, n / 3.0);
	js_bool(&w, n & 1);
	js_end(&w, ']');
	js_end(&w, '}');
	doc = json_loadb(b.p, b.len, JSON_ALLOW_NUL, &e);
	BUG_IF(!doc || json_array_size(json_object_get(doc, "list")) != 3);
	json_decref(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct got whole, parts;
	const char *p;

	if (size < 2)
		return 0;
	p = (const char *)data + 1;
	split(&whole, p, size - 1, size);
	split(&parts, p, size - 1, 1 + data[0] % 8);
	BUG_IF(whole.ok != parts.ok || whole.n != parts.n || whole.items.len != parts.items.len);
	BUG_IF(whole.items.len && memcmp(whole.items.p, parts.items.p, whole.items.len));
	if (whole.ok) {
		BUG_IF(!json_equal(whole.rest, parts.rest));
		compare(&whole, p, size - 1);
	}
	json_decref(whole.rest);
	json_decref(parts.rest);
	buf_clear(&whole.items);
	buf_clear(&parts.items);
	write_any(p, size - 1);
	return 0;
}
