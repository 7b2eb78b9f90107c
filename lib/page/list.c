#include "page/list.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "ev/loop.h"
#include "http/server.h"
#include "http/url.h"
#include "page/frame.h"
#include "page/html.h"
#include "page/pick.h"
#include "page/query.h"
#include "page/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE (64 * 1024)
#define SPACES_MAX 300 /* namespaces that are offered */
#define HOSTS_HTML 24
#define HOSTS_JSON 200
#define HOST_MOST 260

enum phase { PHASE_WALK, PHASE_HEAD, PHASE_ROWS, PHASE_FOOT };

struct page_list {
	struct lists *owner;
	struct http_exchange *x;
	struct list link;
	struct defer turn;
	uint64_t began_ms;
	int64_t now_ms;
	bool json;
	bool over; /* it has given way */
	struct query q;
	enum phase phase;
	struct page_cursor walk;
	size_t row; /* the next one */
	size_t total, counts[PAGE_STATES];
	struct pick pick, spaces;
	bool comma;
};

/* ---- the walk -------------------------------------------------------------------------------- */

/* Where it stands in the list: what is wrong comes first. A digit for the state, then its key. */
#define KEY_OF(place) ((place) + 1)

static void place_add(struct page_list *l, const struct page_brief *b)
{
	char place[PAGE_KEY_MAX + 2];
	int n = snprintf(place, sizeof(place), "%d%s", (int)b->state, b->key);

	if (n > 0 && (size_t)n < sizeof(place))
		pick_add(&l->pick, place);
}

static void brief_seen(void *arg, const struct page_brief *b)
{
	struct page_list *l = arg;

	l->total++;
	if (!l->json)
		pick_add(&l->spaces, b->ns);
	if (!query_takes(&l->q, b))
		return;
	l->counts[b->state]++;
	if (l->q.state < 0 || (enum page_state)l->q.state == b->state)
		place_add(l, b);
}

static enum page_state worst_of(const struct page_list *l)
{
	return l->counts[PAGE_FAILED]                                 ? PAGE_FAILED
		: l->counts[PAGE_PROGRESSING]                         ? PAGE_PROGRESSING
		: l->counts[PAGE_READY] || !l->counts[PAGE_SUSPENDED] ? PAGE_READY
								      : PAGE_SUSPENDED;
}

static size_t matched(const struct page_list *l)
{
	size_t n = 0;
	int s;

	for (s = 0; s < PAGE_STATES; s++)
		n += l->counts[s];
	return n;
}

/* ---- registries: what is down first ---------------------------------------------------------- */

struct hosts {
	struct page_list *l;
	struct buf *b; /* HTML */
	json_t *array;
	bool down; /* this round */
	unsigned n, most, left_out;
};

static const char *host_state(const struct page_host *h)
{
	return !h->proven ? "unproven" : h->up ? "up" : "down";
}

static void host_html(struct buf *b, const struct page_host *h)
{
	buf_addf(b, "<li><a class=\"chip %s\" href=\"/?q=",
		!h->proven      ? "suspended"
			: h->up ? "ready"
				: "failed");
	url_encode(b, h->name);
	buf_adds(b, "\"><i></i>");
	html_text(b, h->name, HOST_MOST);
	buf_addf(b, "<span>%s%s</span></a></li>",
		!h->proven      ? "not asked yet"
			: h->up ? "answers"
				: "does not answer",
		h->insecure ? ", insecure" : "");
}

static json_t *host_json(const struct page_host *h)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", row_json_text(h->name, HOST_MOST));
	json_object_set_new(o, "insecure", json_boolean(h->insecure));
	json_object_set_new(o, "state", json_string(host_state(h)));
	json_object_set_new(o, "inFlight", json_integer(h->in_flight));
	return o;
}

static void host_seen(void *arg, const struct page_host *h)
{
	struct hosts *w = arg;

	if ((h->proven && !h->up) != w->down)
		return;
	if (w->n == w->most) {
		w->left_out++;
		return;
	}
	w->n++;
	if (w->array)
		json_array_append_new(w->array, host_json(h));
	else
		host_html(w->b, h);
}

static void hosts_each(struct hosts *w)
{
	const struct page_source *s = &w->l->owner->source;

	w->down = true;
	s->hosts(s->arg, host_seen, w);
	w->down = false;
	s->hosts(s->arg, host_seen, w);
}

/* ---- HTML ------------------------------------------------------------------------------------ */

