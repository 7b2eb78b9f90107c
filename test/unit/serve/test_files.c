#include "serve/files.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/time.h"
#include "ev/reread.h"
#include "http/server.h"
#include "serve/urls.h"
#include "test/unit/http/server_peer.h"
#include "test/unit/store/rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *suite_files(void);

#define BODY "the artifact's bytes"

struct site {
	struct rig r;
	struct serve_files *files;
	struct http_server *server;
	struct peer peer;
};

static void up(struct site *s, struct serve_files_opts opts)
{
	opts.loop = s->r.loop;
	opts.store = s->r.store;
	s->files = serve_files_new(&opts);
	s->server = test_server(s->r.loop,
		(struct http_server_opts){.handler = serve_files_handle, .arg = s->files});
	peer_open(&s->peer, s->r.loop, s->server);
}

static void site_open_with(struct site *s, struct serve_files_opts opts)
{
	memset(s, 0, sizeof(*s));
	rig_open(&s->r);
	up(s, opts);
}

static void site_open(struct site *s)
{
	site_open_with(s, (struct serve_files_opts){0});
}

static void site_close(struct site *s)
{
	peer_close(&s->peer);
	http_server_free(s->server);
	serve_files_free(s->files);
	rig_close(&s->r);
}

/* One request on the open connection; the whole response is in peer.got. Its status. */
static int ask(struct site *s, const char *method, const char *path, const char *fields)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);

	buf_reset(&s->peer.got);
	buf_addf(&b, "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n", method, path, fields);
	peer_send(&s->peer, b.p, b.len);
	return atoi(peer_responses(&s->peer, 1, !strcmp(method, "HEAD")));
}

static const char *body(struct site *s)
{
	const char *end = strstr(buf_str(&s->peer.got), "\r\n\r\n");

	return end ? end + 4 : "";
}

static bool has(struct site *s, const char *text)
{
	return strstr(buf_str(&s->peer.got), text) != NULL;
}

/* ---- paths */

static const struct path_row {
	const char *path;
	int want;
} PATHS[] = {
	{"/" PATH_1, 200},
	{"/" DIR_A "/sha256%3A" HEX64("11") ".tar.gz", 200},
	{"/" DIR_A "/sha256%3a" HEX64("11") ".tar.gz", 200},
	{"/" DIR_A "/latest.tar.gz", 200},
	{"/" PATH_1 "?x=y", 200},
	{"/%6fcirepository/apps/web/" FILE_1,
		200}, /* unreserved: the same URI (RFC 3986 6.2.2.2) */
	{"/" PATH_2, 404},
	{"/" DIR_A "/", 404},
	{"/" DIR_A, 404},
	{"/ocirepository/", 404},
	{"//" PATH_1, 404},
	{"/" DIR_A "//" FILE_1, 404},
	{"/" PATH_1 "/", 404},
	{"/./" PATH_1, 404},
	{"/ocirepository/apps/../apps/web/" FILE_1, 404},
	{"/ocirepository/apps/%2e%2e/apps/web/" FILE_1, 404},
	{"/../../../../../../etc/passwd", 404},
	{"/..%2f..%2f..%2fetc%2fpasswd", 404},
	{"/" DIR_A "%2F" FILE_1, 404},
	{"/" DIR_A "/sha256%2F" HEX64("11") ".tar.gz", 404},
	{"/" DIR_A "/" FILE_1 "%00", 404},
	{"/" DIR_A "/notes.txt", 404},
	{"/.tmp/x", 404},
	{"/.tmp/apps/web/" FILE_1, 404},
	{"/index.html", 404},
	{"/metrics", 404},
};

START_TEST(test_path)
{
	struct site s;
	const struct path_row *row = &PATHS[_i];
	int got;

	site_open(&s);
	rig_publish(&s.r, PATH_1, BODY);
	store_set_current(s.r.store, DIR_A, PATH_1);
	rig_write(&s.r, DIR_A "/notes.txt", "secret");
	got = ask(&s, "GET", row->path, "");
	ck_assert_msg(got == row->want, "'%s': %d, want %d", row->path, got, row->want);
	if (got == 200)
		ck_assert_str_eq(body(&s), BODY);
	else
		ck_assert(!has(&s, BODY) && !has(&s, "secret") && !has(&s, "root:"));
	site_close(&s);
}
END_TEST

