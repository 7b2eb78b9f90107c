#include "image/choices.h"

#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ev/op.h"
#include "kube/watch.h"
#include "oci/ref.h"

#include <stdlib.h>
#include <string.h>

struct image_choices {
	struct image_choices_opts opts;
	char *ns;
	struct op *watch;
	struct map spaces; /* namespace → struct space */
	struct err err;
};

/* The choices of a namespace. */
struct space {
	struct list list;
	char ns[];
};

static const struct kube_resource policies = {
	"image.toolkit.fluxcd.io", "v1", "imagepolicies", "ImagePolicy", true};

/* ---- one ------------------------------------------------------------------------------------- */

static struct space *space_of(struct image_choices *cs, const char *ns)
{
	struct space *s = map_get(&cs->spaces, ns);
	size_t n = strlen(ns) + 1;

	if (s)
		return s;
	s = mem_array(NULL, sizeof(*s) + n, 1);
	list_init(&s->list);
	memcpy(s->ns, ns, n);
	map_put(&cs->spaces, ns, s);
	return s;
}

static void choice_free(struct image_choices *cs, struct image_choice *c)
{
	struct space *s = map_get(&cs->spaces, c->ns);

	list_out(&c->link);
	if (s && list_empty(&s->list)) {
		map_del(&cs->spaces, s->ns);
		free(s);
	}
	json_decref(c->labels);
	free(c->image);
	free(c->tag);
	free(c->digest);
	free(c);
}

static struct image_choice *choice_new(struct image_choices *cs, struct kube_entry *e)
{
	struct image_choice *c = NEW(struct image_choice);
	struct space *s = space_of(cs, kube_entry_ns(e));

	c->ns = kube_entry_ns(e);
	c->name = kube_entry_name(e);
	c->image = mem_strdup("");
	c->tag = mem_strdup("");
	c->digest = mem_strdup("");
	list_init(&c->link);
	list_add(&s->list, &c->link);
	e->user = c;
	return c;
}

static bool text_set(char **to, const char *text)
{
	if (!strcmp(*to, text))
		return false;
	free(*to);
	*to = mem_strdup(text);
	return true;
}

/* True: it is another one than before. What is no tag is none: it becomes a part of a file. */
static bool ref_set(struct image_choice *c, const json_t *ref)
{
	const char *image = obj_str_or("", ref, "name"), *tag = obj_str_or("", ref, "tag");
	bool there = *image && oci_tag_valid(tag, strlen(tag));
	bool changed = text_set(&c->image, there ? image : "");

	changed |= text_set(&c->tag, there ? tag : "");
	changed |= text_set(&c->digest, there ? obj_str_or("", ref, "digest") : "");
	return changed;
}

static void labels_set(struct image_choice *c, const json_t *obj)
{
	json_t *labels = obj_get(obj, "metadata", "labels");

	json_decref(MOVE(c->labels));
	if (json_object_size(labels))
		c->labels = json_pack("{s:{s:O}}", "metadata", "labels", labels);
}

/* ---- the watch ------------------------------------------------------------------------------- */

static void tell(struct image_choices *cs, const struct image_choice *c)
{
	if (image_choices_complete(cs))
		cs->opts.changed(cs->opts.arg, c);
}

static void policy_set(void *arg, struct kube_entry *e, const json_t *obj, bool added)
{
	struct image_choices *cs = arg;
	struct image_choice *c = e->user ? e->user : choice_new(cs, e);

	(void)added;
	labels_set(c, obj);
	if (ref_set(c, obj_get(obj, "status", "latestRef")))
		tell(cs, c);
}

static void policy_deleted(void *arg, struct kube_entry *e)
{
	struct image_choices *cs = arg;
	struct image_choice *c = e->user;

	if (!c)
		return;
	if (*c->image)
		tell(cs, c);
	choice_free(cs, MOVE(e->user));
}

static void policies_listed(void *arg)
{
	struct image_choices *cs = arg;

	cs->err = (struct err){0};
	cs->opts.listed(cs->opts.arg);
}

/* Once for each time of trouble. */
static void policies_error(void *arg, const struct err *err, uint64_t in_ms)
{
	struct image_choices *cs = arg;

	if (cs->err.kind == ERR_NONE)
		log_error(NULL, "cannot watch", LS("resource", policies.plural),
			LU("retryMs", in_ms), LE(err));
	cs->err = *err;
}

/* ---- the interface --------------------------------------------------------------------------- */

void image_choices_start(struct image_choices *cs)
{
	if (cs->watch)
		return;
	cs->watch = kube_watch_start(cs->opts.kube,
		&(struct kube_watch_req){.resource = &policies,
			.ns = cs->ns,
			.on_set = policy_set,
			.on_deleted = policy_deleted,
			.on_synced = policies_listed,
			.on_error = policies_error,
			.arg = cs});
}

bool image_choices_complete(const struct image_choices *cs)
{
	return cs->watch && kube_watch_synced(cs->watch);
}

const struct err *image_choices_error(const struct image_choices *cs)
{
	return cs->err.kind != ERR_NONE ? &cs->err : NULL;
}

void image_choices_each(const struct image_choices *cs, const char *ns,
	void (*fn)(void *arg, const struct image_choice *c), void *arg)
{
	const struct space *s = map_get(&cs->spaces, ns);
	const struct list *at;

	if (!s)
		return;
	list_each (&s->list, at)
		fn(arg, CONTAINER_OF(at, struct image_choice, link));
}

struct image_choices *image_choices_new(const struct image_choices_opts *opts)
{
	struct image_choices *cs = NEW(struct image_choices);

	cs->opts = *opts;
	cs->ns = mem_strdup(opts->ns);
	cs->opts.ns = cs->ns;
	return cs;
}

/* The entries go when the watch has ended, and that may be after this struct. */
void image_choices_stop(struct image_choices *cs)
{
	const char *ns;
	size_t at = 0;
	void *space;

	while (map_next(&cs->spaces, &at, &ns, &space)) {
		struct list *list = &((struct space *)space)->list;
		size_t n = 0;
		struct list *i;

		list_each (list, i)
			n++;
		while (n--)
			choice_free(cs, CONTAINER_OF(list_first(list), struct image_choice, link));
	}
	op_drop(MOVE(cs->watch));
}

void image_choices_free(struct image_choices *cs)
{
	if (!cs)
		return;
	map_clear(&cs->spaces);
	free(cs->ns);
	free(cs);
}
