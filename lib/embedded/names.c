#include "embedded/names.h"

#include <string.h>

static bool lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool any_case(char c)
{
	return lower(c) || (c >= 'A' && c <= 'Z');
}

static bool dns_label(const char *s, size_t n)
{
	size_t i;

	if (!n || !lower(s[0]) || !lower(s[n - 1]))
		return false;
	for (i = 0; i < n; i++)
		if (!lower(s[i]) && s[i] != '-')
			return false;
	return true;
}

bool emb_is_dns_label(const char *s)
{
	size_t n = strlen(s);

	return n <= 63 && dns_label(s, n);
}

static bool subdomain(const char *s, size_t n)
{
	const char *end = s + n, *dot;

	if (n > 253)
		return false;
	do {
		dot = memchr(s, '.', (size_t)(end - s));
		if (!dns_label(s, (size_t)((dot ? dot : end) - s)))
			return false;
		s = dot ? dot + 1 : end;
	} while (dot);
	return true;
}

bool emb_is_dns_subdomain(const char *s)
{
	return subdomain(s, strlen(s));
}

static bool name_part(const char *s, size_t n)
{
	size_t i;

	if (!n || n > 63 || !any_case(s[0]) || !any_case(s[n - 1]))
		return false;
	for (i = 0; i < n; i++)
		if (!any_case(s[i]) && !strchr("-_.", s[i]))
			return false;
	return true;
}

bool emb_is_qualified(const char *s)
{
	const char *slash = strchr(s, '/');

	if (!slash)
		return name_part(s, strlen(s));
	return subdomain(s, (size_t)(slash - s)) && name_part(slash + 1, strlen(slash + 1));
}

bool emb_is_label_value(const char *s)
{
	return !s[0] || name_part(s, strlen(s));
}
