/* Pull Secrets: first byte chooses the form. Credentials that are handed out can be sent, and
   errors do not hold what was in the file. */
#include "oci/identity.h"

#include "base/mem.h"
#include "oci/ref.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const char *const urls[] = {"oci://ghcr.io/org/app", "oci://alpine",
		"oci://localhost:5000/app", "oci://r.example.com/a/b", "oci://[::1]:5000/app"};
	struct oci_identity *id;
	struct err err = {0};
	size_t i;
	int rc;

	if (!size)
		return 0;
	id = oci_identity_new();
	rc = oci_identity_add_docker(id, (const char *)data + 1, size - 1,
		data[0] & 1 ? OCI_DOCKER_CFG : OCI_DOCKER_CONFIG_JSON, "secret", &err);
	BUG_IF(rc && strncmp(err.msg, "secret", 6) && strncmp(err.msg, "'auths'", 7));
	/* "hunter2" in the corpus stands where passwords stand. */
	BUG_IF(rc && strstr(err.msg, "hunter2") && !strstr(err.msg, "entry '"));
	for (i = 0; i < ARRAY_LEN(urls); i++) {
		const struct oci_cred *c;
		struct oci_repo repo;

		BUG_IF(oci_repo_parse(&repo, urls[i], false, &err));
		c = oci_identity_cred(id, &repo);
		if (!c)
			continue;
		BUG_IF(!c->basic.len && !c->identity_token.len && !c->registry_token.len);
		BUG_IF(c->basic.len &&
			(!strchr(c->basic.p, ':') || strlen(c->basic.p) != c->basic.len));
	}
	oci_identity_unref(id);
	return 0;
}
