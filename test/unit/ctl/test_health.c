#include "ctl/health.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "ev/sock.h"
#include "http/server.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool yes(void *arg)
{
	return *(bool *)arg;
}

/* One raw request over a connection of its own; the whole answer. */
static void ask(struct loop *l, const char *address, const char *line, struct buf *out)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	auto_free char *text =
		mem_printf("%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", line);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	uint64_t from = clock_ns();
	char host[SOCK_NAME_MAX], page[1024];
	struct err err = {0};
	unsigned port;
	ssize_t n;

	ck_assert_int_eq(sock_split(address, host, &port, &err), 0);
	to.sin_port = htons((uint16_t)port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	buf_init(out, BUF_ANY);
	while ((n = read(fd, page, sizeof(page)))) {
		if (n > 0)
			buf_add(out, page, (size_t)n);
		else
			ck_assert_int_eq(errno, EAGAIN);
		loop_turn(l, false);
		ck_assert_msg(clock_ns() - from < 10000000000ULL, "no answer to %s", line);
	}
	close(fd);
}

static const struct {
	const char *line;
	bool store, objects;
	const char *status, *body;
	bool page; /* somebody answers what is left */
} ROWS[] = {
	{"GET /healthz", false, false, "HTTP/1.1 200 ", "ok"},
	{"GET /readyz", true, true, "HTTP/1.1 200 ", "ok"},
	{"GET /readyz", true, false, "HTTP/1.1 500 ", "[+]store ok\n[-]objects failed\n"},
	{"GET /readyz", false, false, "HTTP/1.1 500 ", "[-]store failed\n[-]objects failed\n"},
	{"GET /readyz?verbose", true, true, "HTTP/1.1 200 ", "ok"},
	{"HEAD /readyz", true, true, "HTTP/1.1 200 ", ""},
	{"GET /", true, true, "HTTP/1.1 404 ", "not found"},
	{"GET /healthz/x", true, true, "HTTP/1.1 404 ", "not found"},
	{"POST /healthz", true, true, "HTTP/1.1 405 ", "method not allowed"},
	{"GET /", true, true, "HTTP/1.1 200 ", "page of /", true},
	{"GET /x", true, true, "HTTP/1.1 200 ", "page of /x", true},
	{"GET /readyz", true, true, "HTTP/1.1 200 ", "ok", true},
	{"POST /", true, true, "HTTP/1.1 405 ", "method not allowed", true},
};

static char page_word[] = "page";

static void page_answer(void *arg, struct http_exchange *x)
{
	auto_free char *text = mem_printf("%s of %s", (char *)arg, http_x_path(x));

	http_reply_text(x, 200, text);
}

START_TEST(test_answers)
{
	struct loop *l = loop_new();
	struct health h = {0};
	struct err err = {0};
	struct http_server *s;
	struct buf out;
	bool store = ROWS[_i].store, objects = ROWS[_i].objects;
	const char *body;
	int i;

	log_set_fd(-1);
	health_add(&h, "store", yes, &store);
	health_add(&h, "objects", yes, &objects);
	if (ROWS[_i].page) {
		h.others = page_answer;
		h.others_arg = page_word;
	}
	s = http_server_new(l,
		&(struct http_server_opts){.name = "health",
			.address = "127.0.0.1:0",
			.handler = health_handle,
			.arg = &h},
		&err);
	ck_assert_msg(s != NULL, "%s", err.msg);
	ask(l, http_server_address(s), ROWS[_i].line, &out);
	ck_assert_msg(!strncmp(buf_str(&out), ROWS[_i].status, strlen(ROWS[_i].status)), "%s: %s",
		ROWS[_i].line, buf_str(&out));
	body = strstr(buf_str(&out), "\r\n\r\n") + 4;
	ck_assert_msg(
		!strncmp(body, ROWS[_i].body, strlen(ROWS[_i].body)) && (*ROWS[_i].body || !*body),
		"%s: body '%s'", ROWS[_i].line, body);
	if (!strncmp(ROWS[_i].line, "POST", 4))
		ck_assert_ptr_nonnull(strstr(buf_str(&out), "Allow: GET, HEAD\r\n"));
	buf_clear(&out);
	http_server_free(s);
	for (i = 0; i < 10; i++)
		loop_turn(l, false);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

Suite *suite_health(void);
Suite *suite_health(void)
{
	Suite *s = suite_create("health");
	TCase *tc = tcase_create("health");

	tcase_add_loop_test(tc, test_answers, 0, (int)ARRAY_LEN(ROWS));
	suite_add_tcase(s, tc);
	return s;
}
