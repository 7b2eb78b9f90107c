#include "source/git_spec.h"

#include "base/mem.h"
#include "base/obj.h"
#include "ctl/object.h"
#include "ctl/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIMEOUT_MS 60000

/* In LOGIN_DEPENDS. */
enum { NTH_SECRETS, NTH_ACCOUNTS };

static char *ref_member(
	const json_t *from, const char *where, const char *name, size_t *size, struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "%s.%s", where, name);
	return spec_member(size, path, obj_str(from, name), err);
}

int git_ref_read(
	struct git_ref *r, const json_t *from, const char *where, size_t *size, struct err *err)
{
	r->branch = ref_member(from, where, "branch", size, err);
	r->tag = ref_member(from, where, "tag", size, err);
	r->semver = ref_member(from, where, "semver", size, err);
	r->name = ref_member(from, where, "name", size, err);
	r->commit = ref_member(from, where, "commit", size, err);
	return err->kind == ERR_NONE ? 0 : -1;
}

void git_ref_clear(struct git_ref *r)
{
	free(r->branch);
	free(r->tag);
	free(r->semver);
	free(r->name);
	free(r->commit);
	*r = (struct git_ref){0};
}

static int timeout_read(struct git_spec *s, const json_t *spec, struct err *err)
{
	s->timeout_ms = DEFAULT_TIMEOUT_MS;
	if (object_duration(spec, "timeout", DEFAULT_TIMEOUT_MS, &s->timeout_ms, err))
		return -1;
	if (s->timeout_ms >= 1)
		return 0;
	s->timeout_ms = DEFAULT_TIMEOUT_MS; /* for a restore */
	return err_set(err, ERR_STALL, "spec.timeout: '%.64s' leaves no time for a request",
		obj_str_or("", spec, "timeout"));
}

int git_spec_read(struct git_spec *s, const json_t *spec, size_t *size, struct err *err)
{
	const char *provider = obj_str(spec, "provider");

	s->timeout_ms = DEFAULT_TIMEOUT_MS;
	s->url = spec_member(size, "url", obj_str(spec, "url"), err);
	if (!s->url)
		s->url = mem_strdup("");
	s->secret = spec_member(size, "secretRef.name", obj_str(spec, "secretRef", "name"), err);
	s->proxy = spec_member(
		size, "proxySecretRef.name", obj_str(spec, "proxySecretRef", "name"), err);
	s->service_account =
		spec_member(size, "serviceAccountName", obj_str(spec, "serviceAccountName"), err);
	if (provider && strcmp(provider, "generic") != 0)
		s->provider = spec_member(size, "provider", provider, err);
	if (git_ref_read(&s->ref, obj_get(spec, "ref"), "ref", size, err))
		return -1;
	return timeout_read(s, spec, err);
}

void git_spec_clear(struct git_spec *s)
{
	free(s->url);
	git_ref_clear(&s->ref);
	free(s->secret);
	free(s->proxy);
	free(s->service_account);
	free(s->provider);
	*s = (struct git_spec){0};
}

void git_spec_depends_each(const struct git_spec *s, const char *ns, kind_ref_fn on, void *arg)
{
	if (s->secret)
		on(arg, NTH_SECRETS, ns, s->secret);
	if (s->service_account)
		on(arg, NTH_ACCOUNTS, ns, s->service_account);
	if (s->proxy)
		on(arg, NTH_SECRETS, ns, s->proxy);
}
