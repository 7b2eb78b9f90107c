/* A controller of ImagePolicies on one loop: a catalog of ImageRepositories with their files of
   tags, between a fake API server and a fake registry. The clock stands still. */
#ifndef UNIT_IMAGEPOLICY_WORLD_H
#define UNIT_IMAGEPOLICY_WORLD_H
#include "controllers/imagepolicy/imagepolicy.h"
#include "image/catalog.h"
#include "store/root.h"
#include "test/fake/kube.h"
#include "test/fake/registry.h"

struct item;

struct world {
	struct loop *loop;
	struct fake_kube *kube;
	struct fake_registry *reg;
	struct kube_client *client;
	struct http_client *http;
	struct oci_client *oci;
	struct cloud *cloud;
	struct metrics *metrics;
	struct event_recorder *events;
	struct store_root root;
	struct image_catalog *catalog;
	struct controller *c;
	char path[64];
	struct imagepolicy_opts opts; /* of the next world_start */
};

void world_init(struct world *w);
void world_start(struct world *w);
void world_stop(struct world *w);
void world_clear(struct world *w);

/* Begins a world in which the catalog is complete. */
void world_begin(struct world *w);

/* The ImageRepository apps/NAME, or NS/NAME, of this image; more: members of its spec, as JSON
   without the outer braces, "" for none. */
void world_repository(struct world *w, const char *key, const char *image, const char *more);
/* A scan of it has found these tags, divided by blanks. */
void world_tags(struct world *w, const char *key, const char *tags);
/* Its file was looked for, and is not there. */
void world_no_tags(struct world *w, const char *key);
/* The ImagePolicy apps/NAME; spec without braces. A reference to apps/app is added, unless it has
   one. */
void world_policy(struct world *w, const char *name, const char *spec);
/* Merged into its spec. */
void world_change(struct world *w, const char *name, const char *spec);
/* value NULL: it goes. */
void world_annotate(struct world *w, const char *name, const char *key, const char *value);

/* Turns the loop until nothing is on its way any more. */
void world_settle(struct world *w);
/* Moves the clock and settles. */
void world_pass(struct world *w, uint64_t ms);
/* A member of the status of apps/NAME: "latestRef.tag"; of a condition: "Ready.reason". "" when
   absent. */
const char *world_status(struct world *w, const char *name, const char *path);
/* "TAG" when it is Ready; else "REASON: MESSAGE". */
const char *world_answer(struct world *w, const char *name);
/* Writes since the last world_forget; and without Events. */
const char *world_writes(struct world *w);
void world_forget(struct world *w);
/* A HEAD of app:TAG is answered with this digest: 64 times that digit. status 404: it is
   unknown. */
void world_manifest(struct world *w, const char *tag, char digit, int status);

#endif
