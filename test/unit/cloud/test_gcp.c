/* Google Cloud: which hosts, whose identity, and whole exchanges with a server of our own in the
   place of the metadata server, the token servers and IAM. */
#include "cloud/gcp.h"

#include "base/obj.h"
#include "test/unit/cloud/oauth_rig.h"

Suite *suite_gcp(void);

#define BOTH GCP_SCOPE_PLATFORM "," GCP_SCOPE_EMAIL
#define EMAIL "puller@proj.iam.gserviceaccount.com"
#define PROVIDER "projects/12345/locations/global/workloadIdentityPools/pool/providers/prov"
#define TOKEN_PATH "/computeMetadata/v1/instance/service-accounts/default/token"
#define IMPERSONATE "/v1/projects/-/serviceAccounts/" EMAIL ":generateAccessToken"
#define TOKEN_JSON "{\"access_token\":\"tok\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"
#define IAM_JSON "{\"accessToken\":\"imp\",\"expireTime\":\"2026-01-31T10:30:00Z\"}"
#define STS_FORM_HEAD \
	"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&audience="
#define STS_FORM_TAIL \
	"&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token" \
	"&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&subject_token="
#define SCOPE_ALONE "&scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform"
#define SCOPE_BOTH SCOPE_ALONE "%20https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email"
#define IAM_BODY(life) \
	"{\"lifetime\":\"" life "\",\"scope\":[\"" GCP_SCOPE_PLATFORM "\",\"" GCP_SCOPE_EMAIL "\"" \
	"]"

/* ---- hosts ----------------------------------------------------------------------------------- */

static const struct {
	const char *host;
	bool ok;
} hosts[] = {
	{"gcr.io", true},
	{"eu.gcr.io", true},
	{"a.b.gcr.io", true},
	{"europe-docker.pkg.dev", true},
	{"us-central1-docker.pkg.dev", true},
	{"docker.s3nsregistry.fr", true},
	{"pkg.dev", false},
	{"docker.pkg.dev", false},
	{"-docker.pkg.dev", false},
	{"europe-python.pkg.dev", false},
	{"a.europe-docker.pkg.dev", false},
	{"europe-docker.pkg.dev.evil", false},
	{"europe-docker.pkg.devil", false},
	{"xgcr.io", false},
	{".gcr.io", false},
	{"gcr.io.evil", false},
	{"gcr.io:443", false},
	{"eu.gcr.io:443", false},
	{"europe-docker.pkg.dev:443", false},
	{"x.docker.s3nsregistry.fr", false},
	{"s3nsregistry.fr", false},
	{"GCR.io", false},
	{"", false},
};

/* Case 25. */
START_TEST(test_host)
{
	struct cloud_place place = {.form = 0};
	const char *host = hosts[_i].host;
	struct err err = {0};
	int rc = cloud_gcp.place(NULL, host, &place, &err);

	ck_assert_msg(!rc == hosts[_i].ok, "'%s': %s", host, err.msg);
	if (rc)
		ck_assert_msg(strstr(err.msg, ".gcr.io") && strstr(err.msg, host), "%s", err.msg);
}
END_TEST

/* ---- annotations ----------------------------------------------------------------------------- */

static const struct {
	const char *name, *email, *provider;
	const char *says; /* the annotation; NULL: good */
} annotations[] = {
	{"none", NULL, NULL, NULL},
	{"email", EMAIL, NULL, NULL},
	{"project of a domain", "a-b@proj.example.com.iam.gserviceaccount.com", NULL, NULL},
	{"provider", NULL, PROVIDER, NULL},
	{"both", EMAIL, PROVIDER, NULL},
	{"no address", "puller", NULL, GCP_EMAIL_KEY},
	{"another domain", "puller@example.com", NULL, GCP_EMAIL_KEY},
	{"no project", "puller@.iam.gserviceaccount.com", NULL, GCP_EMAIL_KEY},
	{"no project, no dot", "puller@iam.gserviceaccount.com", NULL, GCP_EMAIL_KEY},
	{"no name", "@proj.iam.gserviceaccount.com", NULL, GCP_EMAIL_KEY},
	{"a path", "../x@proj.iam.gserviceaccount.com", NULL, GCP_EMAIL_KEY},
	{"a path behind", "x@../y.iam.gserviceaccount.com", NULL, GCP_EMAIL_KEY},
	{"something behind", EMAIL "/x", NULL, GCP_EMAIL_KEY},
	{"a line", EMAIL "\n", NULL, GCP_EMAIL_KEY},
	{"no number", NULL,
		"projects/proj/locations/global/workloadIdentityPools/pool/providers/prov",
		GCP_PROVIDER_KEY},
	{"not global", NULL, "projects/1/locations/eu/workloadIdentityPools/pool/providers/prov",
		GCP_PROVIDER_KEY},
	{"no provider", NULL, "projects/1/locations/global/workloadIdentityPools/pool",
		GCP_PROVIDER_KEY},
	{"empty pool", NULL, "projects/1/locations/global/workloadIdentityPools//providers/prov",
		GCP_PROVIDER_KEY},
	{"more", NULL, PROVIDER "/x", GCP_PROVIDER_KEY},
	{"an audience", NULL, "//iam.googleapis.com/" PROVIDER, GCP_PROVIDER_KEY},
	{"an email as provider", NULL, EMAIL, GCP_PROVIDER_KEY},
};

