#include "verify/notation_policy.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/obj.h"
#include "verify/plain.h"

#include <string.h>

#define IDENTITY "x509.subject:"

struct verify_notation_policy {
	VEC(struct verify_statement *) statements;
	struct map scopes; /* to the statement */
};

/* ---- levels ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	bool skips;
	enum verify_action action[VERIFY_CHECKS];
} levels[] = {
	{"strict", false,
		{VERIFY_ENFORCE, VERIFY_ENFORCE, VERIFY_ENFORCE, VERIFY_ENFORCE, VERIFY_ENFORCE}},
	{"permissive", false, {VERIFY_ENFORCE, VERIFY_ENFORCE, VERIFY_LOG, VERIFY_LOG, VERIFY_LOG}},
	{"audit", false, {VERIFY_ENFORCE, VERIFY_LOG, VERIFY_LOG, VERIFY_LOG, VERIFY_LOG}},
	{"skip", true, {VERIFY_ENFORCE, VERIFY_SKIP, VERIFY_SKIP, VERIFY_SKIP, VERIFY_SKIP}},
};

static const char *const checks[VERIFY_CHECKS] = {
	[VERIFY_INTEGRITY] = "integrity",
	[VERIFY_AUTHENTICITY] = "authenticity",
	[VERIFY_EXPIRY] = "expiry",
	[VERIFY_TIMESTAMP] = "authenticTimestamp",
	[VERIFY_REVOCATION] = "revocation",
};

static const char *const actions[] = {
	[VERIFY_ENFORCE] = "enforce",
	[VERIFY_LOG] = "log",
	[VERIFY_SKIP] = "skip",
};

/* -1: none of them. */
static int index_of(const char *const *names, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (name && !strcmp(names[i], name))
			return (int)i;
	return -1;
}

static int level_read(struct verify_statement *s, const json_t *o, struct err *err)
{
	const char *level = obj_str(o, "level");
	char shown[VERIFY_PLAIN_MAX];
	size_t i;

	for (i = 0; i < ARRAY_LEN(levels); i++) {
		if (!level || strcmp(level, levels[i].name) != 0)
			continue;
		s->skips = levels[i].skips;
		memcpy(s->action, levels[i].action, sizeof(s->action));
		return 0;
	}
	return err_set(err, ERR_RETRY,
		"signatureVerification.level is '%s': strict, permissive, audit or skip",
		verify_plain(level, shown));
}

static int override_read(
	struct verify_statement *s, const char *name, const json_t *v, struct err *err)
{
	int check = index_of(checks, VERIFY_CHECKS, name);
	int action = index_of(actions, ARRAY_LEN(actions), json_string_value(v));
	char shown[VERIFY_PLAIN_MAX];

	if (!strcmp(name, "integrity"))
		return err_set(err, ERR_RETRY, "integrity cannot be overridden");
	if (check < 0)
		return err_set(err, ERR_RETRY, "override: there is no check '%s'",
			verify_plain(name, shown));
	if (action < 0)
		return err_set(err, ERR_RETRY, "override of '%s': enforce, log or skip", name);
	if (action == VERIFY_SKIP && check != VERIFY_REVOCATION)
		return err_set(err, ERR_RETRY, "override: '%s' cannot be skipped", name);
	s->action[check] = (enum verify_action)action;
	return 0;
}

static int overrides_read(struct verify_statement *s, json_t *o, struct err *err)
{
	const char *name;
	json_t *v;

	if (!o || json_is_null(o))
		return 0;
	if (!json_is_object(o))
		return err_set(err, ERR_RETRY, "override is no object");
	if (json_object_size(o) && s->skips)
		return err_set(err, ERR_RETRY, "level skip has no overrides");
	json_object_foreach (o, name, v)
		if (override_read(s, name, v, err))
			return -1;
	return 0;
}

static int timestamp_read(struct verify_statement *s, const json_t *v, struct err *err)
{
	static const char *const ways[] = {"", "always", "afterCertExpiry"};
	int way = index_of(ways, ARRAY_LEN(ways), json_string_value(v));

	if (v && way < 0)
		return err_set(err, ERR_RETRY, "verifyTimestamp is always or afterCertExpiry");
	s->after_expiry = way == 2;
	return 0;
}

static int verification_read(struct verify_statement *s, const json_t *o, struct err *err)
{
	return level_read(s, o, err) || overrides_read(s, obj_get(o, "override"), err) ||
			timestamp_read(s, obj_get(o, "verifyTimestamp"), err)
		? -1
		: 0;
}

/* ---- lists of strings ------------------------------------------------------------------------ */

/* NULL: it holds something else, or there is none. */
static const char *item_of(const json_t *list, size_t i)
{
	return json_string_value(json_array_get(list, i));
}

