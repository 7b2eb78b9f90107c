/* The HTTP side: targets, methods, sizes, and who is not ready. */
#include "base/limits.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/obj.h"
#include "ev/account.h"
#include "ev/loop.h"
#include "test/unit/receiver/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

Suite *suite_hooks(void);

#define GENERIC \
	"\"type\":\"generic\",\"secretRef\":{\"name\":\"t\"},\"resources\":[{\"kind\":" \
	"\"OCIRepository\",\"name\":\"web\"}]"

static void begin(struct world *w)
{
	world_init(w);
	world_object(w, "ocirepositories", "apps", "web", NULL);
	world_secret(w, "t", TOKEN);
	world_start(w);
	world_receiver(w, GENERIC);
}

/* Has it fired? Forgets it. */
static bool fired(struct world *w)
{
	bool yes = strstr(fake_kube_log(w->kube), "PATCH ocirepositories/web\n") != NULL;

	fake_kube_log_reset(w->kube);
	return yes;
}

START_TEST(rc_03_path_byte_for_byte)
{
	struct world w;
	const char *path;
	char targets[7][256];
	size_t i;

	begin(&w);
	path = world_path(&w);
	snprintf(targets[0], 256, "%s?a=b", path);
	snprintf(targets[1], 256, "%s?", path);
	snprintf(targets[2], 256, "%s/", path);
	snprintf(targets[3], 256, "/hook/%%%02x%s", path[6], path + 7);
	snprintf(targets[4], 256, "http://a%s", path);
	snprintf(targets[5], 256, "/hook/%064d", 0);
	snprintf(targets[6], 256, "/hook/");
	for (i = 0; i < ARRAY_LEN(targets); i++) {
		ck_assert_msg(world_post(&w, targets[i], "", "{}") == 404, "%s", targets[i]);
		ck_assert(!fired(&w));
	}
	ck_assert_int_eq(world_post(&w, "/other", "", "{}"), 404);
	ck_assert_str_eq(w.body, "404 page not found\n");
	ck_assert_int_eq(world_post(&w, world_path(&w), "", "{}"), 200);
	ck_assert_str_eq(w.body, "");
	ck_assert(fired(&w));
	world_clear(&w);
}
END_TEST

/* Somebody writes a path that is not his into the status of his Receiver. */
START_TEST(rc_03_path_of_somebody_else)
{
	auto_free char *path = NULL, *forged = NULL;
	struct world w;
	int i;

	begin(&w);
	path = mem_strdup(world_path(&w));
	fake_kube_delete(w.kube, "receivers", "apps", "hook");
	world_settle(&w);
	world_secret(&w, "own", OTHER_TOKEN);
	for (i = 0; i < 12; i++) {
		auto_free char *name = mem_printf("a%d", i);

		world_receiver_as(&w, name,
			i % 2 ? "\"type\":\"generic\",\"secretRef\":{\"name\":\"own\"},"
				"\"resources\":[]"
			      : "\"type\":\"generic\",\"secretRef\":{\"name\":\"none\"},"
				"\"resources\":[]");
		free(forged);
		forged = mem_printf("{\"status\":{\"webhookPath\":\"%s\",\"conditions\":[{"
				    "\"type\":\"Ready\",\"status\":\"True\",\"reason\":"
				    "\"Succeeded\",\"message\":\"m\",\"lastTransitionTime\":"
				    "\"2020-01-01T00:00:00Z\"}]}}",
			path);
		fake_kube_merge(w.kube, "receivers", "apps", name, forged);
		world_settle(&w);
	}
	world_receiver(&w, GENERIC);
	/* The paths of eight are looked at in one call, and never again before others. */
	for (i = 0; i < 2; i++)
		if (world_post(&w, path, "", "{}") == 200)
			break;
	ck_assert_int_lt(i, 2);
	ck_assert(fired(&w));
	ck_assert_int_eq(world_post(&w, path, "", "{}"), 200);
	world_clear(&w);
}
END_TEST

