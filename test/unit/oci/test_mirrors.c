/* The rules of --registry-mirrors: what they may say, which one is for a repository, and what that
   is called at a mirror. */
#include "oci/mirrors.h"

#include "base/mem.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct oci_mirrors *rules(const char *text)
{
	struct err err = {0};
	struct oci_mirrors *m = oci_mirrors_parse(text, strlen(text), &err);

	ck_assert_msg(m, "%s", err.msg);
	return m;
}

#define ONE(match, more) "rules: [{match: " match ", mirrors: [{url: 'https://m.test/x'}]" more "}]"

static const struct {
	const char *name, *text, *want; /* NULL: it is fine */
} PARSE[] = {
	{"a host", ONE("ghcr.io", ""), NULL},
	{"a host and a path", ONE("ghcr.io/org/team", ", fallback: false"), NULL},
	{"a port", ONE("10.0.0.5:5000", ""), NULL},
	{"no rules", "rules: []", NULL},
	{"JSON", "{\"rules\":[]}", NULL},
	{"no mirrors", "rules: [{match: ghcr.io/org, mirrors: []}]", NULL},
	{"http, insecure",
		"rules: [{match: a.b, mirrors: [{url: 'http://m.test', insecure: true}]}]", NULL},
	{"a layout", "rules: [{match: a.b/c, mirrors: [{url: 'oci-layout:///mnt/x y%20.tar'}]}]",
		NULL},
	{"a layout without a path", "rules: [{match: a.b, mirrors: [{url: 'oci-layout:///'}]}]",
		"mirror 'oci-layout:///': an absolute path has to follow"},
	{"a layout of a host", "rules: [{match: a.b, mirrors: [{url: 'oci-layout://mnt/x'}]}]",
		"an absolute path has to follow"},
	{"a layout, insecure",
		"rules: [{match: a.b, mirrors: [{url: 'oci-layout:///x', insecure: true}]}]",
		"a layout has neither 'insecure' nor 'ca'"},
	{"a host without dot", "rules: [{match: a.b, mirrors: [{url: 'https://registry'}]}]", NULL},
	{"empty", "", "it is not one YAML document"},
	{"two documents", "rules: []\n---\nrules: []\n", "it is not one YAML document"},
	{"no YAML", "rules: [", "line 2"},
	{"a list", "[]", "the file is no mapping"},
	{"no list", "rules: {}", "'rules' is no list"},
	{"an unknown key", "rule: []", "the file has the unknown key 'rule'"},
	{"a key twice", "rules: []\nrules: []", "twice"},
	{"an unknown key of a rule", ONE("a.b", ", fallbak: true"),
		"rule 1: it has the unknown key 'fallbak'"},
	{"no match", "rules: [{mirrors: []}]", "rule 1: it has no 'match'"},
	{"a wildcard", ONE("'*.azurecr.io'", ""), "the registry is a name, there are no wildcards"},
	{"no host", ONE("org/app", ""), "match 'org/app': it is not HOST or HOST/PATH"},
	{"a URL", ONE("'https://a.b'", ""), "it is not HOST or HOST/PATH"},
	{"an empty path", ONE("a.b/", ""), "match 'a.b/'"},
	{"a path with dots", ONE("a.b/../c", ""), "match 'a.b/../c'"},
	{"a path in upper case", ONE("a.b/Org", ""), "match 'a.b/Org'"},
	{"a tag", ONE("'a.b/org:1'", ""), "match 'a.b/org:1'"},
	{"fallback is no bool", ONE("a.b", ", fallback: maybe"),
		"'fallback' is neither true nor false"},
	{"mirrors are no list", "rules: [{match: a.b, mirrors: {}}]", "'mirrors' is no list"},
	{"nothing to ask", "rules: [{match: a.b, mirrors: [], fallback: false}]", "no mirrors"},
	{"a mirror is a text", "rules: [{match: a.b, mirrors: [x]}]", "a mirror is no mapping"},
	{"an unknown key of a mirror",
		"rules: [{match: a.b, mirrors: [{url: 'https://m', user: x}]}]",
		"a mirror has the unknown key 'user'"},
	{"no url", "rules: [{match: a.b, mirrors: [{insecure: true}]}]", "a mirror has no 'url'"},
	{"http", "rules: [{match: a.b, mirrors: [{url: 'http://m.test'}]}]",
		"mirror 'http://m.test': http needs 'insecure: true'"},
	{"another scheme", "rules: [{match: a.b, mirrors: [{url: 'ftp://m.test'}]}]",
		"mirror 'ftp:"},
	{"a password", "rules: [{match: a.b, mirrors: [{url: 'https://u:secret@m.test'}]}]",
		"the URL has a user"},
	{"a query", "rules: [{match: a.b, mirrors: [{url: 'https://m.test/?a=b'}]}]", "a query"},
	{"a mirror's path with dots",
		"rules: [{match: a.b, mirrors: [{url: 'https://m.test/../x'}]}]",
		"mirror 'https://m.test/../x'"},
	{"a path for a path", "rules: [{match: a.b/c, mirrors: [{url: 'https://m.test'}]}]",
		"mirror 'm.test' needs a path"},
	{"insecure is no bool", "rules: [{match: a.b, mirrors: [{url: 'https://m', insecure: 1}]}]",
		"'insecure' is neither"},
	{"no certificates", "rules: [{match: a.b, mirrors: [{url: 'https://m.test', ca: hello}]}]",
		"'ca' holds no certificates"},
	{"ca is no text", "rules: [{match: a.b, mirrors: [{url: 'https://m.test', ca: [1]}]}]",
		"'ca' holds no certificates"},
	{"the same twice", "rules: [{match: a.b/c, mirrors: []}, {match: a.b/c, mirrors: []}]",
		"two rules match 'a.b/c'"},
	{"Docker Hub twice",
		"rules: [{match: docker.io, mirrors: []}, {match: index.docker.io, "
		"mirrors: []}]",
		"two rules match 'index.docker.io'"},
};