/* ---- fields */

START_TEST(test_fields)
{
	struct site s;
	char digest[DIGEST_TEXT_MAX], text[256], full[256];
	struct digest d = rig_digest(BODY);
	struct stat st;

	site_open(&s);
	rig_publish(&s.r, PATH_1, BODY);
	ck_assert_int_eq(ask(&s, "GET", "/" PATH_1, ""), 200);
	snprintf(text, sizeof(text), "\r\nETag: \"%s\"\r\n", digest_format(&d, digest));
	ck_assert(has(&s, text));
	ck_assert(has(&s, "\r\nContent-Type: application/gzip\r\n"));
	ck_assert(has(&s, "\r\nAccept-Ranges: bytes\r\n"));
	ck_assert(has(&s, "\r\nContent-Length: 20\r\n"));
	snprintf(full, sizeof(full), "%s/" PATH_1, s.r.dir);
	ck_assert_int_eq(stat(full, &st), 0);
	{
		char date[TIME_TEXT_MAX];

		snprintf(text, sizeof(text), "\r\nLast-Modified: %s\r\n",
			time_format_http(st.st_mtim.tv_sec * 1000, date));
		ck_assert(has(&s, text));
		snprintf(text, sizeof(text), "If-Modified-Since: %s\r\n", date);
		ck_assert_int_eq(ask(&s, "GET", "/" PATH_1, text), 304);
		ck_assert(!has(&s, "Content-Length"));
		ck_assert_str_eq(body(&s), "");
	}
	snprintf(text, sizeof(text), "If-None-Match: \"%s\"\r\n", digest);
	ck_assert_int_eq(ask(&s, "GET", "/" PATH_1, text), 304);
	ck_assert(has(&s, "\r\nETag: "));
	ck_assert_int_eq(ask(&s, "HEAD", "/" PATH_1, ""), 200);
	ck_assert(has(&s, "\r\nContent-Length: 20\r\n"));
	ck_assert_str_eq(body(&s), "");
	ck_assert_int_eq(ask(&s, "GET", "/" PATH_1, "If-Match: \"no\"\r\n"), 412);
	ck_assert_int_eq(ask(&s, "POST", "/" PATH_1, ""), 405);
	ck_assert(has(&s, "\r\nAllow: GET, HEAD\r\n"));
	ck_assert_int_eq(ask(&s, "DELETE", "/" PATH_1, ""), 405);
	ck_assert_int_eq(ask(&s, "OPTIONS", "/", ""), 405);
	ck_assert_int_eq(ask(&s, "GET", "/" PATH_1, ""), 200); /* the connection lived all along */
	site_close(&s);
}
END_TEST

static const struct part_row {
	const char *fields;
	int status;
	const char *range, *body;
} PARTS[] = {
	{"Range: bytes=4-11\r\n", 206, "Content-Range: bytes 4-11/20\r\n", "artifact"},
	{"Range: bytes=-5\r\n", 206, "Content-Range: bytes 15-19/20\r\n", "bytes"},
	{"Range: bytes=15-\r\n", 206, "Content-Range: bytes 15-19/20\r\n", "bytes"},
	{"Range: bytes=20-\r\n", 416, "Content-Range: bytes */20\r\n", NULL},
	{"Range: bytes=0-1,3-4\r\n", 200, "Content-Length: 20\r\n", BODY},
	{"Range: bytes=0-1\r\nRange: bytes=3-4\r\n", 200, "Content-Length: 20\r\n", BODY},
	{"Range: rubbish\r\n", 200, "Content-Length: 20\r\n", BODY},
	{"Range: bytes=0-2\r\nIf-Range: \"other\"\r\n", 200, "Content-Length: 20\r\n", BODY},
};

START_TEST(test_part)
{
	const struct part_row *row = &PARTS[_i];
	struct site s;

	site_open(&s);
	rig_publish(&s.r, PATH_1, BODY);
	ck_assert_int_eq(ask(&s, "GET", "/" PATH_1, row->fields), row->status);
	ck_assert_msg(has(&s, row->range), "%s", buf_str(&s.peer.got));
	if (row->body)
		ck_assert_str_eq(body(&s), row->body);
	/* Range means nothing to HEAD (RFC 9110 section 14.2) */
	ck_assert_int_eq(ask(&s, "HEAD", "/" PATH_1, row->fields), 200);
	site_close(&s);
}
END_TEST

