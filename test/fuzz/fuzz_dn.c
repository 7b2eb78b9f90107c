/* Distinguished names. What is one can be written with every character escaped, and is the same
   then; and it is within itself. */
#include "verify/notation_dn.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/vec.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void escape(struct buf *out, const char *value)
{
	for (; *value; value++)
		buf_addf(out, "\\%02x", (unsigned char)*value);
}

static void again(const struct verify_dn *dn)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	const struct verify_dn_pair *p;
	struct verify_dn other = {0};
	struct err err = {0};

	vec_each (dn, p) {
		buf_addf(&text, "%s%s=", text.len ? "," : "", p->type);
		escape(&text, p->value);
	}
	BUG_IF(verify_dn_parse(&other, buf_str(&text), &err));
	BUG_IF(other.len != dn->len || !verify_dn_within(dn, &other) ||
		!verify_dn_within(&other, dn) || !verify_dn_within(dn, dn));
	verify_dn_clear(&other);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size);
	struct verify_dn dn = {0};
	struct err err = {0};

	if (!verify_dn_parse(&dn, text, &err))
		again(&dn);
	else
		BUG_IF(err.kind != ERR_RETRY || !*err.msg);
	verify_dn_clear(&dn);
	return 0;
}
