#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "cloud/aws.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ENDPOINT "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define V1_DISABLED "AWS_EC2_METADATA_V1_DISABLED"
#define SOURCE "node role"
#define ROLES "/latest/meta-data/iam/security-credentials/"
#define TOKEN_PATH "/latest/api/token"
#define TOKEN_LIFE_S "300"
/* It is on this link: what takes longer does not come. Where there is no such service, or a packet
   lives for one hop only, nothing ever comes, and an object's run waits for it. */
#define EACH_MS 1000
#define HINT "hop limit? use IRSA or Pod Identity"

/* The metadata service of an EC2 instance, version 2: a token, the role's name, its keys. */
struct aws_imds {
	struct cloud_fetch fetch;
	char *base; /* of the URLs, without a '/' at the end */
	struct secret token; /* empty: version 1, none is sent */
	char *role;
	bool silent; /* no answer to the question for a token */
	bool refused; /* a token was, once */
};

static struct aws_imds *imds_of(struct task *t)
{
	return FETCH(t, struct aws_imds);
}

static enum step_ret imds_fail(struct aws_imds *i, const struct err *err)
{
	return aws_fail(&i->fetch, SOURCE, err);
}

static enum step_ret imds_refused(struct aws_imds *i)
{
	struct err err = {0};

	aws_refused(i->fetch.task.op, &err);
	return imds_fail(i, &err);
}

static struct op *imds_ask(struct aws_imds *i, const char *method, const char *path,
	const struct http_hdr *hdr, unsigned tries)
{
	auto_free char *url = mem_printf("%s%s", i->base, path);
	struct http_hdr hdrs[2] = {{NULL}};

	if (hdr)
		hdrs[0] = *hdr;
	return cloud_ask_start(i->fetch.ticket,
		&(struct cloud_ask){.what = "imds",
			.method = method,
			.url = url,
			.hdrs = hdrs,
			.local = true,
			.is_throttled = aws_is_throttled,
			.tries = tries,
			.each_ms = EACH_MS});
}

/* ---- a token --------------------------------------------------------------------------------- */

