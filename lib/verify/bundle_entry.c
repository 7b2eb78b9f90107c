#include "verify/bundle_entry.h"

#include "base/limits.h"
#include "verify/merkle.h"
#include "verify/trusted_root.h"

/* ---- the messages of sigstore_rekor.proto ---------------------------------------------------- */

static const struct verify_pj_field LOG_ID[] = {{"keyId", "key_id", VERIFY_PJ_BYTES}, {0}};

static const struct verify_pj_field KIND_VERSION[] = {
	{"kind", NULL, VERIFY_PJ_STRING}, {"version", NULL, VERIFY_PJ_STRING}, {0}};

static const struct verify_pj_field PROMISE[] = {
	{"signedEntryTimestamp", "signed_entry_timestamp", VERIFY_PJ_BYTES}, {0}};

static const struct verify_pj_field CHECKPOINT[] = {{"envelope", NULL, VERIFY_PJ_STRING}, {0}};

static const struct verify_pj_field PROOF[] = {
	{"logIndex", "log_index", VERIFY_PJ_INT},
	{"rootHash", "root_hash", VERIFY_PJ_BYTES},
	{"treeSize", "tree_size", VERIFY_PJ_INT},
	{"hashes", NULL, VERIFY_PJ_BYTES, .many = true},
	{"checkpoint", NULL, VERIFY_PJ_MESSAGE, .fields = CHECKPOINT},
	{0},
};

const struct verify_pj_field verify_bundle_entry_fields[] = {
	{"logIndex", "log_index", VERIFY_PJ_INT},
	{"logId", "log_id", VERIFY_PJ_MESSAGE, .fields = LOG_ID},
	{"kindVersion", "kind_version", VERIFY_PJ_MESSAGE, .fields = KIND_VERSION},
	{"integratedTime", "integrated_time", VERIFY_PJ_INT},
	{"inclusionPromise", "inclusion_promise", VERIFY_PJ_MESSAGE, .fields = PROMISE},
	{"inclusionProof", "inclusion_proof", VERIFY_PJ_MESSAGE, .fields = PROOF},
	{"canonicalizedBody", "canonicalized_body", VERIFY_PJ_BYTES},
	{0},
};

static const struct verify_pj_field TIMESTAMP[] = {
	{"signedTimestamp", "signed_timestamp", VERIFY_PJ_BYTES}, {0}};

const struct verify_pj_field verify_bundle_times_fields[] = {
	{"rfc3161Timestamps", "rfc3161_timestamps", VERIFY_PJ_MESSAGE, .many = true,
		.fields = TIMESTAMP},
	{0},
};

/* ---- what they have to have ------------------------------------------------------------------ */

static int entry_check(const json_t *entry, bool *proven, struct err *err)
{
	const json_t *proof = verify_pj_get(entry, verify_bundle_entry_fields, "inclusionProof");
	const json_t *checkpoint = proof ? verify_pj_get(proof, PROOF, "checkpoint") : NULL;
	const json_t *note = checkpoint ? verify_pj_get(checkpoint, CHECKPOINT, "envelope") : NULL;

	if (verify_pj_int(verify_pj_get(entry, verify_bundle_entry_fields, "logIndex")) < 0)
		return err_set(err, ERR_RETRY, "a log entry has a negative index");
	if (proof && !json_string_length(note))
		return err_set(
			err, ERR_RETRY, "the inclusion proof of a log entry has no checkpoint");
	*proven |= proof != NULL;
	return 0;
}

int verify_bundle_entries_check(const json_t *entries, struct err *err)
{
	bool proven = false;
	json_t *one;
	size_t i;

	json_array_foreach (entries, i, one)
		if (entry_check(one, &proven, err))
			return -1;
	return proven || !json_array_size(entries)
		? 0
		: err_set(err, ERR_RETRY, "no log entry has an inclusion proof");
}

/* ---- reading one ----------------------------------------------------------------------------- */

/* NULL where there is none. */
static const json_t *inner(const json_t *o, const struct verify_pj_field *fields, const char *name,
	const struct verify_pj_field *of, const char *member)
{
	const json_t *v = verify_pj_get(o, fields, name);

	return v ? verify_pj_get(v, of, member) : NULL;
}

