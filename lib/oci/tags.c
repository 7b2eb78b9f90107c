#include "oci/tags.h"

#include "base/clock.h"
#include "base/js.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ev/sleep.h"
#include "ev/task.h"
#include "http/url.h"
#include "oci/answer.h"
#include "oci/manifest.h"
#include "oci/page.h"
#include "oci/registry.h"
#include "oci/req.h"
#include "oci/route.h"
#include "text/match.h"
#include "text/semver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PAGE_SIZE 1000 /* asked for; registries give what they like */
#define AGAIN_MS 300 /* before a page that was cut is asked for again */
#define PIECE 128 /* bytes of a page between two looks at the time */
#define ITEM_MAX 1024 /* a tag as JSON, escapes included */

/* What has been found. */
struct found {
	struct semver best, second;
	struct oci_tags_result result;
};

struct list {
	struct task task;
	struct oci_client *client;
	struct oci_route route;
	struct oci_tags_req req;
	char *range_text, *filter_text, *current;
	bool helm;
	struct match *filter;
	struct semver_range range;
	bool has_range;
	char *next; /* path and query of the page to ask for */
	VEC(uint64_t) seen; /* hashes of the pages asked for */
	unsigned empty_pages;
	uint64_t bytes; /* of the pages before */
	struct found before; /* this page */
	unsigned cuts; /* of this page, in the middle */
	uint64_t page_tags;
	bool by_last; /* this page is asked for with `last`, without a Link */
	bool old_page; /* the registry does not know `last`: these are tags that were here before */
	uint64_t first_tag, last_tag; /* hashes, of this page so far */
	uint64_t before_first, before_last; /* of the page before */
	char last[OCI_TAG_MAX + 1]; /* of this page; "" when it is no valid tag */
	struct js_split split;
	size_t ahead; /* bytes read of what the transfer will hand out again */
	struct defer go_on; /* waits for time on the loop */
	uint64_t filter_ns; /* what matching took */
	uint64_t until; /* on clock_ms() */
	struct found found;
};

/* ---- one tag --------------------------------------------------------------------------------- */

/* In the versions of a Helm chart `+` stands as `_`, because a tag cannot hold it. */
bool oci_tag_version(struct semver *v, const char *tag, bool chart)
{
	char text[OCI_TAG_MAX + 1];
	size_t i;

	for (i = 0; tag[i] && i < OCI_TAG_MAX; i++)
		text[i] = chart && tag[i] == '_' ? '+' : tag[i];
	text[i] = '\0';
	return !tag[i] && semver_parse(v, text);
}

/* Only who wants to hear of each tag is told why. */
static enum oci_tag_verdict tags_rejected(const struct list *l, struct semver *v)
{
	if (!l->req.each || !v->pre[0])
		return OCI_TAG_OUTSIDE;
	v->pre[0] = '\0';
	return semver_range_match(&l->range, v) ? OCI_TAG_PRERELEASE : OCI_TAG_OUTSIDE;
}

static enum oci_tag_verdict tags_consider(struct list *l, const char *tag)
{
	struct oci_tags_result *r = &l->found.result;
	struct semver v;

	if (!oci_tag_version(&v, tag, l->helm))
		return OCI_TAG_NO_VERSION;
	r->versions++;
	if (!semver_range_match(&l->range, &v))
		return tags_rejected(l, &v);
	r->matched++;
	if (!r->tag[0] || semver_better(&v, tag, &l->found.best, r->tag)) {
		if (strcmp(r->tag, tag)) {
			l->found.second = l->found.best;
			memcpy(r->runner_up, r->tag, sizeof(r->runner_up));
		}
		l->found.best = v;
		snprintf(r->tag, sizeof(r->tag), "%s", tag);
	} else if (strcmp(r->tag, tag) &&
		(!r->runner_up[0] || semver_better(&v, tag, &l->found.second, r->runner_up))) {
		l->found.second = v;
		snprintf(r->runner_up, sizeof(r->runner_up), "%s", tag);
	}
	return OCI_TAG_MATCHES;
}

