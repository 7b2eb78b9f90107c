/* Google's credential files, and what is made of them: what is taken can be sent, no program is
   run, and no error shows a secret ("hunter2" stands where secrets stand). */
#include "cloud/gcp.h"

#include "base/limits.h"
#include "base/mem.h"
#include "cloud/oauth.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void form_is_plain(const struct buf *form)
{
	size_t i;

	for (i = 0; i < form->len; i++)
		BUG_IF((unsigned char)form->p[i] <= 0x20 || (unsigned char)form->p[i] > 0x7e);
}

static void use(const struct gcp_plan *p)
{
	auto_buf struct buf form = BUF_INIT(BUF_ANY), jwt = BUF_INIT(BUF_ANY);
	auto_buf struct buf body = BUF_INIT(BUF_ANY), basic = BUF_INIT(BUF_ANY);
	auto_secret struct secret token = {0};
	struct err err = {0};

	BUG_IF(p->kind == GCP_METADATA || !p->source || !p->token_url);
	BUG_IF(cloud_url_check(p->token_url, "it", CLOUD_URL_HTTPS_OR_HERE, NULL, &err));
	BUG_IF(p->kind == GCP_EXTERNAL && !p->subject_file == !p->subject_url);
	secret_set(&token, "t", 1);
	gcp_token_form(p, &token, &form);
	form_is_plain(&form);
	gcp_client_basic(p, &basic);
	if (p->kind == GCP_KEY) {
		gcp_assertion(p, 1769851800000, &jwt);
		form_is_plain(&jwt);
	}
	if (p->impersonate_url) {
		BUG_IF(!p->lifetime_s);
		gcp_impersonate_body(p, &body);
		BUG_IF(body.p[0] != '{' || body.p[body.len - 1] != '}');
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct gcp_plan p;
	struct err err = {0};

	if (gcp_plan_read(&p, (const char *)data, size, &err)) {
		BUG_IF(err.kind != ERR_RETRY || !*err.msg);
		BUG_IF(p.key.len || p.refresh_token.len || p.client_secret.len);
		/* A type, a format, the name of a header and a URL are shown: anything may be
		   in them. */
		BUG_IF(strstr(err.msg, "hunter2") && !strstr(err.msg, "' is '") &&
			!strstr(err.msg, "headers"));
	} else {
		use(&p);
	}
	gcp_plan_clear(&p);
	return 0;
}
