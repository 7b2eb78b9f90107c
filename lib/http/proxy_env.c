#include "http/proxy_env.h"

#include "base/ip.h"
#include "base/mem.h"
#include "base/vec.h"
#include "http/syntax.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An IPv4 address as an IPv6 one, ::ffff:1.2.3.4: then there is one kind of network only. */
#define MAPPED_BITS 96

struct rule {
	enum { RULE_ALL, RULE_NET, RULE_NAME } type;
	struct ip_net net;
	char *below; /* ".corp.test" */
	bool itself; /* "corp.test", too */
	char *port; /* as written; NULL: any */
};

struct from_env {
	const char *name; /* the variable; NULL: none is set */
	struct http_proxy proxy;
	struct err bad;
};

struct proxy_env {
	struct from_env http, https;
	VEC(struct rule) rules;
};

/* ---- a proxy's URL --------------------------------------------------------------------------- */

static const struct scheme {
	const char *name, *curl;
	unsigned port;
} schemes[] = {{"http://", "http", 80}, {"https://", "https", 443}, {"socks5://", "socks5h", 1080},
	{"socks5h://", "socks5h", 1080}};

static const struct scheme *scheme_of(const char **text)
{
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(schemes); i++) {
		n = strlen(schemes[i].name);
		if (strncasecmp(*text, schemes[i].name, n) != 0)
			continue;
		*text += n;
		return &schemes[i];
	}
	return strstr(*text, "://") ? NULL : &schemes[0];
}

/* No byte that ends a line or a text: it would end in a header of the proxy's. */
static int proxy_decode(struct secret *out, const char *s, size_t n)
{
	auto_free char *to = mem_alloc(n + 1);
	size_t i, len = 0;
	int c, rc = 0;

	for (i = 0; i < n && !rc; i++) {
		c = (unsigned char)s[i];
		if (c == '%') {
			c = http_percent_value(s + i, n - i);
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			rc = -1;
		else
			to[len++] = (char)c;
	}
	if (!rc)
		secret_set(out, to, len);
	mem_wipe(to, n + 1);
	return rc;
}

static int parse_user(struct http_proxy *p, const char *s, size_t n)
{
	const char *colon = memchr(s, ':', n);
	auto_secret struct secret user = {0};

	if (proxy_decode(&user, s, colon ? (size_t)(colon - s) : n))
		return -1;
	p->user = mem_strndup(user.p ? user.p : "", user.len);
	return colon ? proxy_decode(&p->password, colon + 1, n - (size_t)(colon + 1 - s)) : 0;
}

/* The rules for a host are those of any URL. */
static int parse_host(struct http_proxy *p, const struct scheme *scheme, const char *s, size_t n)
{
	auto_free char *plain = mem_printf("http://%.*s/", (int)n, s);
	struct err ignored = {0};
	auto_url struct url u;

	if (url_parse(&u, plain, &ignored) || u.has_user)
		return -1;
	p->port = u.has_port ? u.port : scheme->port;
	p->url = mem_printf(
		u.host_is_v6 ? "%s://[%s]:%u" : "%s://%s:%u", scheme->curl, u.host, p->port);
	p->host = MOVE(u.host);
	return 0;
}

int proxy_parse(struct http_proxy *p, const char *text, struct err *err)
{
	const struct scheme *scheme = scheme_of(&text);
	size_t n = strcspn(text, "/?#");
	const char *at = memrchr(text, '@', n);

	*p = (struct http_proxy){0};
	if (!scheme)
		return err_set(err, ERR_STALL, "the proxy's URL is neither http, https nor socks5");
	if ((!at || !parse_user(p, text, (size_t)(at - text))) &&
		!parse_host(p, scheme, at ? at + 1 : text, at ? n - (size_t)(at + 1 - text) : n))
		return 0;
	http_proxy_clear(p);
	return err_set(err, ERR_STALL, "the proxy's URL is malformed");
}

/* ---- NO_PROXY -------------------------------------------------------------------------------- */

/* Not ip_parse, which takes more forms of an IPv4 address for one than Go does. */
static bool parse_address(struct ip *to, const char *text)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

	memcpy(to->b, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, to->b + 12) == 1 || inet_pton(AF_INET6, text, to->b) == 1;
}

static bool parse_net(struct rule *r, const char *text)
{
	const char *slash = strchr(text, '/');
	auto_free char *address = slash ? mem_strndup(text, (size_t)(slash - text)) : NULL;
	unsigned most = address && strchr(address, ':') ? 128 : 32, bits = 0;

	if (!slash || !slash[1] || strspn(slash + 1, "0123456789") != strlen(slash + 1) ||
		!parse_address(&r->net.ip, address))
		return false;
	for (slash++; *slash && bits <= most; slash++)
		bits = bits * 10 + (unsigned)(*slash - '0');
	r->type = RULE_NET;
	r->net.bits = bits + 128 - most;
	return bits <= most;
}

/* Cuts "host:port" and "[host]:port" in two. Anything else is a host, brackets go. */
static void split_port(char *text, char **host, char **port)
{
	char *end = text[0] == '[' ? strchr(text, ']') : NULL;
	char *colon = end ? end + 1 : strchr(text, ':');

	*host = text;
	*port = NULL;
	if (end && (end[1] == ':' || !end[1])) {
		*end = '\0';
		*host = text + 1;
	} else if (!colon || end || strchr(colon + 1, ':')) {
		return; /* no port, or an IPv6 address without brackets */
	}
	if (!*colon)
		return;
	*colon = '\0';
	*port = colon + 1;
}

