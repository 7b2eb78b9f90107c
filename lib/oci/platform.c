#include "oci/platform.h"

#include <stdio.h>
#include <string.h>

const struct oci_platform oci_platform_default = {.os = "linux", .arch = "amd64"};

/* The names of the Go toolchain and of the variants are of lower-case letters and digits; nothing
   else gets into messages and statuses. */
static bool part_take(char out[OCI_PLATFORM_PART + 1], const char **text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t n = strspn(*text, allowed);

	if (!n || n > OCI_PLATFORM_PART)
		return false;
	memcpy(out, *text, n);
	out[n] = '\0';
	*text += n;
	return true;
}

static bool slash_take(const char **text)
{
	if (**text != '/')
		return false;
	++*text;
	return true;
}

int oci_platform_parse(struct oci_platform *p, const char *text, struct err *err)
{
	const char *at = text;

	*p = (struct oci_platform){.os = ""};
	if (part_take(p->os, &at) && slash_take(&at) && part_take(p->arch, &at) &&
		(!*at || (slash_take(&at) && part_take(p->variant, &at))) && !*at)
		return 0;
	return err_set(err, ERR_RETRY,
		"'%.100s' is no platform such as linux/arm64 or linux/arm/v7", text);
}

const char *oci_platform_format(const struct oci_platform *p, char out[OCI_PLATFORM_TEXT_MAX])
{
	snprintf(out, OCI_PLATFORM_TEXT_MAX, "%s/%s%s%s", p->os, p->arch, *p->variant ? "/" : "",
		p->variant);
	return out;
}

bool oci_platform_equal(const struct oci_platform *a, const struct oci_platform *b)
{
	return !strcmp(a->os, b->os) && !strcmp(a->arch, b->arch) &&
		!strcmp(a->variant, b->variant);
}

/* What tools leave out because it is the ordinary one. */
static const char *variant_of(const char *arch, const char *variant)
{
	if (variant && *variant)
		return variant;
	return !strcmp(arch, "arm64") ? "v8" : !strcmp(arch, "arm") ? "v7" : "";
}

bool oci_platform_takes(
	const struct oci_platform *want, const char *os, const char *arch, const char *variant)
{
	if (strcmp(want->os, os) != 0 || strcmp(want->arch, arch) != 0)
		return false;
	return !*want->variant || !strcmp(want->variant, variant_of(arch, variant));
}