/* Case 71: nobody is asked, Kubernetes neither. */
START_TEST(test_annotations)
{
	const char *name = annotations[_i].name, *says = annotations[_i].says;
	struct gcp_plan plan;
	struct err err = {0};
	struct op *op;
	struct rig r;

	rig_init(&r);
	if (annotations[_i].email)
		rig_annotate(&r, GCP_EMAIL_KEY, annotations[_i].email);
	if (annotations[_i].provider)
		rig_annotate(&r, GCP_PROVIDER_KEY, annotations[_i].provider);
	rig_open(&r, &cloud_gcp, "gcr.io", true);
	ck_assert_msg(!gcp_plan_account(&plan, r.ticket, &err) == !says, "%s: %s", name, err.msg);
	if (!says) {
		ck_assert_str_eq(plan.token_url, "https://sts.googleapis.com/v1/token");
		ck_assert_int_eq(plan.gke, !annotations[_i].provider);
		if (annotations[_i].provider)
			ck_assert_str_eq(plan.account_audience, "//iam.googleapis.com/" PROVIDER);
		if (!annotations[_i].email)
			ck_assert_ptr_null(plan.impersonate_url);
		else if (!strcmp(annotations[_i].email, EMAIL))
			ck_assert_str_eq(plan.impersonate_url,
				"https://iamcredentials.googleapis.com" IMPERSONATE);
	} else {
		op = rig_login(&r, CLOUD_GCP, true);
		rig_says(op, says);
		rig_says(op, "from gcp: ServiceAccount 'apps/tenant': ");
		ck_assert(!strchr(op->err.msg, '\n'));
		op_free(op);
		ck_assert_ptr_null(r.audience);
		ck_assert_str_eq(buf_str(&r.log), "");
	}
	gcp_plan_clear(&plan);
	rig_clear(&r);
}
END_TEST

/* ---- the metadata server --------------------------------------------------------------------- */

static void metadata(struct rig *r, bool with_account)
{
	rig_init(r);
	cloud_env_set(&r->env, "GCE_METADATA_HOST", http_server_address(r->server));
	cloud_env_set(&r->env, "OCI_GCP_STS_URL", r->base);
	cloud_env_set(&r->env, "OCI_GCP_IAM_URL", r->base);
	rig_open(r, &cloud_gcp, "europe-docker.pkg.dev", with_account);
}

/* Case 60, and what the registry gets. */
START_TEST(test_metadata)
{
	struct cloud_fetch *f, *c;
	struct rig r;

	metadata(&r, false);
	rig_on(&r, "GET", TOKEN_PATH, TOKEN_JSON);
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_ok(&f->task.self);
	ck_assert_str_eq(f->got.first.p, "tok");
	ck_assert_int_eq(f->got.expires_ms, RIG_NOW_MS + 3599000);
	ck_assert_ptr_nonnull(f->got.source);
	c = rig_wait(&r, cloud_gcp.credential(r.ticket, &f->got));
	rig_ok(&c->task.self);
	ck_assert_str_eq(c->got.first.p, "oauth2accesstoken:tok");
	ck_assert_int_eq(c->got.expires_ms, RIG_NOW_MS + 3599000);
	op_free(&c->task.self);
	op_free(&f->task.self);
	ck_assert_str_eq(
		buf_str(&r.log), "GET " TOKEN_PATH " scopes=" BOTH " Metadata-Flavor=Google\n");
	rig_clear(&r);
}
END_TEST

/* Whoever asks for what nobody gives takes no place from those that were given something. */
START_TEST(test_failures_not_kept)
{
	struct op *op;
	struct rig r;
	char uid[16];
	int i;

	metadata(&r, false);
	rig_on(&r, "GET", TOKEN_PATH, TOKEN_JSON)->times = 1;
	op = rig_login(&r, CLOUD_GCP, false);
	rig_ok(op);
	op_free(op);
	for (i = 0; i < 20; i++) {
		snprintf(uid, sizeof(uid), "u-%d", i);
		r.account.uid = uid;
		op = rig_login(&r, CLOUD_GCP, true);
		ck_assert_int_eq(op->err.kind, ERR_RETRY);
		op_free(op);
	}
	op = rig_login(&r, CLOUD_GCP, false);
	rig_ok(op);
	op_free(op);
	rig_clear(&r);
}
END_TEST

/* The second login has the password of the first, and the registry refuses it. */
static void login_twice_refused(struct rig *r)
{
	const struct cloud_who who = {.provider = CLOUD_GCP};
	int i;

	for (i = 0; i < 2; i++) {
		struct op *op = rig_login(r, CLOUD_GCP, false);

		rig_ok(op);
		ck_assert_str_eq(cloud_login_result(op)->p, "oauth2accesstoken:tok");
		if (i)
			cloud_login_refused(
				r->cloud, &who, r->ticket->host, cloud_login_result(op));
		op_free(op);
	}
}

/* Refused, the password is made anew, and with it the access token that it is. */
START_TEST(test_login_refused)
{
	struct op *op;
	struct rig r;

	metadata(&r, false);
	rig_on(&r, "GET", TOKEN_PATH, TOKEN_JSON)->times = 1;
	rig_on(&r, "GET", TOKEN_PATH, "{\"access_token\":\"new\",\"expires_in\":3599}");
	login_twice_refused(&r);
	op = rig_login(&r, CLOUD_GCP, false);
	rig_ok(op);
	ck_assert_str_eq(cloud_login_result(op)->p, "oauth2accesstoken:new");
	op_free(op);
	rig_clear(&r);
}
END_TEST

/* Somebody's was refused, and the cloud hangs: the others have the old one after a moment. */
START_TEST(test_login_refused_hangs)
{
	const struct cloud_who who = {.provider = CLOUD_GCP};
	struct op *op;
	struct rig r;
	int i;

	metadata(&r, false);
	rig_on(&r, "GET", TOKEN_PATH, TOKEN_JSON)->times = 1;
	rig_on(&r, "GET", TOKEN_PATH, NULL);
	login_twice_refused(&r);
	op = cloud_login_start(r.cloud, &who, r.ticket->host, 30000);
	for (i = 0; i < 200; i++) {
		loop_turn(r.loop, false);
		usleep(500);
	}
	ck_assert(!op->done);
	loop_test_advance(r.loop, 2001);
	for (i = 0; i < 10; i++)
		loop_turn(r.loop, false);
	ck_assert(op->done);
	rig_ok(op);
	ck_assert_str_eq(cloud_login_result(op)->p, "oauth2accesstoken:tok");
	op_free(op);
	/* It comes after all, though nobody waits any more. */
	ck_assert_ptr_nonnull(r.held);
	http_reply_text(r.held, 200, "{\"access_token\":\"new\",\"expires_in\":3599}");
	for (i = 0; i < 200; i++) {
		loop_turn(r.loop, false);
		usleep(500);
	}
	op = rig_login(&r, CLOUD_GCP, false);
	rig_ok(op);
	ck_assert_str_eq(cloud_login_result(op)->p, "oauth2accesstoken:new");
	op_free(op);
	rig_clear(&r);
}
END_TEST

