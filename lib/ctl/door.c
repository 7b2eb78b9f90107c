#include "ctl/door.h"

#include "ctl/controller.h"
#include "ctl/event.h"
#include "ctl/item.h"
#include "ctl/object.h"
#include "ctl/run.h"
#include "kube/client.h"

#include <stdio.h>

struct op *run_patch(struct run *r, const json_t *patch, const char *subresource)
{
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

	if (!r->c->opts.events)
		return;
	snprintf(api_version, sizeof(api_version), "%s/%s", res->group, res->version);
	event_record(r->c->opts.events,
		&(struct event_about){api_version, res->kind, r->ns, r->name, r->uid,
			object_version(r->obj), &r->item->event_budget},
		warning, reason, message, notes);
}
