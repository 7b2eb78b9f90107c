#include "test/unit/cloud/aws_rig.h"

#include "base/clock.h"
#include "base/sys.h"
#include "base/time.h"
#include "cloud/sigv4.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "http/client.h"
#include "http/server.h"
#include "test/fake/dns.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char rig_password[256];
struct err rig_err;

/* ---- the server ------------------------------------------------------------------------------ */

/* Is it signed with the key, with the headers and the host that came? */
static void check_signature(struct rig *r, struct http_exchange *x, const char *service)
{
	static const char *const region_of[] = {"eu-west-1", "us-east-1"};
	const char *got = http_x_header(x, "Authorization"), *token, *at;
	struct http_hdr hdrs[] = {{"Content-Type", http_x_header(x, "Content-Type")},
		{"X-Amz-Target", http_x_header(x, "X-Amz-Target")}, {NULL, NULL}};
	auto_secret struct secret key = {0}, session = {0};
	auto_buf struct buf want = BUF_INIT(BUF_ANY);
	auto_free char *id = NULL, *date = mem_strdup(http_x_header(x, "X-Amz-Date")), *text = NULL;
	char again[SIGV4_DATE_MAX];
	struct err err = {0};
	int64_t wall_ms;

	ck_assert(got && date && strlen(date) == 16);
	text = mem_printf("%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", date, date + 4, date + 6, date + 9,
		date + 11, date + 13);
	ck_assert(!time_parse_rfc3339(text, &wall_ms, &err));
	ck_assert_msg(llabs(wall_ms - clock_wall_ms()) < 300000, "signed for %s", date);
	at = strstr(got, "Credential=");
	ck_assert(at);
	id = mem_strndup(at + 11, strcspn(at + 11, "/"));
	secret_set(&key, r->key, strlen(r->key));
	token = http_x_header(x, "X-Amz-Security-Token");
	if (token)
		secret_set(&session, token, strlen(token));
	sigv4_sign(&(struct sigv4){.id = id,
			   .key = &key,
			   .token = &session,
			   .region = region_of[!strcmp(service, "ecr-public")],
			   .service = service,
			   .wall_ms = wall_ms,
			   .method = "POST",
			   .host = http_x_header(x, "Host"),
			   .path = http_x_path(x),
			   .hdrs = hdrs,
			   .body = "{}",
			   .body_len = 2},
		again, &want);
	ck_assert_str_eq(got, buf_str(&want));
	ck_assert_str_eq(buf_str(http_x_body(x)), "{}");
}