static void metadata_fails(int status, const char *body, const char *says)
{
	struct cloud_fetch *f;
	struct rig r;

	metadata(&r, false);
	rig_on(&r, "GET", TOKEN_PATH, body)->status = status;
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_says(&f->task.self, says);
	rig_says(&f->task.self, "metadata server");
	op_free(&f->task.self);
	rig_clear(&r);
}

START_TEST(test_metadata_refused)
{
	metadata_fails(404, "<html>not found", "no service account");
	metadata_fails(403, "scopes are not allowed", "403: scopes are not allowed");
	metadata_fails(500, "{\"error\":\"internal\"}", "500: internal");
}
END_TEST

START_TEST(test_metadata_odd)
{
	struct cloud_fetch *f;
	struct rig r;

	metadata(&r, false);
	rig_on(&r, "GET", TOKEN_PATH, "{\"expires_in\":3599}");
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_says(&f->task.self, "access_token");
	op_free(&f->task.self);
	rig_clear(&r);
}
END_TEST

static const struct {
	const char *host, *url; /* url NULL: refused */
} metadata_hosts[] = {
	{NULL, "http://169.254.169.254"},
	{"metadata.google.internal", "http://metadata.google.internal"},
	{"127.0.0.1:8080", "http://127.0.0.1:8080"},
	{"127.0.0.1:8080/", "http://127.0.0.1:8080"},
	{"[fd20:ce::254]:80", "http://[fd20:ce::254]:80"},
	{"http://127.0.0.1", NULL},
	{"127.0.0.1/path", NULL},
	{"a:b@c", NULL},
	{"127.0.0.1:x", NULL},
	{"a b", NULL},
	{"a?b", NULL},
};

START_TEST(test_metadata_host)
{
	const char *host = metadata_hosts[_i].host, *url = metadata_hosts[_i].url;
	auto_buf struct buf got = BUF_INIT(1000);
	struct cloud_env env = {0};
	struct err err = {0};
	int rc;

	cloud_env_set(&env, "GCE_METADATA_HOST", host);
	rc = gcp_metadata_base(&env, &got, &err);
	ck_assert_msg(!rc == !!url, "'%s': %s", host ? host : "", err.msg);
	if (url)
		ck_assert_str_eq(buf_str(&got), url);
	else
		ck_assert_msg(strstr(err.msg, "GCE_METADATA_HOST"), "%s", err.msg);
	cloud_env_clear(&env);
}
END_TEST

static const struct {
	const char *text, *fact; /* fact NULL: none */
} facts[] = {
	{"my-project", "my-project"},
	{"example.com:proj\n", "example.com:proj"},
	{"europe-west1-b\r\n", "europe-west1-b"},
	{"", NULL},
	{"\n", NULL},
	{"a/b", NULL},
	{"a b", NULL},
	{"a\nb", NULL},
	{"<html>", NULL},
};

START_TEST(test_fact)
{
	auto_buf struct buf b = BUF_INIT(1000);
	auto_free char *got = NULL;

	buf_adds(&b, facts[_i].text);
	got = gcp_fact_read(&b);
	ck_assert_msg(!got == !facts[_i].fact, "'%s'", facts[_i].text);
	if (got)
		ck_assert_str_eq(got, facts[_i].fact);
}
END_TEST

START_TEST(test_fact_length)
{
	auto_buf struct buf b = BUF_INIT(1000);
	int i;

	for (i = 0; i < 201; i++)
		buf_addc(&b, 'a');
	ck_assert_ptr_null(gcp_fact_read(&b));
}
END_TEST

/* ---- ServiceAccounts ------------------------------------------------------------------------- */

static void facts_on(struct rig *r)
{
	rig_on(r, "GET", "/computeMetadata/v1/project/project-id", "proj\n");
	rig_on(r, "GET", "/computeMetadata/v1/instance/attributes/cluster-location",
		"europe-west1");
	rig_on(r, "GET", "/computeMetadata/v1/instance/attributes/cluster-name", "prod");
}

#define FACTS \
	"GET /computeMetadata/v1/project/project-id Metadata-Flavor=Google\n" \
	"GET /computeMetadata/v1/instance/attributes/cluster-location Metadata-Flavor=Google\n" \
	"GET /computeMetadata/v1/instance/attributes/cluster-name Metadata-Flavor=Google\n"
#define GKE_AUDIENCE \
	"identitynamespace%3Aproj.svc.id.goog%3Ahttps%3A%2F%2Fcontainer.googleapis.com%2Fv1" \
	"%2Fprojects%2Fproj%2Flocations%2Feurope-west1%2Fclusters%2Fprod"

/* Case 69, no email; what the cluster is was asked once. */
START_TEST(test_gke)
{
	struct cloud_fetch *f;
	struct rig r;
	int i;

	metadata(&r, true);
	facts_on(&r);
	rig_on(&r, "POST", "/v1/token", TOKEN_JSON);
	secret_set(&r.token, "j.w.t", 5);
	for (i = 0; i < 2; i++) {
		f = rig_wait(&r, cloud_gcp.access(r.ticket));
		rig_ok(&f->task.self);
		ck_assert_str_eq(f->got.first.p, "tok");
		ck_assert_ptr_null(f->got.source);
		ck_assert_str_eq(r.audience, "proj.svc.id.goog");
		op_free(&f->task.self);
	}
	ck_assert_str_eq(buf_str(&r.log),
		FACTS
		"POST /v1/token " STS_FORM_HEAD GKE_AUDIENCE SCOPE_BOTH STS_FORM_TAIL "j.w.t\n"
		"POST /v1/token " STS_FORM_HEAD GKE_AUDIENCE SCOPE_BOTH STS_FORM_TAIL "j.w.t\n");
	rig_clear(&r);
}
END_TEST

