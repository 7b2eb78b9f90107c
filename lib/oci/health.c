#include "oci/health.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/lru.h"
#include "base/mem.h"
#include "crypto/rand.h"
#include "ev/op.h"
#include "ev/timer.h"
#include "http/url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FAILURES 3 /* in a row, until we ask a host ourselves that was up */
#define PROBE_MIN_MS 1000
/* With a fifth more and the probe's own time: less than the minute that the message promises. */
#define PROBE_MAX_MS 40000
#define REASON_MAX 256

struct oci_health {
	struct loop *loop;
	struct lru hosts, holds;
	uint64_t *refused;
	bool off, stopped;
	struct op *(*probe)(void *arg, const struct oci_health_key *key);
	void *probe_arg;
	unsigned probes; /* on their way */
	void (*on_change)(void *arg, const char *host);
	void *arg;
};

struct oci_health_host {
	struct lru_item item;
	struct oci_health *health;
	char *registry;
	char *realm; /* of a token server, or NULL */
	char *name; /* in messages: the token server's, or the registry's */
	bool insecure;
	struct http_hop hop; /* to the realm */
	enum oci_host_state state;
	unsigned failures; /* in a row */
	bool ailing; /* who asked again did so in vain */
	unsigned passes;
	struct op *probe; /* on its way */
	uint64_t probe_since_ms;
	struct timer timer; /* for the next one: set once somebody was refused */
	uint64_t probe_at_ms; /* on clock_ms(): not before */
	uint64_t pause_ms;
	int code; /* of the last failure */
	char reason[REASON_MAX];
	struct defer tell;
};

/* What an identity was told, and until when. */
struct hold {
	struct lru_item item;
	uint64_t until_ms; /* on clock_ms() */
	struct err err;
};

/* ---- records --------------------------------------------------------------------------------- */

static struct oci_health_host *health_host_of(struct lru_item *it)
{
	return CONTAINER_OF(it, struct oci_health_host, item);
}

static bool health_host_busy(const struct lru_item *it)
{
	const struct oci_health_host *h = CONTAINER_OF(it, const struct oci_health_host, item);

	return h->passes || h->probe;
}

static void health_host_free(struct lru_item *it)
{
	struct oci_health_host *h = health_host_of(it);

	BUG_IF(h->passes || h->probe);
	defer_cancel(h->health->loop, &h->tell);
	timer_cancel(&h->timer);
	free(h->registry);
	free(h->realm);
	free(h->name);
	free(h);
}

static void hold_free(struct lru_item *it)
{
	free(CONTAINER_OF(it, struct hold, item));
}

struct oci_health *oci_health_new(struct loop *l, uint64_t *refused)
{
	struct oci_health *h = NEW(struct oci_health);

	h->loop = l;
	h->refused = refused;
	lru_init(&h->hosts, LIMIT_REGISTRY_HOSTS, health_host_busy, health_host_free);
	lru_init(&h->holds, LIMIT_REGISTRY_HOSTS, NULL, hold_free);
	return h;
}

void oci_health_free(struct oci_health *h)
{
	if (!h)
		return;
	lru_clear(&h->hosts);
	lru_clear(&h->holds);
	free(h);
}

void oci_health_off(struct oci_health *h)
{
	h->off = true;
}

void oci_health_probe_with(struct oci_health *h,
	struct op *(*fn)(void *arg, const struct oci_health_key *key), void *arg)
{
	h->probe = fn;
	h->probe_arg = arg;
}

/* Neither a host nor a realm holds a line feed. */
static char *key_text(const struct oci_health_key *key)
{
	return mem_printf("%s\n%d\n%s\n%d", key->host, key->insecure, key->realm ? key->realm : "",
		key->hop.from);
}

/* Only its host: the path may hold a secret. */
static char *server_name(const char *realm)
{
	auto_buf struct buf host = BUF_INIT(LIMIT_URL);
	auto_url struct url u = {0};
	struct err ignored = {0}; /* the request will say it */

	if (!url_parse(&u, realm, &ignored))
		url_authority(&u, &host);
	return buf_take(&host);
}

static void probe_due(void *arg);

static struct oci_health_host *health_host_find(
	struct oci_health *h, const struct oci_health_key *key)
{
	auto_free char *text = key_text(key);
	struct lru_item *it = lru_get(&h->hosts, text);

	return it ? health_host_of(it) : NULL;
}

static struct oci_health_host *health_host_get(
	struct oci_health *h, const struct oci_health_key *key)
{
	struct oci_health_host *host = health_host_find(h, key);
	auto_free char *text = NULL;

	if (host)
		return host;
	text = key_text(key);
	host = NEW(struct oci_health_host);
	host->health = h;
	host->registry = mem_strdup(key->host);
	host->realm = key->realm ? mem_strdup(key->realm) : NULL;
	host->name = key->realm ? server_name(key->realm) : mem_strdup(key->host);
	host->insecure = key->insecure;
	host->hop = key->hop;
	timer_init(&host->timer, h->loop, probe_due, host);
	lru_add(&h->hosts, text, &host->item);
	return host;
}

