#include "cloud/gcp.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "cloud/host.h"
#include "cloud/oauth.h"
#include "ev/work.h"

#include <stdio.h>
#include <string.h>

#define PROBE_MS 1000 /* a metadata server on this link, or none */
#define PROBE_TRIES 2
#define ADC_FILE "%s/.config/gcloud/application_default_credentials.json"
#define USER "oauth2accesstoken:"

static void gcp_open(struct cloud *c)
{
	c->gcp = NEW(struct gcp_facts);
}

static void gcp_close(struct cloud *c)
{
	if (!c->gcp)
		return;
	free(c->gcp->project);
	free(c->gcp->location);
	free(c->gcp->cluster);
	free(MOVE(c->gcp));
}

/* ---- the host -------------------------------------------------------------------------------- */

/* LOCATION-docker.pkg.dev, of one label */
static bool host_is_artifact_registry(const char *host)
{
	static const char end[] = "-docker.pkg.dev";
	size_t n = strlen(host), m = strlen(end);

	return n > m && !strcmp(host + n - m, end) && !memchr(host, '.', n - m) &&
		cloud_labels_ok(host, n - m);
}

static int gcp_place(
	const struct cloud *c, const char *host, struct cloud_place *place, struct err *err)
{
	(void)c;
	(void)place;
	if (!strcmp(host, "gcr.io") || cloud_host_is_below(host, "gcr.io") ||
		host_is_artifact_registry(host) || !strcmp(host, "docker.s3nsregistry.fr"))
		return 0;
	return err_set(err, ERR_RETRY,
		"'%.255s' is no registry of Google Cloud: they are gcr.io, names that end with "
		".gcr.io, LOCATION-docker.pkg.dev and docker.s3nsregistry.fr, without a port",
		host);
}

/* The access token is the password, at every registry. */
static void gcp_credential_key(const struct cloud_ticket *t, struct buf *key)
{
	(void)t;
	buf_adds(key, "gcp");
}

/* ---- the access token ------------------------------------------------------------------------ */

struct gcp_access {
	struct cloud_fetch fetch;
	struct gcp_plan plan;
	char *path; /* of the credential file; NULL: none */
	bool path_is_set; /* by GOOGLE_APPLICATION_CREDENTIALS: it must be there */
	const char *fact; /* what the metadata server was asked for */
	struct secret token; /* what token_url is shown: an assertion, or the subject's token */
};

static enum step_ret access_fail(struct gcp_access *a, const struct err *err)
{
	struct err e = *err;

	if (a->plan.source && a->path)
		err_wrap(&e, "%s '%.300s'", a->plan.source, a->path);
	else if (a->plan.source)
		err_wrap(&e, "%s", a->plan.source);
	return task_fail(&a->fetch.task, &e);
}

static void source_metadata(struct gcp_access *a)
{
	gcp_plan_clear(&a->plan);
	a->fetch.got.source = a->plan.source = "service account of the node or pod";
}

/* Whose identity: the account's, that of a file, or what the metadata server has. */
static enum step_ret access_source_start(struct task *t)
{
	struct gcp_access *a = FETCH(t, struct gcp_access);
	const struct cloud_env *env = &a->fetch.ticket->cloud->env;
	const char *set = cloud_env_get(env, "GOOGLE_APPLICATION_CREDENTIALS");
	const char *home = cloud_env_get(env, "HOME");
	struct err err = {0};

	if (a->fetch.ticket->account) {
		if (gcp_plan_account(&a->plan, a->fetch.ticket, &err))
			return access_fail(a, &err);
		return STEP_NEXT;
	}
	a->path_is_set = set;
	if (set)
		a->path = mem_strdup(set);
	else if (home)
		a->path = mem_printf(ADC_FILE, home);
	else
		source_metadata(a);
	return STEP_NEXT;
}

static enum step_ret access_file_start(struct task *t)
{
	struct gcp_access *a = FETCH(t, struct gcp_access);

	if (!a->path)
		return STEP_NEXT;
	return task_wait(t, cloud_file_start(t->self.loop, a->path, LIMIT_CLOUD_FILE));
}