/* Name and namespace have no boundary in the path: the older object keeps it. */
START_TEST(rc_03_same_path)
{
	struct world w;

	world_init(&w);
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	world_start(&w);
	world_secret(&w, "t", "x");
	/* "x" "hook" "apps" and "xh" "ook" "apps" */
	fake_kube_put(w.kube, "secrets",
		"{\"metadata\":{\"name\":\"u\",\"namespace\":\"apps\"},"
		"\"data\":{\"token\":\"eGg=\"}}");
	fake_kube_put(w.kube, "receivers",
		"{\"metadata\":{\"name\":\"ook\",\"namespace\":\"apps\","
		"\"creationTimestamp\":\"2026-01-03T00:00:00Z\"},"
		"\"spec\":{\"type\":\"generic\",\"secretRef\":{\"name\":\"u\"},\"resources\":["
		"{\"kind\":\"OCIRepository\",\"name\":\"none\"}]}}");
	world_settle(&w);
	fake_kube_put(w.kube, "receivers",
		"{\"metadata\":{\"name\":\"hook\",\"namespace\":\"apps\","
		"\"creationTimestamp\":\"2026-01-02T00:00:00Z\"},"
		"\"spec\":{\"type\":\"generic\",\"secretRef\":{\"name\":\"t\"},\"resources\":["
		"{\"kind\":\"OCIRepository\",\"name\":\"web\"}]}}");
	world_settle(&w);
	ck_assert_str_eq(obj_str_or("", fake_kube_get(w.kube, "receivers", "apps", "ook"), "status",
				 "webhookPath"),
		world_path(&w));
	ck_assert_int_eq(world_post(&w, world_path(&w), "", "{}"), 200);
	ck_assert(fired(&w));
	world_clear(&w);
}
END_TEST

START_TEST(rc_04_redirects)
{
	static const struct {
		const char *target, *to;
	} rows[] = {{"//hook", "/hook/"}, {"/hook", "/hook/"}, {"/./", "/"}, {"//x?q", "/x?q"}};
	struct world w;
	char line[64];
	size_t i;

	begin(&w);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(world_post(&w, rows[i].target, "", "{}"), 307);
		snprintf(line, sizeof(line), "\r\nLocation: %s\r\n", rows[i].to);
		ck_assert_msg(strstr(w.head, line) != NULL, "%s", w.head);
	}
	world_clear(&w);
}
END_TEST

static int post_sized(struct world *w, const char *path, size_t n)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);

	buf_addf(&b,
		"POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
		path, n);
	memset(buf_room(&b, n), 'x', n);
	b.len += n;
	return world_request(w, &w->leader, b.p, b.len);
}

START_TEST(rc_05_body_size)
{
	struct world w;

	begin(&w);
	ck_assert_int_eq(post_sized(&w, world_path(&w), LIMIT_RECEIVER_BODY), 200);
	ck_assert(fired(&w));
	ck_assert_int_eq(post_sized(&w, world_path(&w), LIMIT_RECEIVER_BODY + 1), 413);
	ck_assert_int_eq(post_sized(&w, "/hook/unknown", LIMIT_RECEIVER_BODY + 1), 413);
	ck_assert_int_eq(post_sized(&w, "/hook/unknown", LIMIT_RECEIVER_BODY), 404);
	ck_assert(!fired(&w));
	world_clear(&w);
}
END_TEST

/* What goes to an unknown path is read, and takes no memory. */
START_TEST(rc_05_unknown_path_costs_nothing)
{
	char *data = mem_zalloc(LIMIT_RECEIVER_BODY);
	struct account_stats st;
	struct caller c, d;
	struct world w;

	begin(&w);
	caller_post_part(
		&c, &w, "/hook/unknown", LIMIT_RECEIVER_BODY, data, LIMIT_RECEIVER_BODY - 1);
	world_settle(&w);
	account_stats(w.account, ACCOUNT_BODIES, &st);
	ck_assert_uint_eq(st.held, 0);
	caller_post_part(
		&d, &w, world_path(&w), LIMIT_RECEIVER_BODY, data, LIMIT_RECEIVER_BODY - 1);
	world_settle(&w);
	account_stats(w.account, ACCOUNT_BODIES, &st);
	ck_assert_uint_eq(st.held, LIMIT_RECEIVER_BODY);
	caller_close(&c);
	caller_close(&d);
	free(data);
	world_clear(&w);
}
END_TEST

