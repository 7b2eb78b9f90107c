#include "oci/identity.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/client.h"
#include "oci/ref.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

Suite *suite_identity(void);

/* "u1:p1" is dTE6cDE=, and so on */
#define AUTH1 "{\"auth\":\"dTE6cDE=\"}"
#define AUTH2 "{\"auth\":\"dTI6cDI=\"}"
#define AUTH3 "{\"auth\":\"dTM6cDM=\"}"

static const struct {
	const char *auths, *url, *basic; /* basic NULL: anonymous */
} matches[] = {
	{"{\"ghcr.io\":" AUTH1 "}", "oci://ghcr.io/org/app", "u1:p1"},
	{"{\"ghcr.io\":" AUTH1 "}", "oci://other.io/org/app", NULL},
	{"{\"ghcr.io\":" AUTH1 "}", "oci://ghcr.io:443/org/app", NULL},
	{"{\"https://ghcr.io\":" AUTH1 "}", "oci://ghcr.io/org/app", "u1:p1"},
	{"{\"https://ghcr.io/\":" AUTH1 "}", "oci://ghcr.io/org/app", "u1:p1"},
	{"{\"http://r.io/v2/\":" AUTH1 "}", "oci://r.io/org/app", "u1:p1"},
	{"{\"https://index.docker.io/v1/\":" AUTH1 "}", "oci://docker.io/alpine", "u1:p1"},
	{"{\"docker.io\":" AUTH1 "}", "oci://alpine", "u1:p1"},
	{"{\"localhost:5000\":" AUTH1 "}", "oci://localhost:5000/app", "u1:p1"},
	{"{\"localhost:5001\":" AUTH1 "}", "oci://localhost:5000/app", NULL},
	{"{\"[::1]:5000\":" AUTH1 "}", "oci://[::1]:5000/app", "u1:p1"},
	{"{\"GHCR.io\":" AUTH1 "}", "oci://ghcr.io/org/app", "u1:p1"},
	{"{\"ghcr.io\":" AUTH1 ",\"ghcr.io/org\":" AUTH2 "}", "oci://ghcr.io/org/app", "u2:p2"},
	{"{\"ghcr.io/org\":" AUTH2 ",\"ghcr.io\":" AUTH1 "}", "oci://ghcr.io/org/app", "u2:p2"},
	{"{\"ghcr.io/org/app\":" AUTH3 ",\"ghcr.io\":" AUTH1 ",\"ghcr.io/org\":" AUTH2 "}",
		"oci://ghcr.io/org/app", "u3:p3"},
	{"{\"ghcr.io\":" AUTH1 ",\"ghcr.io/org\":" AUTH2 "}", "oci://ghcr.io/else/app", "u1:p1"},
	{"{\"ghcr.io/org\":" AUTH2 "}", "oci://ghcr.io/else/app", NULL},
	{"{\"*.example.com\":" AUTH1 "}", "oci://r.example.com/org/app", "u1:p1"},
	{"{\"*.example.com\":" AUTH1 "}", "oci://a.b.example.com/org/app", NULL},
	{"{\"*.example.com\":" AUTH1 "}", "oci://example.com/org/app", NULL},
	{"{\"*.example.com\":" AUTH1 "}", "oci://r.example.com.evil.io/org/app", NULL},
	{"{\"*.example.com:5000\":" AUTH1 "}", "oci://r.example.com:5000/org/app", "u1:p1"},
	{"{\"*.example.com\":" AUTH1 "}", "oci://r.example.com:5000/org/app", NULL},
	{"{\"*.example.com\":" AUTH1 ",\"r.example.com\":" AUTH2 "}", "oci://r.example.com/org/app",
		"u2:p2"},
	{"{\"*.example.com/org\":" AUTH1 "}", "oci://r.example.com/org/app", "u1:p1"},
	{"{\"r-*.example.com\":" AUTH1 "}", "oci://r-eu.example.com/org/app", "u1:p1"},
	{"{\"r.io\":{\"username\":\"u\",\"password\":\"p:q\"}}", "oci://r.io/aa", "u:p:q"},
	{"{\"r.io\":{\"username\":\"u\",\"password\":\"p\",\"auth\":\"dTE6cDE=\"}}",
		"oci://r.io/aa", "u1:p1"},
	{"{\"r.io\":{\"auth\":\"dTE6cDE\"}}", "oci://r.io/aa", "u1:p1"},
	{"{\"r.io\":{\"auth\":\"dTE6\\ncDE=\\n\"}}", "oci://r.io/aa", "u1:p1"},
	{"{\"r.io\":{}}", "oci://r.io/aa", NULL},
	{"{\"r.io\":{\"username\":\"u\"}}", "oci://r.io/aa", NULL},
	{"{}", "oci://r.io/aa", NULL},
};

