#include "git/url.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "http/url.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *text;
	unsigned port;
} SCHEMES[] = {
	[GITC_HTTP] = {"http://", 80},
	[GITC_HTTPS] = {"https://", 443},
	[GITC_SSH] = {"ssh://", 22},
};

static int fail(struct err *err, const char *text, const char *why)
{
	auto_buf struct buf shown = BUF_INIT(LIMIT_URL);

	url_safe(&shown, text);
	return err_set(err, ERR_STALL, "URL '%.400s' %s", buf_str(&shown), why);
}

static bool scheme_of(const char *text, enum gitc_scheme *out)
{
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(SCHEMES); i++) {
		n = strlen(SCHEMES[i].text);
		if (!strncasecmp(text, SCHEMES[i].text, n)) {
			*out = (enum gitc_scheme)i;
			return true;
		}
	}
	return false;
}

/* Percent triples become bytes. NULL: a bad triple, or a control character comes out. */
static char *decode(const char *p, size_t n, size_t *len)
{
	char *out = mem_alloc(n + 1);
	size_t i, o = 0;
	int c;

	for (i = 0; i < n; i++) {
		c = (unsigned char)p[i];
		if (c == '%') {
			if (i + 2 >= n || !ascii_is_hex(p[i + 1]) || !ascii_is_hex(p[i + 2]))
				break;
			c = ascii_hex_value(p[i + 1]) * 16 + ascii_hex_value(p[i + 2]);
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			break;
		out[o++] = (char)c;
	}
	out[o] = '\0';
	*len = o;
	if (i == n && utf8_ok(out, o))
		return out;
	mem_wipe(out, o);
	free(out);
	return NULL;
}

/* "user:password" of the authority. */
static int read_user(struct gitc_url *u, const char *text, const char *p, size_t n, struct err *err)
{
	const char *colon = memchr(p, ':', n);
	size_t user = colon ? (size_t)(colon - p) : n, len;
	char *password;

	u->user = decode(p, user, &len);
	if (!u->user || strchr(u->user, ':'))
		return fail(err, text, "has a user name that cannot be read");
	if (u->scheme == GITC_SSH && (u->user[0] == '-' || !len))
		return fail(err, text, "has no user name that ssh could take");
	if (!colon)
		return 0;
	if (u->scheme == GITC_SSH)
		return fail(err, text, "has a password, which ssh does not take");
	password = decode(colon + 1, n - user - 1, &len);
	if (!password)
		return fail(err, text, "has a password that cannot be read");
	secret_set(&u->password, password, len);
	mem_wipe(password, len);
	free(password);
	return 0;
}

/* What is left of it: host, port, path. */
static int read_place(struct gitc_url *u, const char *text, const char *rest, struct err *err)
{
	/* To http/url.h the place of ssh is one of http. */
	const char *scheme = SCHEMES[u->scheme == GITC_HTTPS ? GITC_HTTPS : GITC_HTTP].text;
	auto_free char *plain = mem_printf("%s%s", scheme, rest);
	auto_url struct url place = {0};
	struct err why = {0};
	size_t n;

	if (url_parse(&place, plain, &why))
		return fail(err, text, "is malformed");
	if (place.has_query || place.has_fragment)
		return fail(err, text, "has a query or a fragment, which no Git server knows");
	if (u->scheme == GITC_SSH && place.host[0] == '-')
		return fail(err, text, "has no host that ssh could take");
	u->has_port = place.has_port;
	u->port = place.has_port ? place.port : SCHEMES[u->scheme].port;
	u->host_is_v6 = place.host_is_v6;
	u->host = MOVE(place.host);
	for (n = strlen(place.path); n > 1 && place.path[n - 1] == '/'; n--)
		;
	if (n == 1)
		return fail(err, text, "names no repository, only a server");
	u->path = u->scheme == GITC_SSH ? decode(place.path, n, &n) : mem_strndup(place.path, n);
	return u->path ? 0 : fail(err, text, "has a path that cannot be read");
}

int gitc_url_parse(struct gitc_url *u, const char *text, struct err *err)
{
	const char *rest, *at, *end;
	size_t n;

	*u = (struct gitc_url){0};
	if (strlen(text) > LIMIT_URL)
		return err_set(err, ERR_STALL, "the URL is longer than %d bytes", LIMIT_URL);
	if (!scheme_of(text, &u->scheme))
		return fail(err, text, "is none of http://, https:// and ssh://");
	rest = text + strlen(SCHEMES[u->scheme].text);
	end = rest + strcspn(rest, "/?#");
	for (at = end; at > rest && at[-1] != '@'; at--)
		;
	n = at > rest ? (size_t)(at - 1 - rest) : 0;
	if ((at > rest && read_user(u, text, rest, n, err)) || read_place(u, text, at, err)) {
		gitc_url_clear(u);
		return -1;
	}
	if (u->scheme == GITC_SSH && !u->user)
		u->user = mem_strdup("git");
	return 0;
}

void gitc_url_clear(struct gitc_url *u)
{
	free(u->user);
	secret_clear(&u->password);
	free(u->host);
	free(u->path);
	*u = (struct gitc_url){0};
}

void gitc_url_copy(struct gitc_url *to, const struct gitc_url *from)
{
	*to = *from;
	to->user = mem_strdup(from->user);
	to->password = (struct secret){0};
	secret_copy(&to->password, &from->password);
	to->host = mem_strdup(from->host);
	to->path = mem_strdup(from->path);
}

void gitc_url_show(const struct gitc_url *u, struct buf *b)
{
	buf_adds(b, SCHEMES[u->scheme].text);
	if (u->scheme == GITC_SSH && strcmp(u->user, "git") != 0)
		buf_addf(b, "%s@", u->user);
	buf_addf(b, u->host_is_v6 ? "[%s]" : "%s", u->host);
	if (u->port != SCHEMES[u->scheme].port)
		buf_addf(b, ":%u", u->port);
	buf_adds(b, u->path);
}
