#include "oci/mirrors.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "crypto/pem.h"
#include "http/url.h"
#include "oci/layout_tar.h"
#include "oci/place.h"
#include "text/yaml.h"

#include <stdio.h>
#include <string.h>

#define LAYOUT_PREFIX "oci-layout://"
#define LOG_EVERY_MS 60000

struct oci_mirrors {
	VEC(struct oci_rule) rules;
};

/* ---- reading --------------------------------------------------------------------------------- */

/* *out stays as it is when the key is not there. */
static int bool_read(bool *out, const json_t *o, const char *key, struct err *err)
{
	const json_t *v = obj_get(o, key);

	if (v && !json_is_boolean(v))
		return err_set(err, ERR_STALL, "'%s' is neither true nor false", key);
	if (v)
		*out = json_is_true(v);
	return 0;
}

/* Parts of a repository's name, in the grammar of names. A whole one would have to be longer. */
static int path_check(const char *path, struct err *err)
{
	auto_free char *url = mem_printf("oci://host.invalid/x/%s", path);
	struct err why = {0};
	struct oci_repo repo;

	if (oci_repo_parse(&repo, url, false, &why) || strcmp(repo.name + 2, path))
		return err_set(err, ERR_STALL,
			"'%.200s' cannot be the first part of a repository's name", path);
	return 0;
}

/* "ghcr.io/org": the host as an object's URL would give it. */
static int match_read(struct oci_rule *r, const char *text, struct err *err)
{
	size_t n = strcspn(text, "/");
	auto_free char *host = mem_strndup(text, n), *url = mem_printf("oci://%s/x/x", host);
	struct oci_repo repo;

	if (!strpbrk(host, ".:") || strstr(text, "://"))
		return err_set(err, ERR_STALL, "it is not HOST or HOST/PATH");
	if (oci_repo_parse(&repo, url, false, err))
		return -1;
	memcpy(r->host, repo.host, sizeof(r->host));
	r->path = mem_strdup(text[n] ? text + n + 1 : "");
	return text[n] ? path_check(r->path, err) : 0;
}

static int ca_read(struct oci_mirror *m, const json_t *o, struct err *err)
{
	const json_t *v = obj_get(o, "ca");
	const char *text = obj_str(o, "ca");

	if (!v)
		return 0;
	buf_init(&m->trust.ca_pem, LIMIT_MIRROR_CA);
	if (!text || !pem_is_whole(text, strlen(text)))
		return err_set(
			err, ERR_STALL, "'ca' holds no certificates in PEM, or one that is broken");
	if (pem_add_certs(&m->trust.ca_pem, text, strlen(text), NULL))
		return err_set(err, ERR_STALL, "'ca' is larger than %llu bytes", LIMIT_MIRROR_CA);
	return 0;
}

static int url_read(struct oci_mirror *m, const char *text, struct err *err)
{
	auto_url struct url u = {0};
	auto_buf struct buf host = BUF_INIT(LIMIT_URL);
	auto_free char *oci = NULL;
	struct oci_repo repo;

	if (url_parse(&u, text, err))
		return -1;
	if (u.has_user || u.has_query || u.has_fragment)
		return err_set(err, ERR_STALL, "the URL has a user, a query or a fragment");
	if (!u.https && !m->insecure)
		return err_set(err, ERR_STALL, "http needs 'insecure: true'");
	url_authority(&u, &host);
	/* Of a host without dot or colon the port makes one. */
	if (!strpbrk(buf_str(&host), ".:"))
		buf_addf(&host, ":%u", u.port);
	oci = mem_printf("oci://%s/x/x", buf_str(&host));
	if (oci_repo_parse(&repo, oci, false, err))
		return -1;
	memcpy(m->host, repo.host, sizeof(m->host));
	m->path = mem_strdup(u.path[1] ? u.path + 1 : "");
	return *m->path ? path_check(m->path, err) : 0;
}

/* What follows the prefix is the path as it stands, percent signs and all. */
static int layout_read(struct oci_mirror *m, const json_t *o, struct err *err)
{
	const char *path = obj_str(o, "url") + strlen(LAYOUT_PREFIX);
	size_t n = strlen(path);

	if (*path != '/' || !path[1])
		return err_set(err, ERR_STALL,
			"an absolute path has to follow 'oci-layout://', so there are three "
			"slashes");
	if (n >= LIMIT_PATH)
		return err_set(err, ERR_STALL, "the path is longer than %d bytes", LIMIT_PATH);
	if (obj_get(o, "insecure") || obj_get(o, "ca"))
		return err_set(err, ERR_STALL, "a layout has neither 'insecure' nor 'ca'");
	while (n > 1 && path[n - 1] == '/')
		n--;
	m->layout = mem_strndup(path, n);
	m->kept = oci_layout_kept_new();
	m->path = mem_strdup("");
	return 0;
}

