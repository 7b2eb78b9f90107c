/* spec.verify without keys: whose trusted root counts, when a signature is looked for, and what the
   status says. What counts as a signature is tested in test/unit/verify. */
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ev/loop.h"
#include "ev/reread.h"
#include "source/trust_file.h"
#include "test/unit/ocirepository/keyless.h"
#include "test/unit/ocirepository/world.h"
#include "test/unit/verify/vectors.h"
#include "verify/bundle.h"
#include "verify/legacy.h"
#include "verify/trusted_root.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Suite *suite_keyless(void);

#define INTERVAL_MS 60000
#define WHO KEYLESS_WHO
#define SPEC_OF(verify) KEYLESS_SPEC(verify)
#define ROOT "\"trustedRootSecretRef\":{\"name\":\"root\"}"
#define SPEC SPEC_OF(ROOT "," WHO)
#define BY_FILE SPEC_OF(WHO)
#define SUBJECT KEYLESS_SUBJECT_NAME

static struct world w;

/* ---- what there is --------------------------------------------------------------------------- */

/* The Secret apps/root with a trusted root of that name. */
static void trust(const char *name)
{
	auto_free char *root = keyless_root_text(name), *text = NULL;
	json_t *o = json_pack("{s{ssss}}", "metadata", "name", "root", "namespace", "apps");

	vector_entry(o, VERIFY_ROOT_ENTRY, root);
	text = json_dumps(o, 0);
	fake_kube_put(w.kube, "secrets", text);
	json_decref(o);
}

static void begin(const char *spec)
{
	world_init(&w);
	trust("good");
	keyless_push(&w);
	world_object(&w, "web", spec);
}

static void start(void)
{
	world_start(&w);
	world_settle(&w);
}

static void end(void)
{
	world_clear(&w);
	keyless_clear();
}

static bool asked(const char *what)
{
	return strstr(fake_log(w.reg), what) != NULL;
}

/* ---- tests ----------------------------------------------------------------------------------- */

START_TEST(test_signed)
{
	int i;

	begin(SPEC);
	keyless_sign(&w, "image");
	start();
	keyless_good(&w);
	for (i = 0; i < 3; i++) {
		world_forget(&w);
		world_pass(&w, INTERVAL_MS);
		ck_assert_str_eq(world_writes(&w), "");
		ck_assert_str_eq(fake_log(w.reg), "HEAD /v2/app/manifests/1.0\n");
	}
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), 1);
	/* It still says by whom, whatever else is written. */
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"interval\":\"2m\"}}");
	world_settle(&w);
	keyless_good(&w);
	end();
}
END_TEST

START_TEST(test_of_another)
{
	begin(SPEC);
	keyless_sign(&w, "good");
	start();
	keyless_bad(&w, "it is the signature of 'sha256:");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), "");
	end();
}
END_TEST

START_TEST(test_other_identity)
{
	begin(SPEC_OF(ROOT ",\"matchOIDCIdentity\":[{\"issuer\":\"^https://issuer[.]example$\","
			   "\"subject\":\"^https://github[.]com/org/other/\"}]"));
	keyless_sign(&w, "image");
	start();
	keyless_bad(&w,
		"the subject fits no entry of spec.verify.matchOIDCIdentity: it is signed by "
		"'" SUBJECT "' of 'https://issuer.example'");
	world_object(&w, "web",
		SPEC_OF(ROOT ",\"matchOIDCIdentity\":[{\"issuer\":\"x\",\"subject\":\"x\"},"
			     "{\"issuer\":\"issuer\",\"subject\":\"/app/\"}]"));
	world_settle(&w);
	keyless_good(&w);
	end();
}
END_TEST

/* A restored database brings other rules under a generation that was seen (ctl/item.c). What was
   good by the old ones is not, by these. */
START_TEST(test_same_generation)
{
	auto_free char *text = NULL;

	begin(SPEC);
	keyless_sign(&w, "image");
	start();
	keyless_good(&w);
	world_forget(&w);
	text = mem_printf(
		"{\"metadata\":{\"name\":\"web\",\"namespace\":\"apps\",\"generation\":1,"
		"\"finalizers\":[\"finalizers.fluxcd.io\"]},\"spec\":{\"url\":\"oci://%s/app\","
		"\"interval\":\"1m\"," SPEC_OF(
			ROOT ",\"matchOIDCIdentity\":[{\"issuer\":"
			     "\"^https://issuer[.]example$\",\"subject\":\"^nobody$\"}]") "}}",
		fake_host(w.reg));
	fake_kube_put(w.kube, "ocirepositories", text);
	world_settle(&w);
	world_pass(&w, INTERVAL_MS);
	ck_assert_msg(asked(".sig"), "Ready %s, SourceVerified %s (%s), without a look: %s",
		world_status(&w, "web", "Ready.status"),
		world_status(&w, "web", "SourceVerified.status"),
		world_status(&w, "web", "artifact.revision"), fake_log(w.reg));
	keyless_bad(&w, "the subject fits no entry of spec.verify.matchOIDCIdentity");
	end();
}
END_TEST

