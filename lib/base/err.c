#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void err_fill(struct err *err, enum err_kind kind, int code, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));
static void err_fill(struct err *err, enum err_kind kind, int code, const char *fmt, va_list ap)
{
	err->kind = kind;
	err->code = code;
	err->retry_ms = 0;
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
}

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_fill(err, kind, 0, fmt, ap);
	va_end(ap);
	return -1;
}

int err_code(struct err *err, enum err_kind kind, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_fill(err, kind, code, fmt, ap);
	va_end(ap);
	return -1;
}

int err_sys(struct err *err, const char *fmt, ...)
{
	int no = errno;
	char why[128];
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	err_fill(err, ERR_RETRY, -no, fmt, ap);
	va_end(ap);
	len = strlen(err->msg);
	snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", strerror_r(no, why, sizeof(why)));
	return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char outer[ERR_MSG_MAX];
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(outer, sizeof(outer) - 3, fmt, ap);
	va_end(ap);
	n = strlen(outer);
	memcpy(outer + n, ": ", 3);
	n += 2;
	memmove(err->msg + n, err->msg, sizeof(err->msg) - n);
	memcpy(err->msg, outer, n);
	err->msg[sizeof(err->msg) - 1] = '\0';
	return -1;
}

int err_append(struct err *err, const char *fmt, ...)
{
	char more[ERR_MSG_MAX / 4 * 3];
	size_t n, len = strlen(err->msg);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(more, sizeof(more), fmt, ap);
	va_end(ap);
	n = strlen(more);
	if (len > sizeof(err->msg) - 1 - n)
		len = sizeof(err->msg) - 1 - n;
	memcpy(err->msg + len, more, n + 1);
	return -1;
}

void err_clear(struct err *err)
{
	memset(err, 0, sizeof(*err));
}

const char *err_kind_name(enum err_kind kind)
{
	static const char *const names[] = {"none", "retry", "wait", "held", "stall", "canceled"};

	return names[kind];
}

void bug_abort(const char *file, int line, const char *what)
{
	fprintf(stderr, "{\"level\":\"error\",\"msg\":\"bug\",\"error\":\"%s:%d: %s\"}\n", file,
		line, what);
	abort();
}
