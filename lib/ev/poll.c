#include "ev/poll.h"

#include "base/err.h"
#include "base/mem.h"
#include "ev/internal.h"

struct poll {
	uv_poll_t uv;
	poll_fn *fn;
	void *arg;
	int want;
};

/* libuv says of a connection that was reset only that, and stops, although bytes that came before
   may still be in the socket. So the watch goes on, and whoever reads or writes learns first of the
   bytes, then of the error, as with poll(2). */
static void poll_ready(uv_poll_t *handle, int status, int events)
{
	struct poll *p = CONTAINER_OF(handle, struct poll, uv);
	int got = 0;

	if (status < 0) {
		got = POLL_ERROR;
		events = p->want;
		uv_poll_start(&p->uv, p->want, poll_ready);
	}
	if (events & UV_READABLE)
		got |= POLL_READ;
	if (events & UV_WRITABLE)
		got |= POLL_WRITE;
	p->fn(p->arg, got);
}

struct poll *poll_new(struct loop *l, int fd, poll_fn *fn, void *arg)
{
	struct poll *p = NEW(struct poll);

	p->fn = fn;
	p->arg = arg;
	BUG_IF(uv_poll_init(&l->uv, &p->uv, fd));
	return p;
}

void poll_set(struct poll *p, int events)
{
	int want = (events & POLL_READ ? UV_READABLE : 0) | (events & POLL_WRITE ? UV_WRITABLE : 0);

	if (want == p->want && (!want || uv_is_active((uv_handle_t *)&p->uv)))
		return;
	p->want = want;
	if (want)
		uv_poll_start(&p->uv, want, poll_ready);
	else
		uv_poll_stop(&p->uv);
}

static void poll_closed(uv_handle_t *handle)
{
	free(CONTAINER_OF((uv_poll_t *)handle, struct poll, uv));
}

void poll_close(struct poll *p)
{
	if (!p)
		return;
	uv_poll_stop(&p->uv);
	uv_close((uv_handle_t *)&p->uv, poll_closed);
}
