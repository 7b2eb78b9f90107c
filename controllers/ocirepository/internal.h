/* What the files of this controller share; nobody else includes this. */
#ifndef OCIREPOSITORY_INTERNAL_H
#define OCIREPOSITORY_INTERNAL_H
#include "base/lru.h"
#include "base/map.h"
#include "base/metrics.h"
#include "controllers/ocirepository/object.h"
#include "controllers/ocirepository/ocirepository.h"
#include "ctl/cond.h"
#include "ctl/event.h"
#include "ctl/queue.h"
#include "ctl/refs.h"
#include "ctl/turns.h"
#include "ev/task.h"
#include "oci/image.h"
#include "oci/ref.h"
#include "oci/resolve.h"
#include "store/store.h"

/* Condition types. */
#define COND_READY "Ready"
#define COND_RECONCILING "Reconciling"
#define COND_STALLED "Stalled"
#define COND_FETCH_FAILED "FetchFailed"
#define COND_STORAGE_FAILED "StorageOperationFailed"
#define COND_OUTDATED "ArtifactOutdated"
#define COND_IN_STORAGE "ArtifactInStorage"
#define COND_VERIFIED "SourceVerified"

struct kube_entry;
struct oci_identity;
struct publish_job;
struct pull_identity;
struct settled;

/* Causes of a cancel: they decide what the queue does. */
enum { CAUSE_DELETED = 1, CAUSE_CHANGED, CAUSE_SHUTDOWN };

struct ocirepo {
	struct ocirepo_opts opts;
	char *ns, *label_selector, *adv_address;
	struct queue queue;
	struct {
		struct turns local; /* deletions, suspended objects: no registry is asked */
		struct turns check; /* has the reference moved? */
		struct turns fresh; /* the same, of objects that have no artifact yet */
		struct turns pulls; /* --concurrent */
		struct turns restores;
		struct turns
			large; /* objects whose text is not kept: few at a time, from begin to end */
	} lanes;
	struct op *watch, *secrets;
	struct timer tell_timer;
	unsigned tells; /* in flight */
	struct refs secret_users; /* "ns/name" → struct repo */
	struct lru identities; /* "ns/name" → struct pull_identity: built of a Secret */
	size_t identity_bytes; /* of these */
	struct map leaving; /* "ns/name" → struct repo: gone, but its run has not ended yet */
	struct repo *check_first, **check_last; /* wait for the look at their file */
	unsigned checks; /* such looks in flight */
	struct oci_identity *anonymous;
	unsigned repos; /* alive, the leaving ones included */
	bool synced, stopping;
	struct metric_family *duration, *results, *longest;
	struct metric *result_success, *result_error, *result_requeue, *result_requeue_after;
};

/* One object, between its runs. */
struct repo {
	struct queue_item queue_item;
	struct ocirepo *c;
	char *text; /* compact JSON of the object as last seen or written */
	bool whole; /* the text is; else each run reads the object */
	char *rv, *uid;
	char *ns; /* of its name */
	char *host; /* of spec.url, with `insecure`: lanes; "" when the URL is wrong */
	char *path; /* of the artifact that the status names, or NULL */
	char *secret_key; /* "ns/name" or NULL: what secret_users knows */
	char *requested_at;
	char *lost_path; /* a path that cannot be restored: its digest is gone from the registry */
	char *lost_why; /* why it was given up */
	uint64_t lost_since; /* the registry has said so first, on clock_ms() */
	unsigned lost_times; /* and how often since */
	bool restore_next; /* the last run could not bring the file back: the next one asks by digest */
	char *name; /* "ns/name" */
	struct settled *settled; /* the last run found nothing to do; NULL while a run has it */
	int64_t generation;
	struct metric *duration;
	struct op *tell; /* says that it waits; no run meanwhile */
	uint64_t told_since; /* for the time that it has been waiting since then, it was told */
	bool due_after_tell, removed; /* what comes after it */
	struct event_budget event_budget;
	struct op *check; /* the first look at the file that the status names */
	struct repo *check_next, **check_prev; /* in the line for it */
	bool deleting, suspended;
};

enum patch_phase { PATCH_IDLE, PATCH_SENT, PATCH_READING };

