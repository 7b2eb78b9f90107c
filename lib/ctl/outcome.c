#include "ctl/outcome.h"

#include "base/mem.h"

#define BIT(n) (1U << (n))
#define ANY (~0U)

#define FINE BIT(ERR_NONE)
#define RETRY BIT(ERR_RETRY)
#define STALL BIT(ERR_STALL)
#define ERROR (ANY & ~FINE)

#define WORK BIT(RUN_WORK)
#define RESTORE BIT(RUN_RESTORE)

/* The first row that fits counts. Each member of the left half is a set. */
static const struct row {
	unsigned modes, ends, kinds, suspended; /* the last: bit 0 no, bit 1 yes */
	struct outcome outcome;
} TABLE[] = {
	/* The most frequent one first. */
	{WORK, BIT(RUN_UNCHANGED) | BIT(RUN_MADE) | BIT(RUN_OPEN), FINE, ANY,
		{STATUS_SUCCESS, NEXT_INTERVAL}},
	{WORK, BIT(RUN_LATER), FINE, ANY, {STATUS_NOTHING, NEXT_LATER}},
	/* What comes after a cancel says who cancelled; of a run that was cancelled nothing is
	   said. */
	{ANY, ANY, BIT(ERR_CANCELED), ANY, {STATUS_NOTHING, NEXT_BACKOFF}},
	{ANY, BIT(RUN_AGAIN), ANY, ANY, {STATUS_NOTHING, NEXT_NOW}},
	{ANY, BIT(RUN_THEN_RESTORE), ANY, ANY, {STATUS_NOTHING, NEXT_GO_ON}},
	{ANY, BIT(RUN_GONE), ANY, ANY, {STATUS_NOTHING, NEXT_BACKOFF}},
	/* The object could not be read, or its finalizer not be written. */
	{ANY, BIT(RUN_QUIET), RETRY, ANY, {STATUS_NOTHING, NEXT_BACKOFF}},
	{ANY, BIT(RUN_QUIET), BIT(ERR_WAIT), ANY, {STATUS_NOTHING, NEXT_NAMED}},
	{BIT(RUN_REMOVE), ANY, FINE, ANY, {STATUS_NOTHING, NEXT_STOP}},
	{BIT(RUN_REMOVE), ANY, ERROR, ANY, {STATUS_NOTHING, NEXT_BACKOFF}},
	/* The file is back: now the object's own turn. */
	{RESTORE, ANY, FINE, ANY, {STATUS_RESTORED, NEXT_NOW}},
	/* What is wrong with the object its own run has said; one that is suspended has none. */
	{RESTORE, ANY, STALL, BIT(0), {STATUS_NOTHING, NEXT_STOP}},
	{RESTORE, ANY, BIT(ERR_WAIT), BIT(0), {STATUS_NOTHING, NEXT_NAMED}},
	{RESTORE, ANY, BIT(ERR_HELD), BIT(0), {STATUS_NOTHING, NEXT_WAIT}},
	{RESTORE, ANY, RETRY, BIT(0), {STATUS_NOTHING, NEXT_BACKOFF}},
	{RESTORE, ANY, STALL, BIT(1), {STATUS_SUSPENDED, NEXT_STOP}},
	{RESTORE, ANY, BIT(ERR_WAIT), BIT(1), {STATUS_SUSPENDED, NEXT_NAMED}},
	{RESTORE, ANY, BIT(ERR_HELD), BIT(1), {STATUS_SUSPENDED, NEXT_WAIT}},
	{RESTORE, ANY, RETRY, BIT(1), {STATUS_SUSPENDED, NEXT_BACKOFF}},
	{WORK, BIT(RUN_QUIET), FINE, ANY, {STATUS_SUSPENDED, NEXT_STOP}},
	{WORK, ANY, STALL, ANY, {STATUS_FAILURE, NEXT_STOP}},
	{WORK, ANY, BIT(ERR_WAIT), ANY, {STATUS_FAILURE, NEXT_NAMED}},
	{WORK, ANY, BIT(ERR_HELD), ANY, {STATUS_FAILURE, NEXT_WAIT}},
	{WORK, ANY, RETRY, ANY, {STATUS_FAILURE, NEXT_BACKOFF}},
};

struct outcome outcome_of(enum run_mode mode, enum run_end end, enum err_kind kind, bool suspended)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(TABLE); i++) {
		const struct row *t = &TABLE[i];

		if ((t->modes & BIT(mode)) && (t->ends & BIT(end)) && (t->kinds & BIT(kind)) &&
			(t->suspended & BIT(suspended)))
			return t->outcome;
	}
	return (struct outcome){STATUS_NOTHING, NEXT_BACKOFF};
}