/* Case 69, with an email. */
START_TEST(test_gke_email)
{
	struct cloud_fetch *f;
	struct rig r;

	metadata(&r, true);
	rig_annotate(&r, GCP_EMAIL_KEY, EMAIL);
	facts_on(&r);
	rig_on(&r, "POST", "/v1/token", TOKEN_JSON);
	rig_on(&r, "POST", IMPERSONATE, IAM_JSON);
	secret_set(&r.token, "j.w.t", 5);
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_ok(&f->task.self);
	ck_assert_str_eq(f->got.first.p, "imp");
	ck_assert_int_eq(f->got.expires_ms, RIG_NOW_MS + 3600000);
	op_free(&f->task.self);
	ck_assert_str_eq(buf_str(&r.log),
		FACTS "POST /v1/token " STS_FORM_HEAD GKE_AUDIENCE SCOPE_ALONE STS_FORM_TAIL
		      "j.w.t\n"
		      "POST " IMPERSONATE " Authorization=Bearer tok " IAM_BODY("3600s") "}\n");
	rig_clear(&r);
}
END_TEST

static void gke_fails(const char *body, int status, const char *says)
{
	struct cloud_fetch *f;
	struct rig r;

	metadata(&r, true);
	rig_on(&r, "GET", "/computeMetadata/v1/project/project-id", "proj");
	rig_on(&r, "GET", "/computeMetadata/v1/instance/attributes/cluster-location", body)
		->status = status;
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_says(&f->task.self, says);
	rig_says(&f->task.self, "cluster-location");
	rig_says(&f->task.self, GCP_PROVIDER_KEY);
	ck_assert_ptr_null(r.audience);
	op_free(&f->task.self);
	rig_clear(&r);
}

START_TEST(test_gke_fails)
{
	gke_fails("not found", 404, "404: not found");
	gke_fails("../x", 200, "no name");
}
END_TEST

/* Case 70: no metadata server is asked. */
START_TEST(test_provider)
{
	struct cloud_fetch *f;
	struct rig r;

	metadata(&r, true);
	rig_annotate(&r, GCP_PROVIDER_KEY, PROVIDER);
	rig_on(&r, "POST", "/v1/token", TOKEN_JSON);
	secret_set(&r.token, "j.w.t", 5);
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_ok(&f->task.self);
	ck_assert_str_eq(f->got.first.p, "tok");
	ck_assert_str_eq(r.audience, "//iam.googleapis.com/" PROVIDER);
	op_free(&f->task.self);
	ck_assert_str_eq(buf_str(&r.log),
		"POST /v1/token " STS_FORM_HEAD
		"%2F%2Fiam.googleapis.com%2Fprojects%2F12345%2Flocations%2Fglobal%2F"
		"workloadIdentityPools%2Fpool%2Fproviders%2Fprov" SCOPE_BOTH STS_FORM_TAIL
		"j.w.t\n");
	rig_clear(&r);
}
END_TEST

/* People compare the claims by hand; the token itself is nowhere. */
START_TEST(test_sts_refused)
{
	auto_free char *jwt =
		rig_jwt("{\"iss\":\"https://issuer\",\"sub\":\"system:serviceaccount:apps:"
			"tenant\",\"aud\":[\"//iam.googleapis.com/x\"]}");
	struct cloud_fetch *f;
	struct rig r;

	metadata(&r, true);
	rig_annotate(&r, GCP_PROVIDER_KEY, PROVIDER);
	rig_on(&r, "POST", "/v1/token",
		"{\"error\":\"invalid_grant\",\"error_description\":\"The audience is wrong\"}")
		->status = 400;
	secret_set(&r.token, jwt, strlen(jwt));
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_says(&f->task.self, "400: invalid_grant: The audience is wrong");
	rig_says(&f->task.self, "iss 'https://issuer'");
	rig_says(&f->task.self, "sub 'system:serviceaccount:apps:tenant'");
	ck_assert(!strstr(f->task.self.err.msg, jwt));
	ck_assert(!strstr(f->task.self.err.msg, "eyJ"));
	op_free(&f->task.self);
	rig_clear(&r);
}
END_TEST

static void iam_fails(const char *body, int status, const char *says)
{
	struct cloud_fetch *f;
	struct rig r;

	metadata(&r, true);
	rig_annotate(&r, GCP_PROVIDER_KEY, PROVIDER);
	rig_annotate(&r, GCP_EMAIL_KEY, EMAIL);
	rig_on(&r, "POST", "/v1/token", TOKEN_JSON);
	rig_on(&r, "POST", IMPERSONATE, body)->status = status;
	secret_set(&r.token, "j.w.t", 5);
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_says(&f->task.self, says);
	rig_says(&f->task.self, "impersonation");
	op_free(&f->task.self);
	rig_clear(&r);
}

START_TEST(test_iam_refused)
{
	iam_fails("{\"error\":{\"code\":403,\"message\":\"Permission denied\",\"status\":"
		  "\"PERMISSION_DENIED\"}}",
		403, "403: PERMISSION_DENIED: Permission denied");
	iam_fails("{}", 200, "no 'accessToken'");
	iam_fails("{\"accessToken\":\"a b\",\"expireTime\":\"2026-01-31T10:30:00Z\"}", 200,
		"malformed 'accessToken'");
	iam_fails("{\"accessToken\":\"a\",\"expireTime\":3600}", 200, "'expireTime'");
	iam_fails("{\"accessToken\":\"a\"}", 200, "'expireTime'");
	iam_fails("rubbish", 200, "JSON");
}
END_TEST

