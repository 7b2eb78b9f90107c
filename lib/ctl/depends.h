/*
 * Objects that ours refer to: who is to run again when one changes, and what was built of one (an
 * identity of a pull Secret, say), kept as long as something vouches for it.
 *
 * They are watched as metadata only. What was built is used without a look at its object while the
 * watch is live and knows the object in the very version it was built of, or somebody read it a few
 * seconds ago. Without a watch (get may be allowed where list and watch are not) each run reads the
 * object, and as long as that is of the same version, what was built of it stays. Loop thread.
 */
#ifndef CTL_DEPENDS_H
#define CTL_DEPENDS_H
#include "base/err.h"
#include "base/lru.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct depends;
struct kube_client;
struct kube_resource;
struct op;

struct depends_opts {
	struct kube_client *kube;
	const struct kube_resource *resource; /* borrowed */
	const char *ns; /* borrowed; NULL: all */
	/* Something that this user depends on has changed. all: it is news for everybody; else only
	   for those who failed. */
	void (*changed)(void *user, bool all);
};

struct depends *depends_new(const struct depends_opts *opts);
void depends_start(struct depends *d);
void depends_stop(struct depends *d);
void depends_free(struct depends *d); /* NULL is fine */
/* The watch; NULL before depends_start. */
struct op *depends_watch(const struct depends *d);

/* key: "ns/name". In pairs. */
void depends_add(struct depends *d, const char *key, void *user);
void depends_del(struct depends *d, const char *key, void *user);

/* What was built of an object: reference counted by its maker, who embeds it. */
struct depends_value {
	void (*unref)(struct depends_value *v);
	struct depends_value *(*ref)(struct depends_value *v);
	size_t size; /* bytes of memory, about */
};

/* A new reference to what is kept, and the version that it was built of; NULL: none is kept, or
   nothing vouches for it. Borrowed *version until the next turn of the loop. */
struct depends_value *depends_vouched(struct depends *d, const char *key, const char **version);
/* The object was read just now, in this version: what was built of it, as a new reference, or
   NULL. */
struct depends_value *depends_read(struct depends *d, const char *key, const char *version);
/* Keeps what was built of it as it was read. The last reader wins, unless the watch has told of a
   newer version. Takes its own reference. */
void depends_keep(struct depends *d, const char *key, const char *version, struct depends_value *v);
void depends_drop(struct depends *d, const char *key);

#endif
