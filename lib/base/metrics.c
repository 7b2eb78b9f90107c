#include "base/metrics.h"

#include "base/err.h"
#include "base/fnv.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/vec.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What one call of metrics_scrape_next appends, about. */
#define SLICE_BYTES (64 * 1024)
#define FIRST_SLOTS 16

enum metric_type { TYPE_COUNTER, TYPE_GAUGE, TYPE_HISTOGRAM };

struct metric {
	struct metric_family *family;
	struct list link; /* in the order of creation */
	struct metric *chain; /* in its hash slot */
	uint64_t hash;
	double value; /* histogram: the sum */
	uint64_t *counts; /* histogram: per bucket, +Inf last */
	char labels[]; /* ready for the page: kind="x",name="y" */
};

struct on_scrape {
	void (*fn)(void *arg, struct metric_out *out);
	bool (*in_slices)(void *arg, struct metric_out *out, struct metric_cursor *cursor);
	void *arg;
};

struct metric_family {
	struct metrics *registry;
	char *name, *help;
	enum metric_type type;
	char *label_names[METRICS_LABELS_MAX];
	unsigned n_labels;
	struct metric_buckets buckets;
	char (*le)[METRIC_TEXT_MAX]; /* the bounds as text */
	struct list series; /* of struct metric */
	struct metric **slots;
	size_t n_slots, n_series;
	VEC(struct on_scrape) on_scrape; /* in the order in which they came */
};

struct metrics_scrape {
	struct metrics *registry;
	struct list link;
	size_t family; /* index of the one being written */
	bool begun; /* its HELP and TYPE are out */
	size_t reader; /* index of the next one in its on_scrape */
	struct metric_cursor cursor; /* of that one */
	struct list *at; /* the next series; the family's head: that was all */
};

struct metrics {
	VEC(struct metric_family *) families;
	struct list scrapes; /* of struct metrics_scrape: those on the way */
};

struct metric_out {
	struct metric_family *family;
	struct buf *b;
};

/* ---- text */

char *metric_format(double value, char out[METRIC_TEXT_MAX])
{
	int digits;

	if (isnan(value) || isinf(value)) {
		snprintf(out, METRIC_TEXT_MAX, "%s",
			isnan(value)        ? "NaN"
				: value > 0 ? "+Inf"
					    : "-Inf");
		return out;
	}
	if (fabs(value) < 1e15 && value == (double)(int64_t)value) {
		snprintf(out, METRIC_TEXT_MAX, "%lld", (long long)value);
		return out;
	}
	for (digits = 6; digits <= 17; digits++) {
		snprintf(out, METRIC_TEXT_MAX, "%.*g", digits, value);
		if (strtod(out, NULL) == value)
			break;
	}
	return out;
}

/* How much of a label's value is shown. */
static size_t value_len(const char *s)
{
	size_t n = strnlen(s, METRICS_VALUE_MAX + 1);

	if (n <= METRICS_VALUE_MAX)
		return n;
	for (n = METRICS_VALUE_MAX; n && (s[n] & 0xc0) == 0x80; n--) /* inside a character */
		;
	return n;
}

static void add_escaped(struct buf *b, const char *s, size_t n, bool quotes)
{
	const char *end = s + n, *plain = s;

	for (; s < end; s++) {
		if (*s != '\\' && *s != '\n' && (*s != '"' || !quotes))
			continue;
		buf_add(b, plain, (size_t)(s - plain));
		buf_adds(b, *s == '\n' ? "\\n" : *s == '"' ? "\\\"" : "\\\\");
		plain = s + 1;
	}
	buf_add(b, plain, (size_t)(end - plain));
}

static void add_labels(
	struct buf *b, const struct metric_family *f, const char *const *values, unsigned n)
{
	unsigned i;

	BUG_IF(n != f->n_labels);
	for (i = 0; i < n; i++) {
		buf_addf(b, "%s%s=\"", i ? "," : "", f->label_names[i]);
		if (values[i])
			add_escaped(b, values[i], value_len(values[i]), true);
		buf_addc(b, '"');
	}
}

/* ---- registry and families */

struct metrics *metrics_new(void)
{
	struct metrics *m = NEW(struct metrics);

	list_init(&m->scrapes);
	return m;
}

static struct metric *series_at(struct list *at)
{
	return CONTAINER_OF(at, struct metric, link);
}

