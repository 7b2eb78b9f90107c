#include "embedded/accept.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

void emb_media_type(const char *header, char out[128])
{
	size_t n = 0;

	while (header && isspace((unsigned char)*header))
		header++;
	while (header && header[n] && n < 127 && !strchr(";, \t", header[n])) {
		out[n] = (char)tolower((unsigned char)header[n]);
		n++;
	}
	out[n] = '\0';
}

/* One parameter of an entry that ends at `end`: ";as=Table". */
static bool accept_param(const char *p, const char *end, const char *name, const char *value)
{
	size_t n = strlen(name), m = strlen(value);

	while (p < end && (p = memchr(p, ';', (size_t)(end - p)))) {
		p++;
		while (p < end && isspace((unsigned char)*p))
			p++;
		if ((size_t)(end - p) >= n + 1 + m && !strncasecmp(p, name, n) && p[n] == '=' &&
			!strncmp(p + n + 1, value, m) &&
			(p + n + 1 + m == end || strchr("; \t", p[n + 1 + m])))
			return true;
	}
	return false;
}

static bool accept_has_as(const char *p, const char *end)
{
	for (; p + 3 < end; p++)
		if (*p == ';' && !strncasecmp(p + 1, "as=", 3))
			return true;
	return false;
}

static bool accept_served(const char *p, const char *end, bool list, enum emb_form *form)
{
	char type[128];

	emb_media_type(p, type);
	if (strcmp(type, "application/json") != 0 && strcmp(type, "application/*") != 0 &&
		strcmp(type, "*/*") != 0)
		return false;
	*form = EMB_OBJECT_FORM;
	if (!accept_has_as(p, end))
		return true;
	if (!accept_param(p, end, "g", "meta.k8s.io") || !accept_param(p, end, "v", "v1"))
		return false;
	if (accept_param(p, end, "as", "Table"))
		*form = EMB_TABLE_FORM;
	else if (accept_param(p, end, "as",
			 list ? "PartialObjectMetadataList" : "PartialObjectMetadata") ||
		accept_param(p, end, "as", "PartialObjectMetadata"))
		*form = EMB_PARTIAL_FORM;
	else
		return false;
	return true;
}

int emb_accept(const char *header, bool list, enum emb_form *form)
{
	const char *p = header;

	*form = EMB_OBJECT_FORM;
	if (!p || !p[strspn(p, " \t")])
		return 0;
	while (*p) {
		const char *end = p + strcspn(p, ",");

		if (accept_served(p, end, list, form))
			return 0;
		p = *end ? end + 1 : end;
	}
	return -1;
}