/* ---- readiness and waiting */

START_TEST(test_ready)
{
	struct site s;

	memset(&s, 0, sizeof(s));
	rig_open_raw(&s.r);
	up(&s, (struct serve_files_opts){0});
	ck_assert_int_eq(ask(&s, "GET", "/", ""), 503);
	ck_assert(has(&s, "\r\nRetry-After: "));
	ck_assert_int_eq(ask(&s, "HEAD", "/", ""), 503);
	rig_scan(&s.r);
	store_promise(s.r.store, PATH_1);
	store_listed(s.r.store);
	ck_assert_int_eq(ask(&s, "GET", "/", ""), 503);
	rig_publish(&s.r, PATH_1, BODY);
	ck_assert_int_eq(ask(&s, "GET", "/", ""), 200);
	ck_assert(!has(&s, "ocirepository")); /* no listing */
	ck_assert_int_eq(ask(&s, "GET", "/?x", ""), 200);
	site_close(&s);
}
END_TEST

static void request(struct site *s, const char *path)
{
	buf_reset(&s->peer.got);
	peer_puts(&s->peer, "GET /");
	peer_puts(&s->peer, path);
	peer_puts(&s->peer, " HTTP/1.1\r\nHost: a\r\n\r\n");
	peer_settle(&s->peer);
	ck_assert_uint_eq(s->peer.got.len, 0);
}

START_TEST(test_wait)
{
	struct site s;
	struct serve_files_stats st;

	site_open(&s);
	store_claim(s.r.store, DIR_A);
	store_set_current(s.r.store, DIR_A, PATH_1);
	store_promise(s.r.store, PATH_1);
	request(&s, PATH_1);
	rig_publish(&s.r, PATH_1, BODY);
	ck_assert_str_eq(peer_responses(&s.peer, 1, 0), "200");
	ck_assert_str_eq(body(&s), BODY);
	/* given up: 404; the latest link waits as well */
	store_promise(s.r.store, PATH_2);
	request(&s, PATH_2);
	store_promise_end(s.r.store, PATH_2);
	ck_assert_str_eq(peer_responses(&s.peer, 1, 0), "404");
	serve_files_stats(s.files, &st);
	ck_assert_uint_eq(st.waited, 2);
	ck_assert_uint_eq(st.hits, 1);
	ck_assert_uint_eq(st.not_found, 1);
	site_close(&s);
}
END_TEST

START_TEST(test_wait_in_vain)
{
	struct site s;

	clock_fake(1700000000000);
	site_open(&s);
	store_promise(s.r.store, PATH_1);
	request(&s, PATH_1);
	loop_test_advance(s.r.loop, 19999);
	peer_settle(&s.peer);
	ck_assert_uint_eq(s.peer.got.len, 0);
	loop_test_advance(s.r.loop, 1);
	ck_assert_str_eq(peer_responses(&s.peer, 1, 0), "503");
	ck_assert(has(&s, "\r\nRetry-After: 5\r\n"));
	/* the file comes later: the same connection gets it */
	rig_publish(&s.r, PATH_1, BODY);
	ck_assert_int_eq(ask(&s, "GET", "/" PATH_1, ""), 200);
	site_close(&s);
}
END_TEST

/* RFC 7240: who says how long he waits. What is no number of seconds counts for nothing. */
static const struct {
	const char *prefer;
	unsigned ms;
} PREFER[] = {{"wait=0", 0}, {"wait=2", 2000}, {"respond-async, WAIT=3", 3000}, {"wait=99", 20000},
	{"wait=99999999999999999999999", 20000}, {"wait=-1", 20000}, {"wait", 20000},
	{"await=1", 20000}, {",,,wait=1", 1000}};

START_TEST(test_prefer)
{
	struct site s;

	clock_fake(1700000000000);
	site_open(&s);
	store_promise(s.r.store, PATH_1);
	peer_puts(&s.peer, "GET /" PATH_1 " HTTP/1.1\r\nHost: a\r\nPrefer: ");
	peer_puts(&s.peer, PREFER[_i].prefer);
	peer_puts(&s.peer, "\r\n\r\n");
	if (PREFER[_i].ms) {
		loop_test_advance(s.r.loop, PREFER[_i].ms - 1);
		peer_settle(&s.peer);
		ck_assert_uint_eq(s.peer.got.len, 0);
		loop_test_advance(s.r.loop, 1);
	}
	ck_assert_str_eq(peer_responses(&s.peer, 1, 0), "503");
	site_close(&s);
}
END_TEST