/* 1: it passes; 0: it does not; -1: the filter takes too long. */
static int tags_filter(struct list *l, const char *tag, struct err *err)
{
	uint64_t since;
	bool passes;

	if (!l->filter)
		return 1;
	since = clock_ns();
	passes = match_text(l->filter, tag, strlen(tag));
	l->filter_ns += clock_ns() - since;
	if (l->filter_ns / 1000 >
		LIMIT_FILTER_MS * 1000 + l->found.result.total * LIMIT_FILTER_TAG_US)
		return err_set(err, ERR_RETRY,
			"matching with the filter '%.200s' takes too long: it was given up after "
			"%llu tags",
			l->filter_text, (unsigned long long)l->found.result.total);
	return passes;
}

/* A JSON string of a page, unescaped. 1: *out is filled; 0: a string, but no valid tag; -1: no
   string. */
static int tags_unquote(const char *text, size_t len, char out[OCI_TAG_MAX + 1])
{
	auto_json json_t *o = NULL;
	struct err ignored = {0};
	const char *s = text + 1;
	size_t n = len - 2;

	if (len < 2 || text[0] != '"' || text[len - 1] != '"')
		return -1;
	if (memchr(s, '\\', n)) {
		o = obj_parse_within(text, len, &obj_answer, "a tag", &ignored);
		if (!json_is_string(o))
			return -1;
		s = json_string_value(o);
		n = json_string_length(o);
	}
	if (!oci_tag_valid(s, n))
		return 0;
	memcpy(out, s, n);
	out[n] = '\0';
	return 1;
}

/* FNV-1a: only to notice what comes again. */
static uint64_t tags_hash(const char *s, size_t n)
{
	uint64_t h = 14695981039346656037ULL;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 1099511628211ULL;
	return h;
}

/*
 * Is this element one that counts? After `last` a page begins behind that tag, or with it, as some
 * registries do. One that begins as the page before, or has that tag further down, is of a registry
 * that does not know `last`, and brings nothing new.
 */
static bool tags_is_news(struct list *l, uint64_t tag)
{
	bool first = !l->page_tags++;

	l->last_tag = tag;
	if (first)
		l->first_tag = tag;
	if (!l->by_last)
		return true;
	if (first ? tag == l->before_first : tag == l->before_last)
		l->old_page = true;
	return !l->old_page && tag != l->before_last;
}

static int tags_on_tag(void *arg, const char *text, size_t len, struct err *err)
{
	enum oci_tag_verdict verdict = OCI_TAG_FILTERED;
	struct list *l = arg;
	char tag[OCI_TAG_MAX + 1];
	int rc;

	if (!tags_is_news(l, tags_hash(text, len)))
		return 0;
	if (++l->found.result.total > LIMIT_TAGS)
		return err_set(err, ERR_RETRY, "there are more than %d tags", LIMIT_TAGS);
	l->last[0] = '\0';
	rc = tags_unquote(text, len, tag);
	if (rc < 0)
		return err_set(err, ERR_RETRY, "the tag list holds something that is no string");
	if (!rc)
		return 0;
	memcpy(l->last, tag, sizeof(tag));
	rc = tags_filter(l, tag, err);
	if (rc < 0)
		return -1;
	if (rc) {
		l->found.result.passed++;
		verdict = l->has_range ? tags_consider(l, tag) : OCI_TAG_MATCHES;
	}
	return l->req.each ? l->req.each(l->req.arg, tag, verdict, err) : 0;
}

/* ---- one page -------------------------------------------------------------------------------- */

static void tags_go_on(void *arg)
{
	struct list *l = arg;

	if (l->task.op)
		oci_req_resume(l->task.op);
}

/* When the loop has no time left, the transfer pauses. It hands out the same bytes again then: what
   was read of them is passed over. */
static enum http_body_ret tags_on_body(void *arg, const char *data, size_t n, struct err *err)
{
	struct list *l = arg;
	struct loop *loop = l->task.self.loop;
	size_t at = l->ahead < n ? l->ahead : n, step;

