/*
 * Properties: what is refused says why; each rule that was read is found again by the repositories
 * that it is for, not by those whose path only begins like its own, and leads to names that are
 * repositories as well.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "oci/mirrors.h"
#include "oci/ref.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	const struct oci_mirrors *m;
	const char *host;
};

static void check_mirror(
	const struct oci_rule *r, const struct oci_mirror *m, const struct oci_repo *repo)
{
	auto_free char *url = NULL;
	struct oci_repo there, again;
	struct err err = {0};

	if (oci_mirror_repo(r, m, repo, &there))
		return;
	url = mem_printf("oci://%s/%s", there.host, there.name);
	BUG_IF(oci_repo_parse(&again, url, there.insecure, &err));
	BUG_IF(strcmp(again.name, there.name) || strcmp(again.host, there.host));
}

static void check_rule(void *arg, const struct oci_rule *r)
{
	const struct seen *seen = arg;
	struct oci_repo repo = {.insecure = false};
	struct oci_mirror *const *m;
	const struct oci_rule *found;

	BUG_IF(r->mirrors.len > LIMIT_MIRRORS_OF_RULE || (!r->mirrors.len && !r->fallback));
	if (strcmp(r->host, seen->host) || strlen(r->path) > OCI_NAME_MAX - 4)
		return;
	memcpy(repo.host, r->host, sizeof(repo.host));
	snprintf(repo.name, sizeof(repo.name), "%s%sapp", r->path, *r->path ? "/" : "");
	found = oci_mirrors_find(seen->m, &repo);
	BUG_IF(!found || strlen(found->path) < strlen(r->path));
	vec_each (&r->mirrors, m)
		check_mirror(r, *m, &repo);
	if (!*r->path)
		return;
	snprintf(repo.name, sizeof(repo.name), "%s", r->path);
	BUG_IF(oci_mirrors_find(seen->m, &repo) != r);
	snprintf(repo.name, sizeof(repo.name), "%szz", r->path);
	found = oci_mirrors_find(seen->m, &repo);
	BUG_IF(found == r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const hosts[] = {"ghcr.io", "index.docker.io", "a.b", "10.0.0.5:5000"};
	struct err err = {0};
	struct oci_mirrors *m = oci_mirrors_parse((const char *)data, size, &err);
	size_t i;

	BUG_IF(!m && (err.kind == ERR_NONE || !*err.msg));
	for (i = 0; m && i < ARRAY_LEN(hosts); i++)
		oci_mirrors_each(m, hosts[i], check_rule, &(struct seen){m, hosts[i]});
	oci_mirrors_free(m);
	return 0;
}
