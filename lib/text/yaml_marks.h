/*
 * What a YAML text is made of, piece by piece, with the exact bytes where each piece stands: for
 * whoever changes a value and nothing else. Nothing is resolved: an alias stays one, a plain scalar
 * is its text, a merge key is a key.
 *
 * One pass from the beginning to the end; nothing is kept but the collections that are open. The
 * text is borrowed for as long as the reader is there. Comments are no pieces: they are in the gaps
 * between, that is from the `end` of one to the `body` of the next (names and tags, `-`, `?`, `:`,
 * `,` and directives are in the gaps as well).
 *
 * Limits: LIMIT_YAML_FILE bytes, LIMIT_YAML_MARKS_DEPTH levels. Any thread.
 *
 *	struct ymarks *m = ymarks_new(text, len);
 *	const struct ymark *k;
 *
 *	while ((rc = ymarks_next(m, &k, err)) > 0)
 *		... text[k->body .. k->end)
 *	ymarks_free(m);
 */
#ifndef TEXT_YAML_MARKS_H
#define TEXT_YAML_MARKS_H
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum ymark_kind {
	YMARK_DOC,
	YMARK_DOC_END,
	YMARK_MAP,
	YMARK_MAP_END,
	YMARK_LIST,
	YMARK_LIST_END,
	YMARK_SCALAR,
	YMARK_ALIAS,
};

enum ymark_style { YMARK_PLAIN, YMARK_SINGLE, YMARK_DOUBLE, YMARK_LITERAL, YMARK_FOLDED };

struct ymark {
	enum ymark_kind kind;
	enum ymark_style style; /* of a scalar */
	bool flow; /* a collection in brackets; a scalar or an alias in one */
	bool explicit_doc; /* YMARK_DOC, YMARK_DOC_END: it is written */
	bool key; /* it begins a key of a mapping; of a collection's end: it ends one */
	bool in_list, in_map; /* neither: the root */
	unsigned long in; /* the number of the collection that it is in, 1 is the first; 0: none */
	unsigned long index; /* which item or pair of it, 0 is the first */
	unsigned long self; /* of a collection, both ends: its own number */
	unsigned depth; /* collections around it */
	const char *anchor; /* of an alias too; NULL: none. Borrowed, as all, until the next one */
	const char *tag; /* resolved: "tag:yaml.org,2002:int"; NULL: none */
	const char *value; /* of a scalar: len bytes and a NUL */
	size_t len;
	/* Bytes of the text. start: with anchor and tag. tag_at .. tag_end: the tag alone, empty
	   without one. body: of a scalar its quotes, its text or the | or >, of an alias the *, of
	   a collection in brackets the bracket; of one without, and of documents, it is the end.
	   All of one that is not written are one place. */
	size_t start, tag_at, tag_end, body, end;
	unsigned long line; /* of body, 1-based */
};

struct ymarks;

/* A byte order mark at the beginning is passed over. Never NULL. */
struct ymarks *ymarks_new(const char *text, size_t len);
void ymarks_free(struct ymarks *m); /* NULL is fine */
/* 1, *out is the next one, good until the next call; 0: that was all; -1 (ERR_STALL): it is no
   YAML, or over a limit; the message has no line. Not called again after 0 and -1. */
int ymarks_next(struct ymarks *m, const struct ymark **out, struct err *err) must_check;
/* After -1: the 1-based line where it went wrong. */
unsigned long ymarks_line(const struct ymarks *m);
/* Do they say the same, wherever they stand? */
bool ymark_same(const struct ymark *a, const struct ymark *b);

#endif
