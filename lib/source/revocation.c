#include "source/revocation.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/lru.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/vec.h"
#include "crypto/crl.h"
#include "crypto/digest.h"
#include "crypto/ocsp.h"
#include "ev/flight.h"
#include "ev/task.h"
#include "ev/work.h"
#include "http/url.h"
#include "oci/outside.h"
#include "oci/registry.h"
#include "verify/plain.h"

#include <stdio.h>
#include <string.h>

#define GET_MAX 255 /* RFC 6960 appendix A.1 */
#define TOLD_MAX 600 /* bytes of why nothing is known */
#define KEY_MAX (2 * DIGEST_HEX_MAX)

struct revocations {
	struct oci_client *oci;
	struct loop *loop;
	struct lru entries;
};

/* What is known of one certificate. */
struct entry {
	struct lru_item item;
	struct revocations *all;
	struct revoked known; /* REVOKED_UNKNOWN: nothing */
	int64_t good_until_ms; /* on clock_wall_ms() */
	struct fetch *fetch; /* on its way */
	struct flight flight; /* those who wait for it */
};

struct wait {
	struct flight_wait base;
	struct revoked got;
};

struct fetch {
	struct task task;
	struct entry *entry;
	struct notary_cert *cert, *issuer;
	char *owner;
	unsigned at; /* the place that is asked */
	struct buf url; /* of that one */
	struct buf told; /* why nothing is known so far */

	/* The worker reads these ... */
	struct op *answer;
	int64_t now_ms;
	/* ... and writes these. */
	struct revoked said;
	struct err why;

	struct revoked known;
};

/* ---- places ---------------------------------------------------------------------------------- */

static void note(struct fetch *f, const char *what, const struct err *why)
{
	buf_addf(&f->told, "%s%s: %.300s", f->told.len ? "; " : "", what, why->msg);
}

/* Whose answer it is that does not count. */
static void name_place(const struct fetch *f, struct err *why)
{
	char shown[VERIFY_PLAIN_MAX];

	err_wrap(why, "'%s'", verify_plain(buf_str(&f->url), shown));
}

static enum step_ret nothing_known(struct fetch *f)
{
	struct err err = {0};

	err_set(&err, ERR_RETRY, "%s", buf_str(&f->told));
	return task_fail(&f->task, &err);
}

/* False: there are no more. What is too many is none of ours to ask. */
static bool place_next(
	struct fetch *f, bool (*url)(const struct notary_cert *c, unsigned i, struct buf *url))
{
	buf_reset(&f->url);
	return f->at < LIMIT_REVOCATION_PLACES && url(f->cert, f->at, &f->url);
}

static int read_answer(void *job, const atomic_bool *stop, struct err *err)
{
	struct fetch *f = job;
	const struct buf *body = oci_outside_body(f->answer);

	(void)stop; /* some milliseconds */
	(void)err;
	(void)!ocsp_read(
		&f->said, f->cert, f->issuer, buf_str(body), body->len, f->now_ms, &f->why);
	return 0;
}

static int read_list(void *job, const atomic_bool *stop, struct err *err)
{
	struct fetch *f = job;
	const struct buf *body = oci_outside_body(f->answer);

	(void)stop; /* 50 ms */
	(void)err;
	(void)!crl_read(&f->said, f->cert, f->issuer, buf_str(&f->url), buf_str(body), body->len,
		f->now_ms, &f->why);
	return 0;
}

static enum step_ret read_start(struct fetch *f, work_fn *run)
{
	f->said = (struct revoked){0};
	f->why = (struct err){0};
	f->now_ms = clock_wall_ms();
	return task_wait(
		&f->task, work_start_for(f->task.self.loop, WORK_HEAVY, f->owner, run, NULL, f));
}

/* ---- OCSP ------------------------------------------------------------------------------------ */

static struct op *ocsp_ask(struct fetch *f)
{
	auto_buf struct buf der = BUF_INIT(LIMIT_OCSP), b64 = BUF_INIT(LIMIT_OCSP);
	auto_buf struct buf more = BUF_INIT(LIMIT_URL);
	struct oci_outside_req req = {
		.url = buf_str(&f->url), .max_body = LIMIT_OCSP, .deadline_ms = LIMIT_OCSP_MS};
	struct err err = {0};