static enum step_ret access_file_resume(struct task *t)
{
	struct gcp_access *a = FETCH(t, struct gcp_access);
	struct err err = t->op->err;
	const struct buf *text;

	if (err.kind != ERR_NONE && !a->path_is_set) {
		free(MOVE(a->path));
		source_metadata(a);
		return STEP_NEXT;
	}
	if (err.kind != ERR_NONE) {
		err_wrap(&err, "GOOGLE_APPLICATION_CREDENTIALS");
		return access_fail(a, &err);
	}
	text = cloud_file_result(t->op);
	if (gcp_plan_read(&a->plan, buf_str(text), text->len, &err)) {
		err_wrap(&err, "credential file '%.300s'", a->path);
		return access_fail(a, &err);
	}
	a->fetch.got.source = a->plan.source;
	return STEP_NEXT;
}

/* ---- the metadata server --------------------------------------------------------------------- */

static struct op *metadata_ask(struct gcp_access *a, const char *path, bool probe)
{
	static const struct http_hdr hdrs[] = {{"Metadata-Flavor", "Google"}, {NULL, NULL}};
	struct cloud_ticket *t = a->fetch.ticket;
	auto_buf struct buf url = BUF_INIT(LIMIT_URL);
	struct cloud_ask ask = {.what = "metadata", .method = "GET", .hdrs = hdrs, .local = true};
	struct err err = {0};

	if (gcp_metadata_base(&t->cloud->env, &url, &err))
		return op_failed(t->cloud->loop, &err);
	if (path)
		buf_addf(&url, "/computeMetadata/v1/%s", path);
	else
		gcp_metadata_token_path(&url);
	if (probe) {
		ask.tries = PROBE_TRIES;
		ask.each_ms = PROBE_MS;
	}
	ask.url = buf_str(&url);
	return cloud_ask_start(t, &ask);
}

static const char *fact_missing(const struct gcp_facts *f)
{
	if (!f->project)
		return "project/project-id";
	if (!f->location)
		return "instance/attributes/cluster-location";
	return f->cluster ? NULL : "instance/attributes/cluster-name";
}

static bool access_needs_metadata(const struct gcp_access *a)
{
	return a->plan.kind == GCP_METADATA ||
		(a->plan.gke && fact_missing(a->fetch.ticket->cloud->gcp));
}

static enum step_ret metadata_fail(struct gcp_access *a, const struct err *err)
{
	struct err e = *err;

	err_wrap(&e, "%s",
		a->plan.gke ? "metadata server of GKE (outside of it the ServiceAccount needs the "
			      "annotation '" GCP_PROVIDER_KEY "')"
			    : "metadata server");
	return access_fail(a, &e);
}

/* Whoever is not at Google waits for an address that nobody has: that is told soon, and asked
   again every time, since on GKE that server may start after us. A token may take its time. */
static enum step_ret access_probe_start(struct task *t)
{
	struct gcp_access *a = FETCH(t, struct gcp_access);

	if (!access_needs_metadata(a) ||
		cloud_env_get(&a->fetch.ticket->cloud->env, "GCE_METADATA_HOST"))
		return STEP_NEXT;
	return task_wait(t, metadata_ask(a, "", true));
}

static enum step_ret access_probe_resume(struct task *t)
{
	struct err err = t->op->err;

	return err.kind == ERR_NONE ? STEP_NEXT : metadata_fail(FETCH(t, struct gcp_access), &err);
}

/* What the audiences on GKE are made of, each asked once per process. */
static enum step_ret access_facts_start(struct task *t)
{
	struct gcp_access *a = FETCH(t, struct gcp_access);
	struct gcp_facts *f = a->fetch.ticket->cloud->gcp;
	const char *missing = fact_missing(f);

	if (!a->plan.gke)
		return STEP_NEXT;
	a->fact = missing;
	if (missing)
		return task_wait(t, metadata_ask(a, missing, false));
	gcp_plan_facts(&a->plan, f);
	return STEP_NEXT;
}

