/*
 * Answers to calls, and what is counted of them: the metrics gotk_receiver_http_... of Flux's
 * notification-controller. Each request that is begun is answered once, whether the caller is still
 * there or not. Loop thread.
 */
#ifndef RECEIVER_ANSWER_H
#define RECEIVER_ANSWER_H
#include <stdint.h>

/* Reasons. */
#define RECEIVER_NO_PATH "no Receiver has this path"
#define RECEIVER_BUSY "too many calls at a time"
#define RECEIVER_ENDS "this server ends"

struct http_exchange;
struct metrics;
struct receiver_env;

/* A request that has come. */
struct receiver_request {
	const char *method; /* one of few words: for the metrics */
	uint64_t since_ns;
};

struct receiver_request receiver_request_begin(
	struct receiver_env *env, const struct http_exchange *x);
/* why: one line, for 400 and more; NULL: no body. x NULL: nobody waits for it any more. 503 says
   when to come again. */
void receiver_answer(struct receiver_env *env, const struct receiver_request *r,
	struct http_exchange *x, int status, const char *why);

void receiver_answer_metrics(struct receiver_env *env, struct metrics *m);

#endif
