#include "controllers/imagerepository/spec.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/object.h"
#include "image/catalog.h"

#include <stdlib.h>
#include <string.h>

/* An interval of nothing would be a busy loop against the registry. */
#define LEAST_INTERVAL_MS 1000
#define LEAST_TIMEOUT_MS 1000

/* NULL: generic. */
static const char *provider_of(const json_t *spec)
{
	const char *text = obj_str(spec, "provider");

	return text && strcmp(text, "generic") != 0 ? text : NULL;
}

static int exclude_read(struct imagerepository_spec *s, const json_t *spec, struct err *err)
{
	const json_t *list = obj_get(spec, "exclusionList");
	json_t *one;
	size_t i;

	if (json_array_size(list) > LIMIT_EXCLUSIONS)
		return err_set(err, ERR_STALL, "spec.exclusionList has %zu entries, more than %d",
			json_array_size(list), LIMIT_EXCLUSIONS);
	json_array_foreach (list, i, one) {
		if (!json_is_string(one) || json_string_length(one) > LIMIT_PATTERN)
			return err_set(err, ERR_STALL,
				"spec.exclusionList[%zu] is no text of at most %d bytes", i,
				LIMIT_PATTERN);
		image_exclude_add(&s->exclude, json_string_value(one));
		s->spec.size += json_string_length(one) + 1;
	}
	return 0;
}

static int access_read(struct imagerepository_spec *s, const json_t *spec, struct err *err)
{
	json_t *access = obj_get(spec, "accessFrom");
	size_t size;

	if (!json_is_object(access))
		return 0;
	size = json_dumpb(access, NULL, 0, JSON_COMPACT);
	if (size > LIMIT_ACCESS)
		return err_set(err, ERR_STALL, "spec.accessFrom is longer than %llu bytes",
			(unsigned long long)LIMIT_ACCESS);
	s->access = json_incref(access);
	s->spec.size += size;
	return 0;
}

static int fields_read(struct imagerepository_spec *s, const json_t *spec, struct err *err)
{
	s->spec.suspend = obj_bool(false, spec, "suspend");
	s->insecure = obj_bool(false, spec, "insecure");
	s->image = spec_member(&s->spec.size, "image", obj_str(spec, "image"), err);
	s->login.provider = spec_member(&s->spec.size, "provider", provider_of(spec), err);
	/* A cloud gives the password; pull Secrets do not count beside it. */
	s->login.cloud_only = true;
	if (!s->login.provider)
		s->login.secret = spec_member(
			&s->spec.size, "secretRef.name", obj_str(spec, "secretRef", "name"), err);
	s->login.service_account = spec_member(
		&s->spec.size, "serviceAccountName", obj_str(spec, "serviceAccountName"), err);
	s->login.cert = spec_member(
		&s->spec.size, "certSecretRef.name", obj_str(spec, "certSecretRef", "name"), err);
	s->login.proxy = spec_member(
		&s->spec.size, "proxySecretRef.name", obj_str(spec, "proxySecretRef", "name"), err);
	if (err->kind != ERR_NONE || exclude_read(s, spec, err) || access_read(s, spec, err))
		return -1;
	return 0;
}

static int times_read(struct imagerepository_spec *s, const json_t *spec, struct err *err)
{
	int rc = object_duration(spec, "interval", 0, &s->spec.interval_ms, err);

	if (s->spec.interval_ms < LEAST_INTERVAL_MS)
		s->spec.interval_ms = LEAST_INTERVAL_MS;
	s->timeout_ms = s->spec.interval_ms;
	if (rc || object_duration(spec, "timeout", s->timeout_ms, &s->timeout_ms, err))
		return -1;
	if (s->timeout_ms < LEAST_TIMEOUT_MS)
		s->timeout_ms = LEAST_TIMEOUT_MS;
	return 0;
}

static void spec_free(struct spec *base)
{
	struct imagerepository_spec *s = IMAGEREPOSITORY_SPEC(base);

	free(s->image);
	free((char *)(uintptr_t)s->login.secret);
	free((char *)(uintptr_t)s->login.service_account);
	free((char *)(uintptr_t)s->login.cert);
	free((char *)(uintptr_t)s->login.proxy);
	free((char *)(uintptr_t)s->login.provider);
	image_exclude_clear(&s->exclude);
	json_decref(s->access);
	free(s);
}

struct spec *imagerepository_spec_new(const json_t *obj)
{
	struct imagerepository_spec *s = NEW(struct imagerepository_spec);
	const json_t *spec = obj_get(obj, "spec");
	struct err err = {0};

	s->spec = (struct spec){.refs = 1, .free = spec_free, .size = sizeof(*s)};
	s->spec.interval_ms = s->timeout_ms = LEAST_INTERVAL_MS;
	if (object_has_nul(spec))
		(void)err_set(&err, ERR_STALL, "spec holds a NUL character");
	if (!fields_read(s, spec, &err))
		(void)!times_read(s, spec, &err);
	if (!s->image)
		s->image = mem_strdup("");
	if (!s->exclude.patterns.len)
		image_exclude_add(&s->exclude, IMAGEREPOSITORY_EXCLUDED);
	image_exclude_digest(&s->exclude, &s->excluded);
	if (err.kind != ERR_NONE) {
		s->spec.wrong = NEW(struct err);
		*s->spec.wrong = err;
	}
	return &s->spec;
}

void imagerepository_facts(const struct imagerepository_spec *s, struct image_facts *out)
{
	*out = (struct image_facts){
		.image = mem_strdup(s->image),
		.login = {mem_strdup(s->login.secret), mem_strdup(s->login.service_account),
			mem_strdup(s->login.cert), mem_strdup(s->login.proxy),
			mem_strdup(s->login.provider)},
		.timeout_ms = (uint64_t)s->timeout_ms,
		.insecure = s->insecure,
		.suspended = s->spec.suspend,
		.access = json_incref(s->access),
	};
	image_exclude_copy(&out->exclude, &s->exclude);
}

json_t *imagerepository_excluded_json(const struct imagerepository_spec *s)
{
	json_t *list = json_array();
	char **p;

	vec_each (&s->exclude.patterns, p)
		json_array_append_new(list, json_string(*p));
	return list;
}

bool imagerepository_excluded_is(const struct imagerepository_spec *s, const json_t *observed)
{
	struct image_exclude x = {0};
	struct digest d;
	json_t *one;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)observed, i, one)
		image_exclude_add(&x, json_is_string(one) ? json_string_value(one) : "");
	image_exclude_digest(&x, &d);
	image_exclude_clear(&x);
	return digest_equal(&d, &s->excluded);
}
