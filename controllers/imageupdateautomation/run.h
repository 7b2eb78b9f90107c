/* What the files of this kind share: its env, an object between its runs, and a run. Loop
   thread. */
#ifndef IMAGEUPDATEAUTOMATION_RUN_H
#define IMAGEUPDATEAUTOMATION_RUN_H
#include "controllers/imageupdateautomation/line.h"
#include "controllers/imageupdateautomation/refspec.h"
#include "controllers/imageupdateautomation/sources.h"
#include "controllers/imageupdateautomation/spec.h"
#include "ctl/item.h"
#include "ctl/refs.h"
#include "ctl/run.h"
#include "git/client.h"
#include "git/oid.h"
#include "image/choices.h"
#include "source/git_login.h"
#include "source/git_resolve.h"

struct account;
struct commit;
struct edit;
struct gitc_update;
struct op;
struct own;
struct touches;

struct automation_env {
	struct controller *c;
	struct gitc_client *git;
	struct forge *forge;
	struct account *account;
	struct git_login_opts login;
	char *default_account; /* of login */
	char *folder; /* for homes of gpg */
	bool no_cross_namespace, force_push, all_branches;
	struct image_choices *choices;
	struct sources *sources;
	struct touches *touches;
	struct lines lines;
	struct refs users; /* by "ns/name" of the GitRepository: items */
	struct refs spaces; /* by namespace: items */
};

#define AUTOMATION_ENV(r) ((struct automation_env *)(r)->c->opts.env)

struct automation_item {
	struct item item;
	char *repository; /* the key under which it is in env.users; NULL: it is not */
	char *space; /* in env.spaces, likewise */
	/* What the last run that found everything done has seen; in memory only. */
	bool quiet;
	struct gitc_oid checkout, head;
	bool has_head; /* the push branch was there */
	/* policies_others, as the report in the status knows them; NULL: there is none, or it is of
	   another process. In memory only. */
	json_t *others;

	/* All pushes that were sent have had their end in the status. Not at first, and not when
	   this process leads anew: nobody knows what the one before has sent last. */
	bool told;
	unsigned leads; /* so often it has begun to lead */
	bool owes; /* the second push of what the first one has brought there */
	/* The pull request for what was pushed last; the first: only the status tells. */
	enum { REQUEST_UNKNOWN, REQUEST_OWED, REQUEST_DONE } request;
	char *owed; /* the message of the commit whose request is owed; else NULL */
};

#define AUTOMATION_ITEM(i) CONTAINER_OF(i, struct automation_item, item)

struct automation_run {
	struct run run;
	int64_t began_ms; /* wall clock */
	unsigned leads; /* the item's, as the run began */

	/* Where it works. */
	struct source *source; /* a reference */
	const struct git_ref *ref; /* the spec's or the source's */
	const char *checkout; /* the branch that it reads; NULL: it is none */
	const char *push_branch;
	bool switches; /* another one than it reads */
	struct git_login login;

	/* Whose choices. */
	json_t *policies; /* as status.observedPolicies has them */
	json_t *others; /* policies_others, when it looked into the files; or NULL */
	bool full; /* they are not what the last run knew: it looks into the files */

	/* Whether, and what, it signs. */
	struct secret key, passphrase;

	struct line_place place;
	bool joined; /* it has, or had, a place in the line of its branch */
	unsigned tries; /* of a push, in vain */
	/* Of this try. */
	struct git_resolved resolved;
	struct gitc_oid base; /* what it builds on */
	struct gitc_oid head; /* the push branch as it is; has_head: it is there */
	bool has_head;
	bool whole; /* files come with the commit: the server gives none alone */
	struct gitc_objects *objects;
	struct edit *edit;
	struct commit *commit; /* the last one that was made */
	/* That making it may take, and the account's grant of that; 0 and NULL: it has tried, or
	   will, with so little that nobody is asked. */
	uint64_t memory;
	struct op *grant;
	char *signature; /* that a process made; or NULL */
	char *message; /* of the commit that was sent; or NULL */

	struct gitc_oid sent; /* the last commit that a push was sent for; has_sent: one was */
	bool has_sent;
	bool pushed; /* it is there */
	struct own *own; /* the head, while it is found out whose it is; or NULL */
	struct refspec_updates updates; /* of the second push */
	struct gitc_objects *history; /* for it, where it takes one; or NULL */
	char *refspec; /* that was pushed, too; or NULL */
	int64_t pushed_ms; /* wall clock */
	struct secret token; /* for the forge */
	char *request; /* where the pull request is, for people; or NULL */
	bool requested; /* it is new */
	const char *no_request; /* why none can be, for people; or NULL */
	char *report; /* what could not be done, or that there was nothing to do; or NULL */
	bool looked; /* it has looked into the files: `report` is what there is to say */
};

