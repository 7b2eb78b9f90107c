/*
 * JSON without a tree (RFC 8259).
 *
 * js_split: a pull scanner for documents of any size. Fed with bytes as they arrive, it hands out
 * the elements of one array (the value of `key` in the top-level object: "items", "tags") one by
 * one, each as a whole piece of text, and keeps the rest of the top-level object (that array left
 * out) as a small document. So a list of any length costs the memory of its longest element. It
 * checks nesting, strings and separators only as far as it needs to split; the pieces are parsed,
 * and so checked, by jansson.
 *
 * js_w: an append-only writer into a buf. Commas and escapes are its business, matching begin/end
 * the caller's. UTF-8 passes as it is, bytes that are no UTF-8 become U+FFFD, so that a log line is
 * always valid JSON.
 *
 * The owner clears; one thread at a time.
 */
#ifndef BASE_JS_H
#define BASE_JS_H
#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* One element, not terminated. Return -1 with *err filled to stop: js_split_feed then fails with
   it. */
typedef int js_item_fn(void *arg, const char *text, size_t len, struct err *err);

struct js_split {
	const char *key;
	js_item_fn *on_item;
	void *arg;
	struct buf item, rest;
	struct buf name; /* the key being read at depth 1 */
	unsigned depth; /* open brackets */
	unsigned state; /* js.c: enum */
	bool in_string, escaped, in_array, item_open, done, expect_value, key_is_ours, seen;
	bool drop_rest; /* the caller's, after init: what is nested in the rest reads as null */
};

/* max_item and max_rest in bytes. key is borrowed for the splitter's life. */
void js_split_init(struct js_split *s, const char *key, size_t max_item, size_t max_rest,
	js_item_fn *on_item, void *arg);
int js_split_feed(struct js_split *s, const char *data, size_t n, struct err *err) must_check;
/* After the last byte: the rest of the document (owned by the caller), or an error for a document
   that was cut. A document without the array, or with null in its place, is no error. */
int js_split_end(struct js_split *s, json_t **rest, struct err *err) must_check;
void js_split_clear(struct js_split *s);

struct js_w {
	struct buf *b;
	bool comma; /* the next value needs one before it */
};

#define JS_W(buffer) ((struct js_w){.b = (buffer)})
void js_begin(struct js_w *w, char bracket); /* '{' or '[' */
void js_end(struct js_w *w, char bracket); /* '}' or ']' */
void js_key(struct js_w *w, const char *key);
void js_str(struct js_w *w, const char *s); /* NULL writes null */
void js_strn(struct js_w *w, const char *s, size_t n);
void js_int(struct js_w *w, int64_t v);
void js_uint(struct js_w *w, uint64_t v);
void js_num(struct js_w *w, double v);
void js_bool(struct js_w *w, bool v);
void js_raw(struct js_w *w, const char *json, size_t n); /* one whole value */
/* key and value in one call */
void js_kstr(struct js_w *w, const char *key, const char *s);
void js_kint(struct js_w *w, const char *key, int64_t v);
void js_kobj(struct js_w *w, const char *key,
	const json_t *v); /* NULL writes nothing, the key neither */

#endif
