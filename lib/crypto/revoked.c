#include "crypto/revoked.h"

#include "base/mem.h"

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
