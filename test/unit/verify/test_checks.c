/* The walk over a table of checks, and what the tables of this module report. */
#include "base/vec.h"
#include "test/unit/verify/keyless.h"
#include "verify/bundle.h"
#include "verify/checks.h"
#include "verify/legacy.h"
#include "verify/notation.h"
#include "verify/notation_policy.h"
#include "verify/notation_trust.h"

Suite *suite_checks(void);

/* "name=passed name=failed(why)"; free it. */
static char *told(const struct verify_report *r)
{
	static const char *const words[] = {[VERIFY_FAILED] = "failed",
		[VERIFY_PASSED] = "passed",
		[VERIFY_LOGGED] = "logged",
		[VERIFY_NOT_ASKED] = "-"};
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	const struct verify_reported *row;

	vec_each (&r->rows, row) {
		buf_addf(&b, "%s%s=%s", b.len ? " " : "", row->name, words[row->outcome]);
		if (row->why)
			buf_addf(&b, "(%.24s)", row->why);
	}
	return buf_take(&b);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static int good(void *arg, struct err *err)
{
	(void)err;
	++*(int *)arg;
	return 0;
}

static int bad(void *arg, struct err *err)
{
	++*(int *)arg;
	return err_set(err, ERR_RETRY, "it is bad");
}

/* What is no -1 is no success either. */
static int odd(void *arg, struct err *err)
{
	++*(int *)arg;
	(void)!err_set(err, ERR_RETRY, "it is odd");
	return 1;
}

static bool no(const void *arg)
{
	(void)arg;
	return false;
}

static bool yes(const void *arg)
{
	(void)arg;
	return true;
}

static const struct {
	struct verify_check rows[4];
	enum verify_action actions[3];
	enum verdict verdict;
	int calls;
	const char *told, *logged;
	unsigned passed_by;
} walks[] = {
	{{{"a", good}, {"b", good}}, {0}, VERDICT_GOOD, 2, "a=passed b=passed", "", 0},
	{{{"a", good}, {"b", bad}, {"c", good}}, {0}, VERDICT_BAD, 2,
		"a=passed b=failed(it is bad)", "", 0},
	{{{"a", odd}, {"b", good}}, {0}, VERDICT_BAD, 1, "a=failed(it is odd)", "", 0},
	{{{"a", bad, no}, {"b", good, yes}}, {0}, VERDICT_GOOD, 1, "a=- b=passed", "", 0},
	{{{"a", bad, yes}}, {0}, VERDICT_BAD, 1, "a=failed(it is bad)", "", 0},
	{{{"a", bad, .nth = 1}, {"b", bad, .nth = 2}, {"c", good}},
		{VERIFY_ENFORCE, VERIFY_LOG, VERIFY_SKIP}, VERDICT_GOOD, 2,
		"a=logged(it is bad) b=- c=passed", "a: it is bad", 1 << 1},
	{{{"a", bad, .nth = 1}, {"b", bad, .nth = 2}}, {VERIFY_ENFORCE, VERIFY_LOG, VERIFY_LOG},
		VERDICT_GOOD, 2, "a=logged(it is bad) b=logged(it is bad)",
		"a: it is bad; b: it is bad", 1 << 1 | 1 << 2},
	{{{"a", bad, .nth = 1}}, {VERIFY_SKIP, VERIFY_ENFORCE}, VERDICT_BAD, 1,
		"a=failed(it is bad)", "", 0},
	/* What has no place in the policy is enforced, whatever stands there. */
	{{{"a", bad}}, {VERIFY_SKIP}, VERDICT_BAD, 1, "a=failed(it is bad)", "", 0},
	{{{"a", bad}}, {VERIFY_LOG}, VERDICT_BAD, 1, "a=failed(it is bad)", "", 0},
};

START_TEST(test_walk)
{
	auto_buf struct buf logged = BUF_INIT(BUF_ANY);
	struct verify_report report = {0};
	int calls = 0;
	struct verify_checks c = {.rows = walks[_i].rows,
		.arg = &calls,
		.report = &report,
		.actions = walks[_i].actions,
		.logged = &logged};
	struct err err = {0};
	auto_free char *text = NULL;

	ck_assert_int_eq(verify_checks_run(&c, &err), walks[_i].verdict);
	ck_assert_int_eq(err.kind == ERR_NONE, walks[_i].verdict == VERDICT_GOOD);
	ck_assert_int_eq(calls, walks[_i].calls);
	text = told(&report);
	ck_assert_str_eq(text, walks[_i].told);
	ck_assert_str_eq(buf_str(&logged), walks[_i].logged);
	ck_assert_uint_eq(c.passed_by, walks[_i].passed_by);
	verify_report_clear(&report);
	ck_assert_uint_eq(report.rows.len, 0);
}
END_TEST

/* What was open until it was known is told of that row, and of no other. */
START_TEST(test_fail)
{
	struct verify_report report = {0};
	int calls = 0;
	struct verify_check all[] = {{"a", good}, {"b", good}, {"c", good}, {0}};
	struct verify_checks c = {.rows = all, .arg = &calls, .report = &report};
	struct err err = {0};
	auto_free char *text = NULL;

	ck_assert_int_eq(verify_checks_run(&c, &err), VERDICT_GOOD);
	verify_report_fail(&report, "b", VERIFY_LOGGED, "it is late");
	verify_report_fail(&report, "d", VERIFY_FAILED, "it is not there");
	text = told(&report);
	ck_assert_str_eq(text, "a=passed b=logged(it is late) c=passed");
	verify_report_clear(&report);
}
END_TEST

/* ---- cosign ---------------------------------------------------------------------------------- */

#define FORM "bundle=passed envelope=passed "
#define NO_LOG \
	"log-entry=- signed-entry-timestamp=- inclusion-proof=- checkpoint=- log-entry-body=- "
#define OF_LOG(set, proof, body) \
	"log-entry=passed signed-entry-timestamp=" set " inclusion-proof=" proof \
	" checkpoint=" proof " log-entry-body=" body " "

static const struct {
	const char *name, *root, *told;
} bundles[] = {
	{"good", "good",
		FORM "certificate=passed " OF_LOG("passed", "passed",
			"passed") "validity=passed timestamp=- chain=passed sct=passed "
				  "signature=passed statement=passed identity=passed extensions=-"},
	{"v2", "v2",
		FORM "certificate=passed " OF_LOG("-", "passed",
			"-") "validity=passed timestamp=passed chain=passed sct=passed "
			     "signature=passed statement=passed identity=passed extensions=-"},
	{"set-changed", "good",
		FORM "certificate=passed log-entry=passed "
		     "signed-entry-timestamp=failed(the log's promise (SET) )"},
	{"note-changed", "good",
		FORM "certificate=passed log-entry=passed signed-entry-timestamp=passed "
		     "inclusion-proof=passed checkpoint=failed(the checkpoint is not si)"},
	/* What an entry has that does not count is not looked at. */
	{"skipped-promise-beside", "good",
		FORM "certificate=passed " OF_LOG("-", "passed",
			"passed") "validity=passed timestamp=failed(no timestamp counts: the)"},
	{"skipped-proof-beside", "good",
		FORM "certificate=passed " OF_LOG("passed", "-",
			"passed") "validity=passed timestamp=- chain=passed sct=passed "
				  "signature=passed statement=passed identity=passed extensions=-"},
	{"v2-skipped-beside", "v2",
		FORM "certificate=passed " OF_LOG("-", "passed",
			"-") "validity=passed timestamp=passed chain=passed sct=passed "
			     "signature=passed statement=passed identity=passed extensions=-"},
	{"v2-no-timestamp", "v2",
		FORM "certificate=passed " OF_LOG("-", "passed",
			"-") "validity=passed timestamp=failed(no timestamp counts: the)"},
};

START_TEST(test_bundles)
{
	struct verify_root *root = keyless_root(bundles[_i].root);
	json_t *o = keyless_case("bundle", bundles[_i].name);
	auto_free char *text = json_dumps(o, 0), *got = NULL;
	auto_buf struct buf signer = BUF_INIT(BUF_ANY);
	struct verify_identities who = {0};
	struct verify_report report = {0};
	struct verify_policy policy = {.root = root, .who = &who, .report = &report};
	struct digest manifest = vector_digest("a");
	struct verify_bundle b = {0};
	struct err err = {0};

	keyless_who(&who, NULL, NULL);
	ck_assert(!verify_bundle_parse(&b, text, strlen(text), &err));
	(void)!verify_bundle(&b, &policy, &manifest, NULL, &signer, &err);
	got = told(&report);
	ck_assert_str_eq(got, bundles[_i].told);
	verify_report_clear(&report);
	verify_bundle_clear(&b);
	verify_identities_clear(&who);
	json_decref(o);
	verify_root_unref(root);
}
END_TEST

static const struct {
	const char *name, *told;
} layers[] = {
	{"good",
		"log-entry=passed certificate=passed log-entry-body=passed "
		"signed-entry-timestamp=passed chain=passed identity=passed extensions=- "
		"sct=passed "
		"signature=passed validity=passed payload=passed"},
	{"no-sct",
		"log-entry=passed certificate=passed log-entry-body=passed "
		"signed-entry-timestamp=passed chain=passed identity=passed extensions=- "
		"sct=failed(the certificate has no t)"},
};

START_TEST(test_layers)
{
	struct verify_root *root = keyless_root("good");
	json_t *o = keyless_case("legacy", layers[_i].name);
	const char *payload = json_string_value(json_object_get(o, "payload"));
	const char *sig = json_string_value(json_object_get(o, "signature"));
	struct verify_legacy_layer layer = {.sig = BUF_INIT(BUF_ANY),
		.certificate =
			(char *)(uintptr_t)json_string_value(json_object_get(o, "certificate")),
		.log_entry = (char *)(uintptr_t)json_string_value(json_object_get(o, "entry"))};
	auto_buf struct buf signer = BUF_INIT(BUF_ANY), bytes = BUF_INIT(BUF_ANY);
	struct verify_identities who = {0};
	struct verify_report report = {0};
	struct verify_policy policy = {.root = root, .who = &who, .report = &report};
	struct digest manifest = vector_digest("a");
	auto_free char *got = NULL;
	struct err err = {0};

	keyless_who(&who, NULL, NULL);
	buf_adds(&bytes, payload);
	ck_assert(!base64_decode(&layer.sig, sig, strlen(sig), BASE64_STD, &err));
	(void)!verify_legacy(&layer, &bytes, &policy, &manifest, NULL, &signer, &err);
	got = told(&report);
	ck_assert_str_eq(got, layers[_i].told);
	verify_report_clear(&report);
	buf_clear(&layer.sig);
	verify_identities_clear(&who);
	json_decref(o);
	verify_root_unref(root);
}
END_TEST

/* With keys it says which one has signed. */
static const struct {
	const char *keys, *manifest, *told, *signer;
} by_key[] = {
	{"p256-other p256", "a", FORM "signature=passed " NO_LOG "statement=passed",
		"the key '1.pub'"},
	{"p256-other", "a", FORM "signature=failed(it is a signature of non)", ""},
	{"p256", "b", FORM "signature=passed " NO_LOG "statement=failed(the statement has no sub)",
		"the key '0.pub'"},
};

START_TEST(test_by_key)
{
	auto_free char *text = vector_text("bundle/", "cosign-p256", ".json"), *got = NULL;
	struct verify_keys *keys = vector_keys(by_key[_i].keys);
	auto_buf struct buf signer = BUF_INIT(BUF_ANY);
	struct verify_report report = {0};
	struct verify_policy policy = {.keys = keys, .report = &report};
	struct digest manifest = vector_digest(by_key[_i].manifest);
	struct verify_bundle b = {0};
	struct err err = {0};

	ck_assert(!verify_bundle_parse(&b, text, strlen(text), &err));
	(void)!verify_bundle(&b, &policy, &manifest, NULL, &signer, &err);
	got = told(&report);
	ck_assert_str_eq(got, by_key[_i].told);
	ck_assert_str_eq(buf_str(&signer), by_key[_i].signer);
	verify_report_clear(&report);
	verify_bundle_clear(&b);
	verify_keys_unref(keys);
}
END_TEST

Suite *suite_checks(void)
{
	Suite *s = suite_create("checks");
	TCase *tc = tcase_create("checks");

	tcase_add_loop_test(tc, test_walk, 0, ARRAY_LEN(walks));
	tcase_add_test(tc, test_fail);
	tcase_add_loop_test(tc, test_bundles, 0, ARRAY_LEN(bundles));
	tcase_add_loop_test(tc, test_layers, 0, ARRAY_LEN(layers));
	tcase_add_loop_test(tc, test_by_key, 0, ARRAY_LEN(by_key));
	suite_add_tcase(s, tc);
	return s;
}
