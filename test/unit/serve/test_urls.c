#include "serve/urls.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "ev/loop.h"
#include "ev/reread.h"
#include "ev/work.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Suite *suite_urls(void);

#define FIRST "correct horse battery staple"
#define SECOND "0123456789abcdef"
#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define PATH "ocirepository/apps/web/sha256:" HEX ".tar.gz"
#define LATEST "ocirepository/apps/web/latest.tar.gz"
/* printf %s PATH | openssl dgst -sha256 -hmac FIRST */
#define ELEMENT "39c1185b6d12f689613c17056005c2d9068bcc77a1f6c0b9c988932682b9b238"

struct keys {
	struct loop *loop;
	struct serve_urls *urls;
	struct reread *file;
	char name[64];
	unsigned taken;
};

static void keys_write(struct keys *k, const char *text, size_t n)
{
	FILE *f = fopen(k->name, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, n, f), n);
	fclose(f);
}

static void on_taken(void *arg)
{
	((struct keys *)arg)->taken++;
}

static int keys_open(struct keys *k, const char *text, size_t n, struct err *err)
{
	int fd;

	clock_fake(1700000000000);
	log_set_fd(-1);
	*k = (struct keys){.loop = loop_new(), .urls = serve_urls_new()};
	snprintf(k->name, sizeof(k->name), "/tmp/oci-unit-urls-XXXXXX");
	fd = mkstemp(k->name);
	ck_assert_int_ge(fd, 0);
	close(fd);
	keys_write(k, text, n);
	k->file = serve_urls_file(k->loop, k->urls, k->name, err);
	if (!k->file)
		return -1;
	reread_on_taken(k->file, on_taken, k);
	return 0;
}

static void keys_good(struct keys *k, const char *text)
{
	struct err err = {0};

	ck_assert_msg(!keys_open(k, text, strlen(text), &err), "%s", err.msg);
}

static void next_look(struct keys *k, uint64_t ms)
{
	struct reread_stats before, now;

	reread_stats(k->file, &before);
	loop_test_advance(k->loop, ms);
	do {
		loop_turn(k->loop, false);
		reread_stats(k->file, &now);
	} while (now.looks == before.looks);
}

/* The file says something else, and has been looked at twice. */
static void keys_change(struct keys *k, const char *text)
{
	keys_write(k, text, strlen(text));
	next_look(k, REREAD_MS);
	next_look(k, REREAD_AGAIN_MS);
}

static void keys_close(struct keys *k)
{
	reread_free(k->file);
	loop_settle(k->loop);
	serve_urls_free(k->urls);
	unlink(k->name);
	ck_assert_int_eq(loop_free(k->loop), 0);
}

static bool opens(const struct keys *k, const char *asked, const char *path)
{
	const char *got = serve_urls_open(k->urls, asked);

	ck_assert(!got || !strcmp(got, path));
	return got;
}

START_TEST(test_none)
{
	struct serve_urls *u = serve_urls_new();
	char out[SERVE_URL_PATH_MAX];

	ck_assert(!serve_urls_secret(u));
	ck_assert_str_eq(serve_urls_path(u, PATH, out), PATH);
	ck_assert_str_eq(serve_urls_open(u, PATH), PATH);
	ck_assert(serve_urls_current(u, "http://host/" PATH, PATH));
	ck_assert(serve_urls_current(u, "https://host:1/a/b/" PATH, PATH));
	/* A secret was in use. */
	ck_assert(!serve_urls_current(u, "http://host/" ELEMENT "/" PATH, PATH));
	ck_assert(!serve_urls_current(u, "http://host/a/" HEX "/" PATH, PATH));
	ck_assert(!serve_urls_current(u, "http://host/" LATEST, PATH));
	ck_assert(!serve_urls_current(u, "http://host/x" PATH, PATH));
	ck_assert(!serve_urls_current(u, PATH, PATH));
	ck_assert(!serve_urls_current(u, "", PATH));
	serve_urls_free(u);
}
END_TEST

