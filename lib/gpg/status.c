#include "gpg/status.h"

#include <string.h>

#define PREFIX "[GNUPG:] "
#define SAID_MAX 200

void gpg_status_init(struct gpg_status *s, const struct buf *text)
{
	*s = (struct gpg_status){.rest = buf_str(text)};
	s->end = s->rest + text->len;
}

bool gpg_status_next(struct gpg_status *s)
{
	const size_t prefix = sizeof(PREFIX) - 1;

	while (s->rest < s->end) {
		const char *p = s->rest, *nl = memchr(p, '\n', (size_t)(s->end - p));
		const char *stop = nl ? nl : s->end, *blank;

		s->rest = nl ? nl + 1 : s->end;
		if ((size_t)(stop - p) < prefix || memcmp(p, PREFIX, prefix) != 0)
			continue;
		s->word = p + prefix;
		blank = memchr(s->word, ' ', (size_t)(stop - s->word));
		s->word_len = (size_t)((blank ? blank : stop) - s->word);
		s->args = blank ? blank + 1 : stop;
		s->args_len = (size_t)(stop - s->args);
		return true;
	}
	return false;
}

bool gpg_status_is(const struct gpg_status *s, const char *word)
{
	return s->word_len == strlen(word) && !memcmp(s->word, word, s->word_len);
}

const char *gpg_status_arg(const struct gpg_status *s, unsigned i, size_t *n)
{
	const char *p = s->args, *end = s->args + s->args_len;

	for (;;) {
		const char *blank = memchr(p, ' ', (size_t)(end - p)), *stop = blank ? blank : end;

		if (!i--) {
			*n = (size_t)(stop - p);
			return p;
		}
		if (!blank)
			break;
		p = blank + 1;
	}
	*n = 0;
	return "";
}

void gpg_stderr_add(struct buf *out, const char *program, const struct buf *text)
{
	const char *p = buf_str(text), *end = p + text->len;
	size_t name = strlen(program), i;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;

		if ((size_t)(stop - p) > name + 2 && !memcmp(p, program, name) &&
			!memcmp(p + name, ": ", 2)) {
			p += name + 2;
			for (i = 0; p + i < stop && i < SAID_MAX; i++)
				buf_addc(out, p[i] >= ' ' && p[i] < 0x7f ? p[i] : '?');
			return;
		}
		p = nl ? nl + 1 : end;
	}
	buf_adds(out, "it says nothing");
}
