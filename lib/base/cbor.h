/*
 * A reader of CBOR (RFC 8949) that goes from item to item and builds no tree: what a stranger says
 * of a length or a count makes no memory. Text and bytes are borrowed from what is read. Lengths
 * have to be given (no "indefinite length"); a number may take more bytes than it needs. Any
 * thread.
 *
 *	struct cbor r = cbor_of(data, n);
 *
 *	if (cbor_next(&r, &map, err) || map.kind != CBOR_MAP) ...
 *	for (i = 0; i < map.n; i++)
 *		if (cbor_next(&r, &label, err) || cbor_skip(&r, err)) ...
 */
#ifndef BASE_CBOR_H
#define BASE_CBOR_H
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* In the order of the major types. */
enum cbor_kind {
	CBOR_UINT,
	CBOR_NINT, /* -1 - n */
	CBOR_BYTES,
	CBOR_TEXT, /* UTF-8; may hold NULs */
	CBOR_ARRAY, /* its n values come next */
	CBOR_MAP, /* its n pairs come next, a label and a value each */
	CBOR_TAG, /* n, of the value that comes next */
	CBOR_OTHER, /* true, null, a float and their like */
};

struct cbor_item {
	enum cbor_kind kind;
	uint64_t n; /* the number, the length, or how many come next */
	const char *data; /* CBOR_BYTES, CBOR_TEXT: n bytes */
};

struct cbor {
	const unsigned char *p, *end;
};

struct cbor cbor_of(const void *data, size_t n);
/* The head of the next item, with its bytes. -1: ERR_RETRY; there is none, or it is malformed. */
int cbor_next(struct cbor *r, struct cbor_item *out, struct err *err) must_check;
/* The next value with all that is in it, LIMIT_CBOR_DEPTH deep at most. */
int cbor_skip(struct cbor *r, struct err *err) must_check;

#endif