static int list_check(const json_t *list, const char *name, struct err *err)
{
	bool all = false;
	size_t i;

	if (!json_array_size(list))
		return err_set(err, ERR_RETRY, "%s is no list, or an empty one", name);
	for (i = 0; i < json_array_size(list); i++) {
		if (!item_of(list, i) || !*item_of(list, i))
			return err_set(
				err, ERR_RETRY, "%s holds what is no text, or an empty one", name);
		all |= !strcmp(item_of(list, i), "*");
	}
	return all && i > 1 ? err_set(err, ERR_RETRY, "%s holds '*' and others", name) : 0;
}

/* ---- stores ---------------------------------------------------------------------------------- */

static bool store_name_ok(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!ascii_is_alnum(*s) && !strchr("_.-", *s))
			return false;
	return true;
}

static int store_read(struct verify_statement *s, const char *text, struct err *err)
{
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	char shown[VERIFY_PLAIN_MAX];

	if (!colon || !store_name_ok(colon + 1))
		n = 0;
	if (n == 2 && !memcmp(text, "ca", n))
		s->has_ca = true;
	else if (n == 16 && !memcmp(text, "signingAuthority", n))
		s->has_authority = true;
	else if (n == 3 && !memcmp(text, "tsa", n))
		s->has_tsa = true;
	else
		return err_set(err, ERR_RETRY,
			"trustStores: '%s' is none of ca:NAME, signingAuthority:NAME, tsa:NAME",
			verify_plain(text, shown));
	return 0;
}

static int stores_read(struct verify_statement *s, const json_t *list, struct err *err)
{
	size_t i;

	if (list_check(list, "trustStores", err))
		return -1;
	for (i = 0; i < json_array_size(list); i++)
		if (store_read(s, item_of(list, i), err))
			return -1;
	return 0;
}

/* ---- identities ------------------------------------------------------------------------------ */

/* An identity that another one contains would say nothing. */
static int overlap_check(
	const struct verify_statement *s, const struct verify_dn *dn, struct err *err)
{
	const struct verify_dn *other;

	vec_each (&s->identities, other)
		if (verify_dn_within(dn, other) || verify_dn_within(other, dn))
			return err_set(err, ERR_RETRY, "it overlaps with another one");
	return 0;
}

static int identity_read(struct verify_statement *s, const char *text, struct err *err)
{
	struct verify_dn dn = {0};

	if (!strcmp(text, "*")) {
		s->any_identity = true;
		return 0;
	}
	if (!strchr(text, ':'))
		return err_set(err, ERR_RETRY, "it is none of '*' and '" IDENTITY " ...'");
	if (strncmp(text, IDENTITY, strlen(IDENTITY)) != 0)
		return 0; /* of another kind: nobody here matches it */
	if (s->identities.len == LIMIT_POLICY_IDENTITIES)
		return err_set(err, ERR_RETRY, "there are more than %d", LIMIT_POLICY_IDENTITIES);
	if (verify_dn_parse(&dn, text + strlen(IDENTITY), err) || overlap_check(s, &dn, err)) {
		verify_dn_clear(&dn);
		return -1;
	}
	*vec_add(&s->identities) = dn;
	return 0;
}

static int identities_read(struct verify_statement *s, const json_t *list, struct err *err)
{
	char shown[VERIFY_PLAIN_MAX];
	size_t i;

	if (list_check(list, "trustedIdentities", err))
		return -1;
	for (i = 0; i < json_array_size(list); i++)
		if (identity_read(s, item_of(list, i), err))
			return err_wrap(err, "trustedIdentities: '%s'",
				verify_plain(item_of(list, i), shown));
	return 0;
}

/* ---- scopes ---------------------------------------------------------------------------------- */

/* A host name, with a port or without. Returns behind it. */
static const char *domain_skip(const char *s)
{
	const char *start = s;

	while (ascii_is_alnum(*s) || ((*s == '-' || *s == '.') && s > start)) {
		if (*s == '.' && (s[-1] == '.' || s[-1] == '-'))
			return NULL;
		if (*s == '-' && s[-1] == '.')
			return NULL;
		s++;
	}
	if (s == start || s[-1] == '-' || s[-1] == '.')
		return NULL;
	if (*s == ':' && ascii_is_digit(s[1]))
		for (s++; ascii_is_digit(*s);)
			s++;
	return s;
}

static bool is_low(char c)
{
	return ascii_is_lower(c) || ascii_is_digit(c);
}

/* What may stand between the letters of a part: one '.', one or two '_', any '-'. */
static const char *separator_skip(const char *s)
{
	if (*s == '.')
		return s + 1;
	if (*s == '_')
		return s[1] == '_' ? s + 2 : s + 1;
	while (*s == '-')
		s++;
	return s;
}

