#include "cloud/aws_profiles.h"

#include "base/mem.h"

#include <check.h>
#include <string.h>

Suite *suite_aws_profiles(void);

#define KEYS "aws_access_key_id = AK\naws_secret_access_key = SK\n"

static const struct {
	const char *what, *credentials, *config; /* NULL: there is no such file */
	const char *profile;
	int rc;
	const char *id, *key, *token; /* of rc 1 */
	const char *says; /* of rc -1 */
	bool absent; /* no file has the profile */
} rows[] = {
	{"keys", "[default]\n" KEYS, NULL, "default", 1, "AK", "SK", NULL},
	{"with a token", "[default]\n" KEYS "aws_session_token=ST==\n", NULL, "default", 1, "AK",
		"SK", "ST=="},
	{"another profile", "[default]\nx=y\n[prod]\n" KEYS, NULL, "prod", 1, "AK", "SK", NULL},
	{"not that of before", "[prod]\n" KEYS "[default]\nregion=x\n", NULL, "default", 0},
	{"in the middle", "[a]\naws_access_key_id=A\n[b]\n" KEYS "[c]\naws_access_key_id=C\n", NULL,
		"b", 1, "AK", "SK", NULL},
	{"in two parts", "[d]\naws_access_key_id=AK\n[e]\n[d]\naws_secret_access_key=SK\n", NULL,
		"d", 1, "AK", "SK", NULL},
	{"config", NULL, "[default]\n" KEYS, "default", 1, "AK", "SK", NULL},
	{"config, profile", NULL, "[profile prod]\n" KEYS, "prod", 1, "AK", "SK", NULL},
	{"config, blanks", NULL, "  [ profile \t prod ]  # x\n" KEYS, "prod", 1, "AK", "SK", NULL},
	{"config, profile default", NULL, "[profile default]\n" KEYS, "default", 1, "AK", "SK",
		NULL},
	{"config, no word", NULL, "[prod]\n" KEYS, "prod", 0, .absent = true},
	{"config, longer word", NULL, "[profileprod]\n" KEYS, "prod", 0, .absent = true},
	{"config, another sort", NULL, "[sso-session prod]\n" KEYS, "prod", 0, .absent = true},
	{"credentials have no word", "[profile prod]\n" KEYS, NULL, "prod", 0, .absent = true},
	{"credentials come first", "[default]\n" KEYS,
		"[default]\naws_access_key_id=X\naws_secret_access_key=Y\naws_session_token=Z\n",
		"default", 1, "AK", "SK", NULL},
	{"config for the rest", "[default]\nregion=x\n", "[default]\n" KEYS, "default", 1, "AK",
		"SK", NULL},
	{"keys of one file only", "[default]\naws_access_key_id=X\naws_session_token=Z\n",
		"[default]\n" KEYS, "default", 1, "AK", "SK", NULL},
	{"CRLF, case, blanks",
		"[default]\r\nAWS_Access_Key_Id\t=\tAK \r\nAWS_SECRET_ACCESS_KEY=SK\r\n", NULL,
		"default", 1, "AK", "SK", NULL},
	{"comments", "# [default]\n[default] ; x\n;aws_access_key_id=no\n" KEYS "#x\n", NULL,
		"default", 1, "AK", "SK", NULL},
	{"comment behind a value",
		"[default]\naws_access_key_id = AK # x\naws_secret_access_key = S#K;K ; y\n", NULL,
		"default", 1, "AK", "S#K;K", NULL},
	{"no line end", "[default]\naws_access_key_id=AK\naws_secret_access_key=SK", NULL,
		"default", 1, "AK", "SK", NULL},
	{"the first counts", "[default]\n" KEYS "aws_access_key_id=X\n", NULL, "default", 1, "AK",
		"SK", NULL},
	{"indented under the section",
		"[default]\n  aws_access_key_id=AK\naws_secret_access_key=SK\n", NULL, "default", 1,
		"AK", "SK", NULL},
	{"nested", "[default]\ns3 =\n  aws_access_key_id = X\n  role_arn = X\n" KEYS, NULL,
		"default", 1, "AK", "SK", NULL},
	{"keys and a program", "[default]\n" KEYS "credential_process=/bin/x\n", NULL, "default", 1,
		"AK", "SK", NULL},

	{"nothing", "", "", "default", 0, .absent = true},
	{"no files", NULL, NULL, "default", 0, .absent = true},
	{"no section", KEYS, NULL, "default", 0, .absent = true},
	{"section without an end", "[default\n" KEYS, NULL, "default", 0, .absent = true},
	{"only a region", "[default]\nregion=eu-west-1\n", NULL, "default", 0},
	{"case of a name", "[Default]\n" KEYS, NULL, "default", 0, .absent = true},

	{"no secret", "[default]\naws_access_key_id=AK\n", NULL, "default", -1,
		.says = "the profile 'default' of AWS has no aws_secret_access_key"},
	{"no id", "[default]\naws_secret_access_key=SK\n", NULL, "default", -1,
		.says = "has no aws_access_key_id"},
	{"a role", NULL, "[profile p]\nrole_arn=arn\nsource_profile=q\n", "p", -1,
		.says = "the profile 'p' of AWS has source_profile, which is not supported"},
	{"a role goes before keys", "[default]\n" KEYS, "[default]\nrole_arn=arn\n", "default", -1,
		.says = "has role_arn"},
	{"the instance's", NULL, "[default]\ncredential_source=Ec2InstanceMetadata\n", "default",
		-1, .says = "has credential_source"},
	{"sign-on", NULL, "[default]\nsso_session=x\n", "default", -1, .says = "has sso_session"},
	{"old sign-on", NULL, "[default]\nsso_start_url=x\n", "default", -1,
		.says = "has sso_start_url"},
	{"login", NULL, "[default]\nlogin_session=x\n", "default", -1, .says = "has login_session"},
	{"a program", NULL, "[default]\ncredential_process = /bin/sh -c x\n", "default", -1,
		.says = "has credential_process"},
	{"a token file", NULL, "[default]\nweb_identity_token_file=/x\n", "default", -1,
		.says = "has web_identity_token_file"},
};

