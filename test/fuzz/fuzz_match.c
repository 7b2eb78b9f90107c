/*
 * Input: a pattern, a newline, texts divided by newlines. Properties: a refusal says why; a pattern
 * that is taken matches the same in both spellings of a named group's start, and a quoted text
 * matches itself.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "text/match.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_quoted(const char *text)
{
	auto_free char *pattern = mem_printf("^\\Q%s\\E$", text);
	struct match *m;
	struct err err;

	/* A pattern is UTF-8, a text need not be; a `\E` ends the quote. */
	if (strlen(pattern) > LIMIT_PATTERN || strstr(text, "\\E") || match_new(&m, pattern, &err))
		return;
	BUG_IF(!match_text(m, text, strlen(text)));
	match_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size);
	auto_free char *grouped = NULL;
	struct match *m = NULL, *g = NULL;
	struct err err = {0};
	char *texts = text, *pattern = strsep(&texts, "\n"), *t;

	if (match_new(&m, pattern, &err)) {
		BUG_IF(err.kind == ERR_NONE || !err.msg[0] || m);
		return 0;
	}
	grouped = mem_printf("(?<zz_zz>%s)", pattern);
	if (match_new(&g, grouped, &err))
		g = NULL;
	while ((t = strsep(&texts, "\n"))) {
		bool is = match_text(m, t, strlen(t));

		BUG_IF(g && match_text(g, t, strlen(t)) != is);
		check_quoted(t);
	}
	match_free(m);
	match_free(g);
	return 0;
}