static void health_tell(void *arg)
{
	struct oci_health_host *h = arg;

	if (h->health->on_change)
		h->health->on_change(h->health->arg, h->registry);
}

static void health_become(struct oci_health_host *h, enum oci_host_state state)
{
	bool back = h->state == OCI_HOST_DOWN;

	if (h->state == state)
		return;
	h->state = state;
	if (!h->realm || back)
		defer_queue(h->health->loop, &h->tell, health_tell, h);
}

/* Four fifths to six fifths, so that hosts which went down together are not asked together. */
static uint64_t health_jitter(uint64_t ms)
{
	uint32_t r;

	rand_bytes(&r, sizeof(r));
	return ms * (800 + r % 401) / 1000;
}

static void pause_begin(struct oci_health_host *h)
{
	h->probe_at_ms = clock_ms() + health_jitter(h->pause_ms);
	h->pause_ms = h->pause_ms * 2 < PROBE_MAX_MS ? h->pause_ms * 2 : PROBE_MAX_MS;
}

/* The HTTP client's messages are "METHOD 'URL': what". The URL is another object's, the reason is
   everybody's. */
static void health_go_down(struct oci_health_host *h, const struct err *err)
{
	const char *what = strstr(err->msg, "': ");

	h->code = err->code;
	if (err->code == -ETIMEDOUT)
		what = "no answer in time";
	else
		what = what ? what + 3 : err->msg;
	snprintf(h->reason, sizeof(h->reason), "%.*s", REASON_MAX - 1, what);
	if (h->state != OCI_HOST_DOWN)
		h->pause_ms = PROBE_MIN_MS;
	health_become(h, OCI_HOST_DOWN);
}

static void health_answered(struct oci_health_host *h)
{
	h->failures = 0;
	timer_cancel(&h->timer);
	health_become(h, OCI_HOST_UP);
}

/* Does it say something about the host? Not when our own descriptors or memory ran out, or when it
   was we who did not want to connect there, or wait. */
static bool health_is_evidence(const struct err *err)
{
	switch (err->code) {
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -ENOBUFS:
	case -EADDRNOTAVAIL:
	case -EPERM:
		return false;
	default:
		return err->kind == ERR_RETRY;
	}
}

/* ---- probes of our own ----------------------------------------------------------------------- */

/* A host that is up stays so if somebody was answered meanwhile. */
static void probe_done(struct op *op, void *arg)
{
	struct oci_health_host *h = arg;
	struct err err = op->err;

	h->probe = NULL;
	h->health->probes--;
	op_free(op);
	if (err.kind == ERR_NONE)
		health_answered(h);
	else if (health_is_evidence(&err) && (h->state == OCI_HOST_DOWN || h->failures >= FAILURES))
		health_go_down(h, &err);
	if (h->state == OCI_HOST_DOWN)
		pause_begin(h);
}

/* Hosts that hang must not keep the others from being asked. */
static void health_make_room(struct oci_health *h)
{
	struct oci_health_host *oldest = NULL;
	struct lru_item *it;

	if (h->probes < LIMIT_PROBES)
		return;
	lru_each (&h->hosts, it) {
		struct oci_health_host *at = health_host_of(it);

		if (at->probe && !at->probe->cancelled &&
			(!oldest || at->probe_since_ms < oldest->probe_since_ms))
			oldest = at;
	}
	if (oldest && clock_ms() - oldest->probe_since_ms >= PROBE_MIN_MS)
		op_cancel(oldest->probe);
}

/* False: there is no room, or one is on its way. */
static bool probe_start(struct oci_health_host *h)
{
	struct oci_health_key key = {h->registry, h->insecure, h->realm, h->hop};

	if (h->probe || h->health->stopped)
		return false;
	health_make_room(h->health);
	if (h->health->probes >= LIMIT_PROBES)
		return false;
	h->health->probes++;
	h->probe_since_ms = clock_ms();
	h->probe = h->health->probe(h->health->probe_arg, &key);
	op_then(h->probe, probe_done, h);
	return true;
}

static void probe_due(void *arg)
{
	struct oci_health_host *h = arg;

	if (!probe_start(h) && !h->probe && !h->health->stopped)
		timer_set(&h->timer, health_jitter(PROBE_MIN_MS));
}

/* A second at least: who was refused has told of it by then, and can be called back. */
static void probe_later(struct oci_health_host *h)
{
	uint64_t now = clock_ms(), least = health_jitter(PROBE_MIN_MS);

	if (h->probe || timer_is_set(&h->timer) || h->health->stopped)
		return;
	timer_set(&h->timer, h->probe_at_ms > now + least ? h->probe_at_ms - now : least);
}

void oci_health_stop(struct oci_health *h)
{
	struct lru_item *it;

	h->stopped = true;
	lru_each (&h->hosts, it) {
		timer_cancel(&health_host_of(it)->timer);
		if (health_host_of(it)->probe)
			op_cancel(health_host_of(it)->probe);
	}
}

/* ---- passes ---------------------------------------------------------------------------------- */

