/* What a request shows, one after the other: credentials that match, a login. */
#include "ev/op.h"
#include "oci/resolve.h"
#include "test/unit/oci/fixture.h"

#include <stdio.h>

Suite *suite_credentials(void);

#define HEAD "HEAD /v2/app/manifests/1.0"

static struct op *ask(struct fixture *x, struct oci_identity *id)
{
	struct op *op = oci_resolve_start(
		x->oci, &(struct oci_resolve_req){.target = {&x->repo, id, 60000}, .tag = "1.0"});

	fixture_wait(x, op);
	return op;
}

static void image_guarded(
	struct fixture *x, struct fake_image *image, const char *need, const char *challenge)
{
	static const char *const methods[] = {"GET", "HEAD"};
	size_t i;

	fake_image(x->reg, "app", "2.0", "a/b", "hello", 5, image);
	for (i = 0; i < 2; i++) {
		struct fake_answer *a = fake_on(x->reg, methods[i], "/v2/app/manifests/1.0");

		a->need = need;
		a->challenge = challenge;
		a->headers = image->paths[3];
		a->body = image->json;
	}
}

/* A pull Secret of several entries for one host: "u:p" for each path that is given. */
static struct oci_identity *identity_of(const struct fixture *x, const char *const *auths)
{
	struct oci_identity *id = oci_identity_new();
	struct err err = {0};

	for (; *auths; auths++) {
		auto_free char *json = mem_printf(
			"{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}", fake_host(x->reg), *auths);

		ck_assert_msg(!oci_identity_add_docker(id, json, strlen(json),
				      OCI_DOCKER_CONFIG_JSON, "Secret 'a/b'", &err),
			"%s", err.msg);
	}
	return id;
}

/* ---- several that match ---------------------------------------------------------------------- */

START_TEST(the_next_one_is_tried_and_remembered)
{
	struct oci_identity *id;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	/* bad:bad, u:p */
	id = identity_of(&x, (const char *const[]){"YmFkOmJhZA==", "dTpw", NULL});
	image_guarded(&x, &image, "Basic dTpw", "Basic realm=\"r\"");
	op = ask(&x, id);
	fixture_ok(op);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg),
		"tls\n" HEAD "\n" HEAD " auth=Basic YmFkOmJhZA==\n" HEAD " auth=Basic dTpw\n");
	fake_log_reset(x.reg);
	op = ask(&x, id);
	fixture_ok(op);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg), HEAD " auth=Basic dTpw\n");
	oci_identity_unref(id);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

START_TEST(when_all_are_refused_it_ends)
{
	struct oci_identity *id;
	struct fake_image image;
	struct fixture x;
	struct op *op;
	int i;

	fixture_init(&x);
	id = identity_of(&x, (const char *const[]){"YTph", "Yjpi", NULL}); /* a:a, b:b */
	image_guarded(&x, &image, "Basic dTpw", "Basic realm=\"r\"");
	for (i = 0; i < 2; i++) {
		fake_log_reset(x.reg);
		op = ask(&x, id);
		fixture_failed(op, "the user and password were refused");
		ck_assert_int_eq(op->err.code, 401);
		op_free(op);
		/* Each is tried once, and the next run begins with the first. */
		ck_assert_ptr_nonnull(strstr(
			fake_log(x.reg), HEAD " auth=Basic YTph\n" HEAD " auth=Basic Yjpi\n"));
	}
	oci_identity_unref(id);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* 403: the user is known, and may not read this. */
START_TEST(a_403_is_a_refusal)
{
	static const char *const methods[] = {"GET", "HEAD"};
	struct oci_identity *id;
	struct fake_image image;
	struct fixture x;
	struct op *op;
	size_t i;

	fixture_init(&x);
	id = identity_of(&x, (const char *const[]){"YTph", "dTpw", NULL});
	for (i = 0; i < 2; i++) {
		struct fake_answer *a = fake_on(x.reg, methods[i], "/v2/app/manifests/1.0");

		a->need = "Basic YTph";
		a->challenge = "Basic realm=\"r\"";
		a->status = 403;
		a->times = 2; /* the challenge, and the answer to the first */
	}
	image_guarded(&x, &image, "Basic dTpw", "Basic realm=\"r\"");
	op = ask(&x, id);
	fixture_ok(op);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg),
		"tls\n" HEAD "\n" HEAD " auth=Basic YTph\n" HEAD " auth=Basic dTpw\n");
	oci_identity_unref(id);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* The token server refuses the first; a token of one is never used for the other. */
