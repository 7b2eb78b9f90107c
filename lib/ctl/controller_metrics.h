/*
 * What a controller shows of itself under the names that Flux's dashboards and controller-runtime's
 * users know (controller-runtime's pkg/internal/controller/metrics and pkg/internal/metrics,
 * fluxcd/pkg's runtime/metrics), and its lanes and objects. docs/metrics.md has the table. All
 * controllers share the families; a label says whose series it is.
 *
 * What is shown of an object (resource_info, interval, last success) is computed as the page is
 * written, in slices: an object costs no series for it. Loop thread.
 */
#ifndef CTL_CONTROLLER_METRICS_H
#define CTL_CONTROLLER_METRICS_H
#include "ctl/queue.h"

struct controller;
struct item;
struct metrics;
struct run;

void controller_metrics_add(struct controller *c, struct metrics *m);
/* What it has counted stays; what is read of it goes. */
void controller_metrics_del(struct controller *c, struct metrics *m);

/* The item has got its place: its run begins. */
void controller_metrics_started(struct controller *c, const struct item *i);
/* Its run is over. One that was cancelled was work, but is no reconciliation. */
void controller_metrics_ended(struct controller *c, const struct run *r, enum queue_next next);

#endif
