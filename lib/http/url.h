/*
 * URLs of http and https (RFC 3986), as strictly as a client that sends credentials needs them:
 * what is ambiguous is refused, never repaired. Any thread.
 *
 *	struct url u;
 *
 *	if (url_parse(&u, text, err))
 *		return -1;
 *	if (!url_same_origin(&u, &other))
 *		...
 *	url_clear(&u);
 *
 * Refused: other schemes, no host, spaces, control and non-ASCII bytes, backslashes, a bad percent
 * triple, an encoded NUL, ports outside 1 to 65535, host names with other characters than letters,
 * digits, '-', '_', '.', an IPv6 literal that does not parse or has a zone, and numbers that some
 * resolvers take for an IPv4 address though they are not four plain decimal parts (0x7f.1,
 * 2130706433, 127.1, 0177.0.0.1): they would pass a check of the text and still connect to the
 * address.
 */
#ifndef HTTP_URL_H
#define HTTP_URL_H
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct url {
	bool https;
	bool has_user; /* user information was there; it is not kept */
	bool has_query, has_fragment;
	bool has_port; /* written in the text */
	unsigned port; /* the scheme's default when not written */
	/* lower case, no brackets, no dot at the end; an IPv6 literal in canonical form */
	char *host;
	bool host_is_v6;
	char *path; /* as written; "/" when empty */
	char *query; /* without '?'; NULL when there is none */
};

/* 0, or -1 (ERR_STALL; the message holds the redacted text). */
int url_parse(struct url *u, const char *text, struct err *err) must_check;
void url_clear(struct url *u);
/* Resolves a reference (an absolute URL, "//host/path", "/path", "path", "?query") against base:
   RFC 3986 section 5.2, dot segments removed. The fragment is dropped. */
int url_resolve(
	struct url *u, const struct url *base, const char *reference, struct err *err) must_check;
#define auto_url __attribute__((cleanup(url_clear)))

/* Appends the whole URL, query included, without user and fragment: for the wire. */
void url_format(const struct url *u, struct buf *b);
/* Appends "host" or "host:port" (the port only when it is not the scheme's default), IPv6 in
   brackets. */
void url_authority(const struct url *u, struct buf *b);
/* Appends scheme, authority and path: for messages. */
void url_redacted(const struct url *u, struct buf *b);

/* Scheme, host and port are the same: credentials may follow. */
bool url_same_origin(const struct url *a, const struct url *b);
/* The same, or what the server at b writes when a proxy in front of it ends TLS and it does not
   know: http, its host, any port. What it means is to be asked for at b's own scheme and port. */
bool url_same_server(const struct url *a, const struct url *b);
/* Host and port are the same. */
bool url_same_host(const struct url *a, const struct url *b);

/* What an address literal is; a name is HOST_NAME whatever it may resolve to ("localhost" and
   "*.localhost" are HOST_LOCALHOST). IPv4-mapped, NAT64 and 6to4 forms of IPv6 are judged by the
   IPv4 address inside. */
enum host_class {
	HOST_NAME,
	HOST_LOCALHOST,
	HOST_PUBLIC, /* an address of the internet */
	HOST_LOOPBACK, /* 127.0.0.0/8, ::1 */
	HOST_PRIVATE, /* RFC 1918 */
	HOST_ULA, /* fc00::/7 */
	HOST_LINK_LOCAL, /* 169.254.0.0/16, fe80::/10: cloud metadata lives there */
	HOST_SPECIAL, /* unspecified, multicast, shared (100.64/10), documentation, reserved, ... */
};
/* host without brackets. */
enum host_class host_classify(const char *host);
/* True for whatever is neither a public address nor a plain name: a redirect from outside must not
   lead there. */
bool host_is_internal(enum host_class c);

/* Appends s percent-encoded: all but unreserved characters (RFC 3986 section 2.3). */
void url_encode(struct buf *b, const char *s);
/* Appends "name=value", the value encoded so, behind `sep` ('?' or '&'; 0: nothing): of a query, or
   of a form (application/x-www-form-urlencoded). */
void url_add_param(struct buf *b, char sep, const char *name, const char *value);
/* A form of any text that may be a URL for a message: user information, query and fragment cut out,
   control characters replaced, at most LIMIT_URL bytes. Works on text that url_parse refuses. */
void url_safe(struct buf *b, const char *text);
/* Appends any text; of one that is a URL ("SCHEME://...") without user information, which may be a
   password or a token. Nothing else of it is changed. */
void url_hide_user(struct buf *b, const char *text);

#endif
