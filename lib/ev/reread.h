/*
 * A file of the operator's that may change while we run: read once at the start, and looked at
 * again on a worker every REREAD_MS. Read and compared whole, so that it does not matter how it
 * changed: written in place, renamed, or by the links of a ConfigMap that Kubernetes swaps. What is
 * new counts when a second look, a moment later, finds the same: a file that is just being written
 * is not taken half.
 *
 * `path` may be a folder where that makes sense: then all its regular files count, in the order of
 * their names, each with a line break behind it; links are followed, hidden ones left out.
 *
 * What cannot be read or used is logged and counted once, and what was taken before stays. `read`
 * makes a value of the text on a worker, `take` gets it on the loop. Loop thread.
 *
 *	w = reread_new(&(struct reread_opts){.loop = l, .path = path, .max = LIMIT_CA_PEM,
 *		.name = "CAs", .read = cas_read, .free = cas_free, .take = cas_take, .arg = c}, err);
 *	... NULL: it cannot be used at the start; *err names it
 *	reread_free(w);      before the last turns of the loop
 */
#ifndef EV_REREAD_H
#define EV_REREAD_H
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REREAD_MS 5000
#define REREAD_AGAIN_MS 500 /* between the two looks at something new */

struct loop;
struct reread;

struct reread_opts {
	struct loop *loop;
	const char *path; /* copied */
	const char *name; /* what it is, for logs and metrics: "cas"; borrowed for ever */
	size_t max; /* bytes in all */
	bool folder; /* a folder is fine, too */
	/* Any thread. NULL with *err: that is no such file. The text is terminated. */
	void *(*read)(const char *text, size_t len, struct err *err);
	void (*free)(void *value); /* of one that was not taken. Loop thread */
	void (*take)(void *arg, void *value); /* owns the value. At the start inside reread_new */
	void *arg;
};

struct reread_stats {
	uint64_t looks; /* that have ended */
	uint64_t taken; /* after the start */
	uint64_t failed; /* new content that could not be read or used */
};

/* NULL: what is there now cannot be used. Reads at once: before the loop runs. */
struct reread *reread_new(const struct reread_opts *opts, struct err *err) must_check;
void reread_free(struct reread *w); /* NULL is fine */
/* fn is told after each take but the first: who failed with what was before may try again. One at a
   time. */
void reread_on_taken(struct reread *w, void (*fn)(void *arg), void *arg);
const char *reread_name(const struct reread *w);
void reread_stats(const struct reread *w, struct reread_stats *out);

#endif
