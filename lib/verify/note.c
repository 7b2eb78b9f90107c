#include "verify/note.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "base/limits.h"
#include "crypto/pubkey.h"
#include "verify/trusted_root.h"

#include <string.h>

#define HINT 4
#define DASH "\xe2\x80\x94 " /* an em dash and a blank, before each signature */

/* ---- reading --------------------------------------------------------------------------------- */

/* The line at *at without its end, and *at behind it. False: there is none. */
static bool line(const char **at, const char *end, const char **out, size_t *n)
{
	const char *stop = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;

	if (!stop)
		return false;
	*out = *at;
	*n = (size_t)(stop - *at);
	*at = stop + 1;
	return true;
}

static bool size_read(int64_t *out, const char *text, size_t n)
{
	size_t i;

	*out = 0;
	if (!n || n > 18 || (n > 1 && text[0] == '0'))
		return false;
	for (i = 0; i < n; i++) {
		if (!ascii_is_digit(text[i]))
			return false;
		*out = *out * 10 + (text[i] - '0');
	}
	return true;
}

static bool root_read(struct digest *out, const char *text, size_t n)
{
	auto_buf struct buf bytes = BUF_INIT(DIGEST_BIN_MAX);
	struct err ignored = {0};

	*out = (struct digest){.algo = DIGEST_SHA256};
	if (base64_decode(&bytes, text, n, BASE64_STD, &ignored) || bytes.len != 32)
		return false;
	memcpy(out->bin, bytes.p, bytes.len);
	return true;
}

static const char *last_blank(const char *text)
{
	const char *at = text, *found = NULL;

	while ((at = strstr(at, "\n\n")))
		found = at++;
	return found;
}

int verify_note_read(struct verify_note *note, const char *text, struct err *err)
{
	const char *blank = last_blank(text), *at = text, *end, *part = NULL;
	size_t n = 0;

	*note = (struct verify_note){.text = text};
	if (!blank || strlen(text) > LIMIT_NOTE)
		return err_set(err, ERR_RETRY, "the checkpoint is no signed note");
	end = blank + 1;
	note->text_len = (size_t)(end - text);
	note->signatures = blank + 2;
	if (!line(&at, end, &note->origin, &note->origin_len) || !note->origin_len ||
		!line(&at, end, &part, &n) || !size_read(&note->size, part, n) ||
		!line(&at, end, &part, &n) || !root_read(&note->root, part, n))
		return err_set(err, ERR_RETRY,
			"the checkpoint does not say which log, how large and with which root");
	return 0;
}

bool verify_note_is_v1(const struct verify_note *note)
{
	size_t n = note->origin_len, digits = 0;

	while (digits < n && ascii_is_digit(note->origin[n - digits - 1]))
		digits++;
	return digits && n > digits + 3 && !memcmp(note->origin + n - digits - 3, " - ", 3);
}

/* ---- signatures ------------------------------------------------------------------------------ */

/* "— NAME BASE64": the key's hint and the signature. */
static int signature_read(struct buf *out, const char **name_out, size_t *name_len,
	const char *text, size_t n, struct err *err)
{
	const char *name = text + strlen(DASH), *blank;

	if (n <= strlen(DASH) || memcmp(text, DASH, strlen(DASH)) != 0)
		return err_set(err, ERR_RETRY, "a line of the checkpoint is no signature");
	n -= strlen(DASH);
	blank = memchr(name, ' ', n);
	if (!blank || blank == name)
		return err_set(err, ERR_RETRY, "a signature of the checkpoint has no name");
	*name_out = name;
	*name_len = (size_t)(blank - name);
	n -= (size_t)(blank + 1 - name);
	if (base64_decode(out, blank + 1, n, BASE64_STD, err) || out->len <= HINT) {
		err_clear(err);
		return err_set(err, ERR_RETRY, "a signature of the checkpoint is broken");
	}
	return 0;
}

static int signature_check(const struct verify_note *note, const struct verify_log *log,
	const char *text, size_t n, struct err *err)
{
	auto_buf struct buf sig = BUF_INIT(LIMIT_SIGNATURE_TEXT);
	const char *name;
	size_t len;

	if (signature_read(&sig, &name, &len, text, n, err))
		return -1;
	if (memcmp(sig.p, log->key_digest.bin, HINT) != 0 ||
		!pubkey_verifies(
			log->key, sig.p + HINT, sig.len - HINT, note->text, note->text_len))
		return err_set(err, ERR_RETRY, "the checkpoint is not signed by the entry's log");
	return 0;
}

int verify_note_signed_v1(
	const struct verify_note *note, const struct verify_log *log, struct err *err)
{
	const char *at = note->signatures, *end = at + strlen(at), *text = NULL;
	size_t n = 0, count = 0;

	for (; line(&at, end, &text, &n); count++) {
		if (count == LIMIT_NOTE_SIGNATURES)
			return err_set(err, ERR_RETRY, "the checkpoint has more than %d signatures",
				LIMIT_NOTE_SIGNATURES);
		if (signature_check(note, log, text, n, err))
			return -1;
	}
	if (at != end)
		return err_set(err, ERR_RETRY, "the checkpoint's last line does not end");
	return count ? 0 : err_set(err, ERR_RETRY, "the checkpoint has no signature");
}

/* ---- version 2 ------------------------------------------------------------------------------- */

/* C2SP signed-note.md has it for Ed25519; the others are Sigstore's. */
bool verify_note_key_id(struct digest *out, const struct verify_log *log)
{
	auto_digest_ctx struct digest_ctx h = {0};

	switch (pubkey_kind(log->key)) {
	case PUBKEY_EC:
		*out = log->key_digest;
		return true;
	case PUBKEY_ED25519:
		digest_ctx_init(&h, DIGEST_SHA256);
		digest_update(&h, log->host, strlen(log->host));
		digest_update(&h, "\n\x01", 2);
		digest_update(&h, log->key_end, sizeof(log->key_end));
		digest_final(&h, out);
		return true;
	default:
		return false;
	}
}

static bool is_host(const struct verify_log *log, const char *name, size_t n)
{
	return n && strlen(log->host) == n && !memcmp(log->host, name, n);
}

/* What is no signature, or another one's, is not looked at. */
static bool is_signed_by(const struct verify_note *note, const struct verify_log *log,
	const unsigned char hint[HINT], const char *text, size_t n)
{
	auto_buf struct buf sig = BUF_INIT(LIMIT_SIGNATURE_TEXT);
	struct err ignored = {0};
	const char *name;
	size_t len;

	return !signature_read(&sig, &name, &len, text, n, &ignored) && is_host(log, name, len) &&
		!memcmp(sig.p, hint, HINT) &&
		pubkey_verifies(log->key, sig.p + HINT, sig.len - HINT, note->text, note->text_len);
}

int verify_note_signed_v2(
	const struct verify_note *note, const struct verify_log *log, struct err *err)
{
	const char *at = note->signatures, *end = at + strlen(at), *text = NULL;
	struct digest id;
	size_t n = 0, count;

	if (!is_host(log, note->origin, note->origin_len))
		return err_set(err, ERR_RETRY, "the checkpoint is of another host than its log");
	if (!verify_note_key_id(&id, log))
		return err_set(err, ERR_RETRY,
			"the log's key is not of a kind that checkpoints are signed with");
	for (count = 0; count < LIMIT_NOTE_SIGNATURES && line(&at, end, &text, &n); count++)
		if (is_signed_by(note, log, id.bin, text, n))
			return 0;
	return err_set(err, ERR_RETRY, "the checkpoint is not signed by the entry's log");
}
