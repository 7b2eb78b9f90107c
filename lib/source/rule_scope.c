#include "source/rule_scope.h"

#include "base/err.h"
#include "base/mem.h"
#include "oci/mirrors.h"
#include "oci/place.h"
#include "verify/notation_policy.h"

#include <string.h>

struct search {
	const struct verify_notation_policy *policy;
	const char *best; /* the scope that was found; NULL: none */
	const struct verify_statement *statement; /* of it */
};

static bool scope_fits(const char *scope, const struct oci_place *at)
{
	auto_free char *url = mem_printf(OCI_URL_PREFIX "%s", scope);
	struct oci_place place;
	struct err ignored = {0};
	struct oci_repo repo;

	if (oci_repo_parse(&repo, url, false, &ignored))
		return false; /* "*" */
	oci_place_of(&place, &repo);
	return !strcmp(place.host, at->host) && !strcmp(place.name, at->name) &&
		(!place.port || place.port == at->port);
}

/* Of several the one that is spelled like the repository, or else the first in the alphabet: it
   must be the same each time. */
static bool is_better(const char *scope, const char *best, const char *spelled)
{
	return !best || !strcmp(scope, spelled) ||
		(strcmp(best, spelled) != 0 && strcmp(scope, best) < 0);
}

/* What the repository itself is named by goes before what it is a copy of. */
static void name_look(void *arg, const struct oci_repo *repo)
{
	struct search *s = arg;
	const struct verify_statement *statement;
	char spelled[OCI_REPO_TEXT_MAX];
	struct oci_place at;
	const char *scope;
	size_t i = 0;

	if (s->best)
		return;
	oci_place_of(&at, repo);
	oci_repo_format(repo, spelled);
	while (verify_policy_scope(s->policy, &i, &scope, &statement))
		if (scope_fits(scope, &at) && is_better(scope, s->best, spelled)) {
			s->best = scope;
			s->statement = statement;
		}
}

const struct verify_statement *rule_statement(const struct verify_notation_policy *p,
	const struct oci_repo *repo, const struct oci_mirrors *mirrors)
{
	struct search s = {.policy = p};

	name_look(&s, repo);
	oci_mirrors_meant(mirrors, repo, name_look, &s);
	return s.statement ? s.statement : verify_policy_find(p, "*");
}
