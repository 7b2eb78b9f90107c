/* A proxy's URL and a NO_PROXY of any text. What is taken is a URL that curl reads as we do, and
   holds no user; what is refused, or matched, tells nothing of it. */
#include "http/proxy_env.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_url(const char *text)
{
	struct http_proxy p, again;
	struct err err = {0};

	if (proxy_parse(&p, text, &err)) {
		BUG_IF(err.kind != ERR_STALL || p.url || p.user || p.password.p);
		return;
	}
	BUG_IF(!strstr(p.url, "://") || strpbrk(p.url, "@?# \r\n\\"));
	BUG_IF(p.user && strpbrk(p.user, "\r\n"));
	BUG_IF(p.password.p && strlen(p.password.p) != p.password.len);
	BUG_IF(proxy_parse(&again, p.url, &err) || strcmp(again.url, p.url) != 0);
	http_proxy_clear(&again);
	http_proxy_clear(&p);
}

static void check_list(const char *text)
{
	static const char *const urls[] = {"https://reg.test/", "https://a.reg.test:5000/",
		"https://10.0.0.1/", "https://[fd00::1]:5000/", "https://127.0.0.1/"};
	const struct http_proxy *p;
	struct proxy_env *e;
	struct err err = {0};
	struct url u;
	size_t i;

	setenv("NO_PROXY", text, 1);
	setenv("HTTPS_PROXY", "proxy.test", 1);
	e = proxy_env_new();
	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		BUG_IF(url_parse(&u, urls[i], &err) || proxy_env_for(e, &u, &p, &err));
		BUG_IF(p && (i == 4 || !strcmp(text, "*")));
		url_clear(&u);
	}
	proxy_env_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = mem_strndup((const char *)data, n);

	check_url(text);
	check_list(text);
	free(text);
	return 0;
}
