/* spec.verify with keys: when a signature is looked for, what passes, and what the status says.
   What counts as a signature is tested in test/unit/verify. */
#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ev/account.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "oci/manifest.h"
#include "oci/registry.h"
#include "test/unit/ocirepository/signing.h"
#include "test/unit/ocirepository/world.h"
#include "test/unit/verify/vectors.h"
#include "verify/bundle.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

Suite *suite_verify(void);

#define INTERVAL_MS 60000
#define SPEC "\"ref\":{\"tag\":\"1.0\"},\"verify\":{\"secretRef\":{\"name\":\"trust\"}}"
#define INDEX_HEADERS "Content-Type: " OCI_TYPE_INDEX "\r\n"

static struct world w;
static struct fake_image image;
static struct fake_answer *moved; /* before the tag's own: what the tag means next */

/* ---- signatures of the fake registry --------------------------------------------------------- */

/* predicate: what else is stated. */
static char *bundle_with(const struct fake_image *of, const char *predicate)
{
	auto_free char *statement = mem_printf(
		"{\"subject\":[{\"digest\":{\"sha256\":\"%s\"}}],\"predicate\":{\"x\":\"%s\"}}",
		of->manifest_text + 7, predicate);
	auto_free char *pae = mem_printf(
		"DSSEv1 28 application/vnd.in-toto+json %zu %s", strlen(statement), statement);
	auto_buf struct buf raw = BUF_INIT(BUF_ANY), sig = BUF_INIT(BUF_ANY),
			    payload = BUF_INIT(BUF_ANY);

	vector_sign(&raw, pae, strlen(pae));
	base64_encode(&sig, raw.p, raw.len, BASE64_STD);
	base64_encode(&payload, statement, strlen(statement), BASE64_STD);
	return mem_printf("{\"mediaType\":\"" VERIFY_BUNDLE_TYPE ".v0.3+json\","
			  "\"verificationMaterial\":{\"publicKey\":{}},\"dsseEnvelope\":{"
			  "\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"%s\","
			  "\"signatures\":[{\"sig\":\"%s\"}]}}",
		buf_str(&payload), buf_str(&sig));
}

static char *bundle_of(const struct fake_image *of)
{
	return bundle_with(of, "");
}

#define LAYER_TYPE VERIFY_BUNDLE_TYPE ".v0.3+json"

/* The image of a bundle: its entry in a list. type: of the layer. */
static char *bundle_push(char *bundle, const char *type, unsigned layers)
{
	auto_free char *layer = mem_printf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}",
		type, signing_digest(bundle), strlen(bundle));
	char *manifest = mem_printf("{\"schemaVersion\":2,\"layers\":[%s%s%s]}", layer,
		layers > 1 ? "," : "", layers > 1 ? layer : "");
	const char *digest = signing_digest(manifest);

	signing_blob(&w, bundle);
	signing_answer(&w, mem_printf("/v2/app/manifests/%s", digest), manifest,
		"Content-Type: " OCI_TYPE_MANIFEST "\r\n");
	return signing_keep(mem_printf("{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"%s\","
				       "\"size\":%zu,\"artifactType\":\"" LAYER_TYPE "\"}",
		digest, strlen(manifest)));
}

/* ---- a world --------------------------------------------------------------------------------- */

static void begin(void)
{
	world_init(&w);
	signing_trust(&w, "rsa2048");
	moved = fake_on(w.reg, "HEAD", "/none");
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", SPEC);
}

static bool asked(const char *what)
{
	return signing_asked(&w, what);
}

static void end(void)
{
	signing_end(&w, &image);
}

static void good(void)
{
	auto_free char *want =
		mem_printf("verified signature of revision 1.0@%s", image.manifest_text);

	signing_good(&w, want);
}

static void bad(const char *why)
{
	signing_bad(&w, "cosign", why);
	ck_assert_str_eq(world_status(&w, "web", "Reconciling.reason"), "ProgressingWithRetry");
}

/* ---- tests ----------------------------------------------------------------------------------- */

