/*
 * One request as a job: everything it needs is copied in, everything that came of it is in the
 * struct after. emb_call_run is called on a worker by the chain (chain.h), one call at a time; the
 * loop makes the struct and takes the results out.
 *
 * A list is read in slices: each run looks at LIMIT_EMBEDDED_SLICE objects and appends what matches
 * to `out`; `more` says that there are further ones, and the same struct is run again.
 */
#ifndef EMBEDDED_CALL_H
#define EMBEDDED_CALL_H
#include "base/buf.h"
#include "embedded/status.h"
#include "embedded/table.h"
#include "embedded/tx.h"

struct kube_selector;

enum emb_verb { EMB_GET, EMB_LIST, EMB_CREATE, EMB_UPDATE, EMB_PATCH, EMB_DELETE };
enum emb_form { EMB_OBJECT_FORM, EMB_TABLE_FORM, EMB_PARTIAL_FORM };
enum emb_body {
	EMB_BODY_JSON,
	EMB_BODY_PROTOBUF,
	EMB_BODY_MERGE,
	EMB_BODY_STRATEGIC,
	EMB_BODY_JSON_PATCH
};

/* How an object is shown: the kind in one of its versions, whole, as a row or as metadata alone. */
struct emb_view {
	const struct emb_kind *kind;
	const struct emb_version *v;
	enum emb_form form;
	enum emb_include include; /* of rows */
};

struct emb_call {
	/* in */
	struct emb_db *db;
	const struct emb_kinds *kinds;
	struct emb_view view;
	enum emb_verb verb;
	char *ns, *name; /* ns "": no namespace; of a list NULL: all */
	bool status; /* the subresource */
	enum emb_body body_type;
	struct buf body;
	bool dry_run;
	enum emb_field_validation fields;
	struct kube_selector *labels, *field_selector;
	unsigned limit; /* of a list: at most so many items; 0: all */
	/* a list that becomes ADDED events, one a line, instead of the inside of "items" */
	bool watch;
	char *after_ns, *after_name; /* where a list goes on; changed by each run */

	/* out */
	struct emb_status st; /* st.code 0: it went well */
	int code; /* 200, 201 */
	struct buf out; /* the answer; of a list the elements, separated by commas */
	struct emb_paths warnings;
	struct emb_changes changes; /* committed */
	int64_t version; /* the counter as a list's first slice, or any other call, saw it */
	unsigned count; /* elements so far */
	bool more, full,
		started; /* more: there are further ones; full: the limit was reached before them */
	bool columns_sent; /* watch of Tables */
};

/* Zeroed but for buffers and status. */
struct emb_call *emb_call_new(void);
void emb_call_free(struct emb_call *c); /* NULL is fine */
void emb_call_run(struct emb_call *c);
/* Do the selectors of a list or a watch take this object? */
bool emb_call_selects(const struct emb_call *c, const json_t *o);

/*
 * Writes one object as the view wants it; `text` is as stored. event: NULL, or the type of a watch
 * event. A Table has one row, and the definitions of its columns if `columns`.
 */
int emb_render(struct buf *out, const struct emb_view *view, const char *text, size_t len,
	const char *event, bool columns, int64_t now_ms, struct err *err) must_check;

#endif