	for (; at < n; at += step) {
		if (!loop_has_time(loop, &l->go_on)) {
			l->ahead = at;
			loop_time_wait(loop, &l->go_on, tags_go_on, l);
			return HTTP_BODY_PAUSE;
		}
		step = n - at < PIECE ? n - at : PIECE;
		l->found.result.bytes += step;
		if (js_split_feed(&l->split, data + at, step, err))
			return HTTP_BODY_FAIL;
	}
	l->ahead -= l->ahead < n ? l->ahead : n;
	return HTTP_BODY_OK;
}

/* Of one place that is asked: from its first page. */
static void tags_begin(struct list *l)
{
	uint64_t ms = l->route.target.timeout_ms;

	l->found = (struct found){0};
	l->seen.len = 0;
	l->empty_pages = 0;
	l->bytes = 0;
	l->by_last = false;
	free(l->next);
	l->next = mem_printf("tags/list?n=%d", PAGE_SIZE);
	if (!ms || ms > LIMIT_TAG_LIST_MS / LIMIT_TAG_LIST_TIMEOUTS)
		l->until = clock_ms() + LIMIT_TAG_LIST_MS;
	else
		l->until = clock_ms() + LIMIT_TAG_LIST_TIMEOUTS * ms;
}

/* The list failed where it was asked for. The next mirror's is another one, from its beginning:
   unless the caller has had tags of this one. */
static enum step_ret tags_failed(struct list *l, const struct err *why)
{
	struct err err = *why;
	bool told = l->req.each && l->found.result.total;

	if (told || !oci_route_next(&l->route, task_log(&l->task), &err))
		return task_fail(&l->task, &err);
	tags_begin(l);
	return task_goto(&l->task, "page");
}

static enum step_ret tags_fail(struct list *l, enum err_kind kind, const char *text)
{
	char repo[OCI_REPO_TEXT_MAX];
	struct err err = {0};

	err_set(&err, kind, "tags of '%s': %s", oci_repo_format(oci_route_repo(&l->route), repo),
		text);
	return tags_failed(l, &err);
}

static enum step_ret tags_page_start(struct task *t)
{
	struct list *l = TASK(t, struct list);
	uint64_t h = tags_hash(l->next, strlen(l->next)), *seen;

	if (++l->found.result.pages > LIMIT_TAG_PAGES)
		return tags_fail(l, ERR_RETRY, "there are too many pages");
	vec_each (&l->seen, seen)
		if (*seen == h)
			return tags_fail(l, ERR_RETRY, "the registry's pages lead in a circle");
	*vec_add(&l->seen) = h;
	if (l->bytes >= LIMIT_TAG_LIST)
		return tags_fail(l, ERR_RETRY, "the pages are too large");
	l->before = l->found;
	l->cuts = 0;
	return STEP_NEXT;
}

/* After a page that was cut in the middle. */
static enum step_ret tags_pause_start(struct task *t)
{
	if (!TASK(t, struct list)->cuts)
		return STEP_NEXT;
	return task_wait(t, sleep_start(t->self.loop, AGAIN_MS));
}

static enum step_ret tags_pause_resume(struct task *t)
{
	return task_op_failed(t) ? STEP_FAIL : STEP_NEXT;
}

static enum step_ret tags_ask_start(struct task *t)
{
	struct list *l = TASK(t, struct list);
	struct oci_req req = {
		.kind = OCI_KIND_TAGS,
		.method = "GET",
		.path = l->next,
		.what = "tags",
		.on_body = tags_on_body,
		.arg = l,
		.max_body = LIMIT_TAG_LIST - l->bytes,
	};

	if (clock_ms() >= l->until)
		return tags_fail(l, ERR_RETRY, "the list takes too long");
	js_split_clear(&l->split);
	js_split_init(&l->split, "tags", ITEM_MAX, LIMIT_ERROR_BODY, tags_on_tag, l);
	/* Google's registries add a map of all manifests, many times the size of the tags. */
	l->split.drop_rest = true;
	l->page_tags = 0;
	l->old_page = false;
	l->last[0] = '\0';
	l->ahead = 0;
	return task_wait(t, oci_route_ask(&l->route, &req));
}

