#include "git/push.h"

#include "base/limits.h"
#include "base/mem.h"
#include "ev/task.h"
#include "git/gitc.h"
#include "git/internal.h"
#include "git/link.h"
#include "git/open.h"
#include "git/packw.h"
#include "git/reflist.h"
#include "git/report.h"
#include "git/target.h"

#include <errno.h>
#include <string.h>

struct push {
	struct task task;
	struct gitc_client *client;
	struct gitc_target target;
	struct gitc_update *updates;
	size_t n;
	char **options; /* NULL: none */
	const struct buf *pack;
	struct buf no_objects; /* a push has to have a pack */
	uint64_t until_ms;
	struct gitc_link *link;
	struct gitc_caps caps;
	struct gitc_reflist list;
	struct gitc_refs refs; /* what the server has */
	struct buf commands;
	struct gitc_pushed *pushed; /* of those that are sent, in this order ... */
	size_t *sent; /* ... and their places in the request */
	size_t n_sent;
	struct gitc_report report;
	struct gitc_push_result result;
};

static enum step_ret push_fail(struct push *p, const struct err *err)
{
	struct err e = *err;

	gitc_target_blame(&p->target, "push", p->until_ms, &e);
	return task_fail(&p->task, &e);
}

static enum step_ret open_start(struct task *t)
{
	struct push *p = TASK(t, struct push);

	p->until_ms = gitc_target_until(&p->target);
	p->client->stats.pushes++;
	p->link = gitc_link_new(p->client,
		&(struct gitc_link_req){.target = &p->target, .service = GITC_RECEIVE_PACK});
	return task_wait(t,
		gitc_open_start(p->client, p->link, GITC_RECEIVE_PACK, &p->list,
			gitc_target_left(p->until_ms)));
}

static enum step_ret open_resume(struct task *t)
{
	struct push *p = TASK(t, struct push);
	struct err err = {0};

	if (t->op->err.kind != ERR_NONE)
		return push_fail(p, &t->op->err);
	p->caps = *gitc_open_caps(t->op);
	if (p->caps.version == 2)
		err_code(&err, ERR_RETRY, GITC_PROTOCOL,
			"the server answers in version 2 of Git's protocol, which has no push");
	else if (p->options && !p->caps.push_options)
		err_code(&err, ERR_RETRY, GITC_NO_OPTIONS, "the server takes no push options");
	if (err.kind != ERR_NONE || gitc_reflist_finish(&p->list, &p->refs, &err))
		return push_fail(p, &err);
	return STEP_NEXT;
}

/* ---- what is there already ------------------------------------------------------------------- */

/* False: it need not be sent. */
static bool compare(struct push *p, struct gitc_update *u, struct gitc_pushed *out)
{
	const struct gitc_ref *r = gitc_refs_find(&p->refs, u->name);
	struct gitc_oid now = r ? r->oid : (struct gitc_oid){0};
	char hex[GITC_OID_HEX];

	if (r && gitc_oid_equal(&now, &u->new)) {
		out->ok = true;
		return false;
	}
	if (u->force || gitc_oid_equal(&now, &u->old)) {
		u->old = now;
		return true;
	}
	p->result.raced = true;
	out->why = r ? mem_printf("it is at '%s' by now", gitc_oid_format(&now, hex))
		     : mem_strdup("it is gone by now");
	return false;
}

static void withdraw(struct push *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (!p->result.updates[i].ok && !p->result.updates[i].why)
			p->result.updates[i].why = mem_strdup("not sent, because another one "
							      "could not be");
	p->n_sent = 0;
}

static enum step_ret compare_start(struct task *t)
{
	struct push *p = TASK(t, struct push);
	size_t i;

	for (i = 0; i < p->n; i++)
		if (compare(p, &p->updates[i], &p->result.updates[i]))
			p->sent[p->n_sent++] = i;
	if (p->result.raced)
		withdraw(p);
	return p->n_sent ? STEP_NEXT : task_goto(t, "judge");
}

/* ---- send ------------------------------------------------------------------------------------ */

static bool has_bands(const struct push *p)
{
	return p->caps.band_64k;
}

