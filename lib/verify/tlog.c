#include "verify/tlog.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/time.h"
#include "crypto/pubkey.h"
#include "verify/merkle.h"
#include "verify/note.h"
#include "verify/trusted_root.h"

#include <string.h>

/* What a number in JSON can be, for everybody who reads one; the last second of the year 9999. */
#define INDEX_MAX ((int64_t)1 << 53)
#define TIME_MAX_S 253402300799

const struct verify_log *verify_tlog_find(
	const struct verify_root *root, const struct verify_log_entry *e)
{
	int64_t s = e->time_s < 0 || e->time_s > TIME_MAX_S ? 0 : e->time_s;

	return verify_logs_find(&root->tlogs, buf_str(&e->log_id), e->log_id.len, s * 1000);
}

/* RFC 8785: members in the order of their names, nothing between them. */
static void message_write(struct buf *out, const struct verify_log_entry *e)
{
	size_t i;

	buf_adds(out, "{\"body\":\"");
	if (base64_encode(out, buf_str(&e->body), e->body.len, BASE64_STD))
		return;
	buf_addf(out, "\",\"integratedTime\":%lld,\"logID\":\"", (long long)e->time_s);
	for (i = 0; i < e->log_id.len; i++)
		buf_addf(out, "%02x", (unsigned char)e->log_id.p[i]);
	buf_addf(out, "\",\"logIndex\":%lld}", (long long)e->index);
}

int verify_tlog_promise(const struct verify_log *log, const struct verify_log_entry *e,
	const struct buf *promise, struct err *err)
{
	auto_buf struct buf message = BUF_INIT(2 * LIMIT_LOG_BODY);
	char at[TIME_TEXT_MAX];

	if (e->index < 0 || e->index >= INDEX_MAX || e->time_s <= 0 || e->time_s > TIME_MAX_S)
		return err_set(err, ERR_RETRY, "the log entry has an index or a time that is none");
	if (pubkey_kind(log->key) != PUBKEY_EC)
		return err_set(err, ERR_RETRY,
			"the log's key in the trusted root is not of the kind that promises are "
			"signed with");
	if (!verify_window_has(&log->valid, e->time_s * 1000))
		return err_set(err, ERR_RETRY,
			"the log entry is of %s, when the log was not trusted",
			time_format_rfc3339(e->time_s * 1000, at));
	message_write(&message, e);
	if (buf_over(&message) ||
		!pubkey_verifies(log->key, buf_str(promise), promise->len, message.p, message.len))
		return err_set(err, ERR_RETRY,
			"the log's promise (SET) is not of this entry by the log of the trusted "
			"root");
	return 0;
}

/* ---- where it lies --------------------------------------------------------------------------- */

int verify_tlog_inclusion(
	const struct verify_log_entry *e, const struct verify_log_proof *proof, struct err *err)
{
	struct digest leaf, root;

	verify_merkle_leaf(&leaf, buf_str(&e->body), e->body.len);
	if (verify_merkle_root(&root, &leaf, proof->index, proof->size,
		    (const unsigned char *)buf_str(&proof->path), proof->path.len / 32, err))
		return -1;
	return proof->root.len != 32 || memcmp(proof->root.p, root.bin, 32) != 0
		? err_set(err, ERR_RETRY, "the inclusion proof does not lead to its root")
		: 0;
}

int verify_tlog_checkpoint(
	const struct verify_log *log, const struct verify_log_proof *proof, struct err *err)
{
	struct verify_note note;

	if (verify_note_read(&note, proof->checkpoint, err))
		return -1;
	if (!verify_note_is_v1(&note))
		return err_set(err, ERR_RETRY, "the checkpoint is not of a log of version 1");
	if (verify_note_signed_v1(&note, log, err))
		return -1;
	if (proof->root.len != 32 || memcmp(proof->root.p, note.root.bin, 32) != 0)
		return err_set(err, ERR_RETRY, "the checkpoint is of another root than the proof");
	if (note.size != proof->size)
		return err_set(err, ERR_RETRY, "the checkpoint is of another size than the proof");
	return 0;
}

/* ---- version 2 ------------------------------------------------------------------------------- */

bool verify_tlog_is_v2(const struct verify_log_proof *proof)
{
	struct verify_note note;
	struct err ignored = {0};

	return !verify_note_read(&note, proof->checkpoint, &ignored) && !verify_note_is_v1(&note);
}

int verify_tlog_inclusion_v2(const struct verify_log_entry *e, const struct buf *body,
	const struct verify_log_proof *proof, struct err *err)
{
	struct digest leaf, root;
	struct verify_note note;

	if (verify_note_read(&note, proof->checkpoint, err))
		return -1;
	verify_merkle_leaf(&leaf, buf_str(body), body->len);
	if (verify_merkle_root(&root, &leaf, e->index, note.size,
		    (const unsigned char *)buf_str(&proof->path), proof->path.len / 32, err))
		return -1;
	return digest_equal(&note.root, &root)
		? 0
		: err_set(err, ERR_RETRY,
			  "the inclusion proof does not lead from this signature to the root");
}

int verify_tlog_checkpoint_v2(
	const struct verify_log *log, const struct verify_log_proof *proof, struct err *err)
{
	struct verify_note note;

	return verify_note_read(&note, proof->checkpoint, err) ||
			verify_note_signed_v2(&note, log, err)
		? -1
		: 0;
}
