#include "test/fake/dns.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "ev/loop.h"
#include "ev/poll.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define TYPE_A 1
#define TYPE_CNAME 5
#define TYPE_AAAA 28
#define UDP_MAX 512

/* Somebody who asks over TCP. */
struct caller {
	struct fake_dns *d;
	int fd;
	struct poll *poll;
	struct caller *next;
};

struct fake_dns {
	struct loop *loop;
	struct caller *callers;
	const struct dns_row *rows;
	int udp, tcp;
	struct poll *udp_poll, *tcp_poll;
	unsigned port;
	char conf[64];
	VEC(char *) asked;
};

/* One question, and the answer as it grows. */
struct talk {
	struct fake_dns *d;
	const unsigned char *query;
	size_t question_len;
	char name[256];
	int type;
	struct buf out;
	unsigned answers;
	bool silent;
};

static void put16(struct buf *b, unsigned n)
{
	buf_addc(b, (char)(n >> 8));
	buf_addc(b, (char)n);
}

static void put_name(struct buf *b, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");

		buf_addc(b, (char)n);
		buf_add(b, name, n);
		name += n + (name[n] == '.');
	}
	buf_addc(b, 0);
}

static void put_record(
	struct talk *t, const char *name, int type, unsigned ttl, const void *data, size_t n)
{
	put_name(&t->out, name);
	put16(&t->out, (unsigned)type);
	put16(&t->out, 1);
	put16(&t->out, ttl >> 16);
	put16(&t->out, ttl & 0xffff);
	put16(&t->out, (unsigned)n);
	buf_add(&t->out, data, n);
	t->answers++;
}

static void put_head(struct talk *t, unsigned flags)
{
	buf_reset(&t->out);
	buf_add(&t->out, t->query, 2);
	put16(&t->out, 0x8180 | flags);
	put16(&t->out, 1);
	buf_add(&t->out, "\0\0\0\0\0\0", 6);
	buf_add(&t->out, t->query + 12, t->question_len);
	t->answers = 0;
}

static void put_address(struct talk *t, const struct dns_row *r)
{
	unsigned char a[16];
	int family = r->what == DNS_A ? AF_INET : AF_INET6;

	if (t->type != (r->what == DNS_A ? TYPE_A : TYPE_AAAA))
		return;
	ck_assert_int_eq(inet_pton(family, r->value, a), 1);
	put_record(t, r->name, t->type, r->ttl, a, family == AF_INET ? 4 : 16);
}

static void put_many(struct talk *t, const struct dns_row *r)
{
	unsigned i;

	for (i = 1; t->type == TYPE_A && i <= r->ttl; i++) {
		unsigned char a[4] = {127, 0, (unsigned char)(i >> 8), (unsigned char)i};

		put_record(t, r->name, TYPE_A, 60, a, 4);
	}
}

static void put_cname(struct talk *t, const struct dns_row *r)
{
	auto_buf struct buf name = BUF_INIT(300);

	put_name(&name, r->value);
	put_record(t, r->name, TYPE_CNAME, r->ttl, name.p, name.len);
}

static bool put_rows(struct talk *t, const char *name, int depth)
{
	const struct dns_row *r;
	bool known = false;

	for (r = t->d->rows; r->name && depth < 100; r++) {
		if (strcasecmp(r->name, name) != 0)
			continue;
		known = true;
		switch (r->what) {
		case DNS_A:
		case DNS_AAAA:
			put_address(t, r);
			break;
		case DNS_CNAME:
			put_cname(t, r);
			put_rows(t, r->value, depth + 1);
			break;
		case DNS_MANY:
			put_many(t, r);
			break;
		case DNS_FAIL:
			put_head(t, 2);
			break;
		case DNS_RUBBISH:
			buf_reset(&t->out);
			buf_add(&t->out, t->query, 2);
			buf_adds(&t->out, "this is no answer at all");
			break;
		case DNS_CUT:
			buf_adds(&t->out, "\xc0\x0c");
			t->answers = 9;
			break;
		case DNS_LOOP:
			put16(&t->out, 0xc000 | (unsigned)t->out.len);
			put16(&t->out, TYPE_A);
			t->answers = 1;
			break;
		case DNS_STALL_AAAA:
			t->silent = t->type == TYPE_AAAA;
			break;
		default:
			t->silent = true;
		}
	}
	return known;
}

/* The question's name and type. */
static bool read_question(struct talk *t, const unsigned char *q, size_t n)
{
	size_t at = 12, len = 0;

	while (at < n && q[at]) {
		if (at + q[at] + 1 >= n || len + q[at] + 2 > sizeof(t->name))
			return false;
		memcpy(t->name + len, q + at + 1, q[at]);
		len += q[at];
		t->name[len++] = '.';
		at += q[at] + 1U;
	}
	if (at + 5 > n || !len)
		return false;
	t->name[len - 1] = '\0';
	t->type = q[at + 1] << 8 | q[at + 2];
	t->question_len = at + 5 - 12;
	return true;
}