static void family_free(struct metric_family *f)
{
	unsigned i;

	while (!list_empty(&f->series))
		metric_remove(series_at(f->series.next));
	for (i = 0; i < f->n_labels; i++)
		free(f->label_names[i]);
	free(f->name);
	free(f->help);
	free(f->le);
	free(f->slots);
	vec_clear(&f->on_scrape);
	free(f);
}

void metrics_free(struct metrics *m)
{
	struct metric_family **f;

	if (!m)
		return;
	BUG_IF(!list_empty(&m->scrapes));
	vec_each (&m->families, f) {
		family_free(*f);
	}
	vec_clear(&m->families);
	free(m);
}

static bool name_valid(const char *s, bool colon)
{
	const char *p;

	for (p = s; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_' ||
			    (colon && *p == ':') || (p > s && *p >= '0' && *p <= '9')))
			return false;
	return *s != '\0';
}

static bool family_has_labels(const struct metric_family *f, const char *labels)
{
	unsigned i;

	for (i = 0; i < f->n_labels; i++) {
		size_t n = strlen(f->label_names[i]);

		if (strncmp(labels, f->label_names[i], n) != 0 ||
			labels[n] != (i + 1 < f->n_labels ? ',' : '\0'))
			return false;
		labels += n + (labels[n] == ',');
	}
	return !*labels;
}

/* The one that is there, or NULL. */
static struct metric_family *family_find(
	struct metrics *m, enum metric_type type, const char *name, const char *labels)
{
	struct metric_family **f;

	vec_each (&m->families, f) {
		if (strcmp((*f)->name, name) != 0)
			continue;
		BUG_IF((*f)->type != type || !family_has_labels(*f, labels));
		return *f;
	}
	return NULL;
}

static struct metric_family *family_get(struct metrics *m, enum metric_type type, const char *name,
	const char *help, const char *labels)
{
	struct metric_family *f = family_find(m, type, name, labels);
	size_t n;

	BUG_IF(!name_valid(name, true));
	if (f)
		return f;
	f = NEW(struct metric_family);
	f->registry = m;
	f->type = type;
	list_init(&f->series);
	f->name = mem_strdup(name);
	f->help = mem_strdup(help);
	while (*labels) {
		n = strcspn(labels, ",");
		BUG_IF(f->n_labels == METRICS_LABELS_MAX);
		f->label_names[f->n_labels] = mem_strndup(labels, n);
		BUG_IF(!name_valid(f->label_names[f->n_labels], false));
		f->n_labels++;
		labels += n + (labels[n] == ',');
	}
	*vec_add(&m->families) = f;
	return f;
}

struct metric_family *metrics_counter(
	struct metrics *m, const char *name, const char *help, const char *labels)
{
	return family_get(m, TYPE_COUNTER, name, help, labels);
}

struct metric_family *metrics_gauge(
	struct metrics *m, const char *name, const char *help, const char *labels)
{
	return family_get(m, TYPE_GAUGE, name, help, labels);
}

struct metric_family *metrics_histogram(struct metrics *m, const char *name, const char *help,
	const char *labels, struct metric_buckets buckets)
{
	struct metric_family *f = family_get(m, TYPE_HISTOGRAM, name, help, labels);
	unsigned i;

	BUG_IF(buckets.n > METRICS_BUCKETS_MAX);
	if (f->le) {
		BUG_IF(f->buckets.n != buckets.n);
		return f;
	}
	f->buckets = buckets;
	f->le = mem_array(NULL, buckets.n + 1, sizeof(*f->le));
	for (i = 0; i < buckets.n; i++) {
		BUG_IF(i && buckets.le[i] <= buckets.le[i - 1]);
		metric_format(buckets.le[i], f->le[i]);
	}
	metric_format(INFINITY, f->le[buckets.n]);
	return f;
}

struct metric_buckets metric_buckets_range(double min, double max, unsigned n)
{
	struct metric_buckets b = {.n = n};
	double factor;
	unsigned i;

	BUG_IF(n < 2 || n > METRICS_BUCKETS_MAX || min <= 0 || max <= min);
	factor = pow(max / min, 1.0 / (n - 1));
	for (i = 0; i < n; i++)
		b.le[i] = min * pow(factor, i);
	return b;
}

void metric_family_on_scrape(
	struct metric_family *f, void (*fn)(void *arg, struct metric_out *out), void *arg)
{
	BUG_IF(f->type == TYPE_HISTOGRAM);
	*vec_add(&f->on_scrape) = (struct on_scrape){.fn = fn, .arg = arg};
}

