#include "cmd/ocictl/run.h"

#include "base/limits.h"
#include "base/mem.h"
#include "cloud/cloud.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "http/client.h"
#include "oci/identity.h"
#include "oci/registry.h"
#include "source/provider.h"

#include <stdio.h>
#include <string.h>

/* As whoever runs this: by the environment, as the cloud's own programs do it. */
static int run_login(struct run *r, const struct args *a, struct err *err)
{
	struct cloud_env env = {0};

	cloud_env_read(&env);
	r->cloud = cloud_new(&(struct cloud_opts){
		.loop = r->loop, .http = r->http, .env = &env, .cache_max = LIMIT_CLOUD_KEPT});
	cloud_env_clear(&env);
	if (cloud_host_check(r->cloud, a->provider, a->ref.repo.host, err))
		return err_wrap(err, "--provider=%s", cloud_provider_name(a->provider));
	provider_login_add(r->identity,
		&(struct provider_login_opts){.cloud = r->cloud, .provider = a->provider});
	return 0;
}

int ocictl_run_init(struct run *r, const struct args *a, struct err *err)
{
	const char *colon;

	*r = (struct run){.loop = loop_new()};
	r->http = http_client_new(
		r->loop, &(struct http_client_opts){.user_agent = "ocictl/" VERSION});
	r->oci = oci_client_new(r->loop, r->http);
	oci_client_once(r->oci);
	r->identity = oci_identity_new();
	if (!a->creds && a->has_provider)
		return run_login(r, a, err);
	if (!a->creds)
		return oci_identity_load_docker(r->identity, &a->ref.repo, err);
	colon = strchr(a->creds, ':');
	if (colon) {
		auto_free char *user = mem_strndup(a->creds, (size_t)(colon - a->creds));

		oci_identity_add_basic(r->identity, a->ref.repo.host, user, colon + 1);
	}
	return 0;
}

void ocictl_run_clear(struct run *r)
{
	oci_identity_unref(r->identity);
	oci_client_stop(r->oci);
	if (r->cloud)
		cloud_stop(r->cloud);
	while (loop_turn(r->loop, false))
		;
	oci_client_free(r->oci);
	cloud_free(r->cloud);
	http_client_free(r->http);
	while (loop_turn(r->loop, false))
		;
	loop_free(r->loop);
}

struct oci_target ocictl_run_target(const struct run *r, const struct args *a)
{
	return (struct oci_target){&a->ref.repo, r->identity, a->timeout_ms};
}

static void run_ended(struct op *op, void *arg)
{
	(void)op;
	loop_stop(arg);
}

int ocictl_run_wait(struct run *r, struct op *op, struct err *err)
{
	op_then(op, run_ended, r->loop);
	loop_run(r->loop);
	if (op->err.kind == ERR_NONE)
		return 0;
	*err = op->err;
	return -1;
}

int ocictl_flush(int rc)
{
	if (!fflush(stdout) && !ferror(stdout))
		return rc;
	perror("ocictl: stdout");
	return EXIT_FAILED;
}
