/* Files of a TUF repository, with a zero byte between: the root.json that all begins with, then
   what the client wants, one after the other; an empty one is not there. What is believed was asked
   for, and is within what was said of it. The canonical form of a text is that of itself. */
#include "verify/tuf.h"
#include "verify/tuf_canonical.h"

#include "base/limits.h"
#include "base/obj.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define NOW_MS 1768478400000LL

static void canonical_check(const char *data, size_t n)
{
	auto_buf struct buf once = BUF_INIT(BUF_ANY), twice = BUF_INIT(BUF_ANY);
	auto_json json_t *v = NULL, *again = NULL;
	struct err err = {0};

	v = obj_parse_within(data, n, &obj_signed, "it", &err);
	if (!v || verify_tuf_canonical(v, &once, &err))
		return;
	/* Bytes below a blank stand there as they are, which is no JSON. */
	again = obj_parse_within(once.p, once.len, &obj_signed, "it", &err);
	if (!again)
		return;
	BUG_IF(!json_equal(v, again) || verify_tuf_canonical(again, &twice, &err));
	BUG_IF(once.len != twice.len || memcmp(once.p, twice.p, once.len) != 0);
}

static void err_check(const struct err *err)
{
	BUG_IF(err->kind != ERR_RETRY || !*err->msg || strpbrk(err->msg, "\r\n"));
}

static bool piece_next(const char **at, const char *end, const char **out, size_t *n)
{
	const char *stop;

	if (*at > end)
		return false;
	stop = *at < end ? memchr(*at, '\0', (size_t)(end - *at)) : NULL;
	*out = *at;
	*n = (size_t)((stop ? stop : end) - *at);
	*at = stop ? stop + 1 : end + 1;
	return true;
}

static void refresh(struct verify_tuf *t, const char *at, const char *end)
{
	struct verify_tuf_want w;
	struct err err = {0};
	const char *piece;
	size_t n;
	int rc;

	verify_tuf_begin(t, NOW_MS);
	while (verify_tuf_wants(t, &w) && piece_next(&at, end, &piece, &n)) {
		BUG_IF(!*w.path || !*w.name || !w.max || w.max > LIMIT_TUF_META);
		rc = n ? verify_tuf_give(t, piece, n, &err) : verify_tuf_lacks(t, &err);
		if (rc) {
			err_check(&err);
			return;
		}
		BUG_IF(n > w.max);
	}
	if (!verify_tuf_wants(t, &w))
		BUG_IF(verify_tuf_check(t, NOW_MS, &err) || !verify_tuf_target(t)->len);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size, *piece;
	struct verify_tuf *t;
	struct err err = {0};
	size_t n;

	(void)piece_next(&at, end, &piece, &n);
	canonical_check(piece, n);
	t = verify_tuf_new(piece, n, "trusted_root.json", &err);
	if (!t) {
		err_check(&err);
		return 0;
	}
	refresh(t, at, end);
	verify_tuf_free(t);
	return 0;
}
