#include "cloud/host.h"

#include "base/ascii.h"

#include <string.h>

#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */

static bool label_ok(const char *s, size_t len)
{
	size_t i;

	if (!len || len > LABEL_MAX || s[0] == '-' || s[len - 1] == '-')
		return false;
	for (i = 0; i < len; i++)
		if (!ascii_is_lower(s[i]) && !ascii_is_digit(s[i]) && s[i] != '-')
			return false;
	return true;
}

bool cloud_labels_ok(const char *s, size_t len)
{
	const char *dot;

	while ((dot = memchr(s, '.', len))) {
		size_t n = (size_t)(dot - s);

		if (!label_ok(s, n))
			return false;
		s += n + 1;
		len -= n + 1;
	}
	return label_ok(s, len);
}

bool cloud_host_is_below(const char *host, const char *suffix)
{
	size_t n = strlen(host), m = strlen(suffix);

	return n > m + 1 && !strcmp(host + n - m, suffix) && host[n - m - 1] == '.' &&
		cloud_labels_ok(host, n - m - 1);
}
