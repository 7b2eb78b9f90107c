/*
 * OpenPGP's armor (RFC 9580 section 6), undone, and the packets in it counted (section 4.2): gpgv
 * takes keyrings in binary only, and what a program is given should be what it seems to be. Strict,
 * where the format lets readers differ. A checksum is read over, as section 6.1 wants it. Any
 * thread.
 */
#ifndef GPG_ARMOR_H
#define GPG_ARMOR_H
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define GPG_SIGNATURE "SIGNATURE"
#define GPG_PUBLIC_KEYS "PUBLIC KEY BLOCK"
#define GPG_PRIVATE_KEYS "PRIVATE KEY BLOCK"

/* Appends the bytes of each block of that kind; lines between blocks are read over, blocks of
   another kind are refused. 0, or -1 (ERR_RETRY): none, a broken one, or past out's limit. */
int gpg_dearmor(struct buf *out, const char *text, size_t len, const char *kind,
	struct err *err) must_check;

enum gpg_packet { GPG_PACKET_SIG = 2, GPG_PACKET_SECRET = 5, GPG_PACKET_PUBLIC = 6 };

struct gpg_packets {
	unsigned first; /* the tag of the first */
	unsigned n, sigs, secrets, publics, secret_subkeys;
};

/* 0, or -1: the bytes are not whole packets of a known length. */
int gpg_packets_count(const void *p, size_t n, struct gpg_packets *out, struct err *err) must_check;

#endif
