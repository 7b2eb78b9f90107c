/*
 * Times as text: RFC 3339 (Kubernetes metav1.Time and MicroTime), HTTP dates (RFC 9110 section
 * 5.6.7) and Go durations (time.ParseDuration: "1h30m", "500ms"), which the Kubernetes API uses for
 * metav1.Duration. Any thread.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H
#include "base/err.h"

#include <stdint.h>

#define TIME_TEXT_MAX 64

/* wall_ms is milliseconds since 1970 UTC, as clock_wall_ms() gives. All return `out`. */
char *time_format_rfc3339(int64_t wall_ms, char out[TIME_TEXT_MAX]); /* 2026-01-31T09:30:00Z */
char *time_format_millis(int64_t wall_ms, char out[TIME_TEXT_MAX]); /* 2026-01-31T09:30:00.123Z */
/* Kubernetes' MicroTime, which has six digits: 2026-01-31T09:30:00.123000Z */
char *time_format_micros(int64_t wall_ms, char out[TIME_TEXT_MAX]);
char *time_format_http(
	int64_t wall_ms, char out[TIME_TEXT_MAX]); /* Sat, 31 Jan 2026 09:30:00 GMT */

/* Accepts any RFC 3339 date-time (fraction and offset included). Milliseconds below 1 are cut. */
int time_parse_rfc3339(const char *s, int64_t *wall_ms, struct err *err) must_check;
/* The three forms of RFC 9110: IMF-fixdate, RFC 850 and asctime. "UTC" and "+0000" stand for GMT
   too: some servers write them. */
int time_parse_http(const char *s, int64_t *wall_ms, struct err *err) must_check;
/* Go's syntax: one or more number+unit of ns us µs ms s m h, optional sign and fraction; "0" alone.
   Milliseconds, rounded down. */
int time_parse_duration(const char *s, int64_t *ms, struct err *err) must_check;
/* As Go prints it: "1m30s", "750ms", "0s". */
char *time_format_duration(int64_t ms, char out[TIME_TEXT_MAX]);

#endif
