#include "image/name.h"

#include "oci/ref.h"

#include <string.h>

/* Behind the registry, or in all of it when there is none. */
static const char *tag_of(const char *image)
{
	size_t first = strcspn(image, "/");
	const char *slash = image + first;

	if (*slash && (memchr(image, '.', first) || memchr(image, ':', first)))
		return strchr(slash, ':');
	return strchr(image, ':');
}

static bool is_digest(const char *text)
{
	return !strncmp(text, "sha256:", 7) || !strncmp(text, "sha512:", 7) ||
		!strncmp(text, "sha384:", 7);
}

int image_name_parse(struct oci_repo *r, const char *image, bool insecure, struct err *err)
{
	struct oci_repo repo = {.insecure = insecure};
	const char *scheme = strstr(image, "://"), *at = strchr(image, '@'), *tag, *why;

	if (strlen(image) > LIMIT_URL)
		return err_set(err, ERR_STALL, "image is longer than %d bytes", LIMIT_URL);
	/* A user may have a password behind him: unless a digest follows. */
	if (at && (strchr(at, '/') || !is_digest(at + 1)))
		return err_set(err, ERR_STALL,
			"image should not include a user; remove what "
			"stands before '@'");
	if (scheme)
		return err_set(err, ERR_STALL,
			"image '%.300s' should not start with a URL scheme; remove '%.*s://'",
			image, (int)(scheme - image > 32 ? 32 : scheme - image), image);
	if (at)
		return err_set(err, ERR_STALL,
			"image '%.300s' should not include a digest; remove '%.160s'", image, at);
	tag = tag_of(image);
	if (tag)
		return err_set(err, ERR_STALL,
			"image '%.300s' should not include a tag; remove '%.160s'", image, tag);
	why = oci_repo_set(&repo, image, strlen(image));
	if (why)
		return err_set(err, ERR_STALL, "image '%.300s': %s", image, why);
	*r = repo;
	return 0;
}
