/*
 * GET /metrics from a registry (lib/base/metrics.h), in slices. Loop thread.
 * An http_handler_fn: arg is the struct metrics, which outlives the server. Other paths: 404, other
 * methods: 405.
 */
#ifndef SERVE_METRICS_H
#define SERVE_METRICS_H

struct http_exchange;

void serve_metrics_handle(void *arg, struct http_exchange *x);

#endif