START_TEST(test_signed)
{
	auto_free char *log = NULL;
	int i;

	begin();
	signing_sign(&w, &image, &image);
	signing_start(&w);
	good();
	ck_assert(world_has_event(&w, "NewArtifact"));
	log = mem_printf("HEAD /v2/app/manifests/1.0\nGET /v2/app/referrers/%s\n"
			 "GET /v2/app/manifests/sha256-%s\nGET /v2/app/manifests/sha256-%s.sig\n",
		image.manifest_text, image.manifest_text + 7, image.manifest_text + 7);
	ck_assert_msg(strstr(fake_log(w.reg), log) != NULL, "%s", fake_log(w.reg));
	for (i = 0; i < 3; i++) {
		world_forget(&w);
		world_pass(&w, INTERVAL_MS);
		ck_assert_str_eq(world_writes(&w), "");
		ck_assert_str_eq(fake_log(w.reg), "HEAD /v2/app/manifests/1.0\n");
	}
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), 1);
	end();
}
END_TEST

START_TEST(test_unsigned)
{
	begin();
	signing_start(&w);
	bad(": it is not signed");
	ck_assert(world_has_event(&w, "VerificationError"));
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), "");
	ck_assert_msg(!asked("/blobs/"), "%s", fake_log(w.reg));
	world_forget(&w);
	world_pass(&w, 1000);
	ck_assert(asked(".sig"));
	ck_assert_str_eq(world_writes(&w), "");
	signing_sign(&w, &image, &image);
	world_pass(&w, INTERVAL_MS);
	good();
	end();
}
END_TEST

START_TEST(test_signature_of_another)
{
	struct fake_image other;

	begin();
	world_push(&w, "2.0", &w.layer2, &other);
	signing_sign(&w, &other, &image);
	signing_start(&w);
	bad("it is the signature of 'sha256:");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), "");
	fake_image_clear(&other);
	end();
}
END_TEST

/* The keys change: at once the artifact is verified with the new ones, and stays served whatever
   comes of it. */
START_TEST(test_other_keys)
{
	auto_free char *revision = NULL;
	auto_buf struct buf file = BUF_INIT(BUF_ANY);

	begin();
	signing_sign(&w, &image, &image);
	signing_start(&w);
	good();
	revision = mem_strdup(world_status(&w, "web", "artifact.revision"));
	world_forget(&w);
	signing_trust(&w, "p256");
	world_settle(&w);
	bad("it is a signature of none of the keys");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), revision);
	ck_assert_str_eq(world_status(&w, "web", "ArtifactInStorage.status"), "True");
	world_file(&w, "web", &file);
	ck_assert_uint_eq(file.len, w.layer.len);
	signing_trust(&w, "rsa2048-pkcs1");
	world_settle(&w);
	good();
	/* What else changes in the Secret is nobody's question. */
	world_forget(&w);
	fake_kube_merge(
		w.kube, "secrets", "apps", "trust", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
	world_settle(&w);
	ck_assert_msg(!asked(".sig"), "%s", fake_log(w.reg));
	ck_assert_str_eq(world_writes(&w), "");
	/* After a failure it is done anew, with whatever keys. */
	signing_trust(&w, "p256");
	world_settle(&w);
	bad("it is a signature of none of the keys");
	world_forget(&w);
	signing_trust(&w, "rsa2048-pkcs1");
	world_settle(&w);
	good();
	ck_assert_msg(asked(".sig"), "%s", fake_log(w.reg));
	/* So it is of another generation. */
	world_forget(&w);
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"interval\":\"2m\"}}");
	world_settle(&w);
	good();
	ck_assert_msg(asked(".sig"), "%s", fake_log(w.reg));
	end();
}
END_TEST

static const struct {
	const char *secret; /* NULL: there is none */
	const char *why;
} no_keys[] = {
	{NULL, "failed to get secret 'apps/trust': "},
	{"{}", "secret 'apps/trust': it has no entry whose name ends in '.pub'"},
	{"{\"cosign.pub\":\"\"}", "secret 'apps/trust': key 'cosign.pub': it is empty"},
	{"{\"cosign.pub\":\"Z2FyYmFnZQ==\"}", "key 'cosign.pub': it is no public key in PEM"},
};

