/*
 * The GitRepositories that this process can see: what the spec of each says of where, as whom and
 * which revision, from a watch of its own. An automation finds there where it works, and after a
 * push which of them are to look at once. Loop thread; a source is good until the loop turns.
 */
#ifndef IMAGEUPDATEAUTOMATION_SOURCES_H
#define IMAGEUPDATEAUTOMATION_SOURCES_H
#include "base/err.h"
#include "git/url.h"
#include "source/git_spec.h"

#include <stdbool.h>
#include <stdint.h>

struct kube_client;
struct sources;

extern const struct kube_resource source_resource; /* GitRepositories */

/* Reference counted: a run keeps the one that it began with. Nothing in it changes. */
struct source {
	unsigned refs;
	char *ns, *name;
	int64_t generation;
	uint64_t era; /* of the API server's versions, in which the generation counts */
	bool suspended;
	struct git_spec spec;
	struct gitc_url url; /* unless it is wrong */
	struct err wrong; /* ERR_NONE: it is right */
};

struct sources_opts {
	struct kube_client *kube;
	const char *ns; /* where they are watched; copied; NULL: everywhere */
	/* "ns/name" has come, or its spec is another one. Not of the first list. */
	void (*changed)(void *arg, const char *key);
	void (*listed)(void *arg); /* it is complete now */
	void *arg;
};

struct sources *sources_new(const struct sources_opts *opts);
/* The watch begins; nothing if it has. */
void sources_start(struct sources *s);
void sources_stop(struct sources *s);
void sources_free(struct sources *s);
bool sources_complete(const struct sources *s);
/* Why it is not, if the API server has said so; else NULL. */
const struct err *sources_error(const struct sources *s);
/* NULL: there is none, as far as is known. */
const struct source *sources_find(const struct sources *s, const char *ns, const char *name);
struct source *source_ref(const struct source *src);
void source_unref(struct source *src); /* NULL is fine */
/* All that have this URL, in whatever form, and follow this branch; none that is suspended. */
void sources_of_branch(struct sources *s, const struct gitc_url *url, const char *branch,
	void (*fn)(void *arg, const struct source *src), void *arg);
/* The branch that a ref follows; NULL: it is no branch. Borrowed. */
const char *source_branch(const struct git_ref *ref);

#endif
