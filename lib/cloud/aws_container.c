#include "base/ip.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "cloud/aws.h"

#include <stdlib.h>
#include <string.h>

#define RELATIVE "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
#define ECS "http://169.254.170.2"

/* Keys from an agent beside the pod: EKS Pod Identity, or a task of ECS. */
struct aws_container {
	struct aws_fetch aws;
	char *url;
	bool local;
	struct secret token; /* empty: none is configured */
};

static struct aws_container *container_of(struct task *t)
{
	return CONTAINER_OF(t, struct aws_container, aws.fetch.task);
}

static const struct cloud_env *container_env(const struct aws_container *c)
{
	return &c->aws.fetch.ticket->cloud->env;
}

static const char *container_source(const struct aws_container *c)
{
	return cloud_env_get(container_env(c), RELATIVE) ? "role of the ECS task" : "Pod Identity";
}

static enum step_ret container_fail(struct aws_container *c, const struct err *err)
{
	return aws_fail(&c->aws.fetch, container_source(c), err);
}

/* ---- where to -------------------------------------------------------------------------------- */

/* Whoever may be asked without TLS: this machine, and the agents of ECS and EKS. */
static bool container_may_ask(const struct ip *ip)
{
	static const char *const nets[] = {
		"127.0.0.0/8", "::1/128", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
	struct err ignored = {0};
	struct ip_net net;
	size_t i;

	for (i = 0; i < ARRAY_LEN(nets); i++)
		if (!ip_net_parse(&net, nets[i], &ignored) && ip_net_has(&net, ip))
			return true;
	return false;
}

static int container_refuse(const struct ip *ip, struct err *err)
{
	char text[IP_TEXT_MAX];

	ip_format(ip, text);
	return err_set(err, ERR_RETRY,
		FULL ": plain http goes to loopback, 169.254.170.2, 169.254.170.23 and "
		     "fd00:ec2::23 only, and not to '%s'",
		text);
}

/* Of a name all that counts is where it leads, so each address is looked at before it is asked. */
static int container_on_connect(void *arg, const struct ip *ip, unsigned port, struct err *err)
{
	(void)arg;
	(void)port;
	return container_may_ask(ip) ? 0 : container_refuse(ip, err);
}

static int container_place(struct aws_container *c, struct err *err)
{
	const char *relative = cloud_env_get(container_env(c), RELATIVE);
	auto_free char *text = relative ? mem_printf(ECS "%s", relative)
					: mem_strdup(cloud_env_get(container_env(c), FULL));
	auto_buf struct buf url = BUF_INIT(LIMIT_URL);
	auto_url struct url u = {0};
	struct ip ip;

	/* Anything else in front would make another host of it. */
	if (relative && *relative != '/')
		return err_set(err, ERR_RETRY, RELATIVE " does not begin with '/'");
	if (url_parse(&u, text, err)) {
		err->kind = ERR_RETRY; /* it is not the object's spec that has to change */
		return err_wrap(err, "%s", relative ? RELATIVE : FULL);
	}
	if (!u.https && !ip_parse(&ip, u.host) && !container_may_ask(&ip))
		return container_refuse(&ip, err);
	url_format(&u, &url);
	c->local = !u.https || aws_is_local(&u);
	c->url = buf_take(&url);
	return 0;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* It is sent as it is. */
static int container_take_token(
	struct aws_container *c, const char *p, size_t n, const char *from, struct err *err)
{
	size_t i;

	if (!n)
		return err_set(err, ERR_RETRY, "%s holds nothing", from);
	for (i = 0; i < n; i++)
		if (p[i] == '\r' || p[i] == '\n')
			return err_set(err, ERR_RETRY, "%s holds a line break", from);
		else if ((p[i] < ' ' && p[i] != '\t') || p[i] > 0x7e)
			return err_set(err, ERR_RETRY, "%s holds no text", from);
	secret_set(&c->token, p, n);
	return 0;
}

static enum step_ret container_token_start(struct task *t)
{
	struct aws_container *c = container_of(t);
	const char *path = cloud_env_get(container_env(c), TOKEN_FILE);
	const char *value = cloud_env_get(container_env(c), TOKEN);
	struct err err = {0};

	if (container_place(c, &err))
		return container_fail(c, &err);
	if (path)
		return task_wait(t, cloud_file_start(t->self.loop, path, LIMIT_CLOUD_FILE));
	if (value && container_take_token(c, value, strlen(value), TOKEN, &err))
		return container_fail(c, &err);
	return STEP_NEXT;
}

static enum step_ret container_token_resume(struct task *t)
{
	struct aws_container *c = container_of(t);
	const struct buf *text;
	struct err err = {0};

	if (task_op_failed(t)) {
		err_wrap(&t->err, TOKEN_FILE);
		return container_fail(c, &t->err);
	}
	text = cloud_file_result(t->op);
	if (container_take_token(c, buf_str(text), text->len, "the file of " TOKEN_FILE, &err))
		return container_fail(c, &err);
	return STEP_NEXT;
}

static enum step_ret container_ask_start(struct task *t)
{
	struct aws_container *c = container_of(t);
	struct http_hdr hdrs[3] = {{"Accept", "application/json"}};
	bool https = !strncmp(c->url, "https:", 6);

	if (c->token.len)
		hdrs[1] = (struct http_hdr){"Authorization", c->token.p};
	return task_wait(t,
		cloud_ask_start(c->aws.fetch.ticket,
			&(struct cloud_ask){.what = "container",
				.method = "GET",
				.url = c->url,
				.hdrs = hdrs,
				.local = c->local,
				.trust = https ? &c->aws.trust : NULL,
				.on_connect = https ? NULL : container_on_connect,
				.is_throttled = aws_is_throttled}));
}

static enum step_ret container_ask_resume(struct task *t)
{
	struct aws_container *c = container_of(t);
	struct cloud_secrets *got = &c->aws.fetch.got;
	auto_json json_t *o = NULL;
	struct err err = {0};

	if (task_op_failed(t))
		return container_fail(c, &t->err);
	if (cloud_ask_result(t->op)->status != 200) {
		aws_refused(t->op, &err);
		return container_fail(c, &err);
	}
	o = cloud_ask_json(t->op, &err);
	if (!o)
		return container_fail(c, &err);
	if (aws_keys_of_json(got, o, &err)) {
		err_wrap(&err, "the agent's answer");
		return container_fail(c, &err);
	}
	got->source = container_source(c);
	return STEP_DONE;
}

static void container_free(struct task *t)
{
	struct aws_container *c = container_of(t);

	free(c->url);
	secret_clear(&c->token);
	aws_fetch_clear(&c->aws);
	free(c);
}

struct op *aws_container_start(struct cloud_ticket *ticket)
{
	static const struct step steps[] = {
		{"token", container_token_start, container_token_resume},
		{"ca", aws_ca_start, aws_ca_resume},
		{"ask", container_ask_start, container_ask_resume},
		{0},
	};
	struct aws_container *c = NEW(struct aws_container);

	cloud_fetch_init(&c->aws.fetch, ticket, "aws-container", steps, container_free);
	return task_spawn(&c->aws.fetch.task);
}
