/* A target (client.h) that a request keeps for itself. Inside lib/git only; loop thread. */
#ifndef GIT_TARGET_H
#define GIT_TARGET_H
#include "base/err.h"
#include "git/client.h"

/* What own points to is its own, until gitc_target_clear. Its timeout is never 0. */
void gitc_target_init(struct gitc_target *own, const struct gitc_target *from);
void gitc_target_clear(struct gitc_target *own);
/* Its jobs are the process's own from now on. */
void gitc_target_disown(struct gitc_target *own);
/* What tells two targets apart for caches: the place, and as whom it is asked. The caller frees
   it. */
char *gitc_target_key(const struct gitc_target *t);
/* When its time is over (on clock_ms()), for an operation that begins now; and how much is left of
   it, 1 at least. */
uint64_t gitc_target_until(const struct gitc_target *t);
uint64_t gitc_target_left(uint64_t until_ms);
/* Puts "WHAT of 'URL': " in front of the message, and takes out of it what the server may have
   repeated of the credentials. One of our deadlines is told as that of the whole operation, when
   that is over (until_ms; 0: it has none): in the same words each time. */
void gitc_target_blame(
	const struct gitc_target *t, const char *what, uint64_t until_ms, struct err *err);

#endif
