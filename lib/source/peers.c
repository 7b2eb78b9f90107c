#include "base/clock.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ev/task.h"
#include "kube/client.h"
#include "kube/watch.h"
#include "source/peers_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A Deployment of this has two or three; more are left out. */
#define PEERS_MAX 64
#define ASIDE_MS 10000
/* One that takes its time may be reading a large file for us, or for others; but not again and
   again. */
#define LATE_TIMES 3
#define LATE_MS 2000

struct peer {
	struct list link;
	const struct kube_entry *slice; /* that names it */
	char *address; /* "10.0.0.3:9090" */
	char *pod; /* its name; "" */
	uint64_t aside_ms; /* it is not asked before, on clock_ms() */
	unsigned late; /* answers in a row that were not here in time */
};

static const struct kube_resource SLICES = {
	"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true};

static struct peer *peer_at(struct list *at)
{
	return CONTAINER_OF(at, struct peer, link);
}

/* ---- who there is ---------------------------------------------------------------------------- */

static void peer_free(struct peers *p, struct peer *peer)
{
	list_out(&peer->link);
	p->stats.known--;
	free(peer->address);
	free(peer->pod);
	free(peer);
}

static void slice_clear(struct peers *p, const struct kube_entry *e)
{
	struct list *at, *next;

	for (at = p->all.next; at != &p->all; at = next) {
		next = at->next;
		if (peer_at(at)->slice == e)
			peer_free(p, peer_at(at));
	}
}

/* The artifacts' port: the one that is called so, else the first. 0: there is none. */
static int64_t slice_port(const json_t *obj)
{
	const json_t *ports = obj_get(obj, "ports"), *port;
	int64_t found = 0, n;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)ports, i, port) {
		n = obj_int(0, port, "port");
		if (n < 1 || n > 65535 || strcmp(obj_str_or("TCP", port, "protocol"), "TCP") != 0)
			continue;
		if (!strcmp(obj_str_or("", port, "name"), "http"))
			return n;
		if (!found)
			found = n;
	}
	return found;
}

/* One that is not ready yet has files, too: its Service publishes it as ready, but not serving. */
static bool peer_is_gone(const json_t *endpoint)
{
	return !obj_bool(true, endpoint, "conditions", "ready") &&
		!obj_bool(false, endpoint, "conditions", "serving");
}

static void peer_add(
	struct peers *p, const struct kube_entry *e, const json_t *endpoint, int64_t port)
{
	const char *address = json_string_value(json_array_get(obj_get(endpoint, "addresses"), 0));
	const char *pod = obj_str_or("", endpoint, "targetRef", "name");
	struct peer *peer;
	struct ip ip;

	if (p->stats.known >= PEERS_MAX || !address || ip_parse(&ip, address) ||
		!strcmp(pod, p->self) || peer_is_gone(endpoint))
		return;
	peer = NEW(struct peer);
	peer->slice = e;
	peer->address = mem_printf(strchr(address, ':') ? "[%s]:%d" : "%s:%d", address, (int)port);
	peer->pod = mem_strdup(pod);
	list_add(&p->all, &peer->link);
	p->stats.known++;
}

static void slice_set(void *arg, struct kube_entry *e, const json_t *obj, bool added)
{
	struct peers *p = arg;
	const json_t *endpoints = obj_get(obj, "endpoints"), *one;
	int64_t port = slice_port(obj);
	size_t i;

	(void)added;
	p->failing = false;
	slice_clear(p, e);
	if (port)
		json_array_foreach ((json_t *)(uintptr_t)endpoints, i, one)
			peer_add(p, e, one, port);
}

static void slice_deleted(void *arg, struct kube_entry *e)
{
	slice_clear(arg, e);
}

static void slices_error(void *arg, const struct err *err, uint64_t in_ms)
{
	struct peers *p = arg;

	if (!p->failing)
		log_error(NULL, "cannot watch the other replicas", LS("service", p->service),
			LU("retryMs", in_ms), LE(err));
	p->failing = true;
}

/* ---- the first list -------------------------------------------------------------------------- */

/* Known, or late: a registry is asked then. */
static void peers_known(void *arg)
{
	struct peers *p = arg;

	p->known = true;
	timer_cancel(&p->late);
	while (!list_empty(&p->early)) {
		struct list *at = list_first(&p->early);

		list_out(at);
		task_wake(CONTAINER_OF(at, struct peers_wait, link)->task);
	}
}

