#include "git/said.h"

#include "base/mem.h"
#include "git/gitc.h"
#include "text/steady.h"

#include <string.h>

#define SAID_MAX 500

void gitc_said_add(struct buf *out, const char *p, size_t n)
{
	auto_buf struct buf clean = BUF_INIT(SAID_MAX);
	auto_free char *text = NULL;

	while (n && (p[n - 1] == '\n' || p[n - 1] == '\r' || p[n - 1] == ' '))
		n--;
	text = mem_strndup(p, n);
	steady_add_clean(&clean, text, SAID_MAX);
	steady_add(out, buf_str(&clean), "");
}

/* What servers say, in whatever case; git's own words first. */
static int code_of(const char *text)
{
	static const struct {
		const char *words;
		int code;
	} known[] = {
		{"not our ref", GITC_NOT_OURS},
		{"unadvertised object", GITC_NOT_OURS},
		{"no such remote ref", GITC_NOT_OURS},
		{"repository not found", GITC_NOT_FOUND},
		{"not found or access denied", GITC_NOT_FOUND},
		{"does not exist", GITC_NOT_FOUND},
		{"not appear to be a git repository", GITC_NOT_FOUND},
		{"could not be found", GITC_NOT_FOUND},
		{"permission denied", GITC_AUTH_FAILED},
		{"access denied", GITC_AUTH_FAILED},
		{"authentication failed", GITC_AUTH_FAILED},
		{"unknown object format", GITC_SHA256},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(known); i++)
		if (strcasestr(text, known[i].words))
			return known[i].code;
	return GITC_PROTOCOL;
}

int gitc_said_error(const char *who, const char *p, size_t n, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(SAID_MAX);

	gitc_said_add(&text, p, n);
	return err_code(err, ERR_RETRY, code_of(buf_str(&text)), "%s: %s", who, buf_str(&text));
}
