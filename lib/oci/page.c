#include "oci/page.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/client.h"
#include "http/url.h"
#include "oci/link.h"
#include "oci/req.h"

#define LINKS 16 /* headers that are looked at */

int oci_page_next(const struct op *answered, char **next, struct err *err)
{
	const struct http_res *res = oci_req_result(answered);
	auto_url struct url to = {0};
	auto_buf struct buf path = BUF_INIT(LIMIT_URL), shown = BUF_INIT(LIMIT_URL);
	auto_free char *target = NULL;
	unsigned i;

	*next = NULL;
	for (i = 0; i < LINKS && !target; i++) {
		auto_free char *value = http_header_nth(res, "Link", i);

		if (!value)
			break;
		if (oci_link_next(value, &target, err))
			return -1;
	}
	if (!target)
		return 0;
	if (url_resolve(&to, oci_req_url(answered), target, err)) {
		err->kind = ERR_RETRY;
		return -1;
	}
	url_redacted(&to, &shown);
	if (!url_same_server(&to, oci_req_url(answered)))
		return err_set(err, ERR_RETRY,
			"the next page is at '%.400s', which is not the registry's own host",
			buf_str(&shown));
	buf_adds(&path, to.path);
	if (to.query)
		buf_addf(&path, "?%s", to.query);
	if (path.over)
		return err_set(err, ERR_RETRY, "the URL of the next page is too long");
	*next = mem_strdup(buf_str(&path));
	return 0;
}