#define AUTOMATION_RUN(r) CONTAINER_OF(r, struct automation_run, run)
#define AUTOMATION_SPEC_OF(r) AUTOMATION_SPEC((r)->spec)

/* ---- row.c: failures, and where and as whom the server is asked */
/* The reference of a branch, whole. */
char *automation_branch_ref(const char *branch) must_check;
enum step_ret automation_fail(struct run *r, const char *reason) must_check;
enum step_ret automation_stall(struct run *r, const char *reason) must_check;
struct gitc_target automation_target(const struct run *r);
/* Who leads no more must not write, at a server of Git and at a forge either; by the clock, for
   nobody may have said so yet. */
bool automation_leads(const struct run *r);
enum step_ret automation_follows(struct run *r) must_check;
/* What this try has made is of no use for the next one. */
void automation_try_clear(struct automation_run *a);
/* The commit is made: others may take the memory. */
void automation_room_leave(struct automation_run *a);
/* Reads a Secret of the automation's own namespace. */
enum step_ret automation_secret_wait(struct run *r, const char *name) must_check;

/* ---- rows of files.c: the commit and what changes in it */
enum step_ret automation_fetch_start(struct task *t);
enum step_ret automation_fetch_resume(struct task *t);
enum step_ret automation_keep_start(struct task *t);
enum step_ret automation_keep_resume(struct task *t);
enum step_ret automation_list_start(struct task *t);
enum step_ret automation_list_resume(struct task *t);
enum step_ret automation_blobs_start(struct task *t);
enum step_ret automation_blobs_resume(struct task *t);
enum step_ret automation_edit_start(struct task *t);
enum step_ret automation_edit_resume(struct task *t);

/* ---- rows of push.c: a commit of it, and where it goes */
enum step_ret automation_room_start(struct task *t);
enum step_ret automation_room_resume(struct task *t);
enum step_ret automation_draft_start(struct task *t);
enum step_ret automation_draft_resume(struct task *t);
enum step_ret automation_sign_start(struct task *t);
enum step_ret automation_sign_resume(struct task *t);
enum step_ret automation_seal_start(struct task *t);
enum step_ret automation_seal_resume(struct task *t);
enum step_ret automation_push_start(struct task *t);
enum step_ret automation_push_resume(struct task *t);
/* Pushes to these refs; pack as in git/push.h. */
struct op *automation_push_op(
	struct run *r, const struct gitc_update *u, size_t n, const struct buf *pack);
/* The commit that was sent is at the remote since then (wall clock). */
void automation_pushed(struct run *r, int64_t when_ms);

/* ---- row of own.c: nothing changes. Is the commit that is there one of ours? */
enum step_ret automation_own_start(struct task *t);
enum step_ret automation_own_resume(struct task *t);
/* While it is found out the rows from "fetch" to "draft" work on the commit before that one. */
bool automation_proves(const struct run *r);
int64_t automation_own_when_s(const struct run *r);
/* It is the commit that the status has as the last one that was pushed. */
bool automation_knows_head(const struct run *r);
/* The work goes on on top of it. */
bool automation_is_on_head(const struct automation_run *a);
/* Reads it; `objects` has it. */
struct op *automation_head_read(struct run *r);
/* The message of what was read. The caller's. */
char *automation_head_message(struct op *op);
/* Nobody can say, or it is another one's. */
enum step_ret automation_not_own(struct run *r) must_check;
/* There is a draft: has it the same bytes? */
bool automation_is_own(const struct run *r) must_check;
void automation_own_free(struct own *o); /* NULL is fine */

/* ---- rows of push_more.c: the second push */
enum step_ret automation_more_start(struct task *t);
enum step_ret automation_more_resume(struct task *t);
enum step_ret automation_history_start(struct task *t);
enum step_ret automation_history_resume(struct task *t);
enum step_ret automation_forward_start(struct task *t);
enum step_ret automation_forward_resume(struct task *t);
enum step_ret automation_second_start(struct task *t);
enum step_ret automation_second_resume(struct task *t);

/* ---- request.c: what is owed, and its rows */
void automation_request_owe(struct run *r);
/* Nothing is, if the status was Ready: before this run fails, which another one would read. */
void automation_request_begin(struct run *r);
/* All has been done that there was to do. */
void automation_request_settle(struct run *r);
/* The commit's message, while its objects are there. */
enum step_ret automation_words_start(struct task *t);
enum step_ret automation_words_resume(struct task *t);
enum step_ret automation_word_start(struct task *t);
enum step_ret automation_word_resume(struct task *t);
enum step_ret automation_request_start(struct task *t);
enum step_ret automation_request_resume(struct task *t);

#endif
