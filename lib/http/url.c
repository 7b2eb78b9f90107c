#include "http/url.h"

#include "base/limits.h"
#include "base/mem.h"
#include "http/syntax.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int url_refuse(struct err *err, const char *text, const char *why)
{
	auto_buf struct buf safe = BUF_INIT(LIMIT_URL);

	url_safe(&safe, text);
	return err_set(err, ERR_STALL, "URL '%.300s' %s", buf_str(&safe), why);
}

/* What may stand in a path or a query: RFC 3986 pchar, '/', '?', and the few more that servers hand
   out in Location and Link (square brackets, braces, '|', '^', '"'...) are not taken: a client that
   repairs them asks for something else than was meant. */
static bool url_byte(unsigned char c)
{
	return http_is_unreserved((char)c) || (c && strchr("!$&'()*+,;=:@/?%[]", c));
}

static const char *url_bad_bytes(const char *s, size_t n)
{
	size_t i;
	int value;

	for (i = 0; i < n; i++) {
		if (!url_byte((unsigned char)s[i]))
			return "has a character that must be percent-encoded";
		if (s[i] != '%')
			continue;
		value = http_percent_value(s + i, n - i);
		if (value < 0)
			return "has a broken percent-encoding";
		if (!value)
			return "has an encoded NUL";
	}
	return NULL;
}

/* The last label decides, as in the WHATWG's rules: when it is a number in any base, the whole
   would be read as an IPv4 address by inet_aton and friends, and must then be one in the plain
   form. */
static bool looks_numeric(const char *host)
{
	const char *last = strrchr(host, '.');

	last = last ? last + 1 : host;
	if (last[0] == '0' && (last[1] == 'x' || last[1] == 'X'))
		return last[2 + strspn(last + 2, "0123456789abcdefABCDEF")] == '\0';
	return *last && last[strspn(last, "0123456789")] == '\0';
}

static bool plain_v4(const char *host)
{
	struct in_addr a;
	char again[INET_ADDRSTRLEN];

	/* Written again it must be the same text: no leading zeros, which some read as octal. */
	return inet_pton(AF_INET, host, &a) == 1 && inet_ntop(AF_INET, &a, again, sizeof(again)) &&
		!strcmp(again, host);
}

static const char *host_name_error(const char *host)
{
	size_t i, label = 0, n = strlen(host);

	if (!n)
		return "has no host";
	if (n > 253)
		return "has a host name of more than 253 bytes";
	for (i = 0; i < n; i++) {
		char c = host[i];

		if (c == '.') {
			if (!label)
				return "has a host name with an empty part";
			label = 0;
		} else if (isalnum((unsigned char)c) || c == '-' || c == '_') {
			if (++label > 63)
				return "has a host name with a part of more than 63 bytes";
		} else {
			return "has a host name with a character that does not belong there";
		}
	}
	if (!label)
		return "has a host name with an empty part";
	if (looks_numeric(host) && !plain_v4(host))
		return "has a numeric host that is no plain IPv4 address";
	return NULL;
}

static const char *parse_v6(struct url *u, const char *s, size_t n)
{
	char text[INET6_ADDRSTRLEN] = "", canonical[INET6_ADDRSTRLEN];
	struct in6_addr a;

	if (!n || n >= sizeof(text))
		return "has a broken IPv6 address";
	memcpy(text, s, n);
	if (strlen(text) != n || inet_pton(AF_INET6, text, &a) != 1 ||
		!inet_ntop(AF_INET6, &a, canonical, sizeof(canonical)))
		return "has a broken IPv6 address";
	u->host = mem_strdup(canonical);
	u->host_is_v6 = true;
	return NULL;
}

static const char *parse_port(struct url *u, const char *s, size_t n)
{
	size_t i;

	u->port = u->https ? 443 : 80;
	if (!n)
		return NULL; /* "host:" is the default port, RFC 3986 section 3.2.3 */
	u->has_port = true;
	u->port = 0;
	for (i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9' || u->port > 65535)
			return "has a broken port";
		u->port = u->port * 10 + (unsigned)(s[i] - '0');
	}
	return u->port < 1 || u->port > 65535 ? "has a broken port" : NULL;
}