/* So many wait at a time, and no more: others need places, too. */
START_TEST(test_few_wait)
{
	struct site s;
	struct peer other;
	int i;

	clock_fake(1700000000000);
	site_open_with(&s, (struct serve_files_opts){.waiting = 1});
	store_promise(s.r.store, PATH_1);
	rig_publish(&s.r, PATH_2, BODY);
	for (i = 0; i < 2; i++) {
		request(&s, PATH_1);
		peer_open(&other, s.r.loop, s.server);
		peer_puts(&other,
			"GET /" PATH_1 " HTTP/1.1\r\nHost: a\r\n\r\n"
			"GET /" PATH_2 " HTTP/1.1\r\nHost: a\r\n\r\n");
		ck_assert_str_eq(peer_responses(&other, 2, 0), "503 200");
		ck_assert_ptr_nonnull(strstr(buf_str(&other.got), "\r\nRetry-After: 5\r\n"));
		peer_close(&other);
		loop_test_advance(s.r.loop, 20000);
		ck_assert_str_eq(peer_responses(&s.peer, 1, 0), "503");
	}
	site_close(&s);
}
END_TEST

/* Requests before the first list wait for it; what nobody names is 404 then. */
START_TEST(test_wait_for_list)
{
	struct site s;

	memset(&s, 0, sizeof(s));
	rig_open_raw(&s.r);
	up(&s, (struct serve_files_opts){0});
	request(&s, PATH_1);
	rig_scan(&s.r);
	peer_settle(&s.peer);
	ck_assert_uint_eq(s.peer.got.len, 0);
	store_listed(s.r.store);
	ck_assert_str_eq(peer_responses(&s.peer, 1, 0), "404");
	site_close(&s);
}
END_TEST

START_TEST(test_client_leaves)
{
	struct site s;
	struct store_stats st;

	clock_fake(1700000000000);
	site_open(&s);
	store_promise(s.r.store, PATH_1);
	request(&s, PATH_1);
	store_stats(s.r.store, &st);
	ck_assert_uint_eq(st.waiting, 1);
	peer_close(&s.peer);
	rig_settle(&s.r);
	loop_test_advance(s.r.loop, 30000); /* it might have closed one side only */
	store_stats(s.r.store, &st);
	ck_assert_uint_eq(st.waiting, 0);
	rig_publish(&s.r, PATH_1, BODY);
	site_close(&s);
}
END_TEST

/* The two-phase change: whoever asks in between gets the new bytes, or the old ones when it was
   refused. */
START_TEST(test_held)
{
	struct site s;

	site_open(&s);
	rig_publish(&s.r, PATH_1, "old");
	store_set_current(s.r.store, DIR_A, PATH_1);
	ck_assert_int_eq(rig_prepare(&s.r, PATH_1, "new", NULL), ERR_NONE);
	request(&s, PATH_1);
	ck_assert_int_eq(rig_end(&s.r, store_commit_start(s.r.store, PATH_1), NULL), ERR_NONE);
	ck_assert_str_eq(peer_responses(&s.peer, 1, 0), "200");
	ck_assert_str_eq(body(&s), "new");
	ck_assert_int_eq(rig_prepare(&s.r, PATH_1, "newer", NULL), ERR_NONE);
	request(&s, DIR_A "/latest.tar.gz");
	store_abandon(s.r.store, PATH_1);
	ck_assert_str_eq(peer_responses(&s.peer, 1, 0), "200");
	ck_assert_str_eq(body(&s), "new");
	site_close(&s);
}
END_TEST

#ifdef TEST_BUILD
/* The kernel cannot say whether opening would wait for a disk: a worker opens. A disk that fails is
   a 503, not a 404. */
