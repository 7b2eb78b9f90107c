/*
 * An error is a plain value that the caller owns: no allocation, no release, safe to carry out of a
 * worker thread.
 *
 * A function that can fail takes `struct err *err` last and returns 0, or -1 with *err filled. err
 * is never NULL and stays untouched on success, so calls chain:
 *
 *	if (oci_ref_parse(&ref, url, err))
 *		return err_wrap(err, "spec.url");
 *
 * Messages are lower case, without a full stop, the subject in single quotes, and never hold a
 * credential.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H
#include <stdint.h>
#include <stdlib.h>

enum err_kind {
	ERR_NONE, /* no error: what a zeroed struct says */
	ERR_RETRY, /* try again after a back-off */
	ERR_WAIT, /* try again after retry_ms (Retry-After) */
	ERR_HELD, /* the same, but nobody was asked: somebody else was told that time */
	ERR_STALL, /* only a changed spec can help */
	ERR_CANCELED, /* nobody wants the result any more: say nothing */
};

#define ERR_MSG_MAX 1024

struct err {
	enum err_kind kind;
	/* HTTP status (100..599), a negative errno, or 1 to 99: what the failing module says; 0:
	   none */
	int code;
	uint64_t retry_ms; /* with ERR_WAIT and ERR_HELD: how long */
	char msg[ERR_MSG_MAX];
};

#define must_check __attribute__((warn_unused_result))

/* Fills *err and returns -1, so that a function can fail in one statement. A message that is too
   long is cut. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with a code: an HTTP status, or a negative errno. */
int err_code(struct err *err, enum err_kind kind, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* err_code(ERR_RETRY, -errno) with ": <strerror>" at the end. Reads errno first. */
int err_sys(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "<fmt>: " in front of the message that is there; kind and code stay. Returns -1. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same behind it. What is too long is cut at its own beginning, not at this text. */
int err_append(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Back to the zeroed state. */
void err_clear(struct err *err);
/* The kind as a word for logs: "retry", "wait", ... */
const char *err_kind_name(enum err_kind kind);

/* Aborts with file and line: for our own mistakes only, never for input. */
#define BUG_IF(cond) ((cond) ? bug_abort(__FILE__, __LINE__, #cond) : (void)0)
void bug_abort(const char *file, int line, const char *what) __attribute__((noreturn));

#endif