/* ---- credential files ------------------------------------------------------------------------ */

static char *make_key(const struct rig *r)
{
	auto_free char *cmd =
		mem_printf("openssl genrsa -out %s/key.pem 2048 2>/dev/null && openssl rsa -in "
			   "%s/key.pem -pubout -out %s/pub.pem 2>/dev/null && cat %s/key.pem",
			r->dir, r->dir, r->dir, r->dir);
	FILE *p = popen(cmd, "r");
	char text[8192];
	size_t n = fread(text, 1, sizeof(text) - 1, p);

	ck_assert_int_eq(pclose(p), 0);
	text[n] = '\0';
	return mem_strdup(text);
}

/* The variable names a file with this document. */
static void credentials(struct rig *r, json_t *o)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	auto_free char *path = NULL;

	obj_write(o, &text);
	path = rig_file(r, "adc.json", buf_str(&text));
	json_decref(o);
	cloud_env_set(&r->env, "GOOGLE_APPLICATION_CREDENTIALS", path);
	rig_open(r, &cloud_gcp, "gcr.io", false);
}

/* Is the JWT of the form's "assertion" signed with the key? openssl says so. */
static void signed_by(const struct rig *r, const char *jwt)
{
	const char *dot = strrchr(jwt, '.');
	auto_free char *input = mem_strndup(jwt, (size_t)(dot - jwt));
	auto_free char *path = mem_printf("%s/sig", r->dir), *text = NULL, *cmd = NULL;
	auto_buf struct buf sig = BUF_INIT(1000);
	struct err err = {0};
	FILE *f = fopen(path, "w");

	ck_assert_int_eq(base64_decode(&sig, dot + 1, strlen(dot + 1), BASE64_URL, &err), 0);
	ck_assert(f && fwrite(sig.p, 1, sig.len, f) == sig.len);
	fclose(f);
	text = mem_printf("%s/input", r->dir);
	f = fopen(text, "w");
	ck_assert(f && fputs(input, f) >= 0);
	fclose(f);
	cmd = mem_printf("openssl dgst -sha256 -verify %s/pub.pem -signature %s/sig %s/input "
			 ">/dev/null",
		r->dir, r->dir, r->dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* Case 62. */
START_TEST(test_key_file)
{
	static const char head[] = "POST /token grant_type=urn%3Aietf%3Aparams%3Aoauth%3A"
				   "grant-type%3Ajwt-bearer&assertion=";
	auto_free char *key = NULL, *url = NULL, *jwt = NULL;
	auto_buf struct buf want = BUF_INIT(1000), got = BUF_INIT(4000);
	struct cloud_fetch *f;
	struct err err = {0};
	char *dot, *dot2;
	struct rig r;

	rig_init(&r);
	key = make_key(&r);
	url = mem_printf("%s/token", r.base);
	credentials(&r,
		json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", "service_account", "client_email", EMAIL,
			"private_key", key, "private_key_id", "k-1", "token_uri", url));
	rig_on(&r, "POST", "/token", TOKEN_JSON);
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_ok(&f->task.self);
	ck_assert_str_eq(f->got.first.p, "tok");
	ck_assert_str_eq(f->got.source, "service account key");
	op_free(&f->task.self);
	ck_assert_msg(!strncmp(buf_str(&r.log), head, strlen(head)), "%s", buf_str(&r.log));
	jwt = mem_strndup(
		buf_str(&r.log) + strlen(head), strlen(buf_str(&r.log)) - strlen(head) - 1);
	signed_by(&r, jwt);
	dot = strchr(jwt, '.');
	dot2 = strchr(dot + 1, '.');
	*dot = *dot2 = '\0';
	ck_assert_int_eq(base64_decode(&got, jwt, strlen(jwt), BASE64_URL, &err), 0);
	ck_assert_str_eq(buf_str(&got), "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k-1\"}");
	buf_reset(&got);
	ck_assert_int_eq(base64_decode(&got, dot + 1, strlen(dot + 1), BASE64_URL, &err), 0);
	buf_addf(&want,
		"{\"iss\":\"" EMAIL "\",\"scope\":\"" GCP_SCOPE_PLATFORM " " GCP_SCOPE_EMAIL
		"\",\"aud\":\"%s\",\"iat\":1769851790,\"exp\":1769855390}",
		url);
	ck_assert_str_eq(buf_str(&got), buf_str(&want));
	rig_clear(&r);
}
END_TEST

/* A broken key, and a token server that says no: neither shows the key. */
START_TEST(test_key_file_fails)
{
	auto_free char *url = NULL;
	struct cloud_fetch *f;
	struct rig r;

	rig_init(&r);
	url = mem_printf("%s/token", r.base);
	credentials(&r,
		json_pack("{s:s,s:s,s:s,s:s}", "type", "service_account", "client_email", EMAIL,
			"private_key", "-----BEGIN PRIVATE KEY-----\nhunter2\n", "token_uri", url));
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_says(&f->task.self, "'private_key'");
	rig_says(&f->task.self, "adc.json");
	ck_assert(!strstr(f->task.self.err.msg, "hunter2"));
	op_free(&f->task.self);
	ck_assert_str_eq(buf_str(&r.log), "");
	rig_clear(&r);
}
END_TEST

START_TEST(test_user_file)
{
	auto_free char *url = NULL;
	struct cloud_fetch *f;
	struct rig r;

	rig_init(&r);
	url = mem_printf("%s/token", r.base);
	credentials(&r,
		json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", "authorized_user", "client_id", "cli",
			"client_secret", "s&c", "refresh_token", "hunter2", "token_uri", url));
	rig_on(&r, "POST", "/token", TOKEN_JSON)->times = 1;
	rig_on(&r, "POST", "/token", "{\"error\":\"invalid_grant\"}")->status = 400;
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_ok(&f->task.self);
	ck_assert_str_eq(f->got.first.p, "tok");
	op_free(&f->task.self);
	ck_assert_str_eq(buf_str(&r.log),
		"POST /token grant_type=refresh_token&client_id=cli&client_secret=s%26c&"
		"refresh_token=hunter2\n");
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_says(&f->task.self, "400: invalid_grant");
	rig_says(&f->task.self, "credentials of a user");
	ck_assert(!strstr(f->task.self.err.msg, "hunter2"));
	op_free(&f->task.self);
	rig_clear(&r);
}
END_TEST

