#include "oci/identity.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/sys.h"
#include "base/vec.h"
#include "http/client.h"
#include "oci/ref.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

struct entry {
	char *host; /* labels may be patterns; NULL: every host */
	char *path; /* "" or "/org/app" */
	struct oci_cred cred;
	bool first; /* tried before all others */
};

/* Of a repository, those whose first credentials were refused. */
struct turn {
	char *repo; /* "host/name" */
	unsigned skip; /* so many that match come later */
};

struct oci_identity {
	unsigned refs;
	uint64_t id;
	VEC(struct entry) entries; /* in the order in which they are tried */
	struct http_trust trust;
	struct http_proxy proxy;
	struct oci_login *login;
	char *nothing_in; /* what was given and holds no credentials: "Secret 'apps/x' ..." */
	VEC(struct turn) turns; /* the newest last */
};

struct oci_identity *oci_identity_new(void)
{
	static uint64_t last;
	struct oci_identity *id = NEW(struct oci_identity);

	id->refs = 1;
	id->id = ++last;
	return id;
}

struct oci_identity *oci_identity_ref(struct oci_identity *id)
{
	id->refs++;
	return id;
}

static void cred_clear(struct oci_cred *c)
{
	secret_clear(&c->basic);
	secret_clear(&c->identity_token);
	secret_clear(&c->registry_token);
}

static void entry_clear(struct entry *e)
{
	free(e->host);
	free(e->path);
	cred_clear(&e->cred);
}

void oci_identity_unref(struct oci_identity *id)
{
	struct entry *e;
	struct turn *t;

	if (!id || --id->refs)
		return;
	vec_each (&id->entries, e)
		entry_clear(e);
	vec_clear(&id->entries);
	vec_each (&id->turns, t)
		free(t->repo);
	vec_clear(&id->turns);
	if (id->login)
		id->login->unref(id->login);
	http_trust_clear(&id->trust);
	http_proxy_clear(&id->proxy);
	free(id->nothing_in);
	free(id);
}

uint64_t oci_identity_id(const struct oci_identity *id)
{
	return id->id;
}

struct http_trust *oci_identity_trust(struct oci_identity *id)
{
	return &id->trust;
}

bool oci_identity_goes_aside(const struct oci_identity *id)
{
	return id->proxy.url || id->proxy.none;
}

bool oci_identity_is_plain(const struct oci_identity *id)
{
	const struct http_trust *t = &id->trust;

	return !oci_identity_goes_aside(id) && !t->ca_pem.len && !t->cert_pem.len &&
		!t->key_pem.len && !t->server_name;
}

struct http_proxy *oci_identity_proxy(struct oci_identity *id)
{
	return &id->proxy;
}

const struct http_trust *oci_identity_trust_for(const struct oci_identity *id, bool insecure)
{
	static const struct http_trust unverified = {.insecure = true};

	return insecure && !id->trust.ca_pem.len && !id->trust.cert_pem.len ? &unverified
									    : &id->trust;
}

/* ---- Docker configuration -------------------------------------------------------------------- */

/* Scheme off, Docker's "/v1/" and "/v2/" off, host lower-cased, Docker Hub under its one name. */
static void key_split(const char *key, char **host, char **path)
{
	const char *p = key, *slash;
	size_t n, i;

	if (!strncmp(p, "https://", 8))
		p += 8;
	else if (!strncmp(p, "http://", 7))
		p += 7;
	n = strcspn(p, "/");
	slash = p + n;
	*host = mem_strndup(p, n);
	for (i = 0; i < n; i++)
		if ((*host)[i] >= 'A' && (*host)[i] <= 'Z')
			(*host)[i] = (char)((*host)[i] | 0x20);
	if (!strncmp(slash, "/v1/", 4) || !strncmp(slash, "/v2/", 4))
		slash += 3;
	*path = mem_strdup(strcmp(slash, "/") ? slash : "");
	if (!strcmp(*host, "docker.io") || !strcmp(*host, "registry-1.docker.io")) {
		free(*host);
		*host = mem_strdup(OCI_DOCKER_HUB);
	}
}

