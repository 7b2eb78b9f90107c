/* What the files of this kind share: its env, an object between its runs, and a run. Loop
   thread. */
#ifndef IMAGEPOLICY_RUN_H
#define IMAGEPOLICY_RUN_H
#include "controllers/imagepolicy/choice.h"
#include "controllers/imagepolicy/spec.h"
#include "crypto/digest.h"
#include "ctl/item.h"
#include "ctl/refs.h"
#include "ctl/run.h"
#include "image/catalog.h"
#include "source/login.h"
#include "source/registry.h"

struct imagepolicy_env {
	struct registry_env registry;
	struct image_catalog *catalog;
	struct image_listener listener;
	struct image_built *built;
	struct refs users; /* by "ns/name" of the ImageRepository: items */
	bool no_cross_namespace;
	uint64_t requeue_ms;
};

#define POLICY_ENV(r) ((struct imagepolicy_env *)(r)->c->opts.env)

struct imagepolicy_item {
	struct item item;
	char *repository; /* the key under which it is in env.users; NULL: it is not */
	/* status.latestRef; "" */
	char *name, *tag, *digest;
	int64_t observed; /* status.observedGeneration */
	/* The list lacks that tag, and the registry has said first then that it does not have it:
	   on clock_ms(); 0: it has not. */
	uint64_t gone_ms;
	/* Since when there is no list, on clock_ms(); 0: there is. */
	uint64_t lost_ms;
	char *dated_at; /* requestedAt when build times were asked for; NULL: they were not yet */
};

#define POLICY_ITEM(i) CONTAINER_OF(i, struct imagepolicy_item, item)

/* Where the tag of a run comes from, when not from the list alone. */
enum policy_absence {
	POLICY_LISTED,
	POLICY_STAYS, /* the list lacks it, but the registry has it, or could not be asked */
	POLICY_MISSED, /* the registry has said once that it is gone */
};

/* Who won by build time, and over whom. */
struct policy_dates {
	char runner_up[OCI_TAG_MAX + 1]; /* "": nobody */
	int64_t won_ms, lost_ms; /* 0: it does not say when it was built */
	size_t asked, of; /* tags */
};

struct imagepolicy_run {
	struct run run;
	/* Of the ImageRepository: as it was when the run looked. */
	char *image; /* as written */
	char *ns;
	struct oci_repo where;
	struct image_login as;
	uint64_t timeout_ms;

	struct login login;
	struct choice choice;
	struct policy_dates dates;
	struct err failed; /* of the choice; it counts when the tag before is gone */
	enum policy_absence absence;
	char tag[OCI_TAG_MAX + 1]; /* the winner */
	char digest[DIGEST_TEXT_MAX]; /* of it; "": none is to be told */
};

#define POLICY_RUN(r) CONTAINER_OF(r, struct imagepolicy_run, run)
#define POLICY_SPEC(r) IMAGEPOLICY_SPEC((r)->spec)

#endif
