#include "ctl/role.h"

#include "ctl/controller.h"
#include "ctl/item.h"
#include "ctl/kind.h"
#include "ctl/outage.h"
#include "ctl/run.h"

bool role_leads(const struct controller *c)
{
	return !c->follows && (!c->opts.leads || c->opts.leads(c->opts.role));
}

bool role_has_work(const struct item *i)
{
	const struct kind *k = i->c->kind;

	return i->deleting || (k->restore && k->item && k->item->missing && k->item->missing(i));
}

static void item_lead(void *arg, struct item *i)
{
	const struct kind *k = i->c->kind;

	(void)arg;
	if (k->item && k->item->leads)
		k->item->leads(i);
	queue_reset(&i->queue_item);
	item_due(i);
}

static void item_follow(void *arg, struct item *i)
{
	(void)arg;
	/* What was given up here another replica may have. */
	item_renew(i);
	if (i->tell)
		op_cancel(i->tell);
	if (queue_is_running(&i->queue_item) && RUN(i->queue_item.run)->mode != RUN_RESTORE)
		queue_cancel(&i->queue_item, CAUSE_DEMOTED);
	item_due(i);
}

void role_changed(struct controller *c)
{
	bool follows = c->opts.leads && !c->opts.leads(c->opts.role);

	if (c->follows == follows)
		return;
	c->follows = follows;
	c->resigns = false;
	outage_clear(c);
	item_each(c, follows ? item_follow : item_lead, NULL);
}

static void item_resign(void *arg, struct item *i)
{
	(void)arg;
	if (i->tell)
		op_cancel(i->tell);
	queue_cancel(&i->queue_item, CAUSE_SHUTDOWN);
}

void role_resign(struct controller *c)
{
	if (c->follows)
		return;
	c->resigns = true;
	item_each(c, item_resign, NULL);
}

bool role_resigned(const struct controller *c)
{
	return !c->resigns || (!c->queue.running && !c->tells);
}