START_TEST(test_no_keys)
{
	auto_free char *text = NULL;

	begin();
	signing_sign(&w, &image, &image);
	if (no_keys[_i].secret) {
		text = mem_printf("{\"metadata\":{\"name\":\"trust\",\"namespace\":\"apps\"},"
				  "\"data\":%s}",
			no_keys[_i].secret);
		fake_kube_put(w.kube, "secrets", text);
	} else {
		fake_kube_delete(w.kube, "secrets", "apps", "trust");
	}
	signing_start(&w);
	bad(no_keys[_i].why);
	ck_assert_msg(!asked(".sig"), "%s", fake_log(w.reg));
	signing_trust(&w, "rsa2048");
	world_settle(&w);
	good();
	end();
}
END_TEST

/* Without a watch of Secrets each run reads it, and verifies only what has changed. */
START_TEST(test_no_watch)
{
	begin();
	signing_sign(&w, &image, &image);
	fake_kube_fail(w.kube, "GET secrets/", 403, 100000);
	signing_start(&w);
	good();
	world_forget(&w);
	world_pass(&w, INTERVAL_MS);
	ck_assert_str_eq(fake_log(w.reg), "HEAD /v2/app/manifests/1.0\n");
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), 2);
	signing_trust(&w, "p256");
	world_pass(&w, INTERVAL_MS);
	bad("it is a signature of none of the keys");
	end();
}
END_TEST

START_TEST(test_new_revision)
{
	struct fake_image next;
	auto_free char *revision = NULL;

	begin();
	signing_sign(&w, &image, &image);
	signing_start(&w);
	revision = mem_strdup(world_status(&w, "web", "artifact.revision"));
	world_push(&w, "2.0", &w.layer2, &next);
	world_forget(&w);
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	world_settle(&w);
	bad(": it is not signed");
	ck_assert_str_eq(world_status(&w, "web", "ArtifactOutdated.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), revision);
	ck_assert_msg(!asked("/blobs/"), "%s", fake_log(w.reg));
	signing_sign(&w, &next, &next);
	world_pass(&w, 2000);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), next.layer_text);
	fake_image_clear(&next);
	end();
}
END_TEST

/* The tag moves, the object does not change: that another manifest was good says nothing. */
START_TEST(test_tag_moves)
{
	auto_free char *revision = NULL;
	struct fake_image next;

	begin();
	signing_sign(&w, &image, &image);
	signing_start(&w);
	good();
	revision = mem_strdup(world_status(&w, "web", "artifact.revision"));
	world_push(&w, "2.0", &w.layer2, &next);
	moved->path = image.paths[0];
	moved->headers = next.paths[3];
	world_pass(&w, INTERVAL_MS);
	bad(": it is not signed");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), revision);
	moved->path = "/none";
	world_pass(&w, 2000);
	good();
	signing_sign(&w, &next, &next);
	moved->path = image.paths[0];
	world_pass(&w, INTERVAL_MS);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), next.layer_text);
	fake_image_clear(&next);
	end();
}
END_TEST

START_TEST(test_policy_comes_and_goes)
{
	begin();
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	signing_start(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.status"), "");
	ck_assert(!asked("referrers"));
	world_object(&w, "web", SPEC);
	world_settle(&w);
	bad(": it is not signed");
	signing_sign(&w, &image, &image);
	world_pass(&w, 2000);
	good();
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.status"), "");
	end();
}
END_TEST

/* Another failure says nothing against the signature; one that failed is forgotten. */
START_TEST(test_other_failures)
{

	begin();
	signing_sign(&w, &image, &image);
	signing_start(&w);
	good();
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ref\":{\"tag\":\"9\"}}}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.reason"), "OCIArtifactPullFailed");
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.status"), "True");
	signing_trust(&w, "p256");
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ref\":{\"tag\":\"1.0\"}}}");
	world_settle(&w);
	bad("none of the keys");
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ref\":{\"tag\":\"9\"}}}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.reason"), "OCIArtifactPullFailed");
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.status"), "");
	end();
}
END_TEST

