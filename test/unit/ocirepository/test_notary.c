/* spec.verify with the provider notation: when a signature is looked for, which ones, and what the
   status says. What counts as one is tested in test/unit/verify/test_notation.c. */
#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "ctl/controller.h"
#include "ev/loop.h"
#include "oci/manifest.h"
#include "test/unit/crypto/pss.h"
#include "test/unit/ocirepository/signing.h"
#include "test/unit/ocirepository/world.h"
#include "test/unit/verify/vectors.h"
#include "verify/notation.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_notary(void);

#define INTERVAL_MS 60000
#define SPEC \
	"\"ref\":{\"tag\":\"1.0\"},\"verify\":{\"provider\":\"notation\",\"secretRef\":{" \
	"\"name\":\"trust\"}}"
#define JOSE "application/jose+json"

static struct world w;
static struct fake_image image;
static struct buf entries; /* of the list of referrers */
static struct fake_answer *first; /* before those of images; its path is none's */

/* ---- signatures of the fake registry --------------------------------------------------------- */

static char *part(const char *text, size_t n)
{
	struct buf b = BUF_INIT(BUF_ANY);

	base64_encode(&b, text, n, BASE64_URL);
	return buf_take(&b);
}

static char *x5c(void)
{
	auto_free char *pem = vector_text("notation/", "rsa2048-1", ".crt");
	const char *start = strchr(pem, '\n') + 1, *end = strstr(start, "-----END");
	struct buf b = BUF_INIT(BUF_ANY);

	for (; start < end; start++)
		if (*start != '\n')
			buf_addc(&b, *start);
	return buf_take(&b);
}

/* An envelope by the key of rsa2048-1, of that image. */
static char *envelope_of(const struct fake_image *of)
{
	static const char header[] =
		"{\"alg\":\"PS256\",\"crit\":[\"io.cncf.notary.signingScheme\"],\"cty\":"
		"\"application/vnd.cncf.notary.payload.v1+json\",\"io.cncf.notary.signingScheme\":"
		"\"notary.x509\",\"io.cncf.notary.signingTime\":\"2026-02-01T00:00:00Z\"}";
	auto_free char *key = vector_text("notation/", "signer", ".pem"), *cert = x5c();
	auto_free char *target = mem_printf("{\"targetArtifact\":{\"mediaType\":\"%s\",\"digest\":"
					    "\"%s\",\"size\":%zu}}",
		OCI_TYPE_MANIFEST, of->manifest_text, strlen(of->json));
	auto_free char *payload = part(target, strlen(target));
	auto_free char *protected = part(header, strlen(header));
	auto_free char *signing = mem_printf("%s.%s", protected, payload), *sig = NULL;
	auto_buf struct buf raw = BUF_INIT(BUF_ANY);

	pss_sign(&raw, key, signing, strlen(signing));
	sig = part(raw.p, raw.len);
	return mem_printf("{\"payload\":\"%s\",\"protected\":\"%s\",\"header\":{\"x5c\":[\"%s\"]},"
			  "\"signature\":\"%s\"}",
		payload, protected, cert, sig);
}

/* One more entry of the list: a manifest with that envelope, taken over. artifact: its type. size:
   what is said of it; layer: its type, NULL: there is no layer. */
static void sign_as(const char *artifact, const char *layer, size_t size, char *envelope)
{
	auto_free char *text = mem_printf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}",
		layer ? layer : "", signing_digest(envelope), size);
	char *manifest = mem_printf("{\"schemaVersion\":2,\"layers\":[%s]}", layer ? text : "");
	const char *digest = signing_digest(manifest);

	signing_blob(&w, envelope);
	signing_answer(&w, mem_printf("/v2/app/manifests/%s", digest), manifest, NULL);
	buf_addf(&entries,
		"%s{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"%s\",\"size\":%zu,"
		"\"artifactType\":\"%s\"}",
		entries.len ? "," : "", digest, strlen(manifest), artifact);
}

static void sign(char *envelope)
{
	sign_as(VERIFY_NOTATION_TYPE, JOSE, strlen(envelope), envelope);
}

static void junk(int n)
{
	sign(mem_printf("{\"junk\":%d}", n));
}

/* Of what refers to that image. tag: the registry does not know of referrers. */
static struct fake_answer *list_of(const struct fake_image *of, bool tag)
{
	return signing_list(&w, of, buf_str(&entries), tag);
}

static struct fake_answer *list(bool tag)
{
	return list_of(&image, tag);
}

/* ---- a world --------------------------------------------------------------------------------- */

