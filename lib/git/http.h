/*
 * Git over HTTP (gitprotocol-http, "smart"): link.h's moves as requests of lib/http. open is
 * GET URL/info/refs?service=..., and follows redirects; talk is a POST to where that was answered.
 * Credentials follow to the same host only, a client certificate likewise, and nothing goes from
 * https to plain http. Content types are checked: what a login page or a folder of files answers is
 * told as what it is. Loop thread.
 */
#ifndef GIT_HTTP_H
#define GIT_HTTP_H
#include "git/link.h"

struct gitc_link *gitc_http_link_new(struct gitc_client *c, const struct gitc_link_req *req);

#endif
