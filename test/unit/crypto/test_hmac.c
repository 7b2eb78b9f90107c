#include "crypto/hmac.h"

#include "base/mem.h"

#include <check.h>
#include <string.h>

Suite *suite_hmac(void);

/* RFC 4231, test cases 1 to 4, 6 and 7; the last one is of keys and texts of no length (computed
   with Python's hmac). */
static const struct {
	const char *key;
	size_t key_len;
	const char *data;
	size_t data_len;
	const char *hex;
} known[] = {
	{"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", 20,
		"Hi There", 8, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	{"Jefe", 4, "what do ya want for nothing?", 28,
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	{"\xaa*20", 0, "\xdd*50", 0,
		"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
	{"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16"
	 "\x17\x18\x19",
		25, "\xcd*50", 0,
		"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
	{"\xaa*131", 0, "Test Using Larger Than Block-Size Key - Hash Key First", 54,
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	{"\xaa*131", 0,
		"This is a test using a larger than block-size key and a larger than block-size "
		"data. The key needs to be hashed before being used by the HMAC algorithm.",
		152, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
	{"", 0, "", 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
};

/* "\xaa*20": that byte, twenty times; everything else is what it is. */
static char *bytes(const char *text, size_t *len)
{
	size_t n;
	char *p;

	if (strlen(text) < 3 || text[1] != '*' || *len)
		return mem_dup(text, *len + 1);
	n = (size_t)strtoul(text + 2, NULL, 10);
	p = mem_alloc(n);
	memset(p, text[0], n);
	*len = n;
	return p;
}

START_TEST(test_known)
{
	size_t key_len = known[_i].key_len, data_len = known[_i].data_len;
	auto_free char *key = bytes(known[_i].key, &key_len);
	auto_free char *data = bytes(known[_i].data, &data_len);
	char hex[DIGEST_HEX_MAX];
	struct digest d;

	hmac_sha256(&d, key, key_len, data, data_len);
	ck_assert_str_eq(digest_hex(&d, hex), known[_i].hex);
}
END_TEST

/* As the chain of a signature calls it: the key is where the answer goes. */
START_TEST(test_in_place)
{
	struct digest d, chained;
	char hex[DIGEST_HEX_MAX], again[DIGEST_HEX_MAX];

	hmac_sha256(&d, "key", 3, "one", 3);
	chained = d;
	hmac_sha256(&chained, chained.bin, digest_size(chained.algo), "two", 3);
	hmac_sha256(&d, d.bin, 32, "two", 3);
	ck_assert_str_eq(digest_hex(&d, hex), digest_hex(&chained, again));
	/* printf one | openssl sha256 -mac HMAC -macopt key:key, and once more with hexkey */
	ck_assert_str_eq(hex, "eb6cedb058607f0990d01c8ea33c95386d58952b1a00fdd8d492a315661863d3");
}
END_TEST

/* RFC 2202 and RFC 4231, test case 2. */
START_TEST(test_verifies)
{
	static const struct {
		enum hmac_algo algo;
		size_t n;
		const char *mac;
	} rows[] = {{HMAC_SHA1, 20,
			    "\xef\xfc\xdf\x6a\xe5\xeb\x2f\xa2\xd2\x74\x16\xd5\xf1\x84\xdf\x9c"
			    "\x25\x9a\x7c\x79"},
		{HMAC_SHA256, 32,
			"\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7"
			"\x5a\x00\x3f\x08\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43"},
		{HMAC_SHA512, 64,
			"\x16\x4b\x7a\x7b\xfc\xf8\x19\xe2\xe3\x95\xfb\xe7\x3b\x56\xe0\xa3"
			"\x87\xbd\x64\x22\x2e\x83\x1f\xd6\x10\x27\x0c\xd7\xea\x25\x05\x54"
			"\x97\x58\xbf\x75\xc0\x5a\x99\x4a\x6d\x03\x4f\x65\xf8\xf0\xe6\xfd"
			"\xca\xea\xb1\xa3\x4d\x4a\x6b\x4b\x63\x6e\x07\x0a\x38\xbc\xe7\x37"}};
	static const char text[] = "what do ya want for nothing?";
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert(hmac_verifies(rows[i].algo, "Jefe", 4, text, 28, rows[i].mac, rows[i].n));
		ck_assert(!hmac_verifies(
			rows[i].algo, "Jefe", 4, text, 28, rows[i].mac, rows[i].n - 1));
		ck_assert(!hmac_verifies(rows[i].algo, "Jefe", 4, text, 28, "", 0));
		ck_assert(
			!hmac_verifies(rows[i].algo, "Jeff", 4, text, 28, rows[i].mac, rows[i].n));
		ck_assert(
			!hmac_verifies(rows[i].algo, "Jefe", 4, text, 27, rows[i].mac, rows[i].n));
		ck_assert(!hmac_verifies(
			rows[(i + 1) % 3].algo, "Jefe", 4, text, 28, rows[i].mac, rows[i].n));
	}
}
END_TEST

Suite *suite_hmac(void)
{
	Suite *s = suite_create("hmac");
	TCase *t = tcase_create("hmac");

	tcase_add_loop_test(t, test_known, 0, ARRAY_LEN(known));
	tcase_add_test(t, test_verifies);
	tcase_add_test(t, test_in_place);
	suite_add_tcase(s, t);
	return s;
}
