/*
 * Where else a repository may be asked for: the rules of --registry-mirrors. A rule is for a host,
 * or for a host and the first parts of a path; the longest that fits counts, and no other. What it
 * matches is replaced by the mirror's URL; what follows stays:
 *
 *	rules:
 *	- match: ghcr.io/org                     HOST or HOST/PATH, whole parts
 *	  mirrors:                               in this order
 *	  - url: https://mirror.example/proxy    ghcr.io/org/app is mirror.example/proxy/app there
 *	    ca: |                                more CAs in PEM, for this mirror
 *	      -----BEGIN CERTIFICATE----- ...
 *	  - url: http://10.0.0.5:5000/copies
 *	    insecure: true                       as spec.insecure
 *	  - url: oci-layout:///mnt/copies        a folder or a tar (layout.h)
 *	  fallback: false                        never the registry itself; true when not given
 *
 * A rule without mirrors keeps what it matches from a shorter one. docs/mirrors.md is for users.
 *
 * A set of rules never changes; a mirror lives as long as somebody asks it. Loop thread, but for
 * oci_mirrors_parse and oci_mirrors_free: any thread, of a set that nobody else has.
 */
#ifndef OCI_MIRRORS_H
#define OCI_MIRRORS_H
#include "base/err.h"
#include "base/vec.h"
#include "http/client.h"
#include "oci/ref.h"

#include <stdbool.h>
#include <stddef.h>

struct oci_mirror {
	unsigned refs;
	/* An image layout at this absolute path: then host and path are "", and a repository keeps
	   its name. NULL: a registry. */
	char *layout;
	struct oci_layout_kept *kept; /* of a layout: layout_tar.h */
	size_t below; /* so much of a repository's name is the rule's path */
	char host[OCI_HOST_MAX + 1]; /* as of struct oci_repo */
	char *path; /* "proxy/ghcr.io"; "": none */
	bool insecure;
	struct http_trust trust; /* the mirror's CAs; nothing of an object's */
	uint64_t logged_ms; /* on clock_ms(): when the log was told of a failure; 0: never */
};

struct oci_rule {
	char host[OCI_HOST_MAX + 1];
	char *path; /* "": the whole host */
	VEC(struct oci_mirror *) mirrors;
	bool fallback;
};

struct log_ctx;
struct oci_mirrors;

/* NULL (ERR_STALL): what is wrong, with the rule it is in. */
struct oci_mirrors *oci_mirrors_parse(const char *text, size_t len, struct err *err) must_check;
void oci_mirrors_free(struct oci_mirrors *m); /* NULL is fine */

/* NULL: no rule is for it; m may be NULL. */
const struct oci_rule *oci_mirrors_find(const struct oci_mirrors *m, const struct oci_repo *repo);
/* Each rule for the host, or whose mirror that host is. */
void oci_mirrors_each(const struct oci_mirrors *m, const char *host,
	void (*fn)(void *arg, const struct oci_rule *rule), void *arg);
/* Each repository that this one is a copy of, where it is at a mirror of a rule. */
void oci_mirrors_meant(const struct oci_mirrors *m, const struct oci_repo *repo,
	void (*fn)(void *arg, const struct oci_repo *meant), void *arg);
/* What the repository is called at the mirror; at a layout, its own name. -1: that name would be
   too long. */
int oci_mirror_repo(const struct oci_rule *rule, const struct oci_mirror *mirror,
	const struct oci_repo *repo, struct oci_repo *out) must_check;

/* For logs: its host, or the layout's path. */
const char *oci_mirror_name(const struct oci_mirror *m);
/* It failed so, and was left: a line at info once a minute, but for what it does not have (404),
   which any mirror may answer; else at debug. */
void oci_mirror_log(struct oci_mirror *m, const struct log_ctx *log, const struct err *err);
struct oci_mirror *oci_mirror_ref(struct oci_mirror *m); /* NULL is fine */
void oci_mirror_unref(struct oci_mirror *m); /* NULL is fine */

#endif
