/* Protobuf bodies of kubectl: what is taken is a JSON object of one of its kinds, that can be
   written and read again. */
#include "embedded/protobuf.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/obj.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct err err = {0};
	auto_json json_t *o = emb_protobuf_read(data, size, &err), *again = NULL;
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	const char *kind = obj_str_or("", o, "kind");

	if (!o) {
		BUG_IF(err.kind != ERR_STALL || !err.msg[0]);
		return 0;
	}
	BUG_IF(strcmp(kind, "Secret") != 0 && strcmp(kind, "Namespace") != 0 &&
		strcmp(kind, "ConfigMap") != 0 && strcmp(kind, "ServiceAccount") != 0);
	BUG_IF(strcmp(obj_str_or("", o, "apiVersion"), "v1") != 0);
	BUG_IF(obj_write(o, &text));
	again = obj_parse(buf_str(&text), text.len, "the object", &err);
	BUG_IF(!json_equal(o, again));
	return 0;
}