static json_t *external(const struct rig *r, json_t *source)
{
	auto_free char *url = mem_printf("%s/v1/token", r->base);

	return json_pack("{s:s,s:s,s:s,s:s,s:o}", "type", "external_account", "audience", "aud",
		"subject_token_type", "urn:ietf:params:oauth:token-type:jwt", "token_url", url,
		"credential_source", source);
}

/* Case 63, the first half: the file is read at each login. */
START_TEST(test_external_file)
{
	auto_free char *path = NULL, *again = NULL;
	struct cloud_fetch *f;
	struct rig r;

	rig_init(&r);
	path = rig_file(&r, "subject", "one\n");
	credentials(&r, external(&r, json_pack("{s:s}", "file", path)));
	rig_on(&r, "POST", "/v1/token", TOKEN_JSON);
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_ok(&f->task.self);
	op_free(&f->task.self);
	again = rig_file(&r, "subject", "two");
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_ok(&f->task.self);
	ck_assert_str_eq(f->got.source, "external account");
	op_free(&f->task.self);
	ck_assert_str_eq(buf_str(&r.log),
		"POST /v1/token " STS_FORM_HEAD "aud" SCOPE_BOTH STS_FORM_TAIL "one\n"
		"POST /v1/token " STS_FORM_HEAD "aud" SCOPE_BOTH STS_FORM_TAIL "two\n");
	rig_clear(&r);
}
END_TEST

/* Case 63, the second half: a field of the JSON that a URL gives, then impersonation. */
START_TEST(test_external_url)
{
	auto_free char *url = NULL, *iam = NULL;
	struct cloud_fetch *f;
	struct rig r;
	json_t *o;

	rig_init(&r);
	url = mem_printf("%s/idp", r.base);
	iam = mem_printf("%s" IMPERSONATE, r.base);
	o = external(&r,
		json_pack("{s:s,s:{s:s},s:{s:s,s:s}}", "url", url, "headers", "X-Test", "yes",
			"format", "type", "json", "subject_token_field_name", "id_token"));
	json_object_set_new(o, "service_account_impersonation_url", json_string(iam));
	json_object_set_new(o, "service_account_impersonation",
		json_pack("{s:i}", "token_lifetime_seconds", 900));
	json_object_set_new(o, "client_id", json_string("cli"));
	json_object_set_new(o, "client_secret", json_string("sec"));
	credentials(&r, o);
	rig_on(&r, "GET", "/idp", "{\"id_token\":\"j.w.t\"}");
	rig_on(&r, "POST", "/v1/token", TOKEN_JSON);
	rig_on(&r, "POST", IMPERSONATE, IAM_JSON);
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_ok(&f->task.self);
	ck_assert_str_eq(f->got.first.p, "imp");
	op_free(&f->task.self);
	ck_assert_str_eq(buf_str(&r.log),
		"GET /idp X-Test=yes\n"
		"POST /v1/token Authorization=Basic Y2xpOnNlYw== " STS_FORM_HEAD
		"aud" SCOPE_ALONE STS_FORM_TAIL "j.w.t\n"
		"POST " IMPERSONATE " Authorization=Bearer tok " IAM_BODY("900s") "}\n");
	rig_clear(&r);
}
END_TEST

START_TEST(test_external_subject_fails)
{
	auto_free char *url = NULL;
	struct cloud_fetch *f;
	struct rig r;

	rig_init(&r);
	credentials(&r, external(&r, json_pack("{s:s}", "file", "/nowhere/subject")));
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_says(&f->task.self, "/nowhere/subject");
	op_free(&f->task.self);
	rig_close(&r);
	url = mem_printf("%s/idp?key=hunter2", r.base);
	credentials(&r, external(&r, json_pack("{s:s}", "url", url)));
	rig_on(&r, "GET", "/idp", "go away")->status = 401;
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_says(&f->task.self, "401: go away");
	rig_says(&f->task.self, "credential_source.url");
	ck_assert(!strstr(f->task.self.err.msg, "hunter2"));
	op_free(&f->task.self);
	rig_clear(&r);
}
END_TEST

START_TEST(test_impersonated_file)
{
	auto_free char *url = NULL, *iam = NULL;
	struct cloud_fetch *f;
	struct rig r;

	rig_init(&r);
	url = mem_printf("%s/token", r.base);
	iam = mem_printf("%s" IMPERSONATE, r.base);
	credentials(&r,
		json_pack("{s:s,s:s,s:[s],s:{s:s,s:s,s:s,s:s,s:s}}", "type",
			"impersonated_service_account", "service_account_impersonation_url", iam,
			"delegates", "projects/-/serviceAccounts/d", "source_credentials", "type",
			"authorized_user", "client_id", "cli", "client_secret", "sec",
			"refresh_token", "ref", "token_uri", url));
	rig_on(&r, "POST", "/token", TOKEN_JSON);
	rig_on(&r, "POST", IMPERSONATE, IAM_JSON);
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_ok(&f->task.self);
	ck_assert_str_eq(f->got.first.p, "imp");
	ck_assert_str_eq(f->got.source, "impersonated service account");
	op_free(&f->task.self);
	ck_assert_str_eq(buf_str(&r.log),
		"POST /token grant_type=refresh_token&client_id=cli&client_secret=sec&"
		"refresh_token=ref\n"
		"POST " IMPERSONATE " Authorization=Bearer tok " IAM_BODY(
			"3600s") ",\"delegates\":[\"projects/-/serviceAccounts/d\"]}\n");
	rig_clear(&r);
}
END_TEST