/* One reconcile. Whatever outlives a return to the loop is in here; run_free releases it. */
struct run {
	struct task task;
	struct ocirepo *c;
	struct repo *repo;
	struct log_ctx log;
	uint64_t since_ns;

	struct settled *
		settled; /* what the run goes by until it has read the object; made when there was nothing to do */
	json_t *first; /* the object as it was when the run read it: spec and strings below are borrowed from it, nothing from obj. NULL: not read, they are borrowed from settled */
	json_t *obj; /* as the API server has it now, as far as this run knows */
	const char *ns, *name, *uid;
	int64_t generation;
	struct ocirepo_spec spec;
	struct err spec_err; /* the spec cannot be read */
	struct cond_set conds, conds_before;

	char dir[STORE_DIR_MAX];
	char have_path[STORE_PATH_MAX]; /* the status's artifact; "" none */
	struct digest have_digest;
	bool looked; /* for its file */
	bool have_file; /* and it is in the store, intact */
	bool missing; /* it is not, and the run is to bring it back, or what has taken its place */
	bool restore; /* fetch what the status names, nothing else */
	bool restore_asked; /* by the run before, which could not bring the file back */

	struct oci_repo where;
	struct oci_identity *identity;
	char *secret_rv; /* version of the Secret that it was built of; NULL: of none */
	bool secret_read; /* by this run; else it was kept */
	bool asking; /* the registry, what the reference means */
	bool resolved;
	char revision[OCI_REVISION_MAX];
	struct digest manifest;
	bool unchanged;

	struct turn turn; /* to pull */
	bool turn_waits; /* the task does, for it */
	struct op *image; /* done; the layer is in there */
	const struct oci_descriptor *layer;
	const json_t *metadata; /* the manifest's annotations */
	struct store_temp temp;
	struct buf bytes;

	struct publish_job *job; /* waits for memory */
	struct op *grant; /* memory of the job that runs */

	char path[STORE_PATH_MAX];
	struct digest digest; /* of the new artifact */
	uint64_t size;
	bool stored; /* a new artifact is in place, or held */
	bool holding; /* the store was asked to hold the path; a cancel may come before its answer */
	bool held; /* the store holds the path until commit or abandon */
	bool same_bytes;

	/* what the exit table does */
	const char *reason; /* of the failure */
	const char *cond; /* condition it sets; NULL: none of its own */
	bool silent; /* deleted, suspended, restored: no status but what the mode allows */
	bool gone; /* an answer said that the object is not there any more; the watch has the last word */
	bool lost; /* the registry does not have what is to be restored */
	enum patch_phase patching;
	unsigned conflicts;
	bool asked_again; /* requestedAt changed during the run */
	bool patched, requeue_now;
	struct err patch_err;

	struct timer slow; /* a pull that takes longer says so */
	struct op *progress;
	bool want_status; /* the status step waits for it */
};

#define RUN(t) CONTAINER_OF(t, struct run, task)

/* reconcile.c */
struct op *run_start(struct ocirepo *c, struct repo *repo);
/* Says in the status that the object waits for its turn, and why. */
struct op *run_tell(struct ocirepo *c, struct repo *repo);
/* t->err is filled: notes condition and reason for the status. */
enum step_ret run_fail(struct run *r, const char *cond, const char *reason) must_check;
/* Reads the object, if this run has not yet. False: it has changed since settled was made, and what was found out by that is worth nothing;
   the next run comes at once. */
bool run_open(struct run *r) must_check;
/* Asks the API server for the object as it is now. */
struct op *run_read_object(const struct run *r) must_check;
/* The answer of a write replaces what is cached. */
void run_set_object(struct run *r, json_t *obj);

/* controller.c */
void repo_store(struct repo *repo, const json_t *obj);
/* What a GET said, and the watch has yet to say: the next run begins with it. False: it is another object of the same name. */
bool repo_adopt(struct repo *repo, const json_t *obj);
/* Due now; later while a look at its file or the run of a namesake that is gone has not ended. */
void repo_due(struct repo *repo);
/* Somebody changed something: what was given up is tried again, and failures count from the start. */
void repo_renew(struct repo *repo);
/* The queue has let go of it. */
void repo_removed(struct repo *repo);
void each_object(struct ocirepo *c, void (*fn)(void *arg, struct kube_entry *e), void *arg);
/* "http://HOST/PATH" */
char *artifact_url(const struct ocirepo *c, const char *path);

