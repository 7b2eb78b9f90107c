#include "app.h"
#include "ctl/controller.h"
#include "ctl/shown.h"
#include "oci/registry.h"
#include "page/page.h"

#include <string.h>

/* Objects of all kinds, one kind after the other. */
static bool page_walk(void *arg, struct page_cursor *at, page_brief_fn *fn, void *fn_arg)
{
	struct app *a = arg;

	if (at->kind < a->n_controllers && !shown_walk(a->controllers[at->kind], at, fn, fn_arg))
		*at = (struct page_cursor){.kind = at->kind + 1};
	return at->kind < a->n_controllers;
}

static bool page_row_of(void *arg, const char *key, page_row_fn *fn, void *fn_arg)
{
	struct app *a = arg;
	size_t n = strcspn(key, "/");
	unsigned i;

	for (i = 0; key[n] && i < a->n_controllers; i++) {
		const char *name = controller_name(a->controllers[i]);

		if (strlen(name) == n && !strncmp(name, key, n))
			return shown_row(a->controllers[i], key + n + 1, fn, fn_arg);
	}
	return false;
}

struct hosts_out {
	page_host_fn *fn;
	void *arg;
};

static void one_host(void *arg, const struct oci_host_info *info)
{
	const struct hosts_out *w = arg;

	w->fn(w->arg,
		&(struct page_host){.name = info->host,
			.insecure = strcmp(info->role, "registry") != 0,
			.proven = info->proven,
			.up = info->up,
			.in_flight = info->in_flight});
}

static void page_hosts(void *arg, page_host_fn *fn, void *fn_arg)
{
	struct hosts_out w = {fn, fn_arg};

	oci_client_each_host(((struct app *)arg)->oci, one_host, &w);
}

void app_add_page(struct app *a)
{
	if (!a->flags.status_page)
		return;
	a->page = page_new(a->loop,
		&(struct page_source){
			.walk = page_walk, .row = page_row_of, .hosts = page_hosts, .arg = a},
		VERSION);
	a->health.others = page_handle;
	a->health.others_arg = a->page;
}