static void number(struct buf *b, size_t n)
{
	if (n >= 1000000)
		buf_addf(b, "%zu,%03zu,%03zu", n / 1000000, n / 1000 % 1000, n % 1000);
	else if (n >= 1000)
		buf_addf(b, "%zu,%03zu", n / 1000, n % 1000);
	else
		buf_addf(b, "%zu", n);
}

/* What is wrong stands first, what is well fills the rest. */
static void bar(struct buf *b, const struct page_list *l)
{
	size_t all = matched(l), x = 0, width;
	int s;

	buf_adds(b,
		"<svg class=\"bar\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" "
		"aria-hidden=\"true\">");
	for (s = 0; s < PAGE_STATES; s++) {
		if (!l->counts[s])
			continue;
		width = l->counts[s] * 1000 / all;
		width = width < 6 ? 6 : width;
		buf_addf(b, "<rect class=\"%s\" x=\"%zu\" width=\"%zu\" height=\"10\"/>",
			page_state_name((enum page_state)s), x, width);
		x += width;
	}
	buf_adds(b, "</svg>");
}

static void chip(struct buf *b, const struct page_list *l, int state, size_t n)
{
	bool on = l->q.state == state;

	buf_addf(b, "<li><a class=\"chip%s%s%s\"%s href=\"", on ? " on" : "", state < 0 ? "" : " ",
		state < 0 ? "" : page_state_name((enum page_state)state),
		on ? " aria-current=\"true\"" : "");
	query_link(b, &l->q, "/", state, (struct query_place){0}, "&amp;");
	buf_adds(b, state < 0 ? "\"><b>" : "\"><i></i><b>");
	number(b, n);
	buf_addf(
		b, "</b> %s</a></li>", state < 0 ? "all" : page_state_name((enum page_state)state));
}

static void summary(struct buf *b, struct page_list *l)
{
	struct hosts w = {.l = l, .b = b, .most = HOSTS_HTML};
	size_t all = matched(l);
	int s;

	buf_adds(b, "<section class=\"card\"><div class=\"sum\"><h1>");
	number(b, l->counts[PAGE_READY]);
	buf_adds(b, " of ");
	number(b, all);
	buf_adds(b, all == 1 ? " object ready</h1>" : " objects ready</h1>");
	if (all != l->total) {
		buf_adds(b, "<p>of ");
		number(b, l->total);
		buf_adds(b, " in all</p>");
	}
	buf_adds(b, "</div>");
	bar(b, l);
	buf_adds(b, "<ul class=\"chips\">");
	chip(b, l, -1, all);
	for (s = 0; s < PAGE_STATES; s++)
		chip(b, l, s, l->counts[s]);
	buf_adds(b, "</ul><div class=\"regs\"><h2>Registries</h2><ul class=\"chips\">");
	hosts_each(&w);
	if (!w.n)
		buf_adds(b, "<li class=\"age\">none has been asked yet</li>");
	if (w.left_out)
		buf_addf(b, "<li class=\"age\">and %u more</li>", w.left_out);
	buf_adds(b, "</ul></div></section>\n");
}

static void option(struct buf *b, int state, int chosen)
{
	buf_addf(b, "<option value=\"%s\"%s>%s</option>",
		state < 0 ? "" : page_state_name((enum page_state)state),
		state == chosen ? " selected=\"\"" : "",
		state < 0 ? "any" : frame_state_word((enum page_state)state));
}

static void form(struct buf *b, const struct page_list *l)
{
	const struct query *q = &l->q;
	size_t i;
	int s;

	buf_adds(b,
		"<form method=\"get\" action=\"/\"><label class=\"grow\">Name or registry"
		"<input name=\"q\" type=\"search\" autocomplete=\"off\" value=\"");
	html_text(b, q->text ? q->text : "", PAGE_KEY_MAX);
	buf_adds(b,
		"\"/></label><label>Namespace<input name=\"namespace\" list=\"spaces\" "
		"autocomplete=\"off\" placeholder=\"any\" value=\"");
	html_text(b, q->ns ? q->ns : "", PAGE_KEY_MAX);
	buf_adds(b, "\"/><datalist id=\"spaces\">");
	for (i = 0; i < l->spaces.len; i++) {
		buf_adds(b, "<option value=\"");
		html_text(b, l->spaces.keys[i], HOST_MOST);
		buf_adds(b, "\"></option>");
	}
	buf_adds(b, "</datalist></label><label>State<select name=\"state\">");
	for (s = -1; s < PAGE_STATES; s++)
		option(b, s, q->state);
	buf_adds(b, "</select></label>");
	if (q->limit != PAGE_LIMIT)
		buf_addf(b, "<input type=\"hidden\" name=\"limit\" value=\"%u\"/>", q->limit);
	buf_adds(b, "<button>Show</button>");
	if (q->ns || q->text || q->state >= 0)
		buf_adds(b, "<a class=\"clear\" href=\"/\">Clear</a>");
	buf_adds(b, "</form>\n");
}

