#include "base/buf.h"
#include "base/mem.h"
#include "base/obj.h"
#include "embedded/crds.h"
#include "embedded/kind.h"
#include "embedded/rule.h"
#include "embedded/schema.h"
#include "embedded/status.h"
#include "rig.h"

#include <string.h>

Suite *suite_rule(void);

#define ONLY_ALWAYS \
	"!has(self.interval) || (has(self.digestReflectionPolicy) && " \
	"self.digestReflectionPolicy == 'Always')"
#define ALWAYS_HAS \
	"has(self.interval) || !has(self.digestReflectionPolicy) || " \
	"self.digestReflectionPolicy != 'Always'"
#define OIDC_HAS \
	"self.type != 'generic-oidc' || (has(self.oidcProviders) && size(self.oidcProviders) > 0)"
#define ONLY_OIDC \
	"self.type == 'generic-oidc' || !has(self.oidcProviders) || size(self.oidcProviders) == 0"
#define OIDC_NO_SECRET "self.type != 'generic-oidc' || !has(self.secretRef)"
#define OTHERS_SECRET "self.type == 'generic-oidc' || has(self.secretRef)"

#define ACCOUNT_CLOUD \
	"!has(self.serviceAccountName) || (has(self.provider) && (self.provider == 'azure' || " \
	"self.provider == 'aws'))"

/* Each rule over every combination of what it asks for, as CEL has it. */
static const struct {
	const char *rule, *self;
	bool holds;
} ROWS[] = {
	{ONLY_ALWAYS, "{}", true},
	{ONLY_ALWAYS, "{\"digestReflectionPolicy\":\"Always\"}", true},
	{ONLY_ALWAYS, "{\"digestReflectionPolicy\":\"Never\"}", true},
	{ONLY_ALWAYS, "{\"interval\":\"5m\"}", false},
	{ONLY_ALWAYS, "{\"interval\":\"5m\",\"digestReflectionPolicy\":\"Never\"}", false},
	{ONLY_ALWAYS, "{\"interval\":\"5m\",\"digestReflectionPolicy\":\"IfNotPresent\"}", false},
	{ONLY_ALWAYS, "{\"interval\":\"5m\",\"digestReflectionPolicy\":\"Always\"}", true},
	{ALWAYS_HAS, "{}", true},
	{ALWAYS_HAS, "{\"digestReflectionPolicy\":\"Never\"}", true},
	{ALWAYS_HAS, "{\"digestReflectionPolicy\":\"Always\"}", false},
	{ALWAYS_HAS, "{\"interval\":\"5m\",\"digestReflectionPolicy\":\"Always\"}", true},
	{ALWAYS_HAS, "{\"interval\":\"5m\"}", true},
	{OIDC_HAS, "{\"type\":\"generic\"}", true},
	{OIDC_HAS, "{\"type\":\"generic-oidc\"}", false},
	{OIDC_HAS, "{\"type\":\"generic-oidc\",\"oidcProviders\":[]}", false},
	{OIDC_HAS, "{\"type\":\"generic-oidc\",\"oidcProviders\":[{}]}", true},
	{ONLY_OIDC, "{\"type\":\"generic-oidc\",\"oidcProviders\":[{}]}", true},
	{ONLY_OIDC, "{\"type\":\"github\"}", true},
	{ONLY_OIDC, "{\"type\":\"github\",\"oidcProviders\":[]}", true},
	{ONLY_OIDC, "{\"type\":\"github\",\"oidcProviders\":[{}]}", false},
	{OIDC_NO_SECRET, "{\"type\":\"generic-oidc\"}", true},
	{OIDC_NO_SECRET, "{\"type\":\"generic-oidc\",\"secretRef\":{}}", false},
	{OIDC_NO_SECRET, "{\"type\":\"generic\",\"secretRef\":{}}", true},
	{OTHERS_SECRET, "{\"type\":\"generic-oidc\"}", true},
	{OTHERS_SECRET, "{\"type\":\"generic\"}", false},
	{OTHERS_SECRET, "{\"type\":\"generic\",\"secretRef\":{}}", true},
	{ACCOUNT_CLOUD, "{}", true},
	{ACCOUNT_CLOUD, "{\"provider\":\"github\"}", true},
	{ACCOUNT_CLOUD, "{\"serviceAccountName\":\"a\"}", false},
	{ACCOUNT_CLOUD, "{\"serviceAccountName\":\"a\",\"provider\":\"generic\"}", false},
	{ACCOUNT_CLOUD, "{\"serviceAccountName\":\"a\",\"provider\":\"github\"}", false},
	{ACCOUNT_CLOUD, "{\"serviceAccountName\":\"a\",\"provider\":\"azure\"}", true},
	{ACCOUNT_CLOUD, "{\"serviceAccountName\":\"a\",\"provider\":\"aws\"}", true},
};

