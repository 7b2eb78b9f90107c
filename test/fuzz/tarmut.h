/*
 * For the fuzz targets that eat tar: a mutator that repairs the checksums of whatever looks like a
 * header, so that the fuzzer gets past them.
 */
#ifndef TEST_FUZZ_TARMUT_H
#define TEST_FUZZ_TARMUT_H
#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "pack/path.h"

#include <archive_entry.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* libarchive reads names in the locale's charset; the program itself sets no locale and does not
   need to. */
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

/* One line, or as libarchive has it: names of PAX records get Unicode's form C. */
static inline bool tarmut_same_line(const char *ours, size_t n, const char *theirs, size_t m)
{
	struct archive_entry *e;
	char *line;
	const char *made;
	bool same = n == m && !memcmp(ours, theirs, n);

	if (same)
		return true;
	line = mem_strndup(ours, n);
	e = archive_entry_new();
	archive_entry_set_pathname_utf8(e, line);
	made = archive_entry_pathname(e);
	same = made && strlen(made) == m && !memcmp(made, theirs, m);
	archive_entry_free(e);
	free(line);
	return same;
}

static inline bool tarmut_same(const struct buf *ours, const struct buf *theirs)
{
	const char *p = buf_str(ours), *q = buf_str(theirs);

	while (*p && *q) {
		size_t n = strcspn(p, "\n"), m = strcspn(q, "\n");

		if (!tarmut_same_line(p, n, q, m))
			return false;
		p += n + (p[n] == '\n');
		q += m + (q[m] == '\n');
	}
	return *p == *q;
}

/* Names that are not UTF-8 make libarchive complain; lib/pack/read refuses them by itself. */
static inline bool tarmut_odd_utf8(const struct buf *list)
{
	return !utf8_ok(buf_str(list), list->len);
}

#endif
