/* --verification-rules: what they ask for besides spec.verify, and what the status says of it. For
   which repositories a rule is, is tested in test/unit/source. */
#include "base/mem.h"
#include "ctl/controller.h"
#include "ev/reread.h"
#include "source/rules_file.h"
#include "test/unit/ocirepository/signing.h"
#include "test/unit/ocirepository/world.h"
#include "test/unit/verify/vectors.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Suite *suite_rules(void);

#define INTERVAL_MS 60000
#define SPEC "\"ref\":{\"tag\":\"1.0\"}"
#define OWN SPEC ",\"verify\":{\"secretRef\":{\"name\":\"trust\"}}"

static struct world w;
static struct fake_image image;
static struct rules_file *file;
static char path[32];
static char match[64];

/* ---- the file -------------------------------------------------------------------------------- */

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert(f && fputs(text, f) >= 0);
	fclose(f);
}

/* A rule with that key for the repository; NULL: no rule. */
static void write_rule(const char *key)
{
	auto_free char *pem = key ? vector_text("keys/", key, ".pub") : NULL, *text = NULL;
	json_t *o = json_pack("{s[]}", "rules");

	if (key)
		json_array_append_new(json_object_get(o, "rules"),
			json_pack("{sss[s]}", "match", match, "keys", pem));
	text = json_dumps(o, 0);
	write_file(text);
	json_decref(o);
}

static void until_taken(uint64_t taken, uint64_t failed)
{
	struct reread_stats s = {0};
	int i;

	for (i = 0; i < 100 && (s.taken != taken || s.failed != failed); i++) {
		world_pass(&w, 5000);
		reread_stats(rules_file_reread(file), &s);
	}
	ck_assert(s.taken == taken && s.failed == failed);
}

/* ---- a world --------------------------------------------------------------------------------- */

static void begin(const char *spec)
{
	world_init(&w);
	signing_trust(&w, "rsa2048");
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", spec);
	snprintf(path, sizeof(path), "/tmp/rules-XXXXXX");
	close(mkstemp(path));
	snprintf(match, sizeof(match), "%s/app", fake_host(w.reg));
}

static void start(void)
{
	struct err err = {0};

	file = rules_file_new(w.loop, path, &err);
	ck_assert_msg(file != NULL, "%s", err.msg);
	w.opts.rules = file;
	world_start(&w);
	world_settle(&w);
}

static void end(void)
{
	world_stop(&w);
	rules_file_free(file);
	unlink(path);
	fake_image_clear(&image);
	world_clear(&w);
	signing_clear();
}

static bool asked(const char *what)
{
	return strstr(fake_log(w.reg), what) != NULL;
}

static void until_verified(const char *status)
{
	int i;

	for (i = 0; i < 200 && strcmp(world_status(&w, "web", "SourceVerified.status"), status);
		i++)
		world_pass(&w, INTERVAL_MS / 4);
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.status"), status);
}

static void good(void)
{
	auto_free char *want = mem_printf("verified signature of revision 1.0@%s; rule '%s' holds",
		image.manifest_text, match);

	ck_assert_msg(!strcmp(world_status(&w, "web", "Ready.status"), "True"), "%s",
		world_status(&w, "web", "Ready.message"));
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.reason"), "Succeeded");
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.message"), want);
}

static void bad(bool by_rule, const char *why)
{
	auto_free char *message = mem_strdup(world_status(&w, "web", "SourceVerified.message"));
	auto_free char *rule = mem_printf(", as rule '%s' of --verification-rules wants", match);
	auto_free char *want = mem_printf(
		"failed to verify the signature using provider 'cosign'%s: ", by_rule ? rule : "");

	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.status"), "False");
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.reason"), "VerificationError");
	ck_assert_msg(!strncmp(message, want, strlen(want)), "%s", message);
	ck_assert_msg(strstr(message, why) != NULL, "%s", message);
	ck_assert_str_eq(world_status(&w, "web", "Ready.reason"), "VerificationError");
	ck_assert_str_eq(world_status(&w, "web", "Ready.message"), message);
}

