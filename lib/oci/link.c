#include "oci/link.h"

#include "base/mem.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const char *link_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

/* Is "next" one of the relation types, which blanks divide? */
static bool link_has_next(const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		const char *word = p;

		while (p < end && *p != ' ' && *p != '\t')
			p++;
		if (p - word == 4 && !strncasecmp(word, "next", 4))
			return true;
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
	}
	return false;
}

/* One parameter after ';'. NULL: malformed. */
static const char *link_param(const char *p, bool *next)
{
	const char *name = p = link_blanks(p), *value;
	size_t name_len, n;

	p += strcspn(p, " \t=;,\"");
	name_len = (size_t)(p - name);
	p = link_blanks(p);
	if (*p != '=')
		return p;
	p = link_blanks(p + 1);
	if (*p == '"') {
		value = ++p;
		for (; *p != '"'; p++) {
			if (*p == '\\')
				p++;
			if (!*p)
				return NULL;
		}
		n = (size_t)(p++ - value);
	} else {
		value = p;
		n = strcspn(p, " \t;,");
		p += n;
	}
	if (name_len == 3 && !strncasecmp(name, "rel", 3) && link_has_next(value, n))
		*next = true;
	return p;
}

int oci_link_next(const char *value, char **target, struct err *err)
{
	const char *p = value;

	*target = NULL;
	for (;;) {
		const char *uri, *end;
		bool next = false;

		p += strspn(p, " \t,");
		if (!*p)
			return 0;
		if (*p != '<')
			goto malformed;
		uri = p + 1;
		end = strchr(uri, '>');
		if (!end)
			goto malformed;
		p = link_blanks(end + 1);
		while (*p == ';') {
			p = link_param(p + 1, &next);
			if (!p)
				goto malformed;
			p = link_blanks(p);
		}
		if (*p && *p != ',')
			goto malformed;
		if (next) {
			*target = mem_strndup(uri, (size_t)(end - uri));
			return 0;
		}
	}
malformed:
	return err_set(err, ERR_RETRY, "the registry's Link header is malformed");
}
