#include "source/absence.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ctl/run.h"
#include "source/item.h"

#include <string.h>

struct absence {
	enum absence_state state;
	uint64_t gone_ms; /* on clock_ms(): found gone first; 0: not yet */
	char *revision;
};

void absence_end(struct artifact_item *a)
{
	if (a->absence)
		free(a->absence->revision);
	free(MOVE(a->absence));
}

static bool absence_is_current(const struct artifact_item *a)
{
	return a->absence && !strcmp(a->absence->revision, a->revision);
}

void absence_revised(struct artifact_item *a)
{
	if (!absence_is_current(a))
		absence_end(a);
}

bool absence_is_old(const struct artifact_item *a)
{
	return absence_is_current(a) && a->absence->gone_ms &&
		clock_ms() - a->absence->gone_ms >= ABSENCE_CONFIRM_MS;
}

/* Once per change, not once per run. */
static void absence_say(const struct run *r, const struct absence *n, const char *listed)
{
	static const char *const texts[] = {
		"the tag list lacks the current tag, which the registry still has: it stays",
		"the current tag is gone: it stays until that is confirmed",
		"the current tag is confirmed gone: the tag list counts",
	};

	log_info(&r->log, texts[n->state], LS("revision", n->revision), LS("listed", listed));
}

void absence_note(struct run *r, enum absence_state state, const char *listed)
{
	struct artifact_item *a = ARTIFACT_ITEM(r->item);
	bool known = absence_is_current(a);

	if (!known) {
		absence_end(a);
		a->absence = NEW(struct absence);
		a->absence->revision = mem_strdup(a->revision);
	}
	if (state == ABSENCE_LISTED)
		a->absence->gone_ms = 0;
	else if (!a->absence->gone_ms)
		a->absence->gone_ms = clock_ms();
	if (state == ABSENCE_MISSED)
		r->again_ms = ABSENCE_AGAIN_MS;
	if (known && a->absence->state == state)
		return;
	a->absence->state = state;
	absence_say(r, a->absence, listed);
}
