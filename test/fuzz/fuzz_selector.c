/*
 * Selectors of clients: the first byte chooses labels or fields. A selector is "everything" only
 * when it is empty; and what asks for a label to be there and not to be there matches nothing.
 */
#include "kube/selector.h"

#include "base/mem.h"
#include "base/obj.h"
#include "embedded/builtin.h"
#include "embedded/crds.h"
#include "embedded/kind.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

const struct embedded_crd embedded_crds[] = {{NULL, NULL, 0}};

static const char OBJECT[] = "{\"metadata\":{\"name\":\"a\",\"namespace\":\"n\",\"labels\":{\"a\":"
			     "\"b\",\"c\":\"5\",\"e\":\"\"}},\"type\":\"Opaque\"}";

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static struct emb_kinds *ks;
	static json_t *o;
	auto_free char *text = NULL, *both = NULL;
	struct kube_selector *s;
	const struct emb_kind *k;
	struct err err = {0};
	bool labels;
	int rc;

	if (!ks) {
		ks = emb_kinds_new(embedded_crds, &err);
		o = obj_parse(OBJECT, sizeof(OBJECT) - 1, "the object", &err);
	}
	if (!size)
		return 0;
	k = emb_kinds_find(ks, "", "v1", "secrets", NULL);
	labels = data[0] & 1;
	text = mem_strndup((const char *)data + 1, size - 1);
	rc = labels ? kube_selector_labels(&s, text, &err)
		    : kube_selector_fields(&s, text, emb_kind_field, k, &err);
	if (rc) {
		BUG_IF(!err.msg[0] || s);
		return 0;
	}
	BUG_IF(!s && strspn(text, labels ? " \t\r\n\v\f" : ",") != strlen(text));
	kube_selector_match_labels(s, o);
	if (!labels)
		kube_selector_match_fields(s, emb_kind_field, k, o);
	kube_selector_free(s);
	if (labels && strlen(text) < 1000 && text[strspn(text, " \t\r\n\v\f")]) {
		both = mem_printf("%s,zz,!zz", text);
		BUG_IF(kube_selector_labels(&s, both, &err));
		BUG_IF(kube_selector_match_labels(s, o));
		kube_selector_free(s);
	}
	return 0;
}