START_TEST(test_parse)
{
	struct err err = {0};
	struct oci_mirrors *m = oci_mirrors_parse(PARSE[_i].text, strlen(PARSE[_i].text), &err);

	if (!PARSE[_i].want) {
		ck_assert_msg(m, "%s: '%s'", PARSE[_i].name, err.msg);
	} else {
		ck_assert_msg(!m, "%s", PARSE[_i].name);
		ck_assert_msg(strstr(err.msg, PARSE[_i].want), "%s: '%s'", PARSE[_i].name, err.msg);
		ck_assert_msg(!strstr(err.msg, "secret"), "%s", err.msg);
	}
	oci_mirrors_free(m);
}
END_TEST

/* One more than there may be. */
START_TEST(test_limits)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct err err = {0};
	unsigned i;

	buf_adds(&b, "rules:\n");
	for (i = 0; i <= LIMIT_MIRROR_RULES; i++)
		buf_addf(&b, "- {match: h%u.test, mirrors: []}\n", i);
	ck_assert_ptr_null(oci_mirrors_parse(b.p, b.len, &err));
	ck_assert_str_eq(err.msg, "there are more than 1000 rules");
	buf_reset(&b);
	buf_adds(&b, "rules: [{match: a.b, mirrors: [");
	for (i = 0; i <= LIMIT_MIRRORS_OF_RULE; i++)
		buf_adds(&b, "{url: 'https://m.test'},");
	buf_adds(&b, "]}]");
	ck_assert_ptr_null(oci_mirrors_parse(b.p, b.len, &err));
	ck_assert_str_eq(err.msg, "rule 1: it has more than 8 mirrors");
	buf_reset(&b);
	while (b.len <= LIMIT_MIRROR_FILE)
		buf_adds(&b, "# a comment\n");
	ck_assert_ptr_null(oci_mirrors_parse(b.p, b.len, &err));
	ck_assert_str_eq(err.msg, "it is larger than 1048576 bytes");
}
END_TEST

static const char RULES[] =
	"rules:\n"
	"- {match: ghcr.io, mirrors: [{url: 'https://m.test/proxy/ghcr.io'}, {url: "
	"'https://n.test'}]}\n"
	"- {match: ghcr.io/org, mirrors: [{url: 'https://m.test:8443/copies'}], fallback: false}\n"
	"- {match: ghcr.io/org/app, mirrors: [{url: 'https://m.test/the/app'}]}\n"
	"- {match: ghcr.io/org/none, mirrors: []}\n"
	"- {match: docker.io, mirrors: [{url: 'https://hub.test'}]}\n"
	"- {match: 'reg.test:5000/x', mirrors: [{url: 'http://m.test/x', insecure: true}]}\n";

