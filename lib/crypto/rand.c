#include "crypto/rand.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

void rand_bytes(void *out, size_t n)
{
	unsigned char *p = out;

	while (n) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		BUG_IF(got <= 0);
		p += got;
		n -= (size_t)got;
	}
}

char *rand_hex(char *out, size_t bytes)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	/* The raw bytes go to the upper half, so that spreading them out never overwrites one that
	   is still to come. */
	rand_bytes(out + bytes, bytes);
	for (i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)out[bytes + i];

		out[2 * i] = digits[c >> 4];
		out[2 * i + 1] = digits[c & 15];
	}
	out[2 * bytes] = '\0';
	return out;
}

char *rand_uuid(char out[RAND_UUID_LEN + 1])
{
	unsigned char b[16];

	rand_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(out, RAND_UUID_LEN + 1,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		b[15]);
	return out;
}
