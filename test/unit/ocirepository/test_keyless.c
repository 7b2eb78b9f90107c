/* spec.verify without keys: whose trusted root counts, when a signature is looked for, and what the
   status says. What counts as a signature is tested in test/unit/verify. */
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ev/loop.h"
#include "ev/reread.h"
#include "source/rules_file.h"
#include "source/trust_file.h"
#include "test/unit/ocirepository/signing.h"
#include "test/unit/ocirepository/world.h"
#include "test/unit/verify/keyless.h"
#include "verify/bundle.h"
#include "verify/legacy.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Suite *suite_keyless(void);

#define INTERVAL_MS 60000
#define WHO \
	"\"matchOIDCIdentity\":[{\"issuer\":\"^https://issuer[.]example$\"," \
	"\"subject\":\"^https://github[.]com/org/app/\"}]"
#define SPEC_OF(verify) "\"ref\":{\"tag\":\"1.0\"},\"verify\":{\"provider\":\"cosign\"," verify "}"
#define ROOT "\"trustedRootSecretRef\":{\"name\":\"root\"}"
#define SPEC SPEC_OF(ROOT "," WHO)
#define BY_FILE SPEC_OF(WHO)
#define SUBJECT "https://github.com/org/app/.github/workflows/release.yaml@refs/tags/v1"

static struct world w;
static struct fake_image image;
static struct buf layer = BUF_INIT(BUF_ANY); /* the registry sends it from here */

/* ---- what there is --------------------------------------------------------------------------- */

static char *root_text(const char *name)
{
	json_t *o = keyless_case("roots", name);
	char *text = json_dumps(o, 0);

	json_decref(o);
	return text;
}

/* The Secret apps/root with a trusted root of that name. */
static void trust(const char *name)
{
	auto_free char *root = root_text(name), *text = NULL;
	json_t *o = json_pack("{s{ssss}}", "metadata", "name", "root", "namespace", "apps");

	vector_entry(o, VERIFY_ROOT_ENTRY, root);
	text = json_dumps(o, 0);
	fake_kube_put(w.kube, "secrets", text);
	json_decref(o);
}

/* The image has to be the one that make-keyless.py has signed. */
static void push(void)
{
	auto_free char *digest = vector_text("keyless/", "image", ".digest");
	FILE *f = fopen(VECTORS "keyless/layer.tgz", "rb");
	char part[4096];

	ck_assert(f);
	buf_add(&layer, part, fread(part, 1, sizeof(part), f));
	fclose(f);
	world_push(&w, "1.0", &layer, &image);
	ck_assert_msg(!strcmp(image.manifest_text, digest),
		"image.digest is not %s: write it anew, and run make-keyless.py",
		image.manifest_text);
}

/* What the case says, as a layer; free it. */
static char *layer_of(const char *name, long long size)
{
	json_t *o = keyless_case("legacy", name), *l;
	const char *payload = json_string_value(json_object_get(o, "payload"));
	char *text;

	l = json_pack("{sssIs{sOsOsO}}", "digest", signing_digest(payload), "size",
		(json_int_t)(size < 0 ? (long long)strlen(payload) : size), "annotations",
		"dev.cosignproject.cosign/signature", json_object_get(o, "signature"),
		VERIFY_LEGACY_CERTIFICATE, json_object_get(o, "certificate"),
		VERIFY_LEGACY_LOG_ENTRY, json_object_get(o, "entry"));
	text = json_dumps(l, 0);
	json_decref(l);
	json_decref(o);
	return text;
}

static char *payload_of(const char *name)
{
	json_t *o = keyless_case("legacy", name);
	char *payload = mem_strdup(json_string_value(json_object_get(o, "payload")));

	json_decref(o);
	return payload;
}

static void layers_push(const char *layers)
{
	signing_answer(&w, mem_printf("/v2/app/manifests/sha256-%s.sig", image.manifest_text + 7),
		mem_printf("{\"layers\":[%s]}", layers), NULL);
}

static void sign(const char *name)
{
	auto_free char *one = layer_of(name, -1);

	signing_blob(&w, payload_of(name));
	layers_push(one);
}

static void begin(const char *spec)
{
	world_init(&w);
	trust("good");
	push();
	world_object(&w, "web", spec);
}

static void end(void)
{
	signing_end(&w, &image);
	buf_clear(&layer);
}

static bool asked(const char *what)
{
	return signing_asked(&w, what);
}

static void good(void)
{
	auto_free char *want = mem_printf("verified signature of revision 1.0@%s by '" SUBJECT
					  "' of 'https://issuer.example'",
		image.manifest_text);

	signing_good(&w, want);
}

static void bad(const char *why)
{
	signing_bad(&w, "cosign keyless", why);
}

/* ---- tests ----------------------------------------------------------------------------------- */

START_TEST(test_signed)
{
	int i;

	begin(SPEC);
	sign("image");
	signing_start(&w);
	good();
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
	good();
	end();
}
END_TEST

