/* The rules of --verification-rules: what they may say, and for which repositories each is. What
   comes of a rule is tested in test/unit/ocirepository. */
#include "source/rules.h"

#include "base/buf.h"
#include "base/mem.h"
#include "oci/mirrors.h"
#include "source/rule_scope.h"
#include "verify/notation_policy.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_rules(void);

#define WHO "matchOIDCIdentity: [{issuer: ^a$, subject: ^b$}]"
#define ONE(match, more) "rules: [{match: " match ", " more "}]"

/* ---- what they may say ----------------------------------------------------------------------- */

static const struct {
	const char *name, *text, *want; /* NULL: it is fine */
} PARSE[] = {
	{"no rules", "rules: []", NULL},
	{"a host", ONE("ghcr.io", WHO), NULL},
	{"a path", ONE("ghcr.io/org/app", WHO), NULL},
	{"a star", ONE("'*'", WHO), NULL},
	{"a star and a path", ONE("'*/org'", WHO), NULL},
	{"stars", ONE("'*.ghcr.io:5000/org-*/a*'", WHO), NULL},
	{"an address", ONE("'[::1]:5000/app'", WHO), NULL},
	{"Docker Hub", ONE("docker.io/alpine", WHO), NULL},
	{"empty", "", "it is not one YAML document"},
	{"two documents", "rules: []\n---\nrules: []\n", "it is not one YAML document"},
	{"no YAML", "rules: [", "line 2"},
	{"a list", "[]", "the file is no mapping"},
	{"no list", "rules: {}", "'rules' is no list"},
	{"an unknown key", "rule: []", "the file has the unknown key 'rule'"},
	{"a rule is a text", "rules: [x]", "rule 1: it is no mapping"},
	{"an unknown key of a rule", ONE("a.b", WHO ", key: x"),
		"rule 1: match 'a.b': it has the unknown key 'key'"},
	{"no match", "rules: [{" WHO "}]", "rule 1: it has no 'match'"},
	{"no policy", "rules: [{match: a.b}]",
		"it has to have one of 'keys', 'matchOIDCIdentity' and 'notation'"},
	{"two policies", ONE("a.b", WHO ", keys: [x]"), "it has to have one of"},
	{"no host", ONE("org/app", WHO), "match 'org/app': it is not HOST or HOST/PATH"},
	{"a URL", ONE("'oci://a.b/c'", WHO), "it is not HOST or HOST/PATH"},
	{"an empty path", ONE("a.b/", WHO), "its path has an empty part"},
	{"a slash at the end", ONE("a.b/c/", WHO), "its path has an empty part"},
	{"two slashes", ONE("a.b/c//d", WHO), "its path has an empty part"},
	{"a path with dots", ONE("a.b/../c", WHO), "must not hold '.' or '..'"},
	{"a path in upper case", ONE("a.b/Org", WHO), "must be lower case"},
	{"a tag", ONE("'a.b/org:1'", WHO), "it must not have a tag"},
	{"a digest", ONE("'a.b/org@sha256:1'", WHO), "it must not have a digest"},
	{"no port", ONE("'a.b:x/c'", WHO), "the registry's port is not a number"},
	{"a star in a port", ONE("'a.b:*/c'", WHO), "the registry's port is not a number"},
	{"a star in an address", ONE("'[::*]/c'", WHO), "there is no star in an address"},
	{"nine stars", ONE("'a.b/*********'", WHO), "it has more than 8 stars"},
	{"no keys", ONE("a.b", "keys: []"), "'keys' is no list with something in it"},
	{"null for keys", ONE("a.b", "keys: null"), "'keys' is no list with something in it"},
	{"a key that is none", ONE("a.b", "keys: [x]"),
		"key 'keys[0].pub': it is no public key in PEM"},
	{"an empty key", ONE("a.b", "keys: ['']"), "key 'keys[0].pub': it is empty"},
	{"a key that is no text", ONE("a.b", "keys: [{file: x}]"), "'keys[0]' is no text"},
	{"nobody", ONE("a.b", "matchOIDCIdentity: []"), "matchOIDCIdentity has 0 entries"},
	{"anybody", ONE("a.b", "matchOIDCIdentity: [{issuer: a}]"),
		"matchOIDCIdentity[0]: subject is empty"},
	{"a pattern that is none", ONE("a.b", "matchOIDCIdentity: [{issuer: (, subject: a}]"),
		"matchOIDCIdentity[0]: issuer: "},
	{"an unknown key of an identity",
		ONE("a.b", "matchOIDCIdentity: [{issuer: a, subject: b, c: d}]"),
		"an entry of matchOIDCIdentity has the unknown key 'c'"},
	{"a root that is none", ONE("a.b", WHO ", trustedRoot: '{}'"), "trustedRoot: "},
	{"a root that is no text", ONE("a.b", WHO ", trustedRoot: {}"), "trustedRoot is no text"},
	{"a root for keys", ONE("a.b", "keys: [x], trustedRoot: '{}'"),
		"'trustedRoot' goes with 'matchOIDCIdentity'"},
	{"no trust policy", ONE("a.b", "notation: {certificates: [x]}"),
		"notation has no text 'trustPolicy'"},
	{"no certificates", ONE("a.b", "notation: {trustPolicy: '{}'}"),
		"'certificates' is no list with something in it"},
	{"a trust policy that is none",
		ONE("a.b", "notation: {trustPolicy: '{}', certificates: [x]}"),
		"trustpolicy.json: "},
};