bool peers_wait_start(struct peers *p, struct peers_wait *w, struct task *t)
{
	if (p->known)
		return false;
	w->task = t;
	list_add(&p->early, &w->link);
	return true;
}

/* ---- whom to ask ----------------------------------------------------------------------------- */

static bool peer_leads(const struct peers *p, const struct peer *peer)
{
	const char *holder = p->opts.holder ? p->opts.holder(p->opts.arg) : "";
	size_t n = strlen(peer->pod);

	return n && !strncmp(holder, peer->pod, n) && holder[n] == '_';
}

enum rank { RANK_LEADS, RANK_FOLLOWS, RANK_LATE, RANKS };

static enum rank peer_rank(const struct peers *p, const struct peer *peer)
{
	if (peer->late)
		return RANK_LATE;
	return peer_leads(p, peer) ? RANK_LEADS : RANK_FOLLOWS;
}

void peers_order_new(struct peers *p, peers_order *out)
{
	struct peer *ask[PEERS_MAX];
	uint64_t now = clock_ms();
	struct list *at;
	size_t n = 0, other, i;
	enum rank rank;

	list_each (&p->all, at) {
		if (peer_at(at)->aside_ms > now)
			continue;
		/* Shuffled as it grows. */
		other = (size_t)random() % ++n;
		ask[n - 1] = ask[other];
		ask[other] = peer_at(at);
	}
	for (rank = 0; rank < RANKS; rank++)
		for (i = 0; i < n; i++)
			if (peer_rank(p, ask[i]) == rank)
				*vec_add(out) = mem_strdup(ask[i]->address);
}

void peers_order_clear(peers_order *o)
{
	char **address;

	vec_each (o, address)
		free(*address);
	vec_clear(o);
}

void peers_put_aside(struct peers *p, const char *address)
{
	struct list *at;

	list_each (&p->all, at)
		if (!strcmp(peer_at(at)->address, address))
			peer_at(at)->aside_ms = clock_ms() + ASIDE_MS;
}

void peers_heard(struct peers *p, const char *address, bool in_time)
{
	struct list *at;

	list_each (&p->all, at) {
		struct peer *peer = peer_at(at);

		if (strcmp(peer->address, address) != 0)
			continue;
		peer->late = in_time ? 0 : peer->late + 1;
		if (peer->late >= LATE_TIMES)
			peer->aside_ms = clock_ms() + ASIDE_MS;
	}
}

bool peers_any(const struct peers *p)
{
	const struct list *at;

	if (!p || !p->known)
		return p;
	for (at = p->all.next; at != &p->all; at = at->next)
		if (CONTAINER_OF(at, const struct peer, link)->aside_ms <= clock_ms())
			return true;
	return false;
}

/* ---- it comes and goes ----------------------------------------------------------------------- */

struct peers *peers_new(const struct peers_opts *opts)
{
	struct peers *p = NEW(struct peers);
	auto_free char *selector = mem_printf("kubernetes.io/service-name=%s", opts->service);

	p->opts = *opts;
	p->ns = mem_strdup(opts->ns);
	p->service = mem_strdup(opts->service);
	p->self = mem_strdup(opts->self);
	list_init(&p->all);
	list_init(&p->early);
	timer_init(&p->late, kube_client_loop(opts->kube), peers_known, p);
	timer_set(&p->late, LATE_MS);
	p->watch = kube_watch_start(opts->kube,
		&(struct kube_watch_req){.resource = &SLICES,
			.ns = p->ns,
			.label_selector = selector,
			.on_set = slice_set,
			.on_deleted = slice_deleted,
			.on_synced = peers_known,
			.on_error = slices_error,
			.arg = p});
	return p;
}

void peers_stop(struct peers *p)
{
	if (!p)
		return;
	op_drop(MOVE(p->watch));
	peers_known(p);
	while (!list_empty(&p->all))
		peer_free(p, peer_at(list_first(&p->all)));
}

void peers_free(struct peers *p)
{
	if (!p)
		return;
	peers_stop(p);
	free(p->ns);
	free(p->service);
	free(p->self);
	free(p);
}

void peers_stats(const struct peers *p, struct peers_stats *out)
{
	*out = p->stats;
}
