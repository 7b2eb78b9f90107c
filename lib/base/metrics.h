/*
 * Metrics in the Prometheus text exposition format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * A registry holds families (name, type, help, label names), a family its series (one per set of
 * label values). A caller keeps the pointer to a series and adds to it; a series of a deleted
 * object is removed. Values that something else counts already are read at scrape time by a
 * function of the family. Loop thread only; a worker's counters are atomics behind such a function.
 *
 *	struct metrics *m = metrics_new();
 *	struct metric_family *f = metrics_histogram(m, "gotk_reconcile_duration_seconds", "The duration ...",
 *		"kind,name,namespace", METRICS_RECONCILE_BUCKETS);
 *	struct metric *s = metric_series(f, "OCIRepository", "web", "apps");
 *	metric_observe(s, 0.012);
 *
 * A page is produced in slices, so that ten thousand objects do not hold the loop:
 * metrics_scrape_next appends about 64 KiB a call. Series that come or go between two slices are
 * simply there or not; the page is always well-formed.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H
#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define METRICS_LABELS_MAX 12
#define METRICS_BUCKETS_MAX 40
/* Bytes of a label's value, cut between characters: strangers write URLs and revisions. */
#define METRICS_VALUE_MAX 1024
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics;
struct metric_family;
struct metric;
struct metric_out;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m); /* families and series too */

/* Upper bounds of a histogram's buckets, ascending; +Inf is added by itself. */
struct metric_buckets {
	unsigned n;
	double le[METRICS_BUCKETS_MAX];
};
/* `n` bounds from min to max, each the same factor above the one before (client_golang's
   ExponentialBucketsRange). */
struct metric_buckets metric_buckets_range(double min, double max, unsigned n);
/* Those of gotk_reconcile_duration_seconds: ten from 0.01 to 1800. */
#define METRICS_RECONCILE_BUCKETS metric_buckets_range(0.01, 1800, 10)

/* labels: names joined by commas, "" for none; all text is copied. A name that the registry has
   already gives the family that is there; its type, labels and number of buckets are the same. */
struct metric_family *metrics_counter(
	struct metrics *m, const char *name, const char *help, const char *labels);
struct metric_family *metrics_gauge(
	struct metrics *m, const char *name, const char *help, const char *labels);
struct metric_family *metrics_histogram(struct metrics *m, const char *name, const char *help,
	const char *labels, struct metric_buckets buckets);

/* Values read at scrape time: fn calls metric_emit once per series. For families without series of
   their own (counter, gauge). Several may join in one, each with label values of its own. */
void metric_family_on_scrape(
	struct metric_family *f, void (*fn)(void *arg, struct metric_out *out), void *arg);
/* Where such a function is; zeroed before its first call, then its own. */
struct metric_cursor {
	size_t at, of;
};
/* The same for a series per object: fn emits a few of them and returns true while there are more;
   the page's next slice goes on there. */
void metric_family_in_slices(struct metric_family *f,
	bool (*fn)(void *arg, struct metric_out *out, struct metric_cursor *cursor), void *arg);
/* Takes everything of this arg out of all families: before what it points to goes. */
void metrics_off_scrape(struct metrics *m, const void *arg);
void metric_emit_(struct metric_out *out, double value, const char *const *values, unsigned n);
#define metric_emit(out, value, ...) \
	metric_emit_(out, value, (const char *const[]){NULL, ##__VA_ARGS__} + 1, \
		sizeof((const char *const[]){NULL, ##__VA_ARGS__}) / sizeof(char *) - 1)

/* The series with these label values, in the order of the family's names; made when new. The values
   are copied. */
struct metric *metric_series_(struct metric_family *f, const char *const *values, unsigned n);
#define metric_series(f, ...) \
	metric_series_(f, (const char *const[]){NULL, ##__VA_ARGS__} + 1, \
		sizeof((const char *const[]){NULL, ##__VA_ARGS__}) / sizeof(char *) - 1)
/* The series goes, and all that it counted. NULL is fine. */
void metric_remove(struct metric *s);

void metric_add(struct metric *s, double by); /* counter, gauge; a counter takes no negative */
void metric_inc(struct metric *s);
void metric_observe(struct metric *s, double value); /* histogram */
double metric_value(const struct metric *s); /* histogram: the sum */
uint64_t metric_count(const struct metric *s); /* histogram: the number of observations */

/* What client_golang's process collector shows (process_cpu_seconds_total, ...), process_threads,
   and file_syncs_total (lib/base/sys). The network's bytes are those of the network namespace. */
void metrics_add_process(struct metrics *m);

/* One page. Start, call next until it says false, end (also in the middle). A scrape must end
   before the registry is freed. */
struct metrics_scrape;
struct metrics_scrape *metrics_scrape_start(struct metrics *m);
bool metrics_scrape_next(struct metrics_scrape *s, struct buf *b);
void metrics_scrape_end(struct metrics_scrape *s); /* NULL is fine */

/* A value as Prometheus writes it: the shortest text that reads back as the same number; +Inf,
   -Inf, NaN. Returns out. */
#define METRIC_TEXT_MAX 32
char *metric_format(double value, char out[METRIC_TEXT_MAX]);

#endif
