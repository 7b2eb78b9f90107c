/*
 * The folder in which gpg signs once: its keyring, its secret key, the sockets of its agent. Made
 * and removed in worker jobs; what a process that was killed has left goes at the next start.
 * Inside lib/gpg only.
 */
#ifndef GPG_HOME_H
#define GPG_HOME_H
#include "base/err.h"

/* The path of a new one; the caller frees it. Any thread. */
char *gpg_home_name(const char *folder);
int gpg_home_make(const char *path, struct err *err) must_check;
/* Nobody may find the agent that was killed: the next one takes its place. */
void gpg_home_unplug(const char *path);
void gpg_home_remove(const char *path);

#endif
