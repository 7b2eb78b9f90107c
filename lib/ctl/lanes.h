/*
 * Which place an object's run takes, and in which line it waits for it (turns.h). A run takes one
 * before it exists, and gives it back before it waits for another: no run holds what others need
 * while it waits. docs/isolation.md has the table. Loop thread.
 *
 * enum lane (kind.h) is what a kind says of an object that waits for its run. struct lanes has two
 * more: a run waits for a place to pull (RUN_SLOT), and an object that is too large to be kept
 * waits among the large ones instead of where its kind says.
 */
#ifndef CTL_LANES_H
#define CTL_LANES_H
#include "ctl/turns.h"
#include "ev/task.h"

struct buf;
struct controller;
struct item;
struct run;

/* All places there are. What a kind says of its objects is enum lane (kind.h). */
struct lanes {
	struct turns local; /* deletions, and what asks nobody outside */
	struct turns check; /* has something moved? */
	struct turns fresh; /* the same, of objects that have nothing yet */
	struct turns pulls; /* --concurrent */
	struct turns restores;
	struct turns large; /* objects whose text is not kept: few at a time, from begin to end */
};

void lanes_init(struct controller *c);
void lanes_clear(struct controller *c);
void lanes_each(struct controller *c,
	void (*fn)(void *arg, const char *name, const struct turns *lane), void *arg);
/* Somewhere a place may have become free. */
void lanes_look(struct controller *c);

/* Where the item's run waits, and under whose name. Borrowed strings in *ask. */
struct turns *lanes_place(struct item *i, struct turn_ask *ask);
/* Why a turn has not come yet, for a status. */
void lanes_reason(struct controller *c, const struct turn *turn, struct buf *out);

/* Gives back what the run holds, and waits for a place for what takes long. The row's resume is
   lanes_resume. */
enum step_ret lanes_wait(struct run *r, bool big) must_check;
enum step_ret lanes_resume(struct task *t);
/* Does work on so many bytes need a place for large ones? */
bool lanes_is_big(uint64_t size);

#endif
