#include "crypto/revoked.h"

#include "base/mem.h"
#include "base/time.h"

const char *revoked_reason(int reason)
{
	static const char *const names[] = {
		"unspecified",
		"keyCompromise",
		"cACompromise",
		"affiliationChanged",
		"superseded",
		"cessationOfOperation",
		"certificateHold",
		"unspecified",
		"removeFromCRL",
		"privilegeWithdrawn",
		"aACompromise",
	};

	return names[reason > 0 && (unsigned)reason < ARRAY_LEN(names) ? reason : 0];
}

int revoked_window_check(
	const char *what, int64_t from_ms, int64_t until_ms, int64_t now_ms, struct err *err)
{
	char text[TIME_TEXT_MAX];

	if (from_ms > now_ms + REVOKED_SKEW_MS)
		return err_set(err, ERR_RETRY, "the %s is of the future: of %s", what,
			time_format_rfc3339(from_ms, text));
	if (now_ms > until_ms)
		return err_set(err, ERR_RETRY, "the %s has expired on %s", what,
			time_format_rfc3339(until_ms, text));
	return 0;
}
