#include "fixture.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "ev/op.h"

#include <stdlib.h>
#include <string.h>

struct kworld w;
const struct kube_resource REPOS = {"example.com", "v1", "repos", "Repo", true};
const struct kube_resource SECRETS = {"", "v1", "secrets", "Secret", true};

static void no_proxy(void)
{
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	unsetenv("all_proxy");
}

void world_begin_with(const struct tcp_step *script, const char *token_file, unsigned qps)
{
	struct kube_config *cfg = NEW(struct kube_config);
	struct err err = {0};

	(void)err;
	no_proxy();
	clock_fake(1700000000000);
	w.l = loop_new();
	w.s = tcp_script_new(w.l, script);
	cfg->server = mem_strdup(tcp_script_url(w.s, BASE));
	cfg->host = mem_strdup(tcp_script_host(w.s));
	cfg->ns = mem_strdup("default");
	if (token_file) {
		cfg->token_file = mem_strdup(token_file);
		cfg->token_read_ms = clock_ms();
		secret_set(&cfg->token, "first", 5);
	}
	w.c = kube_client_new(
		w.l, cfg, &(struct kube_client_opts){.qps = qps, .burst = qps ? 2 : 0});
}

void world_begin(const struct tcp_step *script)
{
	world_begin_with(script, NULL, 0);
}

void turns(unsigned n)
{
	while (n--)
		loop_turn(w.l, false);
}

void world_finish(void)
{
	kube_client_free(w.c);
	turns(30);
	tcp_script_free(w.s);
	ck_assert_int_eq(loop_free(w.l), 0);
}

void until(bool *what)
{
	while (!*what)
		loop_turn(w.l, true);
}

void until_done(struct op *op)
{
	while (!op->done)
		loop_turn(w.l, true);
}

void until_hold(void)
{
	while (!tcp_script_holds(w.s))
		loop_turn(w.l, true);
	turns(60);
}

/* Texts of the scripts: a ring would be enough for most, but a forked test is short-lived
   anyway. */
static const char *keep(char *text)
{
	static char *kept[4096];
	static size_t n;

	ck_assert_uint_lt(n, ARRAY_LEN(kept));
	return kept[n++] = text;
}

const char *answer(int status, const char *headers, const char *body)
{
	return keep(mem_printf("HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n%s", status,
		strlen(body), headers, body));
}

const char *chunk(const char *text)
{
	return keep(mem_printf("%zx\r\n%s\r\n", strlen(text), text));
}

const char *obj(const char *name, const char *uid, const char *rv)
{
	return keep(
		mem_printf("{\"metadata\":{\"namespace\":\"apps\",\"name\":\"%s\",\"uid\":\"%s%s\","
			   "\"resourceVersion\":\"%s\"}}",
			name, uid ? uid : "u-", uid ? "" : name, rv));
}

const char *event(const char *type, const char *object)
{
	return keep(mem_printf("{\"type\":\"%s\",\"object\":%s}\n", type, object));
}

const char *list(const char *rv, const char *cont, const char *const *items)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	size_t i;

	buf_adds(&b, "{\"kind\":\"RepoList\",\"items\":[");
	for (i = 0; items && items[i]; i++)
		buf_addf(&b, "%s%s", i ? "," : "", items[i]);
	buf_addf(&b, "],\"metadata\":{\"resourceVersion\":\"%s\",\"continue\":\"%s\"}}", rv,
		cont ? cont : "");
	return keep(buf_take(&b));
}