/* Nobody knows with which keys the last process has verified it: it is done once. What is missing
   on the disk comes back without, for it was accepted. */
START_TEST(test_restart)
{
	begin();
	signing_sign(&w, &image, &image);
	signing_start(&w);
	good();
	world_stop(&w);
	world_forget(&w);
	signing_start(&w);
	ck_assert(asked(".sig"));
	ck_assert_str_eq(world_writes(&w), "");
	good();
	world_forget(&w);
	world_pass(&w, INTERVAL_MS);
	ck_assert_str_eq(fake_log(w.reg), "HEAD /v2/app/manifests/1.0\n");
	end();
}
END_TEST

/* ---- what a registry may do ------------------------------------------------------------------ */

START_TEST(test_registry_fails)
{
	struct fake_answer *a;

	begin();
	a = fake_on(w.reg, "GET",
		signing_keep(
			mem_printf("/v2/app/manifests/sha256-%s.sig", image.manifest_text + 7)));
	a->status = 501;
	signing_start(&w);
	bad("501");
	a->status = 429;
	a->headers = "Retry-After: 300\r\n";
	world_pass(&w, 10000);
	bad("429");
	world_forget(&w);
	a->path = "/none";
	signing_sign(&w, &image, &image);
	world_pass(&w, 120000);
	ck_assert_msg(!asked(".sig"), "%s", fake_log(w.reg)); /* it is left alone */
	world_pass(&w, 300000);
	good();
	end();
}
END_TEST

START_TEST(test_registry_is_silent)
{
	struct fake_answer *a;

	begin();
	a = fake_on(w.reg, "GET",
		signing_keep(
			mem_printf("/v2/app/manifests/sha256-%s.sig", image.manifest_text + 7)));
	a->way = FAKE_SILENT;
	world_start(&w);
	while (!asked(".sig"))
		loop_turn(w.loop, true);
	loop_test_advance(w.loop, 61000);
	world_settle(&w);
	bad("it took longer than 1m0s");
	end();
}
END_TEST

/* Many layers of one payload, which is fetched once; the last one is good. In a manifest that the
   loop leaves to a worker. */
START_TEST(test_many_layers)
{
	auto_buf struct buf sig = BUF_INIT(BUF_ANY), text = BUF_INIT(BUF_ANY),
			    layers = BUF_INIT(BUF_ANY);
	const char *digest, *log;
	char *payload;
	int i;

	begin();
	payload = signing_payload(&image);
	digest = signing_digest(payload);
	vector_sign(&sig, payload, strlen(payload));
	base64_encode(&text, sig.p, sig.len, BASE64_STD);
	for (i = 0; i < LIMIT_SIGNATURES; i++)
		buf_addf(&layers,
			"%s{\"digest\":\"%s\",\"size\":%zu,\"annotations\":{"
			"\"dev.cosignproject.cosign/signature\":\"%s\"}}",
			i ? "," : "", digest, strlen(payload),
			i + 1 == LIMIT_SIGNATURES ? buf_str(&text)
				: i % 2           ? "YQ=="
						  : "");
	ck_assert_uint_gt(layers.len, 128 * LIMIT_KIB);
	signing_blob(&w, payload);
	signing_answer(&w, mem_printf("/v2/app/manifests/sha256-%s.sig", image.manifest_text + 7),
		mem_printf("{\"layers\":[%s]}", buf_str(&layers)), NULL);
	signing_start(&w);
	good();
	log = strstr(fake_log(w.reg), digest);
	ck_assert(log && !strstr(log + 1, digest));
	end();
}
END_TEST

/* L-N12 */
START_TEST(test_payload_lies)
{
	struct fake_answer *a;
	char *payload;

	begin();
	payload = signing_keep(signing_payload(&image));
	a = fake_on(w.reg, "GET",
		signing_keep(mem_printf("/v2/app/blobs/%s", signing_digest(payload))));
	a->body =
		_i ? "other" : signing_keep(mem_printf("%.*sX", (int)strlen(payload) - 1, payload));
	signing_sign(&w, &image, &image);
	signing_start(&w);
	bad(_i ? "has 5 bytes, not the " : "the digest of what the registry sent is");
	end();
}
END_TEST