/* lanes.c */
/* Why an object waits for its turn, for its status. */
void lane_reason(struct ocirepo *c, const struct turn *turn, struct buf *out);
/* What was being told about it is of no interest any more. */
void tell_cancel(struct repo *repo);
void lanes_init(struct ocirepo *c);
/* The name under which places at a registry are counted. Free it. */
char *lane_host(const struct oci_repo *where);
void lanes_host_changed(void *arg, const char *host);
void lanes_clear(struct ocirepo *c);
void lanes_each(struct ocirepo *c,
	void (*fn)(void *arg, const char *name, const struct turns *lane), void *arg);
struct turns *lane_place(void *arg, struct queue_item *item, struct turn_ask *ask);
/* Gives back what the run holds, and waits for a place to pull or restore. */
enum step_ret lane_wait(struct run *r, bool big) must_check;
enum step_ret lane_resume(struct task *t);
bool lane_is_big(uint64_t size);

/* credentials.c */
struct op *credentials_watch(struct ocirepo *c);
void identity_drop(struct ocirepo *c, const char *key);
void identities_init(struct ocirepo *c);
void identities_clear(struct ocirepo *c);
/* NULL: none is kept. Borrowed until the next turn of the loop. */
struct pull_identity *identity_find(struct ocirepo *c, const char *key);
enum step_ret credentials_start(struct task *t);
enum step_ret credentials_resume(struct task *t);
/* An exit row: credentials that were kept and are refused may be old. The Secret is read, and if it has changed the run counts for nothing
   and the next one comes at once. */
enum step_ret reread_start(struct task *t);
enum step_ret reread_resume(struct task *t);

/* source.c */
enum step_ret resolve_start(struct task *t);
enum step_ret resolve_resume(struct task *t);
enum step_ret slot_start(struct task *t);
enum step_ret room_start(struct task *t);
enum step_ret manifest_start(struct task *t);
enum step_ret manifest_resume(struct task *t);
enum step_ret temp_start(struct task *t);
enum step_ret temp_resume(struct task *t);
enum step_ret pull_start(struct task *t);
enum step_ret pull_resume(struct task *t);

/* artifact.c */
enum step_ret storage_start(struct task *t);
enum step_ret storage_resume(struct task *t);
enum step_ret publish_start(struct task *t);
enum step_ret publish_resume(struct task *t);
void publish_forget(struct run *r); /* what its step left, if it was cancelled */
enum step_ret hold_start(struct task *t);
enum step_ret hold_resume(struct task *t);
enum step_ret commit_start(struct task *t);
enum step_ret commit_resume(struct task *t);
enum step_ret tidy_start(struct task *t);
enum step_ret retain_start(struct task *t);
enum step_ret retain_resume(struct task *t);

/* status.c */
enum step_ret tell_start(struct task *t);
enum step_ret tell_resume(struct task *t);
enum step_ret status_start(struct task *t);
enum step_ret status_resume(struct task *t);
void progress_init(struct run *r);
/* Says after ms what is being waited for, if the run has read its object. */
void progress_arm(struct run *r, uint64_t ms);
void progress_end(struct run *r);

/* restore.c */
/* After storage found the status's file missing: is it to be fetched again? */
bool restore_wanted(struct run *r);
/* Was the file that the status names given up? */
bool restore_given_up(const struct run *r);
/* The file that the object's status names is not in the store, and was not given up. */
bool repo_file_missing(const struct repo *repo);
/* The registry was asked for what the status names, and failed: does it say itself that it does not have it? */
void restore_refused(struct run *r);
/* A restore that failed: for good, or for now. */
void restore_failed(struct run *r);

/* settled.c */
/* The run found everything as it should be. */
void settled_make(struct run *r);
void settled_free(struct settled *s);
/* At the start of a run. False: there is nothing to go by. */
bool settled_take(struct run *r);
/* Is the object still the one that it was made of? */
bool settled_current(const struct run *r);
/* Is what the reference means now what the status names? */
bool settled_same(const struct run *r);
/* At the end of a run, for the next. */
void settled_return(struct run *r);

/* notify.c */
enum step_ret notify_start(struct task *t);
void notify_warning(struct run *r, const char *reason, const char *message);

#endif
