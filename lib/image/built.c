#include "image/built.h"

#include "base/clock.h"
#include "base/lru.h"
#include "base/mem.h"
#include "ev/task.h"
#include "image/built_date.h"
#include "oci/answer.h"
#include "oci/registry.h"
#include "oci/resolve.h"

#include <stdlib.h>
#include <string.h>

struct image_built {
	struct loop *loop;
	struct oci_client *client;
	struct lru tags; /* tag_known, by tag_key */
	struct lru dates; /* date_known, by the text of a digest */
};

struct tag_known {
	struct lru_item item;
	struct digest digest;
	int64_t built_ms;
	uint64_t asked_ms; /* on clock_ms() */
};

struct date_known {
	struct lru_item item;
	int64_t built_ms;
};

/* A question of all tags, which some lanes work on. */
struct question {
	struct task task;
	struct image_built *b;
	struct oci_target target;
	char *as, *owner;
	struct choose_list tags;
	bool todo[LIMIT_BUILT_TAGS];
	size_t next; /* none before it is to do */
	struct lane *lanes[LIMIT_BUILT_AT_ONCE];
	struct err failed;
	struct image_built_result result;
};

/* One tag after another. Once it is dropped no row of it begins any more, so it does not look at
   the question, which may be gone. */
struct lane {
	struct task task;
	struct question *q;
	size_t at;
	struct digest digest;
};

/* ---- what is known --------------------------------------------------------------------------- */

static void tag_known_free(struct lru_item *it)
{
	free(CONTAINER_OF(it, struct tag_known, item));
}

static void date_known_free(struct lru_item *it)
{
	free(CONTAINER_OF(it, struct date_known, item));
}

struct image_built *image_built_new(struct loop *loop, struct oci_client *client)
{
	struct image_built *b = NEW(struct image_built);

	b->loop = loop;
	b->client = client;
	lru_init(&b->tags, LIMIT_BUILT_KEPT, NULL, tag_known_free);
	lru_init(&b->dates, LIMIT_BUILT_KEPT, NULL, date_known_free);
	b->tags.max_bytes = b->dates.max_bytes = LIMIT_BUILT_KEPT_BYTES;
	return b;
}

void image_built_free(struct image_built *b)
{
	if (!b)
		return;
	lru_clear(&b->tags);
	lru_clear(&b->dates);
	free(b);
}

static char *tag_key(const struct question *q, size_t i)
{
	return mem_printf("%s\n%s\n%s\n%s", q->as, q->target.repo->host, q->target.repo->name,
		q->tags.tags[i]);
}

static struct tag_known *tag_find(const struct question *q, size_t i)
{
	auto_free char *key = tag_key(q, i);
	struct lru_item *it = lru_get(&q->b->tags, key);

	return it ? CONTAINER_OF(it, struct tag_known, item) : NULL;
}

static void tag_put(const struct question *q, size_t i, const struct digest *digest)
{
	struct tag_known *k = tag_find(q, i);

	if (!k) {
		auto_free char *key = tag_key(q, i);

		k = NEW(struct tag_known);
		k->item.size = sizeof(*k) + strlen(key);
		lru_add(&q->b->tags, key, &k->item);
	}
	k->digest = *digest;
	k->built_ms = q->result.tags[i].built_ms;
	k->asked_ms = clock_ms();
}

static bool date_find(const struct image_built *b, const struct digest *digest, int64_t *ms)
{
	char text[DIGEST_TEXT_MAX];
	struct lru_item *it =
		lru_get(&((struct image_built *)b)->dates, digest_format(digest, text));

	if (it)
		*ms = CONTAINER_OF(it, struct date_known, item)->built_ms;
	return it != NULL;
}

/* Two lanes may have found out the same. */
static void date_put(struct image_built *b, const struct digest *digest, int64_t ms)
{
	char text[DIGEST_TEXT_MAX];
	struct date_known *k;
	int64_t had;

	if (date_find(b, digest, &had))
		return;
	k = NEW(struct date_known);
	k->built_ms = ms;
	k->item.size = sizeof(*k) + strlen(digest_format(digest, text));
	lru_add(&b->dates, text, &k->item);
}

/* ---- a lane ---------------------------------------------------------------------------------- */

static void question_widen(struct question *q);

static enum step_ret tag_start(struct task *t)
{
	struct lane *l = TASK(t, struct lane);
	struct question *q = l->q;

	while (q->next < q->tags.len && !q->todo[q->next])
		q->next++;
	if (q->next == q->tags.len)
		return STEP_DONE;
	l->at = q->next++;
	return task_wait(t,
		oci_resolve_start(q->b->client,
			&(struct oci_resolve_req){.target = q->target,
				.tag = q->tags.tags[l->at],
				.owner = q->owner}));
}

static enum step_ret tag_resume(struct task *t)
{
	struct lane *l = TASK(t, struct lane);
	struct image_built_tag *tag = &l->q->result.tags[l->at];

