/*
 * What this process knows of its ImageRepositories: what each one's spec says, whether its tags are
 * in the database (tags.h), and as of which revision. The kind ImageRepository fills it; who
 * depends on a repository (ImagePolicy, Receiver) finds it here and is told at once when it comes,
 * changes or goes, without a request to the API server.
 *
 * An entry is there from the first time that its object was seen until it is gone. Before its file
 * was looked at (`looked`), nobody knows whether there are tags. Loop thread; entries are only to
 * be read by others, and what they point to is good until the loop turns.
 *
 *	struct image_listener l = {.heard = on_image, .arg = me};
 *	image_catalog_listen(cat, &l);
 *	e = image_catalog_find(cat, "apps", "web");
 *	if (!e || e->wrong || !e->has) ...
 *	... a job streams its tags: image_tags_open(&t, image_catalog_root(cat), ns, name, err)
 */
#ifndef IMAGE_CATALOG_H
#define IMAGE_CATALOG_H
#include "base/list.h"
#include "base/vec.h"
#include "image/exclude.h"
#include "image/tags_write.h"
#include "oci/ref.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct image_catalog;
struct loop;
struct op;
struct store_root;

/* As whom its registry is asked; NULL: not given. The members of struct login_refs
   (source/login.h), of which cloud_only is true. */
struct image_login {
	char *secret, *service_account, *cert, *proxy, *provider;
};

/* What the spec says. Nobody writes to it. */
struct image_facts {
	char *image; /* as written */
	struct image_login login;
	uint64_t timeout_ms;
	bool insecure, suspended;
	struct image_exclude exclude;
	json_t *access; /* spec.accessFrom; NULL: absent */
};

struct image_pushed {
	char tag[OCI_TAG_MAX + 1];
	uint64_t at_ms; /* on clock_ms() */
};

struct image_entry {
	char *key; /* "ns/name" */
	char *ns;
	const char *name; /* in key */
	struct image_facts facts;
	struct err *wrong; /* why its image is none (or its spec), or NULL */
	struct oci_repo repo; /* of the image; unless it is wrong */
	char canonical[OCI_REPO_TEXT_MAX]; /* "" when it is wrong */

	bool looked; /* is it known whether it has tags? */
	bool has; /* its tags are in the database: `head` is that of its file */
	struct image_tags_head head;

	/* The catalog's own. */
	VEC(struct image_pushed) pushed; /* that a scan on its way may not have seen */
};

enum image_news {
	IMAGE_CAME,
	IMAGE_CHANGED, /* its spec */
	IMAGE_TAGS, /* whether it has tags, or their revision */
	IMAGE_GOES, /* it is still there for this call */
};

struct image_listener {
	void (*heard)(void *arg, const struct image_entry *e, enum image_news news);
	void *arg;
	struct list link;
};

/* root: of the store, borrowed; it outlives all jobs. */
struct image_catalog *image_catalog_new(struct loop *l, const struct store_root *root);
/* Its ops may still end after that. NULL is fine. */
void image_catalog_free(struct image_catalog *c);
const struct store_root *image_catalog_root(const struct image_catalog *c);

/* ---- for who depends on repositories */
/* NULL: there is no such object, as far as is known. */
const struct image_entry *image_catalog_find(
	struct image_catalog *c, const char *ns, const char *name);
/* Is it known of all objects that there are? Before that one that is not found may come yet. */
bool image_catalog_complete(const struct image_catalog *c);
/* Its file could not be read: it is looked at again, and found lost maybe. */
void image_catalog_doubt(struct image_catalog *c, const char *ns, const char *name);
/* May objects of a namespace with these labels (a JSON object, or NULL) refer to it from there? Its
   own namespace is not asked about. */
bool image_entry_allows(const struct image_entry *e, const json_t *labels);
/* l is the caller's until it is out again. It may change nothing in the catalog from inside. */
void image_catalog_listen(struct image_catalog *c, struct image_listener *l);
void image_listener_out(struct image_listener *l);
/* Somebody says that this tag was pushed to its repository: it is added to its tags, unless they
   exclude it, which listeners hear as IMAGE_TAGS; and a scan follows. Nothing, if the tag is none
   or the object is suspended. */
void image_catalog_push(struct image_catalog *c, const struct image_entry *e, const char *tag);

/* ---- for the kind ImageRepository */
/* The object as it is now: what *f points to is taken over. wrong (copied) or NULL. */
void image_catalog_put(struct image_catalog *c, const char *ns, const char *name,
	struct image_facts *f, const struct err *wrong);
/* The object is gone, and its file goes. */
void image_catalog_drop(struct image_catalog *c, const char *ns, const char *name);
/* All objects of the first list were put: files of others go. */
void image_catalog_listed(struct image_catalog *c);
/* Called when a push wants a scan of an object. fn NULL: nobody is. */
void image_catalog_on_push(
	struct image_catalog *c, void (*fn)(void *arg, const struct image_entry *e), void *arg);
void image_facts_clear(struct image_facts *f);

/* Reads its file, so that `looked` and `has` are right. Fails only when it is cancelled: a file
   that cannot be believed counts as none, and the log says so. told: the revision that the object's
   status has, or ""; a file of another one was written before another process went on, or after the
   last word of this one, and is none either. */
struct op *image_catalog_look_start(
	struct image_catalog *c, const char *ns, const char *name, const char *told);
/* A scan begins, which sees all that was pushed until now. */
void image_catalog_scan_begins(struct image_catalog *c, const char *ns, const char *name);
/* Another process scans from now on: what is known of its tags here grows old. */
void image_catalog_forget(struct image_catalog *c, const char *ns, const char *name);
/* A scan has brought these tags: the list is borrowed until the op has ended, and sorted; filter,
   too. since_ms: when the scan began, on clock_ms(): what was pushed from then on is kept. */
struct op *image_catalog_write_start(struct image_catalog *c, const char *ns, const char *name,
	struct image_tags_list *list, struct image_filter *filter,
	const struct image_tags_head *head, uint64_t since_ms);
/* After a success: the whole head, the latest tags, and the revision before. */
const struct image_tags_job *image_catalog_written(const struct op *op);
/* Removes its file: for an object that is deleted. */
struct op *image_catalog_remove_start(struct image_catalog *c, const char *ns, const char *name);

#endif
