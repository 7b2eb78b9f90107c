/*
 * The platform that an entry of an index is for, as people write it: os/arch or os/arch/variant, in
 * Go's names ("linux/arm64", "linux/arm/v7"; OCI image index, "platform"). No state, any thread.
 *
 *	struct oci_platform p;
 *	if (oci_platform_parse(&p, "linux/arm64", err))
 *		return -1;
 */
#ifndef OCI_PLATFORM_H
#define OCI_PLATFORM_H
#include "base/err.h"

#include <stdbool.h>

#define OCI_PLATFORM_PART 32 /* bytes of each part */
#define OCI_PLATFORM_TEXT_MAX (3 * (OCI_PLATFORM_PART + 1))

struct oci_platform {
	char os[OCI_PLATFORM_PART + 1], arch[OCI_PLATFORM_PART + 1];
	char variant[OCI_PLATFORM_PART + 1]; /* "": any */
};

/* linux/amd64: what is chosen when nobody says otherwise, and what an entry without a platform
   counts as. */
extern const struct oci_platform oci_platform_default;

/* -1: it is none; the message has its text. */
int oci_platform_parse(struct oci_platform *p, const char *text, struct err *err) must_check;
/* Returns out. */
const char *oci_platform_format(const struct oci_platform *p, char out[OCI_PLATFORM_TEXT_MAX]);
bool oci_platform_equal(const struct oci_platform *a, const struct oci_platform *b);
/* Is an entry with these members the wanted one? variant may be NULL or "": the one that its
   architecture begins with, v8 of arm64 and v7 of arm. */
bool oci_platform_takes(
	const struct oci_platform *want, const char *os, const char *arch, const char *variant);

#endif
