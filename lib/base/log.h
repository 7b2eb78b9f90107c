/*
 * Logs: one JSON object a line, one write(2) to stderr, in the form that `flux logs` and log
 * pipelines know from Flux's controllers. The message is a constant that can be grepped, values are
 * typed fields; a credential never gets here (lib/base/secret has no log form). Order: level, ts,
 * msg, the context's fields, the call's fields. Any thread.
 *
 *	log_info(&run->log, "stored artifact", LS("revision", rev), LU("size", n));
 *	log_error(NULL, "cannot listen", LE(&err));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_TRACE, LOG_DEBUG, LOG_INFO, LOG_ERROR };

/* Fields that every line of one run carries: a piece of JSON members ("\"controller\":\"x\",...")
   without braces. NULL: none. */
struct log_ctx {
	char *members; /* owned by whoever made the context */
};

struct log_field {
	enum { LOG_F_STR, LOG_F_UINT, LOG_F_INT, LOG_F_BOOL, LOG_F_NUM } type;
	const char *key;
	union {
		const char *s;
		uint64_t u;
		int64_t i;
		bool b;
		double n;
	} v;
};

#define LS(k, x) ((struct log_field){.type = LOG_F_STR, .key = (k), .v.s = (x)})
#define LU(k, x) ((struct log_field){.type = LOG_F_UINT, .key = (k), .v.u = (x)})
#define LI(k, x) ((struct log_field){.type = LOG_F_INT, .key = (k), .v.i = (x)})
#define LB(k, x) ((struct log_field){.type = LOG_F_BOOL, .key = (k), .v.b = (x)})
#define LN(k, x) ((struct log_field){.type = LOG_F_NUM, .key = (k), .v.n = (x)})
#define LE(e) ((struct log_field){.type = LOG_F_STR, .key = "error", .v.s = (e)->msg})

void log_write(enum log_level level, const struct log_ctx *ctx, const char *msg,
	const struct log_field *fields, unsigned n);

#define LOG_(level, ctx, msg, ...) \
	do { \
		if (log_on(level)) { \
			const struct log_field fields_[] = {{.key = NULL}, ##__VA_ARGS__}; \
			log_write(level, ctx, msg, fields_ + 1, \
				sizeof(fields_) / sizeof(fields_[0]) - 1); \
		} \
	} while (0)
#define log_trace(ctx, msg, ...) LOG_(LOG_TRACE, ctx, msg, ##__VA_ARGS__)
#define log_debug(ctx, msg, ...) LOG_(LOG_DEBUG, ctx, msg, ##__VA_ARGS__)
#define log_info(ctx, msg, ...) LOG_(LOG_INFO, ctx, msg, ##__VA_ARGS__)
#define log_error(ctx, msg, ...) LOG_(LOG_ERROR, ctx, msg, ##__VA_ARGS__)

bool log_on(enum log_level level);
/* "trace", "debug", "info", "error"; -1 for anything else. */
int log_set_level(const char *name) must_check;
/* true (default): JSON; false: the console form of --log-encoding=console. */
void log_set_json(bool json);
/* Where lines go; 2 at the start. Tests give a pipe or -1 for nowhere. */
void log_set_fd(int fd);

#endif
