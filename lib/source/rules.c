#include "source/rules.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "oci/mirrors.h"
#include "oci/place.h"
#include "text/yaml.h"
#include "verify/keys.h"
#include "verify/notation_trust.h"
#include "verify/trusted_root.h"

#include <stdio.h>
#include <string.h>

struct rules {
	unsigned refs;
	VEC(struct rule) all;
};

/* ---- the pattern ----------------------------------------------------------------------------- */

/* Does the whole text fit; with end '/', or what stands before one of its slashes? A star is any
   text. */
static bool fits(const char *pattern, const char *text, char end)
{
	const char *star = NULL, *from = NULL;

	for (;;) {
		if (*pattern == '*') {
			star = ++pattern;
			from = text;
		} else if (!*pattern && (!*text || *text == end)) {
			return true;
		} else if (*pattern && *pattern == *text) {
			pattern++;
			text++;
		} else if (star && *from) { /* the star takes one more */
			pattern = star;
			text = ++from;
		} else {
			return false;
		}
	}
}

/* With letters in place of stars it must be a repository's: nothing else could ever match. */
static int match_check(const char *text, struct oci_repo *repo, struct err *err)
{
	bool whole = !strchr(text, '/');
	auto_free char *url = mem_printf("oci://%s%s", text, whole ? "/x/x" : "/x");
	size_t stars = 0;
	char *at;

	for (at = url; *at; at++)
		if (*at == '*') {
			*at = 'x';
			stars++;
		}
	if (stars > LIMIT_RULE_STARS)
		return err_set(err, ERR_STALL, "it has more than %d stars", LIMIT_RULE_STARS);
	return oci_repo_parse(repo, url, false, err);
}

static char *host_lower(const char *text, size_t n)
{
	char *host, *at;

	while (n && text[n - 1] == '.')
		n--;
	host = mem_strndup(text, n);
	for (at = host; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at | 0x20);
	return host;
}

/* The pattern of the host has no port. Without stars it is what a source's would come to. */
static void host_read(struct rule *r, const char *host, const struct oci_repo *repo)
{
	struct oci_place place;
	const char *colon = *host == '[' ? NULL : strchr(host, ':');

	oci_place_of(&place, repo);
	r->port = place.port;
	if (!strchr(host, '*'))
		r->host = mem_strdup(place.host);
	else
		r->host = host_lower(host, colon ? (size_t)(colon - host) : strlen(host));
}

static int match_read(struct rule *r, const char *text, struct err *err)
{
	size_t n = strcspn(text, "/");
	auto_free char *host = host_lower(text, n);
	struct oci_repo repo;

	r->match = mem_strdup(text);
	r->path = mem_strdup(text[n] ? text + n + 1 : "");
	if (!strpbrk(host, ".:*") || strstr(text, "://"))
		return err_set(err, ERR_STALL, "it is not HOST or HOST/PATH");
	if (text[n] &&
		(!*r->path || *r->path == '/' || r->path[strlen(r->path) - 1] == '/' ||
			strstr(r->path, "//")))
		return err_set(err, ERR_STALL, "its path has an empty part");
	if (*host == '[' && strchr(host, '*'))
		return err_set(err, ERR_STALL, "there is no star in an address");
	/* A star alone has no dot in it, and would be read as a name at Docker Hub. */
	if (!strpbrk(host, ".:")) {
		auto_free char *dotted = mem_printf("%s.x%s", host, text + n);

		if (match_check(dotted, &repo, err))
			return -1;
	} else if (match_check(text, &repo, err)) {
		return -1;
	}
	host_read(r, host, &repo);
	return 0;
}

/* ---- by whom --------------------------------------------------------------------------------- */

/* The readers of Secrets read the rules' texts, too. */
static void entry_add(json_t *secret, const char *name, const char *text)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);

	base64_encode(&b, text, strlen(text), BASE64_STD);
	json_object_set_new(json_object_get(secret, "data"), name, json_string(buf_str(&b)));
}