static int health_say_down(const struct oci_health_host *h, struct err *err)
{
	return err_code(err, ERR_RETRY, h->code,
		"the %s '%s' does not answer (%s); it is tried again at least once a minute",
		h->realm ? "token server" : "registry", h->name, h->reason);
}

int oci_pass_take(struct oci_health *h, const struct oci_health_key *key, bool aside,
	struct oci_pass *pass, struct err *err)
{
	struct oci_health_host *host = health_host_get(h, key);

	BUG_IF(pass->host);
	if (host->state == OCI_HOST_DOWN && !aside) {
		++*h->refused;
		probe_later(host);
		return health_say_down(host, err);
	}
	*pass = (struct oci_pass){.host = host, .since_ms = clock_ms(), .aside = aside};
	host->passes++;
	return 0;
}

void oci_pass_answered(struct oci_pass *pass)
{
	if (!pass->host || pass->answered)
		return;
	pass->answered = true;
	if (!pass->aside || pass->host->state == OCI_HOST_UNPROVEN)
		health_answered(pass->host);
}

void oci_pass_failed(struct oci_pass *pass, struct err *err)
{
	struct oci_health_host *h = pass->host;

	if (!h || pass->answered || pass->aside || h->health->off || !health_is_evidence(err))
		return;
	if (h->state == OCI_HOST_DOWN)
		return;
	if (h->state == OCI_HOST_UP) {
		if (++h->failures >= FAILURES)
			(void)probe_start(h);
		return;
	}
	/* Nobody waited long enough. */
	if (err->code == -ETIMEDOUT && clock_ms() - pass->since_ms < LIMIT_SILENCE_MS)
		return;
	health_go_down(h, err);
	pause_begin(h);
	(void)health_say_down(h, err);
}

bool oci_pass_may_repeat(const struct oci_pass *pass)
{
	return pass->host && !pass->host->ailing;
}

void oci_pass_well(struct oci_pass *pass, bool well)
{
	if (pass->host && !pass->aside)
		pass->host->ailing = !well;
}

void oci_pass_release(struct oci_pass *pass)
{
	if (!pass->host)
		return;
	pass->host->passes--;
	pass->host = NULL;
}

/* ---- not before ------------------------------------------------------------------------------ */

/* What a token server says about one path it means for all of itself. */
static char *hold_key(const struct oci_health_key *key, uint64_t identity)
{
	auto_free char *server = key->realm ? server_name(key->realm) : NULL;

	return mem_printf("%s\n%d\n%s\n%llu", key->host, key->insecure, server ? server : "",
		(unsigned long long)identity);
}

static struct hold *hold_find(
	struct oci_health *h, const struct oci_health_key *key, uint64_t identity)
{
	auto_free char *text = hold_key(key, identity);
	struct lru_item *it = lru_get(&h->holds, text);

	return it ? CONTAINER_OF(it, struct hold, item) : NULL;
}

int oci_health_held(
	struct oci_health *h, const struct oci_health_key *key, uint64_t identity, struct err *err)
{
	struct hold *hold = hold_find(h, key, identity);
	uint64_t now = clock_ms();

	if (!hold)
		return 0;
	if (now >= hold->until_ms) {
		lru_drop(&h->holds, &hold->item);
		return 0;
	}
	++*h->refused;
	*err = hold->err;
	err->kind = ERR_HELD;
	err->retry_ms = hold->until_ms - now;
	return -1;
}

void oci_health_hold(struct oci_health *h, const struct oci_health_key *key, uint64_t identity,
	const struct err *err)
{
	struct hold *hold;

	if (err->kind != ERR_WAIT || !err->retry_ms)
		return;
	hold = hold_find(h, key, identity);
	if (!hold) {
		auto_free char *text = hold_key(key, identity);

		hold = NEW(struct hold);
		lru_add(&h->holds, text, &hold->item);
	}
	hold->err = *err;
	hold->until_ms = clock_ms() + err->retry_ms;
}

/* ---- who looks ------------------------------------------------------------------------------- */

enum oci_host_state oci_health_state(struct oci_health *h, const struct oci_health_key *key)
{
	const struct oci_health_host *host = health_host_find(h, key);

	return host ? host->state : OCI_HOST_UNPROVEN;
}

void oci_health_on_change(struct oci_health *h, void (*fn)(void *arg, const char *host), void *arg)
{
	h->on_change = fn;
	h->arg = arg;
}

void oci_health_each(
	struct oci_health *h, void (*fn)(void *arg, const struct oci_host_info *info), void *arg)
{
	struct lru_item *it = lru_newest(&h->hosts);
	size_t n;

	for (n = 0; it && n < LIMIT_REGISTRY_HOSTS; n++, it = lru_older(&h->hosts, it)) {
		const struct oci_health_host *at = health_host_of(it);

		if (at->realm)
			continue;
		fn(arg,
			&(struct oci_host_info){.host = at->name,
				.role = at->insecure ? "registry-insecure" : "registry",
				.proven = at->state != OCI_HOST_UNPROVEN,
				.up = at->state == OCI_HOST_UP,
				.in_flight = at->passes});
	}
}