static void add_caps(struct push *p, struct buf *out)
{
	if (p->caps.report)
		buf_adds(out, " report-status");
	if (has_bands(p))
		buf_adds(out, " side-band-64k");
	if (p->caps.quiet)
		buf_adds(out, " quiet");
	if (p->options)
		buf_adds(out, " push-options");
	if (p->caps.object_format)
		buf_adds(out, " object-format=sha1");
	if (p->caps.agent)
		buf_addf(out, " agent=%s", p->client->agent);
}

static void add_commands(struct push *p)
{
	auto_buf struct buf line = BUF_INIT(LIMIT_GIT_PKT - 4);
	char old[GITC_OID_HEX], new[GITC_OID_HEX];
	const struct gitc_update *u;
	size_t i;

	for (i = 0; i < p->n_sent; i++) {
		u = &p->updates[p->sent[i]];
		buf_reset(&line);
		buf_addf(&line, "%s %s %s", gitc_oid_format(&u->old, old),
			gitc_oid_format(&u->new, new), u->name);
		if (!i) {
			buf_addc(&line, '\0');
			add_caps(p, &line);
		}
		gitc_pkt_add(&p->commands, line.p, line.len);
	}
	gitc_pkt_add_flush(&p->commands);
	for (i = 0; p->options && p->options[i]; i++)
		gitc_pkt_addf(&p->commands, "%s", p->options[i]);
	if (p->options)
		gitc_pkt_add_flush(&p->commands);
}

static enum gitc_feed on_data(void *arg, const char *data, size_t n, struct err *err)
{
	struct push *p = arg;
	int rc;

	/* It says nothing that counts. */
	if (!p->caps.report)
		return GITC_FEED_MORE;
	rc = gitc_report_feed(&p->report, data, n, err);
	if (rc < 0)
		return GITC_FEED_FAIL;
	return rc ? GITC_FEED_END : GITC_FEED_MORE;
}

static enum step_ret send_start(struct task *t)
{
	struct push *p = TASK(t, struct push);
	size_t i;

	for (i = 0; i < p->n_sent; i++)
		p->pushed[i].name = p->updates[p->sent[i]].name;
	gitc_report_init(&p->report, p->pushed, p->n_sent, has_bands(p));
	add_commands(p);
	return task_wait(t,
		p->link->type->talk(p->link,
			&(struct gitc_move){.head = &p->commands,
				.body = p->pack,
				.on_data = on_data,
				.arg = p,
				.max = LIMIT_GIT_REPORT + LIMIT_GIT_PROGRESS,
				.time_ms = gitc_target_left(p->until_ms)}));
}

/* An answer that says for certain that nothing was done? A server's own error, a cut connection and
   a report without sense do not. */
static bool is_refusal(const struct err *err)
{
	return err->code == GITC_AUTH_FAILED || err->code == GITC_NOT_FOUND ||
		err->code == GITC_BAD_PACK || (err->code >= 300 && err->code <= 499);
}

static enum step_ret send_resume(struct task *t)
{
	struct push *p = TASK(t, struct push);
	struct err err = t->op->err;
	size_t i;

	if (err.kind == ERR_CANCELED)
		return push_fail(p, &err);
	/* The report counts, however the answer ended behind it. */
	if ((err.kind == ERR_NONE || p->report.done) && !gitc_report_end(&p->report, &err)) {
		for (i = 0; i < p->n_sent; i++) {
			struct gitc_pushed *to = &p->result.updates[p->sent[i]];

			to->ok = p->pushed[i].ok;
			to->why = MOVE(p->pushed[i].why);
		}
		p->result.raced |= p->report.raced;
		return STEP_NEXT;
	}
	if (p->link->sent && !is_refusal(&err) && err.code != GITC_PUSH_UNKNOWN) {
		err.code = GITC_PUSH_UNKNOWN;
		err_wrap(&err, "it was sent, and nobody says what became of it");
	}
	return push_fail(p, &err);
}

static enum step_ret judge_start(struct task *t)
{
	struct push *p = TASK(t, struct push);
	size_t i;

