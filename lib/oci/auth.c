#include "oci/auth.h"

#include "base/limits.h"
#include "http/syntax.h"
#include "http/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Also what a token68 may hold (RFC 9110 section 11.2). */
static bool is_token68(char c)
{
	return http_is_tchar(c) || c == '/' || c == '=';
}

static const char *challenge_skip(const char *p, const char *what)
{
	return p + strspn(p, what);
}

static int challenge_malformed(struct err *err)
{
	return err_set(err, ERR_RETRY, "the registry's WWW-Authenticate header is malformed");
}

/* token or quoted-string at *p, unescaped into out (NULL: only skipped). */
static int challenge_read_value(const char **p, char *out, size_t size, struct err *err)
{
	const char *s = *p;
	bool quoted = *s == '"';
	size_t n = 0;

	s += quoted;
	for (; quoted ? *s != '"' : is_token68(*s) || *s == ':'; s++) {
		if (quoted && *s == '\\')
			s++;
		if (!*s || (unsigned char)*s < 0x20 || *s == 0x7f)
			return challenge_malformed(err);
		if (!out)
			continue;
		if (n + 1 >= size)
			return err_set(err, ERR_RETRY,
				"a parameter of the registry's WWW-Authenticate header is longer "
				"than %zu bytes",
				size - 1);
		out[n++] = *s;
	}
	if (out)
		out[n] = '\0';
	if (!quoted && s == *p)
		return challenge_malformed(err);
	*p = s + quoted;
	return 0;
}

/* One auth-param "name = value" at *p into c. 1: it was one, 0: something else is here, -1:
   error. */
static int challenge_read_param(const char **p, struct oci_challenge *c, struct err *err)
{
	static const struct {
		const char *name;
		size_t at, size;
	} known[] = {
		{"realm", offsetof(struct oci_challenge, realm), OCI_REALM_MAX},
		{"service", offsetof(struct oci_challenge, service), sizeof(c->service)},
		{"scope", offsetof(struct oci_challenge, scope), OCI_SCOPE_MAX},
	};
	const char *name = *p, *s = name;
	char *out = NULL;
	size_t len, i, size = 0;

	while (http_is_tchar(*s))
		s++;
	len = (size_t)(s - name);
	s = challenge_skip(s, " \t");
	if (!len || *s != '=')
		return 0;
	s = challenge_skip(s + 1, " \t");
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == len && !strncasecmp(known[i].name, name, len)) {
			out = (char *)c + known[i].at;
			size = known[i].size;
		}
	if (out && *out)
		return err_set(err, ERR_RETRY,
			"the registry's WWW-Authenticate header names '%.*s' twice", (int)len,
			name);
	if (challenge_read_value(&s, out, size, err))
		return -1;
	*p = s;
	return 1;
}

/* The parameters that follow a scheme, up to the next scheme or the end. */
static int challenge_read_params(const char **p, struct oci_challenge *c, struct err *err)
{
	const char *s = challenge_skip(*p, " \t");
	int rc;

	while ((rc = challenge_read_param(&s, c, err)) > 0) {
		s = challenge_skip(s, " \t");
		*p = s;
		if (*s && *s != ',')
			return challenge_malformed(err);
		s = challenge_skip(s, " \t,");
	}
	if (rc < 0)
		return -1;
	*p = s;
	return 0;
}

int oci_challenge_parse(struct oci_challenge *c, const char *value, struct err *err)
{
	const char *p = challenge_skip(value, " \t,");

	while (*p) {
		struct oci_challenge one = {.scheme = OCI_AUTH_NONE};
		const char *name = p;
		size_t len;

		while (http_is_tchar(*p))
			p++;
		len = (size_t)(p - name);
		if (!len || (*p && *p != ' ' && *p != ','))
			return challenge_malformed(err);
		if (len == 5 && !strncasecmp(name, "basic", len))
			one.scheme = OCI_AUTH_BASIC;
		else if (len == 6 && !strncasecmp(name, "bearer", len))
			one.scheme = OCI_AUTH_BEARER;
		if (*p == ' ') {
			const char *s = challenge_skip(p, " "), *end = s;

			/* `Negotiate dG9rZW4=`: a scheme of no interest with a token68 */
			while (is_token68(*end))
				end++;
			if (one.scheme == OCI_AUTH_NONE && end > s && (!*end || *end == ',') &&
				!memchr(s, '=', (size_t)(end - s) - 1))
				p = end;
			else if (challenge_read_params(&p, &one, err))
				return -1;
		}
		if (one.scheme == OCI_AUTH_BEARER && !one.realm[0])
			return err_set(
				err, ERR_RETRY, "the registry's Bearer challenge has no realm");
		if (one.scheme > c->scheme)
			*c = one;
		p = challenge_skip(p, " \t,");
	}
	return 0;
}

int oci_realm_check(const char *realm, const char *registry_url, struct err *err)
{
	auto_url struct url r = {0}, reg = {0};
	auto_buf struct buf shown = BUF_INIT(LIMIT_URL);

	if (url_parse(&r, realm, err) || url_parse(&reg, registry_url, err)) {
		err->kind = ERR_RETRY;
		return err_wrap(err, "the realm of the registry's token server");
	}
	url_redacted(&r, &shown);
	if (r.has_user)
		return err_set(err, ERR_RETRY,
			"the token server '%.400s' that the registry names has user information in "
			"its URL",
			buf_str(&shown));
	if (!r.https && reg.https)
		return err_set(err, ERR_RETRY,
			"the token server '%.400s' that the registry names is not https, as the "
			"registry is",
			buf_str(&shown));
	return 0;
}
