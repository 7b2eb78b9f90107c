#include "ev/signal.h"

#include "base/err.h"
#include "base/mem.h"
#include "ev/internal.h"

struct signal_watch {
	uv_signal_t uv;
	void (*fn)(void *arg, int signo);
	void *arg;
};

static void signal_caught(uv_signal_t *handle, int signo)
{
	struct signal_watch *w = CONTAINER_OF(handle, struct signal_watch, uv);

	w->fn(w->arg, signo);
}

struct signal_watch *signal_watch_new(
	struct loop *l, int signo, void (*fn)(void *arg, int signo), void *arg)
{
	struct signal_watch *w = NEW(struct signal_watch);

	w->fn = fn;
	w->arg = arg;
	BUG_IF(uv_signal_init(&l->uv, &w->uv));
	BUG_IF(uv_signal_start(&w->uv, signal_caught, signo));
	uv_unref((uv_handle_t *)&w->uv);
	return w;
}

static void signal_closed(uv_handle_t *handle)
{
	free(CONTAINER_OF((uv_signal_t *)handle, struct signal_watch, uv));
}

void signal_watch_close(struct signal_watch *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->uv, signal_closed);
}