START_TEST(test_rows)
{
	emb_rule_fn holds = emb_rule_find(ROWS[_i].rule);
	json_t *self = json_of(ROWS[_i].self);

	ck_assert_msg(holds != NULL, "unknown: %s", ROWS[_i].rule);
	ck_assert_msg(holds(self) == ROWS[_i].holds, "%s of %s", ROWS[_i].rule, ROWS[_i].self);
	json_decref(self);
}
END_TEST

START_TEST(test_unknown)
{
	ck_assert_ptr_null(emb_rule_find(""));
	ck_assert_ptr_null(emb_rule_find("true"));
	ck_assert_ptr_null(emb_rule_find(OTHERS_SECRET " "));
}
END_TEST

/* ---- the refusals of kube-apiserver 1.34, on our CRDs ---------------------------------------- */

#define POLICY "image.toolkit.fluxcd.io/v1", "ImagePolicy"
#define IMAGE "image.toolkit.fluxcd.io/v1", "ImageRepository"
#define RECEIVER "notification.toolkit.fluxcd.io/v1", "Receiver"
#define GIT "source.toolkit.fluxcd.io/v1", "GitRepository"
#define GIT_NEEDS "\"url\":\"https://example.com/a.git\",\"interval\":\"5m\""
#define AUTOMATION "image.toolkit.fluxcd.io/v1", "ImageUpdateAutomation"
#define AUTO_NEEDS "\"interval\":\"1m\",\"sourceRef\":{\"name\":\"a\"}"
#define AUTO_PUSH(refspec) \
	"{" AUTO_NEEDS \
	",\"git\":{\"commit\":{\"author\":{\"email\":\"a@b\"}},\"push\":{\"refspec\":" refspec \
	"}}}"
#define REF "\"imageRepositoryRef\":{\"name\":\"a\"},\"policy\":{}"
#define NOT_CHECKED \
	"<nil>: Invalid value: null: some validation rules were not checked because the object " \
	"was " \
	"invalid; correct the existing errors to complete validation"
#define PROVIDER \
	"{\"issuerURL\":\"https://x\",\"validations\":[{\"expression\":\"a\",\"message\":\"b\"}]}"
#define TAGS_5 "\"a\",\"b\",\"c\",\"d\",\"e\""
#define TAGS_25 TAGS_5 "," TAGS_5 "," TAGS_5 "," TAGS_5 "," TAGS_5

struct refusal {
	const char *api_version, *kind, *spec, *causes;
};

/* The spec, with defaults, against its CRD: what is wrong, as "FIELD: MESSAGE", one a line. */
static void check_refusal(const struct refusal *row)
{
	struct err err;
	struct emb_kinds *ks = emb_kinds_new(embedded_crds, &err);
	const struct emb_version *v = NULL;
	json_t *o = json_object();
	auto_emb_causes struct emb_causes causes = {0};
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	json_t *cause;
	size_t i;

	ck_assert_msg(ks != NULL, "%s", err.msg);
	ck_assert_msg(
		emb_kinds_of(ks, row->api_version, row->kind, &v) != NULL, "no kind %s", row->kind);
	json_object_set_new(o, "spec", json_of(row->spec));
	emb_schema_default(v->schema, o);
	emb_schema_validate(v->schema, o, &causes);
	json_array_foreach (causes.list, i, cause)
		buf_addf(&text, "%s%s: %s", i ? "\n" : "", obj_str(cause, "field"),
			obj_str(cause, "message"));
	ck_assert_str_eq(buf_str(&text), row->causes);
	json_decref(o);
	emb_kinds_free(ks);
}

