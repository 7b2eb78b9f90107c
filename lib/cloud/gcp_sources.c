#include "cloud/gcp.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "base/js.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "cloud/host.h"
#include "cloud/oauth.h"
#include "crypto/rsa.h"
#include "http/url.h"
#include "text/steady.h"

#include <stdio.h>
#include <string.h>

#define STS_URL "https://sts.googleapis.com"
#define IAM_URL "https://iamcredentials.googleapis.com"
#define ACCOUNTS ".iam.gserviceaccount.com"
#define METADATA_HOST "169.254.169.254"
#define PART_MAX 100 /* of an annotation's value */
#define FACT_MAX 200
#define LIFE_S 3600 /* the longest that Google takes of an assertion */
#define SKEW_S 10 /* so much may our clock be ahead of Google's */

/* ---- a ServiceAccount's annotations ---------------------------------------------------------- */

/* Where Google's services are. Only test builds let a variable move them: who could set one would
   be given the tokens of all tenants. */
static const char *service_url(const struct cloud_env *env, const char *variable, const char *real)
{
#ifdef TEST_BUILD
	const char *moved = cloud_env_get(env, variable);

	return moved ? moved : real;
#else
	(void)env;
	(void)variable;
	return real;
#endif
}

/* Letters, digits, and what else is told; at least one, at most PART_MAX. */
static size_t part_len(const char *s, const char *also)
{
	size_t n = 0;

	while (s[n] && (ascii_is_alnum(s[n]) || strchr(also, s[n])))
		n++;
	return n <= PART_MAX ? n : 0;
}

/* name@project.iam.gserviceaccount.com; a project of a domain has its name behind a dot. */
static bool email_ok(const char *s)
{
	size_t n = part_len(s, "-"), rest = strlen(s), end = strlen(ACCOUNTS);

	if (!n || s[n] != '@')
		return false;
	s += n + 1;
	rest -= n + 1;
	return rest > end && !strcmp(s + rest - end, ACCOUNTS) && cloud_labels_ok(s, rest - end);
}

/* projects/N/locations/global/workloadIdentityPools/P/providers/Q */
static bool provider_ok(const char *s)
{
	static const char *const words[] = {
		"projects/", "/locations/global/workloadIdentityPools/", "/providers/"};
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(words); i++) {
		if (strncmp(s, words[i], strlen(words[i])))
			return false;
		s += strlen(words[i]);
		n = i ? part_len(s, "-_.") : strspn(s, "0123456789");
		if (!n || n > PART_MAX)
			return false;
		s += n;
	}
	return !*s;
}

static int annotation_bad(const char *key, const char *value, const char *form, struct err *err)
{
	auto_buf struct buf shown = BUF_INIT(LIMIT_CLOUD_TEXT + 4);

	steady_add_clean(&shown, value, LIMIT_CLOUD_TEXT);
	return err_set(err, ERR_RETRY, "the annotation '%s' is '%s', which has not the form %s",
		key, buf_str(&shown), form);
}

int gcp_plan_account(struct gcp_plan *p, const struct cloud_ticket *t, struct err *err)
{
	const char *email = cloud_account_annotation(t, GCP_EMAIL_KEY);
	const char *provider = cloud_account_annotation(t, GCP_PROVIDER_KEY);
	const struct cloud_env *env = &t->cloud->env;

	*p = (struct gcp_plan){.kind = GCP_EXTERNAL, .lifetime_s = LIFE_S, .gke = !provider};
	if (email && !email_ok(email))
		return annotation_bad(GCP_EMAIL_KEY, email, "name@project" ACCOUNTS, err);
	if (provider && !provider_ok(provider))
		return annotation_bad(GCP_PROVIDER_KEY, provider,
			"projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/"
			"PROVIDER",
			err);
	p->token_url = mem_printf("%s/v1/token", service_url(env, "OCI_GCP_STS_URL", STS_URL));
	p->subject_type = mem_strdup("urn:ietf:params:oauth:token-type:jwt");
	if (provider) {
		p->audience = mem_printf("//iam.googleapis.com/%s", provider);
		p->account_audience = mem_strdup(p->audience);
	}
	if (email)
		p->impersonate_url =
			mem_printf("%s/v1/projects/-/serviceAccounts/%s:generateAccessToken",
				service_url(env, "OCI_GCP_IAM_URL", IAM_URL), email);
	return 0;
}