static struct oci_identity *make(const char *data, enum oci_docker_form form)
{
	struct oci_identity *id = oci_identity_new();
	struct err err = {0};

	ck_assert_msg(!oci_identity_add_docker(id, data, strlen(data), form, "Secret 'n/s'", &err),
		"%s", err.msg);
	return id;
}

static void check(struct oci_identity *id, const char *url, const char *basic)
{
	const struct oci_cred *c;
	struct oci_repo repo;
	struct err err = {0};

	ck_assert_msg(!oci_repo_parse(&repo, url, false, &err), "%s", err.msg);
	c = oci_identity_cred(id, &repo);
	if (!basic)
		ck_assert_msg(!c, "'%s' got '%s'", url, c ? c->basic.p : "");
	else
		ck_assert_msg(c && c->basic.p && !strcmp(c->basic.p, basic),
			"'%s' got '%s', not '%s'", url, c && c->basic.p ? c->basic.p : "(none)",
			basic);
}

START_TEST(match)
{
	auto_free char *json = mem_printf("{\"auths\":%s}", matches[_i].auths);
	struct oci_identity *id = make(json, OCI_DOCKER_CONFIG_JSON);

	check(id, matches[_i].url, matches[_i].basic);
	oci_identity_unref(id);
	id = make(matches[_i].auths, OCI_DOCKER_CFG);
	check(id, matches[_i].url, matches[_i].basic);
	oci_identity_unref(id);
}
END_TEST

static const struct {
	const char *json, *says, *hides;
} broken[] = {
	{"hunter2", "Secret 'n/s'", "hunter2"},
	{"[]", "JSON object", NULL},
	{"{\"auths\":[]}", "'auths'", NULL},
	{"{\"auths\":{\"r.io\":3}}", "r.io", NULL},
	{"{\"auths\":{\"r.io\":{\"auth\":\"hunter2!\"}}}", "entry 'r.io'", "hunter2"},
	{"{\"auths\":{\"r.io\":{\"auth\":\"aHVudGVyMg==\"}}}", "user:password", "hunter2"},
	{"{\"auths\":{\"r.io\":{\"auth\":\"dTE6cAAx\"}}}", "NUL", NULL},
	{"{\"auths\":{\"r.io\":{\"auth\":\"hunter2", "Secret 'n/s'", "hunter2"},
};

START_TEST(bad)
{
	struct oci_identity *id = oci_identity_new();
	struct err err = {0};

	ck_assert_msg(oci_identity_add_docker(id, broken[_i].json, strlen(broken[_i].json),
			      OCI_DOCKER_CONFIG_JSON, "Secret 'n/s'", &err),
		"%s", broken[_i].json);
	ck_assert_msg(strstr(err.msg, broken[_i].says), "'%s': '%s'", broken[_i].json, err.msg);
	ck_assert_msg(!broken[_i].hides || !strstr(err.msg, broken[_i].hides), "a secret in '%s'",
		err.msg);
	oci_identity_unref(id);
}
END_TEST

START_TEST(tokens)
{
	struct oci_identity *id =
		make("{\"auths\":{\"r.io\":{\"auth\":\"PHRva2VuPjo=\",\"identitytoken\":\"idt\"},"
		     "\"s.io\":{\"registrytoken\":\"rt\"}}}",
			OCI_DOCKER_CONFIG_JSON);
	const struct oci_cred *c;
	struct oci_repo repo;
	struct err err = {0};

	ck_assert(!oci_repo_parse(&repo, "oci://r.io/aa", false, &err));
	c = oci_identity_cred(id, &repo);
	ck_assert_str_eq(c->identity_token.p, "idt");
	ck_assert_str_eq(c->basic.p, "<token>:");
	ck_assert(!oci_repo_parse(&repo, "oci://s.io/aa", false, &err));
	c = oci_identity_cred(id, &repo);
	ck_assert_str_eq(c->registry_token.p, "rt");
	ck_assert(!c->basic.p);
	oci_identity_unref(id);
}
END_TEST