static void is(const char *what, const struct secret *got, const char *want)
{
	ck_assert_msg(!strcmp(got->p ? got->p : "", want ? want : ""), "%s: '%s'", what,
		got->p ? got->p : "");
}

START_TEST(test_rows)
{
	struct aws_profile p = {0};
	struct err err = {0};
	const char *what = rows[_i].what, *name = rows[_i].profile;
	int rc;

	if (rows[_i].credentials)
		aws_profile_add(
			&p, rows[_i].credentials, strlen(rows[_i].credentials), name, false);
	if (rows[_i].config)
		aws_profile_add(&p, rows[_i].config, strlen(rows[_i].config), name, true);
	rc = aws_profile_check(&p, name, &err);
	ck_assert_msg(rc == rows[_i].rc, "%s: %d %s", what, rc, err.msg);
	ck_assert_msg(p.found == !rows[_i].absent, "%s: found is %d", what, p.found);
	if (rc > 0) {
		is(what, &p.id, rows[_i].id);
		is(what, &p.key, rows[_i].key);
		is(what, &p.token, rows[_i].token);
	}
	if (rc < 0) {
		ck_assert_msg(strstr(err.msg, rows[_i].says), "%s: %s", what, err.msg);
		ck_assert_int_eq(err.kind, ERR_RETRY);
	}
	aws_profile_clear(&p);
}
END_TEST

Suite *suite_aws_profiles(void)
{
	Suite *s = suite_create("aws_profiles");
	TCase *t = tcase_create("aws_profiles");

	tcase_add_loop_test(t, test_rows, 0, ARRAY_LEN(rows));
	suite_add_tcase(s, t);
	return s;
}
