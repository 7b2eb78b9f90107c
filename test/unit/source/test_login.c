/* As whom an object asks that names what is in another namespace. What is made of Secrets and
   ServiceAccounts is tested in test/unit/ocirepository/test_login.c. */
#include "source/login.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ctl/item.h"
#include "ctl/spec.h"
#include "ctl/steps.h"
#include "ev/loop.h"
#include "kube/client.h"
#include "oci/identity.h"
#include "source/registry.h"
#include "test/fake/kube.h"

#include <check.h>
#include <string.h>
#include <time.h>

Suite *suite_login(void);

/* ---- a kind that only logs in ---------------------------------------------------------------- */

struct asker_run {
	struct run run;
	struct login login;
};

#define ASKER(r) CONTAINER_OF(r, struct asker_run, run)

static struct registry_env env;
static struct login_refs refs;

static void spec_free(struct spec *s)
{
	free(s);
}

static struct spec *spec_new(const json_t *obj)
{
	struct spec *s = NEW(struct spec);

	(void)obj;
	*s = (struct spec){
		.refs = 1, .free = spec_free, .size = sizeof(*s), .interval_ms = 3600000};
	return s;
}

static void depends_each(const struct spec *s, kind_ref_fn on, void *arg)
{
	(void)s;
	login_depends_each(&refs, on, arg);
}

static void run_clear(struct run *r)
{
	login_clear(&ASKER(r)->login);
}

static enum step_ret login_begin(struct task *t)
{
	struct run *r = RUN(t);

	ASKER(r)->login.refs = refs;
	ASKER(r)->login.timeout_ms = 5000;
	return login_start(r, &ASKER(r)->login, &env);
}

static enum step_ret login_go_on(struct task *t)
{
	struct run *r = RUN(t);

	return login_resume(r, &ASKER(r)->login, "registry.test/app", &env);
}

static enum step_ret made(struct task *t)
{
	return run_done(RUN(t), RUN_MADE);
}

static const struct kube_resource ASKERS = {"test.example", "v1", "askers", "Asker", true};
static const char *const COMMON[] = {COND_STALLED, COND_RECONCILING, NULL};
static const struct step WORK[] = {{"login", login_begin, login_go_on}, {"made", made}, {0}};
static const struct step LAST[] = {RUN_STATUS, RUN_EVENTS, RUN_CLEANUP, {0}};
static const struct step REMOVE[] = {RUN_RELEASE, {0}};
static const struct step REMOVE_LAST[] = {RUN_CLEANUP, {0}};

static const struct kind asker_kind = {
	.name = "asker",
	.resource = &ASKERS,
	.item_size = sizeof(struct item),
	.run_size = sizeof(struct asker_run),
	.spec_new = spec_new,
	.depends = {LOGIN_DEPENDS},
	.depends_each = depends_each,
	.run_clear = run_clear,
	.work = WORK,
	.work_last = LAST,
	.remove = REMOVE,
	.remove_last = REMOVE_LAST,
	.conditions = COMMON,
	.negative = COMMON,
};

/* ---- its surroundings ------------------------------------------------------------------------ */

static struct loop *loop;
static struct fake_kube *kube;
static struct kube_client *client;
static struct metrics *metrics;
static struct controller *c;

static void settle(void)
{
	int quiet, i;

	for (quiet = 0; quiet < 10; quiet++) {
		for (i = 0; i < 30; i++)
			loop_turn(loop, false);
		if (c->queue.running)
			quiet = 0;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}

static void begin(const struct login_refs *names)
{
	clock_fake(1800000000000);
	log_set_fd(-1);
	refs = *names;
	loop = loop_new();
	kube = fake_kube_new(loop);
	client = kube_client_new(loop, fake_kube_config(kube), &(struct kube_client_opts){0});
	metrics = metrics_new();
	env.anonymous = oci_identity_new();
	c = controller_new(&asker_kind,
		&(struct controller_opts){.loop = loop, .kube = client, .metrics = metrics});
	controller_start(c);
	fake_kube_put(kube, "askers", "{\"metadata\":{\"name\":\"a\",\"namespace\":\"mine\"}}");
	settle();
}

static void end(void)
{
	int i;

	controller_stop(c);
	settle();
	controller_free(c);
	oci_identity_unref(env.anonymous);
	metrics_free(metrics);
	kube_client_free(client);
	fake_kube_free(kube);
	for (i = 0; i < 20; i++)
		loop_turn(loop, false);
	ck_assert_int_eq(loop_free(loop), 0);
}

static void secret(const char *ns, const char *name)
{
	auto_free char *json =
		mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\"},\"type\":"
			   "\"kubernetes.io/dockerconfigjson\",\"data\":{"
			   "\".dockerconfigjson\":\"eyJhdXRocyI6e319\"}}", /* {"auths":{}} */
			name, ns);

	fake_kube_put(kube, "secrets", json);
	settle();
}

static const char *ready(const char *member)
{
	const json_t *all =
		obj_get(fake_kube_get(kube, "askers", "mine", "a"), "status", "conditions");
	json_t *one;
	size_t i;

	json_array_foreach (all, i, one)
		if (!strcmp(obj_str_or("", one, "type"), COND_READY))
			return obj_str_or("", one, member);
	return "";
}

/* ---- the tests ------------------------------------------------------------------------------- */

START_TEST(test_secret_of_another_namespace)
{
	begin(&(struct login_refs){.ns = "theirs", .secret = "pull"});
	ck_assert_str_eq(ready("reason"), "AuthenticationFailed");
	ck_assert_ptr_nonnull(strstr(ready("message"), "failed to get secret 'theirs/pull'"));
	/* One of the same name in its own is no help. */
	secret("mine", "pull");
	ck_assert_str_eq(ready("status"), "False");
	secret("theirs", "pull");
	ck_assert_str_eq(ready("status"), "True");
	end();
}
END_TEST

START_TEST(test_account_of_another_namespace)
{
	begin(&(struct login_refs){.ns = "theirs", .service_account = "robot"});
	ck_assert_ptr_nonnull(
		strstr(ready("message"), "failed to get service account 'theirs/robot'"));
	fake_kube_put(kube, "serviceaccounts",
		"{\"metadata\":{\"name\":\"robot\",\"namespace\":\"theirs\"},"
		"\"imagePullSecrets\":[{\"name\":\"pull\"}]}");
	settle();
	ck_assert_ptr_nonnull(
		strstr(ready("message"), "failed to get image pull secret 'theirs/pull'"));
	secret("mine", "pull");
	ck_assert_str_eq(ready("status"), "False");
	/* What the account names is watched where the account is. */
	secret("theirs", "pull");
	ck_assert_str_eq(ready("status"), "True");
	end();
}
END_TEST

Suite *suite_login(void)
{
	Suite *s = suite_create("login");
	TCase *tc = tcase_create("login");

	tcase_add_test(tc, test_secret_of_another_namespace);
	tcase_add_test(tc, test_account_of_another_namespace);
	suite_add_tcase(s, tc);
	return s;
}
