/*
 * Where a repository is: http://, https:// and ssh:// URLs (git-clone(1), "GIT URLS"). The scp form
 * and local paths are none. What is ambiguous is refused, as http/url.h does; so are a query and a
 * fragment, which no Git server has a meaning for. Any thread.
 *
 *	struct gitc_url u;
 *
 *	if (gitc_url_parse(&u, text, err))
 *		return -1;
 *	... gitc_url_show(&u, &message);
 *	gitc_url_clear(&u);
 */
#ifndef GIT_URL_H
#define GIT_URL_H
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#include <stdbool.h>

enum gitc_scheme { GITC_HTTP, GITC_HTTPS, GITC_SSH };

struct gitc_url {
	enum gitc_scheme scheme;
	char *user; /* decoded; of ssh "git" when none is written; else NULL: none */
	struct secret password; /* decoded; empty: none. ssh takes no password */
	char *host; /* lower case, no brackets */
	bool host_is_v6;
	unsigned port; /* the scheme's default when not written */
	bool has_port; /* written in the text */
	/* As written, begins with '/', no slash at its end; of ssh decoded, for it is a path and no
	   URL there. */
	char *path;
};

/* 0, or -1 (ERR_STALL; the message holds the text without credentials). */
int gitc_url_parse(struct gitc_url *u, const char *text, struct err *err) must_check;
void gitc_url_clear(struct gitc_url *u);
#define auto_gitc_url __attribute__((cleanup(gitc_url_clear)))
/* to: zeroed. */
void gitc_url_copy(struct gitc_url *to, const struct gitc_url *from);
/* Appends it without user and password: for messages and for keys. Two texts of one place
   (HTTPS://Host:443/a/ and https://host/a) come out the same. The user of ssh stays, unless it is
   "git": other users have other homes. */
void gitc_url_show(const struct gitc_url *u, struct buf *b);

#endif