#define EXTERNAL(source) \
	"{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"t\"," \
	"\"credential_source\":" source "}"

static const struct {
	const char *name, *json;
	const char *says; /* NULL: taken */
} files[] = {
	{"rubbish", "hunter2", "no JSON object"},
	{"a list", "[\"hunter2\"]", "no JSON object"},
	{"no type", "{}", "'type'"},
	{"another type", "{\"type\":\"gdch_service_account\"}", "gdch_service_account"},
	{"key", "{\"type\":\"service_account\",\"client_email\":\"e\",\"private_key\":\"k\"}",
		NULL},
	{"no key", "{\"type\":\"service_account\",\"client_email\":\"e\"}", "'private_key'"},
	{"no email", "{\"type\":\"service_account\",\"private_key\":\"hunter2\"}",
		"'client_email'"},
	{"token_uri is plain",
		"{\"type\":\"service_account\",\"client_email\":\"e\",\"private_key\":\"hunter2\","
		"\"token_uri\":\"http://example.com/token\"}",
		"'token_uri'"},
	{"user without secret",
		"{\"type\":\"authorized_user\",\"client_id\":\"c\",\"refresh_token\":\"hunter2\"}",
		"'client_secret'"},
	{"external file", EXTERNAL("{\"file\":\"/f\"}"), NULL},
	{"external url, plain http", EXTERNAL("{\"url\":\"http://idp.svc/\"}"), NULL},
	{"external, no source",
		"{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"t\"}",
		"'credential_source'"},
	{"external, an empty source", EXTERNAL("{}"), "'file'"},
	{"executable", EXTERNAL("{\"executable\":{\"command\":\"/bin/sh\"}}"),
		"no programs are run"},
	{"executable beside a file",
		EXTERNAL("{\"file\":\"/f\",\"executable\":{\"command\":\"/bin/sh\"}}"),
		"no programs are run"},
	{"aws", EXTERNAL("{\"environment_id\":\"aws1\",\"url\":\"http://169.254.169.254/\"}"),
		"asks for AWS"},
	{"certificate", EXTERNAL("{\"certificate\":{}}"), "'credential_source.certificate'"},
	{"url is a path", EXTERNAL("{\"url\":\"/etc/passwd\"}"), "'url'"},
	{"json without field", EXTERNAL("{\"file\":\"/f\",\"format\":{\"type\":\"json\"}}"),
		"subject_token_field_name"},
	{"another format", EXTERNAL("{\"file\":\"/f\",\"format\":{\"type\":\"xml\"}}"), "'xml'"},
	{"a header with a line",
		EXTERNAL("{\"url\":\"https://i/\",\"headers\":{\"A\":\"x\\r\\nhunter2\"}}"),
		"headers"},
	{"a header of a number", EXTERNAL("{\"url\":\"https://i/\",\"headers\":{\"A\":1}}"),
		"headers"},
	{"a header's odd name", EXTERNAL("{\"url\":\"https://i/\",\"headers\":{\"A:\":\"x\"}}"),
		"headers"},
	{"no source", "{\"type\":\"impersonated_service_account\"}", "'source_credentials'"},
	{"impersonated twice",
		"{\"type\":\"impersonated_service_account\",\"source_credentials\":{\"type\":"
		"\"impersonated_service_account\"}}",
		"source_credentials"},
	{"impersonated, no URL",
		"{\"type\":\"impersonated_service_account\",\"source_credentials\":{\"type\":"
		"\"authorized_user\",\"client_id\":\"c\",\"client_secret\":\"s\","
		"\"refresh_token\":\"hunter2\"}}",
		"'service_account_impersonation_url'"},
	{"impersonated, plain URL",
		"{\"type\":\"impersonated_service_account\",\"service_account_impersonation_url\":"
		"\"http://example.com/\",\"source_credentials\":{\"type\":\"authorized_user\","
		"\"client_id\":\"c\",\"client_secret\":\"s\",\"refresh_token\":\"hunter2\"}}",
		"'service_account_impersonation_url'"},
};

/* Case 64 among them. */
START_TEST(test_file)
{
	const char *name = files[_i].name, *json = files[_i].json, *says = files[_i].says;
	struct gcp_plan plan;
	struct err err = {0};
	int rc = gcp_plan_read(&plan, json, strlen(json), &err);

	ck_assert_msg(!rc == !says, "%s: %s", name, err.msg);
	if (says)
		ck_assert_msg(strstr(err.msg, says), "%s: %s", name, err.msg);
	ck_assert_msg(!strstr(err.msg, "hunter2"), "%s: %s", name, err.msg);
	gcp_plan_clear(&plan);
}
END_TEST

START_TEST(test_lifetime)
{
	static const struct {
		const char *json;
		bool ok;
	} rows[] = {
		{"600", true}, {"43200", true}, {"599", false}, {"43201", false}, {"-1", false}};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *json = mem_printf(
			"{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":"
			"\"t\",\"credential_source\":{\"file\":\"/f\"},"
			"\"service_account_impersonation\":{\"token_lifetime_seconds\":%s}}",
			rows[i].json);
		struct gcp_plan plan;
		struct err err = {0};

		ck_assert_msg(!gcp_plan_read(&plan, json, strlen(json), &err) == rows[i].ok, "%s",
			rows[i].json);
		gcp_plan_clear(&plan);
	}
}
END_TEST

START_TEST(test_user_project)
{
	static const char json[] = "{\"type\":\"external_account\",\"audience\":\"a\","
				   "\"subject_token_type\":\"t\",\"credential_source\":{\"file\":"
				   "\"/f\"},\"workforce_pool_user_project\":\"p\"}";
	auto_buf struct buf form = BUF_INIT(4096);
	auto_secret struct secret token = {0};
	struct gcp_plan plan;
	struct err err = {0};

	ck_assert_int_eq(gcp_plan_read(&plan, json, strlen(json), &err), 0);
	secret_set(&token, "x", 1);
	gcp_token_form(&plan, &token, &form);
	ck_assert_msg(strstr(buf_str(&form), "&options=%7B%22userProject%22%3A%22p%22%7D"), "%s",
		buf_str(&form));
	gcp_plan_clear(&plan);
}
END_TEST

