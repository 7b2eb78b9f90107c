/*
 * One process per store. The lock is flock(2) on the root directory itself, so it needs no file (a
 * read-only store can be locked too), and the kernel drops it with the process, however that dies.
 * Any thread.
 */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H
#include "base/err.h"

/* dirfd keeps the lock until it is closed. path is for the message. */
int store_lock_take(int dirfd, const char *path, struct err *err) must_check;

#endif
