/*
 * The index that the last process left. The input is the text without its end, or, when it begins
 * with '!', with whatever end it has. Properties: what is refused says why and leaves nothing; what
 * is taken is in order, each file once, found by its path; and written again, read again, it is the
 * same.
 */
#include "base/mem.h"
#include "store/saved.h"

#include <string.h>

#define BOOT "8f5f4ac6-0b5c-4a0b-9a6f-0c5c3e1d2b7a"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct store_saved *s)
{
	struct buf text = BUF_INIT(BUF_ANY);
	struct store_saved again;
	struct err err = {0};
	size_t i;

	store_saved_begin(&text, BOOT);
	for (i = s->files.len; i--;) {
		struct store_path p;

		BUG_IF(store_path_parse_file(&p, s->files.p[i].path, &err));
		store_saved_add(&text, p.dir, p.file, &s->files.p[i].f);
	}
	store_saved_end(&text);
	BUG_IF(store_saved_parse(&again, &text, BOOT, &err));
	BUG_IF(again.files.len != s->files.len);
	for (i = 0; i < s->files.len; i++) {
		const struct store_file *f = store_saved_find(&again, s->files.p[i].path);

		BUG_IF(!f || !store_file_same(f, &s->files.p[i].f) ||
			!digest_equal(&f->digest, &s->files.p[i].f.digest));
		BUG_IF(i && strcmp(s->files.p[i - 1].path, s->files.p[i].path) >= 0);
	}
	store_saved_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool as_is = size && *data == '!';
	struct buf text = BUF_INIT(BUF_ANY);
	struct store_saved s;
	struct err err = {0};

	buf_add(&text, data + as_is, size - as_is);
	if (!as_is)
		store_saved_end(&text);
	if (store_saved_parse(&s, &text, BOOT, &err)) {
		BUG_IF(!*err.msg || s.files.len || s.text.p || text.p);
		return 0;
	}
	check_again(&s);
	store_saved_clear(&s);
	return 0;
}
