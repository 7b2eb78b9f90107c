#include "oci/route.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "ev/op.h"
#include "oci/head.h"
#include "oci/internal.h"
#include "oci/mirrors.h"
#include "oci/pace.h"

#include <string.h>

#define TOLD_MAX 600 /* bytes of the words of all mirrors together */
#define NAME_MAX_SHOWN 100 /* of a mirror's own name */

static void hop_add(struct oci_route *r, const struct oci_rule *rule, struct oci_mirror *m)
{
	struct http_hop_to hop = {.mirror = oci_mirror_ref(m)};

	if (oci_mirror_repo(rule, m, r->target.repo, &hop.repo))
		oci_mirror_unref(m);
	else
		*vec_add(&r->hops) = hop;
}

void oci_route_init(struct oci_route *r, struct oci_client *c, const struct oci_target *target)
{
	const struct oci_rule *rule = oci_mirrors_find(c->mirrors, target->repo);
	struct oci_mirror *const *m;

	*r = (struct oci_route){.client = c,
		.told = BUF_INIT(TOLD_MAX + LIMIT_MIRRORS_OF_RULE * (NAME_MAX_SHOWN + 50))};
	oci_target_init(&r->target, target);
	if (!r->target.timeout_ms || r->target.timeout_ms > LIMIT_REQUEST_MS)
		r->target.timeout_ms = LIMIT_REQUEST_MS;
	if (rule)
		vec_each (&rule->mirrors, m)
			hop_add(r, rule, *m);
	if (!rule || rule->fallback)
		*vec_add(&r->hops) = (struct http_hop_to){*target->repo, NULL};
}

void oci_route_clear(struct oci_route *r)
{
	struct http_hop_to *hop;

	vec_each (&r->hops, hop)
		oci_mirror_unref(hop->mirror);
	vec_clear(&r->hops);
	buf_clear(&r->told);
	oci_target_clear(&r->target);
	*r = (struct oci_route){0};
}

const struct oci_repo *oci_route_repo(const struct oci_route *r)
{
	return r->hops.len ? &r->hops.p[r->at].repo : r->target.repo;
}

bool oci_route_has_next(const struct oci_route *r)
{
	return r->at + 1 < r->hops.len;
}

/* Half of what is left, when somebody stands behind. */
static uint64_t route_ms(const struct oci_route *r)
{
	uint64_t gone = clock_ms() - r->since_ms, all = r->target.timeout_ms;
	uint64_t left = gone < all ? all - gone : 1;

	return oci_route_has_next(r) ? left / 2 + 1 : left;
}

/* NULL: it is the registry itself that is asked now, or nobody. */
static struct oci_mirror *route_mirror(const struct oci_route *r)
{
	return r->hops.len ? r->hops.p[r->at].mirror : NULL;
}

struct oci_target oci_route_target(const struct oci_route *r)
{
	return (struct oci_target){oci_route_repo(r), r->target.identity, route_ms(r),
		route_mirror(r), r->target.patient};
}

/* Nobody may be asked: other rules may come. */
static struct op *route_leads_nowhere(const struct oci_route *r)
{
	char repo[OCI_REPO_TEXT_MAX];
	struct err err = {0};

	err_set(&err, ERR_RETRY, "the name of '%s' is too long for its mirrors",
		oci_repo_format(r->target.repo, repo));
	return op_failed(r->client->loop, &err);
}

static struct oci_target route_begin(struct oci_route *r)
{
	struct oci_target to;

	if (!r->going_on)
		r->since_ms = clock_ms();
	r->going_on = false;
	to = oci_route_target(r);
	r->waits = r->target.patient;
	r->target.patient = false;
	if (to.mirror)
		r->client->stats.mirror_asked++;
	return to;
}

struct op *oci_route_ask(struct oci_route *r, const struct oci_req *req)
{
	struct oci_req to = *req;

	if (!r->hops.len)
		return route_leads_nowhere(r);
	to.target = route_begin(r);
	return oci_req_start(r->client, &to);
}

struct op *oci_route_ask_tag(struct oci_route *r, const char *tag)
{
	struct oci_target to;

	if (!r->hops.len)
		return route_leads_nowhere(r);
	to = route_begin(r);
	return oci_head_start(r->client, &to, tag);
}

/* It stands in a condition: each time the same words for the same failure. */
static void route_tell(struct oci_route *r, const struct oci_mirror *m, const struct err *err)
{
	size_t n = utf8_cut(err->msg, strlen(err->msg), TOLD_MAX / r->hops.len);

	buf_addf(&r->told, "; before that its mirror '%.*s' did not help: %.*s", NAME_MAX_SHOWN,
		oci_mirror_name(m), (int)n, err->msg);
}

/* The user knows neither the mirrors nor what the repository is called there. */
static void route_explain(struct oci_route *r, struct err *err)
{
	char repo[OCI_REPO_TEXT_MAX];

	if (route_mirror(r))
		err_append(err, " (asked as a mirror of '%.300s')",
			oci_repo_format(r->target.repo, repo));
	if (r->told.len)
		err_append(err, "%s", buf_str(&r->told));
}

static bool route_move(struct oci_route *r, struct err *err)
{
	if (!oci_route_has_next(r)) {
		route_explain(r, err);
		return false;
	}
	route_tell(r, route_mirror(r), err);
	r->at++;
	r->going_on = true;
	return true;
}

bool oci_route_next(struct oci_route *r, const struct log_ctx *log, struct err *err)
{
	if (err->kind == ERR_CANCELED || (err->code == OCI_PACED && r->waits))
		return false;
	if (route_mirror(r)) {
		r->client->stats.mirror_failed++;
		oci_mirror_log(route_mirror(r), log, err);
	}
	return route_move(r, err);
}

bool oci_route_lied(struct oci_route *r, const struct log_ctx *log, struct err *err)
{
	if (err->kind == ERR_CANCELED)
		return false;
	if (route_mirror(r)) {
		r->client->stats.mirror_lied++;
		log_error(log, "a mirror sends other content than was asked for",
			LS("mirror", oci_mirror_name(route_mirror(r))), LE(err));
	}
	return route_move(r, err);
}