/* A path that becomes somebody's while the body comes: half a call fires nothing. */
START_TEST(rc_05_path_comes_with_the_body)
{
	auto_free char *path = NULL;
	struct caller c;
	struct world w;

	begin(&w);
	path = mem_strdup(world_path(&w));
	fake_kube_delete(w.kube, "receivers", "apps", "hook");
	world_settle(&w);
	caller_post_part(&c, &w, path, 2, "{", 1);
	world_settle(&w);
	world_receiver(&w, GENERIC);
	ck_assert_str_eq(world_path(&w), path);
	ck_assert_int_eq(send(c.fd, "}", 1, MSG_NOSIGNAL), 1);
	world_settle(&w);
	ck_assert_int_eq(caller_status(&c), 404);
	ck_assert(!fired(&w));
	caller_close(&c);
	ck_assert_int_eq(world_post(&w, path, "", "{}"), 200);
	world_clear(&w);
}
END_TEST

static int post_headers(struct world *w, size_t n)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	size_t i;

	for (i = 0; i < n / 128; i++)
		buf_addf(&b, "X-%04zu: %.*s\r\n", i, 118,
			"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
			"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy");
	return world_post(w, world_path(w), buf_str(&b), "{}");
}

START_TEST(rc_06_headers)
{
	struct world w;

	begin(&w);
	ck_assert_int_eq(post_headers(&w, 255 * 1024), 200);
	ck_assert(fired(&w));
	ck_assert_int_eq(post_headers(&w, 300 * 1024), 431);
	ck_assert(!fired(&w));
	world_clear(&w);
}
END_TEST

static int request(struct world *w, const char *fmt, const char *more)
{
	auto_free char *text = mem_printf("POST %s %s", world_path(w), fmt);
	auto_free char *all = mem_printf("%s%s", text, more);

	return world_request(w, &w->leader, all, strlen(all));
}

START_TEST(rc_07_framing)
{
	struct world w;

	begin(&w);
	ck_assert_int_eq(request(&w,
				 "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
				 "Transfer-Encoding: chunked\r\n\r\n",
				 "2\r\n{}\r\n0\r\n\r\n"),
		200);
	ck_assert(fired(&w));
	ck_assert_int_eq(request(&w, "HTTP/1.0\r\nContent-Length: 2\r\n\r\n", "{}"), 200);
	ck_assert(fired(&w));
	ck_assert_int_eq(request(&w, "HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
				 "zz\r\n{}\r\n0\r\n\r\n"),
		400);
	ck_assert(!fired(&w));
	world_clear(&w);
}
END_TEST

/* Who calls while the process begins is to come again: 404 would be for good. */
START_TEST(rc_08_not_listed_yet)
{
	auto_free char *path = NULL;
	struct world w;

	begin(&w);
	path = mem_strdup(world_path(&w));
	fake_kube_hold(w.kube, "GET receivers/");
	world_follow(&w);
	ck_assert_int_eq(world_post_to(&w, &w.follower, path, "", "{}"), 503);
	ck_assert_int_eq(world_post_to(&w, &w.follower, "/x", "", "{}"), 404);
	fake_kube_hold(w.kube, NULL);
	fake_kube_release(w.kube);
	world_settle(&w);
	ck_assert_int_eq(world_post_to(&w, &w.follower, path, "", "{}"), 200);
	ck_assert_int_eq(world_post_to(&w, &w.follower, "/hook/x", "", "{}"), 404);
	world_clear(&w);
}
END_TEST

START_TEST(rc_08_suspended)
{
	auto_free char *path = NULL;
	struct world w;

	begin(&w);
	path = mem_strdup(world_path(&w));
	fake_kube_merge(w.kube, "receivers", "apps", "hook", "{\"spec\":{\"suspend\":true}}");
	world_settle(&w);
	ck_assert_int_eq(world_post(&w, path, "", "{}"), 503);
	ck_assert_ptr_nonnull(strstr(w.head, "\r\nRetry-After: "));
	ck_assert(!fired(&w));
	world_clear(&w);
}
END_TEST

