#include "oci/head.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ev/flight.h"
#include "oci/answer.h"
#include "oci/identity.h"
#include "oci/internal.h"
#include "oci/manifest.h"
#include "oci/req.h"

/* One request. */
struct head {
	struct flight flight;
	struct oci_client *client;
	char *key; /* others find it so; NULL: they do not any more */
	uint64_t since_ms, until_ms; /* on clock_ms() */
	struct op *call;
	struct oci_head result;
};

/* One who waits for it. */
struct wait {
	struct flight_wait base;
	struct oci_head result;
};

static void head_hide(struct head *h)
{
	if (h->key)
		map_del(&h->client->heads, h->key);
	free(MOVE(h->key));
}

/* Nobody waits: who comes now asks anew, for this one ends without an answer. */
static void head_deserted(struct flight *flight)
{
	struct head *h = CONTAINER_OF(flight, struct head, flight);

	head_hide(h);
	op_cancel(h->call);
}

static void head_give(struct flight *flight, struct flight_wait *base)
{
	CONTAINER_OF(base, struct wait, base)->result =
		CONTAINER_OF(flight, struct head, flight)->result;
}

static void head_done(struct op *op, void *arg)
{
	struct head *h = arg;

	head_hide(h);
	if (op->err.kind == ERR_NONE) {
		const struct http_res *res = oci_req_result(op);

		h->result.status = res->status;
		if (!oci_answer_digest(res, &h->result.digest))
			h->result.digest = (struct digest){0};
	}
	flight_land(&h->flight, &op->err, head_give);
	op_free(op);
	free(h);
}

/* Neither a name nor a tag holds a line feed. */
static char *head_key(const struct oci_target *t, const char *tag)
{
	return mem_printf("%s\n%d\n%s\n%s\n%llu\n%p\n%d", t->repo->host, t->repo->insecure,
		t->repo->name, tag, (unsigned long long)oci_identity_id(t->identity),
		(void *)t->mirror, t->patient);
}

static struct head *head_new(
	struct oci_client *c, const struct oci_target *target, const char *tag, const char *key)
{
	static const struct http_hdr hdrs[] = {{"Accept", OCI_ACCEPT_MANIFEST}, {NULL, NULL}};
	auto_free char *path = mem_printf("manifests/%s", tag);
	auto_free char *what = mem_printf("tag '%s'", tag);
	struct head *h = NEW(struct head);

	flight_init(&h->flight, head_deserted, NULL);
	h->client = c;
	h->since_ms = clock_ms();
	h->until_ms = h->since_ms + target->timeout_ms;
	h->key = mem_strdup(key);
	map_put(&c->heads, key, h);
	h->call = oci_req_start(c,
		&(struct oci_req){.target = *target,
			.kind = OCI_KIND_HEAD,
			.method = "HEAD",
			.path = path,
			.what = what,
			.hdrs = hdrs,
			.quiet = true,
			.flight = &h->flight});
	op_then(h->call, head_done, h);
	return h;
}

/* Is it young enough for this one, and has it as much time? */
static bool head_suits(const struct head *h, const struct oci_target *target)
{
	uint64_t now = clock_ms(), want = now + target->timeout_ms;

	if (!target->patient && now - h->since_ms > HEAD_FRESH_MS)
		return false;
	return h->until_ms + HEAD_JOIN_MS >= want && want + HEAD_JOIN_MS >= h->until_ms;
}

static void wait_free(struct op *op)
{
	struct wait *w = CONTAINER_OF(op, struct wait, base.op);

	flight_wait_leave(&w->base);
	free(w);
}

struct op *oci_head_start(struct oci_client *c, const struct oci_target *target, const char *tag)
{
	static const struct op_type type = {"head", flight_wait_cancel, wait_free};
	auto_free char *key = head_key(target, tag);
	struct head *h = map_get(&c->heads, key);
	struct wait *w = NEW(struct wait);

	flight_wait_init(&w->base, &type, c->loop);
	if (h && !head_suits(h, target)) {
		head_hide(h);
		h = NULL;
	}
	if (h)
		c->stats.shared++;
	else
		h = head_new(c, target, tag, key);
	flight_join(&h->flight, &w->base, 0);
	return &w->base.op;
}

const struct oci_head *oci_head_result(const struct op *op)
{
	return &CONTAINER_OF(op, const struct wait, base.op)->result;
}
