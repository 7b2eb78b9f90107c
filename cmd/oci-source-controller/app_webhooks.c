#include "app.h"
#include "controllers/receiver/receiver.h"
#include "hook/hook.h"
#include "http/server.h"
#include "oci/registry.h"

struct controller *app_receivers_new(struct app *a, const struct controller_opts *opts)
{
	a->hook = hook_new(&(struct hook_opts){.loop = a->loop, .oci = a->oci});
	a->receivers = receiver_new(&(struct receiver_opts){.controller = *opts,
		.hook = a->hook,
		.catalog = a->images,
		.account = a->account,
		.any_method = a->flags.receiver_any_method,
		.no_cross_namespace = a->flags.no_cross_namespace});
	return a->receivers;
}

int app_webhooks_start(struct app *a, struct err *err)
{
	struct http_server_opts opts = {.name = "webhooks",
		.address = a->flags.receiver_addr,
		.max_connections = a->share.receivers};

	if (!a->receivers || !a->flags.receiver_addr || a->webhooks_server)
		return 0;
	receiver_serve(a->receivers, &opts);
	a->webhooks_server = http_server_new(a->loop, &opts, err);
	if (!a->webhooks_server)
		return err_wrap(err, "--receiverAddr");
	/* No registry is asked at the address of a server of ours. */
	oci_client_own_address(a->oci, http_server_address(a->webhooks_server));
	return 0;
}
