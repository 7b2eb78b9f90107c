#include "crypto/digest.h"

#include "base/mem.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ABC256 "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC384 \
	"sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed" \
	"8086072ba1e7cc2358baeca134c825a7"
#define ABC512 \
	"sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" \
	"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
#define EMPTY256 "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* FIPS 180-4 examples. */
static const struct {
	enum digest_algo algo;
	const char *data;
	const char *text;
} known[] = {
	{DIGEST_SHA256, "abc", ABC256},
	{DIGEST_SHA384, "abc", ABC384},
	{DIGEST_SHA512, "abc", ABC512},
	{DIGEST_SHA256, "", EMPTY256},
};

START_TEST(test_known)
{
	auto_digest_ctx struct digest_ctx c = {0};
	const char *data = known[_i].data;
	struct digest d, parsed;
	struct err err = {0};
	char text[DIGEST_TEXT_MAX], hex[DIGEST_HEX_MAX];
	size_t i;

	digest_mem(&d, known[_i].algo, data, strlen(data));
	ck_assert_str_eq(digest_format(&d, text), known[_i].text);
	ck_assert_str_eq(digest_hex(&d, hex), known[_i].text + 7);
	ck_assert_int_eq(digest_parse(&parsed, known[_i].text, &err), 0);
	ck_assert(digest_equal(&d, &parsed));
	ck_assert_int_eq(memcmp(&d, &parsed, sizeof(d)), 0);

	/* Byte by byte, on a context that was used before. */
	digest_ctx_init(&c, DIGEST_SHA384);
	digest_update(&c, "x", 1);
	digest_ctx_init(&c, known[_i].algo);
	for (i = 0; i < strlen(data); i++)
		digest_update(&c, data + i, 1);
	ck_assert_uint_eq(c.bytes, strlen(data));
	digest_final(&c, &parsed);
	ck_assert(digest_equal(&d, &parsed));
}
END_TEST

static const struct {
	const char *text;
	const char *says;
} malformed[] = {
	{"", "no algorithm"},
	{"sha256", "no algorithm"},
	{"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "no algorithm"},
	{":ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "unsupported"},
	{"sha256:", "64 hex digits"},
	{"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a", "64 hex digits"},
	{ABC256 "0", "64 hex digits"},
	{ABC256 "\n", "64 hex digits"},
	{"sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"128 hex digits"},
	{"sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "lower-case"},
	{"sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "lower-case"},
	{"sha256: a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "lower-case"},
	{"SHA256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "unsupported"},
	{"sha1:a9993e364706816aba3e25717850c26c9cd0d89d", "unsupported"},
	{"md5:900150983cd24fb0d6963f7d28e17f72", "unsupported"},
	{"sha256+b64:abc", "unsupported"},
	{"blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85", "unsupported"},
};

START_TEST(test_malformed)
{
	struct digest d = {.algo = DIGEST_SHA384};
	struct err err = {0};

	ck_assert_msg(digest_parse(&d, malformed[_i].text, &err) == -1, "'%s' was accepted",
		malformed[_i].text);
	ck_assert_msg(strstr(err.msg, malformed[_i].says), "'%s': '%s' does not say '%s'",
		malformed[_i].text, err.msg, malformed[_i].says);
	ck_assert_int_eq(err.kind, ERR_RETRY);
	ck_assert_int_eq(d.algo, DIGEST_SHA384);
}
END_TEST

START_TEST(test_parse_n)
{
	struct digest d;
	struct err err = {0};

	/* A longer text may follow; a NUL inside is no digit. */
	ck_assert_int_eq(digest_parse_n(&d, ABC256 "/x", strlen(ABC256), &err), 0);
	ck_assert_int_eq(digest_parse_n(&d, "sha256:\0", 8, &err), -1);
}
END_TEST

START_TEST(test_equal)
{
	struct digest a, b, none = {0};

	digest_mem(&a, DIGEST_SHA256, "a", 1);
	digest_mem(&b, DIGEST_SHA256, "b", 1);
	ck_assert(!digest_equal(&a, &b));
	b = a;
	ck_assert(digest_equal(&a, &b));
	b.algo = DIGEST_SHA384;
	ck_assert(!digest_equal(&a, &b));
	ck_assert(!digest_equal(&none, &none));
}
END_TEST

START_TEST(test_algo)
{
	enum digest_algo a = DIGEST_NONE;
	struct err err = {0};

	ck_assert_int_eq(digest_algo_parse(&a, "sha512", &err), 0);
	ck_assert_int_eq(a, DIGEST_SHA512);
	ck_assert_str_eq(digest_algo_name(a), "sha512");
	ck_assert_uint_eq(digest_size(a), 64);
	ck_assert_int_eq(digest_algo_parse(&a, "blake3", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "'blake3'"));
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_int_eq(digest_algo_parse(&a, "sha25", &err), -1);
	ck_assert_int_eq(digest_algo_parse(&a, "", &err), -1);
}
END_TEST

static int temp_file(const char *fill, size_t n)
{
	char name[] = "/tmp/digest-XXXXXX";
	int fd = mkstemp(name);

	ck_assert_int_ge(fd, 0);
	unlink(name);
	ck_assert_int_eq(write(fd, fill, n), (ssize_t)n);
	return fd;
}

START_TEST(test_fd)
{
	size_t n = 300 * 1024 + 7;
	auto_free char *fill = mem_alloc(n);
	auto_fd int fd = -1;
	struct digest want, got;
	struct err err = {0};
	atomic_bool stop = false;
	uint64_t size = 0, before;
	size_t i;

	for (i = 0; i < n; i++)
		fill[i] = (char)(i * 7 + i / 251);
	fd = temp_file(fill, n);
	digest_mem(&want, DIGEST_SHA512, fill, n);
	before = digest_bytes_total();
	ck_assert_int_eq(digest_fd(&got, DIGEST_SHA512, fd, &stop, &size, &err), 0);
	ck_assert(digest_equal(&want, &got));
	ck_assert_uint_eq(size, n);
	ck_assert_uint_eq(digest_bytes_total() - before, n);

	atomic_store(&stop, true);
	ck_assert_int_eq(digest_fd(&got, DIGEST_SHA512, fd, &stop, NULL, &err), -1);
	ck_assert_int_eq(err.kind, ERR_CANCELED);

	err_clear(&err);
	ck_assert_int_eq(digest_fd(&got, DIGEST_SHA512, -1, NULL, NULL, &err), -1);
	ck_assert_int_eq(err.kind, ERR_RETRY);
	ck_assert_int_lt(err.code, 0);
}
END_TEST

Suite *suite_digest(void);
Suite *suite_digest(void)
{
	Suite *s = suite_create("digest");
	TCase *tc = tcase_create("digest");

	tcase_add_loop_test(tc, test_known, 0, (int)ARRAY_LEN(known));
	tcase_add_loop_test(tc, test_malformed, 0, (int)ARRAY_LEN(malformed));
	tcase_add_test(tc, test_parse_n);
	tcase_add_test(tc, test_equal);
	tcase_add_test(tc, test_algo);
	tcase_add_test(tc, test_fd);
	suite_add_tcase(s, tc);
	return s;
}