static int imds_place(struct aws_imds *i, struct err *err)
{
	const struct cloud_env *env = &i->fetch.ticket->cloud->env;
	const char *mode = cloud_env_get(env, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	bool v6 = mode && !strcasecmp(mode, "IPv6");
	auto_endpoint struct aws_endpoint at = {NULL};
	size_t n;

	if (aws_endpoint(&at, env, ENDPOINT,
		    v6 ? "http://[fd00:ec2::254]/" : "http://169.254.169.254/", err))
		return -1;
	for (n = strlen(at.url); n && at.url[n - 1] == '/'; n--)
		;
	free(i->base);
	i->base = mem_strndup(at.url, n);
	return 0;
}

static enum step_ret imds_token_start(struct task *t)
{
	static const struct http_hdr life = {"X-Aws-Ec2-Metadata-Token-Ttl-Seconds", TOKEN_LIFE_S};
	struct aws_imds *i = imds_of(t);
	struct err err = {0};

	if (imds_place(i, &err))
		return imds_fail(i, &err);
	return task_wait(t, imds_ask(i, "PUT", TOKEN_PATH, &life, 2));
}

/* Version 1 goes without, unless that is forbidden. */
static enum step_ret imds_go_without(struct aws_imds *i, const char *why)
{
	struct err err = {0};

	if (!aws_is_true(&i->fetch.ticket->cloud->env, V1_DISABLED))
		return STEP_NEXT;
	err_set(&err, ERR_RETRY,
		"%s, and " V1_DISABLED " forbids to ask the metadata service without a token", why);
	return imds_fail(i, &err);
}

static bool imds_is_visible(const char *s, size_t n)
{
	size_t k;

	for (k = 0; k < n; k++)
		if (s[k] <= 0x20 || s[k] > 0x7e)
			return false;
	return n > 0;
}

static enum step_ret imds_token_resume(struct task *t)
{
	struct aws_imds *i = imds_of(t);
	const struct http_res *res;
	auto_free char *why = NULL;
	struct err err = {0};
	size_t n;

	if (task_op_failed(t)) {
		if (t->err.kind == ERR_CANCELED)
			return STEP_FAIL;
		i->silent = true;
		why = mem_printf(
			"no answer to the question for a token (" HINT "): %s", t->err.msg);
		err_clear(&t->err);
		return imds_go_without(i, why);
	}
	res = cloud_ask_result(t->op);
	if (res->status == 403 || res->status == 404 || res->status == 405) {
		why = mem_printf("a token was refused with status %d", res->status);
		return imds_go_without(i, why);
	}
	if (res->status != 200)
		return imds_refused(i);
	n = strcspn(buf_str(&res->body), "\r\n");
	if (!imds_is_visible(buf_str(&res->body), n)) {
		err_set(&err, ERR_RETRY, "the metadata service's token is malformed");
		return imds_fail(i, &err);
	}
	secret_set(&i->token, buf_str(&res->body), n);
	return STEP_NEXT;
}

/* ---- role and keys --------------------------------------------------------------------------- */

static struct op *imds_get(struct aws_imds *i, const char *path)
{
	const struct http_hdr token = {"X-Aws-Ec2-Metadata-Token", i->token.p};

	return imds_ask(i, "GET", path, i->token.len ? &token : NULL, i->silent ? 1 : 0);
}

/* True: *ret says how it goes on. False: a 200. */
static bool imds_get_went_wrong(struct aws_imds *i, enum step_ret *ret)
{
	struct task *t = &i->fetch.task;
	const struct http_res *res;
	struct err err = {0};

	if (task_op_failed(t)) {
		err = t->err;
		err_wrap(&err, "no answer from the metadata service%s", i->silent ? ": " HINT : "");
		*ret = imds_fail(i, &err);
		return true;
	}
	res = cloud_ask_result(t->op);
	if (res->status == 200)
		return false;
	if (res->status == 401 && i->token.len && !i->refused) {
		i->refused = true;
		secret_clear(&i->token);
		*ret = task_goto(t, "token");
	} else if (res->status == 401 && !i->token.len) {
		err_code(&err, ERR_RETRY, 401,
			"the metadata service wants a token, and gave none%s",
			i->silent ? ": " HINT : "");
		*ret = imds_fail(i, &err);
	} else {
		*ret = imds_refused(i);
	}
	return true;
}

static enum step_ret imds_list_start(struct task *t)
{
	return task_wait(t, imds_get(imds_of(t), ROLES));
}

static enum step_ret imds_list_resume(struct task *t)
{
	struct aws_imds *i = imds_of(t);
	const struct http_res *res;
	struct err err = {0};
	enum step_ret ret;
	size_t n;

	if (t->op->err.kind == ERR_NONE && cloud_ask_result(t->op)->status == 404) {
		err_code(&err, ERR_RETRY, 404, "the metadata service has no role for this node");
		return imds_fail(i, &err);
	}
	if (imds_get_went_wrong(i, &ret))
		return ret;
	res = cloud_ask_result(t->op);
	n = strcspn(buf_str(&res->body), "\r\n");
	if (!n || !imds_is_visible(buf_str(&res->body), n)) {
		err_set(&err, ERR_RETRY, "the metadata service named no role");
		return imds_fail(i, &err);
	}
	free(i->role);
	i->role = mem_strndup(buf_str(&res->body), n);
	return STEP_NEXT;
}

static enum step_ret imds_role_start(struct task *t)
{
	struct aws_imds *i = imds_of(t);
	auto_buf struct buf path = BUF_INIT(LIMIT_URL);

	buf_adds(&path, ROLES);
	url_encode(&path, i->role);
	return task_wait(t, imds_get(i, buf_str(&path)));
}

static enum step_ret imds_role_resume(struct task *t)
{
	struct aws_imds *i = imds_of(t);
	auto_json json_t *o = NULL;
	struct err err = {0};
	const char *code;
	enum step_ret ret;

	if (imds_get_went_wrong(i, &ret))
		return ret;
	o = cloud_ask_json(t->op, &err);
	if (!o)
		return imds_fail(i, &err);
	code = obj_str_or("", o, "Code");
	if (strcasecmp(code, "Success") != 0)
		return imds_refused(i);
	if (aws_keys_of_json(&i->fetch.got, o, &err)) {
		err_wrap(&err, "the metadata service's answer");
		return imds_fail(i, &err);
	}
	i->fetch.got.source = SOURCE;
	return STEP_DONE;
}

static void imds_free(struct task *t)
{
	struct aws_imds *i = imds_of(t);

	free(i->base);
	free(i->role);
	secret_clear(&i->token);
	cloud_fetch_clear(&i->fetch);
	free(i);
}

struct op *aws_imds_start(struct cloud_ticket *ticket)
{
	static const struct step steps[] = {
		{"token", imds_token_start, imds_token_resume}, /* once more when it is refused */
		{"list", imds_list_start, imds_list_resume},
		{"role", imds_role_start, imds_role_resume},
		{0},
	};
	struct aws_imds *i = NEW(struct aws_imds);

	cloud_fetch_init(&i->fetch, ticket, "aws-imds", steps, imds_free);
	return task_spawn(&i->fetch.task);
}
