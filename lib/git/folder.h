/*
 * The folder below the state directory where the packs of object sets are while somebody reads
 * them. They have no names in it: nothing outlives the process. Made and freed by the loop's
 * thread; it outlives whatever is indexed, but not object sets.
 */
#ifndef GIT_FOLDER_H
#define GIT_FOLDER_H
#include "base/err.h"

struct gitc_folder;

/* Makes the directory, with its parents, and opens it. Blocks: at start only. NULL with *err
   filled. */
struct gitc_folder *gitc_folder_new(const char *path, struct err *err) must_check;
/* NULL is fine. */
void gitc_folder_free(struct gitc_folder *f);

#endif
