/* What payloads say was pushed: samples in the form that each registry's manual shows. */
#include "test/unit/crypto/mac.h"
#include "test/unit/hook/fixture.h"

Suite *suite_push(void);

static struct fixture f;

static void setup(void)
{
	fixture_init(&f, NULL);
}

static void teardown(void)
{
	fixture_clear(&f);
}

/* "host/name:tag" of each, with a blank between. */
static void pushed(const struct ask *a, const char *want)
{
	struct op *op = fixture_ask(&f, a);
	const struct hook_verdict *v = fixture_verdict(a, op);
	auto_buf struct buf got = BUF_INIT(BUF_ANY);
	size_t i;

	ck_assert_msg(v->said == HOOK_FIRE, "%s: %s", a->body, v->why);
	for (i = 0; i < v->pushes.len; i++)
		buf_addf(&got, "%s%s/%s:%s", i ? " " : "", v->pushes.p[i].repo.host,
			v->pushes.p[i].repo.name, v->pushes.p[i].tag);
	ck_assert_str_eq(buf_str(&got), want);
	op_free(op);
}

static void says(const char *type, const char *body, const char *want)
{
	pushed(&(struct ask){.type = type, .headers = {"Authorization", TOKEN}, .body = body},
		want);
}

START_TEST(test_dockerhub)
{
	says("dockerhub",
		"{\"push_data\":{\"pushed_at\":1769851800,\"images\":[],\"tag\":\"sha-0a1b2c3\","
		"\"pusher\":\"acme\"},\"callback_url\":\"https://registry.hub.docker.com/u/acme/"
		"shop/\","
		"\"repository\":{\"status\":\"Active\",\"description\":\"\",\"is_trusted\":true,"
		"\"repo_url\":\"https://hub.docker.com/r/acme/shop\",\"owner\":\"acme\","
		"\"is_official\":false,\"is_private\":true,\"name\":\"shop\",\"namespace\":"
		"\"acme\","
		"\"star_count\":0,\"comment_count\":0,\"repo_name\":\"acme/shop\"}}",
		"index.docker.io/acme/shop:sha-0a1b2c3");
	says("dockerhub",
		"{\"push_data\":{\"tag\":\"1\"},\"repository\":{\"repo_url\":"
		"\"https://hub.docker.com/r/acme/shop\"}}",
		"index.docker.io/acme/shop:1");
	says("dockerhub", "{}", "");
	says("dockerhub", "null", "");
	says("dockerhub", "{\"push_data\":{\"tag\":\"1\"}}", "");
	says("dockerhub",
		"{\"push_data\":{\"tag\":\"a b\"},\"repository\":{\"repo_name\":\"a/b\"}}", "");
	says("dockerhub",
		"{\"push_data\":{\"tag\":\"1\"},\"repository\":{\"repo_name\":\"A/../b\"}}", "");
}
END_TEST

START_TEST(test_quay)
{
	says("quay",
		"{\"name\":\"shop\",\"repository\":\"acme/shop\",\"namespace\":\"acme\","
		"\"docker_url\":\"quay.io/acme/shop\",\"homepage\":\"https://quay.io/repository/"
		"acme/shop\","
		"\"updated_tags\":[\"latest\",null,\"1.2.0\",\"a b\"]}",
		"quay.io/acme/shop:latest quay.io/acme/shop:1.2.0");
	says("quay", "{\"docker_url\":\"shop\",\"updated_tags\":[\"1\"]}", "");
	says("quay", "{\"docker_url\":\"quay.io/acme/shop\"}", "");
}
END_TEST

START_TEST(test_acr)
{
	says("acr",
		"{\"id\":\"cb8c3971-9adc-488b-xxxx\",\"timestamp\":\"2026-01-31T09:30:00.5Z\","
		"\"action\":\"push\",\"target\":{\"mediaType\":"
		"\"application/vnd.docker.distribution.manifest.v2+json\",\"size\":524,\"digest\":"
		"\"sha256:xxxx\",\"length\":524,\"repository\":\"team/shop\",\"tag\":\"v1\"},"
		"\"request\":{\"id\":\"3cbb6949\",\"host\":\"acme.azurecr.io\",\"method\":\"PUT\","
		"\"useragent\":\"docker\"}}",
		"acme.azurecr.io/team/shop:v1");
	says("acr",
		"{\"action\":\"delete\",\"target\":{\"repository\":\"team/shop\",\"tag\":\"v1\"},"
		"\"request\":{\"host\":\"acme.azurecr.io\"}}",
		"");
	says("acr",
		"{\"action\":\"push\",\"target\":{\"repository\":\"team/shop\",\"tag\":\"v1\"}}",
		"");
}
END_TEST

START_TEST(test_harbor)
{
	says("harbor",
		"{\"type\":\"PUSH_ARTIFACT\",\"occur_at\":1769851800,\"operator\":\"admin\","
		"\"event_data\":"
		"{\"resources\":[{\"digest\":\"sha256:8a9e\",\"tag\":\"latest\",\"resource_url\":"
		"\"hub.acme.example:8443/test/"
		"debian:latest\"},{\"digest\":\"sha256:8a9e\",\"tag\":\"\","
		"\"resource_url\":\"hub.acme.example/test/debian@sha256:8a9e\"}],\"repository\":"
		"{\"date_created\":1,\"name\":\"debian\",\"namespace\":\"test\",\"repo_full_name\":"
		"\"test/debian\",\"repo_type\":\"private\"}}}",
		"hub.acme.example:8443/test/debian:latest");
	says("harbor",
		"{\"specversion\":\"1.0\",\"id\":\"66cc\",\"source\":\"/projects/2/webhook/"
		"policies/15\","
		"\"type\":\"harbor.artifact.pushed\",\"datacontenttype\":\"application/"
		"json\",\"data\":"
		"{\"resources\":[{\"digest\":\"sha256:9b\",\"tag\":\"v2\",\"resource_url\":"
		"\"hub.acme.example/test/debian:v2\"}],\"repository\":{\"name\":\"debian\"}}}",
		"hub.acme.example/test/debian:v2");
	says("harbor",
		"{\"type\":\"DELETE_ARTIFACT\",\"event_data\":{\"resources\":[{\"resource_url\":"
		"\"hub.acme.example/test/debian:latest\"}]}}",
		"");
	says("harbor", "no json", "");
	says("harbor", "{\"type\":\"PUSH_ARTIFACT\",\"event_data\":[1]}", "");
}
END_TEST

