/*
 * The data types of ssh (RFC 4251 section 5), read and written: what keys and signatures are made
 * of. A reader that has met something broken stays broken, and gives zeros and empty strings from
 * there on: whoever reads checks once, at the end. Any thread.
 */
#ifndef CRYPTO_SSH_WIRE_H
#define CRYPTO_SSH_WIRE_H
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes. */
struct ssh_str {
	const unsigned char *p;
	size_t n;
};

struct ssh_read {
	const unsigned char *p;
	size_t n; /* that are left */
	bool broken;
};

static inline struct ssh_read ssh_read_of(struct ssh_str s)
{
	return (struct ssh_read){.p = s.p, .n = s.n};
}
/* The next n bytes. */
struct ssh_str ssh_read_bytes(struct ssh_read *r, size_t n);
uint32_t ssh_read_u32(struct ssh_read *r);
struct ssh_str ssh_read_string(struct ssh_read *r);
/* A number that is not negative, without zeros in front. */
struct ssh_str ssh_read_mpint(struct ssh_read *r);
/* All was read, and nothing was broken. */
bool ssh_read_ended(const struct ssh_read *r);
bool ssh_str_is(struct ssh_str s, const char *text);

void ssh_write_u32(struct buf *b, uint32_t v);
void ssh_write_string(struct buf *b, const void *p, size_t n);
/* Of n bytes, the highest first. */
void ssh_write_mpint(struct buf *b, const unsigned char *p, size_t n);

#endif
