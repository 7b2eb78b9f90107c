/* Items of CBOR: what is read lies in the input, and one value after the other comes to its end,
   or says on one line why not. A value is as long as the sum of its items. */
#include "base/cbor.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static bool refused(int rc, const struct err *err)
{
	BUG_IF(rc && (err->kind != ERR_RETRY || !*err->msg || strpbrk(err->msg, "\r\n")));
	return rc != 0;
}

/* Of the next value, by its items; it was skipped, so there are not many. */
static void value_walk(struct cbor *r)
{
	struct cbor_item item;
	struct err err = {0};
	uint64_t left = 1;

	while (left--) {
		BUG_IF(cbor_next(r, &item, &err));
		if (item.kind == CBOR_BYTES || item.kind == CBOR_TEXT)
			BUG_IF((const unsigned char *)item.data + item.n != r->p);
		if (item.kind == CBOR_TEXT)
			BUG_IF(!utf8_ok(item.data, item.n));
		if (item.kind == CBOR_ARRAY)
			left += item.n;
		else if (item.kind == CBOR_MAP)
			left += 2 * item.n;
		else if (item.kind == CBOR_TAG)
			left++;
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct cbor r = cbor_of(data, size), walk = r;
	struct err err = {0};

	while (r.p != r.end) {
		if (refused(cbor_skip(&r, &err), &err))
			return 0;
		BUG_IF(r.p > r.end || r.p == walk.p);
		value_walk(&walk);
		BUG_IF(walk.p != r.p);
	}
	return 0;
}
