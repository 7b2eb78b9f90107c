/*
 * Signed notes (C2SP signed-note.md), and the checkpoint of a log in one (tlog-checkpoint.md): how
 * large a tree was, and its root. Any thread.
 */
#ifndef VERIFY_NOTE_H
#define VERIFY_NOTE_H
#include "base/err.h"
#include "crypto/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verify_log;

struct verify_note {
	const char *text; /* what was signed; borrowed, as all of this */
	size_t text_len;
	const char *signatures; /* lines, the last one ends, too */
	const char *origin;
	size_t origin_len;
	int64_t size;
	struct digest root; /* DIGEST_SHA256 */
};

/* What a log of version 2 calls itself: C2SP's key ID, as long as its hash. False: its key is of a
   kind that signs no notes. */
bool verify_note_key_id(struct digest *out, const struct verify_log *log);
/* Borrows the text. */
int verify_note_read(struct verify_note *note, const char *text, struct err *err) must_check;
/* Is it of a log of version 1: "rekor.sigstore.dev - 2605736670972794746"? */
bool verify_note_is_v1(const struct verify_note *note);
/* As version 1 has it: each signature is by the key of this log, and there is one. */
int verify_note_signed_v1(
	const struct verify_note *note, const struct verify_log *log, struct err *err) must_check;
/* As version 2 has it: it is of this log, by its host, and one signature under that name is of its
   key. Others, of witnesses, are not looked at. */
int verify_note_signed_v2(
	const struct verify_note *note, const struct verify_log *log, struct err *err) must_check;

#endif
