#include "app.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "controllers/gitrepository/gitrepository.h"
#include "controllers/imageupdateautomation/imageupdateautomation.h"
#include "forge/forge.h"
#include "git/client.h"
#include "git/folder.h"
#include "gpg/gpg.h"
#include "oci/registry.h"

/* Beside the artifacts, where there is room. No kind, namespace or name begins with a dot. */
#define FOLDER ".git-objects"
/* Where gpg has a home for as long as it signs. */
#define HOMES ".gpg-homes"

void app_git_start(struct app *a)
{
	auto_free char *path = mem_printf("%s/" FOLDER, a->storage_path);
	auto_free char *homes = mem_printf("%s/" HOMES, a->storage_path);
	struct err err = {0};

	/* A disk that is read-only serves what it has, and fetches fail with the disk's words. */
	a->git_folder = gitc_folder_new(path, &err);
	if (!a->git_folder)
		log_error(NULL, "there is no folder for the objects of Git", LE(&err));
	a->git = gitc_client_new(a->loop,
		&(struct gitc_client_opts){.http = a->http,
			.folder = a->git_folder,
			.account = a->account,
			.guard = oci_client_guard(a->oci),
			.ssh_kex = a->flags.ssh_kex,
			.ssh_host_keys = a->flags.ssh_host_keys});
	a->forge = forge_new(a->loop, a->http, oci_client_guard(a->oci));
	gpg_sweep(homes);
}

void app_git_free(struct app *a)
{
	gitc_client_free(MOVE(a->git));
	forge_free(a->forge);
	gitc_folder_free(a->git_folder);
}

static struct gitc_stats counts(void *arg)
{
	struct gitc_stats s;

	gitc_client_stats(((struct app *)arg)->git, &s);
	return s;
}

static void requests(void *arg, struct metric_out *out)
{
	struct gitc_stats s = counts(arg);

	metric_emit(out, (double)s.requests);
}

static void questions(void *arg, struct metric_out *out)
{
	struct gitc_stats s = counts(arg);

	metric_emit(out, (double)s.refs);
}

static void fetches(void *arg, struct metric_out *out)
{
	struct gitc_stats s = counts(arg);

	metric_emit(out, (double)s.fetches, "asked");
	metric_emit(out, (double)s.fetches_shared, "shared");
	metric_emit(out, (double)s.fetches_kept, "kept");
}

static void fetched(void *arg, struct metric_out *out)
{
	struct gitc_stats s = counts(arg);

	metric_emit(out, (double)s.fetch_bytes);
}

static void pushes(void *arg, struct metric_out *out)
{
	struct gitc_stats s = counts(arg);

	metric_emit(out, (double)(s.pushes - s.pushes_raced), "other");
	metric_emit(out, (double)s.pushes_raced, "raced");
}

static void sets(void *arg, struct metric_out *out)
{
	struct gitc_stats s = counts(arg);

	metric_emit(out, (double)s.sets);
}

static void set_bytes(void *arg, struct metric_out *out)
{
	struct gitc_stats s = counts(arg);

	metric_emit(out, (double)s.set_bytes);
}

void app_git_metrics(struct app *a)
{
	struct metrics *m = a->metrics;

	metric_family_on_scrape(metrics_counter(m, "git_requests_total",
					"HTTP requests to Git servers, and processes of ssh.", ""),
		requests, a);
	metric_family_on_scrape(metrics_counter(m, "git_questions_total",
					"Lists of references that Git servers were asked for.", ""),
		questions, a);
	metric_family_on_scrape(
		metrics_counter(m, "git_fetches_total",
			"Packs: asked for, of a fetch on its way, or still there.", "how"),
		fetches, a);
	metric_family_on_scrape(
		metrics_counter(m, "git_fetch_bytes_total", "Bytes of packs received.", ""),
		fetched, a);
	metric_family_on_scrape(
		metrics_counter(m, "git_pushes_total",
			"Pushes; those that somebody else's was faster than.", "outcome"),
		pushes, a);
	metric_family_on_scrape(
		metrics_gauge(m, "git_object_sets", "Sets of objects that are kept.", ""), sets, a);
	metric_family_on_scrape(metrics_gauge(m, "git_object_sets_bytes",
					"Disk that the sets take which are kept.", ""),
		set_bytes, a);
}

static struct git_login_opts login_of(struct app *a)
{
	return (struct git_login_opts){.cloud = a->cloud,
		.forge = a->forge,
		.object_level = a->flags.object_level,
		.default_account = a->flags.default_account};
}

struct controller *app_gitrepositories_new(struct app *a, const struct controller_opts *opts)
{
	return gitrepository_new(&(struct gitrepository_opts){.controller = *opts,
		.login = login_of(a),
		.git = a->git,
		.store = a->store,
		.peers = a->peers,
		.adv_address = a->adv_address,
		.urls = a->urls,
		.algo = a->flags.algo,
		.account = a->account,
		.max_pack = (uint64_t)a->flags.max_size,
		.max_expanded = (uint64_t)a->flags.max_expanded,
		.max_entries = (uint64_t)a->flags.max_entries,
		.requeue_dependency_ms = (uint64_t)a->flags.requeue_dependency_ms});
}

struct controller *app_automations_new(struct app *a, const struct controller_opts *opts)
{
	auto_free char *folder = mem_printf("%s/" HOMES, a->storage_path);

	return imageupdateautomation_new(&(struct imageupdateautomation_opts){.controller = *opts,
		.login = login_of(a),
		.git = a->git,
		.forge = a->forge,
		.account = a->account,
		.folder = folder,
		.no_cross_namespace = a->flags.no_cross_namespace,
		.no_force_push = a->flags.no_force_push,
		.no_all_branches = a->flags.no_all_branches});
}
