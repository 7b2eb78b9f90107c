/*
 * The status page: what there is to know of all objects, as HTML for people and as JSON for
 * programs. Read-only, no script, nothing from elsewhere. It knows nothing of Kubernetes: a source
 * gives it rows (struct page_source), and every text in them may be a stranger's.
 *
 *	/ ?namespace= &state= &q= &limit= &after= &before=	all objects
 *	/objects/KIND/NAMESPACE/NAME				one of them
 *	/api/objects, /api/objects/...				the same as JSON
 *
 * A list is written as its reader takes it, in slices of the loop's bulk time (loop.h): first all
 * objects are looked at for what is counted and which of them are shown (pick.h), then these are
 * written one by one. So it holds the keys of one page and one piece of about 64 KiB, however many
 * objects there are. PAGE_LISTS of them at a time; past that the oldest gives way when it is older
 * than PAGE_LIST_MS, else the new one gets 503. Loop thread.
 *
 *	struct page *p = page_new(loop, &source, VERSION);
 *	... page_handle(p, x) for every GET and HEAD that nobody else answers ...
 *	page_free(p);			after the server is freed
 */
#ifndef PAGE_PAGE_H
#define PAGE_PAGE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;
struct http_exchange;
struct loop;
struct page;

#define PAGE_LISTS 4
#define PAGE_LIST_MS 10000
#define PAGE_LIMIT 200 /* rows, when limit= says nothing */
#define PAGE_LIMIT_MAX 500
#define PAGE_KEY_MAX 600 /* a key that is longer is not shown */
#define PAGE_CONDS 16 /* conditions of an object; the rest is left out */

enum page_state { PAGE_FAILED, PAGE_PROGRESSING, PAGE_READY, PAGE_SUSPENDED, PAGE_STATES };

/* What is looked at of every object. */
struct page_brief {
	const char *key; /* "KIND/NAMESPACE/NAME" */
	const char *ns;
	const char *host; /* of its registry; "" */
	enum page_state state;
};

struct page_cond {
	const char *type, *status, *reason, *message;
	const char *since; /* RFC 3339 */
	int64_t generation;
};

/* What is shown of one. Texts are never NULL, but may be "". Times in ms since 1970 UTC, 0: not
   known. */
struct page_row {
	const char *key;
	const char *kind, *ns, *name;
	const char *title; /* the kind as people write it: "OCIRepository" */
	enum page_state state;
	const char *url, *reference;
	const char *reason, *message; /* of Ready */
	int64_t since_ms; /* Ready is what it is */
	const char *revision;
	int64_t updated_ms; /* the revision is there */
	const struct history *revisions; /* those before it, and when each came */
	const struct history *events; /* reason and message */

	/* For the page of one object. */
	const char *rule; /* by which a revision is chosen, as a sentence */
	const char *why; /* what was said of the revision when it was chosen */
	const char *digest, *artifact_url;
	const char *source, *source_revision, *created; /* OCI annotations of the manifest */
	const char *handled; /* the last request that was handled */
	int64_t size, interval_ms, generation, observed;
	struct page_cond conds[PAGE_CONDS];
	unsigned n_conds;
};

struct page_host {
	const char *name;
	bool insecure; /* as objects with spec.insecure see it */
	bool proven, up;
	unsigned in_flight;
};

typedef void page_brief_fn(void *arg, const struct page_brief *b);
typedef void page_row_fn(void *arg, const struct page_row *r);
typedef void page_host_fn(void *arg, const struct page_host *h);

/* Where a walk is: the source's business. Zeroed: at the beginning. */
struct page_cursor {
	size_t at, of;
	unsigned kind;
};

struct page_source {
	/* Some hundreds of objects in any order, from *at on. False: these were the last. */
	bool (*walk)(void *arg, struct page_cursor *at, page_brief_fn *fn, void *fn_arg);
	/* fn once, now. False: there is no such object. */
	bool (*row)(void *arg, const char *key, page_row_fn *fn, void *fn_arg);
	void (*hosts)(void *arg, page_host_fn *fn, void *fn_arg);
	void *arg;
};

struct page *page_new(struct loop *l, const struct page_source *source, const char *version);
/* An http_handler_fn; arg is the struct page. 404 for a path that is none of its own. */
void page_handle(void *arg, struct http_exchange *x);
void page_free(struct page *p); /* NULL is fine */

/* NULL: it has none of this type. */
const struct page_cond *page_cond_of(const struct page_row *r, const char *type);
const char *page_state_name(enum page_state s); /* "failed", ...: in queries and JSON */

#endif
