#include "source/patience.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/obj.h"
#include "ctl/object.h"
#include "ctl/outage.h"
#include "oci/pace.h"
#include "source/artifact.h"

#include <string.h>

bool patience_is_of_spec(const struct run *r)
{
	return r->settled || obj_int(-1, r->obj, "status", "observedGeneration") == r->generation;
}

/* The last run ended well, and nobody has asked for another one since, or been told to wait for
   one: that would be said until it comes. */
static bool patience_is_well(const struct run *r)
{
	return r->settled ||
		(ARTIFACT_RUN(r)->have_file && patience_is_of_spec(r) &&
			cond_is(&r->conds_before, COND_READY, COND_TRUE) &&
			!cond_get(&r->conds_before, COND_RECONCILING) &&
			!cond_get(&r->conds_before, COND_OUTAGE) &&
			!strcmp(object_requested_at(r->first),
				obj_str_or("", r->first, "status", "lastHandledReconcileAt")));
}

bool patience_has(const struct run *r)
{
	uint64_t since = ARTIFACT_ITEM(r->item)->paced_ms, most = (uint64_t)r->spec->interval_ms;

	if (most < LIMIT_PACE_WAIT_MS)
		most = LIMIT_PACE_WAIT_MS;
	return patience_is_well(r) && (!since || clock_ms() - since < most);
}

bool patience_put_off(struct run *r, const struct err *err)
{
	struct artifact_item *i = ARTIFACT_ITEM(r->item);

	if (err->code != OCI_PACED || !patience_is_well(r)) {
		i->paced_ms = 0;
		return false;
	}
	if (!i->paced_ms)
		i->paced_ms = clock_ms();
	r->again_ms = err->retry_ms;
	return true;
}