void metric_family_in_slices(struct metric_family *f,
	bool (*fn)(void *arg, struct metric_out *out, struct metric_cursor *cursor), void *arg)
{
	BUG_IF(f->type == TYPE_HISTOGRAM);
	*vec_add(&f->on_scrape) = (struct on_scrape){.in_slices = fn, .arg = arg};
}

/* The nth goes: pages on the way go on with the one after it. */
static void reader_out(struct metric_family *f, size_t n)
{
	struct list *l;

	list_each (&f->registry->scrapes, l) {
		struct metrics_scrape *s = CONTAINER_OF(l, struct metrics_scrape, link);

		if (!s->begun || f->registry->families.p[s->family] != f)
			continue;
		if (s->reader == n)
			s->cursor = (struct metric_cursor){0};
		s->reader -= s->reader > n;
	}
	f->on_scrape.len--;
	memmove(f->on_scrape.p + n, f->on_scrape.p + n + 1,
		(f->on_scrape.len - n) * sizeof(*f->on_scrape.p));
}

static void family_off_scrape(struct metric_family *f, const void *arg)
{
	size_t i;

	for (i = f->on_scrape.len; i > 0; i--)
		if (f->on_scrape.p[i - 1].arg == arg)
			reader_out(f, i - 1);
}

void metrics_off_scrape(struct metrics *m, const void *arg)
{
	struct metric_family **f;

	vec_each (&m->families, f)
		family_off_scrape(*f, arg);
}

/* ---- series */

/*
 * Label values are our own objects' names, and their number is bounded by the objects: the start
 * need not be secret.
 */
static uint64_t family_hash(const char *s)
{
	return fnv_text(FNV_START, s);
}

static void family_grow(struct metric_family *f)
{
	size_t n = f->n_slots ? f->n_slots * 2 : FIRST_SLOTS;
	struct list *at;

	if (f->n_series < f->n_slots)
		return;
	free(f->slots);
	f->slots = mem_zalloc(n * sizeof(*f->slots));
	f->n_slots = n;
	list_each (&f->series, at) {
		struct metric *s = series_at(at);

		s->chain = f->slots[s->hash % n];
		f->slots[s->hash % n] = s;
	}
}

static void family_link(struct metric_family *f, struct metric *s)
{
	family_grow(f);
	s->chain = f->slots[s->hash % f->n_slots];
	f->slots[s->hash % f->n_slots] = s;
	list_add(&f->series, &s->link);
	f->n_series++;
}

struct metric *metric_series_(struct metric_family *f, const char *const *values, unsigned n)
{
	auto_buf struct buf labels = BUF_INIT(BUF_ANY);
	struct metric *s;
	uint64_t hash;

	add_labels(&labels, f, values, n);
	hash = family_hash(buf_str(&labels));
	for (s = f->n_slots ? f->slots[hash % f->n_slots] : NULL; s; s = s->chain)
		if (s->hash == hash && !strcmp(s->labels, buf_str(&labels)))
			return s;
	s = mem_zalloc(sizeof(*s) + labels.len + 1);
	memcpy(s->labels, buf_str(&labels), labels.len + 1);
	s->family = f;
	s->hash = hash;
	if (f->type == TYPE_HISTOGRAM)
		s->counts = mem_zalloc((f->buckets.n + 1) * sizeof(*s->counts));
	family_link(f, s);
	return s;
}

void metric_remove(struct metric *s)
{
	struct metric_family *f;
	struct metric **at;
	struct list *l;

	if (!s)
		return;
	f = s->family;
	list_each (&f->registry->scrapes, l) {
		struct metrics_scrape *sc = CONTAINER_OF(l, struct metrics_scrape, link);

		if (sc->at == &s->link)
			sc->at = s->link.next;
	}
	for (at = &f->slots[s->hash % f->n_slots]; *at != s; at = &(*at)->chain)
		;
	*at = s->chain;
	list_out(&s->link);
	f->n_series--;
	free(s->counts);
	free(s);
}

void metric_add(struct metric *s, double by)
{
	BUG_IF(s->family->type == TYPE_HISTOGRAM || (s->family->type == TYPE_COUNTER && by < 0));
	s->value += by;
}

void metric_inc(struct metric *s)
{
	metric_add(s, 1);
}

void metric_observe(struct metric *s, double value)
{
	const struct metric_buckets *b = &s->family->buckets;
	unsigned i;

	BUG_IF(s->family->type != TYPE_HISTOGRAM);
	for (i = 0; i < b->n && value > b->le[i]; i++)
		;
	s->counts[i]++;
	s->value += value;
}