START_TEST(test_parse)
{
	const char *text = PARSE[_i].text, *want = PARSE[_i].want;
	struct err err = {0};
	struct rules *r = rules_parse(text, strlen(text), &err);

	if (want)
		ck_assert_msg(!r && err.kind == ERR_STALL && strstr(err.msg, want), "%s: %s",
			PARSE[_i].name, r ? "it was taken" : err.msg);
	else
		ck_assert_msg(r != NULL, "%s: %s", PARSE[_i].name, err.msg);
	rules_unref(r);
}
END_TEST

START_TEST(test_too_many)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct err err = {0};
	int i;

	buf_adds(&b, "rules:\n");
	for (i = 0; i < 101; i++)
		buf_addf(&b, "- {match: a.b/x%d, " WHO "}\n", i);
	ck_assert_ptr_null(rules_parse(buf_str(&b), b.len, &err));
	ck_assert_str_eq(err.msg, "there are more than 100 rules");
}
END_TEST

/* ---- for which repositories ------------------------------------------------------------------ */

static const struct {
	const char *match, *url;
	bool fits;
} MATCH[] = {
	{"ghcr.io", "oci://ghcr.io/any/thing", true},
	{"ghcr.io", "oci://ghcr.io.evil.test/any/thing", false},
	{"ghcr.io", "oci://xghcr.io/any/thing", false},
	{"ghcr.io/org", "oci://ghcr.io/org/app", true},
	{"ghcr.io/org", "oci://ghcr.io/org/team/app", true},
	{"ghcr.io/org", "oci://ghcr.io/org", true},
	{"ghcr.io/org", "oci://ghcr.io/organic/app", false},
	{"ghcr.io/org", "oci://ghcr.io/other/org", false},
	{"ghcr.io/org/app", "oci://ghcr.io/org", false},
	{"ghcr.io/org/*", "oci://ghcr.io/org/app", true},
	{"ghcr.io/org/*", "oci://ghcr.io/org/team/app", true},
	{"ghcr.io/org/*", "oci://ghcr.io/org", false},
	{"ghcr.io/*/app", "oci://ghcr.io/a/b/app", true},
	{"ghcr.io/*/app", "oci://ghcr.io/a/b/app/c", true},
	{"ghcr.io/*/app", "oci://ghcr.io/a/b/apple", false},
	{"ghcr.io/*-x*y", "oci://ghcr.io/a-xa-xy", true},
	{"ghcr.io/*-x*y", "oci://ghcr.io/a-xa-xz", false},
	{"*", "oci://ghcr.io/org/app", true},
	{"*", "oci://alpine", true},
	{"*", "oci://[::1]:5000/app", true},
	{"*/org", "oci://a.b:5000/org/app", true},
	{"*:5000/org", "oci://a.b:5000/org/app", true},
	{"*:5000/org", "oci://a.b:5001/org/app", false},
	{"*.example.com", "oci://a.b.example.com/x/y", true},
	{"*.example.com", "oci://example.com/x/y", false},
	{"*.example.com", "oci://evil.test/a.example.com/x", false},
	{"*.Example.com.", "oci://A.example.com./x/y", true},
	/* Other spellings of the same place. */
	{"ghcr.io/org", "oci://GHCR.IO/org/app", true},
	{"GHCR.io/org", "oci://ghcr.io/org/app", true},
	{"ghcr.io/org", "oci://ghcr.io:443/org/app", true},
	{"ghcr.io/org", "oci://ghcr.io:80/org/app", true},
	{"ghcr.io/org", "oci://ghcr.io:8443/org/app", true},
	{"ghcr.io:443/org", "oci://ghcr.io/org/app", true},
	{"ghcr.io:8443/org", "oci://ghcr.io/org/app", false},
	{"ghcr.io/org", "oci://ghcr.io./org/app", true},
	{"ghcr.io/org", "oci://ghcr.io//org//app/", true},
	{"[::1]:5000", "oci://[0:0:0:0:0:0:0:1]:5000/app", true},
	{"10.0.0.5", "oci://[::ffff:a00:5]/app", true},
	{"docker.io", "oci://alpine", true},
	{"docker.io/alpine", "oci://alpine", true},
	{"docker.io/library/alpine", "oci://alpine", true},
	{"index.docker.io/alpine", "oci://docker.io/library/alpine", true},
	{"docker.io/org", "oci://org/app", true},
	{"docker.io/org", "oci://docker.io:443/org/app", true},
	{"docker.io/org", "oci://registry-1.docker.io/org/app", true},
	{"registry-1.docker.io/org", "oci://index.docker.io/org/app", true},
	{"docker.io/org", "oci://registry.hub.docker.com/org/app", true},
	{"*.hub.docker.com/org", "oci://registry.hub.docker.com/org/app", true},
	{"*.hub.docker.com/org", "oci://docker.io/org/app", true},
	{"registry-*.docker.io/org", "oci://org/app", true},
	{"registry-*.docker.io/org", "oci://quay.io/org/app", false},
	{"10.0.0.5/org", "oci://10.5:5000/org/app", true},
	{"10.5/org", "oci://10.0.0.5/org/app", true},
	{"10.0.0.5/org", "oci://0x0a000005:5000/org/app", true},
	{"10.0.0.*/org", "oci://10.5/org/app", true},
	/* What is a copy of it, by the mirrors of this test. */
	{"ghcr.io/org", "oci://mirror.test/proxy/app", true},
	{"ghcr.io/org", "oci://mirror.test:443/proxy/team/app", true},
	{"ghcr.io/org", "oci://Mirror.test./proxy/app", true},
	{"ghcr.io/org", "oci://mirror.test/proxyapp", false},
	{"ghcr.io/org", "oci://mirror.test/other/app", false},
	{"ghcr.io/org", "oci://10.0.0.5:5000/ghcr/app", true},
	{"ghcr.io/org", "oci://10.0.0.5:5001/ghcr/app", false},
	{"mirror.test", "oci://mirror.test/proxy/app", true},
	{"mirror.test", "oci://ghcr.io/org/app", false},
};

