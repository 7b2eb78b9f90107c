#include "test/unit/receiver/world.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ctl/event.h"
#include "ev/account.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "hook/hook.h"
#include "http/server.h"
#include "kube/client.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static bool leads(void *arg)
{
	return !((struct side *)arg)->follows;
}

static void side_start(struct world *w, struct side *s, bool follows)
{
	struct receiver_opts opts = w->opts;
	struct http_server_opts so = {
		.name = "webhooks", .address = "127.0.0.1:0", .max_connections = w->connections};
	struct err err = {0};

	s->w = w;
	s->follows = follows;
	s->metrics = metrics_new();
	opts.hook = w->hook;
	opts.account = w->account;
	opts.controller.loop = w->loop;
	opts.controller.kube = w->client;
	opts.controller.metrics = s->metrics;
	opts.controller.events = w->events;
	opts.controller.leads = leads;
	opts.controller.role = s;
	s->c = receiver_new(&opts);
	controller_start(s->c);
	receiver_serve(s->c, &so);
	s->server = http_server_new(w->loop, &so, &err);
	ck_assert_msg(s->server != NULL, "%s", err.msg);
	world_settle(w);
}

static void side_stop(struct world *w, struct side *s)
{
	int i;

	if (!s->c)
		return;
	http_server_free(s->server);
	controller_stop(s->c);
	for (i = 0; i < 1000 && !controller_idle(s->c); i++)
		world_settle(w);
	ck_assert(controller_idle(s->c));
}

static void side_free(struct side *s)
{
	if (!s->c)
		return;
	controller_free(s->c);
	metrics_free(s->metrics);
}

void world_init(struct world *w)
{
	*w = (struct world){0};
	clock_fake(1800000000000);
	w->log = memfd_create("log", MFD_CLOEXEC);
	log_set_fd(w->log);
	ck_assert_int_eq(log_set_level("trace"), 0);
	unsetenv("http_proxy");
	w->loop = loop_new();
	w->kube = fake_kube_new(w->loop);
	w->client =
		kube_client_new(w->loop, fake_kube_config(w->kube), &(struct kube_client_opts){0});
	w->events = event_recorder_new(w->client, "notification-controller", "test");
	w->account = account_new(w->loop, 256 << 20);
	w->hook = hook_new(&(struct hook_opts){.loop = w->loop});
	buf_init(&w->answers, BUF_ANY);
}

void world_start(struct world *w)
{
	side_start(w, &w->leader, false);
}

void world_follow(struct world *w)
{
	side_start(w, &w->follower, true);
}

char *world_log(struct world *w)
{
	off_t n = lseek(w->log, 0, SEEK_END);
	char *text = mem_zalloc((size_t)n + 1);

	ck_assert_int_eq(pread(w->log, text, (size_t)n, 0), n);
	return text;
}

static void no_token(const char *where, const char *text)
{
	static const char *const tokens[] = {TOKEN, OTHER_TOKEN};
	size_t i;

	for (i = 0; i < ARRAY_LEN(tokens); i++) {
		auto_buf struct buf b = BUF_INIT(BUF_ANY);

		base64_encode(&b, tokens[i], strlen(tokens[i]), BASE64_STD);
		ck_assert_msg(!strstr(text, tokens[i]), "the token is in the %s", where);
		ck_assert_msg(!strstr(text, buf_str(&b)), "the token is in the %s", where);
	}
}

void world_clear(struct world *w)
{
	auto_free char *log = NULL;
	int i;

	world_settle(w);
	side_stop(w, &w->follower);
	side_stop(w, &w->leader);
	event_recorder_stop(w->events);
	world_settle(w);
	side_free(&w->follower);
	side_free(&w->leader);
	event_recorder_free(w->events);
	hook_free(w->hook);
	kube_client_free(w->client);
	no_token("Events", fake_kube_log(w->kube));
	fake_kube_free(w->kube);
	for (i = 0; i < 20; i++)
		loop_turn(w->loop, false);
	loop_settle(w->loop);
	account_free(w->account);
	ck_assert_int_eq(loop_free(w->loop), 0);
	log = world_log(w);
	no_token("log", log);
	no_token("answers", buf_str(&w->answers));
	buf_clear(&w->answers);
	log_set_fd(-1);
	close(w->log);
}

void world_settle(struct world *w)
{
	int quiet, i;

	for (quiet = 0; quiet < 10; quiet++) {
		for (i = 0; i < 30; i++)
			loop_turn(w->loop, false);
		loop_settle(w->loop);
		if ((w->leader.c && w->leader.c->queue.running) ||
			(w->follower.c && w->follower.c->queue.running))
			quiet = fake_kube_held(w->kube) ? quiet : 0;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}

void world_pass(struct world *w, uint64_t ms)
{
	loop_test_advance(w->loop, ms);
	world_settle(w);
}

/* ---- objects --------------------------------------------------------------------------------- */

void world_secret(struct world *w, const char *name, const char *token)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	auto_free char *json = NULL;

	base64_encode(&b, token, strlen(token), BASE64_STD);
	json = mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"apps\"},"
			  "\"data\":{\"token\":\"%s\"}}",
		name, buf_str(&b));
	fake_kube_put(w->kube, "secrets", json);
	world_settle(w);
}

