/* Digest texts: what is accepted is exactly what comes out again, and nothing else equals it. */
#include "crypto/digest.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct digest d = {0}, again = {0};
	struct err err = {0};
	char text[DIGEST_TEXT_MAX];

	if (digest_parse_n(&d, (const char *)data, size, &err)) {
		if (d.algo != DIGEST_NONE || !err.msg[0])
			abort();
		return 0;
	}
	digest_format(&d, text);
	if (strlen(text) != size || memcmp(text, data, size) != 0)
		abort();
	if (digest_parse(&again, text, &err) || !digest_equal(&d, &again))
		abort();
	again.bin[size % digest_size(d.algo)] ^= 1;
	if (digest_equal(&d, &again))
		abort();
	return 0;
}
