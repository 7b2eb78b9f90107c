#include "git/refs.h"

#include "base/limits.h"
#include "base/mem.h"
#include "ev/task.h"
#include "git/gitc.h"
#include "git/internal.h"
#include "git/link.h"
#include "git/lsrefs.h"
#include "git/open.h"
#include "git/reflist.h"
#include "git/server.h"
#include "git/target.h"

#include <string.h>

struct listing {
	struct task task;
	struct gitc_client *client;
	struct gitc_target target;
	char *key;
	char **prefixes; /* as asked for */
	bool head;
	uint64_t until_ms;
	struct gitc_link *link;
	struct gitc_caps caps;
	bool remembered; /* caps are not of this link */
	bool wide; /* asked for anything at all: is the repository empty? */
	struct buf question;
	struct gitc_reflist list;
	struct gitc_lsrefs answer;
	struct gitc_refs result;
};

static enum step_ret listing_fail(struct listing *l, const struct err *err)
{
	struct err e = *err;

	gitc_target_blame(&l->target, "list refs", l->until_ms, &e);
	return task_fail(&l->task, &e);
}

static void listing_begin(struct listing *l)
{
	gitc_reflist_clear(&l->list);
	gitc_reflist_init(&l->list, (const char *const *)l->prefixes, l->head);
}

static void listing_link(struct listing *l, const char *base)
{
	if (l->link)
		l->link->type->free(l->link);
	l->link = gitc_link_new(l->client,
		&(struct gitc_link_req){.target = &l->target,
			.service = GITC_UPLOAD_PACK,
			.v2 = true,
			.base = base});
}

/* Who it was found to be last time. */
static enum step_ret recall_start(struct task *t)
{
	struct listing *l = TASK(t, struct listing);
	const struct gitc_server *s = gitc_server_get(l->client, l->key);

	l->until_ms = gitc_target_until(&l->target);
	l->client->stats.refs++;
	if (s && s->caps.version == 2) {
		l->caps = s->caps;
		l->remembered = true;
	}
	listing_link(l, l->remembered ? s->base : NULL);
	return STEP_NEXT;
}

static enum step_ret open_start(struct task *t)
{
	struct listing *l = TASK(t, struct listing);

	if (l->remembered && l->link->type->stateless)
		return STEP_NEXT;
	listing_begin(l);
	return task_wait(t,
		gitc_open_start(l->client, l->link, GITC_UPLOAD_PACK, &l->list,
			gitc_target_left(l->until_ms)));
}

static enum step_ret open_resume(struct task *t)
{
	struct listing *l = TASK(t, struct listing);
	struct err err = {0};

	if (t->op->err.kind != ERR_NONE)
		return listing_fail(l, &t->op->err);
	l->caps = *gitc_open_caps(t->op);
	l->remembered = false;
	if (gitc_caps_check_fetch(&l->caps, &err))
		return listing_fail(l, &err);
	gitc_server_learn(l->client, l->key, &l->caps, l->link);
	return STEP_NEXT;
}

static enum gitc_feed on_data(void *arg, const char *p, size_t n, struct err *err)
{
	struct listing *l = arg;
	int rc = gitc_lsrefs_feed(&l->answer, p, n, err);

	if (rc < 0)
		return GITC_FEED_FAIL;
	return rc ? GITC_FEED_END : GITC_FEED_MORE;
}

/* Nothing of v0 is left to ask. */
static enum step_ret ask_start(struct task *t)
{
	static const char *const any[] = {"refs/", NULL};
	struct listing *l = TASK(t, struct listing);

	if (l->caps.version != 2)
		return STEP_NEXT;
	listing_begin(l);
	gitc_lsrefs_clear(&l->answer);
	gitc_lsrefs_init(&l->answer, &l->list);
	buf_reset(&l->question);
	gitc_lsrefs_ask(&l->question, &l->caps, l->client->agent,
		l->wide ? any : (const char *const *)l->prefixes);
	return task_wait(t,
		l->link->type->talk(l->link,
			&(struct gitc_move){.head = &l->question,
				.on_data = on_data,
				.arg = l,
				.max = LIMIT_GIT_REFS_BYTES,
				.time_ms = gitc_target_left(l->until_ms)}));
}

static enum step_ret ask_resume(struct task *t)
{
	struct listing *l = TASK(t, struct listing);
	struct err err = t->op->err;

	if (err.kind == ERR_NONE && !gitc_lsrefs_is_whole(&l->answer))
		err_code(
			&err, ERR_RETRY, GITC_PROTOCOL, "the server's list of refs ends too early");
	if (err.kind != ERR_NONE) {
		if (!gitc_server_is_stale(&err))
			return listing_fail(l, &err);
		gitc_server_forget(l->client, l->key);
		if (!l->remembered)
			return listing_fail(l, &err);
		l->remembered = false;
		listing_link(l, NULL);
		return task_goto(t, "open");
	}
	/* Nothing of what was asked for: is there anything? */
	if (!l->list.any && l->prefixes && !l->wide) {
		l->wide = true;
		return STEP_AGAIN;
	}
	return STEP_NEXT;
}

static enum step_ret finish_start(struct task *t)
{
	struct listing *l = TASK(t, struct listing);
	struct err err = {0};

	if (gitc_reflist_finish(&l->list, &l->result, &err))
		return listing_fail(l, &err);
	return STEP_NEXT;
}

static void listing_free(struct task *t)
{
	struct listing *l = TASK(t, struct listing);
	size_t i;

	if (l->link)
		l->link->type->free(l->link);
	for (i = 0; l->prefixes && l->prefixes[i]; i++)
		free(l->prefixes[i]);
	free(l->prefixes);
	free(l->key);
	gitc_target_clear(&l->target);
	gitc_lsrefs_clear(&l->answer);
	gitc_reflist_clear(&l->list);
	gitc_refs_clear(&l->result);
	buf_clear(&l->question);
	free(l);
}

static char **copy_prefixes(const char *const *from)
{
	size_t n = 0, i;
	char **to;

	while (from[n])
		n++;
	BUG_IF(n > LIMIT_GIT_PREFIXES);
	to = mem_array(NULL, n + 1, sizeof(*to));
	for (i = 0; i < n; i++)
		to[i] = mem_strndup(from[i], strnlen(from[i], LIMIT_GIT_REF_NAME + 1));
	to[n] = NULL;
	return to;
}

struct op *gitc_refs_start(struct gitc_client *c, const struct gitc_refs_req *req)
{
	static const struct step steps[] = {
		{"recall", recall_start},
		{"open", open_start, open_resume},
		{"ask", ask_start, ask_resume},
		{"finish", finish_start},
		{0},
	};
	struct listing *l = NEW(struct listing);

	l->client = c;
	gitc_target_init(&l->target, &req->target);
	l->key = gitc_target_key(&l->target);
	l->prefixes = req->prefixes ? copy_prefixes(req->prefixes) : NULL;
	l->head = req->head;
	buf_init(&l->question, BUF_ANY);
	task_init(&l->task, c->loop, "git refs", steps, NULL, listing_free);
	return task_spawn(&l->task);
}

const struct gitc_refs *gitc_refs_result(const struct op *op)
{
	return &TASK_OF_OP(op, struct listing)->result;
}