static enum step_ret access_facts_resume(struct task *t)
{
	struct gcp_access *a = FETCH(t, struct gcp_access);
	struct gcp_facts *f = a->fetch.ticket->cloud->gcp;
	const char *missing = fact_missing(f);
	const struct http_res *res;
	struct err err = t->op->err;
	char *value;

	if (err.kind != ERR_NONE)
		return metadata_fail(a, &err);
	if (missing != a->fact) /* another login was quicker */
		return STEP_AGAIN;
	res = cloud_ask_result(t->op);
	if (res->status != 200) {
		cloud_refused(t->op, &err);
		err_wrap(&err, "'%s'", missing);
		return metadata_fail(a, &err);
	}
	value = gcp_fact_read(&res->body);
	if (!value) {
		err_set(&err, ERR_RETRY, "'%s' has an answer that is no name", missing);
		return metadata_fail(a, &err);
	}
	if (!f->project)
		f->project = value;
	else if (!f->location)
		f->location = value;
	else
		f->cluster = value;
	return STEP_AGAIN;
}

/* ---- what is shown for it -------------------------------------------------------------------- */

/* Of an external account, or a ServiceAccount: the token of the other issuer. */
static struct op *subject_ask(struct gcp_access *a)
{
	struct http_hdr hdrs[64] = {{NULL, NULL}};
	struct cloud_ask ask = {.what = "token", .method = "GET", .url = a->plan.subject_url};
	struct err err = {0};
	const char *name;
	json_t *value;
	size_t n = 0;

	json_object_foreach (a->plan.subject_headers, name, value)
		if (n < ARRAY_LEN(hdrs) - 1)
			hdrs[n++] = (struct http_hdr){name, json_string_value(value)};
	ask.hdrs = hdrs;
	if (cloud_url_check(ask.url, "its 'url'", CLOUD_URL_ANY, &ask.local, &err))
		return op_failed(a->fetch.ticket->cloud->loop, &err);
	return cloud_ask_start(a->fetch.ticket, &ask);
}

static enum step_ret access_subject_start(struct task *t)
{
	struct gcp_access *a = FETCH(t, struct gcp_access);

	if (a->plan.kind != GCP_EXTERNAL)
		return STEP_NEXT;
	if (a->fetch.ticket->account)
		return task_wait(
			t, cloud_account_token_start(a->fetch.ticket, a->plan.account_audience));
	if (a->plan.subject_file)
		return task_wait(
			t, cloud_file_start(t->self.loop, a->plan.subject_file, LIMIT_CLOUD_FILE));
	return task_wait(t, subject_ask(a));
}

static enum step_ret subject_fail(struct gcp_access *a, const struct err *err)
{
	struct err e = *err;

	if (a->fetch.ticket->account)
		return access_fail(a, &e);
	err_wrap(&e, "subject token of '%.300s'",
		a->plan.subject_file ? a->plan.subject_file : "credential_source.url");
	return access_fail(a, &e);
}

static enum step_ret access_subject_resume(struct task *t)
{
	struct gcp_access *a = FETCH(t, struct gcp_access);
	const struct buf *text;
	struct err err = t->op->err;

	if (err.kind != ERR_NONE)
		return subject_fail(a, &err);
	if (a->fetch.ticket->account) {
		secret_copy(&a->token, cloud_account_token_result(a->fetch.ticket, t->op));
		return STEP_NEXT;
	}
	if (a->plan.subject_file) {
		text = cloud_file_result(t->op);
	} else {
		text = &cloud_ask_result(t->op)->body;
		if (cloud_ask_result(t->op)->status != 200) {
			cloud_refused(t->op, &err);
			return subject_fail(a, &err);
		}
	}
	return gcp_subject_read(&a->plan, text, &a->token, &err) ? subject_fail(a, &err)
								 : STEP_NEXT;
}

struct gcp_sign {
	struct secret key;
	struct buf jwt;
};

static int sign_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct gcp_sign *s = job;

	(void)stop; /* some milliseconds */
	return gcp_assertion_sign(&s->jwt, &s->key, err);
}