	if (oci_says_missing(&t->op->err)) {
		tag->missing = true;
		return STEP_AGAIN;
	}
	if (task_op_failed(t))
		return STEP_FAIL;
	question_widen(l->q);
	l->digest = oci_resolve_result(t->op)->digest;
	if (!date_find(l->q->b, &l->digest, &tag->built_ms))
		return STEP_NEXT;
	tag_put(l->q, l->at, &l->digest);
	return STEP_AGAIN;
}

static enum step_ret date_start(struct task *t)
{
	struct lane *l = TASK(t, struct lane);

	return task_wait(
		t, built_date_start(l->q->b->loop, l->q->b->client, &l->q->target, &l->digest));
}

static enum step_ret date_resume(struct task *t)
{
	struct lane *l = TASK(t, struct lane);
	const struct built_date *date;

	if (task_op_failed(t))
		return STEP_FAIL;
	date = built_date_result(t->op);
	l->q->result.tags[l->at].built_ms = date->ms;
	if (!date->partial) {
		date_put(l->q->b, &l->digest, date->ms);
		tag_put(l->q, l->at, &l->digest);
	}
	return task_goto(t, "tag");
}

static void lane_free(struct task *t)
{
	free(TASK(t, struct lane));
}

static const struct log_ctx *lane_log(const struct task *t)
{
	const struct lane *l = TASK(t, struct lane);

	return l->q ? task_log(&l->q->task) : NULL;
}

/* ---- the question ---------------------------------------------------------------------------- */

static void question_drop(struct question *q)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(q->lanes); i++) {
		struct lane *l = MOVE(q->lanes[i]);

		if (!l)
			continue;
		l->q = NULL;
		op_drop(&l->task.self);
	}
}

static bool question_has_lanes(const struct question *q)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(q->lanes); i++)
		if (q->lanes[i])
			return true;
	return false;
}

static void lane_done(struct op *op, void *arg)
{
	struct question *q = arg;
	struct lane *l = TASK_OF_OP(op, struct lane);
	size_t i;

	for (i = 0; i < ARRAY_LEN(q->lanes); i++)
		if (q->lanes[i] == l)
			q->lanes[i] = NULL;
	if (op->err.kind != ERR_NONE) {
		q->failed = op->err;
		q->result.failed = q->tags.tags[l->at];
		question_drop(q);
	}
	op_free(op);
	if (!question_has_lanes(q))
		task_wake(&q->task);
}

static void question_lane(struct question *q, struct lane **at)
{
	static const struct step steps[] = {
		{"tag", tag_start, tag_resume}, {"date", date_start, date_resume}, {0}};
	struct lane *l = *at = NEW(struct lane);

	l->q = q;
	task_init(&l->task, q->b->loop, "builtLane", steps, NULL, lane_free);
	l->task.log_fn = lane_log;
	op_then(task_spawn(&l->task), lane_done, q);
}

/* Lanes for what is left, where a host that answers is asked. */
static void question_widen(struct question *q)
{
	size_t left = 0, i;

	if (!oci_client_is_proven(q->b->client, q->target.repo))
		return;
	for (i = q->next; i < q->tags.len; i++)
		left += q->todo[i];
	for (i = 0; left && i < ARRAY_LEN(q->lanes); i++)
		if (!q->lanes[i]) {
			question_lane(q, &q->lanes[i]);
			left--;
		}
}

/* Those of which enough is known need no request. */
static void question_recall(struct question *q, bool anew)
{
	uint64_t now = clock_ms();
	size_t i;

	for (i = 0; i < q->tags.len; i++) {
		const struct tag_known *k = tag_find(q, i);

		if (k)
			q->result.tags[i].built_ms = k->built_ms;
		q->todo[i] = anew || !k || now - k->asked_ms >= BUILT_TAG_MS;
		q->result.asked += q->todo[i];
	}
}

static enum step_ret ask_start(struct task *t)
{
	struct question *q = TASK(t, struct question);

	if (!q->result.asked)
		return STEP_NEXT;
	question_lane(q, &q->lanes[0]);
	return task_pause(t);
}

static enum step_ret ask_resume(struct task *t)
{
	struct question *q = TASK(t, struct question);

	return q->failed.kind == ERR_NONE ? STEP_NEXT : task_fail(t, &q->failed);
}

static void question_free(struct task *t)
{
	struct question *q = TASK(t, struct question);

	question_drop(q);
	oci_target_clear(&q->target);
	free(q->as);
	free(q->owner);
	free(q);
}

struct op *image_built_start(struct image_built *b, const struct image_built_req *req)
{
	static const struct step steps[] = {{"ask", ask_start, ask_resume}, {0}};
	struct question *q = NEW(struct question);

	q->b = b;
	oci_target_init(&q->target, &req->target);
	q->as = mem_strdup(req->as);
	q->owner = mem_strdup(req->owner);
	q->tags = *req->tags;
	question_recall(q, req->anew);
	task_init(&q->task, b->loop, "builtTags", steps, NULL, question_free);
	return task_spawn(&q->task);
}

const struct image_built_result *image_built_result(const struct op *op)
{
	return &TASK_OF_OP(op, struct question)->result;
}