/* A full page without a Link is not known to be the last one (Sonatype Nexus sends none). */
static char *tags_page_after(struct list *l)
{
	auto_buf struct buf path = BUF_INIT(LIMIT_URL);

	l->by_last = l->page_tags == PAGE_SIZE && *l->last && !l->old_page;
	if (!l->by_last)
		return NULL;
	l->before_first = l->first_tag;
	l->before_last = l->last_tag;
	buf_addf(&path, "tags/list?n=%d&last=", PAGE_SIZE);
	url_encode(&path, l->last);
	return buf_take(&path);
}

static int tags_next_page(struct list *l, struct err *err)
{
	free(MOVE(l->next));
	if (oci_page_next(l->task.op, &l->next, err))
		return -1;
	if (!l->next) {
		l->next = tags_page_after(l);
		return 0;
	}
	l->by_last = false;
	if (l->page_tags)
		l->empty_pages = 0;
	else if (++l->empty_pages > LIMIT_EMPTY_TAG_PAGES)
		return err_set(err, ERR_RETRY, "%d pages without a tag follow each other",
			LIMIT_EMPTY_TAG_PAGES);
	return 0;
}

/* That is an answer: nobody else is asked for another. */
static enum step_ret tags_no_match(struct list *l)
{
	const struct oci_tags_result *r = &l->found.result;
	char text[768], repo[OCI_REPO_TEXT_MAX];
	struct err err = {0};

	if (l->filter)
		snprintf(text, sizeof(text),
			"no match found for semver '%.200s': of %llu tags %llu pass the filter "
			"'%.200s', %llu of these are versions",
			l->range_text, (unsigned long long)r->total, (unsigned long long)r->passed,
			l->filter_text, (unsigned long long)r->versions);
	else
		snprintf(text, sizeof(text),
			"no match found for semver '%.200s': of %llu tags %llu are versions",
			l->range_text, (unsigned long long)r->total,
			(unsigned long long)r->versions);
	err_set(&err, ERR_RETRY, "tags of '%s': %s", oci_repo_format(l->route.target.repo, repo),
		text);
	return task_fail(&l->task, &err);
}

/* Would the tag that was chosen before be chosen, if the list had it? Its text may be anybody's. */
static bool tags_is_behind(const struct list *l)
{
	const struct oci_tags_result *r = &l->found.result;
	struct semver v;
	size_t n;

	if (!l->current || !l->has_range)
		return false;
	n = strlen(l->current);
	if (!oci_tag_valid(l->current, n) || (l->filter && !match_text(l->filter, l->current, n)))
		return false;
	if (!oci_tag_version(&v, l->current, l->helm) || !semver_range_match(&l->range, &v))
		return false;
	return !r->matched || semver_better(&v, l->current, &l->found.best, r->tag);
}

static enum step_ret tags_chosen(struct list *l)
{
	l->found.result.behind = tags_is_behind(l);
	return l->has_range && !l->found.result.matched ? tags_no_match(l) : STEP_NEXT;
}

/* As if the page had not been read; it was one, though. */
static void tags_forget_page(struct list *l)
{
	l->found = l->before;
}

/*
 * A registry that does not know `last`, or has nothing behind the last tag, may say so with an
 * error: nobody but we said that there was such a page. What speaks of us (401, 403), of a time
 * (408, 429) or of the server's state (5xx) is no such answer: half a list would be taken for all.
 */
static bool tags_is_no_page(const struct err *err)
{
	switch (err->code) {
	case 401:
	case 403:
	case 408:
	case 429:
		return false;
	case 501:
		return true;
	default:
		return (err->code >= 400 && err->code <= 499) || oci_says_unknown(err);
	}
}

/*
 * A page that was cut in the middle is asked for again, unless the caller has had its tags.
 */
static enum step_ret tags_ask_failed(struct list *l)
{
	const struct err *err = &l->task.op->err;

	if (l->by_last && tags_is_no_page(err)) {
		tags_forget_page(l);
		return tags_chosen(l);
	}
	if (err->code != -ECONNRESET || !l->page_tags || l->req.each || l->cuts++ >= LIMIT_AGAIN)
		return tags_failed(l, err);
	tags_forget_page(l);
	return task_goto(&l->task, "pause");
}

