#include "oci/ref.h"

#include "base/mem.h"

#include <check.h>
#include <string.h>

Suite *suite_ref(void);

static const struct {
	const char *url, *host, *name; /* host NULL: refused */
	const char *says; /* in the message */
} urls[] = {
	{"oci://ghcr.io/org/app", "ghcr.io", "org/app", NULL},
	{"oci://ghcr.io/org/app/", "ghcr.io", "org/app", NULL},
	{"oci://ghcr.io//org//app", "ghcr.io", "org/app", NULL},
	{"oci://GHCR.io/org/app", "ghcr.io", "org/app", NULL},
	{"oci://localhost:5000/app", "localhost:5000", "app", NULL},
	{"oci://localhost:/app", NULL, NULL, "port"},
	{"oci://127.0.0.1:5000/a/b/c", "127.0.0.1:5000", "a/b/c", NULL},
	{"oci://[::1]:5000/app", "[::1]:5000", "app", NULL},
	{"oci://docker.io/alpine", "index.docker.io", "library/alpine", NULL},
	{"oci://docker.io/org/app", "index.docker.io", "org/app", NULL},
	{"oci://index.docker.io/alpine", "index.docker.io", "library/alpine", NULL},
	{"oci://alpine", "index.docker.io", "library/alpine", NULL},
	{"oci://org/app", "index.docker.io", "org/app", NULL},
	{"oci://localhost/app", "index.docker.io", "localhost/app", NULL},
	{"oci://r.example/a_b-c.d__e", "r.example", "a_b-c.d__e", NULL},
	{"https://ghcr.io/org/app", NULL, NULL, "oci://HOST"},
	{"ghcr.io/org/app", NULL, NULL, "oci://HOST"},
	{"", NULL, NULL, "oci://HOST"},
	{"oci://", NULL, NULL, "at least 2"},
	{"oci://ghcr.io/", NULL, NULL, "at least 2"},
	{"oci://ghcr.io/org/app:1.0.0", NULL, NULL, "remove ':1.0.0'"},
	{"oci://ghcr.io/org/app@sha256:abc", NULL, NULL, "digest"},
	{"oci://ghcr.io/Org/app", NULL, NULL, "lower case"},
	{"oci://user@ghcr.io/org/app", NULL, NULL, "user information"},
	{"oci://user:secretpw@ghcr.io/org/app", NULL, NULL, "user information"},
	{"oci://ghcr.io/org/"
	 "app@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		NULL, NULL, "oci://ghcr.io/org/app@sha256:e3b0"},
	{"oci://ghcr.io/org/app?x=1", NULL, NULL, "query"},
	{"oci://ghcr.io/org/app#x", NULL, NULL, "fragment"},
	{"oci://ghcr.io/org/%61pp", NULL, NULL, "percent"},
	{"oci://ghcr.io/org/../app", NULL, NULL, "'..'"},
	{"oci://ghcr.io/./app", NULL, NULL, "'.'"},
	{"oci://ghcr.io/org/a b", NULL, NULL, "characters"},
	{"oci://ghcr.io/org/\xc3\xa4pp", NULL, NULL, "characters"},
	{"oci://gh\tcr.io/org/app", NULL, NULL, "character"},
	{"oci://ghcr.io:99999/org/app", NULL, NULL, "port"},
	{"oci://ghcr.io:0/org/app", NULL, NULL, "port"},
	{"oci://ghcr.io:5x/org/app", NULL, NULL, "port"},
	{"oci://::1/app", NULL, NULL, "host is missing"},
	{"oci://[::1/app", NULL, NULL, "address"},
	{"oci://[fe80::1%25eth0]/app", NULL, NULL, "percent"},
	{"oci://.../", NULL, NULL, "at least 2"},
	{"oci://localhost:5000", NULL, NULL, "characters"},
	{"oci://:5000/app", NULL, NULL, "host is missing"},
};

START_TEST(url)
{
	struct oci_repo r = {.host = "untouched"};
	struct err err = {0};
	int rc = oci_repo_parse(&r, urls[_i].url, false, &err);

	if (urls[_i].host) {
		ck_assert_msg(!rc, "'%s': %s", urls[_i].url, err.msg);
		ck_assert_str_eq(r.host, urls[_i].host);
		ck_assert_str_eq(r.name, urls[_i].name);
		return;
	}
	ck_assert_msg(rc, "'%s' was taken as '%s' '%s'", urls[_i].url, r.host, r.name);
	ck_assert_str_eq(r.host, "untouched");
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_msg(strstr(err.msg, urls[_i].says), "'%s': '%s' does not say '%s'", urls[_i].url,
		err.msg, urls[_i].says);
	ck_assert_msg(!strstr(err.msg, "secretpw"), "%s", err.msg);
}
END_TEST

START_TEST(long_names)
{
	auto_free char *part = mem_zalloc(300);
	auto_free char *fits = NULL, *over = NULL;
	struct oci_repo r;
	struct err err = {0};

	memset(part, 'a', 255);
	fits = mem_printf("oci://r.io/%s", part);
	over = mem_printf("oci://r.io/%sa", part);
	ck_assert(!oci_repo_parse(&r, fits, false, &err));
	ck_assert(oci_repo_parse(&r, over, false, &err));
	ck_assert(strstr(err.msg, "255") != NULL);
	/* `library/` makes it too long */
	free(MOVE(fits));
	fits = mem_printf("oci://docker.io/%s", part);
	ck_assert(oci_repo_parse(&r, fits, false, &err));
}
END_TEST

static const struct {
	const char *url, *host, *name, *tag, *digest;
} refs[] = {
	{"oci://r.io/a/b:1.0.0", "r.io", "a/b", "1.0.0", ""},
	{"oci://r.io/a/b", "r.io", "a/b", "", ""},
	{"oci://localhost:5000/bb", "localhost:5000", "bb", "", ""},
	{"oci://r.io/a/b:x@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"r.io", "a/b", "x",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"oci://r.io/a/b@sha256:abc", NULL, NULL, NULL, NULL},
	{"oci://r.io/a/b:", NULL, NULL, NULL, NULL},
	{"oci://r.io/a/b:-x", NULL, NULL, NULL, NULL},
	{"oci://u@r.io/a/b:x", NULL, NULL, NULL, NULL},
};

START_TEST(reference)
{
	char text[DIGEST_TEXT_MAX];
	struct oci_ref r;
	struct err err = {0};
	int rc = oci_ref_parse(&r, refs[_i].url, false, &err);

	ck_assert_msg(!rc == !!refs[_i].host, "'%s': %s", refs[_i].url, err.msg);
	if (rc)
		return;
	ck_assert_str_eq(r.repo.host, refs[_i].host);
	ck_assert_str_eq(r.repo.name, refs[_i].name);
	ck_assert_str_eq(r.tag, refs[_i].tag);
	ck_assert_str_eq(digest_format(&r.digest, text), refs[_i].digest);
}
END_TEST

static const struct {
	const char *url;
	bool insecure, http;
} schemes[] = {
	{"oci://127.0.0.1/aa", false, true},
	{"oci://127.0.0.1:5000/aa", false, true},
	{"oci://[::1]:5000/aa", false, true},
	{"oci://localhost:5000/aa", false, true},
	{"oci://reg.localhost/aa", false, true},
	{"oci://10.1.2.3:5000/aa", false, true},
	{"oci://192.168.1.1/aa", false, true},
	{"oci://172.16.0.1/aa", false, true},
	{"oci://127.0.0.2:5000/aa", false, false},
	{"oci://172.32.0.1/aa", false, false},
	{"oci://reg.local/aa", false, false},
	{"oci://notlocalhost.io/aa", false, false},
	{"oci://x127.0.0.1/aa", false, false},
	{"oci://[fd00::1]/aa", false, false},
	{"oci://169.254.1.1/aa", false, false},
	{"oci://ghcr.io/aa", false, false},
	{"oci://ghcr.io/aa", true, true},
};

START_TEST(plain_http)
{
	struct oci_repo r;
	struct err err = {0};

	ck_assert_msg(
		!oci_repo_parse(&r, schemes[_i].url, schemes[_i].insecure, &err), "%s", err.msg);
	ck_assert_msg(oci_repo_http_allowed(&r) == schemes[_i].http, "'%s': %d", schemes[_i].url,
		!schemes[_i].http);
}
END_TEST

START_TEST(texts)
{
	char out[OCI_REF_TEXT_MAX], rev[OCI_REVISION_MAX], want[OCI_REF_TEXT_MAX];
	struct oci_repo r;
	struct err err = {0};
	struct digest d, back;
	char hex[DIGEST_TEXT_MAX];

	ck_assert(!oci_repo_parse(&r, "oci://r.io/a/b", false, &err));
	digest_mem(&d, DIGEST_SHA256, "", 0);
	digest_format(&d, hex);
	ck_assert_str_eq(oci_ref_format(&r, "1.0", NULL, out), "r.io/a/b:1.0");
	snprintf(want, sizeof(want), "r.io/a/b:1.0@%s", hex);
	ck_assert_str_eq(oci_ref_format(&r, "1.0", &d, out), want);
	snprintf(want, sizeof(want), "1.0@%s", hex);
	ck_assert_str_eq(oci_revision_format("1.0", &d, rev), want);
	ck_assert(!oci_revision_digest(rev, &back, &err) && digest_equal(&d, &back));
	ck_assert_str_eq(oci_revision_format("", &d, rev), hex);
	ck_assert(!oci_revision_digest(rev, &back, &err) && digest_equal(&d, &back));
	ck_assert(oci_revision_digest("1.0", &back, &err));
}
END_TEST

START_TEST(tags)
{
	char long_tag[131];

	memset(long_tag, 'x', sizeof(long_tag));
	ck_assert(oci_tag_valid("latest", 6));
	ck_assert(oci_tag_valid("_x.-", 4));
	ck_assert(oci_tag_valid("1.0.0_build", 11));
	ck_assert(oci_tag_valid(long_tag, 128));
	ck_assert(!oci_tag_valid(long_tag, 129));
	ck_assert(!oci_tag_valid("", 0));
	ck_assert(!oci_tag_valid(".x", 2));
	ck_assert(!oci_tag_valid("-x", 2));
	ck_assert(!oci_tag_valid("a/b", 3));
	ck_assert(!oci_tag_valid("a+b", 3));
	ck_assert(!oci_tag_valid("a\0b", 3));
}
END_TEST

Suite *suite_ref(void)
{
	Suite *s = suite_create("ref");
	TCase *t = tcase_create("ref");

	tcase_add_loop_test(t, url, 0, ARRAY_LEN(urls));
	tcase_add_loop_test(t, reference, 0, ARRAY_LEN(refs));
	tcase_add_loop_test(t, plain_http, 0, ARRAY_LEN(schemes));
	tcase_add_test(t, long_names);
	tcase_add_test(t, texts);
	tcase_add_test(t, tags);
	suite_add_tcase(s, t);
	return s;
}
