/*
 * `.gitmodules`, and the URLs in it against a parent's. Paths that come out may lie on a disk, one
 * row each; URLs are http, https or ssh, and the parent's credentials go to no other host.
 */
#include "git/modules.h"
#include "git/names.h"

#include <string.h>
#include <strings.h>

#define HOST "https://user:secret@host.example:8443/"

static void check_url(const char *url)
{
	auto_buf struct buf out = BUF_INIT(65536);
	struct err err = {0};
	const char *p;

	if (gitc_modules_url(&out, HOST "a/b.git", url, &err)) {
		BUG_IF(err.kind != ERR_RETRY ||
			(strstr(err.msg, "secret") && !strstr(url, "secret")));
		return;
	}
	p = buf_str(&out);
	BUG_IF(strncasecmp(p, "http://", 7) != 0 && strncasecmp(p, "https://", 8) != 0 &&
		strncasecmp(p, "ssh://", 6) != 0);
	if (!strncmp(url, "./", 2) || !strncmp(url, "../", 3))
		BUG_IF(strncmp(p, HOST, strlen(HOST) - 1) != 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const struct gitc_modules_row *r, *q;
	struct err err = {0};
	struct gitc_modules m;

	if (gitc_modules_parse(&m, (const char *)data, size, &err)) {
		BUG_IF(err.kind != ERR_RETRY || !err.msg[0]);
		return 0;
	}
	vec_each (&m.rows, r) {
		BUG_IF(!r->name || !r->path || !r->url ||
			gitc_path_refused(r->path, strlen(r->path)));
		BUG_IF(r->url[0] == '-' || r->path[0] == '-');
		vec_each (&m.rows, q)
			BUG_IF(q != r && !strcmp(q->path, r->path));
		check_url(r->url);
	}
	gitc_modules_clear(&m);
	return 0;
}
