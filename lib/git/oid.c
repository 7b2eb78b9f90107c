#include "git/oid.h"

#include "base/ascii.h"

#include <string.h>

bool gitc_oid_parse(struct gitc_oid *out, const char *text, size_t n)
{
	struct gitc_oid oid;
	size_t i;

	if (n != 2 * sizeof(oid.b))
		return false;
	for (i = 0; i < n; i++)
		if (ascii_is_upper(text[i]) || !ascii_is_hex(text[i]))
			return false;
	for (i = 0; i < sizeof(oid.b); i++)
		oid.b[i] = (unsigned char)(ascii_hex_value(text[2 * i]) * 16 +
			ascii_hex_value(text[2 * i + 1]));
	*out = oid;
	return true;
}

char *gitc_oid_format(const struct gitc_oid *oid, char out[GITC_OID_HEX])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < sizeof(oid->b); i++) {
		out[2 * i] = digits[oid->b[i] >> 4];
		out[2 * i + 1] = digits[oid->b[i] & 15];
	}
	out[2 * i] = '\0';
	return out;
}

bool gitc_oid_equal(const struct gitc_oid *a, const struct gitc_oid *b)
{
	return !gitc_oid_compare(a, b);
}

int gitc_oid_compare(const struct gitc_oid *a, const struct gitc_oid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

bool gitc_oid_is_zero(const struct gitc_oid *oid)
{
	static const struct gitc_oid zero;

	return gitc_oid_equal(oid, &zero);
}
