/*
 * One call of a Receiver's path, from the check of who calls to the patches of its resources. A
 * call has LIMIT_RECEIVER_MS from when it came. LIMIT_RECEIVER_CALLS are worked on at a time; the
 * others wait in a line, in which they hold no more than their connection does. One Receiver has
 * half of either at most. When its turn comes, a call is of the Receiver that has its path then, as
 * that one is then: one that was deleted or suspended meanwhile wakes nothing. Loop thread.
 */
#ifndef RECEIVER_CALL_H
#define RECEIVER_CALL_H
#include <stdbool.h>

struct http_exchange;
struct item;
struct receiver_env;
struct receiver_request;

/* The status of the answer to a call of it now, and *why; 0: it may be called. i NULL: there is no
   such Receiver. */
int receiver_call_refusal(const struct receiver_env *env, const struct item *i, const char **why);
/* Is there room for one more call of it? */
bool receiver_call_room(const struct receiver_env *env, const struct item *i);
/* Answers x, some time. Everything is copied but x. */
void receiver_call_begin(struct receiver_env *env, const struct item *i,
	const struct receiver_request *r, struct http_exchange *x);
/* Answers those who wait; the others end soon. */
void receiver_calls_stop(struct receiver_env *env);

#endif
