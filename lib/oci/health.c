#include "oci/health.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/lru.h"
#include "base/mem.h"
#include "crypto/rand.h"
#include "ev/loop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FAILURES 3 /* in a row, until a host that was up is down */
#define PROBE_MIN_MS 1000
#define PROBE_MAX_MS 60000
#define REASON_MAX 256

struct oci_health {
	struct loop *loop;
	struct lru hosts, holds;
	uint64_t *refused;
	bool off;
	void (*on_change)(void *arg, const char *host);
	void *arg;
};

/* Who may try whether a host that is down is back. */
struct probe {
	bool busy;
	uint64_t at_ms; /* not before, on clock_ms() */
	uint64_t pause_ms;
};

struct oci_health_host {
	struct lru_item item;
	struct oci_health *health;
	char *name;
	bool insecure, token;
	enum oci_host_state state;
	unsigned failures; /* in a row */
	bool ailing; /* who asked again did so in vain */
	unsigned passes;
	struct probe probes[2]; /* of requests with time to wait, of brief ones */
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

/* ---- records ------------------------------------------------------------------------------------------------------- */

static struct oci_health_host *host_of(struct lru_item *it)
{
	return CONTAINER_OF(it, struct oci_health_host, item);
}

static bool host_busy(const struct lru_item *it)
{
	return CONTAINER_OF(it, const struct oci_health_host, item)->passes;
}

static void host_free(struct lru_item *it)
{
	struct oci_health_host *h = host_of(it);

	BUG_IF(h->passes);
	defer_cancel(h->health->loop, &h->tell);
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
	lru_init(&h->hosts, LIMIT_REGISTRY_HOSTS, host_busy, host_free);
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

static char *key_text(const struct oci_health_key *key)
{
	return mem_printf("%s|%d|%d", key->host, key->insecure, key->token);
}

static struct oci_health_host *host_find(struct oci_health *h, const struct oci_health_key *key)
{
	auto_free char *text = key_text(key);
	struct lru_item *it = lru_get(&h->hosts, text);

	return it ? host_of(it) : NULL;
}

static struct oci_health_host *host_get(struct oci_health *h, const struct oci_health_key *key)
{
	struct oci_health_host *host = host_find(h, key);
	auto_free char *text = NULL;

	if (host)
		return host;
	text = key_text(key);
	host = NEW(struct oci_health_host);
	host->health = h;
	host->name = mem_strdup(key->host);
	host->insecure = key->insecure;
	host->token = key->token;
	lru_add(&h->hosts, text, &host->item);
	return host;
}

static void tell(void *arg)
{
	struct oci_health_host *h = arg;

	if (h->health->on_change)
		h->health->on_change(h->health->arg, h->name);
}

static void become(struct oci_health_host *h, enum oci_host_state state)
{
	if (h->state == state)
		return;
	h->state = state;
	if (!h->token)
		defer_queue(h->health->loop, &h->tell, tell, h);
}

/* ---- passes -------------------------------------------------------------------------------------------------------- */

/* Four fifths to six fifths, so that hosts which went down together are not asked together. */
static uint64_t jitter(uint64_t ms)
{
	uint32_t r;

	rand_bytes(&r, sizeof(r));
	return ms * (800 + r % 401) / 1000;
}

static void probe_later(struct probe *p)
{
	p->at_ms = clock_ms() + jitter(p->pause_ms);
	p->pause_ms = p->pause_ms * 2 < PROBE_MAX_MS ? p->pause_ms * 2 : PROBE_MAX_MS;
}

static int down(const struct oci_health_host *h, struct err *err)
{
	return err_code(err, ERR_RETRY, h->code,
		"the %s '%s' does not answer (%s); it is tried again at most every %d s",
		h->token ? "token server" : "registry", h->name, h->reason, PROBE_MAX_MS / 1000);
}

int oci_pass_take(struct oci_health *h, const struct oci_health_key *key, uint64_t timeout_ms,
	struct oci_pass *pass, struct err *err)
{
	struct oci_health_host *host = host_get(h, key);
	bool brief = timeout_ms < LIMIT_SILENCE_MS;
	struct probe *p = &host->probes[brief];

	BUG_IF(pass->host);
	if (host->state == OCI_HOST_DOWN && (p->busy || clock_ms() < p->at_ms)) {
		++*h->refused;
		return down(host, err);
	}
	*pass = (struct oci_pass){.host = host,
		.since_ms = clock_ms(),
		.probe = host->state == OCI_HOST_DOWN,
		.brief = brief};
	if (pass->probe)
		p->busy = true;
	host->passes++;
	return 0;
}

static void probe_end(struct oci_pass *pass)
{
	if (pass->probe)
		pass->host->probes[pass->brief].busy = false;
	pass->probe = false;
}

void oci_pass_answered(struct oci_pass *pass)
{
	if (!pass->host || pass->answered)
		return;
	pass->answered = true;
	pass->host->failures = 0;
	probe_end(pass);
	become(pass->host, OCI_HOST_UP);
}

/* Does it say something about the host? Not when our own descriptors or memory ran out, nor when
   nobody waited long enough. */
static bool evidence(const struct oci_pass *pass, const struct err *err)
{
	switch (err->code) {
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -ENOBUFS:
	case -EADDRNOTAVAIL:
		return false;
	case -ETIMEDOUT:
		return clock_ms() - pass->since_ms >= LIMIT_SILENCE_MS;
	default:
		return err->kind == ERR_RETRY;
	}
}

/* The HTTP client's messages are "METHOD 'URL': what". The URL is another object's, the reason is
   everybody's. */
static void remember(struct oci_health_host *h, const struct err *err)
{
	const char *what = strstr(err->msg, "': ");

	h->code = err->code;
	if (err->code == -ETIMEDOUT)
		what = "no answer in time";
	else
		what = what ? what + 3 : err->msg;
	snprintf(h->reason, sizeof(h->reason), "%.*s", REASON_MAX - 1, what);
}

static void go_down(struct oci_health_host *h)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(h->probes); i++) {
		h->probes[i].pause_ms = PROBE_MIN_MS;
		probe_later(&h->probes[i]);
	}
	become(h, OCI_HOST_DOWN);
}

