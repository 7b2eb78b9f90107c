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

static void about_run(const struct run *r, char api_version[128], struct event_about *out)
{
	const struct kube_resource *res = r->c->kind->resource;

	snprintf(api_version, 128, "%s/%s", res->group, res->version);
	*out = (struct event_about){api_version, res->kind, r->ns, r->name, r->uid,
		object_version(r->obj), &r->item->event_budget};
}

static void notice_post(struct run *r, const struct event_about *about, bool error,
	const char *reason, const char *message, const struct event_annotation *notes)
{
	if (r->c->opts.poster)
		poster_post(r->c->opts.poster,
			&(struct notice){.about = about,
				.error = error,
				.reason = reason,
				.message = message,
				.notes = notes,
				.annotations = obj_get(r->obj, "metadata", "annotations")});
}

void run_event(struct run *r, bool warning, const char *reason, const char *message,
	const struct event_annotation *notes)
{
	char api_version[128];
	struct event_about about;

	if (!role_leads(r->c))
		return;
	if (r->c->opts.keep_history)
		history_count(&r->item->events, ITEM_EVENTS, clock_wall_ms(), reason, message);
	about_run(r, api_version, &about);
	if (r->c->opts.events)
		event_record(r->c->opts.events, &about, warning, reason, message, notes);
	notice_post(r, &about, warning, reason, message, notes);
}

void run_notice(struct run *r, bool error, const char *reason, const char *message)
{
	char api_version[128];
	struct event_about about;

	if (!role_leads(r->c))
		return;
	about_run(r, api_version, &about);
	notice_post(r, &about, error, reason, message, NULL);
}
