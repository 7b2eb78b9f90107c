/*
 * A notification-controller on the test's own loop, as far as events go: it takes POSTs of JSON,
 * keeps them, and answers what it is told to. It checks what every request must have.
 *
 *	struct fake_receiver *r = fake_receiver_new(loop);
 *	... fake_receiver_url(r) ...
 *	fake_receiver_answer(r, 503);                                 from now on
 *	ck_assert_str_eq(fake_receiver_said(r), "web info NewArtifact\nweb error PullFailed\n");
 */
#ifndef FAKE_RECEIVER_H
#define FAKE_RECEIVER_H
#include <jansson.h>

struct fake_receiver;
struct loop;

struct fake_receiver *fake_receiver_new(struct loop *l);
void fake_receiver_free(struct fake_receiver *r);
const char *fake_receiver_url(const struct fake_receiver *r);

/* The status of all answers from now on, at first 202. 0: none, the requests wait until another
   one is set, and get that. */
void fake_receiver_answer(struct fake_receiver *r, int status);
/* The status for notices about this object only; NULL: nobody is an exception any more. */
void fake_receiver_except(struct fake_receiver *r, const char *name, int status);
/* It is gone: connections are refused. Then it is there again, at the same address. */
void fake_receiver_stop(struct fake_receiver *r);
void fake_receiver_start(struct fake_receiver *r);

/* Requests that came, and that wait for an answer now. */
unsigned fake_receiver_requests(const struct fake_receiver *r);
unsigned fake_receiver_waiting(const struct fake_receiver *r);
/* What was taken (answered 2xx), a line each: "NAME SEVERITY REASON". */
const char *fake_receiver_said(const struct fake_receiver *r);
/* The last one that came, whatever the answer; borrowed until the next. */
const json_t *fake_receiver_last(const struct fake_receiver *r);
/* As text, byte by byte. */
const char *fake_receiver_last_text(const struct fake_receiver *r);

#endif
