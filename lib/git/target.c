#include "git/target.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/time.h"
#include "git/auth.h"
#include "git/url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HIDDEN_MIN 4 /* a shorter password would take half of the message's words along */

void gitc_target_init(struct gitc_target *own, const struct gitc_target *from)
{
	struct gitc_url *url = NEW(struct gitc_url);

	gitc_url_copy(url, from->url);
	own->url = url;
	own->auth = gitc_auth_ref(from->auth);
	own->timeout_ms = from->timeout_ms ? from->timeout_ms : LIMIT_GIT_MS;
	own->owner = mem_strdup(from->owner);
	own->hop = from->hop;
}

void gitc_target_disown(struct gitc_target *own)
{
	free((char *)(uintptr_t)own->owner);
	own->owner = NULL;
}

void gitc_target_clear(struct gitc_target *own)
{
	struct gitc_url *url = (struct gitc_url *)(uintptr_t)own->url;

	if (url)
		gitc_url_clear(url);
	free(url);
	gitc_auth_unref(own->auth);
	gitc_target_disown(own);
	*own = (struct gitc_target){0};
}

/* The credentials that are written in a URL are part of whom it is. */
static void add_url_user(struct buf *b, const struct gitc_url *u)
{
	char text[DIGEST_TEXT_MAX];
	struct digest d;

	if (u->scheme == GITC_SSH || !u->user)
		return;
	digest_mem(&d, DIGEST_SHA256, u->password.p ? u->password.p : "", u->password.len);
	buf_addf(b, "\n%s\n%s", u->user, digest_format(&d, text));
}

char *gitc_target_key(const struct gitc_target *t)
{
	struct buf key = BUF_INIT(BUF_ANY);
	char text[DIGEST_TEXT_MAX];

	gitc_url_show(t->url, &key);
	buf_addf(&key, "\n%s", t->auth ? digest_format(&t->auth->fingerprint, text) : "");
	add_url_user(&key, t->url);
	return buf_take(&key);
}

static void hide(char *text, const char *word, size_t n)
{
	if (n < HIDDEN_MIN)
		return;
	for (; (text = strstr(text, word)); text += n)
		memset(text, 'x', n);
}

uint64_t gitc_target_until(const struct gitc_target *t)
{
	return clock_ms() + t->timeout_ms;
}

uint64_t gitc_target_left(uint64_t until_ms)
{
	uint64_t now = clock_ms();

	return until_ms > now ? until_ms - now : 1;
}

void gitc_target_blame(
	const struct gitc_target *t, const char *what, uint64_t until_ms, struct err *err)
{
	auto_buf struct buf shown = BUF_INIT(LIMIT_URL);
	char text[TIME_TEXT_MAX];
	const char *colon;

	if (err->kind == ERR_CANCELED)
		return;
	if (err->code == -ETIMEDOUT && until_ms && clock_ms() >= until_ms)
		snprintf(err->msg, sizeof(err->msg), "no whole answer within %s",
			time_format_duration((int64_t)t->timeout_ms, text));
	if (t->url->password.p)
		hide(err->msg, t->url->password.p, t->url->password.len);
	if (t->auth && t->auth->bearer.p)
		hide(err->msg, t->auth->bearer.p, t->auth->bearer.len);
	colon = t->auth && t->auth->basic.p ? strchr(t->auth->basic.p, ':') : NULL;
	if (colon)
		hide(err->msg, colon + 1, strlen(colon + 1));
	gitc_url_show(t->url, &shown);
	err_wrap(err, "%s of '%.300s'", what, buf_str(&shown));
}
