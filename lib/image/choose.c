#include "image/choose.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "text/expand.h"
#include "text/match.h"
#include "text/number.h"
#include "text/semver.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where a match stands, and its groups, takes as long as so many answers whether there is one. */
#define EXTRACT_COSTS 4

/* A tag that passes the filter, and what it is sorted by. */
struct candidate {
	char tag[OCI_TAG_MAX + 1]; /* "": none */
	struct buf key;
	double number;
	struct semver version;
};

struct choose {
	enum choose_by by;
	bool desc, has_range;
	bool all;
	int64_t born_until_s;
	char *pin, *pattern_text, *skip_text;
	struct semver_range range;
	struct match *pattern, *skip;
	struct expand *extract;
	unsigned expressions; /* how many are matched with each tag, by what they cost */
	uint64_t match_ns;
	bool pinned; /* the pinned tag is there */
	struct err failed; /* with a pin, which stands above it */
	struct candidate *slots; /* keep + 1 */
	struct candidate **order; /* the best ones, the best of them first */
	struct candidate *next; /* the one that no other place holds */
	size_t keep;
	VEC(struct candidate *) sorted; /* with all; the best first */
	size_t taking_part; /* they may be more */
	struct choose_result result;
};

/* ---- the rules ------------------------------------------------------------------------------- */

static bool choose_given(const char *text)
{
	return text && *text;
}

static int choose_compile(struct choose *c, const struct choose_rules *r, struct err *err)
{
	if (c->by == CHOOSE_SEMVER) {
		if (!choose_given(r->range))
			return err_set(err, ERR_STALL, "the semver range is empty");
		if (semver_range_parse(&c->range, r->range, err))
			return err_append(err, "; one that is: '>=1.2.0 <2.0.0', or '1.x'");
		c->has_range = true;
	}
	if (choose_given(r->pattern) && match_new(&c->pattern, r->pattern, err))
		return err_wrap(err, "filterTags");
	if (c->pattern && choose_given(r->extract) &&
		expand_new(&c->extract, r->extract, c->pattern, err))
		return err_wrap(err, "filterTags.extract");
	if (choose_given(r->skip) && match_new(&c->skip, r->skip, err))
		return err_wrap(err, "tags to skip");
	if (c->extract && expand_missing(c->extract)) {
		auto_free char *name = utf8_tidy(expand_missing(c->extract), CHOOSE_KEY_SHOWN);

		snprintf(c->result.no_group, sizeof(c->result.no_group), "%s", name);
	}
	c->expressions = !!c->pattern + !!c->skip + (c->extract ? EXTRACT_COSTS : 0);
	return 0;
}

static void choose_make_room(struct choose *c, size_t keep)
{
	size_t i;

	c->keep = keep < 2 ? 2 : keep > CHOOSE_KEEP_MAX ? CHOOSE_KEEP_MAX : keep;
	c->slots = mem_zalloc((c->keep + 1) * sizeof(struct candidate));
	c->order = mem_zalloc(c->keep * sizeof(struct candidate *));
	for (i = 0; i <= c->keep; i++)
		buf_init(&c->slots[i].key, LIMIT_SORT_KEY);
	for (i = 0; i < c->keep; i++)
		c->order[i] = &c->slots[i];
	c->next = &c->slots[c->keep];
}