START_TEST(rc_08_not_ready)
{
	auto_free char *path = NULL;
	struct world w;

	begin(&w);
	path = mem_strdup(world_path(&w));
	fake_kube_merge(
		w.kube, "receivers", "apps", "hook", "{\"spec\":{\"resourceFilter\":\"bad(1)\"}}");
	world_settle(&w);
	ck_assert_int_eq(world_post(&w, path, "", "{}"), 503);
	world_clear(&w);
	/* One that was never ready has no path. */
	world_init(&w);
	world_secret(&w, "t", TOKEN);
	world_start(&w);
	world_receiver(&w, GENERIC ",\"resourceFilter\":\"bad(1)\"");
	ck_assert_str_eq(world_path(&w), "");
	ck_assert_int_eq(world_post(&w, path, "", "{}"), 404);
	world_clear(&w);
}
END_TEST

static int by_method(struct world *w, const char *method)
{
	auto_free char *text = mem_printf(
		"%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", method, world_path(w));

	return world_request(w, &w->leader, text, strlen(text));
}

START_TEST(rc_09_methods)
{
	static const char *const questions[] = {"GET", "HEAD", "OPTIONS"};
	static const char *const others[] = {"PUT", "DELETE", "PATCH"};
	struct world w;
	size_t i;
	int any;

	for (any = 0; any < 2; any++) {
		world_init(&w);
		world_object(&w, "ocirepositories", "apps", "web", NULL);
		world_secret(&w, "t", TOKEN);
		w.opts.any_method = any;
		world_start(&w);
		world_receiver(&w, GENERIC);
		for (i = 0; i < ARRAY_LEN(questions); i++) {
			ck_assert_int_eq(by_method(&w, questions[i]), any ? 200 : 405);
			ck_assert_int_eq(fired(&w), any);
		}
		for (i = 0; i < ARRAY_LEN(others); i++) {
			ck_assert_int_eq(by_method(&w, others[i]), 200);
			ck_assert(fired(&w));
		}
		world_clear(&w);
	}
}
END_TEST

/* Words that callers make up are one word in the metrics. */
START_TEST(test_metrics)
{
	auto_buf struct buf page = BUF_INIT(BUF_ANY);
	struct metrics_scrape *s;
	struct world w;

	begin(&w);
	world_post(&w, world_path(&w), "", "{}");
	world_post(&w, "/hook/x", "", "{}");
	by_method(&w, "PROPFIND");
	by_method(&w, "MKCOL");
	s = metrics_scrape_start(w.leader.metrics);
	while (metrics_scrape_next(s, &page))
		;
	metrics_scrape_end(s);
	ck_assert_ptr_nonnull(strstr(buf_str(&page),
		"gotk_receiver_http_request_duration_seconds_count{service=\"\","
		"handler=\"/hook/\",method=\"POST\",code=\"200\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(buf_str(&page),
		"gotk_receiver_http_response_size_bytes_sum{service=\"\",handler=\"/hook/\","
		"method=\"POST\",code=\"404\"} 26\n"));
	ck_assert_ptr_nonnull(strstr(buf_str(&page), "method=\"other\",code=\"200\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(buf_str(&page),
		"gotk_receiver_http_requests_inflight{service=\"\",handler=\"/hook/\"} 0\n"));
	world_clear(&w);
}
END_TEST

Suite *suite_hooks(void)
{
	Suite *s = suite_create("hooks");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, rc_03_path_byte_for_byte);
	tcase_add_test(t, rc_03_path_of_somebody_else);
	tcase_add_test(t, rc_03_same_path);
	tcase_add_test(t, rc_04_redirects);
	tcase_add_test(t, rc_05_body_size);
	tcase_add_test(t, rc_05_unknown_path_costs_nothing);
	tcase_add_test(t, rc_05_path_comes_with_the_body);
	tcase_add_test(t, rc_06_headers);
	tcase_add_test(t, rc_07_framing);
	tcase_add_test(t, rc_08_not_listed_yet);
	tcase_add_test(t, rc_08_suspended);
	tcase_add_test(t, rc_08_not_ready);
	tcase_add_test(t, rc_09_methods);
	tcase_add_test(t, test_metrics);
	suite_add_tcase(s, t);
	return s;
}
