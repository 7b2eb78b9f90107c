/* The entries of logs in a bundle: each row goes over all that count. */
#include "verify/bundle_proof.h"
#include "verify/log_body.h"
#include "verify/plain.h"
#include "verify/trusted_root.h"

#include <string.h>

/* ---- reading --------------------------------------------------------------------------------- */

static bool is_same(const struct verify_log_entry *a, const struct verify_log_entry *b)
{
	return a->index == b->index && buf_equal(&a->log_id, &b->log_id);
}

static int entries_read(struct verify_bundle_proof *p, struct err *err)
{
	size_t i, k;

	if (!p->b->log_entries)
		return err_set(err, ERR_RETRY, "the bundle has no entry of a log");
	for (i = 0; i < p->b->log_entries; i++) {
		p->len++;
		if (verify_bundle_entry_read(
			    &p->entries[i].e, json_array_get(p->b->entries, i), err))
			return -1;
		for (k = 0; k < i; k++)
			if (is_same(&p->entries[k].e.entry, &p->entries[i].e.entry))
				return err_set(
					err, ERR_RETRY, "the bundle has the same log entry twice");
	}
	return 0;
}

void verify_bundle_log_clear(struct verify_bundle_proof *p)
{
	size_t i;

	for (i = 0; i < p->len; i++)
		verify_bundle_entry_clear(&p->entries[i].e);
}

/* ---- which of them count --------------------------------------------------------------------- */

/* The next one that counts, behind `after`; NULL: the first. NULL: there is none. */
static struct verify_bundle_logged *next(
	struct verify_bundle_proof *p, const struct verify_bundle_logged *after)
{
	size_t i = after ? (size_t)(after - p->entries) + 1 : 0;

	while (i < p->len && !p->entries[i].log)
		i++;
	return i < p->len ? &p->entries[i] : NULL;
}

#define each_counted(p, one) for ((one) = next(p, NULL); (one); (one) = next(p, one))

static int count_check(struct verify_bundle_proof *p, struct err *err)
{
	return next(p, NULL) ? 0 : err_set(err, ERR_RETRY, "%s", p->skipped.msg);
}

static int entry_place(
	struct verify_bundle_proof *p, struct verify_bundle_logged *one, struct err *err)
{
	struct verify_bundle_entry *e = &one->e;

	one->log = verify_tlog_find(p->policy->root, &e->entry);
	if (!one->log) {
		err_clear(&p->skipped);
		err_set(&p->skipped, ERR_RETRY,
			"the log entry is of a log that the trusted root does not have");
		return 0;
	}
	if (!e->has_promise && !e->has_proof)
		return err_set(err, ERR_RETRY, "a log entry has neither a promise nor a proof");
	p->has_time |= e->entry.time_s != 0;
	one->v2 = e->has_proof && !e->has_promise && verify_tlog_is_v2(&e->proof);
	if (one->v2 && (strcmp(e->kind, "hashedrekord") != 0 || strcmp(e->version, "0.0.2") != 0))
		return err_set(err, ERR_RETRY,
			"a log of version 2 has entries 'hashedrekord' '0.0.2' only");
	return 0;
}

int verify_bundle_log_entries(void *arg, struct err *err)
{
	struct verify_bundle_proof *p = arg;
	size_t i;

	if (entries_read(p, err))
		return -1;
	for (i = 0; i < p->len; i++)
		if (entry_place(p, &p->entries[i], err))
			return -1;
	return count_check(p, err);
}

/* ---- promises -------------------------------------------------------------------------------- */

int verify_bundle_log_promises(void *arg, struct err *err)
{
	struct verify_bundle_proof *p = arg;
	struct verify_bundle_logged *one;

	each_counted(p, one)
	{
		const struct verify_bundle_entry *e = &one->e;

		if (!e->has_promise)
			continue;
		err_clear(&p->skipped);
		if (verify_tlog_promise(one->log, &e->entry, &e->promise, &p->skipped))
			one->log = NULL;
		else
			p->times[p->times_len++] = e->entry.time_s;
	}
	return count_check(p, err);
}

