/*
 * All that the framework must know of a kind: how its spec is read, the tables of rows that a run
 * walks, and what its status says. One const struct a kind; docs/adding-a-kind.md shows a small
 * one.
 *
 * Every row that runs stands in a table, the framework's own (steps.h) too: nothing is implied.
 * Required are name, resource, both sizes, spec_new, the tables for work and removal with their
 * last ones, conditions and negative. What else a kind does not have is NULL. Hooks are called from
 * the loop; strings they give are borrowed.
 */
#ifndef CTL_KIND_H
#define CTL_KIND_H
#include "base/buf.h"
#include "base/err.h"
#include "ev/task.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct item;
struct kube_resource;
struct page_row;
struct run;
struct spec;

#define KIND_DEPENDS_MAX 4

/* An object that another one refers to; nth is its resource's. ns NULL: the namespace of who
   refers; of a resource without namespaces it is not looked at. Borrowed. */
typedef void (*kind_ref_fn)(void *arg, unsigned nth, const char *ns, const char *name);

/* Which revision a spec asks for, as people read it. */
struct kind_shown {
	struct buf reference; /* "tag main"; at most KIND_SHOWN_MAX bytes */
	const char *rule; /* how a revision is chosen by it: a sentence, a constant */
};
#define KIND_SHOWN_MAX 1024

/* What a run is about; chosen when it begins. */
enum run_mode {
	RUN_WORK, /* makes the object what its spec says */
	RUN_RESTORE, /* brings back what the status names, nothing else */
	RUN_REMOVE, /* the object goes: so does what it made */
	RUN_TELL, /* says in the status that the object waits for its turn (tell.h) */
};

/* In which line an object waits for its run: what a hook may say of it. The places themselves are
   struct lanes (lanes.h), which has two more: a run waits for one to pull in RUN_SLOT, and what is
   too large to be kept waits among the large ones instead of where its hook says. */
enum lane {
	LANE_LOCAL, /* nobody outside is asked: it is quick, and who waits is not told */
	LANE_CHECK, /* has something moved? */
	LANE_FRESH, /* the same, of an object that has nothing yet */
	LANE_RESTORE,
};

/* What happens to an object between its runs. */
struct item_hooks {
	void (*added)(
		struct item *i, const json_t *obj); /* before it was stored for the first time */
	void (*stored)(struct item *i, const json_t *obj); /* whenever it is seen, or written */
	void (*told)(struct item *i); /* somebody else has written its status */
	/* It is not due yet. Who made it busy calls item_due at the end: nobody else does. */
	bool (*busy)(const struct item *i);
	void (*renewed)(
		struct item *i); /* somebody changed something: what was given up is tried */
	void (*leads)(struct item *i); /* so does the process now: until then others did the work */
	void (*stop)(struct item *i); /* no more runs */
	void (*gone)(struct item *i); /* deleted, or not ours any more */
	void (*free)(struct item *i); /* releases what the hooks made, not the item */
	/* NULL: LANE_CHECK. Not asked of an object that goes, or that cannot say where its host
	   is. Who waits in LANE_CHECK or LANE_FRESH is told (tell.h). */
	enum lane (*lane)(const struct item *i);
	/* Does the run that begins now walk kind.restore instead of kind.work? Asked once a run;
	   not of an object that is deleted. */
	bool (*restores)(const struct item *i);
	/* What its status names is not here: what a follower has a run for, which walks
	   kind.restore. NULL: never. */
	bool (*missing)(const struct item *i);
};

struct kind {
	const char
		*name; /* "ocirepository": in logs and metrics, first part of a path in the store */
	const struct kube_resource *resource;
	const char *finalizer; /* NULL: it makes nothing that a removal would have to take away */
	size_t item_size, run_size; /* of the structs that begin with struct item, struct run */

