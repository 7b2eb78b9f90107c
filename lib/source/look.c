#include "source/look.h"

#include "source/env.h"
#include "store/store.h"

/* Files looked at at a time; the worker lanes see to it that large ones of one namespace do not
   keep the others. */
#define LOOKS_MAX 64

static void line_pump(struct source_env *e);

static void look_done(struct op *op, void *arg)
{
	struct artifact_item *a = arg;
	struct source_env *e = SOURCE_ENV(a->item.c);

	/* What it found is in the store; the run's own look is a stat. */
	op_free(op);
	a->look = NULL;
	e->looks--;
	item_due(&a->item);
	line_pump(e);
}

static void look_start(struct artifact_item *a)
{
	struct source_env *e = SOURCE_ENV(a->item.c);

	if (!a->path || a->digest.algo == DIGEST_NONE) {
		/* No artifact, as the run will see it as well. */
		if (a->path)
			store_promise_end(e->store, a->path);
		item_due(&a->item);
		return;
	}
	e->looks++;
	a->look = store_check_start(e->store, a->path, &a->digest);
	op_then(a->look, look_done, a);
}

static void line_pump(struct source_env *e)
{
	while (!list_empty(&e->look_line) && e->looks < LOOKS_MAX) {
		struct list *at = list_first(&e->look_line);

		list_out(at);
		look_start(CONTAINER_OF(at, struct artifact_item, look_link));
	}
}

void look_add(struct artifact_item *a)
{
	struct source_env *e = SOURCE_ENV(a->item.c);

	list_add(&e->look_line, &a->look_link);
	line_pump(e);
}

bool look_is_on(const struct artifact_item *a)
{
	return a->look || list_linked(&a->look_link);
}

void look_cancel(struct artifact_item *a)
{
	struct source_env *e = SOURCE_ENV(a->item.c);

	list_out(&a->look_link);
	if (!a->look)
		return;
	op_drop(MOVE(a->look));
	e->looks--;
	line_pump(e);
}