static const struct {
	const char *url, *first; /* NULL: no rule; "": one without mirrors */
	bool fallback;
} MATCH[] = {
	{"oci://ghcr.io/other", "m.test/proxy/ghcr.io/other", true},
	{"oci://ghcr.io/other/app", "m.test/proxy/ghcr.io/other/app", true},
	{"oci://ghcr.io/org", "m.test:8443/copies", false},
	{"oci://ghcr.io/org/web", "m.test:8443/copies/web", false},
	{"oci://ghcr.io/organization/web", "m.test/proxy/ghcr.io/organization/web", true},
	{"oci://ghcr.io/org/app", "m.test/the/app", true},
	{"oci://ghcr.io/org/app/chart", "m.test/the/app/chart", true},
	{"oci://ghcr.io/org/apple", "m.test:8443/copies/apple", false},
	{"oci://ghcr.io/org/none", "", true},
	{"oci://ghcr.io/org/none/such", "", true},
	{"oci://ghcr.io:443/org/app", NULL, false},
	{"oci://alpine", "hub.test/library/alpine", true},
	{"oci://reg.test:5000/x/y", "m.test/x/y", true},
	{"oci://reg.test:5000/yy", NULL, false},
	{"oci://aaa.test/xx", NULL, false},
	{"oci://zzz.test/xx", NULL, false},
};

START_TEST(test_match)
{
	struct oci_mirrors *m = rules(RULES);
	char text[OCI_REPO_TEXT_MAX];
	const struct oci_rule *r;
	struct oci_repo repo, there;
	struct err err = {0};

	ck_assert_msg(!oci_repo_parse(&repo, MATCH[_i].url, true, &err), "%s", err.msg);
	r = oci_mirrors_find(m, &repo);
	if (!MATCH[_i].first) {
		ck_assert_msg(!r, "%s", MATCH[_i].url);
	} else {
		ck_assert_msg(r, "%s", MATCH[_i].url);
		ck_assert_msg(r->fallback == MATCH[_i].fallback, "%s", MATCH[_i].url);
	}
	if (r && !*MATCH[_i].first)
		ck_assert_uint_eq(r->mirrors.len, 0);
	if (r && *MATCH[_i].first) {
		ck_assert_int_eq(oci_mirror_repo(r, r->mirrors.p[0], &repo, &there), 0);
		ck_assert_str_eq(oci_repo_format(&there, text), MATCH[_i].first);
		/* the object's own `insecure` is not the mirror's */
		ck_assert_int_eq(there.insecure, r->mirrors.p[0]->insecure);
	}
	ck_assert_ptr_null(oci_mirrors_find(NULL, &repo));
	oci_mirrors_free(m);
}
END_TEST

START_TEST(test_too_long)
{
	struct oci_mirrors *m = rules(RULES);
	struct oci_repo repo = {.host = "ghcr.io"}, there;
	const struct oci_rule *r;

	memset(repo.name, 'a', OCI_NAME_MAX);
	r = oci_mirrors_find(m, &repo);
	ck_assert_int_eq(oci_mirror_repo(r, r->mirrors.p[0], &repo, &there), -1);
	ck_assert_int_eq(oci_mirror_repo(r, r->mirrors.p[1], &repo, &there), 0);
	oci_mirrors_free(m);
}
END_TEST

static void count(void *arg, const struct oci_rule *r)
{
	(void)r;
	++*(unsigned *)arg;
}

START_TEST(test_each)
{
	struct oci_mirrors *m = rules(RULES);
	unsigned n = 0;

	oci_mirrors_each(m, "ghcr.io", count, &n);
	ck_assert_uint_eq(n, 4);
	n = 0;
	oci_mirrors_each(m, "m.test", count, &n);
	ck_assert_uint_eq(n, 3);
	n = 0;
	oci_mirrors_each(m, "nobody.test", count, &n);
	oci_mirrors_each(NULL, "ghcr.io", count, &n);
	ck_assert_uint_eq(n, 0);
	oci_mirrors_free(m);
}
END_TEST

/* A mirror outlives its rules while somebody asks it. */
START_TEST(test_lifetime)
{
	struct oci_mirrors *m = rules(RULES);
	struct oci_repo repo = {.host = "index.docker.io", .name = "library/x"};
	struct oci_mirror *one = oci_mirror_ref(oci_mirrors_find(m, &repo)->mirrors.p[0]);

	oci_mirrors_free(m);
	ck_assert_str_eq(one->host, "hub.test");
	oci_mirror_unref(one);
}
END_TEST

Suite *suite_mirrors(void);
Suite *suite_mirrors(void)
{
	Suite *s = suite_create("mirrors");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, test_parse, 0, ARRAY_LEN(PARSE));
	tcase_add_loop_test(tc, test_match, 0, ARRAY_LEN(MATCH));
	tcase_add_test(tc, test_limits);
	tcase_add_test(tc, test_too_long);
	tcase_add_test(tc, test_each);
	tcase_add_test(tc, test_lifetime);
	suite_add_tcase(s, tc);
	return s;
}
