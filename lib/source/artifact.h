/*
 * The rows of a run whose object has an artifact: is the file there, what makes a new one, under
 * which name, and when the old ones go. A kind's struct begins with struct artifact_run; its own
 * rows say what the artifact is made of (artifact_input), the rest is here. Loop thread.
 *
 * A new revision gets its name first, then the status is written: nobody is told of a file that is
 * not there. The same path with other bytes: the status first, then the name.
 *
 *	static const struct step WORK[] = {RUN_READ, RUN_FINALIZER, ARTIFACT_STORAGE, RUN_SUSPENDED,
 *		ARTIFACT_TIDY, RUN_VALID,
 *		... the kind's own: what the reference means ...
 *		RUN_SLOT, ..., ARTIFACT_QUOTA, ARTIFACT_TEMP, {"pull", ...}, ARTIFACT_PUBLISH,
 *		ARTIFACT_HOLD, {0}};
 *	static const struct step WORK_LAST[] = {..., RUN_STATUS, ARTIFACT_COMMIT, ARTIFACT_RETAIN,
 *		{"events", events_start}, ARTIFACT_CLEANUP, RUN_CLEANUP, {0}};
 *
 * events_start is the kind's: artifact_told (status.h), and its own words for what is new.
 */
#ifndef SOURCE_ARTIFACT_H
#define SOURCE_ARTIFACT_H
#include "base/buf.h"
#include "ctl/run.h"
#include "source/item.h"
#include "source/publish.h"
#include "store/store.h"

/* Condition types of sources (source.toolkit.fluxcd.io). */
#define COND_FETCH_FAILED "FetchFailed"
#define COND_STORAGE_FAILED "StorageOperationFailed"
#define COND_OUTDATED "ArtifactOutdated"
#define COND_IN_STORAGE "ArtifactInStorage"

/* What helps against a layer that is too large before spec.ignore is applied to it. A .sourceignore
   does not: who pushes does not read it. */
#define ARTIFACT_PUSH_LESS "push less, with spec.ignore's patterns as --ignore-paths"

#define ARTIFACT_REVISION_MAX 1088

/* What the artifact is made of: bytes that come, or whatever `make` works with. A kind's row fills
   it before ARTIFACT_ROOM; borrowed until the run ends. */
struct artifact_input {
	/* Makes the artifact's file itself (publish.h); then only `size` (what it works through),
	   `metadata` and `failed` count. ARTIFACT_PUBLISH takes it over. */
	struct publish_maker maker;
	/* ARTIFACT_PUBLISH has failed, and the disk is not to blame: the task's error is that of
	   what makes the artifact. NULL: a layer of an OCI image. */
	enum step_ret (*failed)(struct run *r);
	const struct digest *digest; /* of the bytes that come */
	uint64_t size;
	const char *media_type; /* for messages */
	bool needs_file; /* they are too many for memory */
	bool copy; /* as they are */
	const char *ignore; /* more rules, or NULL */
	const json_t *metadata; /* for status.artifact.metadata, or NULL */
};

enum artifact_hold {
	HOLD_NONE,
	HOLD_ASKED, /* a cancel may come before the store's answer */
	HOLD_HELD, /* the store holds the path until commit or abandon */
};

struct artifact_run {
	struct run run;
	char dir[STORE_DIR_MAX]; /* "": it has none, since its name cannot be one (artifact_dir) */

	/* The status's artifact. */
	char have_path[STORE_PATH_MAX]; /* "": none */
	struct digest have_digest;
	bool looked; /* for its file */
	bool have_file; /* and it is in the store, intact */
	bool missing; /* it is not, and the run is to bring it back, or what has taken its place */
	bool lost; /* nobody has what is to be restored */

	/* What the reference means. */
	char revision[ARTIFACT_REVISION_MAX];
	bool resolved;
	char name[STORE_NAME_MAX]; /* of the file: what it is called (store/path.h) */
	struct artifact_input input;
	struct store_temp temp;
	struct buf bytes; /* a small input; else it is in temp */
	uint64_t room; /* reserved in the store */

	/* The new artifact. */
	char path[STORE_PATH_MAX];
	struct digest digest;
	uint64_t size;
	bool stored; /* it is in place, or held */
	bool same_bytes;
	enum artifact_hold hold;
};

#define ARTIFACT_RUN(r) CONTAINER_OF(r, struct artifact_run, run)

/* For a kind's run_init and run_clear. */
void artifact_run_init(struct run *r);
void artifact_run_clear(struct run *r);

/* Is it what writing a file fails with (-errno), and a connection does not? */
bool artifact_is_of_disk(int code);
/* The task's error is the disk's: it gets words for people (store_failure_words) behind `what`, and
   the run fails with it. It is tried again when the volume may take it, or after the back-off. */
enum step_ret artifact_disk_failed(struct run *r, const char *reason, const char *what);

/* Is the file that the status names in the store and intact? One stat, once it was hashed. */
#define ARTIFACT_STORAGE {"storage", artifact_storage_start, artifact_storage_resume}
/* Retention: what an earlier run superseded. */
#define ARTIFACT_TIDY {"tidy", artifact_tidy_start, artifact_retain_resume}
/* A large input waits for a place for large ones. */
#define ARTIFACT_ROOM {"room", artifact_room_start, lanes_resume}
/* Room in the store's quota for the input, which is the least that the artifact may have. */
#define ARTIFACT_QUOTA {"quota", artifact_quota_start, artifact_quota_resume}
#define ARTIFACT_TEMP {"temp", artifact_temp_start, artifact_temp_resume}
#define ARTIFACT_PUBLISH {"publish", artifact_publish_start, artifact_publish_resume}
#define ARTIFACT_HOLD {"hold", artifact_hold_start, artifact_hold_resume}
/* Exit rows. */
#define ARTIFACT_COMMIT {"commit", artifact_commit_start, artifact_commit_resume}
#define ARTIFACT_RETAIN {"retain", artifact_retain_start, artifact_retain_resume}
#define ARTIFACT_CLEANUP {.name = "drop", .start = artifact_cleanup_start, .always = true}
/* The object goes: so does its folder. */
#define ARTIFACT_REMOVE {"remove", artifact_remove_start, artifact_remove_resume}

enum step_ret artifact_storage_start(struct task *t);
enum step_ret artifact_storage_resume(struct task *t);
enum step_ret artifact_tidy_start(struct task *t);
enum step_ret artifact_room_start(struct task *t);
enum step_ret artifact_quota_start(struct task *t);
enum step_ret artifact_quota_resume(struct task *t);
enum step_ret artifact_temp_start(struct task *t);
enum step_ret artifact_temp_resume(struct task *t);
enum step_ret artifact_publish_start(struct task *t);
enum step_ret artifact_publish_resume(struct task *t);
enum step_ret artifact_hold_start(struct task *t);
enum step_ret artifact_hold_resume(struct task *t);
enum step_ret artifact_commit_start(struct task *t);
enum step_ret artifact_commit_resume(struct task *t);
enum step_ret artifact_retain_start(struct task *t);
enum step_ret artifact_retain_resume(struct task *t);
enum step_ret artifact_cleanup_start(struct task *t);
enum step_ret artifact_remove_start(struct task *t);
enum step_ret artifact_remove_resume(struct task *t);

#endif
