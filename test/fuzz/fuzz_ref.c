/* oci:// URLs: what is accepted is clean, and means the same when it is written out and read
   again. */
#include "oci/ref.h"

#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void clean(const struct oci_repo *r)
{
	const char *p;
	size_t n;

	BUG_IF(!*r->host || !*r->name || strpbrk(r->host, "/@?#% \t\r\n"));
	BUG_IF(*r->name == '/' || strstr(r->name, "//") || r->name[strlen(r->name) - 1] == '/');
	for (p = r->name; *p; p += n + (p[n] == '/')) {
		n = strcspn(p, "/");
		BUG_IF((n == 1 && *p == '.') || (n == 2 && !strncmp(p, "..", 2)));
	}
	BUG_IF(r->name[strspn(r->name, "abcdefghijklmnopqrstuvwxyz0123456789_-./")]);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size);
	char out[OCI_REPO_TEXT_MAX];
	struct oci_repo r, again;
	struct err err = {0};
	struct oci_ref ref;
	struct digest d;

	if (!oci_repo_parse(&r, text, false, &err)) {
		auto_free char *url = NULL;

		clean(&r);
		oci_repo_http_allowed(&r);
		url = mem_printf("oci://%s", oci_repo_format(&r, out));
		BUG_IF(oci_repo_parse(&again, url, false, &err));
		BUG_IF(strcmp(r.host, again.host) || strcmp(r.name, again.name));
		/* What is a repository is a reference without tag and digest, too. */
		BUG_IF(oci_ref_parse(&ref, text, false, &err) || ref.tag[0] ||
			ref.digest.algo != DIGEST_NONE || strcmp(ref.repo.name, r.name));
	} else {
		BUG_IF(err.kind != ERR_STALL);
	}
	if (!oci_ref_parse(&ref, text, true, &err)) {
		clean(&ref.repo);
		BUG_IF(ref.tag[0] && !oci_tag_valid(ref.tag, strlen(ref.tag)));
	}
	if (!oci_revision_digest(text, &d, &err))
		BUG_IF(d.algo == DIGEST_NONE);
	return 0;
}