/* scope NULL: the repository's own. */
static void trust(const char *level, const char *scope, const char *cert)
{
	auto_free char *pem = vector_text("notation/", cert, ".crt"), *text = NULL;
	auto_free char *own = mem_printf("%s/app", fake_host(w.reg));
	auto_free char *policy = mem_printf(
		"{\"version\":\"1.0\",\"trustPolicies\":[{\"name\":\"all\",\"registryScopes\":["
		"\"%s\"],\"signatureVerification\":{\"level\":\"%s\"},\"trustStores\":[\"ca:x\"],"
		"\"trustedIdentities\":[\"x509.subject: C=US, ST=WA, O=Notary\"]}]}",
		scope ? scope : own, level);
	json_t *o = json_pack("{s{ssss}}", "metadata", "name", "trust", "namespace", "apps");

	vector_entry(o, "ca.crt", pem);
	vector_entry(o, "trustpolicy.json", policy);
	text = json_dumps(o, 0);
	fake_kube_put(w.kube, "secrets", text);
	json_decref(o);
}

static void begin(const char *level, const char *scope, const char *cert)
{
	world_init(&w);
	buf_init(&entries, BUF_ANY);
	trust(level, scope, cert);
	first = fake_on(w.reg, "GET", "/none");
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
	buf_clear(&entries);
}

static void good(void)
{
	signing_good(&w, NULL);
}

/* Accepted, and nobody says that it was verified. */
static void ignored(void)
{
	ck_assert_msg(!strcmp(world_status(&w, "web", "Ready.status"), "True"), "%s",
		world_status(&w, "web", "Ready.message"));
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.status"), "");
}

static void bad(const char *why)
{
	signing_bad(&w, "notation", why);
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), "");
}

/* ---- when ------------------------------------------------------------------------------------ */

/* _i: the list is under the tag. */
START_TEST(test_signed)
{
	auto_free char *subject = NULL;
	const char *once;

	begin("strict", NULL, "rsa2048-1");
	subject = mem_printf("GET /v2/app/manifests/%s", image.manifest_text);
	sign(envelope_of(&image));
	list(_i);
	signing_start(&w);
	good();
	/* What was fetched to be verified is what is pulled then. */
	once = strstr(fake_log(w.reg), subject);
	ck_assert_msg(once && !strstr(once + 1, subject), "%s", fake_log(w.reg));
	world_forget(&w);
	world_pass(&w, INTERVAL_MS);
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_str_eq(fake_log(w.reg), "HEAD /v2/app/manifests/1.0\n");
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), 1);
	end();
}
END_TEST

START_TEST(test_unsigned)
{
	begin("strict", NULL, "rsa2048-1");
	signing_start(&w);
	bad("no signature is associated with '");
	ck_assert_msg(!asked("/blobs/"), "%s", fake_log(w.reg));
	sign(envelope_of(&image));
	list(false);
	world_pass(&w, INTERVAL_MS);
	good();
	end();
}
END_TEST

START_TEST(test_signature_of_another)
{
	struct fake_image other;

	begin("strict", NULL, "rsa2048-1");
	world_push(&w, "2.0", &w.layer2, &other);
	sign(envelope_of(&other));
	list(false);
	signing_start(&w);
	bad("it is the signature of 'sha256:");
	fake_image_clear(&other);
	end();
}
END_TEST

START_TEST(test_other_root)
{
	begin("strict", NULL, "p256-1");
	sign(envelope_of(&image));
	list(false);
	signing_start(&w);
	bad("signature verification failed: failed to verify signature with digest sha256:");
	bad("none of the trusted certificates is in the signature's chain");
	/* The Secret changes: at once. */
	trust("strict", NULL, "rsa2048-1");
	world_settle(&w);
	good();
	end();
}
END_TEST

/* A level that does not enforce lets it pass; it is looked at each time, and what was said before
   is not said any more. */
START_TEST(test_audit)
{
	begin("strict", NULL, "rsa2048-1");
	sign(envelope_of(&image));
	list(false);
	signing_start(&w);
	good();
	trust("audit", NULL, "p256-1");
	world_settle(&w);
	ignored();
	world_forget(&w);
	world_pass(&w, INTERVAL_MS);
	ck_assert_msg(asked("/referrers/"), "%s", fake_log(w.reg));
	ck_assert_str_eq(world_writes(&w), "");
	ignored();
	trust("audit", NULL, "rsa2048-1");
	world_settle(&w);
	good();
	world_forget(&w);
	world_pass(&w, INTERVAL_MS);
	ck_assert_msg(!asked("/referrers/"), "%s", fake_log(w.reg));
	end();
}
END_TEST

