#include "hook/push.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "hook/shape.h"

#include <string.h>
#include <strings.h>

/* ---- one of them ----------------------------------------------------------------------------- */

static void push_keep(struct hook_verdict *v, const struct oci_repo *repo, const char *tag)
{
	struct hook_push *p;

	if (v->pushes.len >= LIMIT_HOOK_PUSHES || !oci_tag_valid(tag, strlen(tag)))
		return;
	p = vec_add(&v->pushes);
	p->repo = *repo;
	memcpy(p->tag, tag, strlen(tag) + 1);
}

static bool repo_read(struct oci_repo *repo, const char *host, const char *name)
{
	auto_free char *url = NULL;
	struct err ignored = {0};

	if (!*name || strlen(host) + strlen(name) > OCI_REPO_TEXT_MAX)
		return false;
	url = mem_printf(OCI_URL_PREFIX "%s%s%s", host, *host ? "/" : "", name);
	return !oci_repo_parse(repo, url, false, &ignored);
}

/* host "": name begins with it. */
static void push_add(struct hook_verdict *v, const char *host, const char *name, const char *tag)
{
	struct oci_repo repo;

	if (repo_read(&repo, host, name))
		push_keep(v, &repo, tag);
}

/* HOST/REPOSITORY:TAG */
static void push_add_ref(struct hook_verdict *v, const char *text)
{
	const char *slash = strrchr(text, '/'), *colon = slash ? strchr(slash, ':') : NULL;
	auto_free char *name = colon ? mem_strndup(text, (size_t)(colon - text)) : NULL;

	if (name && memchr(name, '/', (size_t)(colon - text)))
		push_add(v, "", name, colon + 1);
}

/* ---- Docker Hub, Quay, Azure ----------------------------------------------------------------- */

void hook_push_dockerhub(struct hook_verdict *v, const json_t *json)
{
	static const char page[] = "https://hub.docker.com/r/";
	const json_t *repository = hook_member(json, "repository");
	const char *name = hook_text(repository, "repo_name");
	const char *url = hook_text(repository, "repo_url");

	if (!*name && !strncmp(url, page, strlen(page)))
		name = url + strlen(page);
	push_add(v, "docker.io", name, hook_text(hook_member(json, "push_data"), "tag"));
}

void hook_push_quay(struct hook_verdict *v, const json_t *json)
{
	const json_t *tags = hook_member(json, "updated_tags");
	const char *url = hook_text(json, "docker_url"), *tag;
	struct oci_repo repo;
	size_t i;

	if (!strchr(url, '/') || !repo_read(&repo, "", url))
		return;
	for (i = 0; i < json_array_size(tags); i++)
		if ((tag = json_string_value(json_array_get(tags, i))))
			push_keep(v, &repo, tag);
}

void hook_push_acr(struct hook_verdict *v, const json_t *json)
{
	const json_t *target = hook_member(json, "target");
	const char *host = hook_text(hook_member(json, "request"), "host");

	if (*host && !strcasecmp(hook_text(json, "action"), "push"))
		push_add(v, host, hook_text(target, "repository"), hook_text(target, "tag"));
}

/* ---- Google, Harbor -------------------------------------------------------------------------- */

void hook_push_gcr(struct hook_verdict *v, const json_t *json)
{
	if (!strcasecmp(hook_text(json, "action"), "INSERT"))
		push_add_ref(v, hook_text(json, "tag"));
}

/* Both of Harbor's formats: its own, and CloudEvents with the same resources. */
void hook_push_harbor(struct hook_verdict *v, const json_t *json)
{
	const char *type = hook_text(json, "type");
	const json_t *list = NULL;
	size_t i;

	if (!strcmp(type, "PUSH_ARTIFACT"))
		list = hook_member(hook_member(json, "event_data"), "resources");
	else if (!strcmp(type, "harbor.artifact.pushed"))
		list = hook_member(hook_member(json, "data"), "resources");
	for (i = 0; i < json_array_size(list) && i < LIMIT_HOOK_PUSHES; i++)
		push_add_ref(v, hook_text(json_array_get(list, i), "resource_url"));
}

/* ---- Nexus ----------------------------------------------------------------------------------- */

/* Nexus tells the name of its own repository, not at which host and port that one serves images. */
static void push_add_hostless(struct hook_verdict *v, const char *name, size_t len, const char *tag)
{
	auto_free char *copy = len && len <= OCI_NAME_MAX ? mem_strndup(name, len) : NULL;
	struct oci_repo repo;

	if (!copy || !repo_read(&repo, "host.invalid", copy))
		return;
	repo.host[0] = '\0';
	push_keep(v, &repo, tag);
}

/* v2/NAME/manifests/TAG */
static void nexus_asset(struct hook_verdict *v, const char *path)
{
	static const char from[] = "v2/", middle[] = "/manifests/";
	const char *name, *at;

	path += *path == '/';
	if (strncmp(path, from, strlen(from)) != 0)
		return;
	name = path + strlen(from);
	at = strstr(name, middle);
	if (at)
		push_add_hostless(v, name, (size_t)(at - name), at + strlen(middle));
}

void hook_push_nexus(struct hook_verdict *v, const json_t *json)
{
	const json_t *component = hook_member(json, "component"),
		     *asset = hook_member(json, "asset");
	const char *action = hook_text(json, "action"), *name = hook_text(component, "name");

	if (strcasecmp(action, "CREATED") != 0 && strcasecmp(action, "UPDATED") != 0)
		return;
	if (!strcasecmp(hook_text(component, "format"), "docker"))
		push_add_hostless(v, name, strlen(name), hook_text(component, "version"));
	else if (!strcasecmp(hook_text(asset, "format"), "docker"))
		nexus_asset(v, hook_text(asset, "name"));
}

/* ---- GitHub ---------------------------------------------------------------------------------- */

static char *lower_dup(const char *s)
{
	char *out = mem_strdup(s), *p;

	for (p = out; *p; p++)
		if (ascii_is_upper(*p))
			*p = (char)(*p - 'A' + 'a');
	return out;
}

/* The events `package` and `registry_package`, which call their member so. */
void hook_push_github(struct hook_verdict *v, const json_t *json)
{
	const json_t *package = hook_member(json, "registry_package"), *version;
	auto_free char *owner = NULL, *name = NULL, *path = NULL;
	const char *tag;

	package = package ? package : hook_member(json, "package");
	version = hook_member(package, "package_version");
	tag = hook_text(hook_member(hook_member(version, "container_metadata"), "tag"), "name");
	if (strcasecmp(hook_text(package, "package_type"), "container") != 0 || !*tag)
		return;
	owner = lower_dup(hook_text(package, "namespace"));
	name = lower_dup(hook_text(package, "name"));
	path = mem_printf("%s/%s", owner, name);
	if (*owner && *name)
		push_add(v, "ghcr.io", path, tag);
}
