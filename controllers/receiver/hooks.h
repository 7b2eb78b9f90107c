/* The HTTP side of Receivers: from a request to the call that it is (call.h). Loop thread. */
#ifndef RECEIVER_HOOKS_H
#define RECEIVER_HOOKS_H
#include <stdbool.h>

struct http_exchange;

/* For the server; env is a struct receiver_env. */
void receiver_hooks_handle(void *env, struct http_exchange *x);
/* Is there a Receiver of that path? What a stranger posts elsewhere takes no memory. */
bool receiver_hooks_want_body(void *env, struct http_exchange *x);

#endif
