#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "forge/internal.h"
#include "http/url.h"

#include <string.h>

void forge_place_clear(struct forge_place *p)
{
	free(p->api);
	free(p->path);
	free(p->owner);
	*p = (struct forge_place){0};
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n > k && !strcmp(s + n - k, end);
}

/* A URL of Git. The port of ssh says nothing of the API's. */
static int place_parse(struct url *u, const char *text, struct err *err)
{
	auto_buf struct buf web = BUF_INIT(LIMIT_URL);
	/* Hosts that speak ssh on port 443 for another one. */
	static const char *const others[][2] = {
		{"ssh.github.com", "github.com"}, {"altssh.gitlab.com", "gitlab.com"}};
	size_t i;

	if (strncmp(text, "ssh://", 6) != 0)
		return url_parse(u, text, err);
	buf_addf(&web, "https://%s", text + 6);
	if (buf_over(&web))
		return err_set(err, ERR_STALL, "the URL of the repository is too long");
	if (url_parse(u, buf_str(&web), err))
		return -1;
	u->has_port = false;
	u->port = 443;
	for (i = 0; i < ARRAY_LEN(others); i++)
		if (!strcmp(u->host, others[i][0])) {
			free(u->host);
			u->host = mem_strdup(others[i][1]);
		}
	return 0;
}

/* "scheme://host[:port]" */
static void add_origin(struct buf *b, const struct url *u)
{
	buf_adds(b, u->https ? "https://" : "http://");
	url_authority(u, b);
}

/* As the public documents of each say. */
static char *api_of(enum forge_kind kind, const struct url *u)
{
	struct buf b = BUF_INIT(LIMIT_URL);

	if (kind == FORGE_GITHUB && !strcmp(u->host, "github.com"))
		return mem_strdup(FORGE_GITHUB_API);
	if (kind == FORGE_GITHUB && ends_with(u->host, ".ghe.com"))
		return mem_printf("https://api.%s", u->host);
	add_origin(&b, u);
	buf_adds(&b,
		kind == FORGE_GITHUB           ? "/api/v3"
			: kind == FORGE_GITLAB ? "/api/v4"
					       : "/api/v1");
	return buf_take(&b);
}

/* An API's URL without what it has no need of, and no slash at its end. */
static int api_format(char **out, const struct url *u, const char *text, struct err *err)
{
	struct buf b = BUF_INIT(LIMIT_URL);
	size_t n;

	if (u->has_user || u->has_query || u->has_fragment) {
		auto_buf struct buf safe = BUF_INIT(LIMIT_URL);

		url_safe(&safe, text);
		return err_set(err, ERR_STALL,
			"'%s': a user, a query or a fragment has no place there", buf_str(&safe));
	}
	add_origin(&b, u);
	buf_adds(&b, u->path);
	n = b.len;
	*out = buf_take(&b);
	while (n && (*out)[n - 1] == '/')
		(*out)[--n] = 0;
	return 0;
}

/* Another port is another server: it may be anybody's who has an account there. That https is at
   its own port where Git is at that of http is no surprise. */
static bool port_fits(const struct url *u, const struct url *git)
{
	return u->port == git->port ||
		(u->https && u->port == 443 && !git->https && git->port == 80);
}

/* A token that Git shows to a host is for that host, and for nobody whom an annotation names. */
static int api_read(char **out, const struct forge_where *where, const struct url *git,
	struct url *u, struct err *err)
{
	auto_free char *below = mem_printf(".%s", git->host);

	if (url_parse(u, where->api, err))
		return err_wrap(err, "the URL of the API");
	if (!where->anywhere && strcmp(u->host, git->host) != 0 &&
		(git->host_is_v6 || !ends_with(u->host, below)))
		return err_set(err, ERR_STALL,
			"the API at '%s' is not asked for a repository of '%s': it would get a "
			"token that is not for it",
			u->host, git->host);
	if (!where->anywhere && git->https && !u->https)
		return err_set(err, ERR_STALL,
			"the API at '%s' is not asked in clear for a repository that is not",
			u->host);
	if (!where->anywhere && !port_fits(u, git))
		return err_set(err, ERR_STALL,
			"the API at port %u of '%s' is not asked for a repository at port %u: it "
			"would get a token that is not for it",
			u->port, u->host, git->port);
	if (api_format(out, u, where->api, err))
		return err_wrap(err, "the URL of the API");
	return 0;
}

