#include "source/absence.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ctl/run.h"
#include "oci/resolve.h"
#include "source/item.h"
#include "source/patience.h"

#include <string.h>

struct absence {
	enum oci_current state; /* OCI_CURRENT_LISTED: nothing was said yet */
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

bool absence_is_old(const struct run *r)
{
	const struct artifact_item *a = ARTIFACT_ITEM(r->item);

	if (!patience_is_of_spec(r))
		return true;
	return absence_is_current(a) && a->absence->gone_ms &&
		clock_ms() - a->absence->gone_ms >= ABSENCE_CONFIRM_MS;
}

/* Once per change, not once per run. */
static void absence_say(const struct run *r, const struct absence *n, const char *listed)
{
	static const char *const texts[] = {
		[OCI_CURRENT_STAYS] = "the tag list lacks the current tag, which the registry "
				      "still has: it stays",
		[OCI_CURRENT_MISSED] = "the current tag is gone: it stays until that is confirmed",
		[OCI_CURRENT_GONE] = "the current tag is confirmed gone: the tag list counts",
	};

	log_info(&r->log, texts[n->state], LS("revision", n->revision), LS("listed", listed));
}

/* Of this very revision. */
static struct absence *absence_get(struct artifact_item *a)
{
	if (absence_is_current(a))
		return a->absence;
	absence_end(a);
	a->absence = NEW(struct absence);
	a->absence->revision = mem_strdup(a->revision);
	return a->absence;
}

void absence_hear(struct run *r, const struct oci_resolved *res, bool failed)
{
	struct artifact_item *a = ARTIFACT_ITEM(r->item);
	const struct oci_tags_result *tags = &res->tags;
	enum oci_current state = res->current;
	struct absence *n;

	if (state == OCI_CURRENT_LISTED) {
		if (!failed)
			absence_end(a);
		return;
	}
	n = absence_get(a);
	if (state == OCI_CURRENT_STAYS)
		n->gone_ms = 0;
	else if (!n->gone_ms)
		n->gone_ms = clock_ms();
	if (state == OCI_CURRENT_MISSED)
		r->again_ms = ABSENCE_AGAIN_MS;
	if (n->state == state)
		return;
	n->state = state;
	absence_say(r, n, state == OCI_CURRENT_STAYS ? tags->runner_up : tags->tag);
}