int choose_new(struct choose **out, const struct choose_rules *rules, struct err *err)
{
	struct choose *c = NEW(struct choose);

	c->by = rules->by;
	c->desc = rules->desc;
	c->all = rules->all;
	c->born_until_s = rules->born_until_s;
	c->pin = mem_strdup(rules->pin);
	c->pattern_text = choose_given(rules->pattern) ? mem_strdup(rules->pattern) : NULL;
	c->skip_text = mem_strdup(rules->skip ? rules->skip : "");
	choose_make_room(c, rules->keep);
	if (choose_compile(c, rules, err)) {
		err->kind = ERR_STALL;
		choose_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

void choose_free(struct choose *c)
{
	struct candidate **one;
	size_t i;

	if (!c)
		return;
	vec_each (&c->sorted, one) {
		buf_clear(&(*one)->key);
		free(*one);
	}
	vec_clear(&c->sorted);
	if (c->has_range)
		semver_range_clear(&c->range);
	expand_free(c->extract);
	match_free(c->pattern);
	match_free(c->skip);
	for (i = 0; i <= c->keep; i++)
		buf_clear(&c->slots[i].key);
	free(c->slots);
	free(c->order);
	free(c->pin);
	free(c->pattern_text);
	free(c->skip_text);
	free(c);
}

/* ---- the order ------------------------------------------------------------------------------- */

static int choose_order_bytes(const struct buf *a, const struct buf *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int d = n ? memcmp(a->p, b->p, n) : 0;

	return d ? d : (a->len > b->len) - (a->len < b->len);
}

/* Above 0: a is the better one. */
static int choose_compare(
	const struct choose *c, const struct candidate *a, const struct candidate *b)
{
	int d;

	if (c->by == CHOOSE_SEMVER)
		return semver_compare(&a->version, &b->version);
	if (c->by == CHOOSE_NUMERICAL)
		d = (a->number > b->number) - (a->number < b->number);
	else
		d = choose_order_bytes(&a->key, &b->key);
	return c->desc ? -d : d;
}

/* Does the next one, which comes later in the list, go before this one? */
static bool choose_beats(const struct choose *c, const struct candidate *one)
{
	int d;

	if (!one->tag[0])
		return true;
	d = choose_compare(c, c->next, one);
	return d > 0 || (!d && c->by == CHOOSE_NUMERICAL);
}

static bool choose_same_key(const struct choose *c, const struct candidate *one)
{
	return one->tag[0] && buf_equal(&c->next->key, &one->key);
}

/* The next one takes its place among the best, or none. */
static void choose_place(struct choose *c)
{
	struct candidate *gone;
	size_t i = 0, last;

	while (i < c->keep && !choose_same_key(c, c->order[i]) && !choose_beats(c, c->order[i]))
		i++;
	if (i == c->keep)
		return;
	if (choose_same_key(c, c->order[i])) {
		memcpy(c->order[i]->tag, c->next->tag, sizeof(c->next->tag));
		return;
	}
	/* One of this key may stand further down, and goes; else the last one does. */
	for (last = i; last + 1 < c->keep && !choose_same_key(c, c->order[last]); last++)
		;
	gone = c->order[last];
	memmove(&c->order[i + 1], &c->order[i], (last - i) * sizeof(struct candidate *));
	c->order[i] = c->next;
	c->next = gone;
}

/* Where the next one goes: it comes later in the list than all of these. */
static size_t choose_rank(const struct choose *c)
{
	size_t i;

	for (i = 0; i < c->sorted.len; i++)
		if (choose_same_key(c, c->sorted.p[i]) || choose_beats(c, c->sorted.p[i]))
			break;
	return i;
}

static void choose_sort_in(struct choose *c)
{
	struct candidate *one;
	size_t at, i;

	if (++c->taking_part > LIMIT_BUILT_TAGS)
		return;
	at = choose_rank(c);
	one = NEW(struct candidate);
	memcpy(one->tag, c->next->tag, sizeof(one->tag));
	buf_init(&one->key, LIMIT_SORT_KEY);
	buf_add(&one->key, c->next->key.p, c->next->key.len);
	one->number = c->next->number;
	(void)vec_add(&c->sorted);
	for (i = c->sorted.len - 1; i > at; i--)
		c->sorted.p[i] = c->sorted.p[i - 1];
	c->sorted.p[at] = one;
	if (c->by == CHOOSE_SEMVER)
		(void)!semver_parse(&one->version, buf_str(&one->key));
}

/* ---- one tag --------------------------------------------------------------------------------- */

static int choose_fail_slow(struct choose *c, struct err *err)
{
	return err_set(err, ERR_RETRY,
		"matching with %s '%.200s' takes too long: it was given up after %llu tags",
		c->pattern_text ? "the filter" : "what is skipped",
		c->pattern_text ? c->pattern_text : c->skip_text,
		(unsigned long long)c->result.total);
}

static bool choose_is_slow(struct choose *c, uint64_t since)
{
	c->match_ns += clock_ns() - since;
	return c->match_ns / 1000 >
		LIMIT_FILTER_MS * 1000 + c->result.total * LIMIT_FILTER_TAG_US * c->expressions;
}

/* 1: it passes, and its key is there; 0: it does not; -1: that takes too long, or is too long. */
static int choose_match(struct choose *c, const char *tag, struct err *err)
{
	uint64_t since = clock_ns();
	struct buf *key = &c->next->key;
	size_t len = strlen(tag);
	bool passes = true;

	buf_reset(key);
	if (c->pattern)
		passes = match_text(c->pattern, tag, len);
	if (passes && c->extract)
		passes = expand_text(c->extract, tag, len, key);
	else if (passes)
		buf_add(key, tag, len);
	if (choose_is_slow(c, since))
		return choose_fail_slow(c, err);
	if (buf_over(key))
		return err_set(err, ERR_RETRY,
			"the extract template makes more than %d bytes of tag '%s'", LIMIT_SORT_KEY,
			tag);
	return passes;
}

#define NO_GROUP "; filterTags.pattern has no group '%s', which filterTags.extract wants"

static void choose_blame_group(const struct choose *c, struct err *err)
{
	if (c->result.no_group[0])
		(void)err_append(err, NO_GROUP, c->result.no_group);
}

static int choose_fail_number(const struct choose *c, const char *tag, struct err *err)
{
	const char *key = buf_str(&c->next->key);

	err_set(err, ERR_RETRY, "failed to parse invalid numeric value '%.200s'", key);
	if (c->extract)
		(void)err_append(err, " of tag '%s'", tag);
	choose_blame_group(c, err);
	return err_append(err, "; filterTags can leave such a tag out");
}

/* What the key is worth. 1: it counts; 0: it does not. */
static int choose_read(struct choose *c, const char *tag, struct err *err)
{
	struct candidate *n = c->next;

	if (c->by == CHOOSE_SEMVER && !semver_parse(&n->version, buf_str(&n->key)))
		return 0;
	if (c->by == CHOOSE_SEMVER) {
		c->result.versions++;
		return semver_range_match(&c->range, &n->version);
	}
	if (c->by == CHOOSE_ALPHABETICAL)
		return 1;
	if (!number_parse(&n->number, buf_str(&n->key), n->key.len))
		return choose_fail_number(c, tag, err);
	return !isnan(n->number);
}

/* 1: it is skipped; 0: it is not; -1: that takes too long. */
static int choose_skips(struct choose *c, const char *tag, struct err *err)
{
	uint64_t since = clock_ns();
	bool skips = c->skip && match_text(c->skip, tag, strlen(tag));

	return choose_is_slow(c, since) ? choose_fail_slow(c, err) : skips;
}

static int choose_consider(struct choose *c, const char *tag, int64_t seen_s, struct err *err)
{
	struct choose_result *r = &c->result;
	int rc;

	rc = choose_skips(c, tag, err);
	if (rc) {
		r->skipped += rc > 0;
		return rc > 0 ? 0 : -1;
	}
	rc = choose_match(c, tag, err);
	if (rc <= 0)
		return rc;
	if (c->born_until_s && seen_s > c->born_until_s) {
		r->young++;
		if (!r->young_s || seen_s < r->young_s)
			r->young_s = seen_s;
		return 0;
	}
	r->passed++;
	rc = choose_read(c, tag, err);
	if (rc <= 0)
		return rc;
	snprintf(c->next->tag, sizeof(c->next->tag), "%s", tag);
	if (c->all)
		choose_sort_in(c);
	choose_place(c);
	return 0;
}

int choose_tag(struct choose *c, const char *tag, int64_t seen_s, struct err *err)
{
	c->result.total++;
	if (c->pin && !strcmp(c->pin, tag))
		c->pinned = true;
	if (c->failed.kind != ERR_NONE)
		return 0;
	if (!choose_consider(c, tag, seen_s, err))
		return 0;
	if (!c->pin)
		return -1;
	c->failed = *err;
	return 0;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void choose_put_key(char out[CHOOSE_KEY_SHOWN + 1], const struct candidate *one)
{
	auto_free char *text = utf8_tidy(buf_str(&one->key), CHOOSE_KEY_SHOWN);

	snprintf(out, CHOOSE_KEY_SHOWN + 1, "%s", text);
}

static int choose_fail_all(const struct choose *c, struct err *err)
{
	const struct choose_result *r = &c->result;

	err_set(err, ERR_RETRY, "unable to determine latest version from provided list: ");
	if (c->by != CHOOSE_SEMVER)
		return err_append(err, "each of them is a nan");
	err_append(err, "no version of it is in the range: of %llu tags ",
		(unsigned long long)r->total);
	if (c->pattern)
		err_append(
			err, "%llu pass the filter, and of these ", (unsigned long long)r->passed);
	err_append(err, "%llu %s", (unsigned long long)r->versions,
		r->versions == 1 ? "is a version" : "are versions");
	choose_blame_group(c, err);
	return -1;
}

static int choose_fail(const struct choose *c, struct err *err)
{
	const struct choose_result *r = &c->result;

	/* The first words are those of Flux, which has one message for each of the two cases. */
	if (r->passed)
		return choose_fail_all(c, err);
	err_set(err, ERR_RETRY, "version list argument cannot be empty");
	if (r->young)
		return err_append(err, ": the tags that pass are too young");
	if (r->skipped)
		return err_append(err, ": what is not skipped does not pass the filter");
	return c->pattern ? err_append(err, ": no tag passes the filter '%.200s'", c->pattern_text)
			  : -1;
}

int choose_end(struct choose *c, struct choose_result *out, struct err *err)
{
	const struct candidate *best = c->order[0], *second = c->order[1];
	struct choose_result *r = &c->result;
	bool won = best->tag[0] && c->failed.kind == ERR_NONE;

	if (won) {
		memcpy(r->tag, best->tag, sizeof(r->tag));
		memcpy(r->runner_up, second->tag, sizeof(r->runner_up));
		choose_put_key(r->key, best);
		choose_put_key(r->runner_up_key, second);
		r->tied = second->tag[0] && !choose_compare(c, best, second);
	}
	if (c->pin) {
		memcpy(r->unpinned, r->tag, sizeof(r->unpinned));
		snprintf(r->tag, sizeof(r->tag), "%s", c->pinned ? c->pin : "");
		r->runner_up[0] = '\0';
	}
	*out = *r;
	if (c->taking_part > LIMIT_BUILT_TAGS)
		return err_set(err, ERR_RETRY,
			"%zu tags take part, and build times are asked for of %d at most: narrow "
			"spec.filterTags",
			c->taking_part, LIMIT_BUILT_TAGS);
	if (r->tag[0])
		return 0;
	if (c->pin)
		return err_set(err, ERR_RETRY,
			"tag '%.200s', which is pinned, is not among the tags of the image",
			c->pin);
	return choose_fail(c, err);
}

const char *choose_nth(const struct choose *c, size_t n, char key[CHOOSE_KEY_SHOWN + 1])
{
	if (c->failed.kind != ERR_NONE || n >= c->keep || !c->order[n]->tag[0])
		return NULL;
	choose_put_key(key, c->order[n]);
	return c->order[n]->tag;
}

struct choose_list *choose_list_new(const struct choose *c)
{
	struct choose_list *l = NEW(struct choose_list);

	for (; l->len < c->sorted.len; l->len++)
		memcpy(l->tags[l->len], c->sorted.p[l->len]->tag, sizeof(l->tags[0]));
	return l;
}

/* ---- for people ------------------------------------------------------------------------------ */

static const char *choose_why(const struct choose_rules *rules, bool tied)
{
	switch (rules->by) {
	case CHOOSE_SEMVER:
		return tied ? "is an equal version, and stands first" : "is the higher version";
	case CHOOSE_NUMERICAL:
		if (tied)
			return "is an equal number, and the smaller text";
		return rules->desc ? "is the smaller number" : "is the greater number";
	default:
		return rules->desc ? "is the smaller text" : "is the greater text";
	}
}

static void choose_say_pinned(const struct choose_result *res, struct buf *out)
{
	buf_adds(out, CHOOSE_PINNED);
	if (!strcmp(res->unpinned, res->tag))
		buf_adds(out, ", and would win without that");
	else if (res->unpinned[0])
		buf_addf(out, "; without that '%s' would win", res->unpinned);
	else
		buf_adds(out, "; without that nothing would win");
}

void choose_say(const struct choose_rules *rules, const struct choose_result *res, struct buf *out)
{
	const char *why = choose_why(rules, res->tied);
	bool keys = choose_given(rules->pattern) && choose_given(rules->extract);

	if (rules->pin)
		choose_say_pinned(res, out);
	else if (!res->runner_up[0])
		buf_adds(out, "no other tag competes");
	else if (keys)
		buf_addf(out, "it won over '%s': of '%s' and '%s' the first %s", res->runner_up,
			res->key, res->runner_up_key, why);
	else
		buf_addf(out, "it won over '%s': it %s", res->runner_up, why);
	if (res->no_group[0])
		buf_addf(out, NO_GROUP, res->no_group);
}