/* base64("user:password"), padded or not. */
static int auth_decode(struct secret *out, const char *text, struct err *err)
{
	auto_buf struct buf padded = BUF_INIT(LIMIT_PULL_SECRET + 4),
			    plain = BUF_INIT(LIMIT_PULL_SECRET);
	int rc = -1;

	for (; *text; text++)
		if (!strchr(" \t\r\n", *text)) /* YAML folds long texts */
			buf_addc(&padded, *text);
	while (padded.len % 4 && !buf_addc(&padded, '='))
		;
	if (!base64_decode(&plain, buf_str(&padded), padded.len, BASE64_STD, err)) {
		/* Docker itself pads the decoded form with NUL bytes in some versions. */
		while (plain.len && !plain.p[plain.len - 1])
			plain.len--;
		if (!plain.len || !memchr(plain.p, ':', plain.len))
			err_set(err, ERR_RETRY, "it is not user:password");
		else if (memchr(plain.p, 0, plain.len))
			err_set(err, ERR_RETRY, "it holds a NUL byte");
		else
			rc = 0;
	}
	if (!rc)
		secret_set(out, plain.p, plain.len);
	mem_wipe(plain.p, plain.cap);
	mem_wipe(padded.p, padded.cap);
	return rc;
}

static int cred_read(struct oci_cred *c, const json_t *o, struct err *err)
{
	const char *auth = obj_str(o, "auth"), *user = obj_str(o, "username");
	const char *password = obj_str(o, "password"), *token;

	if (!json_is_object(o))
		return err_set(err, ERR_RETRY, "it is no object");
	if (auth && *auth) {
		if (auth_decode(&c->basic, auth, err))
			return err_wrap(err, "its 'auth' cannot be decoded");
	} else if (user && *user && password) {
		auto_free char *both = mem_printf("%s:%s", user, password);

		secret_set(&c->basic, both, strlen(both));
		mem_wipe(both, strlen(both));
	}
	token = obj_str(o, "identitytoken");
	if (token && *token)
		secret_set(&c->identity_token, token, strlen(token));
	token = obj_str(o, "registrytoken");
	if (token && *token)
		secret_set(&c->registry_token, token, strlen(token));
	return 0;
}

static bool cred_empty(const struct oci_cred *c)
{
	return !c->basic.len && !c->identity_token.len && !c->registry_token.len;
}

/* Those of add_basic, then the last in byte order first; of equal keys, the one that came first. */
static int identity_by_turn(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c;

	if (x->first != y->first)
		return x->first ? -1 : 1;
	if (x->first)
		return x->cred.nth > y->cred.nth ? -1 : 1;
	c = strcmp(y->host, x->host);
	if (!c)
		c = strcmp(y->path, x->path);
	return c ? c : x->cred.nth < y->cred.nth ? -1 : 1;
}

/* Identities stay in memory as long as their Secrets: what a user can make large there is
   bounded. */
static size_t entry_size(const struct entry *e)
{
	return strlen(e->host) + strlen(e->path) + e->cred.basic.len + e->cred.identity_token.len +
		e->cred.registry_token.len;
}

static size_t entries_size(const struct oci_identity *id)
{
	const struct entry *e;
	size_t n = 0;

	vec_each (&id->entries, e)
		n += entry_size(e);
	return n;
}

size_t oci_identity_size(const struct oci_identity *id)
{
	size_t n = sizeof(*id) + id->entries.cap * sizeof(*id->entries.p) + entries_size(id);

	n += id->trust.ca_pem.cap + id->trust.cert_pem.cap + id->trust.key_pem.len;
	if (id->login && id->login->size)
		n += id->login->size(id->login);
	return n + id->proxy.password.len;
}

static int identity_check_room(
	const struct entry *e, size_t *entries, size_t *kept, struct err *err)
{
	++*entries;
	*kept += entry_size(e);
	if (*entries > LIMIT_PULL_SECRET_ENTRIES)
		return err_set(err, ERR_RETRY, "it has credentials for more than %d registries",
			LIMIT_PULL_SECRET_ENTRIES);
	if (*kept > LIMIT_PULL_SECRET_KEPT)
		return err_set(err, ERR_RETRY, "its credentials take more than %llu bytes",
			LIMIT_PULL_SECRET_KEPT);
	return 0;
}

static void identity_add(struct oci_identity *id, struct entry *e)
{
	e->cred.nth = id->entries.len + 1;
	*vec_add(&id->entries) = *e;
}

/* Once for all that were added. */
static void identity_sort(struct oci_identity *id)
{
	if (id->entries.len)
		qsort(id->entries.p, id->entries.len, sizeof(*id->entries.p), identity_by_turn);
}

int oci_identity_add_docker(struct oci_identity *id, const char *data, size_t len,
	enum oci_docker_form form, const char *what, struct err *err)
{
	auto_json json_t *o = NULL;
	struct err hidden = {0}; /* jansson quotes what it read, and that may be a password */
	json_t *map, *v;
	const char *key;
	size_t before = id->entries.len, entries = before, kept = entries_size(id);

