/*
 * What the ops of the store have in common: a struct job is an op and the worker's job in one piece
 * of memory, so the worker may use its fields until it returns, and the loop has them back after.
 * Internal to lib/store.
 *
 *	struct mine { struct job job; ... };
 *	struct mine *m = job_new(store, struct mine, &type);
 *	return job_start(&m->job);
 */
#ifndef STORE_JOB_H
#define STORE_JOB_H
#include "ev/op.h"
#include "ev/work.h"

struct job;
struct store;
struct store_root;

struct job_type {
	const char *name;
	enum work_lane lane;
	int (*run)(struct job *job, const atomic_bool *stop, struct err *err); /* on a worker */
	/* On the loop, after run, also when it failed or never ran (job->err says so), before the
	   op is done. Sees what run left behind, whether or not somebody cancelled meanwhile. May
	   be NULL. */
	void (*done)(struct job *job);
	void (*free)(struct job *job); /* what the fields hold; may be NULL */
	bool binding; /* cannot be cancelled: it goes on, and says how it ended */
};

struct job {
	struct op op; /* first: an op pointer is a job pointer */
	const struct job_type *type;
	struct store *store;
	const struct store_root *root;
	struct op *work;
	struct err err; /* of run; kind ERR_NONE: well */
};

void *job_alloc(struct store *s, size_t size, const struct job_type *type);
#define job_new(s, t, job_type) ((t *)job_alloc(s, sizeof(t), job_type))
struct op *job_start(struct job *job);
/* owner: lib/ev/work.h. */
struct op *job_start_on(struct job *job, enum work_lane lane, const char *owner);
/* There was nothing to do: the op succeeds, `done` is not called. */
struct op *job_nothing(struct job *job);
/* The op fails with *err, `done` is not called. */
struct op *job_failed(struct job *job, const struct err *err);

#endif