bool verify_bundle_log_has_promise(const void *arg)
{
	const struct verify_bundle_proof *p = arg;
	size_t i;

	for (i = 0; i < p->len; i++)
		if (p->entries[i].log && p->entries[i].e.has_promise)
			return true;
	return false;
}

/* ---- proofs ---------------------------------------------------------------------------------- */

static struct verify_log_subject subject_of(const struct verify_bundle_proof *p)
{
	struct verify_log_subject of = {
		.sig = &p->d.signature, .leaf = p->leaf, .key = p->key, .leaf_der = &p->leaf_der};

	digest_mem(&of.payload, DIGEST_SHA256, buf_str(&p->d.payload), p->d.payload.len);
	return of;
}

/* What lies in a log of version 2 is written anew from the signature at hand, so that it is of no
   other. */
static int inclusion_v2(
	struct verify_bundle_proof *p, const struct verify_bundle_entry *e, struct err *err)
{
	struct verify_log_subject of = subject_of(p);
	auto_buf struct buf body = BUF_INIT(LIMIT_LOG_BODY);

	if (verify_log_body_write(&body, &of, &p->d.signed_bytes, err))
		return -1;
	return verify_tlog_inclusion_v2(&e->entry, &body, &e->proof, err);
}

int verify_bundle_log_inclusion(void *arg, struct err *err)
{
	struct verify_bundle_proof *p = arg;
	struct verify_bundle_logged *one;

	each_counted(p, one) if (one->e.has_proof &&
		(one->v2 ? inclusion_v2(p, &one->e, err)
			 : verify_tlog_inclusion(&one->e.entry, &one->e.proof, err))) return -1;
	return 0;
}

int verify_bundle_log_checkpoints(void *arg, struct err *err)
{
	struct verify_bundle_proof *p = arg;
	struct verify_bundle_logged *one;

	each_counted(p, one) if (one->e.has_proof &&
		(one->v2 ? verify_tlog_checkpoint_v2(one->log, &one->e.proof, err)
			 : verify_tlog_checkpoint(one->log, &one->e.proof, err))) return -1;
	return 0;
}

bool verify_bundle_log_has_proof(const void *arg)
{
	const struct verify_bundle_proof *p = arg;
	size_t i;

	for (i = 0; i < p->len; i++)
		if (p->entries[i].log && p->entries[i].e.has_proof)
			return true;
	return false;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static int body_check(struct verify_bundle_proof *p, const struct verify_bundle_entry *e,
	const struct verify_log_body *body, struct err *err)
{
	struct verify_log_subject of = subject_of(p);
	char kind[VERIFY_PLAIN_MAX], version[VERIFY_PLAIN_MAX];

	if (!verify_log_body_is(body, e->kind, e->version))
		return err_set(err, ERR_RETRY, "the log entry is no '%s' '%s', as the bundle says",
			verify_plain(e->kind, kind), verify_plain(e->version, version));
	return verify_log_body_of_envelope(body, &of, err);
}

static int body_prove(
	struct verify_bundle_proof *p, const struct verify_bundle_entry *e, struct err *err)
{
	struct verify_log_body body = {0};
	int rc;

	rc = verify_log_body_read(&body, buf_str(&e->entry.body), e->entry.body.len, err) ||
		body_check(p, e, &body, err);
	verify_log_body_clear(&body);
	return rc ? -1 : 0;
}

int verify_bundle_log_bodies(void *arg, struct err *err)
{
	struct verify_bundle_proof *p = arg;
	struct verify_bundle_logged *one;

	each_counted(p, one) if (!one->v2 && body_prove(p, &one->e, err)) return -1;
	return 0;
}

bool verify_bundle_log_has_body(const void *arg)
{
	const struct verify_bundle_proof *p = arg;
	size_t i;

	for (i = 0; i < p->len; i++)
		if (p->entries[i].log && !p->entries[i].v2)
			return true;
	return false;
}
