/*
 * Our walk over raw tar headers: the verdict and the entries do not depend on how the bytes are cut
 * into chunks, and what it calls plain libarchive reads without a complaint as the same entries.
 */
#include "pack/plain.h"

#include "../unit/pack/build.c"
#include "tarmut.h"

static int walk(const uint8_t *p, size_t n, size_t chunk, struct buf *list, bool *plain)
{
	struct pack_plain w;
	struct pack_member m;
	struct err err = {0};
	int rc = 0;

	pack_plain_init(&w);
	while (n && !rc) {
		size_t take = n < chunk ? n : chunk;

		rc = pack_plain_feed(&w, p, take, &err);
		p += take;
		n -= take;
		while (!rc && pack_plain_take(&w, &m)) {
			buf_add(list, pack_plain_name(&w, &m), m.name_len);
			buf_addf(list, " %c %o %llu\n",
				m.type == PACK_FILE          ? 'f'
					: m.type == PACK_DIR ? 'd'
							     : '?',
				m.mode, (unsigned long long)m.size);
		}
	}
	if (!rc)
		rc = pack_plain_end(&w, &err);
	if (rc && !err.msg[0])
		abort();
	*plain = !rc && !pack_plain_why(&w);
	pack_plain_clear(&w);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf one = BUF_INIT(BUF_ANY), two = BUF_INIT(BUF_ANY),
			    lib = BUF_INIT(BUF_ANY);
	bool plain, plain_again;
	int rc = walk(data, size, size ? size : 1, &one, &plain);

	if (walk(data, size, 1 + size % 700, &two, &plain_again) != rc || plain != plain_again)
		abort();
	if (!rc && strcmp(buf_str(&one), buf_str(&two)) != 0)
		abort();
	if (plain) {
		tb_list(&lib, data, size, TB_BARE);
		if (!tarmut_same(&one, &lib) && !tarmut_odd_utf8(&one))
			abort();
	}
	return 0;
}
