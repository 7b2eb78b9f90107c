#include "source/confirm.h"

#include "base/log.h"
#include "ctl/object.h"
#include "ctl/run.h"
#include "kube/client.h"
#include "kube/watch.h"
#include "source/env.h"
#include "source/item.h"
#include "store/store.h"

#include <string.h>

/* Who asked does not wait longer. */
#define CONFIRM_MS 10000

/* The watch has yet to say it. */
static void confirm_news(struct item *i, const json_t *now)
{
	struct artifact_item *a = ARTIFACT_ITEM(i);
	bool changed = !item_is_same(i, now);

	if (!kube_version_older(i->version, object_version(now)) || !item_adopt(i, now))
		return;
	if (changed || (i->c->follows && a->path_is_new))
		queue_cancel(&i->queue_item, CAUSE_CHANGED);
	/* Who waits is woken before the run begins. */
	if (artifact_is_missing(a))
		store_promise(SOURCE_ENV(i->c)->store, a->path);
	item_due(i);
}

static void confirm_answer(const struct artifact_item *a, bool found)
{
	char dir[STORE_DIR_MAX];
	struct err err = {0};

	if (!artifact_dir(&a->item, dir, &err))
		store_confirmed(SOURCE_ENV(a->item.c)->store, dir, found);
}

static void confirm_done(struct op *op, void *arg)
{
	struct artifact_item *a = arg;
	bool found = op->err.kind == ERR_NONE || op->err.code == 404;

	a->confirm = NULL;
	if (op->err.kind == ERR_NONE)
		confirm_news(&a->item, kube_result(op));
	else if (!found)
		log_debug(NULL, "cannot find out what a status names", LS("object", a->item.key),
			LE(&op->err));
	op_free(op);
	confirm_answer(a, found);
}

bool confirm_status(struct controller *c, const char *dir)
{
	struct artifact_item *a = artifact_of_dir(c, dir);

	if (!a || a->confirm)
		return a;
	a->confirm = kube_start(c->opts.kube,
		&(struct kube_req){.verb = KUBE_GET,
			.resource = c->kind->resource,
			.ns = a->item.ns,
			.name = a->item.name,
			.deadline_ms = CONFIRM_MS});
	op_then(a->confirm, confirm_done, a);
	return true;
}
