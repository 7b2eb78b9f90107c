#include "cmd/ocictl/run.h"

#include "base/mem.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "http/client.h"
#include "oci/identity.h"
#include "oci/registry.h"

#include <stdio.h>
#include <string.h>

int ocictl_run_init(struct run *r, const struct args *a, struct err *err)
{
	const char *colon;

	*r = (struct run){.loop = loop_new()};
	r->http = http_client_new(
		r->loop, &(struct http_client_opts){.user_agent = "ocictl/" VERSION});
	r->oci = oci_client_new(r->loop, r->http);
	oci_client_once(r->oci);
	r->identity = oci_identity_new();
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
	while (loop_turn(r->loop, false))
		;
	oci_client_free(r->oci);
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
