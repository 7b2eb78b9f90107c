#include "oci/registry.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/lru.h"
#include "base/mem.h"
#include "http/guard.h"
#include "oci/contents.h"
#include "oci/health.h"
#include "oci/host.h"
#include "oci/identity.h"
#include "oci/internal.h"
#include "oci/memo.h"
#include "oci/mirrors.h"
#include "oci/pace.h"
#include "oci/ref.h"
#include "oci/req.h"
#include "oci/token.h"

#include <stdio.h>
#include <string.h>

#define NO_HEAD_MS (3600 * 1000)
#define NO_HEAD_ACCIDENT_MS (300 * 1000)

const char *oci_kind_name(enum oci_kind kind)
{
	static const char *const names[] = {"head", "manifest", "blob", "tags", "token", "push",
		"probe", "revocation", "issuer"};

	return names[kind];
}

/* ---- who is told of hosts -------------------------------------------------------------------- */

struct listener {
	struct list link;
	void (*fn)(void *arg, const char *host);
	void *arg;
};

static struct listener *listener_at(struct list *at)
{
	return CONTAINER_OF(at, struct listener, link);
}

static void listener_free(struct listener *l)
{
	list_out(&l->link);
	free(l);
}

static void tell_host(struct oci_client *c, const char *host)
{
	struct list *at;

	list_each (&c->listeners, at) {
		const struct listener *l = listener_at(at);

		l->fn(l->arg, host);
	}
}

struct telling {
	struct oci_client *c;
	const char *host;
};

static void tell_rule(void *arg, const struct oci_rule *rule)
{
	const struct telling *t = arg;

	if (strcmp(rule->host, t->host))
		tell_host(t->c, rule->host);
}

/* Also those whose mirror it is. */
static void listeners_tell(void *arg, const char *host)
{
	struct telling t = {arg, host};

	tell_host(arg, host);
	oci_mirrors_each(t.c->mirrors, host, tell_rule, &t);
}

void oci_client_on_change(struct oci_client *c, void (*fn)(void *arg, const char *host), void *arg)
{
	struct listener *l = NEW(struct listener);

	l->fn = fn;
	l->arg = arg;
	list_add(&c->listeners, &l->link);
}

void oci_client_off_change(struct oci_client *c, void (*fn)(void *arg, const char *host), void *arg)
{
	struct list *at;

	list_each (&c->listeners, at) {
		struct listener *l = listener_at(at);

		if (l->fn == fn && l->arg == arg) {
			listener_free(l);
			return;
		}
	}
}

/* ---- the client ------------------------------------------------------------------------------ */

/* With nothing of any object's. */
static struct op *registry_probe(void *arg, const struct oci_health_key *key)
{
	struct oci_client *c = arg;
	struct oci_identity *nobody;
	struct oci_repo repo = {.insecure = key->insecure};
	struct op *op;

	if (key->realm) {
		c->stats.requests[OCI_KIND_PROBE]++;
		return oci_token_probe(c->tokens, key);
	}
	snprintf(repo.host, sizeof(repo.host), "%s", key->host);
	nobody = oci_identity_new();
	op = oci_req_start(c,
		&(struct oci_req){.target = {&repo, nobody, LIMIT_PROBE_MS},
			.kind = OCI_KIND_PROBE,
			.method = "GET",
			.path = "/v2/",
			.what = "probe",
			.max_body = LIMIT_ERROR_BODY,
			.probe = true});
	oci_identity_unref(nobody);
	return op;
}

struct oci_client *oci_client_new(struct loop *l, struct http_client *http)
{
	struct oci_client *c = NEW(struct oci_client);

	c->loop = l;
	c->http = http;
	http_guard_init(&c->guard);
	c->health = oci_health_new(l, &c->stats.refused);
	oci_health_probe_with(c->health, registry_probe, c);
	list_init(&c->listeners);
	oci_health_on_change(c->health, listeners_tell, c);
	oci_hosts_init(&c->hosts);
	oci_paces_init(&c->paces);
	c->memos = oci_memos_new();
	c->contents = oci_contents_new();
	c->tokens = oci_tokens_new(
		l, http, &c->guard, c->health, &c->stats.requests[OCI_KIND_TOKEN], &c->tally);
	return c;
}

void oci_client_stop(struct oci_client *c)
{
	oci_health_stop(c->health);
	oci_tokens_stop(c->tokens);
}

void oci_client_once(struct oci_client *c)
{
	oci_health_off(c->health);
	c->once = true;
}

void oci_client_free(struct oci_client *c)
{
	if (!c)
		return;
	oci_tokens_free(c->tokens);
	lru_clear(&c->hosts);
	lru_clear(&c->paces);
	map_clear(&c->heads);
	map_clear(&c->blobs);
	oci_memos_free(c->memos);
	oci_contents_free(c->contents);
	oci_mirrors_free(c->mirrors);
	oci_health_free(c->health);
	while (!list_empty(&c->listeners))
		listener_free(listener_at(c->listeners.next));
	http_guard_clear(&c->guard);
	oci_tally_clear(&c->tally);
	free(c);
}