double metric_value(const struct metric *s)
{
	return s->value;
}

uint64_t metric_count(const struct metric *s)
{
	uint64_t sum = 0;
	unsigned i;

	BUG_IF(s->family->type != TYPE_HISTOGRAM);
	for (i = 0; i <= s->family->buckets.n; i++)
		sum += s->counts[i];
	return sum;
}

/* ---- the page */

static void add_line(struct buf *b, const struct metric_family *f, const char *suffix,
	const char *labels, const char *le, const char *value)
{
	buf_adds(b, f->name);
	buf_adds(b, suffix);
	if (*labels || le) {
		buf_addc(b, '{');
		buf_adds(b, labels);
		if (le) {
			buf_adds(b, *labels ? ",le=\"" : "le=\"");
			buf_adds(b, le);
			buf_addc(b, '"');
		}
		buf_addc(b, '}');
	}
	buf_addc(b, ' ');
	buf_adds(b, value);
	buf_addc(b, '\n');
}

void metric_emit_(struct metric_out *out, double value, const char *const *values, unsigned n)
{
	auto_buf struct buf labels = BUF_INIT(BUF_ANY);
	char text[METRIC_TEXT_MAX];

	add_labels(&labels, out->family, values, n);
	add_line(out->b, out->family, "", buf_str(&labels), NULL, metric_format(value, text));
}

static void write_series(struct buf *b, const struct metric *s)
{
	const struct metric_family *f = s->family;
	char text[METRIC_TEXT_MAX];
	uint64_t sum = 0;
	unsigned i;

	if (f->type != TYPE_HISTOGRAM) {
		add_line(b, f, "", s->labels, NULL, metric_format(s->value, text));
		return;
	}
	for (i = 0; i <= f->buckets.n; i++) {
		sum += s->counts[i];
		snprintf(text, sizeof(text), "%llu", (unsigned long long)sum);
		add_line(b, f, "_bucket", s->labels, f->le[i], text);
	}
	add_line(b, f, "_sum", s->labels, NULL, metric_format(s->value, text));
	snprintf(text, sizeof(text), "%llu", (unsigned long long)sum);
	add_line(b, f, "_count", s->labels, NULL, text);
}

static void write_head(struct buf *b, const struct metric_family *f)
{
	static const char *const TYPES[] = {"counter", "gauge", "histogram"};

	buf_addf(b, "# HELP %s ", f->name);
	add_escaped(b, f->help, strlen(f->help), false);
	buf_addf(b, "\n# TYPE %s %s\n", f->name, TYPES[f->type]);
}

/* What is read at scrape time. True: the slice is full, and there may be more. */
static bool write_read(
	struct metrics_scrape *s, struct metric_family *f, struct buf *b, size_t from)
{
	struct metric_out out = {f, b};

	while (s->reader < f->on_scrape.len) {
		const struct on_scrape *r = &f->on_scrape.p[s->reader];
		bool more = r->in_slices && r->in_slices(r->arg, &out, &s->cursor);

		if (r->fn)
			r->fn(r->arg, &out);
		if (!more) {
			s->reader++;
			s->cursor = (struct metric_cursor){0};
		}
		if (b->len - from >= SLICE_BYTES)
			return true;
	}
	return false;
}

struct metrics_scrape *metrics_scrape_start(struct metrics *m)
{
	struct metrics_scrape *s = NEW(struct metrics_scrape);

	s->registry = m;
	list_add(&m->scrapes, &s->link);
	return s;
}

bool metrics_scrape_next(struct metrics_scrape *s, struct buf *b)
{
	size_t from = b->len;
	struct metric_family *f;

	while (s->family < s->registry->families.len) {
		f = s->registry->families.p[s->family];
		if (!s->begun) {
			s->at = f->series.next;
			if (!list_empty(&f->series) || f->on_scrape.len)
				write_head(b, f);
			s->reader = 0;
			s->begun = true;
		}
		if (write_read(s, f, b, from))
			return true;
		while (s->at != &f->series) {
			write_series(b, series_at(s->at));
			s->at = s->at->next;
			if (b->len - from >= SLICE_BYTES)
				return true;
		}
		s->family++;
		s->begun = false;
		if (b->len - from >= SLICE_BYTES)
			return true;
	}
	return false;
}

void metrics_scrape_end(struct metrics_scrape *s)
{
	if (!s)
		return;
	list_out(&s->link);
	free(s);
}
