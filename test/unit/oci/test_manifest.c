#include "oci/manifest.h"

#include "base/limits.h"

#include <check.h>
#include <string.h>

Suite *suite_manifest(void);

#define D1 "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define D2 "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define LAYER(type, digest, size) \
	"{\"mediaType\":\"" type "\",\"digest\":\"" digest "\",\"size\":" size "}"
#define IMAGE(type, layers) \
	"{\"schemaVersion\":2,\"mediaType\":\"" type \
	"\",\"config\":" LAYER("c/x", D1, "2") ",\"layers\":[" layers "]}"
#define ENTRY(digest, os, arch) \
	"{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"" digest \
	"\",\"size\":7,\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}}"
#define PLAIN_ENTRY(digest) \
	"{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"" digest "\",\"size\":7}"
#define INDEX(type, entries) \
	"{\"schemaVersion\":2,\"mediaType\":\"" type "\",\"manifests\":[" entries "]}"

static const struct {
	const char *name, *json, *content_type, *says; /* says NULL: fine */
	bool index;
} docs[] = {
	{"oci image", IMAGE(OCI_TYPE_MANIFEST, LAYER("a/b", D2, "3")), OCI_TYPE_MANIFEST, NULL, 0},
	{"docker image", IMAGE(OCI_TYPE_DOCKER_MANIFEST, LAYER("a/b", D2, "3")), NULL, NULL, 0},
	{"index", INDEX(OCI_TYPE_INDEX, ENTRY(D2, "linux", "amd64")), OCI_TYPE_INDEX, NULL, 1},
	{"docker list", INDEX(OCI_TYPE_DOCKER_LIST, ENTRY(D2, "linux", "amd64")), NULL, NULL, 1},
	{"type from the header", "{\"schemaVersion\":2,\"layers\":[" LAYER("a/b", D2, "3") "]}",
		OCI_TYPE_MANIFEST "; charset=utf-8", NULL, 0},
	{"type from the content", "{\"schemaVersion\":2,\"manifests\":[]}", "text/plain", NULL, 1},
	{"no layers", "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\"}", NULL, NULL,
		0},
	{"lying header", IMAGE(OCI_TYPE_MANIFEST, LAYER("a/b", D2, "3")), OCI_TYPE_INDEX,
		"contradicts", 0},
	{"both", "{\"schemaVersion\":2,\"layers\":[],\"manifests\":[]}", NULL, "both", 0},
	{"neither", "{\"schemaVersion\":2}", "application/json", "no image manifest and no index",
		0},
	{"schema 1", "{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, "version 1", 0},
	{"unknown type", "{\"mediaType\":\"application/vnd.x\"}", NULL, "'application/vnd.x'", 0},
	{"no JSON", "<html>", "text/html", "not valid JSON", 0},
	{"empty", "", NULL, "not valid JSON", 0},
	{"no object", "[]", NULL, "no JSON object", 0},
	{"bytes after", "{} x", NULL, "not valid JSON", 0},
	{"twice", "{\"layers\":[],\"layers\":[]}", NULL, "not valid JSON", 0},
	{"bad digest", IMAGE(OCI_TYPE_MANIFEST, LAYER("a/b", "sha256:ab", "3")), NULL, "layer 0",
		0},
	{"path as digest", IMAGE(OCI_TYPE_MANIFEST, LAYER("a/b", "../../x", "3")), NULL, "layer 0",
		0},
	{"no digest", IMAGE(OCI_TYPE_MANIFEST, "{\"size\":3}"), NULL, "no digest", 0},
	{"negative size", IMAGE(OCI_TYPE_MANIFEST, LAYER("a/b", D2, "-3")), NULL, "size", 0},
	{"real size", IMAGE(OCI_TYPE_MANIFEST, LAYER("a/b", D2, "3.5")), NULL, "size", 0},
	{"text size", IMAGE(OCI_TYPE_MANIFEST, LAYER("a/b", D2, "\"3\"")), NULL, "size", 0},
	{"layers no list", "{\"layers\":{}}", OCI_TYPE_MANIFEST, "no list", 0},
	{"layer no object", IMAGE(OCI_TYPE_MANIFEST, "3"), NULL, "no object", 0},
	{"odd media type", IMAGE(OCI_TYPE_MANIFEST, LAYER("a\\nb", D2, "3")), NULL, "plain text",
		0},
	{"odd platform", INDEX(OCI_TYPE_INDEX, ENTRY(D2, "li\\u0007x", "amd64")), NULL,
		"plain text", 0},
	{"annotation no string", "{\"layers\":[],\"annotations\":{\"a\":1}}", OCI_TYPE_MANIFEST,
		"no string", 0},
};

START_TEST(parse)
{
	struct oci_manifest m = {0};
	struct err err = {0};
	int rc = oci_manifest_parse(
		&m, docs[_i].json, strlen(docs[_i].json), docs[_i].content_type, &err);

	ck_assert_msg(!rc == !docs[_i].says, "%s: %d %s", docs[_i].name, rc, err.msg);
	if (rc)
		ck_assert_msg(strstr(err.msg, docs[_i].says), "%s: '%s'", docs[_i].name, err.msg);
	else
		ck_assert_msg(m.index == docs[_i].index, "%s: %d", docs[_i].name, m.index);
	oci_manifest_clear(&m);
}
END_TEST

static const struct {
	const char *layers, *want, *got, *says;
} layers[] = {
	{LAYER("a/b", D1, "3") "," LAYER("c/d", D2, "4"), NULL, D1, NULL},
	{LAYER("a/b", D1, "3") "," LAYER("c/d", D2, "4"), "", D1, NULL},
	{LAYER("a/b", D1, "3") "," LAYER("c/d", D2, "4"), "c/d", D2, NULL},
	{LAYER("c/d", D1, "3") "," LAYER("c/d", D2, "4"), "c/d", D1, NULL},
	{LAYER("a/b", D1, "3") "," LAYER("c/d", D2, "4"), "x/y", NULL,
		"'x/y', there are 'a/b', 'c/d'"},
	{LAYER("a/b", D1, "3"), "x/y", NULL, "there is 'a/b'"},
	{"", NULL, NULL, "no layers"},
};

static void parse_ok(struct oci_manifest *m, const char *json)
{
	struct err err = {0};

	ck_assert_msg(!oci_manifest_parse(m, json, strlen(json), NULL, &err), "%s", err.msg);
}

START_TEST(layer)
{
	auto_free char *json = mem_printf(
		"{\"mediaType\":\"%s\",\"layers\":[%s]}", OCI_TYPE_MANIFEST, layers[_i].layers);
	const struct oci_descriptor *d;
	struct oci_manifest m = {0};
	char text[DIGEST_TEXT_MAX];
	struct err err = {0};

	parse_ok(&m, json);
	d = oci_manifest_layer(&m, layers[_i].want, &err);
	if (layers[_i].got)
		ck_assert_str_eq(digest_format(&d->digest, text), layers[_i].got);
	else
		ck_assert_msg(!d && strstr(err.msg, layers[_i].says), "'%s'", err.msg);
	oci_manifest_clear(&m);
}
END_TEST

#define INDEX_ENTRY(digest) \
	"{\"mediaType\":\"" OCI_TYPE_INDEX "\",\"digest\":\"" digest "\",\"size\":7}"

static const struct {
	const char *entries, *got, *says;
	const char *want; /* NULL: nobody says */
} platforms[] = {
	{ENTRY(D1, "linux", "arm64") "," ENTRY(D2, "linux", "amd64"), D2, NULL, NULL},
	{ENTRY(D1, "linux", "arm64") "," PLAIN_ENTRY(D2), D2, NULL, NULL},
	{PLAIN_ENTRY(D1) "," ENTRY(D2, "linux", "amd64"), D1, NULL, NULL},
	{ENTRY(D2, "linux", "amd64") "," PLAIN_ENTRY(D1), D2, NULL, NULL},
	{ENTRY(D1, "linux", "arm64") "," ENTRY(D2, "windows", "amd64"), NULL,
		"'linux/arm64', 'windows/amd64'", NULL},
	{ENTRY(D1, "", ""), NULL, "linux/amd64", NULL},
	{"", NULL, "empty", NULL},
	{"", NULL, "empty", "linux/arm64"},
	{ENTRY(D1, "linux", "amd64") "," ENTRY(D2, "linux", "arm64"), D2, NULL, "linux/arm64"},
	{PLAIN_ENTRY(D1) "," ENTRY(D2, "linux", "arm64"), D2, NULL, "linux/arm64"},
	{PLAIN_ENTRY(D1), NULL, "no manifest for linux/arm64, only for 'linux/amd64'",
		"linux/arm64"},
	{INDEX_ENTRY(D1) "," ENTRY(D2, "linux", "arm64"), D1, NULL, "linux/arm64"},
	{INDEX_ENTRY(D1), D1, NULL, NULL},
	{ENTRY(D1, "linux", "arm\",\"variant\":\"v6") "," ENTRY(
		 D2, "linux", "arm\",\"variant\":\"v7"),
		D2, NULL, "linux/arm/v7"},
	{ENTRY(D1, "linux", "arm\",\"variant\":\"v6"), NULL, "only for 'linux/arm/v6'",
		"linux/arm/v7"},
};

START_TEST(platform)
{
	auto_free char *json = mem_printf(
		"{\"mediaType\":\"%s\",\"manifests\":[%s]}", OCI_TYPE_INDEX, platforms[_i].entries);
	const struct oci_child *c;
	struct oci_manifest m = {0};
	char text[DIGEST_TEXT_MAX];
	struct oci_platform want;
	struct err err = {0};

	parse_ok(&m, json);
	if (platforms[_i].want)
		ck_assert(!oci_platform_parse(&want, platforms[_i].want, &err));
	c = oci_manifest_platform(&m, platforms[_i].want ? &want : NULL, &err);
	if (platforms[_i].got)
		ck_assert_str_eq(digest_format(&c->desc.digest, text), platforms[_i].got);
	else
		ck_assert_msg(!c && strstr(err.msg, platforms[_i].says), "'%s'", err.msg);
	oci_manifest_clear(&m);
}
END_TEST

/* Ten thousand kinds of layers make a message of ordinary length. */
START_TEST(counts)
{
	auto_buf struct buf json = BUF_INIT(LIMIT_MANIFEST);
	struct oci_manifest m = {0};
	struct err err = {0};
	int i;

	buf_addf(&json, "{\"mediaType\":\"%s\",\"layers\":[", OCI_TYPE_MANIFEST);
	for (i = 0; i < LIMIT_MANIFEST_ENTRIES; i++)
		buf_addf(&json, "%s{\"mediaType\":\"t/%d\",\"digest\":\"" D1 "\",\"size\":1}",
			i ? "," : "", i);
	buf_adds(&json, "]}");
	parse_ok(&m, buf_str(&json));
	ck_assert_uint_eq(m.layers.len, LIMIT_MANIFEST_ENTRIES);
	ck_assert(!oci_manifest_layer(&m, "none", &err));
	ck_assert_msg(strstr(err.msg, "and more"), "%s", err.msg);
	oci_manifest_clear(&m);
	json.len -= 2;
	buf_adds(&json, ",{\"mediaType\":\"t\",\"digest\":\"" D1 "\",\"size\":1}]}");
	ck_assert(oci_manifest_parse(&m, buf_str(&json), json.len, NULL, &err));
	ck_assert_msg(strstr(err.msg, "4097"), "%s", err.msg);
}
END_TEST

START_TEST(annotations)
{
	auto_free char *big = mem_zalloc(LIMIT_ANNOTATIONS + 1);
	auto_free char *json = NULL;
	struct oci_manifest m = {0};
	struct err err = {0};

	parse_ok(&m, "{\"layers\":[],\"annotations\":{\"org.opencontainers.image.source\":\"s\"}}");
	ck_assert_str_eq(obj_str(m.annotations, "org.opencontainers.image.source"), "s");
	oci_manifest_clear(&m);
	parse_ok(&m, "{\"layers\":[],\"annotations\":null}");
	ck_assert_ptr_null(m.annotations);
	oci_manifest_clear(&m);
	memset(big, 'x', LIMIT_ANNOTATIONS);
	json = mem_printf("{\"layers\":[],\"annotations\":{\"k\":\"%s\"}}", big);
	ck_assert(oci_manifest_parse(&m, json, strlen(json), NULL, &err));
	ck_assert_msg(strstr(err.msg, "annotations"), "%s", err.msg);
}
END_TEST

Suite *suite_manifest(void)
{
	Suite *s = suite_create("manifest");
	TCase *t = tcase_create("manifest");

	tcase_add_loop_test(t, parse, 0, ARRAY_LEN(docs));
	tcase_add_loop_test(t, layer, 0, ARRAY_LEN(layers));
	tcase_add_loop_test(t, platform, 0, ARRAY_LEN(platforms));
	tcase_add_test(t, counts);
	tcase_add_test(t, annotations);
	suite_add_tcase(s, t);
	return s;
}