START_TEST(test_element)
{
	struct keys k;
	char out[SERVE_URL_PATH_MAX], other[SERVE_URL_PATH_MAX];

	keys_good(&k, FIRST "\n");
	ck_assert(serve_urls_secret(k.urls));
	ck_assert_str_eq(serve_urls_path(k.urls, PATH, out), ELEMENT "/" PATH);
	ck_assert(opens(&k, out, PATH));
	/* another file's, none, half of one, one too many */
	serve_urls_path(k.urls, LATEST, other);
	ck_assert(opens(&k, other, LATEST));
	ck_assert_int_ne(memcmp(other, out, 64), 0);
	memcpy(other, out, 64);
	ck_assert(!opens(&k, other, ""));
	ck_assert(!opens(&k, PATH, ""));
	ck_assert(!opens(&k, out + 1, ""));
	ck_assert(!opens(&k, "", ""));
	ck_assert(!opens(&k, HEX, ""));
	ck_assert(!opens(&k, HEX "/", ""));
	ck_assert(!opens(&k, HEX "/" PATH, ""));
	out[0] = (char)(out[0] ^ 1);
	ck_assert(!opens(&k, out, ""));
	ck_assert(serve_urls_current(k.urls, "http://host/" ELEMENT "/" PATH, PATH));
	ck_assert(!serve_urls_current(k.urls, "http://host/" PATH, PATH));
	ck_assert(!serve_urls_current(k.urls, "http://host/" HEX "/" PATH, PATH));
	keys_close(&k);
}
END_TEST

/* Lines end with CRLF too, and empty ones do not count. */
START_TEST(test_rotation)
{
	struct keys k;
	char old[SERVE_URL_PATH_MAX], now[SERVE_URL_PATH_MAX];

	keys_good(&k, FIRST);
	serve_urls_path(k.urls, PATH, old);
	keys_change(&k, "\r\n" SECOND "\r\n\n" FIRST "\r\n");
	ck_assert_uint_eq(k.taken, 1);
	serve_urls_path(k.urls, PATH, now);
	ck_assert_str_ne(now, old);
	ck_assert(opens(&k, now, PATH) && opens(&k, old, PATH));
	ck_assert(!serve_urls_current(k.urls, "http://host/" ELEMENT "/" PATH, PATH));
	/* A file that is of no use changes nothing. */
	keys_change(&k, "short\n");
	ck_assert_uint_eq(k.taken, 1);
	ck_assert(opens(&k, now, PATH) && opens(&k, old, PATH));
	/* The old one is given up. */
	keys_change(&k, SECOND "\n");
	ck_assert_uint_eq(k.taken, 2);
	ck_assert(opens(&k, now, PATH) && !opens(&k, old, PATH));
	keys_close(&k);
}
END_TEST

#define LINES_8 \
	SECOND "\n" SECOND "\n" SECOND "\n" SECOND "\n" SECOND "\n" SECOND "\n" SECOND "\n" SECOND \
	       "\n"

static const struct {
	const char *text;
	size_t n;
	const char *says; /* NULL: it is fine */
} FILES[] = {
	{SECOND, 16, NULL},
	{LINES_8, sizeof(LINES_8) - 1, NULL},
	{"", 0, "there is no secret"},
	{"\n\r\n\n", 4, "there is no secret"},
	{SECOND "\nfifteen letters\n", 33,
		"line 2 is no secret: it must have at least 16 characters"},
	{"fifteen letters\r\n", 17, "line 1 is no secret"},
	{"sixteen\0letters!\n", 17, "line 1 is no secret"},
	{LINES_8 SECOND, sizeof(LINES_8 SECOND) - 1, "there are more than 8 secrets"},
};

START_TEST(test_file)
{
	struct keys k;
	struct err err = {0};
	int rc = keys_open(&k, FILES[_i].text, FILES[_i].n, &err);

	ck_assert_int_eq(rc, FILES[_i].says ? -1 : 0);
	if (rc) {
		ck_assert_msg(strstr(err.msg, FILES[_i].says) != NULL, "%s", err.msg);
		ck_assert_ptr_nonnull(strstr(err.msg, k.name));
		ck_assert_ptr_null(strstr(err.msg, "letters"));
		ck_assert(!serve_urls_secret(k.urls));
	}
	keys_close(&k);
}
END_TEST

START_TEST(test_large_file)
{
	struct keys k;
	struct err err = {0};
	auto_free char *text = mem_array(NULL, LIMIT_URL_SECRET_FILE + 1, 1);

	memset(text, 'x', LIMIT_URL_SECRET_FILE + 1);
	ck_assert_int_eq(keys_open(&k, text, LIMIT_URL_SECRET_FILE, &err), 0);
	keys_close(&k);
	ck_assert_int_eq(keys_open(&k, text, LIMIT_URL_SECRET_FILE + 1, &err), -1);
	ck_assert_ptr_null(strstr(err.msg, "xxx"));
	keys_close(&k);
}
END_TEST

Suite *suite_urls(void)
{
	Suite *s = suite_create("urls");
	TCase *t = tcase_create("urls");

	tcase_add_test(t, test_none);
	tcase_add_test(t, test_element);
	tcase_add_test(t, test_rotation);
	tcase_add_loop_test(t, test_file, 0, sizeof(FILES) / sizeof(*FILES));
	tcase_add_test(t, test_large_file);
	suite_add_tcase(s, t);
	return s;
}
