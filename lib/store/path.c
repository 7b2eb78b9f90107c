#include "store/path.h"

#include <stdio.h>
#include <string.h>

static bool part_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool part_valid(const char *s, size_t n, size_t max)
{
	size_t i;

	if (!n || n > max || !part_char(s[0]) || !part_char(s[n - 1]))
		return false;
	for (i = 0; i < n; i++)
		if (!part_char(s[i]) && s[i] != '-' && s[i] != '.')
			return false;
	return true;
}

#define COMMIT_HEX 40

/* "<algo>:<hex>", algorithm known, its own length, lower-case hex; or a commit. */
static bool store_name_valid(const char *name, size_t n)
{
	struct digest d;
	struct err err;

	if (n == COMMIT_HEX)
		return strspn(name, "0123456789abcdef") >= n;
	return !digest_parse_n(&d, name, n, &err);
}

static bool store_file_valid(const char *file)
{
	size_t n = strlen(file), suffix = sizeof(STORE_SUFFIX) - 1;

	return n > suffix && !strcmp(file + n - suffix, STORE_SUFFIX) &&
		store_name_valid(file, n - suffix);
}

static int bad(struct err *err, const char *text)
{
	return err_set(err, ERR_RETRY, "'%.300s' is not a path of the store", text);
}

int store_path_parse(struct store_path *p, const char *text, struct err *err)
{
	static const size_t MAX[] = {STORE_PART_MAX, 63, STORE_PART_MAX};
	const char *at = text;
	size_t n, len;
	int i;

	for (i = 0; i < 3; i++) {
		n = strcspn(at, "/");
		if (at[n] != '/' || !part_valid(at, n, MAX[i]))
			return bad(err, text);
		at += n + 1;
	}
	n = (size_t)(at - text) - 1;
	len = strlen(at);
	if (n >= sizeof(p->dir) || len >= sizeof(p->file))
		return bad(err, text);
	if (strcmp(at, STORE_LATEST) && !store_file_valid(at))
		return bad(err, text);
	memcpy(p->dir, text, n);
	p->dir[n] = '\0';
	memcpy(p->file, at, len + 1);
	p->latest = !strcmp(at, STORE_LATEST);
	return 0;
}

int store_path_parse_file(struct store_path *p, const char *text, struct err *err)
{
	if (store_path_parse(p, text, err))
		return -1;
	return p->latest ? err_set(err, ERR_RETRY, "'%s' is a link of the store", text) : 0;
}

char *store_path_format(const struct store_path *p, char out[STORE_PATH_MAX])
{
	snprintf(out, STORE_PATH_MAX, "%s/%s", p->dir, p->file);
	return out;
}

int store_dir_format(char out[STORE_DIR_MAX], const char *kind, const char *ns, const char *name,
	struct err *err)
{
	if (!part_valid(kind, strlen(kind), STORE_PART_MAX))
		return err_set(err, ERR_STALL, "kind '%.100s' cannot be a folder", kind);
	if (!part_valid(ns, strlen(ns), 63))
		return err_set(err, ERR_STALL, "namespace '%.100s' cannot be a folder", ns);
	if (!part_valid(name, strlen(name), STORE_PART_MAX))
		return err_set(err, ERR_STALL, "name '%.300s' cannot be a folder", name);
	snprintf(out, STORE_DIR_MAX, "%s/%s/%s", kind, ns, name);
	return 0;
}

int store_path_of(char out[STORE_PATH_MAX], const char *kind, const char *ns, const char *name,
	const char *what, struct err *err)
{
	char dir[STORE_DIR_MAX];

	if (store_dir_format(dir, kind, ns, name, err))
		return -1;
	BUG_IF(!store_name_valid(what, strlen(what)));
	snprintf(out, STORE_PATH_MAX, "%s/%s%s", dir, what, STORE_SUFFIX);
	return 0;
}

int store_path_name(const char *path, char out[STORE_NAME_MAX], struct err *err)
{
	struct store_path p;

	if (store_path_parse_file(&p, path, err))
		return -1;
	snprintf(out, STORE_NAME_MAX, "%.*s", (int)(strlen(p.file) - (sizeof(STORE_SUFFIX) - 1)),
		p.file);
	return 0;
}

char *store_dir_owner(char out[STORE_OWNER_MAX], const char *dir)
{
	const char *from = strchrnul(dir, '/');

	from += *from == '/';
	snprintf(out, STORE_OWNER_MAX, "%.*s", (int)strcspn(from, "/"), from);
	return out;
}
