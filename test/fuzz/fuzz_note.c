/* Checkpoints. What is read lies within the text and ends a line; nobody has signed it with a key
   that is not his. */
#include "verify/note.h"

#include "base/mem.h"
#include "crypto/pubkey.h"
#include "verify/trusted_root.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define KEY \
	"-----BEGIN PUBLIC KEY-----\n" \
	"MCowBQYDK2VwAyEAF1XU8PWt1YgjtBcqgcH5ouvIubXf0j/5IJd5GUN2buw=\n" \
	"-----END PUBLIC KEY-----\n"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size);
	struct verify_log log = {0};
	struct verify_note note;
	struct err err = {0};

	if (verify_note_read(&note, text, &err)) {
		BUG_IF(err.kind != ERR_RETRY || !*err.msg);
		return 0;
	}
	BUG_IF(!note.text_len || note.text_len >= strlen(text) || note.size < 0);
	BUG_IF(note.text[note.text_len - 1] != '\n' || note.text[note.text_len] != '\n');
	BUG_IF(note.signatures != text + note.text_len + 1);
	BUG_IF(!note.origin_len || memchr(note.origin, '\n', note.origin_len));
	(void)verify_note_is_v1(&note);
	BUG_IF(pubkey_parse(&log.key, KEY, strlen(KEY), &err));
	BUG_IF(!verify_note_signed_v1(&note, &log, &err));
	BUG_IF(err.kind != ERR_RETRY || !*err.msg);
	log.host = mem_strndup(note.origin, note.origin_len);
	err_clear(&err);
	BUG_IF(!verify_note_signed_v2(&note, &log, &err));
	BUG_IF(err.kind != ERR_RETRY || !*err.msg);
	free(log.host);
	pubkey_free(log.key);
	return 0;
}