void gcp_plan_facts(struct gcp_plan *p, const struct gcp_facts *f)
{
	free(p->account_audience);
	free(p->audience);
	p->account_audience = mem_printf("%s.svc.id.goog", f->project);
	p->audience = mem_printf("identitynamespace:%s.svc.id.goog:"
				 "https://container.googleapis.com/v1/projects/%s/locations/%s/"
				 "clusters/%s",
		f->project, f->project, f->location, f->cluster);
}

/* ---- the metadata server --------------------------------------------------------------------- */

int gcp_metadata_base(const struct cloud_env *env, struct buf *url, struct err *err)
{
	const char *host = cloud_env_get(env, "GCE_METADATA_HOST");
	auto_url struct url u = {0};
	struct err hidden = {0};
	size_t from = url->len;

	buf_addf(url, "http://%s", host ? host : METADATA_HOST);
	if (!host)
		return 0;
	if (buf_over(url) || url_parse(&u, url->p + from, &hidden) || u.has_user || u.has_query ||
		u.has_fragment || strcmp(u.path, "/"))
		return err_set(err, ERR_RETRY,
			"GCE_METADATA_HOST '%.200s' is not of the form host or host:port", host);
	if (url->p[url->len - 1] == '/') {
		url->len--;
		url->p[url->len] = '\0';
	}
	return 0;
}

void gcp_metadata_token_path(struct buf *url)
{
	buf_adds(url, "/computeMetadata/v1/instance/service-accounts/default/token?scopes=");
	url_encode(url, GCP_SCOPE_PLATFORM "," GCP_SCOPE_EMAIL);
}

char *gcp_fact_read(const struct buf *body)
{
	const char *s = buf_str(body);
	size_t n = 0;

	while (s[n] && (ascii_is_alnum(s[n]) || strchr("-_.:", s[n])))
		n++;
	if (!n || n > FACT_MAX || s[n + strspn(s + n, " \r\n")] || strlen(s) != body->len)
		return NULL;
	return mem_strndup(s, n);
}

/* ---- what is sent for a token ---------------------------------------------------------------- */

/* Who is exchanged for another account may do that, and nothing else. */
static const char *scopes_of(const struct gcp_plan *p)
{
	return p->impersonate_url ? GCP_SCOPE_PLATFORM : GCP_SCOPE_PLATFORM " " GCP_SCOPE_EMAIL;
}

void gcp_assertion(const struct gcp_plan *p, int64_t now_ms, struct buf *out)
{
	auto_buf struct buf header = BUF_INIT(LIMIT_TOKEN_BODY), claims = header;
	struct js_w h = JS_W(&header), c = JS_W(&claims);
	int64_t from = now_ms / 1000 - SKEW_S;

	js_begin(&h, '{');
	js_kstr(&h, "alg", "RS256");
	js_kstr(&h, "typ", "JWT");
	if (p->key_id)
		js_kstr(&h, "kid", p->key_id);
	js_end(&h, '}');
	js_begin(&c, '{');
	js_kstr(&c, "iss", p->email);
	js_kstr(&c, "scope", scopes_of(p));
	js_kstr(&c, "aud", p->token_url);
	js_kint(&c, "iat", from);
	js_kint(&c, "exp", from + LIFE_S);
	js_end(&c, '}');
	base64_encode(out, buf_str(&header), header.len, BASE64_URL);
	buf_addc(out, '.');
	base64_encode(out, buf_str(&claims), claims.len, BASE64_URL);
}

int gcp_assertion_sign(struct buf *jwt, const struct secret *key, struct err *err)
{
	auto_buf struct buf signature = BUF_INIT(RSA_BITS_MAX / 8);

	if (rsa_sign_sha256(&signature, key->p, key->len, buf_str(jwt), jwt->len, err))
		return err_wrap(err, "its 'private_key'");
	buf_addc(jwt, '.');
	if (base64_encode(jwt, signature.p, signature.len, BASE64_URL))
		return err_set(err, ERR_RETRY, "the assertion is too long");
	return 0;
}