int forge_base_read(char **out, const char *base, struct err *err)
{
	auto_url struct url u = {0};
	enum host_class c;

	if (!base || !*base) {
		*out = mem_strdup(FORGE_GITHUB_API);
		return 0;
	}
	if (url_parse(&u, base, err))
		return err_wrap(err, "the App's base URL");
	c = host_classify(u.host);
	if (!u.https && c != HOST_LOOPBACK && c != HOST_LOCALHOST)
		return err_set(
			err, ERR_STALL, "the App's base URL at '%s' has to be https", u.host);
	if (api_format(out, &u, base, err))
		return err_wrap(err, "the App's base URL");
	return 0;
}

/* What stands before "/api/vN" in the path of the API stands before the repository too, where a
   forge is not at the root of its host. */
static const char *skip_root(const char *path, const char *api_path)
{
	const char *end = strstr(api_path, "/api/v");
	size_t n = end ? (size_t)(end - api_path) : 0;

	return n && !strncmp(path, api_path, n) && path[n] == '/' ? path + n : path;
}

/* owner/name, or group/group/name. */
static bool path_is_ok(const char *path, enum forge_kind kind)
{
	unsigned parts = 0;
	const char *p, *part;
	size_t n;

	for (part = path;; part += n + 1) {
		n = strcspn(part, "/");
		if (!n || (*part == '.' && (n == 1 || (n == 2 && part[1] == '.'))))
			return false;
		for (p = part; p < part + n; p++)
			if (!ascii_is_alnum(*p) && !strchr("-_.~+", *p))
				return false;
		parts++;
		if (!part[n])
			break;
	}
	return kind == FORGE_GITLAB ? parts >= 2 : parts == 2;
}

static int path_read(struct forge_place *p, enum forge_kind kind, const char *path, struct err *err)
{
	size_t n;

	path += *path == '/';
	n = strlen(path);
	while (n && path[n - 1] == '/')
		n--;
	if (n > 4 && !strncmp(path + n - 4, ".git", 4))
		n -= 4;
	if (n > LIMIT_FORGE_PATH)
		return err_set(err, ERR_STALL, "the path of the repository is too long");
	p->path = mem_strndup(path, n);
	if (!path_is_ok(p->path, kind))
		return err_set(err, ERR_STALL, "the path '%.200s' of the repository is not '%s'",
			p->path, kind == FORGE_GITLAB ? "/GROUP/NAME" : "/OWNER/NAME");
	p->owner = mem_strndup(p->path, strcspn(p->path, "/"));
	return 0;
}

static bool is_at(const char *api, const struct url *git)
{
	auto_url struct url u = {0};
	struct err ignored = {0};

	return !url_parse(&u, api, &ignored) && !strcmp(u.host, git->host) && port_fits(&u, git) &&
		(u.https || !git->https);
}

int forge_place_read(struct forge_place *p, const struct forge_where *where, struct err *err)
{
	auto_url struct url git = {0};
	auto_url struct url api = {0};
	const char *path;

	*p = (struct forge_place){0};
	if (place_parse(&git, where->url, err))
		return -1;
	path = git.path;
	if (where->base)
		p->api = mem_strdup(where->base);
	else if (!where->api || !*where->api)
		p->api = api_of(where->kind, &git);
	else if (api_read(&p->api, where, &git, &api, err))
		goto fail;
	if (api.path)
		path = skip_root(path, api.path);
	p->is_git = is_at(p->api, &git);
	if (!path_read(p, where->kind, path, err))
		return 0;
fail:
	forge_place_clear(p);
	return -1;
}
