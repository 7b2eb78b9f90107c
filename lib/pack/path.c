#include "pack/path.h"

#include "base/limits.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

/* The end of a name comes first, then a slash (it ends a component), then every byte that makes the
   component longer. */
static int path_order(char c)
{
	return !c ? 0 : c == '/' ? 1 : (unsigned char)c + 1;
}

int pack_path_cmp(const char *a, const char *b)
{
	if (a[0] == '.' && !a[1])
		a = "";
	if (b[0] == '.' && !b[1])
		b = "";
	while (*a && *a == *b)
		a++, b++;
	return path_order(*a) - path_order(*b);
}

char *pack_quote(char out[PACK_QUOTE_MAX], const char *name, size_t n)
{
	size_t i, at = 0;

	for (i = 0; i < n && at < 200; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c >= 0x20 && c < 0x7f && c != '\'' && c != '\\')
			out[at++] = (char)c;
		else
			at += (size_t)snprintf(out + at, 5, "\\x%02x", c);
	}
	snprintf(out + at, 4, "%s", i < n ? "..." : "");
	return out;
}

static int path_refuse(const char *why, const char *name, size_t n, struct err *err)
{
	char q[PACK_QUOTE_MAX];

	return err_set(err, ERR_RETRY, "entry '%s' %s", pack_quote(q, name, n), why);
}

static int path_refuse_part(
	const char *name, size_t n, const char *part, size_t len, struct err *err)
{
	char q[PACK_QUOTE_MAX], q_part[PACK_QUOTE_MAX];

	return err_set(err, ERR_RETRY,
		"entry '%s' cannot be unpacked: '%s' is %zu bytes long, %d is what a file system "
		"takes",
		pack_quote(q, name, n), pack_quote(q_part, part, len), len, LIMIT_ENTRY_PART);
}

static int path_check_bytes(const char *name, size_t n, struct err *err)
{
	if (!n)
		return err_set(err, ERR_RETRY, "an entry has an empty name");
	if (n > LIMIT_ENTRY_PATH)
		return path_refuse("has a name that is too long", name, n, err);
	if (memchr(name, '\0', n))
		return path_refuse("has a NUL in its name", name, n, err);
	if (name[0] == '/')
		return path_refuse("has an absolute name", name, n, err);
	if (memchr(name, '\\', n))
		return path_refuse("has a backslash in its name", name, n, err);
	/* Also inside a longer component (`x../y`): Flux refuses those as well, and nobody needs
	   them. */
	if (memmem(name, n, "../", 3))
		return path_refuse("leads out of the archive", name, n, err);
	if (!utf8_ok(name, n))
		return path_refuse("has a name that is not UTF-8", name, n, err);
	return 0;
}

int pack_path_check(char *out, bool *clean, const char *name, size_t n, struct err *err)
{
	size_t at = 0, to = 0, depth = 0;
	bool tidy = true;

	if (path_check_bytes(name, n, err))
		return -1;
	while (at < n) {
		const char *slash = memchr(name + at, '/', n - at);
		size_t len = (slash ? (size_t)(slash - name) : n) - at;

		if (len == 2 && name[at] == '.' && name[at + 1] == '.')
			return path_refuse("leads out of the archive", name, n, err);
		if (!len || (len == 1 && name[at] == '.')) {
			tidy = false;
		} else {
			if (++depth > LIMIT_PATH_DEPTH)
				return path_refuse("is nested too deep", name, n, err);
			if (len > LIMIT_ENTRY_PART)
				return path_refuse_part(name, n, name + at, len, err);
			if (to)
				out[to++] = '/';
			memcpy(out + to, name + at, len);
			to += len;
		}
		at += len + 1;
	}
	out[to] = '\0';
	*clean = tidy;
	return 0;
}