static void unchanged(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		world_forget(&w);
		world_pass(&w, INTERVAL_MS);
		ck_assert_str_eq(world_writes(&w), "");
		ck_assert_str_eq(fake_log(w.reg), "HEAD /v2/app/manifests/1.0\n");
	}
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* The object asks for nothing. */
START_TEST(test_alone)
{
	begin(SPEC);
	write_rule("rsa2048");
	signing_sign(&w, &image, &image);
	start();
	good();
	unchanged();
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), 0);
	world_stop(&w);
	world_forget(&w);
	world_start(&w);
	world_settle(&w);
	good();
	ck_assert_msg(asked(".sig"), "%s", fake_log(w.reg));
	end();
}
END_TEST

/* However the object spells what it names. */
static const char *const spellings[] = {"/app", "//app/", "///app"};

START_TEST(test_unsigned)
{
	auto_free char *url = NULL, *spec = NULL;

	begin(SPEC);
	url = mem_printf("oci://%s%s", fake_host(w.reg), spellings[_i]);
	spec = mem_printf("\"url\":\"%s\"," SPEC, url);
	world_object(&w, "web", spec);
	write_rule("rsa2048");
	start();
	bad(true, ": it is not signed");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), "");
	ck_assert_msg(!asked("/blobs/"), "%s", fake_log(w.reg));
	signing_sign(&w, &image, &image);
	world_pass(&w, INTERVAL_MS);
	good();
	end();
}
END_TEST

START_TEST(test_by_digest)
{
	auto_free char *spec = NULL;

	begin(SPEC);
	spec = mem_printf("\"ref\":{\"digest\":\"%s\"}", image.manifest_text);
	world_object(&w, "web", spec);
	write_rule("rsa2048");
	start();
	bad(true, ": it is not signed");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), "");
	end();
}
END_TEST

START_TEST(test_of_another_repository)
{
	begin(SPEC);
	snprintf(match, sizeof(match), "%s/apples", fake_host(w.reg));
	write_rule("rsa2048");
	start();
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.status"), "");
	ck_assert_msg(!asked(".sig"), "%s", fake_log(w.reg));
	end();
}
END_TEST

/* The object's own policy and the rule, each for itself. */
static const struct {
	const char *own, *rule;
	bool by_rule;
} both[] = {
	{"rsa2048", "p256", true},
	{"p256", "rsa2048", false},
	{"p256", "p256", false},
};

START_TEST(test_both)
{
	begin(OWN);
	signing_trust(&w, both[_i].own);
	write_rule(both[_i].rule);
	signing_sign(&w, &image, &image);
	start();
	bad(both[_i].by_rule, "it is a signature of none of the keys");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), "");
	signing_trust(&w, "rsa2048");
	write_rule("rsa2048");
	until_verified("True");
	good();
	unchanged();
	end();
}
END_TEST

/* One that holds is not enough where two match, in either order. */
START_TEST(test_two)
{
	auto_free char *good_pem = vector_text("keys/", "rsa2048", ".pub"), *text = NULL;
	auto_free char *other_pem = vector_text("keys/", "p256", ".pub");
	json_t *o;

	begin(SPEC);
	o = json_pack("{s[{sss[s]}{sss[s]}]}", "rules", "match", _i ? match : "127.0.0.1", "keys",
		_i ? other_pem : good_pem, "match", _i ? "127.0.0.1" : match, "keys",
		_i ? good_pem : other_pem);
	text = json_dumps(o, 0);
	json_decref(o);
	write_file(text);
	signing_sign(&w, &image, &image);
	start();
	bad(true, "it is a signature of none of the keys");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), "");
	end();
}
END_TEST

/* What was accepted stays served, and the conditions say what is the matter; a rule that goes takes
   them with it. */
START_TEST(test_comes_and_goes)
{
	auto_free char *revision = NULL;
	auto_buf struct buf stored = BUF_INIT(BUF_ANY);

	begin(SPEC);
	write_rule(NULL);
	start();
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.status"), "");
	unchanged();
	revision = mem_strdup(world_status(&w, "web", "artifact.revision"));
	write_rule("rsa2048");
	until_verified("False");
	bad(true, ": it is not signed");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), revision);
	ck_assert_str_eq(world_status(&w, "web", "ArtifactInStorage.status"), "True");
	world_file(&w, "web", &stored);
	ck_assert_uint_eq(stored.len, w.layer.len);
	signing_sign(&w, &image, &image);
	until_verified("True");
	good();
	write_rule(NULL);
	until_verified("");
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	unchanged();
	end();
}
END_TEST

