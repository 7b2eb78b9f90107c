#include "serve/metrics.h"

#include "base/mem.h"
#include "base/metrics.h"
#include "test/unit/http/server_peer.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_metrics(void);

START_TEST(test_page)
{
	struct loop *l = loop_new();
	struct metrics *m = metrics_new();
	struct metric_family *f =
		metrics_histogram(m, "d_seconds", "Durations.", "name", METRICS_RECONCILE_BUCKETS);
	struct http_server *s;
	struct peer p;
	char name[32];
	int i;

	for (i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "object-%d", i);
		metric_observe(metric_series(f, name), 0.5);
	}
	s = test_server(l, (struct http_server_opts){.handler = serve_metrics_handle, .arg = m});
	peer_open(&p, l, s);
	peer_puts(&p,
		"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n"
		"POST /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_str_eq(peer_responses(&p, 3, 0), "200 404 405");
	ck_assert_ptr_nonnull(strstr(p.got.p, "Content-Type: text/plain; version=0.0.4"));
	ck_assert_ptr_nonnull(strstr(p.got.p, "\nd_seconds_count{name=\"object-1999\"} 1\n"));
	/* a client that leaves in the middle, a series that goes in the middle */
	peer_puts(&p, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
	metric_remove(metric_series(f, "object-7"));
	peer_close(&p);
	peer_open(&p, l, s);
	peer_puts(&p, "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_str_eq(peer_responses(&p, 1, 1), "200");
	peer_close(&p);
	http_server_free(s);
	metrics_free(m);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

Suite *suite_metrics(void)
{
	Suite *s = suite_create("metrics");
	TCase *t = tcase_create("metrics");

	tcase_add_test(t, test_page);
	suite_add_tcase(s, t);
	return s;
}
