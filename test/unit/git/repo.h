/*
 * Real repositories, made with the git program in a temporary folder that goes with the test, and
 * their objects as this project sees them. Every function aborts the test when it cannot do its
 * job.
 */
#ifndef TEST_GIT_REPO_H
#define TEST_GIT_REPO_H
#include "base/buf.h"
#include "git/folder.h"
#include "git/objects.h"
#include "git/oid.h"

/* A new folder, the current one from now on, with one for object sets in it. */
struct gitc_folder *gr_setup(void);
/* A repository `r` in it, with a branch main. */
void gr_init(void);
/* Removes it. */
void gr_teardown(struct gitc_folder *f);
/* Runs a script in bash -e, in the folder; what it prints, appended to out (may be NULL), without
   the last line feed. gr_sh_rc: its exit status instead of an abort. */
void gr_sh(struct buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int gr_sh_rc(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* `git rev-parse` in r. */
struct gitc_oid gr_rev(const char *name);
/* All that `git rev-list --objects ARGS` names in r, as one pack, indexed. */
struct gitc_objects *gr_fetch(const struct gitc_folder *f, const char *args);
/* Those whose names are on the standard input of a script that prints them. */
struct gitc_objects *gr_pack(const struct gitc_folder *f, const char *script);

#endif
