/*
 * Writes a layer's directories and files below a directory, as a tool does for people: modes are
 * what the umask leaves of 0666, or 0777 for what may be executed. What is there is replaced, other
 * files stay. No link is followed on the way, so nothing outside of the directory is touched. It
 * blocks; a failure leaves what was written until then.
 *
 *	if (pack_unpack(&in, dirfd, err)) ...
 */
#ifndef PACK_UNPACK_H
#define PACK_UNPACK_H
#include "base/err.h"
#include "pack/pack.h"

/* in: as for pack_walk. */
int pack_unpack(const struct pack_in *in, int dirfd, struct err *err) must_check;

#endif
