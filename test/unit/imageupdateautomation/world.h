/* A controller of ImageUpdateAutomations on one loop, between a fake API server and the real git
   http-backend (test/fake/git_http.h). The clock stands still. */
#ifndef UNIT_IMAGEUPDATEAUTOMATION_WORLD_H
#define UNIT_IMAGEUPDATEAUTOMATION_WORLD_H
#include "controllers/imageupdateautomation/imageupdateautomation.h"
#include "test/fake/git_http.h"
#include "test/fake/kube.h"

struct world {
	struct loop *loop;
	struct fake_kube *kube;
	struct fake_git *git;
	struct kube_client *client;
	struct http_client *http;
	struct cloud *cloud;
	struct forge *forge;
	struct gitc_folder *folder;
	struct gitc_client *gitc;
	struct metrics *metrics;
	struct event_recorder *events;
	struct controller *c;
	char path[64];
	struct imageupdateautomation_opts opts; /* of the next world_start */
};

/* With app.git, whose branch main has the files of world_tree. */
void world_begin(struct world *w);
void world_start(struct world *w);
void world_stop(struct world *w);
void world_clear(struct world *w);

/* A GitRepository apps/NAME of app.git; ref: members of spec.ref, "" for none. */
void world_source(struct world *w, const char *name, const char *ref);
/* The same of another path at the server, with more members of its spec. */
void world_source_as(struct world *w, const char *name, const char *url, const char *more);
/* The ImagePolicy apps/NAME has chosen this; tag NULL: nothing. labels: JSON members. */
void world_chosen(struct world *w, const char *name, const char *tag, const char *labels);
/* The ImageUpdateAutomation apps/NAME of GitRepository apps/app: members of spec.git beside
   commit, and of spec beside sourceRef, interval and git; "" for none. */
void world_automation(struct world *w, const char *name, const char *git, const char *more);
/* Its whole spec. */
void world_automation_as(struct world *w, const char *name, const char *spec);
void world_annotate(struct world *w, const char *name, const char *key, const char *value);

/* Turns the loop until nothing is on its way any more, but for what fake_git_hold holds. */
void world_settle(struct world *w);
void world_pass(struct world *w, uint64_t ms);
/* A member of the status of apps/NAME: "lastPushCommit"; of a condition: "Ready.reason". "" when
   absent. */
const char *world_status(struct world *w, const char *name, const char *path);
/* "REASON: MESSAGE" of Ready. */
const char *world_answer(struct world *w, const char *name);
/* What git says in app.git. Borrowed until the fourth call after. */
const char *world_git(struct world *w, const char *arguments);
/* The tag in a branch's app.yaml; "" without that branch. */
const char *world_tag(struct world *w, const char *branch);
/* Requests to the Git server since the last world_forget. */
unsigned world_asked(struct world *w, const char *part);
void world_forget(struct world *w);

#endif
