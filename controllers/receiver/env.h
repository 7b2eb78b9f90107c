/*
 * What the rows and the calls of all Receivers of a process work with. The controller's env
 * (ctl/controller.h). Loop thread.
 */
#ifndef RECEIVER_ENV_H
#define RECEIVER_ENV_H
#include "base/list.h"
#include "base/map.h"
#include "controllers/receiver/receiver.h"
#include "ctl/item.h"

struct metric_family;
struct touches;

struct receiver_env {
	struct receiver_opts opts; /* its controller's options are not to be used */
	struct controller *controller;
	struct map paths; /* path → struct receiver_path_of; paths.h */
	struct touches *touches;
	/* Calls; call.h. */
	struct list waiting; /* for a place; the one who has waited longest first */
	struct list calls; /* that are worked on */
	unsigned waits, active;
	unsigned most_waits, most_active; /* of one Receiver: half of them */
	struct map shares; /* "ns/name" → struct call_share: of one Receiver */
	size_t listed; /* bytes of metadata that calls hold for their filters */
	bool stopping;
	/* hooks.c */
	struct metric_family *seconds, *bytes;
	unsigned inflight;
};

static inline struct receiver_env *receiver_env(const struct controller *c)
{
	return c->opts.env;
}

#endif
