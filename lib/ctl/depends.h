/*
 * Objects that ours refer to (Secrets, ServiceAccounts): who is to run again when one changes, and
 * what was built of them (an identity, say), kept as long as something vouches for it.
 *
 * They are watched as metadata only, from the first user of their resource on. What was built of
 * some objects is used without a look at them while the watch is live and knows each in the very
 * version it was built of, or somebody read them a few seconds ago. Without a watch (get may be
 * allowed where list and watch are not) each run reads the objects, and as long as they are of the
 * same versions, what was built of them stays. Loop thread.
 */
#ifndef CTL_DEPENDS_H
#define CTL_DEPENDS_H
#include "base/err.h"
#include "base/lru.h"
#include "base/vec.h"
#include "ctl/kind.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct depends;
struct kube_client;
struct kube_resource;
struct op;

struct depends_opts {
	struct kube_client *kube;
	const struct kube_resource *const *resources; /* KIND_DEPENDS_MAX, NULL behind the last */
	const char *ns; /* where they are watched; borrowed; NULL: all */
	/* Something that this user depends on has changed. all: it is news for everybody; else only
	   for those who failed. */
	void (*changed)(void *user, bool all);
};

struct depends *depends_new(const struct depends_opts *opts);
/* Watches begin with their first user from here on. */
void depends_start(struct depends *d);
void depends_stop(struct depends *d);
void depends_free(struct depends *d); /* NULL is fine */
/* The watch of the nth resource; NULL: nobody needed one. */
struct op *depends_watch(const struct depends *d, unsigned nth);

/* An object of the nth resource; key: "ns/name", or "/name" where there are no namespaces. */
struct depends_ref {
	unsigned nth;
	char *key;
};

/* Vectors, for base/vec.h. */
struct depends_refs {
	struct depends_ref *p;
	size_t len, cap;
};

/* In pairs. */
void depends_add(struct depends *d, const struct depends_ref *ref, void *user);
void depends_del(struct depends *d, const struct depends_ref *ref, void *user);

/* An object as it was read. */
struct depends_part {
	struct depends_ref ref;
	char *version;
};

struct depends_parts {
	struct depends_part *p;
	size_t len, cap;
};

void depends_parts_clear(struct depends_parts *parts);
bool depends_parts_same(const struct depends_parts *a, const struct depends_parts *b);

/* What was built of objects: reference counted by its maker, who embeds it. */
struct depends_value {
	void (*unref)(struct depends_value *v);
	struct depends_value *(*ref)(struct depends_value *v);
	size_t size; /* bytes of memory, about */
};

/* A new reference to what is kept under this name, and in *parts (empty before) a copy of what it
   was built of; NULL: nothing is kept, or nothing vouches for it. */
struct depends_value *depends_vouched(
	struct depends *d, const char *name, struct depends_parts *parts);
/* The objects were read just now: what was built of these very versions, as a new reference. */
struct depends_value *depends_read(
	struct depends *d, const char *name, const struct depends_parts *parts);
/* Keeps what was built of them as they were read. The last reader wins, unless a watch has told of
   a newer version, or nobody refers to one of them any more. Takes its own reference. */
void depends_keep(struct depends *d, const char *name, const struct depends_parts *parts,
	struct depends_value *v);
void depends_drop(struct depends *d, const char *name);

#endif
