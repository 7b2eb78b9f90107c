/* JSON patches: the bytes up to the first line feed are the document, the rest is the patch. What a
   patch leaves, also one that fails half-way, is a tree of bounded depth that can be written and
   read again; the patch itself stays as it was. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/obj.h"
#include "embedded/json_patch.h"
#include "embedded/status.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const unsigned char *cut = memchr(data, '\n', size);
	size_t n = cut ? (size_t)(cut - data) : size;
	struct err err = {0};
	auto_json json_t *o = obj_parse((const char *)data, n, "the document", &err);
	auto_json json_t *ops = NULL, *before = NULL, *again = NULL;
	auto_emb_status struct emb_status st = EMB_STATUS_INIT;
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	int rc;

	if (!o || !cut)
		return 0;
	ops = obj_parse((const char *)cut + 1, size - n - 1, "the patch", &err);
	if (!ops)
		return 0;
	before = json_deep_copy(ops);
	rc = emb_json_patch(&o, ops, &st);
	BUG_IF((rc != 0) != (st.code != 0));
	BUG_IF(!json_equal(ops, before));
	/* Any value may be the root after a patch; in a list every one can be written. */
	again = json_pack("[O]", o);
	BUG_IF(obj_write(again, &text));
	json_decref(again);
	/* One level for the list. */
	again = json_loadb(buf_str(&text), text.len, 0, NULL);
	BUG_IF(!again || !json_equal(json_array_get(again, 0), o));
	return 0;
}
