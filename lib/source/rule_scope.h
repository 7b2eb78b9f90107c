/*
 * Which statement of a rule's trust policy is for a repository. Who writes an object chooses how it
 * spells the repository, and must not choose by that among the operator's statements: scopes are
 * compared as the rules themselves are (oci/place.h), by what the repository is a copy of as well.
 * A scope without a port is meant at all ports. Any thread.
 */
#ifndef SOURCE_RULE_SCOPE_H
#define SOURCE_RULE_SCOPE_H

struct oci_mirrors;
struct oci_repo;
struct verify_notation_policy;
struct verify_statement;

/* The one that names it, or else the one for "*". NULL: there is none. mirrors may be NULL. */
const struct verify_statement *rule_statement(const struct verify_notation_policy *p,
	const struct oci_repo *repo, const struct oci_mirrors *mirrors);

#endif