static int mirror_read(struct oci_rule *r, const json_t *o, struct err *err)
{
	static const char *const known[] = {"url", "insecure", "ca", NULL};
	struct oci_mirror *m = NEW(struct oci_mirror);
	const char *url;

	m->refs = 1;
	m->below = strlen(r->path);
	*vec_add(&r->mirrors) = m;
	if (obj_known_keys(o, known, "a mirror", err))
		return -1;
	url = obj_str(o, "url");
	if (!url)
		return err_set(err, ERR_STALL, "a mirror has no 'url'");
	if (!strncmp(url, LAYOUT_PREFIX, strlen(LAYOUT_PREFIX)))
		return layout_read(m, o, err) ? err_wrap(err, "mirror '%.200s'", url) : 0;
	if (bool_read(&m->insecure, o, "insecure", err) || url_read(m, url, err) ||
		ca_read(m, o, err)) {
		auto_buf struct buf shown = BUF_INIT(LIMIT_URL);

		url_safe(&shown, url);
		return err_wrap(err, "mirror '%.200s'", buf_str(&shown));
	}
	/* Else the repository that is the match itself would have no name there. */
	if (*r->path && !*m->path)
		return err_set(err, ERR_STALL,
			"mirror '%s' needs a path, because the match has one", m->host);
	return 0;
}

static int rule_read(struct oci_rule *r, const json_t *o, struct err *err)
{
	static const char *const known[] = {"match", "mirrors", "fallback", NULL};
	const char *match = obj_str(o, "match");
	const json_t *list = obj_get(o, "mirrors");
	json_t *one;
	size_t i;

	if (obj_known_keys(o, known, "it", err))
		return -1;
	if (!match)
		return err_set(err, ERR_STALL, "it has no 'match'");
	if (match_read(r, match, err))
		return err_wrap(err, "match '%.200s'", match);
	r->fallback = true;
	if (bool_read(&r->fallback, o, "fallback", err))
		return -1;
	if (!json_is_array(list))
		return err_set(err, ERR_STALL, "'mirrors' is no list");
	if (json_array_size(list) > LIMIT_MIRRORS_OF_RULE)
		return err_set(
			err, ERR_STALL, "it has more than %d mirrors", LIMIT_MIRRORS_OF_RULE);
	if (!json_array_size(list) && !r->fallback)
		return err_set(
			err, ERR_STALL, "it has no mirrors, and the registry may not be asked");
	json_array_foreach ((json_t *)(uintptr_t)list, i, one)
		if (mirror_read(r, one, err))
			return -1;
	return 0;
}

/* By host; of one host the longest path first. */
static int rules_order(const void *a, const void *b)
{
	const struct oci_rule *x = a, *y = b;
	int c = strcmp(x->host, y->host);
	size_t nx = strlen(x->path), ny = strlen(y->path);

	if (c)
		return c;
	if (nx != ny)
		return nx > ny ? -1 : 1;
	return strcmp(x->path, y->path);
}

static int rules_sort(struct oci_mirrors *m, struct err *err)
{
	size_t i;

	if (m->rules.len)
		qsort(m->rules.p, m->rules.len, sizeof(*m->rules.p), rules_order);
	for (i = 1; i < m->rules.len; i++)
		if (!rules_order(&m->rules.p[i - 1], &m->rules.p[i]))
			return err_set(err, ERR_STALL, "two rules match '%s%s%s'",
				m->rules.p[i].host, *m->rules.p[i].path ? "/" : "",
				m->rules.p[i].path);
	return 0;
}

static int rules_read(struct oci_mirrors *m, const json_t *o, struct err *err)
{
	json_t *list = obj_rules(o, LIMIT_MIRROR_RULES, err), *one;
	size_t i;

	if (!list)
		return -1;
	json_array_foreach (list, i, one) {
		struct oci_rule *r = vec_add(&m->rules);

		*r = (struct oci_rule){0};
		if (rule_read(r, one, err))
			return err_wrap(err, "rule %zu", i + 1);
	}
	return rules_sort(m, err);
}

struct oci_mirrors *oci_mirrors_parse(const char *text, size_t len, struct err *err)
{
	struct oci_mirrors *m;
	struct ydocs docs;
	int rc;

	if (len > LIMIT_MIRROR_FILE) {
		err_set(err, ERR_STALL, "it is larger than %llu bytes", LIMIT_MIRROR_FILE);
		return NULL;
	}
	if (ydocs_parse(&docs, text, len, err))
		return NULL;
	m = NEW(struct oci_mirrors);
	rc = docs.count == 1 ? rules_read(m, docs.at[0].root, err)
			     : err_set(err, ERR_STALL, "it is not one YAML document");
	ydocs_clear(&docs);
	if (!rc)
		return m;
	oci_mirrors_free(m);
	return NULL;
}

/* ---- lifetime -------------------------------------------------------------------------------- */

const char *oci_mirror_name(const struct oci_mirror *m)
{
	return m->layout ? m->layout : m->host;
}

