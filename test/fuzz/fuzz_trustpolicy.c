/* trustpolicy.json. What is one skips nothing that may not be skipped, and says whom to
   believe. */
#include "verify/notation_policy.h"

#include "base/err.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void statement_check(const struct verify_statement *s)
{
	int i;

	if (!s || s->skips)
		return;
	for (i = 0; i < VERIFY_CHECKS; i++)
		BUG_IF(s->action[i] == VERIFY_SKIP && i != VERIFY_REVOCATION);
	BUG_IF(!s->has_ca && !s->has_authority && !s->has_tsa);
	BUG_IF(s->any_identity && s->identities.len);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct verify_notation_policy *p = NULL;
	struct err err = {0};

	if (verify_policy_parse(&p, (const char *)data, size, &err)) {
		BUG_IF(p || err.kind != ERR_RETRY || !*err.msg || strpbrk(err.msg, "\r\n"));
		return 0;
	}
	statement_check(verify_policy_find(p, "ghcr.io/org/app"));
	statement_check(verify_policy_find(p, "*"));
	verify_policy_free(p);
	return 0;
}