	if (ocsp_request(&der, f->cert, f->issuer, &err))
		return op_failed(f->task.self.loop, &err);
	if (!base64_encode(&b64, der.p, der.len, BASE64_STD))
		url_encode(&more, buf_str(&b64));
	if (!b64.over && !more.over && more.len < GET_MAX && !strchr(req.url, '?')) {
		req.more = buf_str(&more);
	} else {
		req.type = "application/ocsp-request";
		req.body = der.p;
		req.body_len = der.len;
	}
	return oci_outside_start(f->entry->all->oci, &req);
}

static enum step_ret ocsp_start(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	if (place_next(f, notary_cert_ocsp_url))
		return task_wait(t, ocsp_ask(f));
	f->at = 0;
	return task_goto(t, "list");
}

static enum step_ret ocsp_resume(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	if (t->op->err.kind == ERR_NONE) {
		f->answer = MOVE(t->op);
		return STEP_NEXT;
	}
	note(f, "OCSP", &t->op->err);
	f->at++;
	return STEP_AGAIN;
}

static enum step_ret answer_start(struct task *t)
{
	return read_start(TASK(t, struct fetch), read_answer);
}

/* Who does not know the certificate has said so for all responders. */
static enum step_ret answer_resume(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	bool counts = f->why.kind == ERR_NONE;

	op_free(MOVE(f->answer));
	if (counts && f->said.status != REVOKED_UNKNOWN) {
		f->known = f->said;
		return STEP_DONE;
	}
	if (counts)
		err_set(&f->why, ERR_RETRY, "the certificate is not known there");
	name_place(f, &f->why);
	note(f, "OCSP", &f->why);
	f->at = counts ? 0 : f->at + 1;
	return task_goto(t, counts ? "list" : "ocsp");
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* Each may be a part of the whole, so all have to be had. */
static enum step_ret list_start(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	struct err err = {0};

	if (place_next(f, notary_cert_crl_url))
		return task_wait(t,
			oci_outside_start(f->entry->all->oci,
				&(struct oci_outside_req){.url = buf_str(&f->url),
					.max_body = LIMIT_CRL,
					.deadline_ms = LIMIT_CRL_MS}));
	if (f->at == LIMIT_REVOCATION_PLACES && notary_cert_crl_url(f->cert, f->at, &f->url)) {
		err_set(&err, ERR_RETRY, "it names more than %d places of lists",
			LIMIT_REVOCATION_PLACES);
		return task_fail(t, &err);
	}
	if (f->known.status != REVOKED_UNKNOWN)
		return STEP_DONE;
	if (!f->told.len)
		buf_adds(&f->told, "it names no place to ask at that can be read");
	return nothing_known(f);
}

static enum step_ret list_failed(struct fetch *f, const struct err *err)
{
	note(f, "list", err);
	return nothing_known(f);
}

static enum step_ret list_resume(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	if (t->op->err.kind != ERR_NONE)
		return list_failed(f, &t->op->err);
	f->answer = MOVE(t->op);
	return STEP_NEXT;
}

static enum step_ret read_list_start(struct task *t)
{
	return read_start(TASK(t, struct fetch), read_list);
}

static enum step_ret read_list_resume(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	int64_t until_ms = f->known.until_ms;

	op_free(MOVE(f->answer));
	if (f->why.kind != ERR_NONE) {
		name_place(f, &f->why);
		return list_failed(f, &f->why);
	}
	f->known = f->said;
	if (f->known.status == REVOKED_YES)
		return STEP_DONE;
	if (until_ms && until_ms < f->known.until_ms)
		f->known.until_ms = until_ms;
	f->at++;
	return task_goto(t, "list");
}

static void fetch_free(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	notary_cert_free(f->cert);
	notary_cert_free(f->issuer);
	free(f->owner);
	buf_clear(&f->url);
	buf_clear(&f->told);
	op_free(f->answer);
	free(f);
}

/* ---- what is known --------------------------------------------------------------------------- */

static void fetch_spawn(
	struct entry *e, struct notary_cert *cert, struct notary_cert *issuer, const char *owner);

/* Somebody came while a fetch that nobody waited for was being cancelled: it begins again. */
static bool fetch_begin_again(struct entry *e, struct fetch *old, const struct err *err)
{
	if (err->kind != ERR_CANCELED || flight_is_empty(&e->flight))
		return false;
	fetch_spawn(e, MOVE(old->cert), MOVE(old->issuer), old->owner);
	op_free(&old->task.self);
	return true;
}

static void give(struct flight *flight, struct flight_wait *base)
{
	CONTAINER_OF(base, struct wait, base)->got =
		CONTAINER_OF(flight, struct entry, flight)->known;
}

static void fetch_done(struct op *op, void *arg)
{
	struct entry *e = arg;
	struct fetch *f = e->fetch;

	if (fetch_begin_again(e, f, &op->err))
		return;
	e->fetch = NULL;
	if (op->err.kind == ERR_NONE) {
		int64_t kept_ms = clock_wall_ms() + LIMIT_REVOCATION_KEPT_MS;

		e->known = f->known;
		e->good_until_ms = kept_ms < f->known.until_ms ? kept_ms : f->known.until_ms;
	}
	flight_land(&e->flight, &op->err, give);
	op_free(op);
}

/* One fetch may be for many: its lines are told under whoever has waited longest and still does. */
static const struct log_ctx *fetch_log(const struct task *t)
{
	return flight_log(&TASK(t, struct fetch)->entry->flight);
}

static void fetch_spawn(
	struct entry *e, struct notary_cert *cert, struct notary_cert *issuer, const char *owner)
{
	static const struct step steps[] = {
		{"ocsp", ocsp_start, ocsp_resume}, /* at the next place; none is left: "list" */
		{"answer", answer_start, answer_resume}, /* done, or back to "ocsp", or "list" */
		{"list", list_start, list_resume}, /* at the next place; none is left: done */
		{"read", read_list_start, read_list_resume}, /* back to "list" */
		{0},
	};
	struct fetch *f = NEW(struct fetch);

	f->entry = e;
	f->cert = cert;
	f->issuer = issuer;
	f->owner = mem_strdup(owner);
	buf_init(&f->url, LIMIT_URL);
	buf_init(&f->told, TOLD_MAX);
	task_init(&f->task, e->all->loop, "certificate status", steps, NULL, fetch_free);
	f->task.log_fn = fetch_log;
	e->fetch = f;
	op_then(task_spawn(&f->task), fetch_done, e);
}

static bool entry_busy(const struct lru_item *it)
{
	return CONTAINER_OF(it, const struct entry, item)->fetch;
}

static void entry_free(struct lru_item *it)
{
	struct entry *e = CONTAINER_OF(it, struct entry, item);

	BUG_IF(e->fetch || !flight_is_empty(&e->flight));
	free(e);
}

static void deserted(struct flight *flight)
{
	struct entry *e = CONTAINER_OF(flight, struct entry, flight);

	if (e->fetch)
		op_cancel(&e->fetch->task.self);
}

static void wait_free(struct op *op)
{
	struct wait *w = CONTAINER_OF(op, struct wait, base.op);

	flight_wait_leave(&w->base);
	free(w);
}

static void key_of(
	char key[KEY_MAX], const struct notary_cert *cert, const struct notary_cert *issuer)
{
	char a[DIGEST_HEX_MAX], b[DIGEST_HEX_MAX];
	struct digest d, by;

	notary_cert_digest(cert, &d);
	notary_cert_digest(issuer, &by);
	snprintf(key, KEY_MAX, "%s %s", digest_hex(&d, a), digest_hex(&by, b));
}

static struct entry *entry_get(struct revocations *all, const char *key)
{
	struct lru_item *it = lru_get(&all->entries, key);
	struct entry *e = it ? CONTAINER_OF(it, struct entry, item) : NULL;

	if (e)
		return e;
	e = NEW(struct entry);
	e->all = all;
	flight_init(&e->flight, deserted, NULL);
	lru_add(&all->entries, key, &e->item);
	return e;
}

static struct op *status_start(struct revocations *all, const struct notary_cert *cert,
	const struct notary_cert *issuer, const char *owner)
{
	static const struct op_type type = {"certificate status", flight_wait_cancel, wait_free};
	struct wait *w = NEW(struct wait);
	char key[KEY_MAX];
	struct entry *e;

	flight_wait_init(&w->base, &type, all->loop);
	key_of(key, cert, issuer);
	e = entry_get(all, key);
	if (e->known.status != REVOKED_UNKNOWN && clock_wall_ms() < e->good_until_ms) {
		w->got = e->known;
		op_finish(&w->base.op);
		return &w->base.op;
	}
	e->known = (struct revoked){0};
	if (!e->fetch)
		fetch_spawn(e, notary_cert_copy(cert), notary_cert_copy(issuer), owner);
	flight_join(&e->flight, &w->base, 0);
	return &w->base.op;
}

/* ---- one chain ------------------------------------------------------------------------------- */

struct ask {
	struct task task;
	struct revocations *all;
	struct notary_certs chain; /* copies: those that are asked about, and one more */
	int64_t signed_ms;
	char *owner;
	size_t at;
	struct err unknown; /* of the first one of which nothing is known */
};

/* "certificate 'CN=...': " before what is wrong with it. */
static void name_it(const struct notary_cert *c, struct err *err)
{
	auto_buf struct buf name = BUF_INIT(LIMIT_TRUST_CERT);
	char shown[VERIFY_PLAIN_MAX];

	notary_cert_describe(c, &name);
	err_wrap(err, "certificate '%s'", verify_plain(buf_str(&name), shown));
}

static enum step_ret it_was(struct ask *a, const struct revoked *r)
{
	char text[TIME_TEXT_MAX];
	struct err err = {0};

	err_set(&err, ERR_RETRY, "it is revoked since %s (%s)",
		time_format_rfc3339(r->since_ms, text), revoked_reason(r->reason));
	name_it(a->chain.p[a->at], &err);
	return task_fail(&a->task, &err);
}

static enum step_ret certificate_start(struct task *t)
{
	struct ask *a = TASK(t, struct ask);
	const struct notary_cert_facts *f;

	if (a->at + 1 >= a->chain.len)
		return a->unknown.kind == ERR_NONE ? STEP_NEXT : task_fail(t, &a->unknown);
	f = notary_cert_facts(a->chain.p[a->at]);
	if (!f->has_ocsp && !f->has_crl) {
		a->at++;
		return STEP_AGAIN;
	}
	return task_wait(
		t, status_start(a->all, a->chain.p[a->at], a->chain.p[a->at + 1], a->owner));
}

static enum step_ret certificate_resume(struct task *t)
{
	struct ask *a = TASK(t, struct ask);
	const struct revoked *got = &CONTAINER_OF(t->op, struct wait, base.op)->got;
	struct err err = t->op->err;

	if (err.kind == ERR_NONE && revoked_counts(got, a->signed_ms))
		return it_was(a, got);
	if (err.kind != ERR_NONE && a->unknown.kind == ERR_NONE) {
		err_wrap(&err, "its revocation status is unknown");
		name_it(a->chain.p[a->at], &err);
		a->unknown = err;
	}
	a->at++;
	return STEP_AGAIN;
}

static void ask_free(struct task *t)
{
	struct ask *a = TASK(t, struct ask);

	notary_certs_clear(&a->chain);
	free(a->owner);
	free(a);
}

struct op *revocations_start(struct revocations *all, const struct revocation_req *req)
{
	static const struct step steps[] = {
		{"certificate", certificate_start, certificate_resume}, /* the next one */
		{0},
	};
	struct ask *a = NEW(struct ask);
	size_t i;

	BUG_IF(req->n >= req->chain->len);
	a->all = all;
	a->signed_ms = req->signed_ms;
	a->owner = mem_strdup(req->owner);
	for (i = 0; i <= req->n; i++)
		*vec_add(&a->chain) = notary_cert_copy(req->chain->p[i]);
	task_init(&a->task, all->loop, "revocation", steps, NULL, ask_free);
	return task_spawn(&a->task);
}

/* ---- all of them ----------------------------------------------------------------------------- */

struct revocations *revocations_new(struct oci_client *oci)
{
	struct revocations *all = NEW(struct revocations);

	all->oci = oci;
	all->loop = oci_client_loop(oci);
	lru_init(&all->entries, LIMIT_REVOCATIONS, entry_busy, entry_free);
	return all;
}

void revocations_free(struct revocations *all)
{
	if (!all)
		return;
	lru_clear(&all->entries);
	free(all);
}