/* A list of texts as entries "NAME[0]SUFFIX" and so on. */
static int texts_add(json_t *secret, const json_t *list, const char *name, const char *suffix,
	size_t most, struct err *err)
{
	json_t *one;
	size_t i;

	if (!json_array_size(list))
		return err_set(err, ERR_STALL, "'%s' is no list with something in it", name);
	if (json_array_size(list) > most)
		return err_set(err, ERR_STALL, "'%s' has more than %zu entries", name, most);
	json_array_foreach ((json_t *)(uintptr_t)list, i, one) {
		char entry[64];

		if (!json_is_string(one) ||
			strlen(json_string_value(one)) != json_string_length(one))
			return err_set(err, ERR_STALL, "'%s[%zu]' is no text", name, i);
		snprintf(entry, sizeof(entry), "%s[%zu]%s", name, i, suffix);
		entry_add(secret, entry, json_string_value(one));
	}
	return 0;
}

static int keys_read(struct rule *r, const json_t *o, struct err *err)
{
	auto_json json_t *secret = json_pack("{s{}}", "data");

	r->kind = TRUST_KEYS;
	return texts_add(secret, obj_get(o, "keys"), "keys", ".pub", LIMIT_PUBLIC_KEYS, err) ||
			verify_keys_read(&r->keys, secret, err)
		? -1
		: 0;
}

static int identity_read(struct rule *r, const json_t *o, struct err *err)
{
	static const char *const known[] = {"issuer", "subject", NULL};
	const char *issuer = obj_str_or("", o, "issuer"), *subject = obj_str_or("", o, "subject");

	if (obj_known_keys(o, known, "an entry of matchOIDCIdentity", err))
		return -1;
	if (strlen(issuer) > LIMIT_PATTERN || strlen(subject) > LIMIT_PATTERN)
		return err_set(err, ERR_STALL, "a pattern has more than %d bytes", LIMIT_PATTERN);
	verify_identities_add(&r->who, issuer, subject);
	return 0;
}

/* They are compiled for each verification; here only to see that they can be. */
static int patterns_check(const struct verify_identities *who, struct err *err)
{
	struct verify_identities copy = {0};
	int rc;

	verify_identities_copy(&copy, who);
	rc = verify_identities_compile(&copy, err);
	verify_identities_clear(&copy);
	return rc;
}

static int identities_read(struct rule *r, const json_t *o, struct err *err)
{
	const json_t *list = obj_get(o, "matchOIDCIdentity");
	const char *root = obj_str(o, "trustedRoot");
	json_t *one;
	size_t i;

	r->kind = TRUST_ROOT;
	r->who.where = "matchOIDCIdentity";
	if (json_array_size(list) > LIMIT_SIGNERS)
		return err_set(err, ERR_STALL, "matchOIDCIdentity has more than %d entries",
			LIMIT_SIGNERS);
	json_array_foreach ((json_t *)(uintptr_t)list, i, one)
		if (identity_read(r, one, err))
			return -1;
	if (patterns_check(&r->who, err))
		return -1;
	if (!obj_get(o, "trustedRoot"))
		return 0;
	if (!root)
		return err_set(err, ERR_STALL, "trustedRoot is no text");
	return verify_root_parse(&r->root, root, strlen(root), err) ? err_wrap(err, "trustedRoot")
								    : 0;
}

static int notation_read(struct rule *r, const json_t *o, struct err *err)
{
	static const char *const known[] = {"trustPolicy", "certificates", NULL};
	const json_t *n = obj_get(o, "notation");
	auto_json json_t *secret = json_pack("{s{}}", "data");

	r->kind = TRUST_NOTATION;
	if (obj_known_keys(n, known, "notation", err))
		return -1;
	if (!obj_str(n, "trustPolicy"))
		return err_set(err, ERR_STALL, "notation has no text 'trustPolicy'");
	entry_add(secret, "trustpolicy.json", obj_str(n, "trustPolicy"));
	return texts_add(secret, obj_get(n, "certificates"), "certificates", ".crt",
		       LIMIT_TRUST_CERTS, err) ||
			verify_trust_read(&r->notary, secret, err)
		? -1
		: 0;
}

/* ---- the file -------------------------------------------------------------------------------- */

static int policy_read(struct rule *r, const json_t *o, struct err *err)
{
	static const char *const known[] = {
		"match", "keys", "matchOIDCIdentity", "trustedRoot", "notation", NULL};
	bool keys = obj_get(o, "keys"), who = obj_get(o, "matchOIDCIdentity"),
	     notation = obj_get(o, "notation");

	if (obj_known_keys(o, known, "it", err))
		return -1;
	if (keys + who + notation != 1)
		return err_set(err, ERR_STALL,
			"it has to have one of 'keys', 'matchOIDCIdentity' and 'notation'");
	if (obj_get(o, "trustedRoot") && !who)
		return err_set(err, ERR_STALL, "'trustedRoot' goes with 'matchOIDCIdentity'");
	return keys   ? keys_read(r, o, err)
		: who ? identities_read(r, o, err)
		      : notation_read(r, o, err);
}

