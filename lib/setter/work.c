#include "base/limits.h"
#include "base/mem.h"
#include "setter/internal.h"

#define POLL_EVERY 256 /* pieces */

bool setter_stopped(struct setter_work *w)
{
	if (++w->polled % POLL_EVERY || !w->in->stop || !atomic_load(w->in->stop))
		return false;
	err_set(w->err, ERR_CANCELED, "stopped");
	return true;
}

void setter_report(struct setter_work *w, enum setter_report_kind kind, unsigned long line,
	const char *fmt, ...)
{
	struct buf what = BUF_INIT(ERR_MSG_MAX);
	va_list ap;

	if (w->reports.len >= LIMIT_SETTER_REPORTS) {
		w->reports_left++;
		return;
	}
	va_start(ap, fmt);
	buf_vaddf(&what, fmt, ap);
	va_end(ap);
	*vec_add(&w->reports) = (struct setter_report){kind, line, buf_take(&what)};
}

void setter_object_clear(struct setter_object *o)
{
	free(o->api_version);
	free(o->kind);
	free(o->name);
	free(o->ns);
	*o = (struct setter_object){0};
}

void setter_change_clear(struct setter_change *c)
{
	setter_object_clear(&c->object);
	free(c->old_text);
	free(c->new_text);
	free(c->setter);
	*c = (struct setter_change){0};
}

void setter_edit_clear(struct setter_edit *e)
{
	free(MOVE(e->written));
	free(MOVE(e->key));
	setter_change_clear(&e->change);
}