static void note(struct rig *r, struct http_exchange *x)
{
	static const char *const names[] = {"X-Amz-Security-Token", "X-Amz-Target",
		"X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "X-Aws-Ec2-Metadata-Token"};
	const char *path = http_x_path(x), *auth = http_x_header(x, "Authorization"), *v;
	size_t i;

	buf_addf(&r->log, "%s %s", http_x_method(x), path);
	if (!strcmp(path, "/ecr") || !strcmp(path, "/ecr-public"))
		buf_addf(&r->log, " %.*s", (int)strcspn(strstr(auth, "Credential=") + 11, ","),
			strstr(auth, "Credential=") + 11);
	else if (auth)
		buf_addf(&r->log, " auth=%s", auth);
	for (i = 0; i < ARRAY_LEN(names); i++) {
		v = http_x_header(x, names[i]);
		if (v)
			buf_addf(&r->log, " %s", v);
	}
	if (!strcmp(path, "/sts"))
		buf_addf(&r->log, " %s", buf_str(http_x_body(x)));
	buf_addc(&r->log, '\n');
}

static void gone(void *arg, struct http_exchange *x, bool was_gone)
{
	struct rig *r = arg;

	(void)x;
	if (was_gone)
		r->silent--;
}

static void handle(void *arg, struct http_exchange *x)
{
	struct rig *r = arg;
	struct rig_answer *a;

	note(r, x);
	if (!strcmp(http_x_path(x), "/ecr"))
		check_signature(r, x, "ecr");
	if (!strcmp(http_x_path(x), "/ecr-public"))
		check_signature(r, x, "ecr-public");
	vec_each (&r->answers, a)
		if (a->times != UINT32_MAX && !strcmp(a->method, http_x_method(x)) &&
			!strcmp(a->path, http_x_path(x)))
			break;
	if (a == r->answers.p + r->answers.len) {
		http_reply_text(x, 404, "nothing here");
		return;
	}
	if (a->times && !--a->times)
		a->times = UINT32_MAX; /* used up */
	if (a->silent) {
		r->silent++;
		http_x_on_end(x, gone, r);
		return;
	}
	if (a->header)
		http_x_add_header(x, a->header, a->value);
	http_reply_text(x, a->status ? a->status : 200, a->body ? a->body : "");
}

/* ---- the rig --------------------------------------------------------------------------------- */

static void set_url(struct rig *r, const char *variable, const char *path)
{
	auto_free char *url = rig_url(r, path);

	cloud_env_set(&r->env, variable, url);
}

void rig_init(struct rig *r)
{
	struct http_server_opts opts = {.name = "aws",
		.address = "127.0.0.1:0",
		.handler = handle,
		.arg = r,
		.max_body = 65536};
	struct err err = {0};

	*r = (struct rig){.log = BUF_INIT(BUF_ANY), .key = RIG_KEY};
	unsetenv("HTTP_PROXY");
	unsetenv("http_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("https_proxy");
	clock_fake(RIG_NOW);
	r->loop = loop_new();
	r->server = http_server_new(r->loop, &opts, &err);
	ck_assert_msg(r->server, "%s", err.msg);
	r->dir = mem_strdup("/tmp/aws-rig-XXXXXX");
	ck_assert(mkdtemp(r->dir));
	r->who.provider = CLOUD_AWS;
	cloud_env_set(&r->env, "HOME", r->dir);
	set_url(r, "AWS_ENDPOINT_URL_STS", "/sts");
	set_url(r, "AWS_ENDPOINT_URL_ECR", "/ecr");
	set_url(r, "AWS_ENDPOINT_URL_ECR_PUBLIC", "/ecr-public");
	set_url(r, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "/imds/");
}

static void remove_files(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	ck_assert(d);
	while ((e = readdir(d))) {
		auto_free char *path = mem_printf("%s/%s", dir, e->d_name);

		if (!strcmp(e->d_name, ".aws"))
			remove_files(path);
		else if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlink(path);
	}
	closedir(d);
	rmdir(dir);
}

void rig_clear(struct rig *r)
{
	int i;

	if (r->cloud)
		cloud_stop(r->cloud);
	for (i = 0; i < 20; i++)
		loop_turn(r->loop, false);
	cloud_free(r->cloud);
	if (r->http)
		http_client_free(r->http);
	if (r->dns)
		fake_dns_free(r->dns);
	http_server_free(r->server);
	cloud_env_clear(&r->env);
	vec_clear(&r->answers);
	buf_clear(&r->log);
	remove_files(r->dir);
	free(r->dir);
	while (loop_turn(r->loop, false))
		;
	ck_assert_int_eq(loop_free(r->loop), 0);
}

char *rig_url(const struct rig *r, const char *path)
{
	return mem_printf("http://%s%s", http_server_address(r->server), path);
}

void rig_on(struct rig *r, struct rig_answer a)
{
	*vec_add(&r->answers) = a;
}

#define JSON_KEYS \
	"\"AccessKeyId\":\"" RIG_ID "\",\"SecretAccessKey\":\"" RIG_KEY \
	"\",\"Token\":\"" RIG_TOKEN "\",\"Expiration\":\"2026-01-31T22:50:00Z\"}"

void rig_well(struct rig *r)
{
	rig_on(r,
		(struct rig_answer){"POST", "/sts",
			.body = "<AssumeRoleWithWebIdentityResponse>"
				"<AssumeRoleWithWebIdentityResult><Credentials>"
				"<AccessKeyId>" RIG_ID "</AccessKeyId>"
				"<SecretAccessKey>" RIG_KEY "</SecretAccessKey>"
				"<SessionToken>" RIG_TOKEN "</SessionToken>"
				"<Expiration>2026-01-31T22:50:00Z</Expiration></Credentials>"
				"</AssumeRoleWithWebIdentityResult>"
				"</AssumeRoleWithWebIdentityResponse>"});
	/* AWS:password */
	rig_on(r,
		(struct rig_answer){"POST", "/ecr",
			.body = "{\"authorizationData\":[{\"authorizationToken\":"
				"\"QVdTOnBhc3N3b3Jk\",\"expiresAt\":1769939400.123,"
				"\"proxyEndpoint\":\"x\"}]}"});
	rig_on(r,
		(struct rig_answer){"POST", "/ecr-public",
			.body = "{\"authorizationData\":{\"authorizationToken\":"
				"\"QVdTOnBhc3N3b3Jk\",\"expiresAt\":1769939400.123}}"});
	rig_on(r, (struct rig_answer){"PUT", "/imds/latest/api/token", .body = "imds-token"});
	rig_on(r,
		(struct rig_answer){"GET", "/imds/latest/meta-data/iam/security-credentials/",
			.body = "node+role\nother"});
	rig_on(r,
		(struct rig_answer){"GET",
			"/imds/latest/meta-data/iam/security-credentials/node%2Brole",
			.body = "{\"Code\":\"success\"," JSON_KEYS});
	rig_on(r, (struct rig_answer){"GET", "/creds", .body = "{" JSON_KEYS});
}

char *rig_file(struct rig *r, const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", r->dir, name);
	auto_free char *aws = mem_printf("%s/.aws", r->dir);
	struct err err = {0};

	if (!strncmp(name, ".aws/", 5))
		ck_assert(!sys_mkdir_all(aws, 0700, &err));
	ck_assert_msg(!sys_write_file(AT_FDCWD, path, text, strlen(text), 0600, false, &err), "%s",
		err.msg);
	return path;
}

/* ---- logins ---------------------------------------------------------------------------------- */

static void done(struct op *op, void *arg)
{
	(void)op;
	*(bool *)arg = true;
}

static void begin(struct rig *r)
{
	struct http_client_opts opts = {0};

	if (r->cloud)
		return;
	if (r->dns)
		opts.dns = fake_dns_opts(r->dns);
	r->http = http_client_new(r->loop, &opts);
	r->cloud = cloud_new(&(struct cloud_opts){
		.loop = r->loop, .http = r->http, .env = &r->env, .cache_max = 100});
}

const char *rig_login(struct rig *r, const char *host)
{
	bool ended = false;
	struct op *op;
	int i;

	begin(r);
	op = cloud_login_start(r->cloud, &r->who, host, 30000);
	op_then(op, done, &ended);
	/* Whoever waits for a worker or a socket gets some real time; pauses and deadlines pass
	   ten times faster. */
	for (i = 0; !ended; i++) {
		loop_turn(r->loop, false);
		if (i % 8 == 7)
			usleep(1000);
		if (i % 80 == 79)
			loop_test_advance(r->loop, 100);
	}
	rig_err = op->err;
	rig_password[0] = '\0';
	if (op->err.kind == ERR_NONE)
		snprintf(rig_password, sizeof(rig_password), "%s", cloud_login_result(op)->p);
	op_free(op);
	return rig_err.kind == ERR_NONE ? NULL : rig_err.msg;
}

void rig_failed(struct rig *r, const char *host, const char *says)
{
	static const char *const secrets[] = {RIG_KEY, RIG_TOKEN, "jwt-", "imds-token", "bearer-",
		"static-secret", "QVdTOnBhc3N3b3Jk", "AWS:password"};
	const char *msg = rig_login(r, host);
	size_t i;

	ck_assert_msg(msg, "no error where '%s' was expected", says);
	ck_assert_msg(strstr(msg, says), "'%s' does not say '%s'", msg, says);
	ck_assert_msg(!strncmp(msg, "failed to get credential from aws: ", 35), "%s", msg);
	for (i = 0; i < ARRAY_LEN(secrets); i++)
		ck_assert_msg(!strstr(msg, secrets[i]), "'%s' tells '%s'", msg, secrets[i]);
	ck_assert_msg(!strchr(msg, '\n') && strlen(msg) < ERR_MSG_MAX - 1, "%s", msg);
}

void rig_ok(struct rig *r, const char *host)
{
	const char *msg = rig_login(r, host);

	ck_assert_msg(!msg, "%s", msg);
	ck_assert_str_eq(rig_password, "AWS:password");
}

void rig_log_is(struct rig *r, const char *want)
{
	ck_assert_str_eq(buf_str(&r->log), want);
	buf_reset(&r->log);
}

unsigned rig_count(const struct rig *r, const char *beginning)
{
	const char *at = buf_str(&r->log), *end;
	unsigned n = 0;

	for (; *at; at = end + 1) {
		end = strchr(at, '\n');
		n += !strncmp(at, beginning, strlen(beginning));
	}
	return n;
}

/* ---- accounts -------------------------------------------------------------------------------- */

struct token_op {
	struct op op;
	struct secret token;
};

static void token_op_cancel(struct op *op)
{
	op_finish(op);
}

static void token_op_free(struct op *op)
{
	struct token_op *t = CONTAINER_OF(op, struct token_op, op);

	secret_clear(&t->token);
	free(t);
}

static struct op *token_start(struct cloud_account *account, const char *audience)
{
	static const struct op_type type = {"token", token_op_cancel, token_op_free};
	struct rig_account *a = CONTAINER_OF(account, struct rig_account, account);
	auto_free char *text = mem_printf("jwt-of-%s", a->name);
	struct token_op *t = NEW(struct token_op);
	struct err err = {0};

	a->tokens++;
	snprintf(a->audience, sizeof(a->audience), "%s", audience);
	op_init(&t->op, a->loop, &type);
	secret_set(&t->token, text, strlen(text));
	if (a->refuse)
		err_set(&err, ERR_RETRY, "failed to create kubernetes token");
	op_end(&t->op, &err);
	return &t->op;
}

static const struct secret *token_result(struct op *op)
{
	return &CONTAINER_OF(op, struct token_op, op)->token;
}

static void account_ref(struct cloud_account *account)
{
	CONTAINER_OF(account, struct rig_account, account)->refs++;
}

static void account_unref(struct cloud_account *account)
{
	CONTAINER_OF(account, struct rig_account, account)->refs--;
}

void rig_account(struct rig *r, struct rig_account *a, const char *name, const char *role)
{
	*a = (struct rig_account){.name = mem_strdup(name), .loop = r->loop};
	if (role)
		a->annotations = json_pack("{s:s}", "eks.amazonaws.com/role-arn", role);
	a->account = (struct cloud_account){.ref = account_ref,
		.unref = account_unref,
		.ns = "apps",
		.name = a->name,
		.uid = "uid-1",
		.annotations = a->annotations,
		.token_start = token_start,
		.token_result = token_result};
	r->who.account = &a->account;
}

void rig_account_clear(struct rig_account *a)
{
	ck_assert_uint_eq(a->refs, 0);
	json_decref(a->annotations);
	free(a->name);
}
