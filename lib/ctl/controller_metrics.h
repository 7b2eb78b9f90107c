/*
 * What a controller shows of itself under the names that Flux's dashboards use
 * (controller-runtime's and fluxcd/pkg's metrics), and its lanes. Loop thread.
 */
#ifndef CTL_CONTROLLER_METRICS_H
#define CTL_CONTROLLER_METRICS_H

struct controller;
struct metrics;

void controller_metrics_add(struct controller *c, struct metrics *m);

#endif
