/* URLs of repositories: what is shown of one parses again to the same place, and has neither a
   password nor, but for ssh, a user. */
#include "git/url.h"

#include "base/limits.h"
#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size);
	auto_buf struct buf shown = BUF_INIT(BUF_ANY), again = BUF_INIT(BUF_ANY);
	auto_gitc_url struct gitc_url u = {0}, v = {0};
	struct err err = {0};

	if (gitc_url_parse(&u, text, &err)) {
		BUG_IF(err.kind != ERR_STALL || u.host || u.password.p);
		return 0;
	}
	BUG_IF(u.path[0] != '/' || !u.path[1] || !u.port || u.port > 65535 || u.host[0] == '-');
	gitc_url_show(&u, &shown);
	/* The path of ssh is shown decoded, and so may not parse again. */
	if (u.scheme == GITC_SSH)
		return 0;
	BUG_IF(gitc_url_parse(&v, buf_str(&shown), &err));
	BUG_IF(v.user || v.password.p || strcmp(u.host, v.host) != 0 || u.port != v.port);
	gitc_url_show(&v, &again);
	BUG_IF(!buf_equal(&shown, &again));
	return 0;
}