	if (len > LIMIT_PULL_SECRET)
		return err_set(
			err, ERR_RETRY, "%s is larger than %llu bytes", what, LIMIT_PULL_SECRET);
	o = obj_parse_within(data, len, &obj_docker, what, &hidden);
	if (hidden.code == -E2BIG) { /* our own words */
		*err = hidden;
		return -1;
	}
	if (!json_is_object(o))
		return err_set(err, ERR_RETRY, "%s is not a JSON object", what);
	map = form == OCI_DOCKER_CFG ? o : obj_get(o, "auths");
	if (!map || json_is_null(map)) {
		oci_identity_note_nothing(id, what, "has no entries with credentials");
		return 0;
	}
	if (!json_is_object(map))
		return err_set(err, ERR_RETRY, "'auths' of %s is not an object", what);
	json_object_foreach (map, key, v) {
		struct entry e = {0};

		if (cred_read(&e.cred, v, err)) {
			cred_clear(&e.cred);
			return err_wrap(err, "%s: entry '%.200s'", what, key);
		}
		if (cred_empty(&e.cred)) {
			cred_clear(&e.cred);
			continue;
		}
		key_split(key, &e.host, &e.path);
		if (identity_check_room(&e, &entries, &kept, err)) {
			entry_clear(&e);
			return err_wrap(err, "%s", what);
		}
		identity_add(id, &e);
	}
	identity_sort(id);
	if (id->entries.len == before)
		oci_identity_note_nothing(id, what, "has no entries with credentials");
	return 0;
}

void oci_identity_note_nothing(struct oci_identity *id, const char *what, const char *why)
{
	if (!id->nothing_in)
		id->nothing_in = mem_printf("%.300s %s", what, why);
}

void oci_identity_add_basic(
	struct oci_identity *id, const char *host, const char *user, const char *password)
{
	auto_free char *both = mem_printf("%s:%s", user, password);
	struct entry e = {.path = mem_strdup(""), .first = true};

	e.host = mem_strdup(host && !strcmp(host, "docker.io") ? OCI_DOCKER_HUB : host);
	secret_set(&e.cred.basic, both, strlen(both));
	mem_wipe(both, strlen(both));
	identity_add(id, &e);
	identity_sort(id);
}

/* ---- matching -------------------------------------------------------------------------------- */

/* As the kubelet: the ports equal, as many labels, each label matched as a pattern. */
static bool host_matches(const char *pattern, const char *host)
{
	const char *p = pattern, *h = host;

	if (!strcmp(p, host))
		return true;
	if (!strpbrk(p, "*?[") || *p == '[')
		return false;
	for (;;) {
		size_t pn = strcspn(p, ".:"), hn = strcspn(h, ".:");
		auto_free char *label = mem_strndup(p, pn), *is = mem_strndup(h, hn);

		if (fnmatch(label, is, 0))
			return false;
		p += pn;
		h += hn;
		if (*p != *h)
			return false;
		if (*p == ':')
			return !strcmp(p, h);
		if (!*p)
			return true;
		p++;
		h++;
	}
}

static bool entry_matches(const struct entry *e, const struct oci_repo *repo)
{
	size_t n = strlen(e->path);

	if (e->host && !host_matches(e->host, repo->host))
		return false;
	return !n || (e->path[0] == '/' && !strncmp(repo->name, e->path + 1, n - 1));
}

/* The nth, from 0, that matches. NULL: there are not so many. */
static const struct oci_cred *cred_nth(
	const struct oci_identity *id, const struct oci_repo *repo, unsigned n)
{
	const struct entry *e;

	vec_each (&id->entries, e)
		if (entry_matches(e, repo) && !n--)
			return &e->cred;
	return NULL;
}

static struct turn *turn_of(const struct oci_identity *id, const struct oci_repo *repo)
{
	size_t n = strlen(repo->host);
	struct turn *t;

	vec_each (&id->turns, t)
		if (!strncmp(t->repo, repo->host, n) && t->repo[n] == '/' &&
			!strcmp(t->repo + n + 1, repo->name))
			return t;
	return NULL;
}

const struct oci_cred *oci_identity_cred(const struct oci_identity *id, const struct oci_repo *repo)
{
	const struct turn *t = turn_of(id, repo);

	return cred_nth(id, repo, t ? t->skip : 0);
}

/* What many repositories would fill is begun again: the first are tried first. */
static struct turn *turn_add(struct oci_identity *id, const struct oci_repo *repo)
{
	struct turn *t;

	if (id->turns.len >= LIMIT_CREDENTIAL_TURNS) {
		free(id->turns.p[0].repo);
		memmove(id->turns.p, id->turns.p + 1, --id->turns.len * sizeof(*id->turns.p));
	}
	t = vec_add(&id->turns);
	*t = (struct turn){mem_printf("%s/%s", repo->host, repo->name), 0};
	return t;
}

bool oci_identity_next(
	struct oci_identity *id, const struct oci_repo *repo, const struct oci_cred *refused)
{
	struct turn *t = turn_of(id, repo);

