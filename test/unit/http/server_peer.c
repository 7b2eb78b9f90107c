#include "server_peer.h"

#include "base/log.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void test_echo(void *arg, struct http_exchange *x)
{
	struct buf b = BUF_INIT(BUF_ANY);

	(void)arg;
	buf_addf(&b, "%s %s|", http_x_method(x), http_x_path(x));
	buf_add(&b, http_x_body(x)->p, http_x_body(x)->len);
	http_reply_buf(x, 200, "text/plain", &b);
}

struct http_server *test_server(struct loop *l, struct http_server_opts opts)
{
	struct http_server *s;
	struct err err;

	log_set_fd(-1);
	opts.name = "test";
	opts.address = "127.0.0.1:0";
	if (!opts.handler)
		opts.handler = test_echo;
	s = http_server_new(l, &opts, &err);
	ck_assert_msg(s != NULL, "%s", s ? "" : err.msg);
	return s;
}

void peer_open(struct peer *p, struct loop *l, struct http_server *s)
{
	peer_open_from(p, l, s, "127.0.0.1");
}

void peer_open_from(struct peer *p, struct loop *l, struct http_server *s, const char *address)
{
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(address)};
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int on = 1;

	*p = (struct peer){.loop = l, .got = BUF_INIT(BUF_ANY)};
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(p->fd, (struct sockaddr *)&from, sizeof(from)), 0);
	a.sin_port = htons((uint16_t)strtoul(strrchr(http_server_address(s), ':') + 1, NULL, 10));
	ck_assert_int_eq(connect(p->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	fcntl(p->fd, F_SETFL, O_NONBLOCK);
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void peer_close(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	buf_clear(&p->got);
}

static bool take(struct peer *p)
{
	char data[65536];
	ssize_t n = recv(p->fd, data, sizeof(data), 0);

	if (n > 0)
		buf_add(&p->got, data, (size_t)n);
	if (n == 0)
		p->eof = true;
	if (n < 0 && errno != EAGAIN)
		p->eof = p->reset = true;
	return n > 0;
}

void peer_send(struct peer *p, const void *data, size_t n)
{
	const char *at = data;

	while (n) {
		ssize_t sent = send(p->fd, at, n, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN)
			return;
		if (sent > 0) {
			at += sent;
			n -= (size_t)sent;
		}
		loop_turn(p->loop, false);
		take(p);
	}
}

void peer_puts(struct peer *p, const char *text)
{
	peer_send(p, text, strlen(text));
}

/* The length of the first whole response at `at`, 0 when it is not whole. */
static size_t response(const struct peer *p, size_t at, bool no_body, int *status)
{
	const char *from = buf_str(&p->got) + at, *field;
	const char *end = memmem(from, p->got.len - at, "\r\n\r\n", 4);
	char fields[4096];
	size_t head;

	if (!end)
		return 0;
	head = (size_t)(end - from) + 4;
	snprintf(fields, sizeof(fields), "%.*s", (int)head, from);
	*status = atoi(fields + 9);
	if (*status == 100 || no_body)
		return head;
	if (strcasestr(fields, "\r\nTransfer-Encoding: chunked")) {
		end = memmem(from + head - 2, p->got.len - at - head + 2, "\r\n0\r\n\r\n", 7);
		return end ? (size_t)(end - from) + 7 : 0;
	}
	field = strcasestr(fields, "\r\nContent-Length: ");
	if (field)
		head += strtoul(field + 18, NULL, 10);
	return p->got.len - at >= head ? head : 0;
}

const char *peer_responses(struct peer *p, unsigned n, unsigned heads)
{
	static char text[256];
	unsigned seen = 0;
	size_t at = 0, len;
	int status = 0;

	text[0] = '\0';
	while (seen < n) {
		len = response(p, at, seen < heads, &status);
		if (len) {
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d",
				seen ? " " : "", status);
			at += len;
			seen++;
			continue;
		}
		if (p->eof)
			return text;
		if (!take(p) && !p->eof)
			loop_turn(p->loop, true);
	}
	return text;
}

void peer_until_eof(struct peer *p)
{
	while (!p->eof)
		if (!take(p) && !p->eof)
			loop_turn(p->loop, true);
}

bool peer_until(struct peer *p, const char *text)
{
	while (!memmem(buf_str(&p->got), p->got.len, text, strlen(text))) {
		if (p->eof)
			return false;
		if (!take(p) && !p->eof)
			loop_turn(p->loop, true);
	}
	return true;
}

void peer_settle(struct peer *p)
{
	int i;

	for (i = 0; i < 20; i++) {
		loop_turn(p->loop, false);
		while (take(p))
			;
	}
}