static const char *text_or_empty(const json_t *v)
{
	return v ? json_string_value(v) : "";
}

static int bytes_read(const json_t *v, struct buf *out, const char *name, struct err *err)
{
	return v && verify_pj_bytes(v, out, err) ? err_wrap(err, "the log entry's '%s'", name) : 0;
}

static int path_read(struct buf *out, const json_t *hashes, struct err *err)
{
	json_t *one;
	size_t i;

	json_array_foreach (hashes, i, one) {
		size_t before = out->len;

		if (verify_pj_bytes(one, out, err) || out->len - before != 32) {
			err_clear(err);
			return err_set(err, ERR_RETRY,
				"the inclusion proof has a node that is none, or too many");
		}
	}
	return 0;
}

static int proof_read(struct verify_log_proof *p, const json_t *o, struct err *err)
{
	p->index = verify_pj_int(verify_pj_get(o, PROOF, "logIndex"));
	p->size = verify_pj_int(verify_pj_get(o, PROOF, "treeSize"));
	p->checkpoint = text_or_empty(inner(o, PROOF, "checkpoint", CHECKPOINT, "envelope"));
	if (bytes_read(verify_pj_get(o, PROOF, "rootHash"), &p->root, "rootHash", err))
		return -1;
	return path_read(&p->path, verify_pj_get(o, PROOF, "hashes"), err);
}

int verify_bundle_entry_read(struct verify_bundle_entry *out, const json_t *o, struct err *err)
{
	const json_t *proof = verify_pj_get(o, verify_bundle_entry_fields, "inclusionProof");
	const json_t *promise = inner(
		o, verify_bundle_entry_fields, "inclusionPromise", PROMISE, "signedEntryTimestamp");

	buf_init(&out->entry.body, LIMIT_LOG_BODY);
	buf_init(&out->entry.log_id, VERIFY_LOG_ID_MAX);
	buf_init(&out->promise, LIMIT_SIGNATURE_TEXT);
	buf_init(&out->proof.root, DIGEST_BIN_MAX);
	buf_init(&out->proof.path, VERIFY_MERKLE_PATH_MAX * 32);
	out->kind = text_or_empty(
		inner(o, verify_bundle_entry_fields, "kindVersion", KIND_VERSION, "kind"));
	out->version = text_or_empty(
		inner(o, verify_bundle_entry_fields, "kindVersion", KIND_VERSION, "version"));
	out->entry.index = verify_pj_int(verify_pj_get(o, verify_bundle_entry_fields, "logIndex"));
	out->entry.time_s =
		verify_pj_int(verify_pj_get(o, verify_bundle_entry_fields, "integratedTime"));
	out->has_promise = json_string_length(promise) != 0;
	out->has_proof = proof;
	if (bytes_read(inner(o, verify_bundle_entry_fields, "logId", LOG_ID, "keyId"),
		    &out->entry.log_id, "logId", err) ||
		bytes_read(verify_pj_get(o, verify_bundle_entry_fields, "canonicalizedBody"),
			&out->entry.body, "canonicalizedBody", err) ||
		bytes_read(promise, &out->promise, "signedEntryTimestamp", err))
		return -1;
	return proof ? proof_read(&out->proof, proof, err) : 0;
}

void verify_bundle_entry_clear(struct verify_bundle_entry *e)
{
	buf_clear(&e->entry.body);
	buf_clear(&e->entry.log_id);
	buf_clear(&e->promise);
	buf_clear(&e->proof.root);
	buf_clear(&e->proof.path);
}

/* ---- timestamps ------------------------------------------------------------------------------ */

const json_t *verify_bundle_times(const json_t *o)
{
	return verify_pj_get(o, verify_bundle_times_fields, "rfc3161Timestamps");
}

int verify_bundle_time_read(struct buf *out, const json_t *one, struct err *err)
{
	return bytes_read(
		verify_pj_get(one, TIMESTAMP, "signedTimestamp"), out, "signedTimestamp", err);
}