void world_receiver(struct world *w, const char *spec)
{
	world_receiver_as(w, "hook", spec);
}

void world_receiver_as(struct world *w, const char *name, const char *spec)
{
	auto_free char *json =
		mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"apps\"},\"spec\":{%s}}",
			name, spec);

	fake_kube_put(w->kube, "receivers", json);
	world_settle(w);
}

void world_object(
	struct world *w, const char *plural, const char *ns, const char *name, const char *labels)
{
	auto_free char *json = mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\","
					  "\"annotations\":{\"a\":\"b\"},\"labels\":%s},"
					  "\"spec\":{\"suspend\":true}}",
		name, ns, labels ? labels : "{}");

	fake_kube_put(w->kube, plural, json);
}

const char *world_asked(struct world *w, const char *plural, const char *ns, const char *name)
{
	return obj_str_or("", fake_kube_get(w->kube, plural, ns, name), "metadata", "annotations",
		"reconcile.fluxcd.io/requestedAt");
}

const char *world_status(struct world *w, const char *path)
{
	const json_t *status =
		obj_get(fake_kube_get(w->kube, "receivers", "apps", "hook"), "status");
	const char *dot = strchr(path, '.');
	json_t *one;
	size_t i;

	if (!dot)
		return obj_str_or("", status, path);
	json_array_foreach (obj_get(status, "conditions"), i, one)
		if (!strncmp(obj_str_or("", one, "type"), path, (size_t)(dot - path)))
			return obj_str_or("", one, dot + 1);
	return "";
}

const char *world_path(struct world *w)
{
	return world_status(w, "webhookPath");
}

/* ---- calls ----------------------------------------------------------------------------------- */

static int side_connect(const struct side *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	const char *address = http_server_address(s->server);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1));
	ck_assert_int_eq(inet_pton(AF_INET, "127.0.0.1", &a.sin_addr), 1);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void caller_send(struct caller *c, const char *p, size_t n)
{
	while (n) {
		ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN)
			return; /* an answer has come before all was sent */
		if (sent > 0) {
			p += sent;
			n -= (size_t)sent;
		}
		loop_turn(c->w->loop, false);
	}
}

static void caller_receive(struct caller *c)
{
	char data[4096];
	ssize_t n;

	while (!c->ended && (n = recv(c->fd, data, sizeof(data), 0)) >= 0) {
		buf_add(&c->got, data, (size_t)n);
		c->ended = n == 0;
	}
	if (!c->ended && errno != EAGAIN)
		c->ended = true;
}

static void caller_open(struct caller *c, struct world *w, const struct side *s)
{
	*c = (struct caller){.w = w, .fd = side_connect(s)};
	buf_init(&c->got, BUF_ANY);
}

static char *post_text(const char *path, const char *headers, const char *body)
{
	return mem_printf("POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s"
			  "Content-Length: %zu\r\n\r\n%s",
		path, headers, strlen(body), body);
}

void caller_post(struct caller *c, struct world *w, const char *path, const char *body)
{
	auto_free char *text = post_text(path, "", body);

	caller_open(c, w, &w->leader);
	caller_send(c, text, strlen(text));
}

void caller_post_part(struct caller *c, struct world *w, const char *path, size_t announced,
	const void *data, size_t n)
{
	auto_free char *head = mem_printf(
		"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", path, announced);

	caller_open(c, w, &w->leader);
	caller_send(c, head, strlen(head));
	caller_send(c, data, n);
}

int caller_status(struct caller *c)
{
	caller_receive(c);
	return c->got.len > 12 ? atoi(c->got.p + 9) : 0;
}

void caller_close(struct caller *c)
{
	buf_add(&c->w->answers, c->got.p, c->got.len);
	buf_clear(&c->got);
	close(c->fd);
}

int world_request(struct world *w, struct side *s, const void *data, size_t n)
{
	struct caller c;
	int status, i;
	const char *end;

	caller_open(&c, w, s);
	caller_send(&c, data, n);
	for (i = 0; i < 20000 && !c.ended; i++) {
		loop_turn(w->loop, false);
		loop_settle(w->loop);
		caller_receive(&c);
		if (i > 200)
			nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
	}
	ck_assert_msg(c.ended, "no end of the answer: %s", buf_str(&c.got));
	status = caller_status(&c);
	end = strstr(buf_str(&c.got), "\r\n\r\n");
	snprintf(w->body, sizeof(w->body), "%s", end ? end + 4 : "");
	snprintf(w->head, sizeof(w->head), "%s", buf_str(&c.got));
	caller_close(&c);
	return status;
}

int world_post_to(
	struct world *w, struct side *s, const char *path, const char *headers, const char *body)
{
	auto_free char *text = post_text(path, headers, body);

	return world_request(w, s, text, strlen(text));
}

int world_post(struct world *w, const char *path, const char *headers, const char *body)
{
	return world_post_to(w, &w->leader, path, headers, body);
}
