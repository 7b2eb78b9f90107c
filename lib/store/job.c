#include "store/job.h"

#include "base/mem.h"
#include "store/internal.h"

static int on_worker(void *arg, const atomic_bool *stop, struct err *err)
{
	struct job *job = arg;

	return job->type->run(job, stop, err);
}

static void work_done(struct op *work, void *arg)
{
	struct job *job = arg;

	job->err = work->err;
	job->work = NULL;
	op_free(work);
	if (job->type->done)
		job->type->done(job);
	op_end(&job->op, &job->err);
}

static void job_cancel(struct op *op)
{
	struct job *job = (struct job *)op;

	if (job->type->binding)
		op->cancelled = false; /* its result is told as it is */
	else
		op_cancel(job->work);
}

static void job_free(struct op *op)
{
	struct job *job = (struct job *)op;
	struct store *s = job->store;

	if (job->type->free)
		job->type->free(job);
	free(job);
	store_job_gone(s);
}

void *job_alloc(struct store *s, size_t size, const struct job_type *type)
{
	static const struct op_type op_type = {"store", job_cancel, job_free};
	struct job *job = mem_zalloc(size);

	op_init(&job->op, s->loop, &op_type);
	job->type = type;
	job->store = s;
	job->root = &s->root;
	s->jobs++;
	return job;
}

struct op *job_start_on(struct job *job, enum work_lane lane, const char *owner)
{
	job->work = work_start_for(job->store->loop, lane, owner, on_worker, NULL, job);
	op_then(job->work, work_done, job);
	return &job->op;
}

struct op *job_start(struct job *job)
{
	return job_start_on(job, job->type->lane, NULL);
}

struct op *job_nothing(struct job *job)
{
	op_finish(&job->op);
	return &job->op;
}

struct op *job_failed(struct job *job, const struct err *err)
{
	op_end(&job->op, err);
	return &job->op;
}
