/*
 * A list, page by page and item by item: no tree of more than one object exists at a time, whatever
 * the length. Loop thread.
 *
 *	struct op *op = kube_list_start(client, &(struct kube_list_req){
 *		.resource = &secrets, .ns = "apps", .on_item = seen, .arg = me});
 *	... when done: kube_list_version(op) is the resourceVersion to watch from
 *
 * Pages are asked for with limit and continue. When the server has forgotten the continue token
 * (410 in the middle), the list is asked for once more without a limit, and every item comes again:
 * on_restart tells so. Items lack apiVersion and kind where the server leaves them out. Errors,
 * waits and 401 as in client.h.
 */
#ifndef KUBE_LIST_H
#define KUBE_LIST_H
#include "kube/client.h"

struct kube_list_req {
	const struct kube_resource *resource; /* copied */
	const char *ns; /* NULL: all namespaces */
	const char *label_selector, *field_selector; /* NULL: none */
	bool metadata_only; /* items as PartialObjectMetadata */
	unsigned page; /* items a page; 0: 500 */
	/* obj is borrowed. -1 with *err filled ends the list. Called from inside a transfer: may
	   start and cancel ops, nothing slow. */
	int (*on_item)(void *arg, const json_t *obj, struct err *err);
	/* What was seen until now does not count. May be NULL when seeing an item twice does no
	   harm. */
	void (*on_restart)(void *arg);
	void *arg;
	uint64_t page_deadline_ms; /* 0: 60 s */
};

struct op *kube_list_start(struct kube_client *c, const struct kube_list_req *req);
/* The list's resourceVersion (of the first page, which all pages share). Borrowed; "" before
   success. */
const char *kube_list_version(const struct op *op);

#endif
