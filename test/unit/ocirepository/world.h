/* A whole controller on one loop: the real store, clients and queue, between a fake API server and
   a fake registry. The clock stands still. */
#ifndef UNIT_OCIREPOSITORY_WORLD_H
#define UNIT_OCIREPOSITORY_WORLD_H
#include "base/buf.h"
#include "controllers/ocirepository/ocirepository.h"
#include "test/fake/kube.h"
#include "test/fake/registry.h"

#include <stdbool.h>

struct item;

struct world {
	struct loop *loop;
	struct fake_kube *kube;
	struct fake_registry *reg;
	struct kube_client *client;
	struct account *account; /* NULL: none */
	struct http_client *http;
	struct oci_client *oci;
	struct cloud *cloud;
	struct store *store;
	struct metrics *metrics;
	struct event_recorder *events;
	struct controller *c;
	char root[64];
	struct buf layer, layer2; /* two small Flux layers */
	/* Of the next world_start: what is no pointer to a part of the world. */
	struct ocirepository_opts opts;
	uint64_t quota; /* of the store */
	const char *mirrors; /* as in the file of --registry-mirrors; NULL: none */
	bool ask_peers; /* those that the EndpointSlices of flux-system/peers name */
	struct http_client *peers_http;
	struct peers *peers;
};

void world_init(struct world *w);
/* Starts (or, after world_restart_stop, starts again) the controller on the same store and API
   server. */
void world_start(struct world *w);
/* Ends the controller as a SIGTERM does; API server, registry and files stay. */
void world_stop(struct world *w);
void world_clear(struct world *w);

/* An object apps/web: `spec` without braces and without url; REPO in it becomes the registry's
   repository. */
void world_object(struct world *w, const char *name, const char *spec);
/* Turns the loop until fn says so; fails the test after 40 s of real time. */
void world_until(struct world *w, bool (*fn)(struct world *w), const char *what);
/* Turns the loop until nothing is on its way any more: no run, no request. */
void world_settle(struct world *w);
/* The same, and the clock goes on meanwhile: for what fails and is asked again. */
void world_settle_in_time(struct world *w);
/* A member of the status of apps/NAME: "artifact.revision"; of a condition: "Ready.reason",
   "Ready.status". "" when absent. */
const char *world_status(struct world *w, const char *name, const char *path);
/* What the controller keeps of apps/NAME, which is there. */
struct item *world_item(struct world *w, const char *name);
/* An image app:TAG with this layer. */
void world_push(
	struct world *w, const char *tag, const struct buf *layer, struct fake_image *image);
/* A plain Flux layer of one file, "app.yaml" with these bytes. Clear it. */
void world_layer(struct buf *out, const void *data, size_t len);
/* Writes to objects since the last world_forget, without the Events, which come when they come. */
const char *world_writes(struct world *w);
bool world_has_event(struct world *w, const char *reason);
/* What was written and asked so far. */
void world_forget(struct world *w);
/* Moves the clock and waits until all that became due is over. */
void world_pass(struct world *w, uint64_t ms);
/* The bytes stored under the status's artifact.path; empty when there is no such file. */
void world_file(struct world *w, const char *name, struct buf *out);

#endif
