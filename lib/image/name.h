/*
 * spec.image of an ImageRepository: a repository without scheme, tag and digest, as a container
 * runtime writes it. The rules are those of go-containerregistry's names, which Flux takes: a first
 * part with a dot or a colon is the registry, any other one belongs to a repository of Docker Hub
 * (`localhost/a` too). What is left of the host must have 2 to 255 characters. lib/oci/ref.h has
 * them; oci_repo_format() gives the canonical name, `index.docker.io/library/alpine` for `alpine`.
 * Any thread.
 */
#ifndef IMAGE_NAME_H
#define IMAGE_NAME_H
#include "base/err.h"

#include <stdbool.h>

struct oci_repo;

/* Errors are ERR_STALL, and name what has to go. *r is untouched then. */
int image_name_parse(
	struct oci_repo *r, const char *image, bool insecure, struct err *err) must_check;

#endif
