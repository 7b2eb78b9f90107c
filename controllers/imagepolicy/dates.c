#include "controllers/imagepolicy/dates.h"

#include "base/mem.h"
#include "base/time.h"
#include "controllers/imagepolicy/run.h"
#include "ctl/controller.h"
#include "image/built.h"
#include "oci/identity.h"

#include <stdlib.h>
#include <string.h>

bool policy_dates_wanted(const struct run *r)
{
	const struct choose_list *list = POLICY_RUN(r)->choice.list;

	return list && list->len > 1;
}

/* ---- the row --------------------------------------------------------------------------------- */

/* Somebody has asked for a look since the last one. */
static bool dates_anew(const struct run *r)
{
	const struct imagepolicy_item *i = POLICY_ITEM(r->item);

	return i->dated_at && strcmp(i->dated_at, r->item->requested_at) != 0;
}

enum step_ret policy_dates_start(struct task *t)
{
	struct run *r = RUN(t);
	struct imagepolicy_run *p = POLICY_RUN(r);
	auto_free char *as = NULL;

	p->dates.of = p->choice.list ? p->choice.list->len : 0;
	if (!policy_dates_wanted(r))
		return STEP_NEXT;
	as = mem_printf("%s/%s", p->ns, POLICY_SPEC(r)->repository);
	return task_wait(t,
		image_built_start(POLICY_ENV(r)->built,
			&(struct image_built_req){
				.target = {&p->where, p->login.identity, p->timeout_ms},
				.as = as,
				.tags = p->choice.list,
				.owner = r->ns,
				.anew = dates_anew(r)}));
}

/* The best of the list but for these two; its length: there is none. */
static size_t dates_newest(const struct choose_list *list, const struct image_built_tag *tags,
	size_t but, size_t and_but)
{
	size_t best = list->len, i;

	for (i = 0; i < list->len; i++)
		if (i != but && i != and_but &&
			(best == list->len || tags[i].built_ms > tags[best].built_ms))
			best = i;
	return best;
}

/* Would the one that the list of the image lacks win? When nobody knows it could. */
static bool dates_behind(const struct image_built_tag *tags, size_t absent, size_t best)
{
	int64_t ms = tags[absent].built_ms, other = tags[best].built_ms;

	if (tags[absent].missing && !ms)
		return true;
	return ms > other || (ms == other && absent < best);
}

static void dates_choose(struct imagepolicy_run *p, const struct image_built_result *res)
{
	const struct choose_list *list = p->choice.list;
	size_t absent = p->choice.absent;
	size_t best = dates_newest(list, res->tags, absent, absent);
	size_t second = dates_newest(list, res->tags, absent, best);

	memcpy(p->tag, list->tags[best], sizeof(p->tag));
	p->dates.won_ms = res->tags[best].built_ms;
	if (second < list->len) {
		memcpy(p->dates.runner_up, list->tags[second], sizeof(p->dates.runner_up));
		p->dates.lost_ms = res->tags[second].built_ms;
	}
	p->dates.asked = res->asked;
	p->choice.behind = absent != CHOICE_NONE && dates_behind(res->tags, absent, best);
}

enum step_ret policy_dates_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct imagepolicy_run *p = POLICY_RUN(r);
	struct imagepolicy_item *i = POLICY_ITEM(r->item);
	const struct image_built_result *res = image_built_result(t->op);

	if (task_op_failed(t)) {
		if (t->err.code == OCI_LOGIN_FAILED)
			return run_fail(r, NULL, "AuthenticationFailed");
		err_wrap(&t->err, "failed fetching the build time of %.500s:%s", p->image,
			res->failed ? res->failed : "");
		return run_fail(r, NULL, "Failed");
	}
	free(i->dated_at);
	i->dated_at = mem_strdup(r->item->requested_at);
	dates_choose(p, res);
	if (!p->choice.behind)
		i->gone_ms = 0;
	return STEP_NEXT;
}

/* ---- for people ------------------------------------------------------------------------------ */

void policy_dates_say(const struct run *r, struct buf *out)
{
	const struct policy_dates *d = &POLICY_RUN(r)->dates;
	char won[TIME_TEXT_MAX], lost[TIME_TEXT_MAX];

	time_format_rfc3339(d->won_ms, won);
	time_format_rfc3339(d->lost_ms, lost);
	if (!d->runner_up[0])
		buf_adds(out, "no other tag competes");
	else if (!d->won_ms)
		buf_addf(out,
			"it won over '%s': neither says when it was built, and it is the first by "
			"the policy's own order",
			d->runner_up);
	else if (!d->lost_ms)
		buf_addf(out,
			"it won over '%s': it was built at %s, and the other one does not say when",
			d->runner_up, won);
	else if (d->won_ms == d->lost_ms)
		buf_addf(out,
			"it won over '%s': both were built at %s, and it is the first by the "
			"policy's own order",
			d->runner_up, won);
	else
		buf_addf(out, "it won over '%s': it was built at %s, and the other one at %s",
			d->runner_up, won, lost);
	buf_addf(out, POLICY_ASKED "%zu of %zu tags", d->asked, d->of);
}