void oci_mirror_log(struct oci_mirror *m, const struct log_ctx *log, const struct err *err)
{
	uint64_t now = clock_ms();
	static const char what[] = "a mirror does not help";

	if (err->code == 404 || (m->logged_ms && now - m->logged_ms < LOG_EVERY_MS)) {
		log_debug(log, what, LS("mirror", oci_mirror_name(m)), LE(err));
		return;
	}
	m->logged_ms = now;
	log_info(log, what, LS("mirror", oci_mirror_name(m)), LE(err));
}

struct oci_mirror *oci_mirror_ref(struct oci_mirror *m)
{
	if (m)
		m->refs++;
	return m;
}

void oci_mirror_unref(struct oci_mirror *m)
{
	if (!m || --m->refs)
		return;
	http_trust_clear(&m->trust);
	oci_layout_kept_free(m->kept);
	free(m->layout);
	free(m->path);
	free(m);
}

void oci_mirrors_free(struct oci_mirrors *m)
{
	struct oci_mirror **mirror;
	struct oci_rule *r;

	if (!m)
		return;
	vec_each (&m->rules, r) {
		vec_each (&r->mirrors, mirror)
			oci_mirror_unref(*mirror);
		vec_clear(&r->mirrors);
		free(r->path);
	}
	vec_clear(&m->rules);
	free(m);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Is the path the name's first parts, or all of it? */
static bool path_fits(const char *path, const char *name)
{
	size_t n = strlen(path);

	return !n || (!strncmp(path, name, n) && (!name[n] || name[n] == '/'));
}

const struct oci_rule *oci_mirrors_find(const struct oci_mirrors *m, const struct oci_repo *repo)
{
	size_t from = 0, to = m ? m->rules.len : 0;

	while (from < to) { /* the first of the host's */
		size_t mid = from + (to - from) / 2;

		if (strcmp(m->rules.p[mid].host, repo->host) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	for (; m && from < m->rules.len && !strcmp(m->rules.p[from].host, repo->host); from++)
		if (path_fits(m->rules.p[from].path, repo->name))
			return &m->rules.p[from];
	return NULL;
}

static bool rule_names(const struct oci_rule *r, const char *host)
{
	struct oci_mirror *const *mirror;

	if (!strcmp(r->host, host))
		return true;
	vec_each (&r->mirrors, mirror)
		if (!strcmp((*mirror)->host, host))
			return true;
	return false;
}

void oci_mirrors_each(const struct oci_mirrors *m, const char *host,
	void (*fn)(void *arg, const struct oci_rule *rule), void *arg)
{
	const struct oci_rule *r;

	if (!m)
		return;
	vec_each (&m->rules, r)
		if (rule_names(r, host))
			fn(arg, r);
}

/* The way back of oci_mirror_repo. */
static bool mirror_means(const struct oci_rule *rule, const struct oci_mirror *mirror,
	const struct oci_repo *repo, struct oci_repo *out)
{
	struct oci_repo at = {.insecure = mirror->insecure};
	struct oci_place here, there;
	const char *rest;
	int n;

	if (mirror->layout || !path_fits(mirror->path, repo->name))
		return false;
	memcpy(at.host, mirror->host, sizeof(at.host));
	oci_place_of(&here, repo);
	oci_place_of(&there, &at);
	if (!oci_place_same_host(&here, &there))
		return false;
	rest = repo->name + strlen(mirror->path);
	rest += *rest == '/';
	*out = (struct oci_repo){.insecure = repo->insecure};
	memcpy(out->host, rule->host, sizeof(out->host));
	n = snprintf(out->name, sizeof(out->name), "%s%s%s", rule->path,
		*rule->path && *rest ? "/" : "", rest);
	return n > 0 && n < (int)sizeof(out->name);
}

void oci_mirrors_meant(const struct oci_mirrors *m, const struct oci_repo *repo,
	void (*fn)(void *arg, const struct oci_repo *meant), void *arg)
{
	struct oci_mirror *const *mirror;
	const struct oci_rule *r;
	struct oci_repo meant;

	if (!m)
		return;
	vec_each (&m->rules, r)
		vec_each (&r->mirrors, mirror)
			if (mirror_means(r, *mirror, repo, &meant))
				fn(arg, &meant);
}

int oci_mirror_repo(const struct oci_rule *rule, const struct oci_mirror *mirror,
	const struct oci_repo *repo, struct oci_repo *out)
{
	const char *rest = repo->name + strlen(rule->path);
	int n;

	if (mirror->layout) {
		*out = *repo;
		return 0;
	}
	rest += *rest == '/';
	*out = (struct oci_repo){.insecure = mirror->insecure};
	memcpy(out->host, mirror->host, sizeof(out->host));
	n = snprintf(out->name, sizeof(out->name), "%s%s%s", mirror->path,
		*mirror->path && *rest ? "/" : "", rest);
	return n < (int)sizeof(out->name) ? 0 : -1;
}