	if (cred_nth(id, repo, t ? t->skip : 0) != refused)
		return true; /* somebody else has found out already */
	if (!cred_nth(id, repo, 1))
		return false;
	if (!t)
		t = turn_add(id, repo);
	if (++t->skip < LIMIT_CREDENTIALS && cred_nth(id, repo, t->skip))
		return true;
	t->skip = 0;
	return false;
}

void oci_identity_set_login(struct oci_identity *id, struct oci_login *l)
{
	id->login = l;
	l->ref(l);
}

struct oci_login *oci_identity_login(const struct oci_identity *id, const struct oci_repo *repo)
{
	return id->login && !cred_nth(id, repo, 0) ? id->login : NULL;
}

const char *oci_identity_why_not(
	const struct oci_identity *id, const struct oci_repo *repo, char out[OCI_IDENTITY_WHY_MAX])
{
	const struct oci_cred *cred = oci_identity_cred(id, repo);
	size_t n = id->entries.len;

	if (!n)
		snprintf(out, OCI_IDENTITY_WHY_MAX, "no credentials were given%s%s",
			id->nothing_in ? ": " : "", id->nothing_in ? id->nothing_in : "");
	else if (!cred && n == 1)
		snprintf(out, OCI_IDENTITY_WHY_MAX,
			"the one entry of the credentials is for another registry");
	else if (!cred)
		snprintf(out, OCI_IDENTITY_WHY_MAX,
			"none of the %zu entries of the credentials is for it", n);
	else if (cred->identity_token.len || cred->registry_token.len)
		snprintf(out, OCI_IDENTITY_WHY_MAX, "the credentials have only a token for it");
	else
		snprintf(out, OCI_IDENTITY_WHY_MAX, "the credentials for it are empty");
	return out;
}

/* ---- ocictl: the user's own file ------------------------------------------------------------- */

/* Opens the first that exists. */
static int config_open(char path[LIMIT_PATH])
{
	const struct {
		const char *dir, *below;
	} tries[] = {
		{getenv("DOCKER_CONFIG"), "/config.json"},
		{getenv("HOME"), "/.docker/config.json"},
		{getenv("REGISTRY_AUTH_FILE"), ""},
		{getenv("XDG_RUNTIME_DIR"), "/containers/auth.json"},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(tries); i++) {
		int fd;

		if (!tries[i].dir || !*tries[i].dir)
			continue;
		snprintf(path, LIMIT_PATH, "%s%s", tries[i].dir, tries[i].below);
		fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
		if (fd >= 0)
			return fd;
		/* An explicit DOCKER_CONFIG hides the home directory's file, as for docker
		   itself. */
		if (i == 0)
			i++;
	}
	return -1;
}

/*
 * Which helper program keeps the credentials of this host, or NULL. With one store for all hosts,
 * docker leaves an empty entry in "auths" for each host it has logged in to; a host without one is
 * simply anonymous.
 */
static const char *helper_of(const json_t *config, const struct oci_repo *repo)
{
	const char *named = obj_str(config, "credHelpers", repo->host);
	json_t *auths = obj_get(config, "auths"), *v;
	const char *key;

	if (!named && !strcmp(repo->host, OCI_DOCKER_HUB))
		named = obj_str(config, "credHelpers", "docker.io");
	if (named || !obj_str(config, "credsStore"))
		return named;
	json_object_foreach (auths, key, v) {
		auto_free char *host = NULL, *path = NULL;

		key_split(key, &host, &path);
		if (host_matches(host, repo->host))
			return obj_str(config, "credsStore");
	}
	return NULL;
}

int oci_identity_load_docker(struct oci_identity *id, const struct oci_repo *repo, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_PULL_SECRET);
	auto_json json_t *config = NULL;
	struct err hidden = {0};
	char path[LIMIT_PATH];
	auto_fd int fd = config_open(path);
	const char *helper;
	int rc;

	if (fd < 0)
		return 0;
	if (sys_read_file(AT_FDCWD, path, &text, err))
		return -1;
	rc = oci_identity_add_docker(
		id, buf_str(&text), text.len, OCI_DOCKER_CONFIG_JSON, path, err);
	if (!rc)
		config = obj_parse_within(buf_str(&text), text.len, &obj_docker, path, &hidden);
	mem_wipe(text.p, text.cap);
	if (rc)
		return -1;
	helper = helper_of(config, repo);
	if (helper && *helper && !oci_identity_cred(id, repo))
		return err_set(err, ERR_RETRY,
			"'%s' keeps the credentials of '%s' in the program "
			"'docker-credential-%.100s', which is not run here; use --creds",
			path, repo->host, helper);
	return 0;
}
