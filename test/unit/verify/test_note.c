/* Checkpoints: what is a signed note, and whose signatures count. */
#include "verify/note.h"

#include "base/limits.h"
#include "crypto/pubkey.h"
#include "test/unit/verify/vectors.h"
#include "verify/tlog.h"
#include "verify/trusted_root.h"

Suite *suite_note(void);

#define ROOT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define V1 "log.example - 123"
#define TEXT(origin, size, root) origin "\n" size "\n" root "\n"
#define SIG "\n\xe2\x80\x94 log.example AAAAAAAA\n"
#define NONE "the checkpoint is no signed note"
#define SAYS "the checkpoint does not say which log, how large and with which root"

static const struct {
	const char *text, *why;
} notes[] = {
	{TEXT(V1, "7", ROOT) SIG, NULL},
	{TEXT(V1, "0", ROOT) SIG, NULL},
	{TEXT(V1, "999999999999999999", ROOT) SIG, NULL},
	{TEXT(V1, "7", ROOT) "more\n" SIG, NULL},
	{TEXT(V1, "7", ROOT) "\nmore\n" SIG, NULL},
	{"", NONE},
	{TEXT(V1, "7", ROOT), NONE},
	{TEXT("", "7", ROOT) SIG, SAYS},
	{V1 "\n" SIG, SAYS},
	{V1 "\n7\n" SIG, SAYS},
	{TEXT(V1, "", ROOT) SIG, SAYS},
	{TEXT(V1, "07", ROOT) SIG, SAYS},
	{TEXT(V1, "-7", ROOT) SIG, SAYS},
	{TEXT(V1, "7 ", ROOT) SIG, SAYS},
	{TEXT(V1, "1000000000000000000", ROOT) SIG, SAYS},
	{TEXT(V1, "7", "#") SIG, SAYS},
	{TEXT(V1, "7", "AAAA") SIG, SAYS},
	{TEXT(V1, "7", ROOT " ") SIG, SAYS},
};

START_TEST(test_notes)
{
	struct verify_note note;
	struct err err = {0};
	int rc = verify_note_read(&note, notes[_i].text, &err);

	ck_assert_msg(!rc == !notes[_i].why, "row %d: %s", _i, err.msg);
	if (rc)
		ck_assert_str_eq(err.msg, notes[_i].why);
}
END_TEST

START_TEST(test_long)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	struct verify_note note;
	struct err err = {0};

	buf_adds(&text, TEXT(V1, "7", ROOT) SIG);
	while (text.len <= LIMIT_NOTE)
		buf_addc(&text, '\n');
	ck_assert_int_eq(verify_note_read(&note, buf_str(&text), &err), -1);
	ck_assert_str_eq(err.msg, NONE);
}
END_TEST

static const struct {
	const char *origin;
	bool v1;
} origins[] = {{"log.example - 1", true}, {"log.example - 1234567890", true},
	{"log.example - ", false}, {"log.example", false}, {"log.example-123", false},
	{"log.example -  1", false}, {" - 123", false}, {"123", false}, {"a - 1 b", false}};

START_TEST(test_versions)
{
	auto_free char *text = mem_printf("%s\n7\n" ROOT "\n" SIG, origins[_i].origin);
	struct verify_note note;
	struct err err = {0};

	ck_assert_msg(!verify_note_read(&note, text, &err), "%s", err.msg);
	ck_assert_msg(verify_note_is_v1(&note) == origins[_i].v1, "%s", origins[_i].origin);
}
END_TEST

/* ---- signatures of version 1 ----------------------------------------------------------------- */

/* The log whose key signer.pem is. */
static void log_fill(struct verify_log *log)
{
	auto_free char *pem = vector_text("keys/", "rsa2048", ".pub");
	struct err err = {0};

	*log = (struct verify_log){0};
	ck_assert(!pubkey_parse(&log->key, pem, strlen(pem), &err));
	digest_mem(&log->key_digest, DIGEST_SHA256, "the log", 7);
}

/* A line with our signature; other: with another hint. */
static void line_add(struct buf *out, const struct verify_log *log, bool other)
{
	auto_buf struct buf sig = BUF_INIT(BUF_ANY), all = BUF_INIT(BUF_ANY);

	buf_add(&all, log->key_digest.bin, 4);
	all.p[3] = (char)(all.p[3] ^ other);
	vector_sign(&sig, TEXT(V1, "7", ROOT), strlen(TEXT(V1, "7", ROOT)));
	buf_add(&all, sig.p, sig.len);
	buf_adds(out, "\xe2\x80\x94 log.example ");
	base64_encode(out, all.p, all.len, BASE64_STD);
	buf_addc(out, '\n');
}

