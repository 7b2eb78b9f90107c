#include "embedded/discovery.h"

#include "base/obj.h"
#include "embedded/kind.h"

#include <string.h>

static json_t *api_versions(const char *address)
{
	return json_pack("{s:s, s:[s], s:[{s:s, s:s}]}", "kind", "APIVersions", "versions", "v1",
		"serverAddressByClientCIDRs", "clientCIDR", "0.0.0.0/0", "serverAddress", address);
}

static bool is_listed(const json_t *versions, const char *api_version)
{
	const json_t *v;
	size_t i;

	json_array_foreach (versions, i, v)
		if (!strcmp(obj_str_or("", v, "groupVersion"), api_version))
			return true;
	return false;
}

static void versions_add(json_t *versions, const struct emb_kind *k)
{
	size_t i;

	for (i = 0; i < k->n_versions; i++)
		if (!is_listed(versions, k->versions[i].api_version))
			json_array_append_new(versions,
				json_pack("{s:s, s:s}", "groupVersion", k->versions[i].api_version,
					"version", k->versions[i].name));
}

/* k: the first kind of a group, whose first version is the preferred one. Each kind of it may have
   versions that the others have not. */
static json_t *discovery_group(const struct emb_kinds *ks, const struct emb_kind *k, bool alone)
{
	json_t *versions = json_array(), *g;
	size_t i;

	for (i = 0; i < ks->len; i++)
		if (!strcmp(ks->p[i].group, k->group))
			versions_add(versions, &ks->p[i]);
	g = json_pack("{s:s, s:o, s:{s:s, s:s}}", "name", k->group, "versions", versions,
		"preferredVersion", "groupVersion", k->versions[0].api_version, "version",
		k->versions[0].name);
	if (alone) {
		json_object_set_new(g, "kind", json_string("APIGroup"));
		json_object_set_new(g, "apiVersion", json_string("v1"));
	}
	return g;
}

static const struct emb_kind *discovery_first(const struct emb_kinds *ks, const char *name)
{
	size_t i;

	for (i = 0; i < ks->len; i++)
		if (!strcmp(ks->p[i].group, name))
			return &ks->p[i];
	return NULL;
}

static json_t *discovery_groups(const struct emb_kinds *ks)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < ks->len; i++)
		if (ks->p[i].group[0] && discovery_first(ks, ks->p[i].group) == &ks->p[i])
			json_array_append_new(list, discovery_group(ks, &ks->p[i], false));
	return json_pack(
		"{s:s, s:s, s:o}", "kind", "APIGroupList", "apiVersion", "v1", "groups", list);
}

static json_t *discovery_strings(char **list)
{
	json_t *out = json_array();

	for (; *list; list++)
		json_array_append_new(out, json_string(*list));
	return out;
}

static json_t *discovery_resource(const struct emb_kind *k)
{
	json_t *r = json_pack("{s:s, s:s, s:b, s:s, s:[s,s,s,s,s,s,s]}", "name", k->plural,
		"singularName", k->singular, "namespaced", k->namespaced, "kind", k->kind, "verbs",
		"create", "delete", "get", "list", "patch", "update", "watch");

	if (k->short_names[0])
		json_object_set_new(r, "shortNames", discovery_strings(k->short_names));
	if (k->categories[0])
		json_object_set_new(r, "categories", discovery_strings(k->categories));
	return r;
}

static json_t *discovery_resources(
	const struct emb_kinds *ks, const char *name, const char *version)
{
	json_t *list = json_array();
	const char *api = NULL;
	size_t i, j;

	for (i = 0; i < ks->len; i++) {
		const struct emb_kind *k = &ks->p[i];

		for (j = 0; !strcmp(k->group, name) && j < k->n_versions; j++) {
			if (strcmp(k->versions[j].name, version) != 0)
				continue;
			api = k->versions[j].api_version;
			json_array_append_new(list, discovery_resource(k));
			if (k->has_status)
				json_array_append_new(list,
					json_pack("{s:s+, s:s, s:b, s:s, s:[s,s,s]}", "name",
						k->plural, "/status", "singularName", "",
						"namespaced", k->namespaced, "kind", k->kind,
						"verbs", "get", "patch", "update"));
		}
	}
	if (!api) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:s, s:o}", "kind", "APIResourceList", "apiVersion", "v1",
		"groupVersion", api, "resources", list);
}

/* kubectl compares this with its own version, so it names an API server's that it talks to without
   a remark. */
static json_t *discovery_version(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "major", "1", "minor",
		"34", "gitVersion", "v1.34.0+oci-source-controller", "gitCommit", "",
		"gitTreeState", "", "buildDate", "", "goVersion", "", "compiler", "", "platform",
		"linux");
}

bool emb_discovery(const struct emb_kinds *ks, const char *const *parts, unsigned n,
	const char *address, json_t **o)
{
	const struct emb_kind *k;

	*o = NULL;
	if (n == 1 && !strcmp(parts[0], "version"))
		*o = discovery_version();
	else if (n == 1 && !strcmp(parts[0], "api"))
		*o = api_versions(address);
	else if (n == 2 && !strcmp(parts[0], "api"))
		*o = discovery_resources(ks, "", parts[1]);
	else if (n == 1 && !strcmp(parts[0], "apis"))
		*o = discovery_groups(ks);
	else if (n == 2 && !strcmp(parts[0], "apis") && (k = discovery_first(ks, parts[1])))
		*o = discovery_group(ks, k, true);
	else if (n == 3 && !strcmp(parts[0], "apis") && parts[1][0])
		*o = discovery_resources(ks, parts[1], parts[2]);
	return *o != NULL;
}
