/*
 * An object with an artifact, between its runs: which file its status names, and what became of
 * that file. A kind's struct begins with struct artifact_item, and its `item` hooks are
 * artifact_item_hooks. Loop thread.
 */
#ifndef SOURCE_ITEM_H
#define SOURCE_ITEM_H
#include "base/list.h"
#include "crypto/digest.h"
#include "ctl/item.h"
#include "store/path.h"

struct absence;
struct history;

#define ARTIFACT_REVISIONS 16

struct artifact_item {
	struct item item;
	char *path; /* of the artifact that the status names, if it is this object's own; or NULL */
	char *revision; /* of it; "" */
	struct digest digest; /* of it; DIGEST_NONE: it cannot be read */
	int64_t since_ms; /* when it came, by the status; since 1970 UTC; 0: it does not say */
	/* The revisions before it, when each came, at most ARTIFACT_REVISIONS of them; with
	   keep_history of the controller. */
	struct history *revisions;
	bool path_is_new; /* the object as it is now names another one than before */

	bool restore_next; /* the last run could not bring the file back: the next one restores */
	char *lost_path; /* a path that cannot be restored */
	char *lost_why; /* why it was given up */
	uint64_t lost_since; /* the registry has said so first, on clock_ms() */
	unsigned lost_times; /* and how often since */

	struct absence *absence; /* of the current version from its list; NULL: nothing to say */

	uint64_t paced_ms; /* on clock_ms(): its check has been put off since then; 0: it is not */

	struct metric *login_hits, *login_misses; /* provider.h; NULL: none yet */

	/* What the last signature that was found good was checked by (verified.h); DIGEST_NONE:
	   none was yet. */
	struct digest verified;
	char *signer; /* of it, with a certificate; NULL: a key, or nobody yet */
	char *ruled; /* what is said of the operator's rules then; NULL: nothing */

	bool look_wanted; /* as soon as the item is whole */
	struct list look_link; /* in the line for the first look */
	struct op *look;
	struct op *confirm; /* confirm.h; NULL: nobody asks */
};

#define ARTIFACT_ITEM(i) CONTAINER_OF(i, struct artifact_item, item)

extern const struct item_hooks artifact_item_hooks;

/* The object's folder in the store. -1: it has no name that could be one. */
int artifact_dir(const struct item *i, char dir[STORE_DIR_MAX], struct err *err) must_check;
/* For a kind's hook of that name: the one that the status names. */
const char *artifact_revision(const struct item *i);
/* The file that the status names, with a digest that can be read, is not in the store, and was not
   given up. In a follower it is missing, too, when it has other bytes than the status says. */
bool artifact_is_missing(const struct artifact_item *a);
/* Whose folder in the store this is. NULL: of no object of this controller. */
struct artifact_item *artifact_of_dir(struct controller *c, const char *dir);
/* on_lost of the store: a file that a status names is gone. Nothing happens to one of another
   kind. */
void artifact_file_lost(struct controller *c, const char *path);

#endif
