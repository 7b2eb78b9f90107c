/*
 * Base64, strict (RFC 4648 sections 4 and 5): no characters outside the alphabet, right padding,
 * unused bits zero. Any thread.
 *
 *	auto_buf struct buf plain = BUF_INIT(LIMIT_PULL_SECRET);
 *	if (base64_decode(&plain, text, strlen(text), BASE64_NEWLINES, err))
 *		return -1;
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H
#include "base/buf.h"
#include "base/err.h"

enum base64_flags {
	BASE64_STD = 0, /* '+' and '/', padded with '=' */
	BASE64_URL = 1 << 0, /* '-' and '_', never padded: JSON web tokens */
	/* decoding skips CR and LF, as Go's decoder does: Secrets and kubeconfig come from YAML */
	BASE64_NEWLINES = 1 << 1,
};

/* Appends the text of n bytes. 0, or -1 past the buffer's limit. */
int base64_encode(struct buf *out, const void *data, size_t n, unsigned flags);
/* Appends the bytes of len characters. -1: malformed (the message never holds the text, it may be a
   secret), or past the limit; out is as it was then. */
int base64_decode(
	struct buf *out, const char *text, size_t len, unsigned flags, struct err *err) must_check;

#endif
