#include "image/catalog.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ev/op.h"
#include "image/catalog_internal.h"
#include "image/name.h"

#include <stdlib.h>
#include <string.h>

/* ---- it comes and goes ----------------------------------------------------------------------- */

struct image_catalog *image_catalog_new(struct loop *l, const struct store_root *root)
{
	struct image_catalog *c = NEW(struct image_catalog);

	c->refs = 1;
	c->loop = l;
	c->root = root;
	list_init(&c->listeners);
	return c;
}

const struct store_root *image_catalog_root(const struct image_catalog *c)
{
	return c->root;
}

bool image_catalog_complete(const struct image_catalog *c)
{
	return c->listed;
}

/* ---- listeners ------------------------------------------------------------------------------- */

void image_catalog_listen(struct image_catalog *c, struct image_listener *l)
{
	list_add(&c->listeners, &l->link);
}

void image_listener_out(struct image_listener *l)
{
	list_out(&l->link);
}

/* ---- entries --------------------------------------------------------------------------------- */

void image_facts_clear(struct image_facts *f)
{
	free(f->image);
	free(f->login.secret);
	free(f->login.service_account);
	free(f->login.cert);
	free(f->login.proxy);
	free(f->login.provider);
	image_exclude_clear(&f->exclude);
	json_decref(f->access);
	*f = (struct image_facts){0};
}

static void entry_free(struct image_entry *e)
{
	image_facts_clear(&e->facts);
	free(e->wrong);
	vec_clear(&e->pushed);
	free(e->key);
	free(e->ns);
	free(e);
}

static struct image_entry *entry_new(struct image_catalog *c, const char *ns, const char *name)
{
	struct image_entry *e = NEW(struct image_entry);

	e->key = mem_printf("%s/%s", ns, name);
	e->ns = mem_strdup(ns);
	e->name = e->key + strlen(ns) + 1;
	map_put(&c->entries, e->key, e);
	return e;
}

static struct image_entry *entry_find(struct image_catalog *c, const char *ns, const char *name)
{
	auto_free char *key = mem_printf("%s/%s", ns, name);

	return catalog_entry(c, key);
}

const struct image_entry *image_catalog_find(
	struct image_catalog *c, const char *ns, const char *name)
{
	return entry_find(c, ns, name);
}

static void entry_set(struct image_entry *e, struct image_facts *f, const struct err *wrong)
{
	char before[OCI_REPO_TEXT_MAX];
	struct err err = {0};

	memcpy(before, e->canonical, sizeof(before));
	image_facts_clear(&e->facts);
	e->facts = *f;
	*f = (struct image_facts){0};
	free(MOVE(e->wrong));
	e->canonical[0] = '\0';
	e->repo = (struct oci_repo){0};
	if (wrong)
		err = *wrong;
	else if (!image_name_parse(
			 &e->repo, e->facts.image ? e->facts.image : "", e->facts.insecure, &err))
		oci_repo_format(&e->repo, e->canonical);
	if (err.kind != ERR_NONE)
		e->wrong = mem_dup(&err, sizeof(err));
	if (strcmp(before, e->canonical) != 0) /* they are tags of another image */
		e->pushed.len = 0;
}

void image_catalog_put(struct image_catalog *c, const char *ns, const char *name,
	struct image_facts *f, const struct err *wrong)
{
	struct image_entry *e = entry_find(c, ns, name);
	bool came = !e;

	if (came)
		e = entry_new(c, ns, name);
	entry_set(e, f, wrong);
	catalog_tell(c, e, came ? IMAGE_CAME : IMAGE_CHANGED);
}

void image_catalog_forget(struct image_catalog *c, const char *ns, const char *name)
{
	struct image_entry *e = entry_find(c, ns, name);

	if (!e)
		return;
	e->looked = e->has = false;
	e->head = (struct image_tags_head){0};
}

void image_catalog_drop(struct image_catalog *c, const char *ns, const char *name)
{
	struct image_entry *e = entry_find(c, ns, name);

	if (!e)
		return;
	catalog_tell(c, e, IMAGE_GOES);
	map_del(&c->entries, e->key);
	op_then(image_catalog_remove_start(c, ns, name), catalog_work_done, NULL);
	entry_free(e);
}

void image_catalog_free(struct image_catalog *c)
{
	const char *key;
	size_t at = 0;
	void *e;

	if (!c)
		return;
	while (map_next(&c->entries, &at, &key, &e)) {
		map_del(&c->entries, key);
		entry_free(e);
	}
	c->freed = true;
	catalog_unref(c);
}

/* ---- who may, and of which repository -------------------------------------------------------- */

static bool labels_match(const json_t *want, const json_t *labels)
{
	const char *key;
	json_t *value;

	if (want && !json_is_object(want) && !json_is_null(want))
		return false;
	json_object_foreach ((json_t *)(uintptr_t)want, key, value)
		if (!json_is_string(value) || !json_equal(value, json_object_get(labels, key)))
			return false;
	return true;
}

bool image_entry_allows(const struct image_entry *e, const json_t *labels)
{
	const json_t *list = obj_get(e->facts.access, "namespaceSelectors");
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (json_is_object(one) && labels_match(obj_get(one, "matchLabels"), labels))
			return true;
	return false;
}

/* ---- a tag was pushed ------------------------------------------------------------------------ */

void image_catalog_on_push(
	struct image_catalog *c, void (*fn)(void *arg, const struct image_entry *e), void *arg)
{
	c->on_push = fn;
	c->push_arg = arg;
}

/* It may have been pushed again: the last time counts. */
static void pushed_note(struct image_entry *e, const char *tag)
{
	struct image_pushed *n;

	vec_each (&e->pushed, n)
		if (!strcmp(n->tag, tag)) {
			n->at_ms = clock_ms();
			return;
		}
	if (e->pushed.len == CATALOG_PUSHED)
		memmove(e->pushed.p, e->pushed.p + 1, --e->pushed.len * sizeof(*e->pushed.p));
	n = vec_add(&e->pushed);
	n->at_ms = clock_ms();
	memcpy(n->tag, tag, strlen(tag) + 1);
}

/* The clock is too coarse to tell what came in the same millisecond before and after. */
void image_catalog_scan_begins(struct image_catalog *c, const char *ns, const char *name)
{
	auto_free char *key = mem_printf("%s/%s", ns, name);
	struct image_entry *e = catalog_entry(c, key);

	if (e)
		e->pushed.len = 0;
}

void image_catalog_push(struct image_catalog *c, const struct image_entry *entry, const char *tag)
{
	struct image_entry *e = (struct image_entry *)(uintptr_t)entry;

	/* Of one that is suspended the tags stay what they are. */
	if (!oci_tag_valid(tag, strlen(tag)) || e->facts.suspended)
		return;
	pushed_note(e, tag);
	if (e->has)
		catalog_add(c, e, tag);
	if (c->on_push)
		c->on_push(c->push_arg, e);
}
