/*
 * The spec of an object, read once per change into memory of its own: the object has it, and its
 * runs share it. A kind's struct begins with struct spec; the kind reads it (kind.h), spec_unref
 * releases it. Nothing in it changes after it was read. Loop thread.
 */
#ifndef CTL_SPEC_H
#define CTL_SPEC_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct spec {
	unsigned refs;
	void (*free)(struct spec *s); /* releases the kind's struct, this one included */
	size_t size; /* of what it holds, about */
	/* Why it cannot be reconciled, or NULL; what could be read is there. On the heap:
	   spec_unref frees it, `free` does not. */
	struct err *wrong;
	int64_t interval_ms; /* 0: after a success it runs when something has changed */
	int64_t grace_ms; /* outage.h; 0: the controller's, -1: none */
	bool suspend;
};

struct spec *spec_ref(struct spec *s);
void spec_unref(struct spec *s); /* NULL is fine */

/* For reading one: copies whose length is added to *size (of `size` above); free them. NULL for
   NULL. A text of any length: what spec_slim drops, or what has a limit of its own. */
char *spec_text(size_t *size, const char *text);
/* The member `name` of a spec ("ref.tag"); NULL where it is absent or empty. What is longer than
   LIMIT_SPEC_TEXT is no name, and would stay in memory for as long as the object is there: NULL,
   and *err (ERR_STALL), unless something was wrong before. */
char *spec_member(size_t *size, const char *name, const char *text, struct err *err);
/* grace_ms, by an annotation of the object that holds a Go duration: "0s" for not at all. -1
   (ERR_STALL): it is none. */
int spec_grace(struct spec *s, const json_t *obj, const char *annotation, struct err *err);

#endif