static const struct {
	const char *auths, *says;
} without[] = {
	{"{}", "no credentials were given: "},
	{"{}", " has no entries with credentials"},
	{"{\"s.io\":{\"auth\":\"dTpw\"}}",
		"the one entry of the credentials is for another registry"},
	{"{\"s.io\":{\"auth\":\"dTpw\"},\"r.io/org\":{\"auth\":\"dTpw\"}}",
		"none of the 2 entries"},
	{"{\"r.io\":{\"registrytoken\":\"rt\"}}", "only a token"},
	{"{\"r.io\":{\"identitytoken\":\"it\"}}", "only a token"},
};

START_TEST(why_not)
{
	struct oci_identity *id = make(without[_i].auths, OCI_DOCKER_CFG);
	char why[OCI_IDENTITY_WHY_MAX];
	struct oci_repo repo;
	struct err err = {0};

	ck_assert(!oci_repo_parse(&repo, "oci://r.io/aa", false, &err));
	ck_assert_ptr_nonnull(strstr(oci_identity_why_not(id, &repo, why), without[_i].says));
	oci_identity_unref(id);
}
END_TEST

START_TEST(ids)
{
	struct oci_identity *a = oci_identity_new(), *b = oci_identity_new();

	ck_assert_uint_ne(oci_identity_id(a), oci_identity_id(b));
	ck_assert_ptr_eq(oci_identity_ref(a), a);
	oci_identity_unref(a);
	oci_identity_unref(a);
	oci_identity_unref(b);
	oci_identity_unref(NULL);
}
END_TEST

/* The loop reads it: whoever may write a Secret must not be able to hold the others up. */
START_TEST(many)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_PULL_SECRET);
	struct oci_identity *id = oci_identity_new();
	const struct oci_cred *cred;
	struct oci_repo repo;
	struct err err = {0};
	clock_t from;
	int i;

	buf_adds(&b, "{");
	for (i = 0; i < LIMIT_PULL_SECRET_ENTRIES - 5; i++)
		buf_addf(&b, "%s\"%05x\":{\"auth\":\"Ojo\"}", i ? "," : "", i * 7919 % 99991);
	buf_adds(&b, ",\"r.io\":" AUTH1 ",\"r.io/org\":" AUTH2 "}");
	ck_assert(!buf_over(&b));
	from = clock();
	ck_assert_msg(!oci_identity_add_docker(id, b.p, b.len, OCI_DOCKER_CFG, "a Secret", &err),
		"%s", err.msg);
	ck_assert_msg(clock() - from < 2 * CLOCKS_PER_SEC, "%.1f s",
		(double)(clock() - from) / CLOCKS_PER_SEC);
	ck_assert(!oci_repo_parse(&repo, "oci://r.io/org/app", false, &err));
	cred = oci_identity_cred(id, &repo);
	ck_assert_str_eq(cred->basic.p, "u2:p2");
	/* What --creds names comes before all of it, the last one first. */
	oci_identity_add_basic(id, "r.io", "a", "b");
	oci_identity_add_basic(id, "r.io", "c", "d");
	ck_assert(!oci_identity_add_docker(id, "{\"r.io/org/app\":" AUTH3 "}",
		strlen("{\"r.io/org/app\":" AUTH3 "}"), OCI_DOCKER_CFG, "a Secret", &err));
	cred = oci_identity_cred(id, &repo);
	ck_assert_str_eq(cred->basic.p, "c:d");
	oci_identity_unref(id);
}
END_TEST

/* Within its bytes a configuration can hold more than should be read, or kept. */
static const struct {
	const char *name, *head, *before, *after,
		*end; /* n times before and after, a number between them */
	unsigned n, pad; /* so many bytes more in each */
	const char *says;
} large[] = {
	{"values", "{\"auths\":{},\"x\":[0", ",", "", "]}", 20000, 0,
		"a Secret has more than 20000 values"},
	{"empty entries", "{\"auths\":{\"r\":{}", ",\"r", "\":{}", "}}", 20000, 0,
		"a Secret has more than 20000 values"},
	{"entries", "{\"auths\":{\"r\":{}", ",\"r", "\":{\"auth\":\"eDp5\"}", "}}", 1001, 0,
		"a Secret: it has credentials for more than 1000 registries"},
	{"credentials", "{\"auths\":{\"r\":{}", ",\"r", "\":{\"registrytoken\":\"x\"}", "}}", 900,
		300, "a Secret: its credentials take more than 262144 bytes"},
};

