/*
 * One call of a Receiver's path, from the check of who calls to the patches of its resources. A
 * call has LIMIT_RECEIVER_MS from when it came. LIMIT_RECEIVER_CALLS are worked on at a time; the
 * others wait in a line, in which they hold no more than their connection does. One Receiver has
 * half of either at most. Loop thread.
 */
#ifndef RECEIVER_CALL_H
#define RECEIVER_CALL_H
#include <stdbool.h>

struct http_exchange;
struct item;
struct receiver_env;
struct receiver_request;

/* Is there room for one more call of it? */
bool receiver_call_room(const struct receiver_env *env, const struct item *i);
/* Answers x, some time. Everything is copied but x. */
void receiver_call_begin(struct receiver_env *env, const struct item *i,
	const struct receiver_request *r, struct http_exchange *x);
/* Answers those who wait; the others end soon. */
void receiver_calls_stop(struct receiver_env *env);

#endif