/* Another key in a rule: the artifact is verified by it at the next run. A broken file changes
   nothing. */
START_TEST(test_file_changes)
{
	begin(SPEC);
	write_rule("rsa2048");
	signing_sign(&w, &image, &image);
	start();
	good();
	write_file("rules: [{match: a.b}]");
	until_taken(0, 1);
	good();
	unchanged();
	write_rule("p256");
	until_taken(1, 1);
	until_verified("False");
	bad(true, "it is a signature of none of the keys");
	write_rule("rsa2048-pkcs1");
	until_verified("True");
	good();
	end();
}
END_TEST

START_TEST(test_broken_at_the_start)
{
	struct err err = {0};

	begin(SPEC);
	write_file("rules: [{match: a.b}]");
	ck_assert_ptr_null(rules_file_new(w.loop, path, &err));
	ck_assert_msg(
		strstr(err.msg, path) && strstr(err.msg, "rule 1: match 'a.b': "), "%s", err.msg);
	write_rule(NULL);
	start();
	end();
}
END_TEST

/* What a trust policy would let pass without a signature is not enough for a rule. */
START_TEST(test_skip)
{
	static const char policy[] =
		"{\"version\":\"1.0\",\"trustPolicies\":[{\"name\":\"all\",\"registryScopes\":["
		"\"*\"],\"signatureVerification\":{\"level\":\"skip\"}}]}";
	auto_free char *text = NULL, *pem = vector_text("notation/", "rsa2048-1", ".crt");
	json_t *o;

	begin(SPEC);
	o = json_pack("{s[{sss{sss[s]}}]}", "rules", "match", match, "notation", "trustPolicy",
		policy, "certificates", pem);
	text = json_dumps(o, 0);
	json_decref(o);
	write_file(text);
	start();
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.status"), "False");
	ck_assert_msg(strstr(world_status(&w, "web", "Ready.message"),
			      "wants: its trust policy lets it pass, and nothing proves who"),
		"%s", world_status(&w, "web", "Ready.message"));
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), "");
	end();
}
END_TEST

/* How the object spells the repository does not choose among the statements of a rule. */
START_TEST(test_statement)
{
	auto_free char *text = NULL, *pem = vector_text("notation/", "rsa2048-1", ".crt");
	auto_free char *policy = NULL, *spec = NULL;
	const char *host, *said;
	json_t *o;

	begin(SPEC);
	host = fake_host(w.reg);
	policy = mem_printf("{\"version\":\"1.0\",\"trustPolicies\":[{\"name\":\"app\","
			    "\"registryScopes\":[\"%s\"],\"signatureVerification\":{\"level\":"
			    "\"strict\"},\"trustStores\":[\"ca:x\"],\"trustedIdentities\":[\"*\"]},"
			    "{\"name\":\"others\",\"registryScopes\":[\"*\"],"
			    "\"signatureVerification\":{\"level\":\"skip\"}}]}",
		match);
	o = json_pack("{s[{sss{sss[s]}}]}", "rules", "match", "*", "notation", "trustPolicy",
		policy, "certificates", pem);
	text = json_dumps(o, 0);
	json_decref(o);
	write_file(text);
	spec = mem_printf("\"url\":\"oci://[::ffff:127.0.0.1]%s/app\",\"insecure\":true," SPEC,
		strchr(host, ':'));
	if (_i)
		world_object(&w, "web", spec);
	start();
	said = world_status(&w, "web", "Ready.message");
	ck_assert_msg(strstr(said, "no signature is associated with"), "%s", said);
	end();
}
END_TEST

Suite *suite_rules(void)
{
	Suite *s = suite_create("rules");
	TCase *tc = tcase_create("rules");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_alone);
	tcase_add_loop_test(tc, test_unsigned, 0, ARRAY_LEN(spellings));
	tcase_add_test(tc, test_by_digest);
	tcase_add_test(tc, test_of_another_repository);
	tcase_add_loop_test(tc, test_both, 0, ARRAY_LEN(both));
	tcase_add_loop_test(tc, test_two, 0, 2);
	tcase_add_test(tc, test_comes_and_goes);
	tcase_add_test(tc, test_file_changes);
	tcase_add_test(tc, test_broken_at_the_start);
	tcase_add_test(tc, test_skip);
	tcase_add_loop_test(tc, test_statement, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
