/*
 * Tells when something in a directory changed (inotify through libuv). It says that, not what: read
 * the directory again, after a quiet moment of your own choosing. A directory that does not exist
 * fails. Loop thread.
 */
#ifndef EV_FSWATCH_H
#define EV_FSWATCH_H
#include "base/err.h"

struct loop;
struct fswatch;

struct fswatch *fswatch_new(struct loop *l, const char *dir, void (*fn)(void *arg), void *arg,
	struct err *err) must_check;
void fswatch_close(struct fswatch *w); /* NULL is fine */

#endif
