#include "base/mem.h"
#include "embedded/crds.h"
#include "embedded/kind.h"
#include "kube/selector.h"
#include "rig.h"

#include <string.h>

Suite *suite_kind(void);

/* match: 1, 0, or -1 when the text is refused. */
static const struct {
	const char *plural, *text, *o;
	int match;
} FIELD_ROWS[] = {
	{"secrets", "metadata.name=x", "{\"metadata\":{\"name\":\"x\"}}", 1},
	{"secrets", "metadata.name==x,metadata.namespace!=y",
		"{\"metadata\":{\"name\":\"x\",\"namespace\":\"z\"}}", 1},
	{"secrets", "metadata.name!=x", "{\"metadata\":{\"name\":\"x\"}}", 0},
	{"secrets", "type=Opaque", "{\"type\":\"Opaque\"}", 1},
	{"secrets", "type=kubernetes.io/tls", "{\"type\":\"Opaque\"}", 0},
	{"secrets", "", "{}", 1},
	{"secrets", ",", "{}", 1},
	{"secrets", "data=x", "{}", -1},
	{"secrets", "type", "{}", -1},
	{"secrets", "type=a=b", "{}", -1},
	{"secrets", "type=a\\=b", "{\"type\":\"a=b\"}", 1},
	{"secrets", "type=a\\,b", "{\"type\":\"a,b\"}", 1},
	{"secrets", "type=a\\b", "{}", -1},
	{"secrets", "type=", "{}", 1},
	{"namespaces", "status.phase=Active", "{\"status\":{\"phase\":\"Active\"}}", 1},
	{"namespaces", "spec.x=y", "{}", -1},
	{"events", "involvedObject.kind=K,involvedObject.uid=u,reason=R",
		"{\"involvedObject\":{\"kind\":\"K\",\"uid\":\"u\"},\"reason\":\"R\"}", 1},
	{"events", "source=c", "{\"source\":{\"component\":\"c\"}}", 1},
	{"events", "source=c", "{\"reportingComponent\":\"c\"}", 1},
	{"events", "involvedObject.what=c", "{}", -1},
	{"ocirepositories", "metadata.namespace=n", "{\"metadata\":{\"namespace\":\"n\"}}", 1},
	{"ocirepositories", "spec.url=n", "{}", -1},
};

START_TEST(test_fields)
{
	struct err err;
	struct emb_kinds *ks = emb_kinds_new(embedded_crds, &err);
	const char *plural = FIELD_ROWS[_i].plural;
	const struct emb_kind *k = emb_kinds_find(ks,
		strcmp(plural, "ocirepositories") ? "" : "source.toolkit.fluxcd.io", "v1", plural,
		NULL);
	struct kube_selector *s;
	json_t *o = json_of(FIELD_ROWS[_i].o);
	int got = kube_selector_fields(&s, FIELD_ROWS[_i].text, emb_kind_field, k, &err);

	if (!got)
		got = kube_selector_match_fields(s, emb_kind_field, k, o);
	ck_assert_msg(got == FIELD_ROWS[_i].match, "'%s' on %s: %d, want %d", FIELD_ROWS[_i].text,
		FIELD_ROWS[_i].o, got, FIELD_ROWS[_i].match);
	kube_selector_free(s);
	json_decref(o);
	emb_kinds_free(ks);
}
END_TEST

Suite *suite_kind(void)
{
	Suite *s = suite_create("kind");
	TCase *tc = tcase_create("kind");

	tcase_add_loop_test(tc, test_fields, 0, (int)ARRAY_LEN(FIELD_ROWS));
	suite_add_tcase(s, tc);
	return s;
}
