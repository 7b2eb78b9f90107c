/* A file without a name in a folder, to read and write: nothing is left behind, however the process
   ends. Any thread; blocks. */
#ifndef PACK_TEMP_H
#define PACK_TEMP_H
#include "base/err.h"

/* -1 with *err filled. */
int pack_temp_file(int dirfd, struct err *err) must_check;

#endif