static void head_html(struct buf *b, struct page_list *l)
{
	auto_buf struct buf json = BUF_INIT(BUF_ANY), title = BUF_INIT(BUF_ANY);
	const struct pick *p = &l->pick;

	query_link(&json, &l->q, "/api/objects", l->q.state,
		(struct query_place){
			l->q.after ? "after" : "before", l->q.after ? l->q.after : l->q.before},
		"&amp;");
	if (l->counts[PAGE_FAILED])
		buf_addf(&title, "%zu failed, ", l->counts[PAGE_FAILED]);
	buf_addf(&title, "%zu of %zu ready", l->counts[PAGE_READY], matched(l));
	frame_open(b, buf_str(&title), worst_of(l), buf_str(&json), l->owner->version);
	summary(b, l);
	form(b, l);
	if (!p->len) {
		buf_adds(b,
			l->total ? "<p class=\"card none\">No object is like that.</p>\n"
				 : "<p class=\"card none\">There are no objects.</p>\n");
		return;
	}
	buf_adds(b,
		"<ol class=\"rows card\"><li class=\"head\"><span>Object</span><span>Reference"
		"</span><span>Revision</span><span>Age</span><span>Last 7 days</span></li>\n");
}

static void nav_link(struct buf *b, const struct page_list *l, const char *way, const char *key,
	const char *rel, const char *text)
{
	buf_addf(b, "<a rel=\"%s\" href=\"", rel);
	query_link(b, &l->q, "/", l->q.state, (struct query_place){way, key}, "&amp;");
	buf_addf(b, "\">%s</a>", text);
}

