/*
 * The files of profiles of AWS's programs, "credentials" and "config" (AWS's manual of the SDKs,
 * "Using shared config and credentials files"): the keys of one profile. Only keys that stand there
 * are used; a profile that gets them elsewhere, by another profile's role, a sign-on or a program,
 * is refused by the name of its property: no program is ever run. Any thread.
 */
#ifndef CLOUD_AWS_PROFILES_H
#define CLOUD_AWS_PROFILES_H
#include "base/err.h"
#include "base/secret.h"

#include <stdbool.h>
#include <stddef.h>

struct aws_profile {
	bool found; /* a file has it */
	struct secret id, key, token;
	const char *role; /* a property that goes before keys, or NULL */
	const char *other; /* one that counts when there are none, or NULL */
};

/* Adds what a file says of the profile. What is set stays: the file of credentials comes first.
   is_config: its sections are "default" and "profile NAME". */
void aws_profile_add(
	struct aws_profile *p, const char *text, size_t len, const char *name, bool is_config);
/* 1: it has keys, 0: it says nothing of credentials, -1: it cannot be used, and *err says why. */
int aws_profile_check(const struct aws_profile *p, const char *name, struct err *err) must_check;
void aws_profile_clear(struct aws_profile *p);

#endif