/* It passes, and something else fails in the same run: what was said before goes, too. */
START_TEST(test_audit_and_failure)
{
	struct fake_image next;

	begin("strict", NULL, "rsa2048-1");
	sign(envelope_of(&image));
	list(false);
	signing_start(&w);
	good();
	world_push(&w, "2.0", &w.layer2, &next);
	buf_reset(&entries);
	sign(envelope_of(&next));
	list_of(&next, false);
	first->path = next.paths[2];
	first->status = 404;
	trust("audit", NULL, "p256-1");
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	world_settle(&w);
	ck_assert_str_eq(
		world_status(&w, "web", "Ready.reason"), "OCIArtifactLayerOperationFailed");
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.status"), "");
	fake_image_clear(&next);
	end();
}
END_TEST

/* Audit is no reason to take what nobody has signed. */
START_TEST(test_audit_unsigned)
{
	begin("audit", NULL, "rsa2048-1");
	signing_start(&w);
	bad("no signature is associated with '");
	end();
}
END_TEST

START_TEST(test_skip)
{
	begin("skip", _i ? "*" : NULL, "rsa2048-1");
	signing_start(&w);
	ignored();
	ck_assert_msg(!asked("/referrers/"), "%s", fake_log(w.reg));
	world_forget(&w);
	world_pass(&w, INTERVAL_MS);
	ck_assert_str_eq(fake_log(w.reg), "HEAD /v2/app/manifests/1.0\n");
	ck_assert_str_eq(world_writes(&w), "");
	ignored();
	end();
}
END_TEST

START_TEST(test_other_scope)
{
	begin("skip", "ghcr.io/app", "rsa2048-1");
	sign(envelope_of(&image));
	list(false);
	signing_start(&w);
	bad("trustpolicy.json has no statement for '127.0.0.1:");
	ck_assert_msg(!asked("/referrers/"), "%s", fake_log(w.reg));
	trust("strict", "*", "rsa2048-1");
	world_settle(&w);
	good();
	end();
}
END_TEST

static const struct {
	const char *data, *why;
} secrets[] = {
	{NULL, "failed to get secret 'apps/trust': "},
	{"{}", "secret 'apps/trust': it has no entry 'trustpolicy.json'"},
	{"{\"trustpolicy.json\":\"e30=\"}", "secret 'apps/trust': trustpolicy.json: its version"},
};

START_TEST(test_secrets)
{
	auto_free char *text = NULL;

	begin("strict", NULL, "rsa2048-1");
	sign(envelope_of(&image));
	list(false);
	if (secrets[_i].data) {
		text = mem_printf("{\"metadata\":{\"name\":\"trust\",\"namespace\":\"apps\"},"
				  "\"data\":%s}",
			secrets[_i].data);
		fake_kube_put(w.kube, "secrets", text);
	} else {
		fake_kube_delete(w.kube, "secrets", "apps", "trust");
	}
	signing_start(&w);
	bad(secrets[_i].why);
	ck_assert_msg(!asked("/referrers/"), "%s", fake_log(w.reg));
	trust("strict", NULL, "rsa2048-1");
	world_settle(&w);
	good();
	end();
}
END_TEST

/* One Secret may serve both providers: what is kept for one is nothing for the other. */
START_TEST(test_both_providers)
{
	begin("strict", NULL, "rsa2048-1");
	sign(envelope_of(&image));
	list(false);
	world_object(&w, "other",
		"\"ref\":{\"tag\":\"1.0\"},\"verify\":{\"secretRef\":{"
		"\"name\":\"trust\"}}");
	signing_start(&w);
	good();
	ck_assert_str_eq(world_status(&w, "other", "SourceVerified.status"), "False");
	ck_assert_msg(strstr(world_status(&w, "other", "SourceVerified.message"),
			      "provider 'cosign': secret 'apps/trust': it has no entry whose name"),
		"%s", world_status(&w, "other", "SourceVerified.message"));
	end();
}
END_TEST

/* ---- which ----------------------------------------------------------------------------------- */

/* N-N11: three are looked at, in the order of the list. */
START_TEST(test_tries)
{
	int i;

	begin("strict", NULL, "rsa2048-1");
	sign_as("text/plain", JOSE, 5, mem_strdup("other"));
	for (i = 0; i < LIMIT_NOTATION_TRIES - 1 + _i; i++)
		junk(i);
	sign(envelope_of(&image));
	list(false);
	signing_start(&w);
	if (_i)
		bad("signature evaluation stopped, none of the first 3 is good: failed to verify");
	else
		good();
	end();
}
END_TEST