/* ---- bundles --------------------------------------------------------------------------------- */

/* _i: the list is under the tag. */
START_TEST(test_bundle)
{
	begin();
	signing_list(&w, &image, bundle_push(bundle_of(&image), LAYER_TYPE, 1), _i);
	signing_start(&w);
	good();
	ck_assert_msg(!asked(".sig"), "%s", fake_log(w.reg));
	ck_assert_int_eq(asked(_i ? "GET /v2/app/manifests/sha256-" : "GET /v2/app/referrers/"), 1);
	world_forget(&w);
	world_pass(&w, INTERVAL_MS);
	ck_assert_str_eq(fake_log(w.reg), "HEAD /v2/app/manifests/1.0\n");
	end();
}
END_TEST

static void until_asked(const char *what)
{
	int i;

	for (i = 0; i < 2000 && !asked(what); i++) {
		loop_turn(w.loop, false);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	ck_assert(asked(what));
	for (i = 0; i < 300; i++) { /* whatever follows */
		loop_turn(w.loop, false);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}

/* The next object, and another verification, ask what there is, and fetch nothing again. */
START_TEST(test_bundle_is_fetched_once)
{
	auto_free char *bundle = NULL, *blob = NULL;

	begin();
	bundle = bundle_of(&image);
	signing_list(&w, &image, bundle_push(mem_strdup(bundle), LAYER_TYPE, 1), false);
	blob = mem_printf("GET /v2/app/blobs/%s", signing_digest(bundle));
	signing_start(&w);
	good();
	ck_assert_msg(asked(blob), "%s", fake_log(w.reg));
	world_forget(&w);
	world_object(&w, "next", SPEC);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "next", "SourceVerified.status"), "True");
	ck_assert_msg(asked("/referrers/") && !asked(blob), "%s", fake_log(w.reg));
	world_forget(&w);
	signing_trust(&w, "p256");
	world_settle(&w);
	bad("it is a signature of none of the keys");
	ck_assert_msg(asked("/referrers/") && !asked("GET /v2/app/blobs/") &&
			!asked("GET /v2/app/manifests/sha256:"),
		"%s", fake_log(w.reg));
	end();
}
END_TEST

/* Proving a large bundle takes several times its size, and waits until there is so much. */
START_TEST(test_bundle_takes_memory)
{
	auto_free char *predicate = mem_alloc(2 * LIMIT_MIB + 1);
	struct account *account;
	struct op *held;

	memset(predicate, 'x', 2 * LIMIT_MIB);
	predicate[2 * LIMIT_MIB] = '\0';
	begin();
	signing_list(&w, &image, bundle_push(bundle_with(&image, predicate), LAYER_TYPE, 1), false);
	world_start(&w);
	account = account_new(w.loop, 3 * 40 * LIMIT_MIB / 2);
	oci_client_use_account(w.oci, account);
	held = account_take(account, ACCOUNT_JOBS, "somebody", 22 * LIMIT_MIB);
	until_asked("/blobs/");
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.status"), "");
	op_free(held);
	world_settle(&w);
	good();
	world_stop(&w);
	account_free(account);
	end();
}
END_TEST

/* What is kept of many layers is as large as their manifest, for as long as the registry takes to
   send a payload: it stays in the account. */