static const char *parse_authority(struct url *u, const char *s, size_t n)
{
	const char *at = memrchr(s, '@', n), *colon, *why;
	size_t len;
	char *p;

	if (at) {
		/* Two of them: parsers disagree which one ends the user. */
		if (memchr(s, '@', (size_t)(at - s)))
			return "has more than one '@'";
		u->has_user = true;
		n -= (size_t)(at + 1 - s);
		s = at + 1;
	}
	if (n && *s == '[') {
		const char *end = memchr(s, ']', n);

		if (!end)
			return "has a broken IPv6 address";
		why = parse_v6(u, s + 1, (size_t)(end - s - 1));
		if (why)
			return why;
		len = n - (size_t)(end + 1 - s);
		if (len && end[1] != ':')
			return "has bytes after its IPv6 address";
		return parse_port(u, end + 2, len ? len - 1 : 0);
	}
	colon = memchr(s, ':', n);
	len = colon ? (size_t)(colon - s) : n;
	u->host = mem_strndup(s, len);
	for (p = u->host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (strlen(u->host) != len)
		return "has a NUL";
	/* The dot of an absolute name says the same host. */
	if (len > 1 && u->host[len - 1] == '.')
		u->host[len - 1] = '\0';
	why = host_name_error(u->host);
	if (why)
		return why;
	return parse_port(u, colon ? colon + 1 : "", colon ? n - len - 1 : 0);
}

static const char *url_parse_parts(struct url *u, const char *text)
{
	size_t n = strlen(text), len;
	const char *rest, *why;

	if (n > LIMIT_URL)
		return "is too long";
	if (!strncasecmp(text, "https://", 8)) {
		u->https = true;
		rest = text + 8;
	} else if (!strncasecmp(text, "http://", 7)) {
		rest = text + 7;
	} else {
		return "is neither http:// nor https://";
	}
	len = strcspn(rest, "/?#");
	why = parse_authority(u, rest, len);
	if (why)
		return why;
	rest += len;
	len = strcspn(rest, "#");
	u->has_fragment = rest[len] == '#';
	why = url_bad_bytes(rest, len);
	if (why)
		return why;
	n = strcspn(rest, "?#");
	u->path = n ? mem_strndup(rest, n) : mem_strdup("/");
	u->has_query = rest[n] == '?';
	if (u->has_query)
		u->query = mem_strndup(rest + n + 1, len - n - 1);
	return NULL;
}

int url_parse(struct url *u, const char *text, struct err *err)
{
	const char *why;

	*u = (struct url){0};
	why = url_parse_parts(u, text);
	if (!why)
		return 0;
	url_clear(u);
	return url_refuse(err, text, why);
}

void url_clear(struct url *u)
{
	free(u->host);
	free(u->path);
	if (u->query)
		mem_wipe(u->query, strlen(u->query)); /* signed URLs carry their credential there */
	free(u->query);
	*u = (struct url){0};
}

void url_authority(const struct url *u, struct buf *b)
{
	buf_addf(b, u->host_is_v6 ? "[%s]" : "%s", u->host);
	if (u->port != (u->https ? 443U : 80U))
		buf_addf(b, ":%u", u->port);
}

void url_redacted(const struct url *u, struct buf *b)
{
	buf_adds(b, u->https ? "https://" : "http://");
	url_authority(u, b);
	buf_adds(b, u->path);
}

void url_format(const struct url *u, struct buf *b)
{
	url_redacted(u, b);
	if (u->query)
		buf_addf(b, "?%s", u->query);
}

bool url_same_host(const struct url *a, const struct url *b)
{
	return a->port == b->port && !strcmp(a->host, b->host);
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->https == b->https && url_same_host(a, b);
}

bool url_same_server(const struct url *a, const struct url *b)
{
	return url_same_origin(a, b) || (b->https && !a->https && !strcmp(a->host, b->host));
}

/* ---- references ------------------------------------------------------------------------------ */

/* Is the dot segment at s, n bytes long, also in its encoded forms? Servers decode before they
   resolve; so do we. */
static unsigned url_dots(const char *s, size_t n)
{
	unsigned count = 0;

	while (n) {
		if (*s == '.') {
			s++, n--;
		} else if (n >= 3 && s[0] == '%' && s[1] == '2' && (s[2] == 'e' || s[2] == 'E')) {
			s += 3, n -= 3;
		} else {
			return 0;
		}
		if (++count > 2)
			return 0;
	}
	return count;
}

/* RFC 3986 section 5.2.4, for a path that begins with '/'. */
static void url_remove_dots(struct buf *out, const char *path)
{
	while (*path) {
		size_t n = strcspn(path + 1, "/");
		unsigned d = url_dots(path + 1, n);
		bool last = !path[1 + n];

		if (!d) {
			buf_add(out, path, n + 1);
		} else {
			if (d == 2) {
				while (out->len && out->p[out->len - 1] != '/')
					out->len--;
				if (out->len)
					out->len--;
			}
			if (last)
				buf_addc(out, '/');
		}
		path += n + 1;
	}
	if (!out->len)
		buf_addc(out, '/');
}

static bool url_has_scheme(const char *s)
{
	size_t n;

	if (!isalpha((unsigned char)*s))
		return false;
	n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
	return s[n] == ':';
}

static void url_merge(struct buf *out, const struct url *base, const char *ref, size_t path_len)
{
	auto_buf struct buf path = BUF_INIT(2 * LIMIT_URL), plain = BUF_INIT(2 * LIMIT_URL);

	if (ref[0] != '/')
		buf_add(&path, base->path, (size_t)(strrchr(base->path, '/') + 1 - base->path));
	buf_add(&path, ref, path_len);
	/* In a buffer of its own: ".." must never reach what stands before the path. */
	url_remove_dots(&plain, buf_str(&path));
	buf_adds(out, buf_str(&plain));
}

int url_resolve(struct url *u, const struct url *base, const char *reference, struct err *err)
{
	auto_buf struct buf whole = BUF_INIT(3 * LIMIT_URL);
	size_t path_len;

	if (strlen(reference) > LIMIT_URL)
		return url_refuse(err, reference, "is too long");
	if (url_has_scheme(reference)) {
		if (url_parse(u, reference, err))
			return -1;
	} else if (reference[0] == '/' && reference[1] == '/') {
		buf_addf(&whole, "%s:%s", base->https ? "https" : "http", reference);
		if (url_parse(u, buf_str(&whole), err))
			return -1;
	} else {
		buf_adds(&whole, base->https ? "https://" : "http://");
		url_authority(base, &whole);
		path_len = strcspn(reference, "?#");
		if (path_len)
			url_merge(&whole, base, reference, path_len);
		else
			buf_adds(&whole, base->path);
		if (reference[path_len] == '?')
			buf_add(&whole, reference + path_len, strcspn(reference + path_len, "#"));
		else if (!path_len && base->query)
			buf_addf(&whole, "?%s", base->query);
		if (url_parse(u, buf_str(&whole), err))
			return -1;
	}
	if (strchr(u->path, '.') || strchr(u->path, '%')) {
		buf_reset(&whole);
		url_remove_dots(&whole, u->path);
		free(u->path);
		u->path = buf_take(&whole);
	}
	u->has_fragment = false;
	return 0;
}

/* ---- address literals ------------------------------------------------------------------------ */

static enum host_class classify_v4(const unsigned char a[4])
{
	unsigned a16 = (unsigned)a[0] << 8 | a[1];

	if (a[0] == 127)
		return HOST_LOOPBACK;
	if (a[0] == 10 || (a16 & 0xfff0) == 0xac10 || a16 == 0xc0a8)
		return HOST_PRIVATE;
	if (a16 == 0xa9fe)
		return HOST_LINK_LOCAL;
	/* this network, shared, protocol assignments and documentation, benchmarking, multicast and
	   reserved (RFC 6890) */
	if (!a[0] || (a16 & 0xffc0) == 0x6440 || (a16 & 0xfffe) == 0xc612 || a[0] >= 224 ||
		(a16 == 0xc000 && (a[2] == 0 || a[2] == 2)) || (a16 == 0xc633 && a[2] == 100) ||
		(a16 == 0xcb00 && a[2] == 113))
		return HOST_SPECIAL;
	return HOST_PUBLIC;
}

static enum host_class classify_v6(const unsigned char a[16])
{
	static const unsigned char zero[16], nat64[12] = {0, 0x64, 0xff, 0x9b};
	static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	if (!memcmp(a, mapped, 12) || !memcmp(a, nat64, 12))
		return classify_v4(a + 12);
	if (a[0] == 0x20 && a[1] == 0x02)
		return classify_v4(a + 2);
	if (!memcmp(a, zero, 15))
		return a[15] == 1 ? HOST_LOOPBACK : HOST_SPECIAL;
	if (!memcmp(a, zero, 12))
		return classify_v4(a + 12); /* IPv4-compatible, obsolete */
	if ((a[0] & 0xfe) == 0xfc)
		return HOST_ULA;
	if (a[0] == 0xfe && (a[1] & 0xc0) == 0x80)
		return HOST_LINK_LOCAL;
	/* The internet is 2000::/3; documentation and Teredo are carved out of it. */
	if ((a[0] & 0xe0) != 0x20 ||
		(a[0] == 0x20 && a[1] == 0x01 &&
			((a[2] == 0x0d && a[3] == 0xb8) || (!a[2] && !a[3]))))
		return HOST_SPECIAL;
	return HOST_PUBLIC;
}

enum host_class host_classify(const char *host)
{
	unsigned char a[16];
	size_t n = strlen(host);

	if (inet_pton(AF_INET, host, a) == 1)
		return classify_v4(a);
	if (inet_pton(AF_INET6, host, a) == 1)
		return classify_v6(a);
	if (n && host[n - 1] == '.')
		n--;
	if (n >= 9 && !strncasecmp(host + n - 9, "localhost", 9) && (n == 9 || host[n - 10] == '.'))
		return HOST_LOCALHOST;
	return HOST_NAME;
}

bool host_is_internal(enum host_class c)
{
	return c != HOST_NAME && c != HOST_PUBLIC;
}

/* ---- text ------------------------------------------------------------------------------------ */

void url_encode(struct buf *b, const char *s)
{
	for (; *s; s++) {
		if (http_is_unreserved(*s))
			buf_addc(b, *s);
		else
			buf_addf(b, "%%%02X", (unsigned char)*s);
	}
}

void url_add_param(struct buf *b, char sep, const char *name, const char *value)
{
	if (sep)
		buf_addc(b, sep);
	buf_adds(b, name);
	buf_addc(b, '=');
	url_encode(b, value);
}

void url_safe(struct buf *b, const char *text)
{
	size_t scheme =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
	size_t i, end, authority;
	const char *at;

	if (scheme && !strncmp(text + scheme, "://", 3)) {
		buf_add(b, text, scheme + 3);
		text += scheme + 3;
	}
	end = strcspn(text, "?#");
	authority = strcspn(text, "/?#");
	/* A password with an unencoded '?' or '#' looks like a host with a query. */
	if (authority == end && strchr(text + end, '@')) {
		buf_adds(b, "...");
		return;
	}
	/* One with an unencoded '/' looks like a host with a path: an '@' there takes everything
	   before it along. */
	at = memrchr(text, '@', end);
	if (at) {
		end -= (size_t)(at + 1 - text);
		text = at + 1;
	}
	for (i = 0; i < end && b->len < b->max; i++) {
		unsigned char c = (unsigned char)text[i];

		buf_addc(b, c < 0x20 || c == 0x7f ? '?' : (char)c);
	}
}

void url_hide_user(struct buf *b, const char *text)
{
	const char *from = strstr(text, "://"), *colon, *at;
	size_t authority;

	if (!from) {
		buf_adds(b, text);
		return;
	}
	from += 3;
	authority = strcspn(from, "/?#");
	at = memrchr(from, '@', authority);
	/* "https://ci:p@ss/word@host": what follows the first colon is no port, so that the password
	   may go on behind what looks like the end of a host. */
	colon = *from == '[' ? NULL : memchr(from, ':', authority);
	if (colon && strspn(colon + 1, "0123456789") != (size_t)(from + authority - colon - 1))
		at = strrchr(from, '@');
	buf_add(b, text, (size_t)(from - text));
	buf_adds(b, at ? at + 1 : from);
}