static void nexus(const char *body, const char *want)
{
	pushed(&(struct ask){.type = "nexus",
		       .headers = {"X-Nexus-Webhook-Signature",
			       mac_text("", EVP_sha1(), TOKEN, body, false)},
		       .body = body},
		want);
}

START_TEST(test_nexus)
{
	nexus("{\"timestamp\":\"2026-01-31T09:30:00.5+0000\",\"nodeId\":\"52905B51\",\"initiator\":"
	      "\"admin/192.0.2.1\",\"repositoryName\":\"docker-hosted\",\"action\":\"CREATED\","
	      "\"component\":{\"id\":\"08909bf0\",\"componentId\":\"bnBtLX\",\"format\":\"docker\","
	      "\"name\":\"team/shop\",\"group\":null,\"version\":\"1.2.0\"}}",
		"/team/shop:1.2.0");
	nexus("{\"repositoryName\":\"docker-hosted\",\"action\":\"UPDATED\",\"asset\":{\"id\":"
	      "\"3c\","
	      "\"format\":\"docker\",\"name\":\"v2/team/shop/manifests/1.2.0\"}}",
		"/team/shop:1.2.0");
	nexus("{\"action\":\"UPDATED\",\"asset\":{\"format\":\"docker\",\"name\":"
	      "\"v2/team/shop/manifests/sha256:0a\"}}",
		"");
	nexus("{\"action\":\"DELETED\",\"component\":{\"format\":\"docker\",\"name\":\"shop\","
	      "\"version\":\"1\"}}",
		"");
	nexus("{\"action\":\"CREATED\",\"component\":{\"format\":\"npm\",\"name\":\"shop\","
	      "\"version\":\"1\"}}",
		"");
}
END_TEST

static void github(const char *event, const char *body, const char *want)
{
	pushed(&(struct ask){.type = "github",
		       .headers = {"X-GitHub-Event", event, "Content-Type", "application/json",
			       "X-Hub-Signature-256",
			       mac_text("sha256=", EVP_sha256(), TOKEN, body, false)},
		       .body = body},
		want);
}

START_TEST(test_github)
{
	static const char *const package =
		"{\"action\":\"published\",\"package\":{\"id\":1,\"name\":\"shop\",\"namespace\":"
		"\"Acme\","
		"\"package_type\":\"CONTAINER\",\"owner\":{\"login\":\"Acme\"},\"package_version\":"
		"{"
		"\"version\":\"sha256:1\",\"container_metadata\":{\"tag\":{\"name\":\"v1\","
		"\"digest\":"
		"\"sha256:1\"}},\"package_url\":\"ghcr.io/acme/shop:v1\"}},\"repository\":{}}";

	github("package", package, "ghcr.io/acme/shop:v1");
	github("push", package, "");
	github("registry_package",
		"{\"action\":\"published\",\"registry_package\":{\"name\":\"web/"
		"shop\",\"namespace\":"
		"\"acme\",\"package_type\":\"container\",\"package_version\":{\"container_"
		"metadata\":"
		"{\"tag\":{\"name\":\"v2\"}}}}}",
		"ghcr.io/acme/web/shop:v2");
	github("package",
		"{\"action\":\"published\",\"package\":{\"name\":\"shop\",\"namespace\":\"acme\","
		"\"package_type\":\"CONTAINER\",\"package_version\":{\"container_metadata\":{"
		"\"tag\":"
		"{\"name\":\"\"}}}}}",
		"");
	github("package",
		"{\"package\":{\"name\":\"shop\",\"namespace\":\"acme\",\"package_type\":\"npm\","
		"\"package_version\":{\"container_metadata\":{\"tag\":{\"name\":\"v1\"}}}}}",
		"");
}
END_TEST

/* No payload makes more of them than the limit. */
START_TEST(test_many)
{
	auto_buf struct buf body = BUF_INIT(BUF_ANY);
	struct ask a = {.type = "quay"};
	struct op *op;
	unsigned i;

	buf_adds(&body, "{\"docker_url\":\"quay.io/acme/shop\",\"updated_tags\":[\"0\"");
	for (i = 1; i < 500; i++)
		buf_addf(&body, ",\"%u\"", i);
	buf_adds(&body, "]}");
	a.body = body.p;
	op = fixture_ask(&f, &a);
	ck_assert_uint_eq(fixture_verdict(&a, op)->pushes.len, 100);
	op_free(op);
}
END_TEST

Suite *suite_push(void)
{
	Suite *s = suite_create("push");
	TCase *t = tcase_create("push");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_dockerhub);
	tcase_add_test(t, test_quay);
	tcase_add_test(t, test_acr);
	tcase_add_test(t, test_harbor);
	tcase_add_test(t, test_nexus);
	tcase_add_test(t, test_github);
	tcase_add_test(t, test_many);
	suite_add_tcase(s, t);
	return s;
}