static void count(void *arg, const struct rule *rule)
{
	ck_assert_str_eq(rule->match, MATCH[*(int *)arg / 100].match);
	++*(int *)arg;
}

START_TEST(test_match)
{
	static const char mirrored[] =
		"rules: [{match: ghcr.io/org, mirrors: [{url: 'https://mirror.test/proxy'}, {url: "
		"'http://10.0.0.5:5000/ghcr', insecure: true}, {url: 'oci-layout:///mnt/x'}]}]";
	auto_free char *text = mem_printf("rules: [{match: '%s', " WHO "}]", MATCH[_i].match);
	int counted = _i * 100;
	struct oci_mirrors *m;
	struct oci_repo repo;
	struct err err = {0};
	struct rules *r;

	m = oci_mirrors_parse(mirrored, strlen(mirrored), &err);
	r = rules_parse(text, strlen(text), &err);
	ck_assert_msg(m && r, "%s", err.msg);
	ck_assert_msg(!oci_repo_parse(&repo, MATCH[_i].url, false, &err), "%s", err.msg);
	rules_each(r, &repo, m, count, &counted);
	ck_assert_msg(counted - _i * 100 == MATCH[_i].fits, "'%s' matches '%s' %d times",
		MATCH[_i].match, MATCH[_i].url, counted - _i * 100);
	rules_unref(r);
	oci_mirrors_free(m);
}
END_TEST

static void note(void *arg, const struct rule *rule)
{
	buf_addf(arg, "%s ", rule->match);
}

