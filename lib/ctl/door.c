#include "ctl/door.h"

#include "base/clock.h"
#include "base/history.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ctl/event.h"
#include "ctl/item.h"
#include "ctl/notice.h"
#include "ctl/object.h"
#include "ctl/poster.h"
#include "ctl/role.h"
#include "ctl/run.h"
#include "ev/op.h"
#include "kube/client.h"

#include <stdio.h>

static struct op *not_the_leader(const struct run *r)
{
	struct err err = {0};

	err_set(&err, ERR_RETRY, "this replica does not lead any more: another one writes");
	return op_failed(r->c->opts.loop, &err);
}

struct op *run_patch(struct run *r, const json_t *patch, const char *subresource)
{
	if (!role_leads(r->c))
		return not_the_leader(r);
	return kube_start(r->c->opts.kube,
		&(struct kube_req){.verb = KUBE_PATCH,
			.resource = r->c->kind->resource,
			.ns = r->ns,
			.name = r->name,
			.subresource = subresource,
			.body = patch});
}

void run_event(struct run *r, bool warning, const char *reason, const char *message,
	const struct event_annotation *notes)
{
	const struct kube_resource *res = r->c->kind->resource;
	char api_version[128];
	const struct event_about about = {api_version, res->kind, r->ns, r->name, r->uid,
		object_version(r->obj), &r->item->event_budget};

	if (!role_leads(r->c))
		return;
	if (r->c->opts.keep_history)
		history_count(&r->item->events, ITEM_EVENTS, clock_wall_ms(), reason, message);
	snprintf(api_version, sizeof(api_version), "%s/%s", res->group, res->version);
	if (r->c->opts.events)
		event_record(r->c->opts.events, &about, warning, reason, message, notes);
	if (r->c->opts.poster)
		poster_post(r->c->opts.poster,
			&(struct notice){.about = &about,
				.error = warning,
				.reason = reason,
				.message = message,
				.notes = notes,
				.annotations = obj_get(r->obj, "metadata", "annotations")});
}