static void foot_html(struct buf *b, const struct page_list *l)
{
	const struct pick *p = &l->pick;

	if (p->len)
		buf_adds(b, "</ol>\n");
	if (p->earlier || p->later) {
		buf_adds(b, "<nav class=\"pages\"><span>");
		if (p->earlier)
			nav_link(b, l, NULL, NULL, "start", "First");
		if (p->earlier && p->len)
			nav_link(b, l, "before", p->keys[0], "prev", "← Previous");
		buf_adds(b, "</span><span>");
		number(b, p->len ? p->earlier + 1 : p->earlier);
		buf_adds(b, " – ");
		number(b, p->earlier + p->len);
		buf_adds(b, " of ");
		number(b, p->all);
		buf_adds(b, "</span><span>");
		if (p->later && p->len)
			nav_link(b, l, "after", p->keys[p->len - 1], "next", "Next →");
		buf_adds(b, "</span></nav>\n");
	}
	frame_close(b, l->now_ms);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void head_json(struct buf *b, struct page_list *l)
{
	struct hosts w = {.l = l, .array = json_array(), .most = HOSTS_JSON};
	auto_json json_t *o = json_object(), *counts = json_object();
	char text[TIME_TEXT_MAX];
	int s;

	for (s = 0; s < PAGE_STATES; s++)
		json_object_set_new(counts, page_state_name((enum page_state)s),
			json_integer((json_int_t)l->counts[s]));
	hosts_each(&w);
	json_object_set_new(o, "time", json_string(time_format_rfc3339(l->now_ms, text)));
	json_object_set_new(o, "total", json_integer((json_int_t)l->total));
	json_object_set(o, "counts", counts);
	json_object_set_new(o, "matched", json_integer((json_int_t)l->pick.all));
	json_object_set_new(o, "registries", w.array);
	obj_write(o, b);
	/* The objects follow: their tree is never there as a whole. */
	b->len--;
	buf_adds(b, ",\"objects\":[");
}

static void foot_json(struct buf *b, const struct page_list *l)
{
	const struct pick *p = &l->pick;

	buf_adds(b, "],\"next\":");
	if (p->later && p->len) {
		auto_buf struct buf next = BUF_INIT(BUF_ANY);
		auto_json json_t *v = NULL;

		query_link(&next, &l->q, "/api/objects", l->q.state,
			(struct query_place){"after", p->keys[p->len - 1]}, "&");
		v = json_string(buf_str(&next));
		obj_write(v, b);
	} else {
		buf_adds(b, "null");
	}
	buf_adds(b, "}\n");
}

/* ---- in slices ------------------------------------------------------------------------------- */

struct row_out {
	struct page_list *l;
	struct buf *b;
};

static void row_write(void *arg, const struct page_row *r)
{
	struct row_out *w = arg;
	auto_json json_t *o = NULL;

	if (!w->l->json) {
		row_html(w->b, r, w->l->now_ms);
		return;
	}
	o = row_json(r, false);
	buf_adds(w->b, w->l->comma ? ",\n" : "\n");
	w->l->comma = true;
	obj_write(o, w->b);
}

/* One small step; false at the end. */
static bool list_step(struct page_list *l, struct buf *b)
{
	const struct page_source *s = &l->owner->source;

	switch (l->phase) {
	case PHASE_WALK:
		if (!s->walk(s->arg, &l->walk, brief_seen, l))
			l->phase = PHASE_HEAD;
		return true;
	case PHASE_HEAD:
		(l->json ? head_json : head_html)(b, l);
		l->phase = PHASE_ROWS;
		return true;
	case PHASE_ROWS:
		/* One that has gone meanwhile is left out. */
		if (l->row < l->pick.len)
			(void)!s->row(s->arg, KEY_OF(l->pick.keys[l->row++]), row_write,
				&(struct row_out){l, b});
		else
			l->phase = PHASE_FOOT;
		return true;
	case PHASE_FOOT:
	default:
		(l->json ? foot_json : foot_html)(b, l);
		return false;
	}
}

static void list_go_on(void *arg)
{
	http_reply_wake(((struct page_list *)arg)->x);
}

static int list_pull(void *arg, struct buf *b)
{
	struct page_list *l = arg;

	if (l->over)
		return -2;
	while (b->len < PIECE) {
		if (!loop_has_time(l->owner->loop, &l->turn)) {
			loop_time_wait(l->owner->loop, &l->turn, list_go_on, l);
			return 0;
		}
		if (!list_step(l, b))
			return -1;
	}
	return 1;
}

/* ---- places ---------------------------------------------------------------------------------- */

static void list_leave(struct page_list *l)
{
	if (l->over)
		return;
	l->over = true;
	l->owner->n--;
	list_out(&l->link);
	defer_cancel(l->owner->loop, &l->turn);
	query_clear(&l->q);
	pick_clear(&l->pick);
	pick_clear(&l->spaces);
}

static void list_ended(void *arg, struct http_exchange *x, bool gone)
{
	struct page_list *l = arg;

	(void)x;
	(void)gone;
	list_leave(l);
	free(l);
}

/* A place, if need be that of a reader who has had his time. */
static bool list_room(struct lists *a)
{
	struct page_list *oldest;

	if (a->n < PAGE_LISTS)
		return true;
	oldest = CONTAINER_OF(list_first(&a->all), struct page_list, link);
	if (clock_ms() - oldest->began_ms < PAGE_LIST_MS)
		return false;
	list_leave(oldest);
	http_reply_wake(oldest->x);
	return true;
}

void lists_init(struct lists *a, struct loop *l, const struct page_source *s, const char *version)
{
	*a = (struct lists){.loop = l, .source = *s, .version = version};
	list_init(&a->all);
}

void list_reply(struct lists *a, struct http_exchange *x, struct query *q, bool json)
{
	struct page_list *l;

	if (!list_room(a)) {
		query_clear(q);
		frame_headers_plain(x);
		http_x_add_header(x, "Retry-After", "1");
		http_reply_text(x, 503, "too many pages are being written, try again\n");
		return;
	}
	l = NEW(struct page_list);
	l->owner = a;
	l->x = x;
	l->began_ms = clock_ms();
	l->now_ms = clock_wall_ms();
	l->json = json;
	l->q = *q;
	l->pick = (struct pick){.limit = q->limit, .after = l->q.after, .before = l->q.before};
	l->spaces = (struct pick){.limit = SPACES_MAX};
	list_add(&a->all, &l->link);
	a->n++;
	*q = (struct query){.state = -1};
	http_x_on_end(x, list_ended, l);
	if (json)
		frame_headers_plain(x);
	else
		frame_headers(x);
	http_reply_stream(
		x, 200, json ? "application/json" : "text/html; charset=utf-8", list_pull, l);
}
