/*
 * What a controller shows of itself under the names that Flux's dashboards use
 * (controller-runtime's and fluxcd/pkg's metrics), and its lanes. All controllers share the
 * families; a label says whose series it is. Loop thread.
 */
#ifndef CTL_CONTROLLER_METRICS_H
#define CTL_CONTROLLER_METRICS_H

struct controller;
struct metrics;

void controller_metrics_add(struct controller *c, struct metrics *m);
/* What it has counted stays; what is read of it goes. */
void controller_metrics_del(struct controller *c, struct metrics *m);

#endif
