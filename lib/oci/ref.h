/*
 * Names of things in a registry: the `oci://` URL of an object, repositories, tags, references as
 * text.
 *
 * What `spec.url` may be is what Flux admits: `oci://HOST[:PORT]/PATH`. A first part without dot or
 * colon is no host: the repository is one of Docker Hub (`docker.io` means it too), where a name of
 * one part gets `library/`. A tag or digest inside, upper case in the repository, user info, a
 * query or a percent sign are refused; a trailing slash and double slashes pass and are dropped.
 * The grammar of tags is the OCI distribution spec's (1.1, "Pulling manifests").
 *
 * Plain values without memory of their own. Any thread.
 *
 *	struct oci_repo repo;
 *	if (oci_repo_parse(&repo, "oci://ghcr.io/org/app", false, err))
 *		return -1;                  ERR_STALL: only another URL can help
 */
#ifndef OCI_REF_H
#define OCI_REF_H
#include "base/err.h"
#include "base/limits.h"
#include "crypto/digest.h"

#include <stdbool.h>
#include <stddef.h>

#define OCI_HOST_MAX 261 /* 255 of a name, a colon, a port */
#define OCI_NAME_MAX 255
#define OCI_TAG_MAX LIMIT_TAG_LEN
#define OCI_REPO_TEXT_MAX (OCI_HOST_MAX + 1 + OCI_NAME_MAX + 1)
#define OCI_REF_TEXT_MAX (OCI_REPO_TEXT_MAX + 1 + OCI_TAG_MAX + 1 + DIGEST_TEXT_MAX)
#define OCI_REVISION_MAX (OCI_TAG_MAX + 1 + DIGEST_TEXT_MAX)

#define OCI_URL_PREFIX "oci://"
#define OCI_DOCKER_HUB "index.docker.io"
#define OCI_DEFAULT_TAG "latest"

struct oci_repo {
	char host[OCI_HOST_MAX + 1]; /* lower case; "ghcr.io", "localhost:5000", "[::1]:5000" */
	char name[OCI_NAME_MAX + 1]; /* "library/alpine" */
	bool insecure; /* spec.insecure: plain http is allowed, TLS is not verified */
};

struct oci_ref {
	struct oci_repo repo;
	char tag[OCI_TAG_MAX + 1]; /* "": none */
	struct digest digest; /* DIGEST_NONE: none */
};

/* spec.url. Errors are ERR_STALL and name the URL without user info. *r is untouched then. */
int oci_repo_parse(struct oci_repo *r, const char *url, bool insecure, struct err *err) must_check;
/* `HOST/PATH` or `PATH`, n bytes without scheme, tag and digest. NULL: it is one, and stands in
   host and name; else why not, a constant. */
const char *oci_repo_set(struct oci_repo *r, const char *text, size_t n) must_check;
/* `oci://HOST/PATH[:TAG][@DIGEST]`, as ocictl takes it. */
int oci_ref_parse(struct oci_ref *r, const char *url, bool insecure, struct err *err) must_check;

/* [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127} */
bool oci_tag_valid(const char *tag, size_t len);

/* May this registry be asked over plain http when it does not speak TLS? With insecure, or at
 * 127.0.0.1, [::1], localhost:PORT, .localhost and RFC 1918 literals. */
bool oci_repo_http_allowed(const struct oci_repo *r);

/* "ghcr.io/org/app". Returns out. */
char *oci_repo_format(const struct oci_repo *r, char out[OCI_REPO_TEXT_MAX]);
/* "ghcr.io/org/app:1.0.0@sha256:..."; tag and digest may each be NULL (or empty). Returns out. */
char *oci_ref_format(const struct oci_repo *r, const char *tag, const struct digest *digest,
	char out[OCI_REF_TEXT_MAX]);
/* status.artifact.revision: "tag@sha256:...", or the bare digest without a tag. Returns out. */
char *oci_revision_format(const char *tag, const struct digest *digest, char out[OCI_REVISION_MAX]);
/* The manifest digest of a revision: what follows the last '@'. */
int oci_revision_digest(const char *revision, struct digest *out, struct err *err) must_check;

#endif