static void answer(struct talk *t, const unsigned char *q, size_t n, bool udp)
{
	t->query = q;
	buf_init(&t->out, 65535);
	t->silent = !read_question(t, q, n);
	if (t->silent)
		return;
	if (t->type == TYPE_A)
		*vec_add(&t->d->asked) = mem_strdup(t->name);
	put_head(t, 0);
	if (!put_rows(t, t->name, 0))
		put_head(t, 3);
	if (udp && t->out.len > UDP_MAX)
		put_head(t, 0x200);
	if (t->out.len >= 12 && t->answers) {
		t->out.p[6] = (char)(t->answers >> 8);
		t->out.p[7] = (char)t->answers;
	}
}

static void udp_ready(void *arg, int events)
{
	struct fake_dns *d = arg;
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	unsigned char q[UDP_MAX];
	ssize_t n;

	(void)events;
	while ((n = recvfrom(d->udp, q, sizeof(q), MSG_DONTWAIT, (struct sockaddr *)&from, &len)) >
		0) {
		struct talk t = {.d = d};

		answer(&t, q, (size_t)n, true);
		if (!t.silent)
			sendto(d->udp, t.out.p, t.out.len, 0, (struct sockaddr *)&from, len);
		buf_clear(&t.out);
	}
}

static void caller_close(struct caller *c)
{
	struct caller **at = &c->d->callers;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	poll_close(c->poll);
	close(c->fd);
	free(c);
}

/* One question, which comes in one piece, and its answer. */
static void caller_ready(void *arg, int events)
{
	struct caller *c = arg;
	struct talk t = {.d = c->d};
	unsigned char q[2 + UDP_MAX], len[2];
	ssize_t n = recv(c->fd, q, sizeof(q), 0);

	(void)events;
	if (n > 2) {
		answer(&t, q + 2, (size_t)n - 2, false);
		len[0] = (unsigned char)(t.out.len >> 8);
		len[1] = (unsigned char)t.out.len;
		if (!t.silent && send(c->fd, len, 2, MSG_MORE) == 2)
			send(c->fd, t.out.p, t.out.len, MSG_NOSIGNAL);
		buf_clear(&t.out);
	}
	caller_close(c);
}

static void tcp_ready(void *arg, int events)
{
	struct fake_dns *d = arg;
	int fd = accept(d->tcp, NULL, NULL);
	struct caller *c;

	(void)events;
	if (fd < 0)
		return;
	c = NEW(struct caller);
	*c = (struct caller){d, fd, poll_new(d->loop, fd, caller_ready, c), d->callers};
	d->callers = c;
	poll_set(c->poll, POLL_READ);
}

static void write_conf(struct fake_dns *d, const char *more)
{
	int fd;
	FILE *f;

	snprintf(d->conf, sizeof(d->conf), "/tmp/fake-dns-XXXXXX");
	fd = mkstemp(d->conf);
	ck_assert_int_ge(fd, 0);
	f = fdopen(fd, "w");
	fprintf(f, "nameserver 127.0.0.1\n%s", more ? more : "");
	fclose(f);
}

struct fake_dns *fake_dns_new(struct loop *l, const struct dns_row *rows, const char *more_conf)
{
	struct fake_dns *d = NEW(struct fake_dns);
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	d->loop = l;
	d->rows = rows;
	d->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	d->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert(!bind(d->tcp, (struct sockaddr *)&at, len) && !listen(d->tcp, 16));
	getsockname(d->tcp, (struct sockaddr *)&at, &len);
	ck_assert(!bind(d->udp, (struct sockaddr *)&at, len));
	d->udp_poll = poll_new(l, d->udp, udp_ready, d);
	d->tcp_poll = poll_new(l, d->tcp, tcp_ready, d);
	poll_set(d->udp_poll, POLL_READ);
	poll_set(d->tcp_poll, POLL_READ);
	d->port = ntohs(at.sin_port);
	write_conf(d, more_conf);
	return d;
}

void fake_dns_rows(struct fake_dns *d, const struct dns_row *rows)
{
	d->rows = rows;
}

struct dns_opts fake_dns_opts(const struct fake_dns *d)
{
	return (struct dns_opts){.resolv_conf = d->conf, .port = d->port};
}

unsigned fake_dns_asked(const struct fake_dns *d, const char *name)
{
	unsigned n = 0;
	char **s;

	vec_each (&d->asked, s)
		n += !name || !strcasecmp(*s, name);
	return n;
}

void fake_dns_free(struct fake_dns *d)
{
	char **s;

	while (d->callers)
		caller_close(d->callers);
	poll_close(d->udp_poll);
	poll_close(d->tcp_poll);
	close(d->udp);
	close(d->tcp);
	unlink(d->conf);
	vec_each (&d->asked, s)
		free(*s);
	vec_clear(&d->asked);
	free(d);
}
