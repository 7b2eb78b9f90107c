#include "git/caps.h"

#include "base/mem.h"
#include "git/gitc.h"

#include <string.h>

/* Where the word that begins at *at ends; false: there is none. */
static bool next_word(const char *p, size_t n, size_t *at, const char **word, size_t *len)
{
	size_t from = *at, end;

	while (from < n && (p[from] == ' ' || p[from] == '\n'))
		from++;
	for (end = from; end < n && p[end] != ' ' && p[end] != '\n'; end++)
		;
	*word = p + from;
	*len = end - from;
	*at = end;
	return *len > 0;
}

static bool is(const char *p, size_t n, const char *text)
{
	return n == strlen(text) && !memcmp(p, text, n);
}

static bool begins(const char *p, size_t n, const char *text, const char **rest, size_t *rest_n)
{
	size_t len = strlen(text);

	if (n < len || memcmp(p, text, len) != 0)
		return false;
	*rest = p + len;
	*rest_n = n - len;
	return true;
}

static bool has_word(const char *p, size_t n, const char *text)
{
	const char *word;
	size_t at = 0, len;

	while (next_word(p, n, &at, &word, &len))
		if (is(word, len, text))
			return true;
	return false;
}

static void read_format(struct gitc_caps *c, const char *p, size_t n)
{
	c->object_format = true;
	c->sha256 = !is(p, n, "sha1");
}

void gitc_caps_line(struct gitc_caps *c, const char *p, size_t n)
{
	const char *rest = "";
	size_t len = 0;

	if (is(p, n, "ls-refs"))
		c->ls_refs = true;
	else if (is(p, n, "fetch"))
		c->fetch = true;
	else if (is(p, n, "agent") || begins(p, n, "agent=", &rest, &len))
		c->agent = true;
	else if (begins(p, n, "object-format=", &rest, &len))
		read_format(c, rest, len);
	else if (begins(p, n, "ls-refs=", &rest, &len)) {
		c->ls_refs = true;
		c->unborn = has_word(rest, len, "unborn");
	} else if (begins(p, n, "fetch=", &rest, &len)) {
		c->fetch = true;
		c->shallow = has_word(rest, len, "shallow");
		c->filter = has_word(rest, len, "filter");
	}
}

void gitc_caps_list(
	struct gitc_caps *c, const char *p, size_t n, const char **target, size_t *target_n)
{
	const struct {
		const char *word;
		bool *has;
	} words[] = {{"shallow", &c->shallow}, {"filter", &c->filter}, {"side-band", &c->band},
		{"side-band-64k", &c->band_64k}, {"ofs-delta", &c->ofs_delta},
		{"no-progress", &c->no_progress}, {"multi_ack", &c->multi_ack},
		{"multi_ack_detailed", &c->multi_ack_detailed}, {"report-status", &c->report},
		{"push-options", &c->push_options}, {"quiet", &c->quiet}};
	const char *word, *rest;
	size_t at = 0, len, rest_n, i;

	while (next_word(p, n, &at, &word, &len)) {
		for (i = 0; i < ARRAY_LEN(words); i++)
			if (is(word, len, words[i].word))
				*words[i].has = true;
		if (begins(word, len, "agent=", &rest, &rest_n))
			c->agent = true;
		else if (begins(word, len, "object-format=", &rest, &rest_n))
			read_format(c, rest, rest_n);
		else if (begins(word, len, "symref=HEAD:", &rest, &rest_n)) {
			*target = rest;
			*target_n = rest_n;
		}
	}
}

int gitc_caps_check_fetch(const struct gitc_caps *c, struct err *err)
{
	if (c->version == 2 && (!c->ls_refs || !c->fetch))
		return err_code(err, ERR_RETRY, GITC_PROTOCOL,
			"the server speaks version 2 of Git's protocol, but neither lists refs "
			"nor gives objects");
	return 0;
}
