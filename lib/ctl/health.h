/*
 * The health port: `/healthz` is 200 as long as the loop turns, `/readyz` when every check says so
 * (else 500 and the names of those that do not, as controller-runtime's healthz does). Loop thread.
 *
 *	struct health h = {0};
 *	health_add(&h, "watch", synced, me);
 *	struct http_server_opts o = {
 *		.name = "health", .address = ":9440", .handler = health_handle, .arg = &h};
 */
#ifndef CTL_HEALTH_H
#define CTL_HEALTH_H
#include <stdbool.h>

struct http_exchange;

#define HEALTH_CHECKS_MAX 8

struct health {
	struct {
		const char *name;
		bool (*ready)(void *arg);
		void *arg;
	} checks[HEALTH_CHECKS_MAX];
	unsigned n;
	/* Answers GET and HEAD of every other path; an http_handler_fn. NULL: that is 404. */
	void (*others)(void *arg, struct http_exchange *x);
	void *others_arg;
};

/* name is borrowed. */
void health_add(struct health *h, const char *name, bool (*ready)(void *arg), void *arg);
/* An http_handler_fn; arg is the struct health. */
void health_handle(void *arg, struct http_exchange *x);

#endif