/* ---- which source ---------------------------------------------------------------------------- */

/* The variable's file must be there; that of the home directory need not. */
START_TEST(test_order)
{
	auto_free char *adc = NULL, *url = NULL, *cmd = NULL;
	struct cloud_fetch *f;
	FILE *file;
	struct rig r;

	rig_init(&r);
	cloud_env_set(&r.env, "GCE_METADATA_HOST", http_server_address(r.server));
	cloud_env_set(&r.env, "HOME", r.dir);
	cloud_env_set(&r.env, "GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/adc.json");
	rig_open(&r, &cloud_gcp, "gcr.io", false);
	rig_on(&r, "GET", TOKEN_PATH, TOKEN_JSON);
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_says(&f->task.self, "GOOGLE_APPLICATION_CREDENTIALS");
	rig_says(&f->task.self, "/nowhere/adc.json");
	op_free(&f->task.self);
	ck_assert_str_eq(buf_str(&r.log), "");
	rig_close(&r);

	cloud_env_set(&r.env, "GOOGLE_APPLICATION_CREDENTIALS", NULL);
	rig_open(&r, &cloud_gcp, "gcr.io", false);
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_ok(&f->task.self);
	op_free(&f->task.self);
	ck_assert_ptr_nonnull(strstr(buf_str(&r.log), "GET " TOKEN_PATH));

	cmd = mem_printf("mkdir -p %s/.config/gcloud", r.dir);
	ck_assert_int_eq(system(cmd), 0);
	adc = mem_printf("%s/.config/gcloud/application_default_credentials.json", r.dir);
	url = mem_printf("%s/token", r.base);
	file = fopen(adc, "w");
	fprintf(file,
		"{\"type\":\"authorized_user\",\"client_id\":\"c\",\"client_secret\":\"s\","
		"\"refresh_token\":\"r\",\"token_uri\":\"%s\"}",
		url);
	fclose(file);
	rig_on(&r, "POST", "/token", TOKEN_JSON);
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_ok(&f->task.self);
	ck_assert_str_eq(f->got.source, "credentials of a user");
	op_free(&f->task.self);
	rig_clear(&r);
}
END_TEST

START_TEST(test_file_broken)
{
	auto_free char *path = NULL;
	struct cloud_fetch *f;
	struct rig r;

	rig_init(&r);
	path = rig_file(&r, "adc.json", "{\"type\":\"external_account\",\"audience\":\"hunter2\"}");
	cloud_env_set(&r.env, "GOOGLE_APPLICATION_CREDENTIALS", path);
	rig_open(&r, &cloud_gcp, "gcr.io", false);
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_says(&f->task.self, path);
	rig_says(&f->task.self, "'subject_token_type'");
	ck_assert(!strstr(f->task.self.err.msg, "hunter2"));
	op_free(&f->task.self);
	rig_clear(&r);
}
END_TEST

/* Case 65, on a machine without such a server: what is told soon says what was asked. */
START_TEST(test_none)
{
	uint64_t before;
	struct cloud_fetch *f;
	struct rig r;

	rig_init(&r);
	cloud_env_set(&r.env, "GCE_METADATA_HOST", "127.0.0.1:1");
	rig_open(&r, &cloud_gcp, "gcr.io", false);
	before = clock_ms();
	f = rig_wait(&r, cloud_gcp.access(r.ticket));
	rig_says(&f->task.self, "metadata server");
	rig_says(&f->task.self, "127.0.0.1");
	ck_assert(clock_ms() - before < 5000);
	ck_assert(!strchr(f->task.self.err.msg, '\n'));
	op_free(&f->task.self);
	rig_clear(&r);
}
END_TEST

Suite *suite_gcp(void)
{
	Suite *s = suite_create("gcp");
	TCase *tc = tcase_create("gcp");

	tcase_add_loop_test(tc, test_host, 0, ARRAY_LEN(hosts));
	tcase_add_loop_test(tc, test_annotations, 0, ARRAY_LEN(annotations));
	tcase_add_test(tc, test_metadata);
	tcase_add_test(tc, test_failures_not_kept);
	tcase_add_test(tc, test_login_refused);
	tcase_add_test(tc, test_login_refused_hangs);
	tcase_add_test(tc, test_metadata_refused);
	tcase_add_test(tc, test_metadata_odd);
	tcase_add_loop_test(tc, test_metadata_host, 0, ARRAY_LEN(metadata_hosts));
	tcase_add_loop_test(tc, test_fact, 0, ARRAY_LEN(facts));
	tcase_add_test(tc, test_fact_length);
	tcase_add_test(tc, test_gke);
	tcase_add_test(tc, test_gke_email);
	tcase_add_test(tc, test_gke_fails);
	tcase_add_test(tc, test_provider);
	tcase_add_test(tc, test_sts_refused);
	tcase_add_test(tc, test_iam_refused);
	tcase_add_test(tc, test_key_file);
	tcase_add_test(tc, test_key_file_fails);
	tcase_add_test(tc, test_user_file);
	tcase_add_test(tc, test_external_file);
	tcase_add_test(tc, test_external_url);
	tcase_add_test(tc, test_external_subject_fails);
	tcase_add_test(tc, test_impersonated_file);
	tcase_add_loop_test(tc, test_file, 0, ARRAY_LEN(files));
	tcase_add_test(tc, test_lifetime);
	tcase_add_test(tc, test_user_project);
	tcase_add_test(tc, test_order);
	tcase_add_test(tc, test_file_broken);
	tcase_add_test(tc, test_none);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	return s;
}
