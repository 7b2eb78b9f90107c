/*
 * Random bytes from the kernel (getrandom(2)): secrets, UUIDs, names of temporary files. Any
 * thread; never fails (the kernel's pool is ready long before a user program runs; if the call is
 * refused, the process aborts instead of going on with weak bytes).
 */
#ifndef CRYPTO_RAND_H
#define CRYPTO_RAND_H
#include <stddef.h>

#define RAND_UUID_LEN 36

void rand_bytes(void *out, size_t n);
/* 2 * bytes lower-case hex digits and a NUL: out has room for 2 * bytes + 1. Returns out. */
char *rand_hex(char *out, size_t bytes);
/* A version 4 UUID (RFC 9562 section 5.4) as text. Returns out. */
char *rand_uuid(char out[RAND_UUID_LEN + 1]);

#endif
