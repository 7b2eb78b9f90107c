#include "git/names.h"

#include "base/limits.h"

#include <string.h>
#include <strings.h>

/* Characters that HFS+ overlooks in a name, in UTF-8: U+200C to U+200F, U+202A to U+202E, U+206A to
   U+206F, U+FEFF. How many bytes the one at p takes; 0: it is none. */
static size_t overlooked(const unsigned char *p, size_t n)
{
	if (n < 3)
		return 0;
	if (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
		return 3;
	if (p[0] != 0xe2)
		return 0;
	if (p[1] == 0x80)
		return (p[2] >= 0x8c && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae) ? 3 : 0;
	return p[1] == 0x81 && p[2] >= 0xaa && p[2] <= 0xaf ? 3 : 0;
}

static bool is_git_for_hfs(const char *name, size_t n)
{
	static const char git[] = ".git";
	const unsigned char *p = (const unsigned char *)name;
	size_t i = 0, skip, at = 0;

	while (i < n) {
		skip = overlooked(p + i, n - i);
		if (skip) {
			i += skip;
			continue;
		}
		if (at == 4 || strncasecmp(name + i, git + at, 1) != 0)
			return false;
		at++;
		i++;
	}
	return at == 4;
}

/* Trailing dots and blanks go, and what follows a colon is a stream of the same file. */
static bool is_git_for_ntfs(const char *name, size_t n)
{
	size_t i;

	if (n >= 4 && !strncasecmp(name, ".git", 4))
		i = 4;
	else if (n >= 5 && !strncasecmp(name, "git~1", 5))
		i = 5;
	else
		return false;
	for (; i < n; i++) {
		if (name[i] == ':' || name[i] == '\\')
			return true;
		if (name[i] != '.' && name[i] != ' ')
			return false;
	}
	return true;
}

const char *gitc_name_refused(const char *name, size_t n)
{
	if (!n)
		return "is empty";
	if (memchr(name, '/', n))
		return "has a slash";
	if (memchr(name, '\0', n))
		return "has a NUL";
	if (n > LIMIT_ENTRY_PART)
		return "is too long";
	if (name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.')))
		return "leads elsewhere";
	if (is_git_for_ntfs(name, n) || is_git_for_hfs(name, n))
		return "is .git to some systems";
	return NULL;
}

const char *gitc_path_refused(const char *path, size_t n)
{
	size_t at = 0, part;
	const char *why, *slash;

	if (n > LIMIT_ENTRY_PATH)
		return "is too long";
	for (;; at += part + 1) {
		slash = memchr(path + at, '/', n - at);
		part = slash ? (size_t)(slash - (path + at)) : n - at;
		why = gitc_name_refused(path + at, part);
		if (why || !slash)
			return why;
	}
}
