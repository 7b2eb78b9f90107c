/* What OpenSSH's client says when it fails, as an error of ours. Inside lib/git only; any
   thread. */
#ifndef GIT_SSH_WORDS_H
#define GIT_SSH_WORDS_H
#include "base/buf.h"
#include "base/err.h"
#include "ev/proc.h"

/* Fills *err: the process that was to run `service` there has not ended well. */
void gitc_ssh_blame(const char *service, const struct proc_result *r, struct err *err);

#endif
