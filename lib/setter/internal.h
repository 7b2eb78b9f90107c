/*
 * The inside of lib/setter: setter.c has the course of a run, scan.c finds what is to be set,
 * comment.c reads markers, object.c knows what the text describes, scalar.c writes values, proof.c
 * holds the result to what was meant. For the files of this folder only.
 */
#ifndef SETTER_INTERNAL_H
#define SETTER_INTERNAL_H
#include "base/vec.h"
#include "setter/setter.h"
#include "text/yaml_marks.h"

/* ---- what is to be done ---------------------------------------------------------------------- */

struct setter_edit {
	unsigned long piece; /* its number in the stream, from 0 */
	size_t at, end; /* these bytes are replaced */
	size_t tag_at,
		tag_end; /* before them: a tag that goes, with its blanks; equal: none does */
	char *written; /* as it goes into the text, quotes and all */
	unsigned long in; /* the mapping that it is in; 0: it is an item */
	char *key; /* there; NULL: an item, or the key is no scalar */
	unsigned keys_seen; /* proof.c: how often that key stands there */
	bool has_object; /* the item of a List: change.object is set */
	struct setter_change change;
};

struct setter_work {
	const struct setter_in *in;
	VEC(struct setter_edit) edits;
	VEC(struct setter_report) reports;
	size_t reports_left;
	bool has_own, has_foreign;
	struct err *err;
	unsigned polled;
};

/* ---- work.c ---------------------------------------------------------------------------------- */

/* True: it was asked to stop; *w->err says so. Cheap. */
bool setter_stopped(struct setter_work *w);
void setter_report(struct setter_work *w, enum setter_report_kind kind, unsigned long line,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void setter_edit_clear(struct setter_edit *e);
void setter_change_clear(struct setter_change *c);
void setter_object_clear(struct setter_object *o);

/* ---- comment.c ------------------------------------------------------------------------------- */

enum setter_part { SETTER_WHOLE, SETTER_NAME, SETTER_TAG, SETTER_DIGEST };

struct setter_marker {
	char *text; /* "apps:web:tag"; NULL: the comment is no marker */
	size_t named; /* of it: "apps:web" */
	const struct setter_policy *policy; /* NULL: none of them */
	bool foreign; /* somebody else's */
	enum setter_part part;
};

/* The comment is text[at .. end), its #s included. A marker or not, as far as its form goes. False:
   it is none; *near: but nearly, and it may be ours. setter_marker_clear it. */
bool setter_marker_read(struct setter_work *w, size_t at, size_t end, struct setter_marker *out,
	bool *near) must_check;
void setter_marker_clear(struct setter_marker *m);
/* What the policy says there, appended to `to`. -1: it says nothing that may be written; *why is a
   constant text. */
int setter_marker_value(const struct setter_marker *m, struct buf *to, const char **why) must_check;

/* ---- object.c -------------------------------------------------------------------------------- */

enum object_field { OBJECT_API_VERSION, OBJECT_KIND, OBJECT_NAME, OBJECT_NS, OBJECT_FIELDS };

/* Members of one mapping, and of the one below its `metadata`. */
struct object_reader {
	char *field[OBJECT_FIELDS]; /* NULL: not seen */
	int key; /* what the next value is; see object.c */
	int inner;
};

/* Of the document that is read: its root's, and those of a List's items. */
struct object_state {
	struct object_reader root, item;
	bool in_items, in_item;
	size_t edits, item_edits; /* made before it began */
};

/* Takes the next piece, after scan.c has made the edit of it. */
void setter_object_see(struct object_state *o, struct setter_work *w, const struct ymark *k);
void setter_object_clear_state(struct object_state *o);

/* ---- scalar.c -------------------------------------------------------------------------------- */

/* The value as a scalar of that style, one line. *quoted: in quotes that the style has not. */
char *setter_scalar_write(enum ymark_style style, const char *value, bool *quoted);
/* Is it a tag that must go, so that the value is a string? */
enum scalar_tag { SCALAR_TAG_STAYS, SCALAR_TAG_GOES, SCALAR_TAG_UNFIT };
enum scalar_tag setter_scalar_tag(const char *tag, bool quoted);
/* Is it a string, and the value? */
bool setter_scalar_is(const struct ymark *k, const char *value);

/* ---- scan.c, proof.c ------------------------------------------------------------------------- */

/* 0: edits and reports are made; 1: the text is left alone, a report says why; -1: stopped. */
int setter_scan(struct setter_work *w) must_check;
/* The same of a result: 0: it is what was meant. */
int setter_prove(struct setter_work *w, const char *text, size_t len) must_check;

#endif
