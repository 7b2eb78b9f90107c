/*
 * What ImagePolicies have chosen: name, labels and latestRef of each, kept up to date by a watch of
 * its own, so that it does not matter which process serves them. For who writes choices somewhere
 * (ImageUpdateAutomation): he is told at once when one is another. Loop thread; choices are only to
 * be read, and good until the loop turns.
 *
 *	cs = image_choices_new(&(struct image_choices_opts){.kube = kube, .changed = on});
 *	image_choices_start(cs);
 *	if (!image_choices_complete(cs)) ... come back when `listed` has been called
 *	image_choices_each(cs, "apps", fn, arg);
 */
#ifndef IMAGE_CHOICES_H
#define IMAGE_CHOICES_H
#include "base/list.h"

#include <jansson.h>
#include <stdbool.h>

struct err;
struct image_choices;
struct kube_client;

struct image_choice {
	const char *ns, *name;
	json_t *labels; /* as an object has them: {"metadata":{"labels":{}}}; NULL: none */
	/* status.latestRef; image and tag "" when there is none, digest "" when it has none. */
	char *image, *tag, *digest;

	/* Its own. */
	struct list link; /* in its namespace */
};

struct image_choices_opts {
	struct kube_client *kube;
	const char *ns; /* where they are watched; copied; NULL: everywhere */
	/* One has come with a latestRef, goes with it, or has another one; not while the first list
	   comes. */
	void (*changed)(void *arg, const struct image_choice *c);
	void (*listed)(void *arg); /* it is complete now */
	void *arg;
};

struct image_choices *image_choices_new(const struct image_choices_opts *opts);
/* The watch begins; nothing if it has. */
void image_choices_start(struct image_choices *cs);
void image_choices_stop(struct image_choices *cs);
void image_choices_free(struct image_choices *cs); /* NULL is fine */
/* Are all known that there are? */
bool image_choices_complete(const struct image_choices *cs);
/* Why they are not, if the API server has said so; else NULL. */
const struct err *image_choices_error(const struct image_choices *cs);
/* Those of a namespace, in no order. */
void image_choices_each(const struct image_choices *cs, const char *ns,
	void (*fn)(void *arg, const struct image_choice *c), void *arg);

#endif
