/* Words of strangers in messages, which end in conditions: cut, on one line, ASCII. Any thread. */
#ifndef VERIFY_PLAIN_H
#define VERIFY_PLAIN_H

#define VERIFY_PLAIN_MAX 144 /* a digest of the longest kind, and a NUL */

/* NULL reads as "". Returns out. */
static inline const char *verify_plain_cut(const char *text, char *out, unsigned max)
{
	unsigned n = 0;

	for (; text && text[n] && n < max - 1; n++)
		out[n] = (text[n] < ' ' || text[n] > '~' || text[n] == '\'') ? '?' : text[n];
	out[n] = '\0';
	return out;
}

static inline const char *verify_plain(const char *text, char out[VERIFY_PLAIN_MAX])
{
	return verify_plain_cut(text, out, VERIFY_PLAIN_MAX);
}

#endif