static void sign_free(void *job)
{
	struct gcp_sign *s = job;

	if (s->jwt.p)
		mem_wipe(s->jwt.p, s->jwt.len);
	buf_clear(&s->jwt);
	secret_clear(&s->key);
	free(s);
}

static enum step_ret access_sign_start(struct task *t)
{
	struct gcp_access *a = FETCH(t, struct gcp_access);
	struct gcp_sign *s;

	if (a->plan.kind != GCP_KEY)
		return STEP_NEXT;
	s = NEW(struct gcp_sign);
	buf_init(&s->jwt, LIMIT_TOKEN_BODY);
	secret_copy(&s->key, &a->plan.key);
	gcp_assertion(&a->plan, clock_wall_ms(), &s->jwt);
	return task_wait(t, work_start(t->self.loop, WORK_SHORT, sign_run, sign_free, s));
}

static enum step_ret access_sign_resume(struct task *t)
{
	struct gcp_access *a = FETCH(t, struct gcp_access);
	struct gcp_sign *s = work_job(t->op);

	if (t->op->err.kind != ERR_NONE)
		return access_fail(a, &t->op->err);
	secret_set(&a->token, s->jwt.p, s->jwt.len);
	return STEP_NEXT;
}

/* ---- the token itself ------------------------------------------------------------------------ */

static struct op *token_ask(struct gcp_access *a)
{
	auto_buf struct buf form = BUF_INIT(2 * LIMIT_TOKEN_BODY);
	auto_buf struct buf basic = BUF_INIT(LIMIT_HEADERS / 2);
	struct http_hdr hdrs[3] = {{"Content-Type", CLOUD_FORM_TYPE}};
	struct cloud_ask ask = {
		.what = a->plan.kind == GCP_EXTERNAL ? "sts" : "token", .url = a->plan.token_url};
	struct err err = {0};
	struct op *op;

	ask.hdrs = hdrs;
	if (cloud_url_check(ask.url, "its token URL", CLOUD_URL_HTTPS_OR_HERE, &ask.local, &err))
		return op_failed(a->fetch.ticket->cloud->loop, &err);
	if (a->plan.kind == GCP_EXTERNAL)
		gcp_client_basic(&a->plan, &basic);
	if (basic.len)
		hdrs[1] = (struct http_hdr){"Authorization", buf_str(&basic)};
	gcp_token_form(&a->plan, &a->token, &form);
	op = cloud_form_post(a->fetch.ticket, &ask, &form);
	if (basic.p)
		mem_wipe(basic.p, basic.len);
	return op;
}

static enum step_ret access_token_start(struct task *t)
{
	struct gcp_access *a = FETCH(t, struct gcp_access);

	return task_wait(
		t, a->plan.kind == GCP_METADATA ? metadata_ask(a, NULL, false) : token_ask(a));
}

static enum step_ret metadata_refused(struct gcp_access *a, const struct op *op)
{
	struct err err = {0};

	if (cloud_ask_result(op)->status == 404)
		cloud_ask_refused(op, NULL, "there is no service account for us", &err);
	else
		cloud_refused(op, &err);
	return metadata_fail(a, &err);
}

static enum step_ret access_token_resume(struct task *t)
{
	struct gcp_access *a = FETCH(t, struct gcp_access);
	auto_json json_t *answer = NULL;
	struct err err = t->op->err;

	if (err.kind != ERR_NONE)
		return a->plan.kind == GCP_METADATA ? metadata_fail(a, &err) : access_fail(a, &err);
	if (cloud_ask_result(t->op)->status != 200) {
		if (a->plan.kind == GCP_METADATA)
			return metadata_refused(a, t->op);
		if (a->plan.kind == GCP_EXTERNAL)
			cloud_refused_token(t->op, &a->token, &err);
		else
			cloud_refused(t->op, &err);
		return access_fail(a, &err);
	}
	answer = cloud_ask_json(t->op, &err);
	if (!answer || cloud_token_read(answer, &a->fetch.got, &err))
		return access_fail(a, &err);
	return STEP_NEXT;
}