static void name_rule(struct rule *r, const char *host)
{
	size_t n = strlen(host);

	if (!strncmp(host, "*.", 2))
		host++, n--;
	if (n > 1 && host[n - 1] == '.')
		n--;
	r->type = RULE_NAME;
	r->itself = host[0] != '.';
	r->below = mem_printf("%s%.*s", r->itself ? "." : "", (int)n, host);
}

static void add_rule(struct proxy_env *e, char *text)
{
	struct rule r = {0};
	char *host, *port;

	if (!strcmp(text, "*")) {
		r.type = RULE_ALL;
	} else if (!parse_net(&r, text)) {
		split_port(text, &host, &port);
		if (!*host)
			return;
		r.port = port && *port ? mem_strdup(port) : NULL;
		if (parse_address(&r.net.ip, host)) {
			r.type = RULE_NET;
			r.net.bits = 128;
		} else {
			name_rule(&r, host);
		}
	}
	*vec_add(&e->rules) = r;
}

static void parse_rules(struct proxy_env *e, const char *list)
{
	auto_free char *copy = mem_strdup(list ? list : "");
	char *p, *rest = copy, *one;
	size_t n;

	for (p = copy; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 0x20);
	while ((one = strsep(&rest, ","))) {
		one += strspn(one, " \t\r\n\v\f");
		n = strlen(one);
		while (n && strchr(" \t\r\n\v\f", one[n - 1]))
			one[--n] = '\0';
		if (n)
			add_rule(e, one);
	}
}

static bool rule_in_net(const struct rule *r, const struct ip *a)
{
	/* ::/0 is all of IPv6 and nothing of IPv4. */
	return (!ip_is_v4(a) || r->net.bits >= MAPPED_BITS) && ip_net_has(&r->net, a);
}

static bool rule_is_below(const struct rule *r, const char *host)
{
	size_t n = strlen(host), m = strlen(r->below);

	return (n >= m && !strcmp(host + n - m, r->below)) ||
		(r->itself && !strcmp(host, r->below + 1));
}

static bool proxy_goes_past(const struct proxy_env *e, const struct url *u)
{
	struct ip address;
	bool is_address = parse_address(&address, u->host);
	const struct rule *r;
	char port[16];

	snprintf(port, sizeof(port), "%u", u->port);
	vec_each (&e->rules, r) {
		if (r->port && strcmp(r->port, port) != 0)
			continue;
		if (r->type == RULE_ALL ||
			(is_address ? r->type == RULE_NET && rule_in_net(r, &address)
				    : r->type == RULE_NAME && rule_is_below(r, u->host)))
			return true;
	}
	return false;
}

/* ---- the environment ------------------------------------------------------------------------- */

static const char *env_either(const char *upper, const char *lower, const char **name)
{
	const char *value = getenv(upper);

	*name = upper;
	if (!value || !*value) {
		value = getenv(lower);
		*name = lower;
	}
	return value && *value ? value : NULL;
}

static void env_read_proxy(struct from_env *f, const char *upper, const char *lower)
{
	const char *name, *value = env_either(upper, lower, &name);

	if (!value)
		return;
	f->name = name;
	if (proxy_parse(&f->proxy, value, &f->bad))
		err_wrap(&f->bad, "%s", name);
	/* The objects are not to blame, and somebody may mend it: with another start of the
	   process. */
	if (f->bad.kind)
		f->bad.kind = ERR_RETRY;
}

struct proxy_env *proxy_env_new(void)
{
	struct proxy_env *e = NEW(struct proxy_env);
	const char *cgi = getenv("REQUEST_METHOD"), *ignored;

	env_read_proxy(&e->https, "HTTPS_PROXY", "https_proxy");
	env_read_proxy(&e->http, "HTTP_PROXY", "http_proxy");
	parse_rules(e, env_either("NO_PROXY", "no_proxy", &ignored));
	if (e->http.name && cgi && *cgi)
		err_set(&e->http.bad, ERR_RETRY,
			"%s is not used because REQUEST_METHOD is set, as for a CGI program",
			e->http.name);
	return e;
}

void proxy_env_free(struct proxy_env *e)
{
	struct rule *r;

	if (!e)
		return;
	vec_each (&e->rules, r) {
		free(r->below);
		free(r->port);
	}
	vec_clear(&e->rules);
	http_proxy_clear(&e->http.proxy);
	http_proxy_clear(&e->https.proxy);
	free(e);
}

int proxy_env_for(const struct proxy_env *e, const struct url *u, const struct http_proxy **proxy,
	struct err *err)
{
	const struct from_env *f = u->https ? &e->https : &e->http;
	enum host_class class = host_classify(u->host);

	*proxy = NULL;
	if (!f->name || class == HOST_LOOPBACK || class == HOST_LOCALHOST || proxy_goes_past(e, u))
		return 0;
	if (f->bad.kind) {
		*err = f->bad;
		return -1;
	}
	*proxy = &f->proxy;
	return 0;
}
