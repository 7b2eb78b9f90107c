#include "crypto/pem.h"

#include "base/mem.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *run(const char *cmd)
{
	FILE *f = popen(cmd, "r");
	char text[16384];
	size_t n = fread(text, 1, sizeof(text) - 1, f);

	ck_assert_int_eq(pclose(f), 0);
	text[n] = '\0';
	return mem_strdup(text);
}

static char *cert(const char *name)
{
	auto_free char *cmd =
		mem_printf("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
			   "-nodes -subj /CN=%s "
			   "-keyout /dev/null 2>/dev/null",
			name);

	return run(cmd);
}

static void expect(const char *what, const char *text, size_t want, const char *out_want)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY);
	size_t added = 99;

	ck_assert_int_eq(pem_add_certs(&out, text, strlen(text), &added), 0);
	ck_assert_msg(added == want, "%s: %zu", what, added);
	ck_assert_msg(!strcmp(buf_str(&out), out_want), "%s: '%s'", what, buf_str(&out));
}

START_TEST(test_certs)
{
	auto_free char *a = cert("a"), *b = cert("b"), *both = mem_printf("%s%s", a, b);
	auto_free char *key = run("openssl genpkey -algorithm ed25519");
	auto_free char *windows = NULL, *messy = NULL, *broken = mem_strdup(a), *cut = NULL;
	auto_free char *trusted = NULL, *headed = NULL, *unended = NULL;
	auto_buf struct buf crlf = BUF_INIT(BUF_ANY);
	const char *p;

	expect("one", a, 1, a);
	expect("two", both, 2, both);
	expect("nothing", "", 0, "");
	expect("text", "hello\n-----BEGIN\n", 0, "");
	expect("a key", key, 0, "");
	for (p = a; *p; p++)
		buf_addf(&crlf, *p == '\n' ? "\r%c" : "%c", *p);
	expect("lines of Windows", buf_str(&crlf), 1, a);
	messy = mem_printf("subject: a\n%s\n%sissuer\n%s%s", key, a, b, a);
	expect("in between, and twice", messy, 2, both);
	/* Its bytes are no certificate any more; the next one is. */
	memcpy(strchr(broken, '\n') + 1, "MIJ", 3);
	cut = mem_printf("%s%s", broken, b);
	expect("a broken one", cut, 1, b);
	strchr(broken, '\n')[5] = '*';
	free(MOVE(cut));
	cut = mem_printf("%s%s", broken, b);
	expect("no base64", cut, 1, b);
	unended = mem_strndup(a, strlen(a) / 2);
	expect("half of one", unended, 0, "");
	trusted = mem_printf("-----BEGIN TRUSTED CERTIFICATE-----%s", strchr(a, '\n'));
	expect("OpenSSL's own", trusted, 0, "");
	headed = mem_printf("-----BEGIN CERTIFICATE-----\nProc-Type: 4\n%s%s", strchr(a, '\n'), b);
	expect("with a header", headed, 1, b);
}
END_TEST

START_TEST(test_limit)
{
	auto_free char *a = cert("a"), *b = cert("b"), *both = mem_printf("%s%s", a, b);
	auto_buf struct buf out = BUF_INIT(strlen(a) + 10);
	size_t added;

	ck_assert_int_eq(pem_add_certs(&out, both, strlen(both), &added), -1);
	ck_assert_uint_eq(added, 1);
	ck_assert_str_eq(buf_str(&out), a);
	/* It has it already. */
	buf_reset(&out);
	ck_assert_int_eq(pem_add_certs(&out, a, strlen(a), NULL), 0);
	ck_assert_int_eq(pem_add_certs(&out, a, strlen(a), &added), 0);
	ck_assert_uint_eq(added, 0);
	ck_assert_str_eq(buf_str(&out), a);
}
END_TEST

START_TEST(test_whole)
{
	auto_free char *a = cert("a"), *b = cert("b"), *both = mem_printf("%s%s", a, b);
	auto_free char *key = run("openssl genpkey -algorithm ed25519");
	auto_free char *with_key = mem_printf("text\n%s\n%s\ntext", key, a);
	auto_free char *broken = mem_printf("%s%s", a, b);
	size_t n = strlen(a), i;

	ck_assert(pem_is_whole(a, n));
	ck_assert(pem_is_whole(both, strlen(both)));
	ck_assert(pem_is_whole(with_key, strlen(with_key)));
	ck_assert(!pem_is_whole("", 0));
	ck_assert(!pem_is_whole(NULL, 0));
	ck_assert(!pem_is_whole(key, strlen(key)));
	/* Cut anywhere in the second one, but in its first line, where it is still text. */
	for (i = n + 30; i < strlen(both) - 2; i += 7)
		ck_assert_msg(!pem_is_whole(both, i), "%zu of %zu bytes", i, strlen(both));
	memcpy(strchr(broken + n, '\n') + 1, "MIJ", 3);
	ck_assert(!pem_is_whole(broken, strlen(broken)));
}
END_TEST

START_TEST(test_pair)
{
	auto_free char *key = run("openssl genpkey -algorithm ed25519");
	auto_free char *other = run("openssl genpkey -algorithm ed25519");
	auto_free char *locked = run("openssl genpkey -algorithm ed25519 -aes128 -pass pass:x");
	auto_free char *cmd = mem_printf(
		"k=$(mktemp) && echo '%s' >$k && openssl req -x509 -subj /CN=a -key $k; rm $k",
		key);
	auto_free char *a = run(cmd), *b = cert("b"), *chain = mem_printf("%s%s", a, b);

	ck_assert(pem_is_pair(a, strlen(a), key, strlen(key)));
	ck_assert(pem_is_pair(chain, strlen(chain), key, strlen(key)));
	ck_assert(!pem_is_pair(b, strlen(b), key, strlen(key)));
	ck_assert(!pem_is_pair(a, strlen(a), other, strlen(other)));
	ck_assert(!pem_is_pair(a, strlen(a), locked, strlen(locked)));
	ck_assert(!pem_is_pair(a, strlen(a), a, strlen(a)));
	ck_assert(!pem_is_pair("", 0, "", 0));
}
END_TEST

Suite *suite_pem(void);
Suite *suite_pem(void)
{
	Suite *s = suite_create("pem");
	TCase *tc = tcase_create("pem");

	tcase_add_test(tc, test_certs);
	tcase_add_test(tc, test_limit);
	tcase_add_test(tc, test_whole);
	tcase_add_test(tc, test_pair);
	suite_add_tcase(s, tc);
	return s;
}