static enum step_ret access_impersonate_start(struct task *t)
{
	static const struct http_hdr hdrs[] = {{"Content-Type", "application/json"}, {NULL, NULL}};
	struct gcp_access *a = FETCH(t, struct gcp_access);
	auto_buf struct buf body = BUF_INIT(LIMIT_TOKEN_BODY);
	struct cloud_ask ask = {.what = "impersonate",
		.method = "POST",
		.url = a->plan.impersonate_url,
		.hdrs = hdrs,
		.bearer = &a->fetch.got.first};
	struct err err = {0};

	if (!ask.url)
		return STEP_NEXT;
	if (cloud_url_check(
		    ask.url, "its URL of impersonation", CLOUD_URL_HTTPS_OR_HERE, &ask.local, &err))
		return access_fail(a, &err);
	gcp_impersonate_body(&a->plan, &body);
	ask.body = buf_str(&body);
	ask.body_len = body.len;
	return task_wait(t, cloud_ask_start(a->fetch.ticket, &ask));
}

static enum step_ret access_impersonate_resume(struct task *t)
{
	struct gcp_access *a = FETCH(t, struct gcp_access);
	auto_json json_t *answer = NULL;
	struct err err = t->op->err;

	if (err.kind == ERR_NONE && cloud_ask_result(t->op)->status != 200)
		cloud_refused(t->op, &err);
	if (err.kind == ERR_NONE && (answer = cloud_ask_json(t->op, &err)) &&
		!gcp_impersonate_read(answer, &a->fetch.got, &err))
		return STEP_NEXT;
	err_wrap(&err, "impersonation");
	return access_fail(a, &err);
}

static void access_free(struct task *t)
{
	struct gcp_access *a = FETCH(t, struct gcp_access);

	cloud_fetch_clear(&a->fetch);
	gcp_plan_clear(&a->plan);
	free(a->path);
	secret_clear(&a->token);
	free(a);
}

static struct op *gcp_access(struct cloud_ticket *t)
{
	static const struct step steps[] = {
		{"source", access_source_start},
		{"file", access_file_start, access_file_resume},
		{"probe", access_probe_start, access_probe_resume},
		{"facts", access_facts_start, access_facts_resume},
		{"subject", access_subject_start, access_subject_resume},
		{"sign", access_sign_start, access_sign_resume},
		{"token", access_token_start, access_token_resume},
		{"impersonate", access_impersonate_start, access_impersonate_resume},
		{0},
	};
	struct gcp_access *a = NEW(struct gcp_access);

	cloud_fetch_init(&a->fetch, t, "gcp access", steps, access_free);
	return task_spawn(&a->fetch.task);
}

/* ---- the registry's password ----------------------------------------------------------------- */

static enum step_ret credential_done_start(struct task *t)
{
	(void)t;
	return STEP_DONE;
}

static void credential_free(struct task *t)
{
	struct cloud_fetch *f = TASK(t, struct cloud_fetch);

	cloud_fetch_clear(f);
	free(f);
}

/* No exchange: the access token is the password. */
static struct op *gcp_credential(struct cloud_ticket *t, const struct cloud_secrets *access)
{
	static const struct step steps[] = {{"password", credential_done_start}, {0}};
	struct cloud_fetch *f = NEW(struct cloud_fetch);
	char *pair = mem_printf(USER "%s", access->first.p);

	cloud_fetch_init(f, t, "gcp credential", steps, credential_free);
	secret_set(&f->got.first, pair, strlen(pair));
	f->got.expires_ms = access->expires_ms;
	mem_wipe(pair, strlen(pair));
	free(pair);
	return task_spawn(&f->task);
}

const struct cloud_provider_ops cloud_gcp = {
	.name = "gcp",
	.open = gcp_open,
	.close = gcp_close,
	.place = gcp_place,
	.credential_key = gcp_credential_key,
	.access_at = sizeof(USER) - 1,
	.access = gcp_access,
	.credential = gcp_credential,
};
