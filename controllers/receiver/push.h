/*
 * What a payload that names a pushed repository and tag is good for, beside waking objects;
 * receiver.h says it. Only ImageRepositories that this process knows and the Receiver lists take
 * part. Loop thread.
 */
#ifndef RECEIVER_PUSH_H
#define RECEIVER_PUSH_H

struct hook_verdict;
struct receiver_env;
struct receiver_spec;
struct receiver_targets;

/* With the annotation: of the ImageRepositories only those of a pushed repository stay, if there is
   any of them. ns: the Receiver's. */
void receiver_push_select(const struct receiver_env *env, const char *ns,
	const struct receiver_spec *spec, const struct hook_verdict *said,
	struct receiver_targets *targets);
/* Tells the catalog of the tags: LIMIT_RECEIVER_FEEDS at most, and only for ImageRepositories of
   the Receiver's own namespace. A scan brings the others. */
void receiver_push_feed(const struct receiver_env *env, const char *ns,
	const struct receiver_spec *spec, const struct hook_verdict *said,
	const struct receiver_targets *targets);

#endif