START_TEST(a_token_server_refuses)
{
	auto_free char *challenge = NULL;
	struct oci_identity *id;
	struct fake_answer *a;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	id = identity_of(&x, (const char *const[]){"YTph", "dTpw", NULL});
	challenge = mem_printf("Bearer realm=\"http://%s/token\",service=\"s\"", fake_host(x.reg));
	a = fake_on(x.reg, "GET", "/token");
	a->need = "Basic dTpw";
	a->challenge = "Basic realm=\"t\"";
	a->body = "{\"token\":\"good\"}";
	image_guarded(&x, &image, "Bearer good", challenge);
	op = ask(&x, id);
	fixture_ok(op);
	op_free(op);
	ck_assert_ptr_nonnull(strstr(fake_log(x.reg), "auth=Basic YTph\n"));
	ck_assert_ptr_nonnull(strstr(fake_log(x.reg), "auth=Basic dTpw\n"));
	oci_identity_unref(id);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* ---- a login --------------------------------------------------------------------------------- */

struct fake_login {
	struct oci_login base;
	struct loop *loop;
	unsigned refs, starts, refusals;
	const char *passwords[3]; /* of the logins, one after the other */
	const char *error; /* instead */
	struct secret now;
};

struct login_op {
	struct op op;
	struct fake_login *login;
};

static void fake_login_cancel(struct op *op)
{
	op_finish(op);
}

static void fake_login_op_free(struct op *op)
{
	free(CONTAINER_OF(op, struct login_op, op));
}

static void fake_login_ref(struct oci_login *l)
{
	CONTAINER_OF(l, struct fake_login, base)->refs++;
}

static void fake_login_unref(struct oci_login *l)
{
	CONTAINER_OF(l, struct fake_login, base)->refs--;
}

static struct op *fake_login_start(struct oci_login *l, const char *host, uint64_t timeout_ms)
{
	static const struct op_type type = {"login", fake_login_cancel, fake_login_op_free};
	struct fake_login *f = CONTAINER_OF(l, struct fake_login, base);
	struct login_op *op = NEW(struct login_op);

	ck_assert(!strncmp(host, "127.0.0.1:", 10));
	ck_assert_uint_gt(timeout_ms, 0);
	op_init(&op->op, f->loop, &type);
	op->login = f;
	if (f->error)
		err_code(&op->op.err, ERR_RETRY, 403, "%s", f->error);
	else
		secret_set(&f->now, f->passwords[f->starts], strlen(f->passwords[f->starts]));
	f->starts++;
	op_finish(&op->op);
	return &op->op;
}

static const struct secret *fake_login_result(struct op *op)
{
	return &CONTAINER_OF(op, struct login_op, op)->login->now;
}

static bool fake_login_refused(struct oci_login *l, const char *host, const struct secret *password)
{
	struct fake_login *f = CONTAINER_OF(l, struct fake_login, base);

	(void)host;
	ck_assert(secret_equal(password, &f->now));
	f->refusals++;
	return true;
}

static bool fake_login_serves(struct oci_login *l, const char *host)
{
	(void)l;
	(void)host;
	return false;
}

static struct fake_login fake_login_of(const struct fixture *x)
{
	return (struct fake_login){.base = {.ref = fake_login_ref,
					   .unref = fake_login_unref,
					   .start = fake_login_start,
					   .result = fake_login_result,
					   .serves = fake_login_serves,
					   .refused = fake_login_refused},
		.loop = x->loop,
		.passwords = {"u:p", "u:p", "u:p"}};
}

static void fake_login_clear(struct fake_login *f)
{
	ck_assert_uint_eq(f->refs, 0);
	secret_clear(&f->now);
}

START_TEST(no_login_without_a_challenge)
{
	struct fake_login login;
	struct oci_identity *id = oci_identity_new();
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	login = fake_login_of(&x);
	oci_identity_set_login(id, &login.base);
	image_guarded(&x, &image, NULL, NULL);
	op = ask(&x, id);
	fixture_ok(op);
	op_free(op);
	ck_assert_uint_eq(login.starts, 0);
	ck_assert_ptr_null(strstr(fake_log(x.reg), "auth="));
	oci_identity_unref(id);
	fake_login_clear(&login);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

START_TEST(a_login_after_a_challenge)
{
	struct fake_login login;
	struct oci_identity *id = oci_identity_new();
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	login = fake_login_of(&x);
	oci_identity_set_login(id, &login.base);
	image_guarded(&x, &image, "Basic dTpw", "Basic realm=\"r\"");
	op = ask(&x, id);
	fixture_ok(op);
	op_free(op);
	ck_assert_uint_eq(login.starts, 1);
	ck_assert_str_eq(fake_log(x.reg), "tls\n" HEAD "\n" HEAD " auth=Basic dTpw\n");
	oci_identity_unref(id);
	fake_login_clear(&login);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* While its token is good there is no other login. */
START_TEST(a_login_for_a_token)
{
	auto_free char *challenge = NULL;
	struct fake_login login;
	struct oci_identity *id = oci_identity_new();
	struct fake_answer *a;
	struct fake_image image;
	struct fixture x;
	struct op *op;
	int i;

	fixture_init(&x);
	login = fake_login_of(&x);
	oci_identity_set_login(id, &login.base);
	challenge = mem_printf("Bearer realm=\"http://%s/token\",service=\"s\"", fake_host(x.reg));
	a = fake_on(x.reg, "GET", "/token");
	a->need = "Basic dTpw";
	a->challenge = "Basic realm=\"t\"";
	a->body = "{\"token\":\"good\",\"expires_in\":3600}";
	image_guarded(&x, &image, "Bearer good", challenge);
	for (i = 0; i < 3; i++) {
		op = ask(&x, id);
		fixture_ok(op);
		op_free(op);
	}
	ck_assert_uint_eq(login.starts, 1);
	oci_identity_unref(id);
	fake_login_clear(&login);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

START_TEST(a_refused_login_is_made_once_more)
{
	struct fake_login login;
	struct oci_identity *id = oci_identity_new();
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	login = fake_login_of(&x);
	login.passwords[0] = "old:old";
	oci_identity_set_login(id, &login.base);
	image_guarded(&x, &image, "Basic dTpw", "Basic realm=\"r\"");
	op = ask(&x, id);
	fixture_ok(op);
	op_free(op);
	ck_assert_uint_eq(login.starts, 2);
	ck_assert_uint_eq(login.refusals, 1);
	/* And not a third time. */
	login.starts = login.refusals = 0;
	login.passwords[1] = "old:old";
	op = ask(&x, id);
	fixture_failed(op, "the user and password were refused");
	op_free(op);
	ck_assert_uint_eq(login.starts, 2);
	ck_assert_uint_eq(login.refusals, 1);
	oci_identity_unref(id);
	fake_login_clear(&login);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* Its own words, and its own code: nothing of the registry is wrong. */
START_TEST(a_login_that_fails)
{
	struct fake_login login;
	struct oci_identity *id = oci_identity_new();
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	login = fake_login_of(&x);
	login.error = "failed to get credential from aws: no";
	oci_identity_set_login(id, &login.base);
	image_guarded(&x, &image, "Basic dTpw", "Basic realm=\"r\"");
	op = ask(&x, id);
	ck_assert_str_eq(op->err.msg, "failed to get credential from aws: no");
	ck_assert_int_eq(op->err.code, OCI_LOGIN_FAILED);
	op_free(op);
	oci_identity_unref(id);
	fake_login_clear(&login);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* Credentials that match win, also when they are refused. */
START_TEST(credentials_win_over_a_login)
{
	struct fake_login login;
	struct oci_identity *id;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	id = identity_of(&x, (const char *const[]){"YTph", NULL});
	login = fake_login_of(&x);
	oci_identity_set_login(id, &login.base);
	image_guarded(&x, &image, "Basic dTpw", "Basic realm=\"r\"");
	op = ask(&x, id);
	fixture_failed(op, "the user and password were refused");
	op_free(op);
	ck_assert_uint_eq(login.starts, 0);
	oci_identity_unref(id);
	fake_login_clear(&login);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

Suite *suite_credentials(void)
{
	Suite *s = suite_create("credentials");
	TCase *tc = tcase_create("credentials");

	tcase_add_test(tc, the_next_one_is_tried_and_remembered);
	tcase_add_test(tc, when_all_are_refused_it_ends);
	tcase_add_test(tc, a_403_is_a_refusal);
	tcase_add_test(tc, a_token_server_refuses);
	tcase_add_test(tc, no_login_without_a_challenge);
	tcase_add_test(tc, a_login_after_a_challenge);
	tcase_add_test(tc, a_login_for_a_token);
	tcase_add_test(tc, a_refused_login_is_made_once_more);
	tcase_add_test(tc, a_login_that_fails);
	tcase_add_test(tc, credentials_win_over_a_login);
	suite_add_tcase(s, tc);
	return s;
}