/* All that match count, in the order of the file. What a rule says is in its digest. */
START_TEST(test_all)
{
	static const char text[] =
		"rules: [{match: '*', " WHO "}, {match: ghcr.io/org, " WHO "},"
		"{match: ghcr.io/other, " WHO "}, {match: ghcr.io/org/app, " WHO "},"
		"{match: ghcr.io/org, matchOIDCIdentity: [{issuer: ^a$, subject: ^c$}]}]";
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct err err = {0};
	struct oci_repo repo;
	struct rules *r = rules_parse(text, strlen(text), &err);

	ck_assert_msg(r != NULL, "%s", err.msg);
	ck_assert(!oci_repo_parse(&repo, "oci://ghcr.io/org/app", false, &err));
	rules_each(r, &repo, NULL, note, &b);
	ck_assert_str_eq(buf_str(&b), "* ghcr.io/org ghcr.io/org/app ghcr.io/org ");
	rules_each(NULL, &repo, NULL, note, &b);
	rules_each(r, &(struct oci_repo){0}, NULL, note, &b);
	ck_assert_str_eq(buf_str(&b), "* ghcr.io/org ghcr.io/org/app ghcr.io/org ");
	rules_unref(r);
}
END_TEST

/* ---- which statement of a trust policy ------------------------------------------------------- */

#define SKIP(name, scopes) \
	"{\"name\":\"" name "\",\"registryScopes\":[" scopes \
	"],\"signatureVerification\":{\"level\":\"skip\"}}"

static const struct {
	const char *url, *want;
} SCOPES[] = {
	{"oci://ghcr.io/org/app", "app"},
	{"oci://ghcr.io:443/org/app", "app"},
	{"oci://ghcr.io:8443/org/app", "app"},
	{"oci://GHCR.io.//org/app/", "app"},
	{"oci://ghcr.io/org/other", "any"},
	{"oci://ghcr.io.evil.test/org/app", "any"},
	{"oci://mirror.test/proxy/app", "app"},
	{"oci://registry-1.docker.io/org/app", "index"},
	{"oci://docker.io/org/app", "index"},
	{"oci://org/app", "index"},
	{"oci://index.docker.io/org/app", "index"},
	{"oci://registry.hub.docker.com/org/tool", "hub"},
	{"oci://10.5:5000/x/y", "port"},
	{"oci://10.0.0.5:5001/x/y", "all ports"},
	{"oci://10.0.0.5:5001/x/z", "any"},
};

START_TEST(test_statement)
{
	static const char text[] = "{\"version\":\"1.0\",\"trustPolicies\":[" SKIP(
		"any", "\"*\"") "," SKIP("app", "\"ghcr.io/org/app\"") "," SKIP("hub",
		"\"docker.io/org/app\",\"registry-1.docker.io/org/tool\"") "," SKIP("index",
		"\"index.docker.io/org/app\"") "," SKIP("port",
		"\"10.0.0.5:5000/x/y\"") "," SKIP("all ports", "\"10.0.0.5/x/y\"") "]}";
	static const char mirrored[] =
		"rules: [{match: ghcr.io/org, mirrors: [{url: 'https://mirror.test/proxy'}]}]";
	struct err err = {0};
	struct oci_mirrors *m = oci_mirrors_parse(mirrored, strlen(mirrored), &err);
	struct verify_notation_policy *p = NULL;
	const struct verify_statement *s;
	struct oci_repo repo;

	ck_assert_msg(m && !verify_policy_parse(&p, text, strlen(text), &err), "%s", err.msg);
	ck_assert_msg(!oci_repo_parse(&repo, SCOPES[_i].url, false, &err), "%s", err.msg);
	s = rule_statement(p, &repo, m);
	ck_assert_str_eq(s->name, SCOPES[_i].want);
	verify_policy_free(p);
	oci_mirrors_free(m);
}
END_TEST

Suite *suite_rules(void)
{
	Suite *s = suite_create("rules");
	TCase *tc = tcase_create("rules");

	tcase_add_loop_test(tc, test_parse, 0, ARRAY_LEN(PARSE));
	tcase_add_test(tc, test_too_many);
	tcase_add_loop_test(tc, test_match, 0, ARRAY_LEN(MATCH));
	tcase_add_test(tc, test_all);
	tcase_add_loop_test(tc, test_statement, 0, ARRAY_LEN(SCOPES));
	suite_add_tcase(s, tc);
	return s;
}
