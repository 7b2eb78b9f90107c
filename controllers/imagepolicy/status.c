#include "controllers/imagepolicy/status.h"

#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "base/utf8.h"
#include "controllers/imagepolicy/dates.h"
#include "controllers/imagepolicy/run.h"
#include "ctl/cond.h"
#include "ctl/object.h"

#include <string.h>

/* By these words, and CHOOSE_PINNED, a message is known that says them. */
#define SKIPPED "; tags that match '"
#define WAITS "; a tag waits "
#define SKIP_SHOWN 200 /* bytes of an expression */

bool policy_status_is_current(const struct run *r)
{
	const struct imagepolicy_item *i = POLICY_ITEM(r->item);
	const struct imagepolicy_run *p = POLICY_RUN(r);

	return !strcmp(i->name, p->image) && !strcmp(i->tag, p->tag) &&
		!strcmp(i->digest, p->digest);
}

void policy_status_kept(const json_t *status, json_t *kept)
{
	object_member_keep(kept, status, "latestRef");
	object_member_keep(kept, status, "observedPreviousRef");
}

/* ---- the message ----------------------------------------------------------------------------- */

/* Flux's words, which clients look for: nothing of ours stands before their end. */
static void message_begin(const struct imagepolicy_run *p, const json_t *status, struct buf *out)
{
	const json_t *before = obj_get(status, "observedPreviousRef");
	const char *digest = obj_str_or("", before, "digest");

	buf_addf(out, "Latest image tag for %s resolved to %s", p->image, p->tag);
	if (p->digest[0])
		buf_addf(out, " with digest %s", p->digest);
	if (before)
		buf_addf(out, " (previously %s:%s%s%s)", obj_str_or("", before, "name"),
			obj_str_or("", before, "tag"), *digest ? "@" : "", digest);
}

/* What people have asked for by annotations. */
static void message_notes(const struct imagepolicy_spec *s, struct buf *out)
{
	char age[TIME_TEXT_MAX];

	if (s->skip)
		buf_addf(out, SKIPPED "%.*s' are skipped",
			(int)utf8_cut(s->skip, strlen(s->skip), SKIP_SHOWN), s->skip);
	if (s->age_ms)
		buf_addf(out, WAITS "%s before it may win", time_format_duration(s->age_ms, age));
}

static void message_why(const struct run *r, struct buf *out)
{
	const struct imagepolicy_run *p = POLICY_RUN(r);
	const struct choose_result *res = &p->choice.result;
	struct choose_rules rules = imagepolicy_rules(POLICY_SPEC(r), 0);

	buf_adds(out, "; ");
	if (p->absence != POLICY_LISTED)
		buf_adds(out, "the list of tags lacks it now, and it stays while it may be there");
	else if (POLICY_SPEC(r)->by_build && rules.pin)
		buf_adds(out, CHOOSE_PINNED);
	else if (POLICY_SPEC(r)->by_build)
		policy_dates_say(r, out);
	else
		choose_say(&rules, res, out);
}

static bool begins_with(const char *text, const struct buf *b)
{
	return !strncmp(text, buf_str(b), b->len);
}

static bool ends_with(const char *text, const struct buf *b)
{
	size_t n = strlen(text);

	return n >= b->len && !strcmp(text + n - b->len, buf_str(b));
}

/*
 * Why a tag has won is said when it has, and stays: the runner-up may be another one with the next
 * push, which is no news of this object, and would be a write of each policy for each push.
 */
static bool message_holds(const struct run *r, const struct buf *begin, const struct buf *notes)
{
	const struct cond *c = cond_get(&r->conds_before, COND_READY);
	const struct imagepolicy_spec *s = POLICY_SPEC(r);
	const char *why;

	if (!c || c->status != COND_TRUE || c->generation != r->generation || s->pin ||
		!begins_with(c->message, begin) || !ends_with(c->message, notes))
		return false;
	why = c->message + begin->len;
	if (!*why) /* another controller has said it, in Flux's words alone */
		return !s->skip && !s->age_ms && !s->by_build;
	return *why == ';' && !strstr(why, CHOOSE_PINNED) && !strstr(why, SKIPPED) == !s->skip &&
		!strstr(why, WAITS) == !s->age_ms && !strstr(why, POLICY_ASKED) == !s->by_build;
}

static void ready_put(struct run *r, const json_t *status)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY), notes = BUF_INIT(BUF_ANY);
	const struct cond *c = cond_get(&r->conds, COND_READY);

	message_begin(POLICY_RUN(r), status, &text);
	message_notes(POLICY_SPEC(r), &notes);
	if (message_holds(r, &text, &notes)) {
		buf_reset(&text);
		buf_adds(&text, cond_get(&r->conds_before, COND_READY)->message);
	} else {
		message_why(r, &text);
		buf_adds(&text, buf_str(&notes));
	}
	/* Tags are often ids, and a condition takes a message with another id for the same one. */
	if (c && strcmp(c->message, buf_str(&text)) != 0)
		cond_del(&r->conds, COND_READY);
	cond_put(&r->conds, COND_READY, COND_TRUE, "Succeeded", "%s", buf_str(&text));
}

/* ---- the references -------------------------------------------------------------------------- */

static json_t *ref_json(const struct imagepolicy_run *p)
{
	json_t *ref = json_object();

	json_object_set_new(ref, "name", json_string(p->image));
	json_object_set_new(ref, "tag", json_string(p->tag));
	if (p->digest[0])
		json_object_set_new(ref, "digest", json_string(p->digest));
	return ref;
}

void policy_status_succeeded(struct run *r, json_t *status)
{
	auto_json json_t *now = ref_json(POLICY_RUN(r));
	json_t *before = obj_get(status, "latestRef");

	if (!json_equal(now, before)) {
		if (before)
			json_object_set(status, "observedPreviousRef", before);
		json_object_set(status, "latestRef", now);
	}
	ready_put(r, status);
}

/* ---- for people ------------------------------------------------------------------------------ */

static const char *shown_rule(const struct imagepolicy_spec *s)
{
	if (s->pin)
		return "The tag is pinned: it wins whatever else is there.";
	if (!s->chosen)
		return "None is given.";
	if (s->by_build)
		return "The one that was built last.";
	switch (s->by) {
	case CHOOSE_SEMVER:
		return "The highest version in the range.";
	case CHOOSE_NUMERICAL:
		return s->desc ? "The smallest number." : "The greatest number.";
	default:
		return s->desc ? "The smallest text." : "The greatest text.";
	}
}

static void shown_part(struct buf *b, const char *what, const char *text)
{
	if (text)
		buf_addf(b, "%s%s%.*s", b->len ? ", " : "", what,
			(int)utf8_cut(text, strlen(text), KIND_SHOWN_MAX / 5), text);
}

void policy_shown(const struct spec *spec, struct kind_shown *out)
{
	static const char *const orders[] = {[CHOOSE_SEMVER] = "semver ",
		[CHOOSE_ALPHABETICAL] = "alphabetical ",
		[CHOOSE_NUMERICAL] = "numerical "};
	const struct imagepolicy_spec *s = IMAGEPOLICY_SPEC(spec);
	const char *arg = s->by == CHOOSE_SEMVER ? s->range : s->desc ? "desc" : "asc";

	shown_part(&out->reference, "pin ", s->pin);
	shown_part(&out->reference, "order ", s->by_build ? IMAGEPOLICY_BY_BUILD : NULL);
	if (s->chosen)
		shown_part(&out->reference, orders[s->by], arg);
	shown_part(&out->reference, "filter ", s->pattern);
	shown_part(&out->reference, "extract ", s->extract);
	out->rule = shown_rule(s);
}