void oci_pass_failed(struct oci_pass *pass, struct err *err)
{
	struct oci_health_host *h = pass->host;
	bool probe = pass->probe;

	if (!h || pass->answered || h->health->off)
		return;
	/* It was we who did not want to connect there. */
	if (err->code == -EPERM)
		return;
	if (probe)
		probe_later(&h->probes[pass->brief]);
	probe_end(pass);
	if (!evidence(pass, err))
		return;
	if (h->state == OCI_HOST_DOWN && !probe)
		return;
	remember(h, err);
	if (h->state == OCI_HOST_UP && ++h->failures < FAILURES)
		return;
	if (h->state != OCI_HOST_DOWN)
		go_down(h);
	(void)down(h, err);
}

bool oci_pass_may_repeat(const struct oci_pass *pass)
{
	return pass->host && !pass->probe && !pass->host->ailing;
}

void oci_pass_well(struct oci_pass *pass, bool well)
{
	if (pass->host)
		pass->host->ailing = !well;
}

void oci_pass_release(struct oci_pass *pass)
{
	if (!pass->host)
		return;
	probe_end(pass);
	pass->host->passes--;
	pass->host = NULL;
}

/* ---- not before ---------------------------------------------------------------------------------------------------- */

static char *hold_key(const struct oci_health_key *key, uint64_t identity)
{
	return mem_printf("%s|%d|%d|%llu", key->host, key->insecure, key->token,
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

/* ---- who looks ----------------------------------------------------------------------------------------------------- */

enum oci_host_state oci_health_state(struct oci_health *h, const struct oci_health_key *key)
{
	const struct oci_health_host *host = host_find(h, key);

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
	static const char *const roles[2][2] = {
		{"registry", "registry-insecure"}, {"token", "token-insecure"}};
	struct lru_item *it = h->hosts.newest;
	size_t n;

	for (n = 0; it && n < LIMIT_REGISTRY_HOSTS; n++, it = it->older) {
		const struct oci_health_host *at = host_of(it);

		fn(arg,
			&(struct oci_host_info){.host = at->name,
				.role = roles[at->token][at->insecure],
				.proven = at->state != OCI_HOST_UNPROVEN,
				.up = at->state == OCI_HOST_UP,
				.in_flight = at->passes});
	}
}