static void form_of_exchange(const struct gcp_plan *p, const struct secret *token, struct buf *form)
{
	auto_buf struct buf options = BUF_INIT(LIMIT_TOKEN_BODY);
	struct js_w w = JS_W(&options);

	cloud_form_add(form, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
	cloud_form_add(form, "audience", p->audience);
	cloud_form_add(form, "scope", scopes_of(p));
	cloud_form_add(
		form, "requested_token_type", "urn:ietf:params:oauth:token-type:access_token");
	cloud_form_add(form, "subject_token_type", p->subject_type);
	cloud_form_add(form, "subject_token", token->p);
	if (!p->user_project || p->client_id)
		return;
	/* AIP-4117: of a pool of people it is told whose quota this takes. */
	js_begin(&w, '{');
	js_kstr(&w, "userProject", p->user_project);
	js_end(&w, '}');
	cloud_form_add(form, "options", buf_str(&options));
}

void gcp_token_form(const struct gcp_plan *p, const struct secret *token, struct buf *form)
{
	switch (p->kind) {
	case GCP_KEY:
		cloud_form_add(form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
		cloud_form_add(form, "assertion", token->p);
		break;
	case GCP_USER:
		cloud_form_add(form, "grant_type", "refresh_token");
		cloud_form_add(form, "client_id", p->client_id);
		cloud_form_add(form, "client_secret", p->client_secret.p);
		cloud_form_add(form, "refresh_token", p->refresh_token.p);
		break;
	case GCP_EXTERNAL:
		form_of_exchange(p, token, form);
		break;
	case GCP_METADATA:
		break;
	}
}

void gcp_client_basic(const struct gcp_plan *p, struct buf *out)
{
	char *pair;

	if (!p->client_id)
		return;
	pair = mem_printf("%s:%s", p->client_id, p->client_secret.len ? p->client_secret.p : "");
	buf_adds(out, "Basic ");
	base64_encode(out, pair, strlen(pair), BASE64_STD);
	mem_wipe(pair, strlen(pair));
	free(pair);
}

int gcp_subject_read(
	const struct gcp_plan *p, const struct buf *text, struct secret *token, struct err *err)
{
	auto_json json_t *o = NULL;
	struct err hidden = {0}; /* quotes what it read */
	const char *value;

	if (!p->subject_field)
		return cloud_token_take(token, text, err);
	o = obj_parse_within(buf_str(text), text->len, &obj_answer, "it", &hidden);
	if (!json_is_object(o))
		return err_set(err, ERR_RETRY, "it is no JSON object");
	value = obj_str_or("", o, p->subject_field);
	if (!*value)
		return err_set(err, ERR_RETRY, "it has no text '%.100s'", p->subject_field);
	if (!cloud_token_ok(value))
		return err_set(err, ERR_RETRY, "its '%.100s' is no token", p->subject_field);
	secret_set(token, value, strlen(value));
	return 0;
}

/* ---- impersonation --------------------------------------------------------------------------- */

void gcp_impersonate_body(const struct gcp_plan *p, struct buf *body)
{
	struct js_w w = JS_W(body);
	char lifetime[32];

	snprintf(lifetime, sizeof(lifetime), "%us", p->lifetime_s);
	js_begin(&w, '{');
	js_kstr(&w, "lifetime", lifetime);
	js_key(&w, "scope");
	js_begin(&w, '[');
	js_str(&w, GCP_SCOPE_PLATFORM);
	js_str(&w, GCP_SCOPE_EMAIL);
	js_end(&w, ']');
	js_kobj(&w, "delegates", p->delegates);
	js_end(&w, '}');
}

int gcp_impersonate_read(const json_t *answer, struct cloud_secrets *got, struct err *err)
{
	const char *token = obj_str_or("", answer, "accessToken");
	struct err hidden = {0};

	if (!*token)
		return err_set(err, ERR_RETRY, "the answer holds no 'accessToken'");
	if (!cloud_token_ok(token))
		return err_set(err, ERR_RETRY, "the answer holds a malformed 'accessToken'");
	if (time_parse_rfc3339(obj_str_or("", answer, "expireTime"), &got->expires_ms, &hidden))
		return err_set(err, ERR_RETRY, "the answer holds no time as 'expireTime'");
	secret_set(&got->first, token, strlen(token));
	return 0;
}