void oci_client_own_address(struct oci_client *c, const char *address)
{
	http_guard_own_address(&c->guard, address);
}

void oci_client_own_host(struct oci_client *c, const char *host)
{
	http_guard_own_host(&c->guard, host);
}

int oci_client_allow(struct oci_client *c, const char *networks, struct err *err)
{
	return ip_nets_add(&c->guard.allowed, networks, err);
}

const struct http_guard *oci_client_guard(const struct oci_client *c)
{
	return &c->guard;
}

void oci_client_stats(const struct oci_client *c, struct oci_stats *out)
{
	*out = c->stats;
}

struct oci_stats *oci_client_counters(struct oci_client *c)
{
	return &c->stats;
}

struct loop *oci_client_loop(struct oci_client *c)
{
	return c->loop;
}

void oci_client_use_account(struct oci_client *c, struct account *account)
{
	c->account = account;
}

struct account *oci_client_account(struct oci_client *c)
{
	return c->account;
}

bool oci_client_no_head(struct oci_client *c, const struct oci_target *target)
{
	return clock_ms() < oci_host_get(&c->hosts, target)->no_head_until;
}

/* All objects at that host pay for it, and where pulls are counted a GET is one: what may have been
   an accident is soon forgotten. */
void oci_client_head_refused(struct oci_client *c, const struct oci_target *target, int status)
{
	bool accident = status >= 500 && status != 501;

	if (status == 404) /* the tag came between the two requests */
		return;
	oci_host_get(&c->hosts, target)->no_head_until =
		clock_ms() + (accident ? NO_HEAD_ACCIDENT_MS : NO_HEAD_MS);
}

void oci_client_use_mirrors(struct oci_client *c, struct oci_mirrors *mirrors)
{
	oci_mirrors_free(c->mirrors);
	c->mirrors = mirrors;
}

const struct oci_mirrors *oci_client_mirrors(const struct oci_client *c)
{
	return c->mirrors;
}

/* ---- how its host stands, mirrors included --------------------------------------------------- */

struct standing {
	struct oci_client *c;
	const struct oci_repo *repo; /* its host only */
	bool proven, up; /* so far */
};

static enum oci_host_state state_at(struct oci_client *c, const char *host, bool insecure)
{
	struct oci_health_key key = {.host = host, .insecure = insecure};

	return oci_health_state(c->health, &key);
}

/* A layout has nobody who could be silent. */
static enum oci_host_state state_of_mirror(struct oci_client *c, const struct oci_mirror *m)
{
	return m->layout ? OCI_HOST_UP : state_at(c, m->host, m->insecure);
}

/* The first that is not down will be asked; with all down everything fails at once. */
static void standing_of_rule(void *arg, const struct oci_rule *rule)
{
	struct standing *s = arg;
	enum oci_host_state state = OCI_HOST_DOWN;
	struct oci_mirror *const *m;

	if (strcmp(rule->host, s->repo->host))
		return;
	vec_each (&rule->mirrors, m)
		if (state == OCI_HOST_DOWN)
			state = state_of_mirror(s->c, *m);
	if (state == OCI_HOST_DOWN && rule->fallback)
		state = state_at(s->c, s->repo->host, s->repo->insecure);
	s->proven = s->proven && state != OCI_HOST_UNPROVEN;
	s->up = s->up || state == OCI_HOST_UP;
}

/* Only the host is known here: each rule of its counts, and the host itself when none is for the
   whole of it. */
static struct standing standing_of(struct oci_client *c, const struct oci_repo *repo)
{
	struct standing s = {c, repo, true, false};
	struct oci_repo whole = {.name = ""};
	enum oci_host_state state;

	memcpy(whole.host, repo->host, sizeof(whole.host));
	oci_mirrors_each(c->mirrors, repo->host, standing_of_rule, &s);
	if (!oci_mirrors_find(c->mirrors, &whole)) {
		state = state_at(c, repo->host, repo->insecure);
		s.proven = s.proven && state != OCI_HOST_UNPROVEN;
		s.up = s.up || state == OCI_HOST_UP;
	}
	return s;
}

bool oci_client_is_proven(struct oci_client *c, const struct oci_repo *repo)
{
	return standing_of(c, repo).proven;
}

bool oci_client_is_up(struct oci_client *c, const struct oci_repo *repo)
{
	return standing_of(c, repo).up;
}

void oci_client_each_request(const struct oci_client *c,
	void (*fn)(void *arg, enum oci_kind kind, const char *host, const char *code, uint64_t n),
	void *arg)
{
	oci_tally_each(&c->tally, fn, arg);
}

void oci_client_each_rate(const struct oci_client *c,
	void (*fn)(void *arg, const char *host, uint64_t remaining), void *arg)
{
	oci_paces_each(&c->paces, fn, arg);
}

void oci_client_each_host(
	struct oci_client *c, void (*fn)(void *arg, const struct oci_host_info *info), void *arg)
{
	oci_health_each(c->health, fn, arg);
}
