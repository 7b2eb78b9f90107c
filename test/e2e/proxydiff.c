/* proxydiff <TABLE: holds lib/http/proxy_env.h to the table that the Go tool printed;
   test/e2e/proxydiff.sh makes it. */
#include "http/proxy_env.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -1: no URL of ours (a name that looks like a number), 0: directly, 1: the proxy is asked. */
static int judge(const char *list, const char *text)
{
	const struct http_proxy *proxy;
	struct proxy_env *e;
	struct err err = {0};
	struct url u;

	if (url_parse(&u, text, &err))
		return -1;
	setenv("NO_PROXY", list, 1);
	e = proxy_env_new();
	BUG_IF(proxy_env_for(e, &u, &proxy, &err));
	proxy_env_free(e);
	url_clear(&u);
	return proxy != NULL;
}

int main(void)
{
	unsigned long passed = 0, failed = 0;
	char line[1024], *url, *want;
	int got;

	setenv("HTTP_PROXY", "proxy.test", 1);
	setenv("HTTPS_PROXY", "proxy.test", 1);
	while (fgets(line, sizeof(line), stdin)) {
		url = strchr(line, '|');
		want = url ? strchr(url + 1, '|') : NULL;
		if (!want)
			return 1;
		*url++ = *want++ = '\0';
		got = judge(line, url);
		if (got < 0)
			continue;
		if (got == !strncmp(want, "true", 4)) {
			passed++;
		} else if (failed++ < 20) {
			printf("NO_PROXY '%s', %s: %s, want the contrary\n", line, url,
				got ? "through the proxy" : "directly");
		}
	}
	printf("%lu passed, %lu failed\n", passed, failed);
	return failed || !passed;
}