/* GOOD and HINT in it become such lines. */
static const struct {
	const char *lines, *why;
} signatures[] = {
	{"GOOD", NULL},
	{"GOOD GOOD", NULL},
	{"", "the checkpoint has no signature"},
	{"HINT", "the checkpoint is not signed by the entry's log"},
	{"GOOD HINT", "the checkpoint is not signed by the entry's log"},
	{"\xe2\x80\x94 log.example AAAAAAAA\n", "the checkpoint is not signed by the entry's log"},
	{"x\n", "a line of the checkpoint is no signature"},
	{"\xe2\x80\x94\n", "a line of the checkpoint is no signature"},
	{"\xe2\x80\x94 \n", "a line of the checkpoint is no signature"},
	{"-- log.example AAAAAAAA\n", "a line of the checkpoint is no signature"},
	{"\xe2\x80\x94 log.example\n", "a signature of the checkpoint has no name"},
	{"\xe2\x80\x94  AAAAAAAA\n", "a signature of the checkpoint has no name"},
	{"\xe2\x80\x94 log.example #\n", "a signature of the checkpoint is broken"},
	{"\xe2\x80\x94 log.example AAAAAA==\n", "a signature of the checkpoint is broken"},
	{"\xe2\x80\x94 log.example \n", "a signature of the checkpoint is broken"},
	{"GOOD x", "the checkpoint's last line does not end"},
};

START_TEST(test_signatures)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	const char *at = signatures[_i].lines;
	struct verify_note note;
	struct verify_log log;
	struct err err = {0};
	int rc;

	log_fill(&log);
	buf_adds(&text, TEXT(V1, "7", ROOT) "\n");
	while (!strncmp(at, "GOOD", 4) || !strncmp(at, "HINT", 4)) {
		line_add(&text, &log, *at == 'H');
		at += at[4] ? 5 : 4;
	}
	buf_adds(&text, at);
	ck_assert_msg(!verify_note_read(&note, buf_str(&text), &err), "%s", err.msg);
	rc = verify_note_signed_v1(&note, &log, &err);
	ck_assert_msg(!rc == !signatures[_i].why, "row %d: %s", _i, err.msg);
	if (rc)
		ck_assert_msg(!strcmp(err.msg, signatures[_i].why), "row %d: %s", _i, err.msg);
	pubkey_free(log.key);
}
END_TEST

START_TEST(test_many_signatures)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	struct verify_note note;
	struct verify_log log;
	struct err err = {0};
	int i;

	log_fill(&log);
	buf_adds(&text, TEXT(V1, "7", ROOT) "\n");
	for (i = 0; i < LIMIT_NOTE_SIGNATURES; i++)
		line_add(&text, &log, false);
	ck_assert(!verify_note_read(&note, buf_str(&text), &err));
	ck_assert_msg(!verify_note_signed_v1(&note, &log, &err), "%s", err.msg);
	line_add(&text, &log, false);
	ck_assert(!verify_note_read(&note, buf_str(&text), &err));
	ck_assert_int_eq(verify_note_signed_v1(&note, &log, &err), -1);
	ck_assert_str_eq(err.msg, "the checkpoint has more than 32 signatures");
	pubkey_free(log.key);
}
END_TEST

/* A proof's root has as many bytes as the checkpoint's, not more and not less. */
START_TEST(test_root_length)
{
	static const size_t lengths[] = {32, 33, 31, 0};
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	struct verify_log_proof proof = {.size = 7, .root = BUF_INIT(BUF_ANY)};
	struct verify_log log;
	struct err err = {0};
	size_t i;
	int rc;

	log_fill(&log);
	buf_adds(&text, TEXT(V1, "7", ROOT) "\n");
	line_add(&text, &log, false);
	proof.checkpoint = buf_str(&text);
	for (i = 0; i < lengths[_i]; i++)
		buf_addc(&proof.root, '\0');
	rc = verify_tlog_checkpoint(&log, &proof, &err);
	ck_assert_msg(!rc == !_i, "%s", err.msg);
	if (rc)
		ck_assert_str_eq(err.msg, "the checkpoint is of another root than the proof");
	buf_clear(&proof.root);
	pubkey_free(log.key);
}
END_TEST

/* Version 2: RSA keys sign no checkpoints. */
START_TEST(test_rsa_v2)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	struct verify_note note;
	struct verify_log log;
	struct err err = {0};
	char host[] = V1;

	log_fill(&log);
	log.host = host;
	buf_adds(&text, TEXT(V1, "7", ROOT) "\n");
	line_add(&text, &log, false);
	ck_assert(!verify_note_read(&note, buf_str(&text), &err));
	ck_assert_int_eq(verify_note_signed_v2(&note, &log, &err), -1);
	ck_assert_str_eq(
		err.msg, "the log's key is not of a kind that checkpoints are signed with");
	pubkey_free(log.key);
}
END_TEST

Suite *suite_note(void)
{
	Suite *s = suite_create("note");
	TCase *tc = tcase_create("note");

	tcase_add_loop_test(tc, test_notes, 0, ARRAY_LEN(notes));
	tcase_add_test(tc, test_long);
	tcase_add_loop_test(tc, test_versions, 0, ARRAY_LEN(origins));
	tcase_add_loop_test(tc, test_signatures, 0, ARRAY_LEN(signatures));
	tcase_add_test(tc, test_many_signatures);
	tcase_add_loop_test(tc, test_root_length, 0, 4);
	tcase_add_test(tc, test_rsa_v2);
	suite_add_tcase(s, tc);
	return s;
}
