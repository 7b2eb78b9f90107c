/*
 * Input: a pattern, a newline, a template, a newline, texts divided by newlines. Properties: a
 * template with each dollar sign doubled comes to the template itself, `$0` to what has matched;
 * what is a number is the same one with a sign before it.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "text/expand.h"
#include "text/match.h"
#include "text/number.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expand_is(
	const struct match *m, const char *template, const char *text, const char *want, size_t len)
{
	auto_buf struct buf got = BUF_INIT(BUF_ANY);
	struct expand *x;
	struct err err;

	if (expand_new(&x, template, m, &err))
		return;
	BUG_IF(!expand_text(x, text, strlen(text), &got));
	BUG_IF(got.len != len || memcmp(buf_str(&got), want, len) != 0);
	expand_free(x);
}

static void check_plain(const struct match *m, const char *template, const char *text)
{
	auto_buf struct buf doubled = BUF_INIT(BUF_ANY);
	const char *p;

	for (p = template; *p; p++)
		buf_addf(&doubled, *p == '$' ? "$%c" : "%c", *p);
	expand_is(m, buf_str(&doubled), text, template, strlen(template));
}

static void check_number(const char *text)
{
	auto_free char *plus = mem_printf("+%s", text);
	double a, b;

	if (!number_parse(&a, text, strlen(text)) || strchr("+-nN", *text))
		return;
	if (strlen(plus) <= NUMBER_TEXT_MAX)
		BUG_IF(!number_parse(&b, plus, strlen(plus)) || a != b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size);
	char *rest = text, *pattern = strsep(&rest, "\n"), *template = strsep(&rest, "\n"), *t;
	auto_buf struct buf out = BUF_INIT(LIMIT_SORT_KEY);
	struct match_span whole;
	struct expand *x = NULL;
	struct match *m = NULL;
	struct err err;

	if (!template || match_new(&m, pattern, &err))
		return 0;
	if (expand_new(&x, template, m, &err))
		x = NULL;
	while (x && (t = strsep(&rest, "\n"))) {
		bool is = match_text(m, t, strlen(t));

		buf_reset(&out);
		BUG_IF(expand_text(x, t, strlen(t), &out) != is);
		check_number(t);
		if (!is)
			continue;
		BUG_IF(!match_spans(m, t, strlen(t), &whole, 1));
		BUG_IF(whole.from > whole.to || whole.to > strlen(t));
		expand_is(m, "${0}", t, t + whole.from, whole.to - whole.from);
		check_plain(m, template, t);
	}
	expand_free(x);
	match_free(m);
	return 0;
}