	/* Reads the spec; never NULL: what is wrong stands in it. */
	struct spec *(*spec_new)(const json_t *obj);
	/* Annotations that count as the spec does, though the generation does not move with them:
	   `spec_new` reads them. A name that ends in '/' stands for all below it. Ends with NULL;
	   NULL: none. */
	const char *const *annotations;
	/* Drops what a run that finds nothing to do does not need: of an object that is too large
	   to be kept. Nobody shares the spec yet. */
	void (*spec_slim)(struct spec *s);
	/* The registry or server that its runs ask: its name, or that and behind a '|' all that
	   makes it another one ("ghcr.io|1": without TLS). Places are counted under the whole; of
	   the name controller_host_changed tells. Free it; NULL: the spec does not say. The objects
	   of a kind without this hook wait in the same lanes, and no host's share bounds them. */
	char *(*host)(const struct spec *s);
	const char *host_noun; /* what it is, for people: "registry"; there when `host` is */
	/* What is known of it: has it ever answered, and does it now? It is shown to people. */
	bool (*host_proven)(void *env, const char *host);
	bool (*host_up)(void *env, const char *host);
	const char *(*host_text)(const char *host, struct buf *out);
	/* What is too long is cut. */
	void (*shown)(const struct spec *s, struct kind_shown *out);

	/* Its row on the status page (page/page.h): what is not filled in yet, which is all but
	   conditions, URL, reference and revision. */
	void (*row)(const struct item *i, const json_t *status, struct page_row *row);

	/* For the metric that describes an object: where its content comes from, which may hold
	   what nobody shall see, and which revision of it the status names. Borrowed; NULL: it is
	   not known. */
	const char *(*url)(const struct spec *s);
	const char *(*revision)(const struct item *i);

	/* Other objects whose change makes it due: their resources, watched as metadata, and those
	   that a spec names. */
	const struct kube_resource *depends[KIND_DEPENDS_MAX + 1];
	void (*depends_each)(const struct spec *s, kind_ref_fn on, void *arg);

	const struct item_hooks *item;
	void (*run_init)(struct run *r);
	void (*run_clear)(struct run *r);

	const struct step *work, *work_last;
	const struct step *restore, *restore_last; /* both NULL: nothing to bring back */
	const struct step *remove, *remove_last;

	/* Condition types in the order in which Ready is summed up; of these the negative ones,
	   Stalled and Reconciling among them, and of those what run_fail may set: the first is what
	   RUN_VALID sets when the spec is wrong. Each ends with NULL. failures NULL: only Ready
	   says why a run has failed, with the row's reason. */
	const char *const *conditions, *const *negative, *const *failures;
	/* Of `conditions` those positive ones whose False is Ready's, too, whatever else is wrong:
	   the first of them counts. Ends with NULL; NULL: none. */
	const char *const *decisive;
	/* While an object is suspended its status answers nobody: not who asked for a run, nor who
	   changed the spec. */
	bool unanswered;
	/* Of an object that is too large to be kept: copies what its hooks and rows read of its
	   status between two runs, beside the conditions. Little: as much stays in memory. NULL:
	   nothing. */
	void (*status_kept)(const json_t *status, json_t *kept);
	/* Own conditions and members of the status: after a success, a failure, a restore; of an
	   object that is suspended. */
	void (*succeeded)(struct run *r, json_t *status);
	void (*failed)(struct run *r, json_t *status);
	void (*restored)(struct run *r, json_t *status);
	void (*suspended)(struct run *r, json_t *status);
	/* The status is what it should be. */
	void (*written)(struct run *r);
	/* Of a run that failed: does that pass by itself, since the host is to blame, and is what
	   the status names as good as before? NULL: never (outage.h). */
	bool (*excused)(const struct run *r);
	/* What the run is doing, for Reconciling; nothing written: nothing in particular. */
	void (*progress)(const struct run *r, struct buf *out);
	/* Is what the spec asks for not there yet? Ready is Unknown meanwhile. */
	bool (*behind)(const struct run *r);
};

#endif
