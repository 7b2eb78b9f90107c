#include "image/built_date.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "ev/task.h"
#include "oci/answer.h"
#include "oci/content.h"
#include "oci/manifest.h"

#include <stdlib.h>
#include <string.h>

#define CREATED "org.opencontainers.image.created"
#define INDEXES 2 /* one inside of another one */

struct dating {
	struct task task;
	struct oci_client *client;
	struct oci_target target;
	struct digest at; /* the manifest that is asked for next */
	unsigned indexes; /* that have led there */
	struct digest config; /* DIGEST_NONE: there is none to be read */
	uint64_t config_size;
	struct built_date result;
};

/* 0: it is no date, or one that means none. */
static int64_t date_read(const char *text)
{
	struct err ignored;
	int64_t ms;

	return text && !time_parse_rfc3339(text, &ms, &ignored) && ms > 0 ? ms : 0;
}

/* ---- its manifest ---------------------------------------------------------------------------- */

static enum step_ret manifest_start(struct task *t)
{
	struct dating *d = TASK(t, struct dating);

	return task_wait(t,
		oci_content_start(d->client,
			&(struct oci_content_req){.target = d->target,
				.digest = &d->at,
				.size = OCI_SIZE_ANY,
				.max = LIMIT_BUILT_DOCUMENT}));
}

/* Attestations stand in an index like images, of an unknown platform. NULL: there is no image. */
static const struct oci_child *index_entry(const struct oci_manifest *m)
{
	struct err ignored;
	const struct oci_child *c = oci_manifest_platform(m, NULL, &ignored);

	if (c)
		return c;
	vec_each (&m->children, c)
		if (!c->os || strcmp(c->os, "unknown") != 0)
			return c;
	return NULL;
}

static enum step_ret index_read(struct dating *d, const struct oci_manifest *m)
{
	const struct oci_child *c = d->indexes++ < INDEXES ? index_entry(m) : NULL;

	if (!c)
		return STEP_DONE;
	d->at = c->desc.digest;
	return STEP_AGAIN;
}

/* It is missing, or the failure is one. */
static enum step_ret read_failed(struct dating *d, enum step_ret otherwise)
{
	if (!oci_says_missing(&d->task.op->err))
		return task_fail(&d->task, &d->task.op->err);
	d->result.partial = true;
	return otherwise;
}

static enum step_ret manifest_resume(struct task *t)
{
	struct dating *d = TASK(t, struct dating);
	struct oci_manifest m = {0};
	enum step_ret rc = STEP_DONE;
	const struct buf *body;
	struct err ignored;

	if (t->op->err.kind != ERR_NONE)
		return read_failed(d, STEP_DONE);
	body = oci_content_body(t->op);
	if (!oci_manifest_parse(&m, buf_str(body), body->len, oci_content_type(t->op), &ignored)) {
		d->result.ms = date_read(obj_str(m.annotations, CREATED));
		d->config = m.config.digest;
		d->config_size = m.config.size;
		rc = m.index ? index_read(d, &m) : STEP_NEXT;
	}
	oci_manifest_clear(&m);
	return rc;
}

/* ---- its config ------------------------------------------------------------------------------ */

static enum step_ret config_start(struct task *t)
{
	struct dating *d = TASK(t, struct dating);

	if (d->config.algo == DIGEST_NONE || d->config_size > LIMIT_BUILT_DOCUMENT)
		return STEP_NEXT;
	return task_wait(t,
		oci_content_start(d->client,
			&(struct oci_content_req){.target = d->target,
				.blob = true,
				.digest = &d->config,
				.size = d->config_size,
				.max = LIMIT_BUILT_DOCUMENT}));
}

static enum step_ret config_resume(struct task *t)
{
	static const struct obj_limits max = {LIMIT_BUILT_VALUES, LIMIT_BUILT_DEPTH};
	struct dating *d = TASK(t, struct dating);
	auto_json json_t *config = NULL;
	const struct buf *body;
	struct err ignored;
	int64_t ms;

	if (t->op->err.kind != ERR_NONE)
		return read_failed(d, STEP_NEXT);
	body = oci_content_body(t->op);
	config = obj_parse_within(buf_str(body), body->len, &max, "config", &ignored);
	ms = date_read(obj_str(config, "created"));
	if (ms)
		d->result.ms = ms;
	return STEP_NEXT;
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void dating_free(struct task *t)
{
	struct dating *d = TASK(t, struct dating);

	oci_target_clear(&d->target);
	free(d);
}

struct op *built_date_start(struct loop *loop, struct oci_client *client,
	const struct oci_target *target, const struct digest *manifest)
{
	static const struct step steps[] = {{"manifest", manifest_start, manifest_resume},
		{"config", config_start, config_resume}, {0}};
	struct dating *d = NEW(struct dating);

	d->client = client;
	oci_target_init(&d->target, target);
	d->at = *manifest;
	task_init(&d->task, loop, "built", steps, NULL, dating_free);
	return task_spawn(&d->task);
}

const struct built_date *built_date_result(const struct op *op)
{
	return &TASK_OF_OP(op, struct dating)->result;
}