	p->result.ok = true;
	for (i = 0; i < p->n; i++)
		p->result.ok &= p->result.updates[i].ok;
	p->result.said = buf_str(&p->report.side.said);
	p->client->stats.pushes_raced += p->result.raced;
	return STEP_NEXT;
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void push_free(struct task *t)
{
	struct push *p = TASK(t, struct push);
	size_t i;

	if (p->link)
		p->link->type->free(p->link);
	for (i = 0; i < p->n; i++) {
		free((char *)(uintptr_t)p->updates[i].name);
		free(p->result.updates[i].why);
		free(p->pushed[i].why);
	}
	for (i = 0; p->options && p->options[i]; i++)
		free(p->options[i]);
	free(p->options);
	free(p->updates);
	free(p->result.updates);
	free(p->pushed);
	free(p->sent);
	gitc_report_clear(&p->report);
	gitc_refs_clear(&p->refs);
	gitc_reflist_clear(&p->list);
	gitc_target_clear(&p->target);
	buf_clear(&p->commands);
	buf_clear(&p->no_objects);
	free(p);
}

static void copy_updates(struct push *p, const struct gitc_push_req *req)
{
	const char *prefixes[LIMIT_GIT_UPDATES + 1] = {NULL};
	size_t i;

	p->n = req->n_updates;
	p->updates = mem_dup(req->updates, p->n * sizeof(*p->updates));
	p->result.n = p->n;
	p->result.updates = mem_zalloc(p->n * sizeof(*p->result.updates));
	p->pushed = mem_zalloc(p->n * sizeof(*p->pushed));
	p->sent = mem_zalloc(p->n * sizeof(*p->sent));
	for (i = 0; i < p->n; i++) {
		p->updates[i].name = mem_strdup(req->updates[i].name);
		p->result.updates[i].name = prefixes[i] = p->updates[i].name;
	}
	gitc_reflist_init(&p->list, prefixes, false);
}

static void copy_options(struct push *p, const char *const *options)
{
	size_t n = 0, i;

	while (options && options[n])
		n++;
	if (!n)
		return;
	p->options = mem_array(NULL, n + 1, sizeof(*p->options));
	for (i = 0; i < n; i++)
		p->options[i] = mem_strdup(options[i]);
	p->options[n] = NULL;
}

/* What nobody may send. */
static int check(const struct gitc_push_req *req, struct err *err)
{
	size_t i;

	if (!req->n_updates || req->n_updates > LIMIT_GIT_UPDATES)
		return err_set(err, ERR_STALL, "a push has 1 to %d refs", LIMIT_GIT_UPDATES);
	for (i = 0; i < req->n_updates; i++) {
		const char *name = req->updates[i].name;

		if (!gitc_ref_name_ok(name, strlen(name)) || !strcmp(name, "HEAD"))
			return err_set(err, ERR_STALL, "'%.200s' is no name of a ref", name);
		if (gitc_oid_is_zero(&req->updates[i].new))
			return err_set(err, ERR_STALL, "ref '%.200s' would be deleted", name);
	}
	for (i = 0; req->options && req->options[i]; i++)
		if (i >= LIMIT_GIT_OPTIONS || strlen(req->options[i]) > LIMIT_GIT_OPTION ||
			strchr(req->options[i], '\n'))
			return err_set(err, ERR_STALL,
				"push options: at most %d, each of one line of %d bytes",
				LIMIT_GIT_OPTIONS, LIMIT_GIT_OPTION);
	return 0;
}

static void pack_of_nothing(struct buf *out)
{
	struct gitc_packw none;
	struct err err = {0};

	gitc_packw_init(&none, BUF_ANY);
	BUG_IF(gitc_packw_end(&none, out, NULL, &err));
	gitc_packw_clear(&none);
}

struct op *gitc_push_start(struct gitc_client *c, const struct gitc_push_req *req)
{
	static const struct step steps[] = {
		{"open", open_start, open_resume},
		{"compare", compare_start},
		{"send", send_start, send_resume},
		{"judge", judge_start},
		{0},
	};
	struct err err = {0};
	struct push *p;

	if (check(req, &err)) {
		gitc_target_blame(&req->target, "push", 0, &err);
		return op_failed(c->loop, &err);
	}
	p = NEW(struct push);
	p->client = c;
	gitc_target_init(&p->target, &req->target);
	copy_updates(p, req);
	copy_options(p, req->options);
	buf_init(&p->no_objects, BUF_ANY);
	p->pack = req->pack ? req->pack : &p->no_objects;
	if (!req->pack)
		pack_of_nothing(&p->no_objects);
	buf_init(&p->commands, BUF_ANY);
	task_init(&p->task, c->loop, "git push", steps, NULL, push_free);
	return task_spawn(&p->task);
}

const struct gitc_push_result *gitc_push_result(const struct op *op)
{
	return &TASK_OF_OP(op, struct push)->result;
}