/* The trusted root in the Secret changes: at once the artifact is verified with the new one. */
START_TEST(test_other_root)
{
	auto_free char *revision = NULL;

	begin(SPEC);
	keyless_sign(&w, "image");
	start();
	keyless_good(&w);
	revision = mem_strdup(world_status(&w, "web", "artifact.revision"));
	trust("log-before");
	world_settle(&w);
	keyless_bad(&w, "when the log was not trusted");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), revision);
	trust("two-authorities");
	world_settle(&w);
	keyless_good(&w);
	/* The labels of the Secret are nobody's question. */
	world_forget(&w);
	fake_kube_merge(
		w.kube, "secrets", "apps", "root", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
	world_settle(&w);
	ck_assert_msg(!asked(".sig"), "%s", fake_log(w.reg));
	end();
}
END_TEST

static const struct {
	const char *secret, *why; /* NULL: there is none */
} no_root[] = {
	{NULL, "failed to get secret 'apps/root': "},
	{"{}", "secret 'apps/root': it has no entry 'trusted_root.json'"},
	{"{\"trusted_root.json\":\"\"}", "secret 'apps/root': key 'trusted_root.json': "},
	{"{\"trusted_root.json\":\"e30=\"}", "its media type is ''"},
};

START_TEST(test_no_root)
{
	auto_free char *text = NULL;

	begin(SPEC);
	keyless_sign(&w, "image");
	if (no_root[_i].secret) {
		text = mem_printf("{\"metadata\":{\"name\":\"root\",\"namespace\":\"apps\"},"
				  "\"data\":%s}",
			no_root[_i].secret);
		fake_kube_put(w.kube, "secrets", text);
	} else {
		fake_kube_delete(w.kube, "secrets", "apps", "root");
	}
	start();
	keyless_bad(&w, no_root[_i].why);
	ck_assert_msg(!asked(".sig"), "%s", fake_log(w.reg));
	trust("good");
	world_settle(&w);
	keyless_good(&w);
	end();
}
END_TEST

static void write_root(const char *path, const char *name)
{
	auto_free char *text = keyless_root_text(name);
	FILE *f = fopen(path, "w");

	ck_assert(f && fputs(text, f) >= 0);
	fclose(f);
}

/* The watch, and the worker that reads a file, have times of their own. */
static void until_verified(const char *status)
{
	int i;

	for (i = 0; i < 200 && strcmp(world_status(&w, "web", "SourceVerified.status"), status);
		i++)
		world_pass(&w, INTERVAL_MS / 4);
}

/* The operator's file counts where an object names no root; the object's own comes first. */
START_TEST(test_file)
{
	char path[] = "/tmp/trusted-root-XXXXXX";
	struct reread_stats stats = {0};
	struct trust_file *file;
	struct err err = {0};
	int i;

	begin(BY_FILE);
	close(mkstemp(path));
	write_root(path, "log-before");
	file = trust_file_new(w.loop, path, &err);
	ck_assert_msg(file != NULL, "%s", err.msg);
	w.opts.trust = file;
	keyless_sign(&w, "image");
	start();
	keyless_bad(&w, "when the log was not trusted");
	world_object(&w, "web", SPEC);
	until_verified("True");
	keyless_good(&w);
	world_object(&w, "web", BY_FILE);
	until_verified("False");
	keyless_bad(&w, "when the log was not trusted");
	write_root(path, "good");
	for (i = 0; i < 100 && !stats.taken; i++) {
		world_pass(&w, 5000);
		reread_stats(trust_file_reread(file), &stats);
	}
	ck_assert_uint_eq(stats.taken, 1);
	until_verified("True");
	keyless_good(&w);
	world_stop(&w);
	trust_file_free(file);
	unlink(path);
	end();
}
END_TEST

/* What only another spec can mend stalls, and nobody is asked. */
static const struct {
	const char *spec, *why;
} wrong[] = {
	{SPEC_OF(ROOT), "spec.verify.matchOIDCIdentity has 0 entries"},
	{SPEC_OF(ROOT ",\"matchOIDCIdentity\":[]"), "matchOIDCIdentity has 0 entries"},
	{SPEC_OF(ROOT ",\"matchOIDCIdentity\":[{\"issuer\":\"a\",\"subject\":\"\"}]"),
		"matchOIDCIdentity[0]: subject is empty"},
	{SPEC_OF(ROOT ",\"matchOIDCIdentity\":[{\"issuer\":\"(\",\"subject\":\"a\"}]"),
		"matchOIDCIdentity[0]: issuer: "},
};

START_TEST(test_wrong)
{
	begin(wrong[_i].spec);
	keyless_sign(&w, "image");
	start();
	keyless_bad(&w, wrong[_i].why);
	ck_assert_str_eq(world_status(&w, "web", "Stalled.status"), "True");
	ck_assert_msg(!asked(".sig") && !asked("referrers"), "%s", fake_log(w.reg));
	end();
}
END_TEST

Suite *suite_keyless(void)
{
	Suite *s = suite_create("keyless");
	TCase *tc = tcase_create("keyless");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_signed);
	tcase_add_test(tc, test_of_another);
	tcase_add_test(tc, test_other_identity);
	tcase_add_test(tc, test_same_generation);
	tcase_add_test(tc, test_other_root);
	tcase_add_loop_test(tc, test_no_root, 0, ARRAY_LEN(no_root));
	tcase_add_test(tc, test_file);
	tcase_add_loop_test(tc, test_wrong, 0, ARRAY_LEN(wrong));
	suite_add_tcase(s, tc);
	return s;
}
