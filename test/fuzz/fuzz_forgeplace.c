/*
 * Input: the URL of a repository, a newline, the URL of an API or nothing. Properties: what is
 * asked is at the repository's host or below it (github.com: at its API's) and at its port, or at
 * that of https where Git is at that of http; in clear only if Git is; the path can be nothing but
 * a path.
 */
#include "base/mem.h"
#include "forge/internal.h"
#include "http/url.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_host(const char *git, const char *api)
{
	size_t n = strlen(git), k = strlen(api);

	if (k == n)
		BUG_IF(strcmp(git, api) != 0);
	else
		BUG_IF(k < n + 2 || strcmp(api + k - n, git) != 0 || api[k - n - 1] != '.');
}

static void check(enum forge_kind kind, const char *url, const char *api)
{
	struct forge_where where = {.kind = kind, .url = url, .api = api};
	struct forge_place p = {0};
	auto_url struct url got = {0};
	auto_url struct url git = {0};
	struct err err = {0};

	if (forge_place_read(&p, &where, &err)) {
		BUG_IF(err.kind != ERR_STALL || p.api || p.path);
		return;
	}
	BUG_IF(url_parse(&got, p.api, &err));
	BUG_IF(got.has_user || got.has_query || got.has_fragment);
	BUG_IF(strpbrk(p.path, " ?#%\\:@") || *p.path == '/' || strstr(p.path, "//"));
	BUG_IF(strncmp(p.path, p.owner, strlen(p.owner)) != 0);
	if (strncmp(url, "ssh://", 6) != 0) {
		BUG_IF(url_parse(&git, url, &err));
		BUG_IF(git.https && !got.https);
		BUG_IF(got.port != git.port && !(git.port == 80 && got.https && got.port == 443));
		check_host(git.host, got.host);
	}
	forge_place_clear(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size);
	char *rest = text, *url = strsep(&rest, "\n");

	check(FORGE_GITHUB, url, rest);
	check(FORGE_GITLAB, url, rest);
	check(FORGE_GITEA, url, rest);
	return 0;
}