static void digest_of(struct rule *r, const json_t *o)
{
	auto_free char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);

	digest_mem(&r->digest, DIGEST_SHA256, text ? text : "", text ? strlen(text) : 0);
}

static int rule_read(struct rule *r, const json_t *o, struct err *err)
{
	const char *match = obj_str(o, "match");

	if (!json_is_object(o))
		return err_set(err, ERR_STALL, "it is no mapping");
	if (!match)
		return err_set(err, ERR_STALL, "it has no 'match'");
	if (match_read(r, match, err) || policy_read(r, o, err))
		return err_wrap(err, "match '%.200s'", match);
	digest_of(r, o);
	return 0;
}

static int all_read(struct rules *r, const json_t *o, struct err *err)
{
	json_t *list = obj_rules(o, LIMIT_RULES, err), *one;
	size_t i;

	if (!list)
		return -1;
	json_array_foreach (list, i, one) {
		struct rule *rule = vec_add(&r->all);

		*rule = (struct rule){0};
		if (rule_read(rule, one, err))
			return err_wrap(err, "rule %zu", i + 1);
	}
	return 0;
}

struct rules *rules_parse(const char *text, size_t len, struct err *err)
{
	struct rules *r;
	struct ydocs docs;
	int rc;

	if (len > LIMIT_RULES_FILE) {
		err_set(err, ERR_STALL, "it is larger than %llu bytes", LIMIT_RULES_FILE);
		return NULL;
	}
	if (ydocs_parse(&docs, text, len, err))
		return NULL;
	r = NEW(struct rules);
	r->refs = 1;
	rc = docs.count == 1 ? all_read(r, docs.at[0].root, err)
			     : err_set(err, ERR_STALL, "it is not one YAML document");
	ydocs_clear(&docs);
	if (!rc)
		return r;
	err->kind = ERR_STALL;
	rules_unref(r);
	return NULL;
}

/* ---- lifetime -------------------------------------------------------------------------------- */

struct rules *rules_ref(struct rules *r)
{
	if (r)
		r->refs++;
	return r;
}

void rules_unref(struct rules *r)
{
	struct rule *rule;

	if (!r || --r->refs)
		return;
	vec_each (&r->all, rule) {
		free(rule->match);
		free(rule->host);
		free(rule->path);
		verify_keys_unref(rule->keys);
		verify_root_unref(rule->root);
		verify_trust_unref(rule->notary);
		verify_identities_clear(&rule->who);
	}
	vec_clear(&r->all);
	free(r);
}

/* ---- which ones ------------------------------------------------------------------------------ */

static bool host_fits(const struct rule *r, const struct oci_place *at)
{
	const char *name;
	size_t i;

	for (i = 0; (name = oci_place_name(at, i)); i++)
		if (fits(r->host, name, '\0'))
			return true;
	return false;
}

static bool rule_fits(const struct rule *r, const struct oci_place *at)
{
	static const char official[] = "library/";

	if (r->port && r->port != at->port)
		return false;
	if (!host_fits(r, at))
		return false;
	if (!*r->path || fits(r->path, at->name, '/'))
		return true;
	return !strcmp(at->host, OCI_DOCKER_HUB) &&
		!strncmp(at->name, official, strlen(official)) &&
		fits(r->path, at->name + strlen(official), '/');
}

struct names {
	VEC(struct oci_place) all;
};

static void name_add(void *arg, const struct oci_repo *repo)
{
	struct names *n = arg;

	oci_place_of(vec_add(&n->all), repo);
}

void rules_each(const struct rules *r, const struct oci_repo *repo,
	const struct oci_mirrors *mirrors, void (*fn)(void *arg, const struct rule *rule),
	void *arg)
{
	struct names names = {0};
	const struct oci_place *at;
	const struct rule *rule;

	if (!r || !*repo->host)
		return;
	name_add(&names, repo);
	oci_mirrors_meant(mirrors, repo, name_add, &names);
	vec_each (&r->all, rule)
		vec_each (&names.all, at)
			if (rule_fits(rule, at)) {
				fn(arg, rule);
				break;
			}
	vec_clear(&names.all);
}