static bool repository_ok(const char *s)
{
	for (;;) {
		if (!is_low(*s))
			return false;
		while (is_low(*s))
			s++;
		if (!*s)
			return true;
		s = *s == '/' ? s + 1 : separator_skip(s);
	}
}

static bool scope_ok(const char *s)
{
	if (!strcmp(s, "*"))
		return true;
	s = domain_skip(s);
	return s && *s == '/' && repository_ok(s + 1);
}

static int scopes_read(struct verify_notation_policy *p, struct verify_statement *s,
	const json_t *list, struct err *err)
{
	char shown[VERIFY_PLAIN_MAX];
	size_t i;

	if (list_check(list, "registryScopes", err))
		return -1;
	for (i = 0; i < json_array_size(list); i++) {
		const char *scope = item_of(list, i);

		if (!scope_ok(scope))
			return err_set(err, ERR_RETRY,
				"registryScopes: '%s' is no REGISTRY/REPOSITORY, without a tag",
				verify_plain(scope, shown));
		if (map_put(&p->scopes, scope, s))
			return err_set(err, ERR_RETRY, "registryScopes: '%s' is there twice",
				verify_plain(scope, shown));
	}
	return 0;
}

/* ---- the document ---------------------------------------------------------------------------- */

static void statement_free(struct verify_statement *s)
{
	struct verify_dn *dn;

	vec_each (&s->identities, dn)
		verify_dn_clear(dn);
	vec_clear(&s->identities);
	free(s->name);
	free(s);
}

/* Of one that skips, nobody reads the lists. */
static int members_read(struct verify_notation_policy *p, struct verify_statement *s,
	const json_t *o, struct err *err)
{
	if (verification_read(s, obj_get(o, "signatureVerification"), err) ||
		scopes_read(p, s, obj_get(o, "registryScopes"), err))
		return -1;
	if (s->skips)
		return 0;
	return stores_read(s, obj_get(o, "trustStores"), err) ||
			identities_read(s, obj_get(o, "trustedIdentities"), err)
		? -1
		: 0;
}

static int statement_read(
	struct verify_notation_policy *p, struct map *names, const json_t *o, struct err *err)
{
	const char *name = obj_str(o, "name");
	struct verify_statement *s;
	char shown[VERIFY_PLAIN_MAX];

	if (!name || !*name)
		return err_set(err, ERR_RETRY, "a statement has no name");
	s = NEW(struct verify_statement);
	s->name = mem_strdup(name);
	*vec_add(&p->statements) = s;
	if (map_put(names, name, s))
		return err_set(
			err, ERR_RETRY, "two statements are named '%s'", verify_plain(name, shown));
	if (members_read(p, s, o, err))
		return err_wrap(err, "statement '%s'", verify_plain(name, shown));
	return 0;
}

static int document_read(struct verify_notation_policy *p, const json_t *o, struct err *err)
{
	const char *version = obj_str(o, "version");
	const json_t *list = obj_get(o, "trustPolicies");
	struct map names = {0};
	char shown[VERIFY_PLAIN_MAX];
	size_t i;
	int rc = 0;

	if (!version || strcmp(version, "1.0") != 0)
		return err_set(err, ERR_RETRY, "its version is '%s', not '1.0'",
			verify_plain(version, shown));
	if (!json_array_size(list))
		return err_set(err, ERR_RETRY, "it has no trustPolicies");
	for (i = 0; !rc && i < json_array_size(list); i++)
		rc = statement_read(p, &names, json_array_get(list, i), err);
	map_clear(&names);
	return rc;
}

int verify_policy_parse(
	struct verify_notation_policy **out, const char *text, size_t n, struct err *err)
{
	auto_json json_t *o = obj_parse_within(text, n, &obj_signed, "it", err);
	struct verify_notation_policy *p;

	if (!o)
		return -1;
	p = NEW(struct verify_notation_policy);
	if (document_read(p, o, err)) {
		verify_policy_free(p);
		return -1;
	}
	*out = p;
	return 0;
}

void verify_policy_free(struct verify_notation_policy *p)
{
	struct verify_statement **s;

	if (!p)
		return;
	vec_each (&p->statements, s)
		statement_free(*s);
	vec_clear(&p->statements);
	map_clear(&p->scopes);
	free(p);
}

const struct verify_statement *verify_policy_find(
	const struct verify_notation_policy *p, const char *repository)
{
	const struct verify_statement *s = map_get(&p->scopes, repository);

	return s ? s : map_get(&p->scopes, "*");
}

bool verify_policy_scope(const struct verify_notation_policy *p, size_t *at, const char **scope,
	const struct verify_statement **s)
{
	void *value = NULL;
	bool more = map_next(&p->scopes, at, scope, &value);

	*s = value;
	return more;
}
