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
	int rank; /* of it */
	const struct verify_statement *statement; /* of it */
};

/* Of several scopes for one place one must be the same each time, however the object spells it: the
   one with the port, then the one without an alias, then the first in the alphabet. -1: it is of
   another place, or "*". */
static int scope_rank(const char *scope, const struct oci_place *at)
{
	auto_free char *url = mem_printf(OCI_URL_PREFIX "%s", scope);
	size_t host = strlen(at->host);
	struct oci_place place;
	struct err ignored = {0};
	struct oci_repo repo;

	if (oci_repo_parse(&repo, url, false, &ignored))
		return -1;
	oci_place_of(&place, &repo);
	if (strcmp(place.host, at->host) != 0 || strcmp(place.name, at->name) != 0)
		return -1;
	if (place.port)
		return place.port == at->port ? 2 : -1;
	return !strncmp(scope, at->host, host) && scope[host] == '/';
}

static bool is_better(const struct search *s, const char *scope, int rank)
{
	if (!s->best || rank != s->rank)
		return !s->best || rank > s->rank;
	return strcmp(scope, s->best) < 0;
}

/* What the repository itself is named by goes before what it is a copy of. */
static void name_look(void *arg, const struct oci_repo *repo)
{
	struct search *s = arg;
	const struct verify_statement *statement;
	struct oci_place at;
	const char *scope;
	size_t i = 0;

	if (s->best)
		return;
	oci_place_of(&at, repo);
	while (verify_policy_scope(s->policy, &i, &scope, &statement)) {
		int rank = scope_rank(scope, &at);

		if (rank < 0 || !is_better(s, scope, rank))
			continue;
		s->best = scope;
		s->rank = rank;
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