START_TEST(test_layers_hold_memory)
{
	auto_buf struct buf layers = BUF_INIT(BUF_ANY);
	auto_free char *log = mem_alloc(4 * LIMIT_KIB + 1);
	struct account_stats stats;
	struct account *account;
	char *payload;
	int i;

	memset(log, 'x', 4 * LIMIT_KIB);
	log[4 * LIMIT_KIB] = '\0';
	begin();
	payload = signing_payload(&image);
	for (i = 0; i < 500; i++)
		buf_addf(&layers,
			"%s{\"digest\":\"%s\",\"size\":%zu,\"annotations\":{"
			"\"dev.cosignproject.cosign/signature\":\"YQ==\","
			"\"dev.sigstore.cosign/bundle\":\"{\\\"a\\\":\\\"%s\\\"}\"}}",
			i ? "," : "", signing_digest(payload), strlen(payload), log);
	signing_blob(&w, payload)->way = FAKE_SILENT;
	signing_answer(&w, mem_printf("/v2/app/manifests/sha256-%s.sig", image.manifest_text + 7),
		mem_printf("{\"layers\":[%s]}", buf_str(&layers)), NULL);
	account = w.account = account_new(w.loop, 3 * 40 * LIMIT_MIB / 2);
	world_start(&w);
	until_asked("/blobs/");
	account_stats(account, ACCOUNT_BODIES, &stats);
	ck_assert_uint_ge(stats.held, layers.len);
	account_stats(account, ACCOUNT_JOBS, &stats);
	ck_assert_uint_eq(stats.held, 0);
	world_stop(&w);
	account_free(account);
	end();
}
END_TEST

#define JUNK_BUNDLE \
	"{\"mediaType\":\"" LAYER_TYPE "\",\"verificationMaterial\":{\"publicKey\":{}}," \
	"\"dsseEnvelope\":{\"payload\":\"YQ==\",\"payloadType\":\"application/vnd.in-toto+json\"," \
	"\"signatures\":[{\"sig\":\"YQ==\"}]}}"

START_TEST(test_one_good_bundle)
{
	auto_free char *entries = NULL;

	begin();
	entries = mem_printf(
		"%s,{\"digest\":\"%s\",\"size\":7,\"artifactType\":\"text/plain\"},%s,%s",
		bundle_push(mem_strdup("{}"), LAYER_TYPE, 1), image.layer_text,
		bundle_push(mem_strdup(JUNK_BUNDLE), LAYER_TYPE, 1),
		bundle_push(bundle_of(&image), LAYER_TYPE, 1));
	signing_list(&w, &image, entries, false);
	signing_start(&w);
	good();
	end();
}
END_TEST

/* What is too large to be fetched is passed over, and takes nothing from what may be fetched.
   _i 1: an entry of the list; 0: the layers of bundles, as of large attestations. */
START_TEST(test_too_large_is_passed_over)
{
	auto_buf struct buf entries = BUF_INIT(BUF_ANY);
	char *manifest;
	int i;

	begin();
	if (_i)
		buf_addf(&entries, "{\"digest\":\"%s\",\"size\":40000000,\"artifactType\":\"%s\"},",
			image.layer_text, LAYER_TYPE);
	for (i = 0; !_i && i < 7; i++) {
		manifest = mem_printf("{\"layers\":[{\"mediaType\":\"%s\",\"digest\":\"%s\","
				      "\"size\":500000%d}]}",
			LAYER_TYPE, image.layer_text, i);
		buf_addf(&entries, "{\"digest\":\"%s\",\"size\":%zu,\"artifactType\":\"%s\"},",
			signing_digest(manifest), strlen(manifest), LAYER_TYPE);
		signing_answer(&w, mem_printf("/v2/app/manifests/%s", signing_digest(manifest)),
			manifest, NULL);
	}
	buf_adds(&entries, bundle_push(bundle_of(&image), LAYER_TYPE, 1));
	signing_list(&w, &image, buf_str(&entries), false);
	signing_start(&w);
	good();
	end();
}
END_TEST

/* What is there instead of a good bundle, and whether the good signature below the tag counts:
   B-N14 and B-N15. */
static const struct {
	const char *name, *bundle; /* NULL: a good one */
	const char *type;
	unsigned layers;
	const char *why; /* NULL: good */
} not_good[] = {
	{"a junk bundle", JUNK_BUNDLE, LAYER_TYPE, 1, "it is a signature of none of the keys"},
	{"no bundle", "{}", LAYER_TYPE, 1, NULL},
	{"a gzipped layer", "\x1f\x8b\x08", LAYER_TYPE, 1, NULL},
	{"two layers", NULL, LAYER_TYPE, 2, NULL},
	{"another type", NULL, "application/json", 1, NULL},
};

