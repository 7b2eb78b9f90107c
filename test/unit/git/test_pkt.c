#include "git/pkt.h"

#include "base/limits.h"
#include "base/mem.h"
#include "git/gitc.h"

#include <check.h>
#include <string.h>

Suite *suite_pkt(void);

/* Lines as "[text]", marks as "F D E", a failure as "!", what is not whole as "?". */
static void read_all(const char *p, size_t n, size_t piece, struct buf *out)
{
	struct gitc_pkt_reader r;
	struct gitc_pkt pkt;
	struct err err = {0};
	size_t at, left;
	const char *from;
	int rc = 0;

	gitc_pkt_reader_init(&r);
	for (at = 0; at < n && rc >= 0; at += piece) {
		from = p + at;
		left = n - at < piece ? n - at : piece;
		while ((rc = gitc_pkt_next(&r, &from, &left, &pkt, &err)) > 0) {
			if (pkt.kind != GITC_PKT_DATA) {
				buf_addc(out, "?FDE"[pkt.kind]);
				continue;
			}
			gitc_pkt_chomp(&pkt);
			buf_addc(out, '[');
			buf_add(out, pkt.p, pkt.n);
			buf_addc(out, ']');
		}
	}
	if (rc < 0)
		buf_addc(out, '!');
	else if (!gitc_pkt_at_start(&r))
		buf_addc(out, '?');
	gitc_pkt_reader_clear(&r);
}

static const struct {
	const char *in, *out;
} rows[] = {
	{"", ""},
	{"0000", "F"},
	{"000000010002", "FDE"},
	{"0003", "!"},
	{"0004", "[]"},
	{"0005a", "[a]"},
	{"0006a\n", "[a]"},
	{"0007a\n\n", "[a\n]"},
	{"0009hello0000", "[hello]F"},
	{"000Ahello\n", "[hello]"},
	{"00", "?"},
	{"0009hel", "?"},
	{"xxxx", "!"},
	{"-001", "!"},
	{"fff0", "?"},
	{"fff1", "!"},
	{"ffff", "!"},
};

START_TEST(test_read)
{
	size_t piece;

	for (piece = 1; piece < 12; piece++) {
		auto_buf struct buf out = BUF_INIT(BUF_ANY);

		read_all(rows[_i].in, strlen(rows[_i].in), piece, &out);
		ck_assert_str_eq(buf_str(&out), rows[_i].out);
	}
}
END_TEST

START_TEST(test_write)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY), got = BUF_INIT(BUF_ANY);
	char *most = mem_zalloc(LIMIT_GIT_PKT - 4);

	gitc_pkt_addf(&out, "want %s\n", "x");
	gitc_pkt_add_delim(&out);
	gitc_pkt_add(&out, "a\0b", 3);
	gitc_pkt_add_flush(&out);
	ck_assert_uint_eq(out.len, 11 + 4 + 7 + 4);
	ck_assert(!memcmp(out.p, "000bwant x\n00010007a\0b0000", out.len));
	buf_reset(&out);
	gitc_pkt_add(&out, most, LIMIT_GIT_PKT - 4);
	read_all(out.p, out.len, 1000, &got);
	ck_assert_uint_eq(got.len, LIMIT_GIT_PKT - 2);
	free(most);
}
END_TEST

Suite *suite_pkt(void)
{
	Suite *s = suite_create("pkt");
	TCase *t = tcase_create("pkt");

	tcase_add_loop_test(t, test_read, 0, ARRAY_LEN(rows));
	tcase_add_test(t, test_write);
	suite_add_tcase(s, t);
	return s;
}
