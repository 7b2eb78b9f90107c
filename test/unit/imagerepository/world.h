/* A whole controller on one loop: a real store's folder, clients and queue, between a fake API
   server and a fake registry. The clock stands still. */
#ifndef UNIT_IMAGEREPOSITORY_WORLD_H
#define UNIT_IMAGEREPOSITORY_WORLD_H
#include "base/buf.h"
#include "controllers/imagerepository/imagerepository.h"
#include "image/catalog.h"
#include "store/root.h"
#include "test/fake/kube.h"
#include "test/fake/registry.h"

struct world {
	struct loop *loop;
	struct fake_kube *kube;
	struct fake_registry *reg;
	struct kube_client *client;
	struct http_client *http;
	struct oci_client *oci;
	struct cloud *cloud;
	struct account *account; /* NULL: none */
	struct metrics *metrics;
	struct event_recorder *events;
	struct image_catalog *catalog;
	struct controller *c;
	char path[64];
	struct store_root root;
	struct imagerepository_opts opts; /* of the next world_start */
	char *tags[8]; /* bodies of answers */
	unsigned ntags;
};

void world_init(struct world *w);
void world_start(struct world *w);
/* Ends the controller as a SIGTERM does; API server, registry and files stay. */
void world_stop(struct world *w);
void world_clear(struct world *w);

/* apps/NAME: `spec` without braces; its image is the registry's `app`, unless spec has one. */
void world_object(struct world *w, const char *name, const char *spec);
void world_merge(struct world *w, const char *name, const char *patch);
/* The registry's list of `app` from now on: tags separated by blanks. */
struct fake_answer *world_tags(struct world *w, const char *tags);
/* Turns the loop until nothing is on its way any more: no run, no request. */
void world_settle(struct world *w);
/* Moves the clock and waits until all that became due is over. */
void world_pass(struct world *w, uint64_t ms);
/* Moves the clock in small steps, whatever is on its way. */
void world_elapse(struct world *w, uint64_t ms);
/* A member of the status of apps/NAME: "lastScanResult.tagCount"; of a condition: "Ready.reason".
   A list is its strings with blanks in between. "" when absent. Static. */
const char *world_status(struct world *w, const char *name, const char *path);
/* How often the registry was asked for tags since the last world_forget. */
unsigned world_scans(struct world *w);
/* Writes to objects since the last world_forget, without Events. Static. */
const char *world_writes(struct world *w);
/* Events with this reason. */
unsigned world_events(struct world *w, const char *reason);
void world_forget(struct world *w);
/* The tags that apps/NAME has in the database, with blanks in between; "(none)". Static. */
const char *world_file(struct world *w, const char *name);

#endif