/* What is said to be of another type is no signature. */
START_TEST(test_other_type)
{
	char *envelope;

	begin("strict", NULL, "rsa2048-1");
	envelope = envelope_of(&image);
	sign_as("text/plain", JOSE, strlen(envelope), envelope);
	list(false);
	signing_start(&w);
	bad("no signature is associated with '");
	end();
}
END_TEST

/* The type of what is signed is the one before the parameters. */
START_TEST(test_type_with_parameters)
{
	begin("strict", NULL, "rsa2048-1");
	sign(envelope_of(&image));
	list(false);
	first->path = image.paths[1];
	first->headers = "Content-Type: " OCI_TYPE_MANIFEST "; charset=utf-8\r\n";
	first->body = image.json;
	signing_start(&w);
	good();
	end();
}
END_TEST

START_TEST(test_all_reasons)
{
	begin("strict", NULL, "rsa2048-1");
	junk(1);
	sign_as(VERIFY_NOTATION_TYPE, NULL, 0, mem_strdup("none"));
	list(false);
	signing_start(&w);
	bad("signature verification failed: failed to verify signature with digest sha256:");
	bad(", the envelope: it has no 'protected'; failed to verify signature with digest ");
	bad(", it has 0 layers, not one");
	end();
}
END_TEST

START_TEST(test_cose)
{
	begin("audit", NULL, "rsa2048-1");
	sign_as(VERIFY_NOTATION_TYPE, "application/cose", 2, mem_strdup("\xd2\x84"));
	list(false);
	signing_start(&w);
	bad("the envelope: it ends inside an item");
	end();
}
END_TEST

/* N-N11: what is said to be too large is not fetched, and ends it. */
START_TEST(test_large)
{
	begin("strict", NULL, "rsa2048-1");
	if (_i)
		buf_addf(&entries, "{\"digest\":\"%s\",\"size\":5242880,\"artifactType\":\"%s\"}",
			image.layer_text, VERIFY_NOTATION_TYPE);
	else
		sign_as(VERIFY_NOTATION_TYPE, JOSE, 5242880, mem_strdup("x"));
	sign(envelope_of(&image));
	list(false);
	signing_start(&w);
	bad("has 5242880 bytes, more than 65536");
	end();
}
END_TEST

START_TEST(test_registry_fails)
{
	struct fake_answer *a;

	begin("strict", NULL, "rsa2048-1");
	a = fake_on(w.reg, "GET",
		signing_keep(mem_printf("/v2/app/referrers/%s", image.manifest_text)));
	a->status = 501;
	signing_start(&w);
	bad("501");
	sign(envelope_of(&image));
	list(false);
	a->path = "/none";
	world_pass(&w, INTERVAL_MS);
	good();
	end();
}
END_TEST

START_TEST(test_registry_is_silent)
{
	struct fake_answer *a;

	begin("strict", NULL, "rsa2048-1");
	a = fake_on(w.reg, "GET",
		signing_keep(mem_printf("/v2/app/referrers/%s", image.manifest_text)));
	a->way = FAKE_SILENT;
	world_start(&w);
	while (!asked("/referrers/"))
		loop_turn(w.loop, true);
	loop_test_advance(w.loop, 61000);
	world_settle(&w);
	bad("it took longer than 1m0s");
	end();
}
END_TEST

Suite *suite_notary(void)
{
	Suite *s = suite_create("notary");
	TCase *tc = tcase_create("when"), *which = tcase_create("which");

	tcase_set_timeout(tc, 60);
	tcase_set_timeout(which, 60);
	tcase_add_loop_test(tc, test_signed, 0, 2);
	tcase_add_test(tc, test_unsigned);
	tcase_add_test(tc, test_signature_of_another);
	tcase_add_test(tc, test_other_root);
	tcase_add_test(tc, test_audit);
	tcase_add_test(tc, test_audit_and_failure);
	tcase_add_test(tc, test_audit_unsigned);
	tcase_add_loop_test(tc, test_skip, 0, 2);
	tcase_add_test(tc, test_other_scope);
	tcase_add_loop_test(tc, test_secrets, 0, ARRAY_LEN(secrets));
	tcase_add_test(tc, test_both_providers);
	tcase_add_loop_test(which, test_tries, 0, 2);
	tcase_add_test(which, test_other_type);
	tcase_add_test(which, test_type_with_parameters);
	tcase_add_test(which, test_all_reasons);
	tcase_add_test(which, test_cose);
	tcase_add_loop_test(which, test_large, 0, 2);
	tcase_add_test(which, test_registry_fails);
	tcase_add_test(which, test_registry_is_silent);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, which);
	return s;
}
