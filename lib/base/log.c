#include "base/log.h"

#include "base/clock.h"
#include "base/js.h"
#include "base/time.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static const char *const NAMES[] = {"trace", "debug", "info", "error"};
static _Atomic int level_now = LOG_INFO;
static _Atomic int fd_now = 2;
static atomic_bool as_json = true;

bool log_on(enum log_level level)
{
	return (int)level >= level_now && fd_now >= 0;
}

int log_set_level(const char *name)
{
	int i;

	for (i = 0; i < 4; i++)
		if (!strcmp(name, NAMES[i])) {
			level_now = i;
			return 0;
		}
	return -1;
}

void log_set_json(bool json)
{
	as_json = json;
}

void log_set_fd(int fd)
{
	fd_now = fd;
}

static void put_field(struct js_w *w, const struct log_field *f)
{
	js_key(w, f->key);
	switch (f->type) {
	case LOG_F_STR:
		js_str(w, f->v.s);
		break;
	case LOG_F_UINT:
		js_uint(w, f->v.u);
		break;
	case LOG_F_INT:
		js_int(w, f->v.i);
		break;
	case LOG_F_BOOL:
		js_bool(w, f->v.b);
		break;
	case LOG_F_NUM:
		js_num(w, f->v.n);
		break;
	}
}

void log_write(enum log_level level, const struct log_ctx *ctx, const char *msg,
	const struct log_field *fields, unsigned n)
{
	auto_buf struct buf b = BUF_INIT(64 * 1024);
	struct js_w w = JS_W(&b);
	char ts[TIME_TEXT_MAX];
	bool json = as_json;
	unsigned i;

	time_format_millis(clock_wall_ms(), ts);
	if (!json)
		buf_addf(&b, "%s\t%s\t%s\t", ts, NAMES[level], msg);
	js_begin(&w, '{');
	if (json) {
		js_kstr(&w, "level", NAMES[level]);
		js_kstr(&w, "ts", ts);
		js_kstr(&w, "msg", msg);
	}
	if (ctx && ctx->members && *ctx->members)
		js_raw(&w, ctx->members, strlen(ctx->members));
	for (i = 0; i < n; i++)
		put_field(&w, &fields[i]);
	js_end(&w, '}');
	buf_addc(&b, '\n');
	/* A line that was cut would stop `flux logs` of the whole pod: say less instead. */
	if (buf_over(&b)) {
		buf_reset(&b);
		w = JS_W(&b);
		js_begin(&w, '{');
		js_kstr(&w, "level", NAMES[level]);
		js_kstr(&w, "ts", ts);
		js_kstr(&w, "msg", msg);
		js_end(&w, '}');
		buf_addc(&b, '\n');
	}
	/* Nothing useful can be done when stderr is gone. */
	if (write(fd_now, b.p, b.len) < 0)
		return;
}
