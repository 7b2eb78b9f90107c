#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "setter/internal.h"

#include <string.h>

/* What a key is, beside enum object_field. */
#define KEY_OTHER (-1)
#define KEY_METADATA OBJECT_FIELDS
#define KEY_ITEMS (OBJECT_FIELDS + 1)

static int key_of(const struct ymark *k, bool inner)
{
	static const struct {
		const char *word;
		int key;
		bool inner;
	} keys[] = {{"apiVersion", OBJECT_API_VERSION, false}, {"kind", OBJECT_KIND, false},
		{"metadata", KEY_METADATA, false}, {"items", KEY_ITEMS, false},
		{"name", OBJECT_NAME, true}, {"namespace", OBJECT_NS, true}};
	size_t i;

	if (k->kind == YMARK_SCALAR)
		for (i = 0; i < ARRAY_LEN(keys); i++)
			if (keys[i].inner == inner && !strcmp(k->value, keys[i].word))
				return keys[i].key;
	return KEY_OTHER;
}

/* Of a key that stands twice the first counts, as it does where such files are read. */
static void reader_take(struct object_reader *r, int key, const struct ymark *k)
{
	if (k->kind == YMARK_SCALAR && key >= 0 && key < OBJECT_FIELDS && !r->field[key])
		r->field[key] =
			mem_strndup(k->value, utf8_cut(k->value, k->len, LIMIT_SETTER_NAME));
}

/* below: how many collections of its own are around the piece. */
static void reader_see(struct object_reader *r, const struct ymark *k, unsigned below)
{
	if (!k->in_map || k->kind == YMARK_MAP_END || k->kind == YMARK_LIST_END)
		return;
	if (below == 1) {
		if (k->key)
			r->key = key_of(k, false);
		else
			reader_take(r, r->key, k);
		r->inner = KEY_OTHER;
	} else if (below == 2 && r->key == KEY_METADATA) {
		if (k->key)
			r->inner = key_of(k, true);
		else
			reader_take(r, r->inner, k);
	}
}

static void reader_clear(struct object_reader *r)
{
	int i;

	for (i = 0; i < OBJECT_FIELDS; i++)
		free(r->field[i]);
	*r = (struct object_reader){.key = KEY_OTHER, .inner = KEY_OTHER};
}

static void reader_say(const struct object_reader *r, struct setter_object *o)
{
	setter_object_clear(o);
	o->api_version = mem_strdup(r->field[OBJECT_API_VERSION] ?: "");
	o->kind = mem_strdup(r->field[OBJECT_KIND] ?: "");
	o->name = mem_strdup(r->field[OBJECT_NAME] ?: "");
	o->ns = mem_strdup(r->field[OBJECT_NS] ?: "");
}

static void item_end(struct object_state *o, struct setter_work *w)
{
	size_t i;

	for (i = o->item_edits; o->item.field[OBJECT_KIND] && i < w->edits.len; i++) {
		reader_say(&o->item, &w->edits.p[i].change.object);
		w->edits.p[i].has_object = true;
	}
	o->in_item = false;
	reader_clear(&o->item);
}

/* A List is a bag of objects, which are what a reader wants to hear of. */
static void document_end(struct object_state *o, struct setter_work *w)
{
	const char *kind = o->root.field[OBJECT_KIND];
	size_t i, len = kind ? strlen(kind) : 0;
	bool list = len >= 4 && !strcmp(kind + len - 4, "List");

	for (i = o->edits; i < w->edits.len; i++)
		if (!list || !w->edits.p[i].has_object)
			reader_say(&o->root, &w->edits.p[i].change.object);
	setter_object_clear_state(o);
}

void setter_object_see(struct object_state *o, struct setter_work *w, const struct ymark *k)
{
	if (k->kind == YMARK_DOC) {
		setter_object_clear_state(o);
		o->edits = w->edits.len;
		return;
	}
	if (k->kind == YMARK_DOC_END) {
		document_end(o, w);
		return;
	}
	if (k->kind == YMARK_MAP && k->depth == 2 && o->in_items) {
		o->in_item = true;
		o->item_edits = w->edits.len;
		return;
	}
	if (k->kind == YMARK_MAP_END && k->depth == 2 && o->in_item)
		item_end(o, w);
	if (o->in_item)
		reader_see(&o->item, k, k->depth - 2);
	if (k->kind == YMARK_LIST_END && k->depth == 1)
		o->in_items = false;
	reader_see(&o->root, k, k->depth);
	if (k->kind == YMARK_LIST && k->depth == 1 && k->in_map && !k->key)
		o->in_items = o->root.key == KEY_ITEMS;
}

void setter_object_clear_state(struct object_state *o)
{
	reader_clear(&o->root);
	reader_clear(&o->item);
	o->in_items = o->in_item = false;
}
