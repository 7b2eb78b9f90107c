#include "kube/names.h"

#include "base/ascii.h"

#include <string.h>

static bool names_is_lower_alnum(char c)
{
	return ascii_is_lower(c) || ascii_is_digit(c);
}

static bool is_label(const char *s, size_t n)
{
	size_t i;

	if (!n || !names_is_lower_alnum(s[0]) || !names_is_lower_alnum(s[n - 1]))
		return false;
	for (i = 0; i < n; i++)
		if (!names_is_lower_alnum(s[i]) && s[i] != '-')
			return false;
	return true;
}

bool kube_is_dns_label(const char *s)
{
	size_t n = strlen(s);

	return n <= 63 && is_label(s, n);
}

static bool is_subdomain(const char *s, size_t n)
{
	const char *end = s + n, *dot;

	if (n > 253)
		return false;
	do {
		dot = memchr(s, '.', (size_t)(end - s));
		if (!is_label(s, (size_t)((dot ? dot : end) - s)))
			return false;
		s = dot ? dot + 1 : end;
	} while (dot);
	return true;
}

bool kube_is_dns_subdomain(const char *s)
{
	return is_subdomain(s, strlen(s));
}

static bool is_name_part(const char *s, size_t n)
{
	size_t i;

	if (!n || n > 63 || !ascii_is_alnum(s[0]) || !ascii_is_alnum(s[n - 1]))
		return false;
	for (i = 0; i < n; i++)
		if (!ascii_is_alnum(s[i]) && !strchr("-_.", s[i]))
			return false;
	return true;
}

bool kube_is_qualified(const char *s)
{
	const char *slash = strchr(s, '/');

	if (!slash)
		return is_name_part(s, strlen(s));
	return is_subdomain(s, (size_t)(slash - s)) && is_name_part(slash + 1, strlen(slash + 1));
}

bool kube_is_label_value(const char *s)
{
	return !s[0] || is_name_part(s, strlen(s));
}