static const struct refusal IP_27[] = {
	{POLICY, "{" REF "}", ""},
	{POLICY, "{" REF ",\"interval\":\"5m\",\"digestReflectionPolicy\":\"Always\"}", ""},
	{POLICY, "{" REF ",\"interval\":\"5m\"}",
		"spec: Invalid value: \"object\": spec.interval is only accepted when "
		"spec.digestReflectionPolicy is set to 'Always'"},
	{POLICY, "{" REF ",\"digestReflectionPolicy\":\"Always\"}",
		"spec: Invalid value: \"object\": spec.interval must be set when "
		"spec.digestReflectionPolicy is set to 'Always'"},
	{POLICY, "{" REF ",\"interval\":\"5m\",\"digestReflectionPolicy\":\"Sometimes\"}",
		"spec.digestReflectionPolicy: Unsupported value: \"Sometimes\": supported values: "
		"\"Always\", \"IfNotPresent\", \"Never\"\n" NOT_CHECKED},
	{POLICY, "{\"policy\":{},\"interval\":\"5m\"}",
		"spec.imageRepositoryRef: Required value\n" NOT_CHECKED},
	/* A text that does not match hinders no rule. */
	{POLICY, "{" REF ",\"interval\":\"5x\"}",
		"spec.interval: Invalid value: \"5x\": spec.interval in body should match "
		"'^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$'\n"
		"spec: Invalid value: \"object\": spec.interval is only accepted when "
		"spec.digestReflectionPolicy is set to 'Always'"},
	{POLICY, "{\"imageRepositoryRef\":{\"name\":\"a\"},\"policy\":{\"semver\":{}}}",
		"spec.policy.semver.range: Required value\n" NOT_CHECKED},
};

START_TEST(ip_27_interval_and_always)
{
	check_refusal(&IP_27[_i]);
}
END_TEST

static const struct refusal RC_34[] = {
	{RECEIVER, "{\"type\":\"generic\",\"resources\":[],\"secretRef\":{\"name\":\"s\"}}", ""},
	{RECEIVER, "{\"type\":\"generic-oidc\",\"resources\":[],\"oidcProviders\":[" PROVIDER "]}",
		""},
	{RECEIVER, "{\"type\":\"github\",\"resources\":[]}",
		"spec: Invalid value: \"object\": secretRef is required when type is not "
		"generic-oidc"},
	{RECEIVER, "{\"type\":\"generic-oidc\",\"resources\":[],\"secretRef\":{\"name\":\"s\"}}",
		"spec: Invalid value: \"object\": generic-oidc receivers must define at least one "
		"oidcProvider\n"
		"spec: Invalid value: \"object\": secretRef cannot be set when type is "
		"generic-oidc"},
	{RECEIVER,
		"{\"type\":\"generic\",\"resources\":[],\"secretRef\":{\"name\":\"s\"},"
		"\"oidcProviders\":[" PROVIDER "]}",
		"spec: Invalid value: \"object\": oidcProviders can only be set when type is "
		"generic-oidc"},
	{RECEIVER,
		"{\"type\":\"generic-oidc\",\"resources\":[],\"oidcProviders\":[" PROVIDER
		",{\"issuerURL\":\"https://y\",\"validations\":[]}]}",
		"spec.oidcProviders[1].validations: Invalid value: 0: "
		"spec.oidcProviders[1].validations in body should have at least 1 items"},
	{RECEIVER,
		"{\"type\":\"generic-oidc\",\"resources\":[],\"oidcProviders\":[" PROVIDER
		"," PROVIDER "]}",
		"spec.oidcProviders[1]: Duplicate value: {\"issuerURL\":\"https://x\"}"},
	{RECEIVER,
		"{\"type\":\"generic\",\"secretRef\":{\"name\":\"s\"},\"resources\":[{\"kind\":"
		"\"ImageRepository\",\"name\":\"\"}]}",
		"spec.resources[0].name: Invalid value: \"\": spec.resources[0].name in body "
		"should be at least 1 chars long"},
};

START_TEST(rc_34_secret_and_providers)
{
	check_refusal(&RC_34[_i]);
}
END_TEST