START_TEST(too_large)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_PULL_SECRET);
	struct oci_identity *id = oci_identity_new();
	struct err err = {0};
	unsigned i, k;

	buf_adds(&b, large[_i].head);
	for (i = 0; i < large[_i].n; i++) {
		buf_adds(&b, large[_i].before);
		for (k = 0; k < large[_i].pad; k++)
			buf_addc(&b, 'x');
		buf_addf(&b, "%u%s", i, large[_i].after);
	}
	buf_adds(&b, large[_i].end);
	ck_assert(!buf_over(&b));
	ck_assert_int_eq(
		oci_identity_add_docker(id, b.p, b.len, OCI_DOCKER_CONFIG_JSON, "a Secret", &err),
		-1);
	ck_assert_msg(strstr(err.msg, large[_i].says), "%s: %s", large[_i].name, err.msg);
	oci_identity_unref(id);
}
END_TEST

START_TEST(creds_flag)
{
	struct oci_identity *id =
		make("{\"auths\":{\"r.io/a\":" AUTH1 "}}", OCI_DOCKER_CONFIG_JSON);

	oci_identity_add_basic(id, NULL, "me", "x:y");
	check(id, "oci://r.io/a/b", "me:x:y");
	check(id, "oci://elsewhere.io/a/b", "me:x:y");
	oci_identity_unref(id);
}
END_TEST

START_TEST(trust)
{
	struct oci_identity *id = oci_identity_new();

	ck_assert(!oci_identity_trust_for(id, false)->insecure);
	ck_assert(oci_identity_trust_for(id, true)->insecure);
	buf_init(&oci_identity_trust(id)->ca_pem, LIMIT_PULL_SECRET);
	buf_adds(&oci_identity_trust(id)->ca_pem, "x");
	ck_assert(!oci_identity_trust_for(id, true)->insecure);
	oci_identity_unref(id);
}
END_TEST

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

START_TEST(docker_file)
{
	char dir[] = "/tmp/oci-identity-XXXXXX", path[64];
	struct oci_identity *id = oci_identity_new();
	struct oci_repo repo;
	struct err err = {0};

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/config.json", dir);
	setenv("DOCKER_CONFIG", dir, 1);
	unsetenv("REGISTRY_AUTH_FILE");
	unsetenv("XDG_RUNTIME_DIR");
	ck_assert(!oci_repo_parse(&repo, "oci://r.io/aa", false, &err));
	ck_assert(!oci_identity_load_docker(id, &repo, &err)); /* no file */
	ck_assert(!oci_identity_cred(id, &repo));
	put(path, "{\"auths\":{\"r.io\":" AUTH1 "},\"credsStore\":\"x\"}");
	ck_assert_msg(!oci_identity_load_docker(id, &repo, &err), "%s", err.msg);
	check(id, "oci://r.io/aa", "u1:p1");
	oci_identity_unref(id);

	id = oci_identity_new();
	put(path, "{\"auths\":{\"r.io\":{}},\"credsStore\":\"desktop\"}");
	ck_assert(oci_identity_load_docker(id, &repo, &err));
	ck_assert_msg(strstr(err.msg, "docker-credential-desktop"), "%s", err.msg);
	put(path, "{\"auths\":{\"other.io\":{}},\"credsStore\":\"desktop\"}");
	ck_assert(!oci_identity_load_docker(id, &repo, &err));
	put(path, "{\"credHelpers\":{\"r.io\":\"gcloud\"}}");
	ck_assert(oci_identity_load_docker(id, &repo, &err));
	ck_assert_msg(strstr(err.msg, "docker-credential-gcloud"), "%s", err.msg);
	put(path, "{");
	ck_assert(oci_identity_load_docker(id, &repo, &err));
	oci_identity_unref(id);
	unlink(path);
	rmdir(dir);
}
END_TEST

Suite *suite_identity(void)
{
	Suite *s = suite_create("identity");
	TCase *t = tcase_create("identity");

	tcase_add_loop_test(t, match, 0, ARRAY_LEN(matches));
	tcase_add_loop_test(t, bad, 0, ARRAY_LEN(broken));
	tcase_add_test(t, tokens);
	tcase_add_loop_test(t, why_not, 0, ARRAY_LEN(without));
	tcase_add_test(t, ids);
	tcase_add_test(t, many);
	tcase_add_loop_test(t, too_large, 0, ARRAY_LEN(large));
	tcase_add_test(t, creds_flag);
	tcase_add_test(t, trust);
	tcase_add_test(t, docker_file);
	suite_add_tcase(s, t);
	return s;
}