START_TEST(test_not_good_bundle)
{
	const char *text = not_good[_i].bundle;

	begin();
	signing_list(&w, &image,
		bundle_push(text ? mem_strdup(text) : bundle_of(&image), not_good[_i].type,
			not_good[_i].layers),
		false);
	signing_sign(&w, &image, &image);
	signing_start(&w);
	if (not_good[_i].why)
		bad(not_good[_i].why);
	else
		good();
	ck_assert_msg(
		asked(".sig") == !not_good[_i].why, "%s: %s", not_good[_i].name, fake_log(w.reg));
	end();
}
END_TEST

/* A list that cannot be had, or is no list, is none. */
static const struct {
	int status;
	const char *headers, *body;
} lists[] = {
	{404, NULL, "{}"},
	{400, NULL, "{}"},
	{406, NULL, "{}"},
	{501, NULL, "{}"},
	{200, NULL, "<html>"},
	{200, "Content-Type: text/html\r\n", "<html>"},
	{200, INDEX_HEADERS, "<html>"},
	{200, INDEX_HEADERS, "{\"manifests\":7}"},
	{200, INDEX_HEADERS, "{\"manifests\":[{\"digest\":\"sha256:1\",\"size\":1}]}"},
	{200, INDEX_HEADERS, "{\"manifests\":[]}"},
};

START_TEST(test_lists)
{
	struct fake_answer *a;

	begin();
	a = signing_list(&w, &image, "", false);
	a->status = lists[_i].status;
	a->headers = lists[_i].headers;
	a->body = lists[_i].body;
	signing_sign(&w, &image, &image);
	signing_start(&w);
	good();
	end();
}
END_TEST

START_TEST(test_bundle_of_another)
{
	struct fake_image other;

	begin();
	world_push(&w, "2.0", &w.layer2, &other);
	signing_list(&w, &image, bundle_push(bundle_of(&other), LAYER_TYPE, 1), false);
	signing_start(&w);
	bad("the statement has no subject 'sha256:");
	fake_image_clear(&other);
	end();
}
END_TEST

Suite *suite_verify(void)
{
	Suite *s = suite_create("verify");
	TCase *tc = tcase_create("when"), *tags = tcase_create("registry"),
	      *bundles = tcase_create("bundles");

	tcase_set_timeout(tc, 60);
	tcase_set_timeout(tags, 60);
	tcase_set_timeout(bundles, 60);
	tcase_add_test(tc, test_signed);
	tcase_add_test(tc, test_unsigned);
	tcase_add_test(tc, test_signature_of_another);
	tcase_add_test(tc, test_other_keys);
	tcase_add_loop_test(tc, test_no_keys, 0, ARRAY_LEN(no_keys));
	tcase_add_test(tc, test_no_watch);
	tcase_add_test(tc, test_new_revision);
	tcase_add_test(tc, test_tag_moves);
	tcase_add_test(tc, test_policy_comes_and_goes);
	tcase_add_test(tc, test_other_failures);
	tcase_add_test(tc, test_restart);
	tcase_add_test(tags, test_registry_fails);
	tcase_add_test(tags, test_registry_is_silent);
	tcase_add_test(tags, test_many_layers);
	tcase_add_test(tags, test_layers_hold_memory);
	tcase_add_loop_test(tags, test_payload_lies, 0, 2);
	tcase_add_loop_test(bundles, test_bundle, 0, 2);
	tcase_add_test(bundles, test_bundle_is_fetched_once);
	tcase_add_test(bundles, test_bundle_takes_memory);
	tcase_add_test(bundles, test_one_good_bundle);
	tcase_add_loop_test(bundles, test_too_large_is_passed_over, 0, 2);
	tcase_add_loop_test(bundles, test_not_good_bundle, 0, ARRAY_LEN(not_good));
	tcase_add_loop_test(bundles, test_lists, 0, ARRAY_LEN(lists));
	tcase_add_test(bundles, test_bundle_of_another);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, tags);
	suite_add_tcase(s, bundles);
	return s;
}