static const struct refusal GIT_ROWS[] = {
	{GIT, "{" GIT_NEEDS "}", ""},
	{GIT, "{\"interval\":\"5m\",\"url\":\"git@example.com:a.git\"}",
		"spec.url: Invalid value: \"git@example.com:a.git\": spec.url in body should match "
		"'^(http|https|ssh)://.*$'"},
	{GIT, "{" GIT_NEEDS ",\"timeout\":\"1h\"}",
		"spec.timeout: Invalid value: \"1h\": spec.timeout in body should match "
		"'^([0-9]+(\\.[0-9]+)?(ms|s|m))+$'"},
	{GIT, "{" GIT_NEEDS ",\"serviceAccountName\":\"a\",\"provider\":\"aws\"}", ""},
	{GIT, "{" GIT_NEEDS ",\"serviceAccountName\":\"a\",\"provider\":\"github\"}",
		"spec: Invalid value: \"object\": serviceAccountName can only be set when provider "
		"is "
		"'azure' or 'aws'"},
	{GIT, "{" GIT_NEEDS ",\"verify\":{\"mode\":\"head\",\"secretRef\":{\"name\":\"k\"}}}", ""},
	{GIT, "{" GIT_NEEDS ",\"verify\":{\"mode\":\"tag\",\"secretRef\":{\"name\":\"k\"}}}",
		"spec.verify.mode: Unsupported value: \"tag\": supported values: \"head\", "
		"\"HEAD\", "
		"\"Tag\", \"TagAndHEAD\"\n" NOT_CHECKED},
	{GIT, "{" GIT_NEEDS ",\"include\":[{\"fromPath\":\"x\"}]}",
		"spec.include[0].repository: Required value\n" NOT_CHECKED},
};

START_TEST(test_gitrepository)
{
	check_refusal(&GIT_ROWS[_i]);
}
END_TEST

/* A plus would force, a colon in front would delete. */
static const struct refusal IU_07[] = {
	{AUTOMATION, "{" AUTO_NEEDS "}", ""},
	{AUTOMATION, AUTO_PUSH("\"refs/heads/main:refs/heads/x\""), ""},
	{AUTOMATION, AUTO_PUSH("\"\""), ""},
	{AUTOMATION, AUTO_PUSH("\"+refs/heads/main:refs/heads/x\""),
		"spec.git.push.refspec: Invalid value: \"+refs/heads/main:refs/heads/x\": "
		"spec.git.push.refspec in body should match '^$|^[^+:]'"},
	{AUTOMATION, AUTO_PUSH("\":refs/heads/x\""),
		"spec.git.push.refspec: Invalid value: \":refs/heads/x\": "
		"spec.git.push.refspec in body should match '^$|^[^+:]'"},
	{AUTOMATION, "{" AUTO_NEEDS ",\"git\":{\"commit\":{\"author\":{\"name\":\"a\"}}}}",
		"spec.git.commit.author.email: Required value"},
	{AUTOMATION, "{\"interval\":\"1m\",\"sourceRef\":{\"name\":\"a\",\"kind\":\"Bucket\"}}",
		"spec.sourceRef.kind: Unsupported value: \"Bucket\": supported values: "
		"\"GitRepository\""},
	{AUTOMATION, "{" AUTO_NEEDS ",\"update\":{\"strategy\":\"Other\"}}",
		"spec.update.strategy: Unsupported value: \"Other\": supported values: "
		"\"Setters\""},
};

START_TEST(iu_07_refspec)
{
	check_refusal(&IU_07[_i]);
}
END_TEST

static const struct refusal IR_11[] = {
	{IMAGE, "{\"image\":\"a\",\"interval\":\"5m\",\"exclusionList\":[" TAGS_25 "]}", ""},
	{IMAGE, "{\"image\":\"a\",\"interval\":\"5m\",\"exclusionList\":[" TAGS_25 ",\"z\"]}",
		"spec.exclusionList: Too many: 26: must have at most 25 items"},
};

START_TEST(ir_11_exclusion_list)
{
	check_refusal(&IR_11[_i]);
}
END_TEST

Suite *suite_rule(void)
{
	Suite *s = suite_create("rule");
	TCase *tc = tcase_create("rule");

	tcase_add_loop_test(tc, test_rows, 0, (int)ARRAY_LEN(ROWS));
	tcase_add_test(tc, test_unknown);
	tcase_add_loop_test(tc, ip_27_interval_and_always, 0, (int)ARRAY_LEN(IP_27));
	tcase_add_loop_test(tc, rc_34_secret_and_providers, 0, (int)ARRAY_LEN(RC_34));
	tcase_add_loop_test(tc, test_gitrepository, 0, (int)ARRAY_LEN(GIT_ROWS));
	tcase_add_loop_test(tc, iu_07_refspec, 0, (int)ARRAY_LEN(IU_07));
	tcase_add_loop_test(tc, ir_11_exclusion_list, 0, (int)ARRAY_LEN(IR_11));
	suite_add_tcase(s, tc);
	return s;
}
