/*
 * An API server on the test's own loop, just large enough for a controller: list, watch, get and
 * merge patch of objects of any resource (as metadata too), POST of Events. Namespaces are read and
 * watched; their own "namespace" is "". It checks
 * what the real one checks of a controller's patches: resourceVersion and uid (409), that the
 * status endpoint changes only the status and the main one everything else. The test changes
 * objects behind the controller's back and lets requests fail.
 *
 *	struct fake_kube *k = fake_kube_new(loop);
 *	fake_kube_put(k, "ocirepositories", "{\"metadata\":{\"name\":\"web\",\"namespace\":\"apps\"},\"spec\":{...}}");
 *	... fake_kube_config(k) → kube_client_new ...
 *	ck_assert_str_eq(fake_kube_log(k), "PATCH ocirepositories/web\nPATCH ocirepositories/web/status\n");
 */
#ifndef FAKE_KUBE_H
#define FAKE_KUBE_H
#include <jansson.h>
#include <stdbool.h>

struct fake_kube;
struct kube_config;
struct loop;

struct fake_kube *fake_kube_new(struct loop *l);
void fake_kube_free(struct fake_kube *k);
struct kube_config *fake_kube_config(const struct fake_kube *k);

/* Creates or replaces; uid, generation, resourceVersion are kept as the real server would. A new
   object gets observedGeneration -1. */
void fake_kube_put(struct fake_kube *k, const char *plural, const char *json);
/* Merges a patch; a change under spec raises the generation. */
void fake_kube_merge(struct fake_kube *k, const char *plural, const char *ns, const char *name,
	const char *patch);
/* As kubectl delete: with a finalizer it gets a deletionTimestamp, else it is gone. */
void fake_kube_delete(struct fake_kube *k, const char *plural, const char *ns, const char *name);
/* A watch with a label selector says DELETED of an object whose labels do not match any more. It
   stays where it is. */
void fake_kube_leave(struct fake_kube *k, const char *plural, const char *ns, const char *name);
/* As a server whose database was restored from a backup: all versions are low ones again, and the
   watches end. */
void fake_kube_go_back(struct fake_kube *k);
/* NULL: gone. Borrowed until the next change. */
const json_t *fake_kube_get(
	struct fake_kube *k, const char *plural, const char *ns, const char *name);

/* Writes only: "METHOD plural/name[/status]" a line, as they come; Events as "EVENT reason
   message". */
const char *fake_kube_log(const struct fake_kube *k);
void fake_kube_log_reset(struct fake_kube *k);
/* The next `times` requests of this line (as in the log; "GET secrets/x" works too). */
void fake_kube_fail(struct fake_kube *k, const char *line, int status, unsigned times);
/* So many Secrets were read, each by its name. */
unsigned fake_kube_secret_reads(const struct fake_kube *k);
/* Ends the watches of one kind. */
void fake_kube_cut(struct fake_kube *k, const char *plural);
/* The watches say nothing until it is lifted, as those of a server under load. */
void fake_kube_mute(struct fake_kube *k, bool mute);
/* Called when a write of this line arrives, before it is carried out; once. */
void fake_kube_hook(struct fake_kube *k, const char *line, void (*fn)(void *arg), void *arg);
/* Requests of this line wait until they are released; NULL: from now on none do. */
void fake_kube_hold(struct fake_kube *k, const char *line);
/* So many wait now. */
unsigned fake_kube_held(const struct fake_kube *k);
/* Answers those; what comes from now on waits as before. */
void fake_kube_release(struct fake_kube *k);
/* Of what was ordered with fake_kube_fail and fake_kube_hook, all that has not come yet is called
   off. */
void fake_kube_behave(struct fake_kube *k);

#endif
