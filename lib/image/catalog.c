#include "image/catalog.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ev/op.h"
#include "image/catalog_internal.h"
#include "image/name.h"

#include <stdlib.h>
#include <string.h>

/* Of one object, while one scan is on its way. */
#define PUSHED_MAX 64

/* Nobody waits for it, but it is done. */
static void work_done(struct op *op, void *arg)
{
	(void)arg;
	op_free(op);
}

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

static void entry_leave_place(struct image_catalog *c, struct image_entry *e)
{
	struct image_place *p = MOVE(e->place);

	if (!p)
		return;
	list_out(&e->at_place);
	if (!list_empty(&p->entries))
		return;
	map_del(&c->places, p->key);
	free(p->key);
	free(p);
}

static void entry_take_place(struct image_catalog *c, struct image_entry *e)
{
	struct image_place *p = map_get(&c->places, e->canonical);

	if (!p) {
		p = NEW(struct image_place);
		p->key = mem_strdup(e->canonical);
		list_init(&p->entries);
		map_put(&c->places, p->key, p);
	}
	e->place = p;
	list_add(&p->entries, &e->at_place);
}

static void entry_free(struct image_catalog *c, struct image_entry *e)
{
	entry_leave_place(c, e);
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
	list_init(&e->at_place);
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

static void entry_set(struct image_catalog *c, struct image_entry *e, struct image_facts *f,
	const struct err *wrong)
{
	struct err err = {0};

	image_facts_clear(&e->facts);
	e->facts = *f;
	*f = (struct image_facts){0};
	free(MOVE(e->wrong));
	entry_leave_place(c, e);
	e->canonical[0] = '\0';
	e->repo = (struct oci_repo){0};
	if (wrong)
		err = *wrong;
	else if (!image_name_parse(
			 &e->repo, e->facts.image ? e->facts.image : "", e->facts.insecure, &err))
		oci_repo_format(&e->repo, e->canonical);
	if (err.kind == ERR_NONE)
		entry_take_place(c, e);
	else
		e->wrong = mem_dup(&err, sizeof(err));
}

void image_catalog_put(struct image_catalog *c, const char *ns, const char *name,
	struct image_facts *f, const struct err *wrong)
{
	struct image_entry *e = entry_find(c, ns, name);
	bool came = !e;

	if (came)
		e = entry_new(c, ns, name);
	entry_set(c, e, f, wrong);
	catalog_tell(c, e, came ? IMAGE_CAME : IMAGE_CHANGED);
}

void image_catalog_drop(struct image_catalog *c, const char *ns, const char *name)
{
	struct image_entry *e = entry_find(c, ns, name);

	if (!e)
		return;
	catalog_tell(c, e, IMAGE_GOES);
	map_del(&c->entries, e->key);
	op_then(image_catalog_remove_start(c, ns, name), work_done, NULL);
	entry_free(c, e);
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
		entry_free(c, e);
	}
	c->freed = true;
	catalog_unref(c);
}

/* ---- who may, and of which repository -------------------------------------------------------- */

static bool labels_match(const json_t *want, const json_t *labels)
{
	const char *key;
	json_t *value;

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

unsigned image_catalog_each_at(struct image_catalog *c, const struct oci_repo *repo,
	void (*fn)(void *arg, const struct image_entry *e), void *arg)
{
	char key[OCI_REPO_TEXT_MAX];
	const struct image_place *p = map_get(&c->places, oci_repo_format(repo, key));
	unsigned n = 0;
	struct list *at;

	if (!p)
		return 0;
	list_each (&p->entries, at) {
		fn(arg, CONTAINER_OF(at, struct image_entry, at_place));
		n++;
	}
	return n;
}

/* ---- a tag was pushed ------------------------------------------------------------------------ */

void image_catalog_on_push(
	struct image_catalog *c, void (*fn)(void *arg, const struct image_entry *e), void *arg)
{
	c->on_push = fn;
	c->push_arg = arg;
}

struct push {
	struct image_catalog *c;
	const char *tag;
	bool (*may)(void *arg, const struct image_entry *e);
	void *arg;
};

static void entry_push(void *arg, const struct image_entry *entry)
{
	const struct push *p = arg;
	struct image_entry *e = (struct image_entry *)(uintptr_t)entry;
	struct image_pushed *n;

	if (p->may && !p->may(p->arg, e))
		return;
	if (e->facts.suspended) /* its tags stay what they are */
		return;
	if (e->pushed.len == PUSHED_MAX)
		memmove(e->pushed.p, e->pushed.p + 1, --e->pushed.len * sizeof(*e->pushed.p));
	n = vec_add(&e->pushed);
	n->at_ms = clock_ms();
	memcpy(n->tag, p->tag, strlen(p->tag) + 1);
	if (e->has)
		op_then(catalog_add_start(p->c, e, p->tag), work_done, NULL);
	if (p->c->on_push)
		p->c->on_push(p->c->push_arg, e);
}

unsigned image_catalog_push(struct image_catalog *c, const struct oci_repo *repo, const char *tag,
	bool (*may)(void *arg, const struct image_entry *e), void *arg)
{
	struct push p = {c, tag, may, arg};

	if (!oci_tag_valid(tag, strlen(tag)))
		return 0;
	return image_catalog_each_at(c, repo, entry_push, &p);
}
