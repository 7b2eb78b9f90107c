#include "ev/fswatch.h"

#include "base/mem.h"
#include "ev/internal.h"

struct fswatch {
	uv_fs_event_t uv;
	void (*fn)(void *arg);
	void *arg;
};

static void fswatch_changed(uv_fs_event_t *handle, const char *name, int events, int status)
{
	struct fswatch *w = CONTAINER_OF(handle, struct fswatch, uv);

	(void)name;
	(void)events;
	(void)status;
	w->fn(w->arg);
}

static void fswatch_closed(uv_handle_t *handle)
{
	free(CONTAINER_OF((uv_fs_event_t *)handle, struct fswatch, uv));
}

struct fswatch *fswatch_new(
	struct loop *l, const char *dir, void (*fn)(void *arg), void *arg, struct err *err)
{
	struct fswatch *w = NEW(struct fswatch);
	int rc;

	w->fn = fn;
	w->arg = arg;
	BUG_IF(uv_fs_event_init(&l->uv, &w->uv));
	rc = uv_fs_event_start(&w->uv, fswatch_changed, dir, 0);
	if (rc) {
		uv_close((uv_handle_t *)&w->uv, fswatch_closed);
		err_code(err, ERR_RETRY, rc, "watch '%s': %s", dir, uv_strerror(rc));
		return NULL;
	}
	return w;
}

void fswatch_close(struct fswatch *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->uv, fswatch_closed);
}
