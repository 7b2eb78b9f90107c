/*
 * The root.json that trust in the public Sigstore begins with (verify/tuf.h): sigstore-root.json
 * beside this file, put into the program by the Makefile. It is version 15 of
 * https://github.com/sigstore/root-signing, as of commit 60cf2ce8b2e45d600dc17c4421e8c751e75772be.
 * It may have expired: all later ones lead back to it.
 */
#ifndef SOURCE_SIGSTORE_ROOT_H
#define SOURCE_SIGSTORE_ROOT_H
#include <stddef.h>

extern const char sigstore_root[];
extern const size_t sigstore_root_len;

#endif