START_TEST(test_of_another)
{
	begin(SPEC);
	sign("good");
	signing_start(&w);
	bad("it is the signature of 'sha256:");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), "");
	end();
}
END_TEST

/* L-N12: how many layers there may be, and what is said of one that is not so. */
static const struct {
	const char *body; /* what the registry sends instead; NULL: what was signed */
	long long size; /* that the layer is said to have; -1: the right one */
	int layers;
	const char *why;
} layers[] = {
	{NULL, -1, LIMIT_SIGNATURES + 1, "has 1001 layers, more than 1000"},
	{NULL, 200 * LIMIT_MIB, 1, "the payload has 209715200 bytes, more than 65536"},
	{NULL, 7, 1, "bytes, not the 7 "},
	{"other", -1, 1, "has 5 bytes, not the "},
	{"X", -1, 1, "the digest of what the registry sent is"},
};

START_TEST(test_layers)
{
	auto_free char *one = layer_of("image", layers[_i].size), *other = NULL;
	auto_buf struct buf list = BUF_INIT(BUF_ANY);
	struct fake_answer *a;
	char *payload = payload_of("image");
	int i;

	begin(SPEC);
	for (i = 1; i < layers[_i].layers; i++)
		buf_adds(&list,
			"{\"digest\":\"sha256:"
			"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
			"\",\"size\":0},");
	buf_adds(&list, one);
	a = signing_blob(&w, payload);
	if (layers[_i].body && layers[_i].body[1]) {
		a->body = layers[_i].body;
	} else if (layers[_i].body) {
		other = mem_printf("%.*sX", (int)strlen(payload) - 1, payload);
		a->body = other;
	}
	layers_push(buf_str(&list));
	signing_start(&w);
	bad(layers[_i].why);
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), "");
	end();
}
END_TEST

/* _i: the list of what refers to the image is under the tag. */
START_TEST(test_bundle)
{
	json_t *o;
	char *bundle, *manifest;
	auto_free char *entry = NULL;

	begin(SPEC);
	o = keyless_case("bundle", "image");
	bundle = json_dumps(o, 0);
	manifest = mem_printf("{\"layers\":[{\"mediaType\":\"" VERIFY_BUNDLE_TYPE
			      ".v0.3+json\",\"digest\":\"%s\",\"size\":%zu}]}",
		signing_digest(bundle), strlen(bundle));
	entry = mem_printf(
		"{\"digest\":\"%s\",\"size\":%zu}", signing_digest(manifest), strlen(manifest));
	signing_answer(
		&w, mem_printf("/v2/app/manifests/%s", signing_digest(manifest)), manifest, NULL);
	signing_blob(&w, bundle);
	signing_list(&w, &image, entry, _i);
	signing_start(&w);
	good();
	ck_assert_msg(!asked(".sig"), "%s", fake_log(w.reg));
	json_decref(o);
	end();
}
END_TEST

START_TEST(test_other_identity)
{
	begin(SPEC_OF(ROOT ",\"matchOIDCIdentity\":[{\"issuer\":\"^https://issuer[.]example$\","
			   "\"subject\":\"^https://github[.]com/org/other/\"}]"));
	sign("image");
	signing_start(&w);
	bad("the subject fits no entry of spec.verify.matchOIDCIdentity: it is signed by '" SUBJECT
	    "' of 'https://issuer.example'");
	world_object(&w, "web",
		SPEC_OF(ROOT ",\"matchOIDCIdentity\":[{\"issuer\":\"x\",\"subject\":\"x\"},"
			     "{\"issuer\":\"issuer\",\"subject\":\"/app/\"}]"));
	world_settle(&w);
	good();
	end();
}
END_TEST

/* A restored database brings other rules under a generation that was seen (ctl/item.c). What was
   good by the old ones is not, by these. */
START_TEST(test_same_generation)
{
	auto_free char *text = NULL;

	begin(SPEC);
	sign("image");
	signing_start(&w);
	good();
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
	bad("the subject fits no entry of spec.verify.matchOIDCIdentity");
	end();
}
END_TEST

/* The trusted root in the Secret changes: at once the artifact is verified with the new one. */
START_TEST(test_other_root)
{
	auto_free char *revision = NULL;

	begin(SPEC);
	sign("image");
	signing_start(&w);
	good();
	revision = mem_strdup(world_status(&w, "web", "artifact.revision"));
	trust("log-before");
	world_settle(&w);
	bad("when the log was not trusted");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), revision);
	trust("two-authorities");
	world_settle(&w);
	good();
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
	sign("image");
	if (no_root[_i].secret) {
		text = mem_printf("{\"metadata\":{\"name\":\"root\",\"namespace\":\"apps\"},"
				  "\"data\":%s}",
			no_root[_i].secret);
		fake_kube_put(w.kube, "secrets", text);
	} else {
		fake_kube_delete(w.kube, "secrets", "apps", "root");
	}
	signing_start(&w);
	bad(no_root[_i].why);
	ck_assert_msg(!asked(".sig"), "%s", fake_log(w.reg));
	trust("good");
	world_settle(&w);
	good();
	end();
}
END_TEST

