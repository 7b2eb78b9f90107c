#include "git/link.h"

#include "git/http.h"
#include "git/ssh.h"
#include "git/url.h"

struct gitc_link *gitc_link_new(struct gitc_client *c, const struct gitc_link_req *req)
{
	return req->target->url->scheme == GITC_SSH ? gitc_ssh_link_new(c, req)
						    : gitc_http_link_new(c, req);
}