static enum step_ret tags_ask_resume(struct task *t)
{
	struct list *l = TASK(t, struct list);
	auto_json json_t *rest = NULL;
	struct err err = {0};

	defer_cancel(t->self.loop, &l->go_on);
	if (t->op->err.kind != ERR_NONE)
		return tags_ask_failed(l);
	l->bytes += oci_req_result(t->op)->body_bytes;
	if (l->old_page)
		tags_forget_page(l);
	if (js_split_end(&l->split, &rest, &err) || tags_next_page(l, &err)) {
		char text[ERR_MSG_MAX];

		snprintf(text, sizeof(text), "%s", err.msg);
		return tags_fail(l, err.kind, text);
	}
	return l->next ? task_goto(t, "page") : tags_chosen(l);
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void tags_wake(void *arg)
{
	task_wake(arg);
}

/* Nothing to ask a registry for when range or filter are wrong. The worst of filters takes some
   milliseconds. */
static enum step_ret tags_compile(struct task *t)
{
	struct list *l = TASK(t, struct list);
	struct err err = {0};

	if (!loop_has_time(t->self.loop, &l->go_on)) {
		loop_time_wait(t->self.loop, &l->go_on, tags_wake, t);
		return task_pause(t);
	}
	if (l->filter_text && *l->filter_text && match_new(&l->filter, l->filter_text, &err))
		return task_fail(t, &err);
	if (l->range_text && semver_range_parse(&l->range, l->range_text, &err))
		return task_fail(t, &err);
	l->has_range = l->range_text;
	tags_begin(l);
	return STEP_NEXT;
}

static enum step_ret tags_forget_start(struct task *t)
{
	struct list *l = TASK(t, struct list);

	defer_cancel(t->self.loop, &l->go_on);
	return STEP_NEXT;
}

static void tags_free(struct task *t)
{
	struct list *l = TASK(t, struct list);

	oci_route_clear(&l->route);
	match_free(l->filter);
	if (l->has_range)
		semver_range_clear(&l->range);
	js_split_clear(&l->split);
	vec_clear(&l->seen);
	free(l->range_text);
	free(l->filter_text);
	free(l->current);
	free(l->next);
	free(l);
}

struct op *oci_tags_start(struct oci_client *c, const struct oci_tags_req *req)
{
	static const struct step steps[] = {
		{"compile", tags_compile, tags_compile},
		{"page", tags_page_start},
		{"pause", tags_pause_start, tags_pause_resume},
		{"ask", tags_ask_start,
			tags_ask_resume}, /* and back to "page" until there is no more */
		{0},
	};
	static const struct step last[] = {{"forget", tags_forget_start, .always = true}, {0}};
	struct list *l = NEW(struct list);

	l->client = c;
	l->req = *req;
	l->range_text = mem_strdup(req->range);
	l->filter_text = mem_strdup(req->filter);
	l->current = mem_strdup(req->current);
	l->helm = oci_type_is_chart(req->layer_type);
	oci_route_init(&l->route, c, &req->target);
	l->req.target = l->route.target;
	task_init(&l->task, oci_client_loop(c), "tag list", steps, last, tags_free);
	return task_spawn(&l->task);
}

const struct oci_tags_result *oci_tags_result(const struct op *op)
{
	return &TASK_OF_OP(op, struct list)->found.result;
}

void oci_tags_say(
	const struct oci_tags_result *r, const char *range, const char *filter, struct buf *out)
{
	buf_addf(out, "chosen for semver '%.200s': of %llu tags ", range,
		(unsigned long long)r->total);
	if (filter && *filter)
		buf_addf(out, "%llu pass the filter '%.200s', ", (unsigned long long)r->passed,
			filter);
	buf_addf(out, "%llu %s in the range", (unsigned long long)r->matched,
		r->matched == 1 ? "is" : "are");
	if (*r->runner_up)
		buf_addf(out, ", '%s' is the next best", r->runner_up);
}