START_TEST(test_cold)
{
	struct site s;

	site_open(&s);
	rig_publish(&s.r, PATH_1, BODY);
	sys_fault_openat2(ENOSYS);
	ck_assert_int_eq(ask(&s, "GET", "/" PATH_1, ""), 200);
	ck_assert_str_eq(body(&s), BODY);
	sys_fault_after(SYS_OPEN, 1, EIO);
	ck_assert_int_eq(ask(&s, "GET", "/" PATH_1, ""), 503);
	sys_fault_clear();
	ck_assert_int_eq(ask(&s, "GET", "/" PATH_1, ""), 200);
	/* while the worker looks, the client leaves */
	sys_fault_openat2(ENOSYS);
	peer_puts(&s.peer, "GET /" PATH_1 " HTTP/1.1\r\nHost: a\r\n\r\n");
	peer_close(&s.peer);
	rig_settle(&s.r);
	sys_fault_clear();
	site_close(&s);
}
END_TEST
#endif

/* ---- clients that ask too often */

static struct serve_files_stats stats(const struct site *s)
{
	struct serve_files_stats st;

	serve_files_stats(s->files, &st);
	return st;
}

START_TEST(test_rate)
{
	struct site s;
	struct peer own;
	int i;

	clock_fake(1700000000000);
	site_open_with(&s, (struct serve_files_opts){.rate = 2});
	rig_publish(&s.r, PATH_1, BODY);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(
			ask(&s, "GET", i % 2 ? "/nothing" : "/" PATH_1, ""), i % 2 ? 404 : 200);
	ck_assert_int_eq(ask(&s, "GET", "/" PATH_1, ""), 429);
	ck_assert(has(&s, "\r\nRetry-After: 1\r\n"));
	ck_assert_str_eq(body(&s), "too many requests from this address\n");
	ck_assert_int_eq(ask(&s, "HEAD", "/" PATH_1, ""), 429);
	ck_assert_int_eq(ask(&s, "PUT", "/" PATH_1, ""), 429);
	ck_assert_uint_eq(stats(&s).limited, 3);
	/* The connection is as good as before, and the probe is not counted. */
	store_listed(s.r.store);
	rig_settle(&s.r);
	for (i = 0; i < 10; i++)
		ck_assert_int_ne(ask(&s, "GET", "/", ""), 429);
	/* Whoever comes from another address has not asked yet. */
	peer_open_from(&own, s.r.loop, s.server, "127.0.0.2");
	peer_puts(&own, "GET /" PATH_1 " HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_str_eq(peer_responses(&own, 1, 0), "200");
	peer_close(&own);
	loop_test_advance(s.r.loop, 500);
	ck_assert_int_eq(ask(&s, "GET", "/" PATH_1, ""), 200);
	ck_assert_int_eq(ask(&s, "GET", "/" PATH_1, ""), 429);
	ck_assert_uint_eq(stats(&s).limited, 4);
	site_close(&s);
}
END_TEST

START_TEST(test_no_rate)
{
	struct site s;
	int i;

	site_open(&s);
	rig_publish(&s.r, PATH_1, BODY);
	for (i = 0; i < 1000; i++)
		ck_assert_int_eq(ask(&s, "GET", "/" PATH_1, ""), 200);
	ck_assert_uint_eq(stats(&s).limited, 0);
	site_close(&s);
}
END_TEST

/* ---- URLs with a secret */

#define ELEMENT_MAX (SERVE_URL_PATH_MAX + 1)

/* "/<element>/<path>" */
static char *secret_path(const struct serve_urls *u, const char *path, char out[ELEMENT_MAX])
{
	*out = '/';
	serve_urls_path(u, path, out + 1);
	return out;
}

struct guarded {
	struct site s;
	struct serve_urls *urls;
	struct reread *file;
};

static void guarded_open(struct guarded *g)
{
	char name[] = "/tmp/oci-unit-secret-XXXXXX";
	struct err err = {0};
	int fd = mkstemp(name);

	ck_assert_int_eq(write(fd, "a secret of some length\n", 24), 24);
	close(fd);
	memset(g, 0, sizeof(*g));
	g->urls = serve_urls_new();
	rig_open(&g->s.r);
	g->file = serve_urls_file(g->s.r.loop, g->urls, name, &err);
	ck_assert_msg(g->file != NULL, "%s", err.msg);
	unlink(name);
	up(&g->s, (struct serve_files_opts){.urls = g->urls});
	rig_publish(&g->s.r, PATH_1, BODY);
	store_set_current(g->s.r.store, DIR_A, PATH_1);
}

static void guarded_close(struct guarded *g)
{
	reread_free(g->file);
	peer_close(&g->s.peer);
	http_server_free(g->s.server);
	serve_files_free(g->s.files);
	serve_urls_free(g->urls);
	rig_close(&g->s.r);
}

START_TEST(test_secret)
{
	struct guarded g;
	char path[ELEMENT_MAX], latest[ELEMENT_MAX], text[ELEMENT_MAX + 8];

	guarded_open(&g);
	secret_path(g.urls, PATH_1, path);
	ck_assert_int_eq(ask(&g.s, "GET", path, ""), 200);
	ck_assert_str_eq(body(&g.s), BODY);
	ck_assert_int_eq(ask(&g.s, "HEAD", path, ""), 200);
	ck_assert_int_eq(ask(&g.s, "GET", path, "Range: bytes=4-7\r\n"), 206);
	ck_assert_str_eq(body(&g.s), "arti");
	secret_path(g.urls, DIR_A "/latest.tar.gz", latest);
	ck_assert_int_eq(ask(&g.s, "GET", latest, ""), 200);
	ck_assert_str_eq(body(&g.s), BODY);
	/* the colon may come encoded here, too */
	snprintf(text, sizeof(text), "%.*s%%3A%s", (int)(strchr(path, ':') - path), path,
		strchr(path, ':') + 1);
	ck_assert_int_eq(ask(&g.s, "GET", text, ""), 200);
	/* the probe has no secret */
	ck_assert_int_ne(ask(&g.s, "GET", "/", ""), 404);
	guarded_close(&g);
}
END_TEST

/* The answer is the same as for a file that is not there, and as quick where others wait for it. */
START_TEST(test_no_secret)
{
	struct guarded g;
	char path[ELEMENT_MAX], other[ELEMENT_MAX];
	auto_free char *want = NULL;
	struct serve_files_stats st;
	int i;

	clock_fake(1700000000000);
	guarded_open(&g);
	store_promise(g.s.r.store, PATH_2);
	ck_assert_int_eq(ask(&g.s, "GET", "/" DIR_A "/sha256:" HEX64("33") ".tar.gz", ""), 404);
	want = mem_strdup(buf_str(&g.s.peer.got));
	for (i = 0; i < 6; i++) {
		secret_path(g.urls, i < 3 ? PATH_1 : PATH_2, path);
		if (i % 3 == 0) {
			memmove(path, path + 65, strlen(path + 65) + 1); /* no element */
		} else if (i % 3 == 1) {
			path[64] = path[64] == '0' ? '1' : '0';
		} else {
			secret_path(g.urls, i < 3 ? PATH_2 : PATH_1, other);
			memcpy(path, other, 65); /* that of another file */
		}
		ck_assert_int_eq(ask(&g.s, "GET", path, ""), 404);
		ck_assert_str_eq(buf_str(&g.s.peer.got), want);
	}
	serve_files_stats(g.s.files, &st);
	ck_assert_uint_eq(st.not_found, 7);
	ck_assert_uint_eq(st.waited, 0);
	ck_assert_uint_eq(st.hits, 0);
	guarded_close(&g);
}
END_TEST

Suite *suite_files(void)
{
	Suite *s = suite_create("files");
	TCase *t = tcase_create("files");

	tcase_add_loop_test(t, test_path, 0, (int)ARRAY_LEN(PATHS));
	tcase_add_test(t, test_fields);
	tcase_add_loop_test(t, test_part, 0, (int)ARRAY_LEN(PARTS));
	tcase_add_test(t, test_ready);
	tcase_add_test(t, test_wait);
	tcase_add_test(t, test_wait_in_vain);
	tcase_add_loop_test(t, test_prefer, 0, (int)ARRAY_LEN(PREFER));
	tcase_add_test(t, test_few_wait);
	tcase_add_test(t, test_wait_for_list);
	tcase_add_test(t, test_client_leaves);
	tcase_add_test(t, test_held);
	tcase_add_test(t, test_rate);
	tcase_add_test(t, test_no_rate);
	tcase_add_test(t, test_secret);
	tcase_add_test(t, test_no_secret);
#ifdef TEST_BUILD
	tcase_add_test(t, test_cold);
#endif
	suite_add_tcase(s, t);
	return s;
}
