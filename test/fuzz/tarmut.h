/*
 * For the fuzz targets that eat tar: a mutator that repairs the checksums of whatever looks like a header, so that the fuzzer gets past them.
 */
#ifndef TEST_FUZZ_TARMUT_H
#define TEST_FUZZ_TARMUT_H
#include "base/buf.h"
#include "base/utf8.h"
#include "pack/path.h"

#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* libarchive reads names in the locale's charset; the program itself sets no locale and does not need to. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	setlocale(LC_CTYPE, "C.UTF-8");
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	size_t at, i;

	size = LLVMFuzzerMutate(data, size, max);
	/* One in eight stays as it is, wrong sums and all. */
	for (at = 0; seed % 8 && at + 512 <= size; at += 512) {
		uint8_t *h = data + at;
		unsigned sum = 0;

		/* A sum of some kind is there: take it for a header. */
		if (h[148] != '0' || h[155] != ' ')
			continue;
		memset(h + 148, ' ', 8);
		for (i = 0; i < 512; i++)
			sum += h[i];
		snprintf((char *)h + 148, 7, "%06o", sum & 0777777);
		h[155] = ' ';
	}
	/* Often whole blocks and an end. */
	if (seed % 3 == 0 && size >= 1536) {
		size -= size % 512;
		memset(data + size - 1024, 0, 1024);
	}
	return size;
}

/* Names that are not UTF-8 make libarchive complain; lib/pack/read refuses them by itself. */
static inline bool tarmut_odd_utf8(const struct buf *list)
{
	return !utf8_ok(buf_str(list), list->len);
}

#endif