START_TEST(test_nobody_named_a_root)
{
	begin(BY_FILE);
	sign("image");
	signing_start(&w);
	bad("there is no trusted root: neither spec.verify.trustedRootSecretRef nor the "
	    "controller's --sigstore-trusted-root names one");
	ck_assert_msg(!asked(".sig") && !asked("referrers"), "%s", fake_log(w.reg));
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), 0);
	end();
}
END_TEST

static void write_root(const char *path, const char *name)
{
	auto_free char *text = root_text(name);
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
	sign("image");
	signing_start(&w);
	bad("when the log was not trusted");
	world_object(&w, "web", SPEC);
	until_verified("True");
	good();
	world_object(&w, "web", BY_FILE);
	until_verified("False");
	bad("when the log was not trusted");
	write_root(path, "good");
	for (i = 0; i < 100 && !stats.taken; i++) {
		world_pass(&w, 5000);
		reread_stats(trust_file_reread(file), &stats);
	}
	ck_assert_uint_eq(stats.taken, 1);
	until_verified("True");
	good();
	world_stop(&w);
	trust_file_free(file);
	unlink(path);
	end();
}
END_TEST

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert(f && fputs(text, f) >= 0);
	fclose(f);
}

/* A rule of the operator's without keys, by a trusted root of its own or by his. */
START_TEST(test_rule)
{
	char path[] = "/tmp/trusted-root-XXXXXX", rules[] = "/tmp/rules-XXXXXX";
	auto_free char *root = root_text("good"), *text = NULL, *want = NULL;
	struct trust_file *file;
	struct rules_file *ruled;
	struct err err = {0};
	json_t *o;

	begin("\"ref\":{\"tag\":\"1.0\"}");
	close(mkstemp(path));
	close(mkstemp(rules));
	write_root(path, _i ? "good" : "log-before");
	o = json_pack("{s[{sss[{ssss}]ss*}]}", "rules", "match", "127.0.0.1/*", "matchOIDCIdentity",
		"issuer", "^https://issuer[.]example$", "subject", "^https://github[.]com/org/app/",
		"trustedRoot", _i ? NULL : root);
	text = json_dumps(o, 0);
	json_decref(o);
	write_text(rules, text);
	file = trust_file_new(w.loop, path, &err);
	ruled = rules_file_new(w.loop, rules, &err);
	ck_assert_msg(file && ruled, "%s", err.msg);
	w.opts.trust = file;
	w.opts.rules = ruled;
	sign("image");
	signing_start(&w);
	want = mem_printf(
		"verified signature of revision 1.0@%s; rule '127.0.0.1/*' holds by '" SUBJECT
		"' of 'https://issuer.example'",
		image.manifest_text);
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.message"), want);
	world_object(&w, "web", SPEC);
	world_settle(&w);
	free(MOVE(want));
	want = mem_printf("verified signature of revision 1.0@%s by '" SUBJECT
			  "' of 'https://issuer.example'; rule '127.0.0.1/*' holds by '" SUBJECT
			  "' of 'https://issuer.example'",
		image.manifest_text);
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.message"), want);
	/* Whom the rule does not name. */
	free(MOVE(text));
	text = mem_printf(
		"rules: [{match: '*', matchOIDCIdentity: [{issuer: ^a$, subject: ^b$}]}]");
	write_text(rules, text);
	until_verified("False");
	ck_assert_msg(
		strstr(world_status(&w, "web", "Ready.message"),
			"provider 'cosign keyless', as rule '*' of --verification-rules wants: ") &&
			strstr(world_status(&w, "web", "Ready.message"),
				_i ? "the issuer fits no entry of matchOIDCIdentity: "
				   : "when the log was not trusted"),
		"%s", world_status(&w, "web", "Ready.message"));
	world_stop(&w);
	trust_file_free(file);
	rules_file_free(ruled);
	unlink(path);
	unlink(rules);
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
	sign("image");
	signing_start(&w);
	bad(wrong[_i].why);
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
	tcase_add_loop_test(tc, test_layers, 0, ARRAY_LEN(layers));
	tcase_add_loop_test(tc, test_bundle, 0, 2);
	tcase_add_test(tc, test_other_identity);
	tcase_add_test(tc, test_same_generation);
	tcase_add_test(tc, test_other_root);
	tcase_add_loop_test(tc, test_no_root, 0, ARRAY_LEN(no_root));
	tcase_add_test(tc, test_nobody_named_a_root);
	tcase_add_test(tc, test_file);
	tcase_add_loop_test(tc, test_rule, 0, 2);
	tcase_add_loop_test(tc, test_wrong, 0, ARRAY_LEN(wrong));
	suite_add_tcase(s, tc);
	return s;
}
