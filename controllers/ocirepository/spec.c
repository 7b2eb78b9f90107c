#include "controllers/ocirepository/spec.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/object.h"
#include "oci/ref.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_TIMEOUT_MS 60000
/* An interval of nothing would be a busy loop against the registry. */
#define LEAST_INTERVAL_MS 1000

static bool is_given(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	return v && !json_is_null(v);
}

/* Of spec.verify. Who asks for a check that is not built must not get an artifact without it. */
static const char *not_built(const json_t *spec)
{
	const json_t *verify = obj_get(spec, "verify");
	const char *provider = obj_str_or("cosign", verify, "provider");

	if (!is_given(spec, "verify"))
		return NULL;
	if (!json_is_object(verify))
		return "such a spec.verify";
	if (strcmp(provider, "notation") != 0 && strcmp(provider, "cosign") != 0)
		return "such a spec.verify";
	return NULL;
}

/* NULL: generic. */
static const char *provider_of(const json_t *spec)
{
	const char *text = obj_str(spec, "provider");

	return text && strcmp(text, "generic") != 0 ? text : NULL;
}

/* Renovate and others write `1.2.3@sha256:...` into the tag: that is the digest. Anything else
   behind an '@' is a slip of the pen that no registry can mend. */
static int tag_check(const char *tag, struct err *err)
{
	const char *at = tag ? strchr(tag, '@') : NULL;
	struct digest ignored;

	if (!at)
		return 0;
	if (!oci_tag_valid(tag, (size_t)(at - tag)))
		return err_set(err, ERR_STALL,
			"spec.ref.tag: '%.200s' is no tag with a digest behind it; a digest alone "
			"belongs in spec.ref.digest",
			tag);
	if (!digest_parse(&ignored, at + 1, err))
		return 0;
	err->kind = ERR_STALL;
	return err_wrap(err, "spec.ref.tag: what follows '@' belongs in spec.ref.digest");
}

/* A reference without a name is no reason to look for no signature, or for another one. */
static char *verify_secret_read(
	struct ocirepository_spec *s, const json_t *verify, const char *ref, struct err *err)
{
	char name[64], *secret;

	snprintf(name, sizeof(name), "verify.%s.name", ref);
	secret = spec_member(&s->spec.size, name, obj_str(verify, ref, "name"), err);
	if (err->kind == ERR_NONE && !secret)
		err_set(err, ERR_STALL, "spec.verify.%s has no name", ref);
	return secret;
}

/* One that has no pattern, or is none, stays one with an empty pattern, which is refused. */
static void identities_read(struct ocirepository_spec *s, const json_t *verify, struct err *err)
{
	const json_t *list = obj_get(verify, "matchOIDCIdentity");
	json_t *one;
	size_t i;

	if (json_array_size(list) > LIMIT_SIGNERS) {
		err_set(err, ERR_STALL,
			"spec.verify.matchOIDCIdentity has %zu entries, more than %d",
			json_array_size(list), LIMIT_SIGNERS);
		return;
	}
	json_array_foreach (list, i, one) {
		const char *issuer = obj_str_or("", one, "issuer");
		const char *subject = obj_str_or("", one, "subject");

		if (strlen(issuer) > LIMIT_PATTERN || strlen(subject) > LIMIT_PATTERN) {
			err_set(err, ERR_STALL,
				"spec.verify.matchOIDCIdentity[%zu] has a pattern of more than %d "
				"bytes",
				i, LIMIT_PATTERN);
			return;
		}
		verify_identities_add(&s->identities, issuer, subject);
		s->spec.size += strlen(issuer) + strlen(subject) + sizeof(struct verify_identity);
	}
}

/* With keys nobody looks at a trusted root or at names. */
static int verify_read(struct ocirepository_spec *s, const json_t *verify, struct err *err)
{
	if (!strcmp(obj_str_or("", verify, "provider"), "notation"))
		s->verify = TRUST_NOTATION;
	else
		s->verify = is_given(verify, "secretRef") ? TRUST_KEYS : TRUST_ROOT;
	if (s->verify != TRUST_ROOT)
		s->verify_secret = verify_secret_read(s, verify, "secretRef", err);
	else if (is_given(verify, "trustedRootSecretRef"))
		s->verify_secret = verify_secret_read(s, verify, "trustedRootSecretRef", err);
	if (s->verify == TRUST_ROOT && err->kind == ERR_NONE)
		identities_read(s, verify, err);
	return err->kind == ERR_NONE ? 0 : -1;
}

/* What is demanded and cannot be had must not be left out. */
static int demands_read(struct ocirepository_spec *s, const json_t *obj, struct err *err)
{
	const json_t *verify = obj_get(obj, "spec", "verify");
	bool of_certificate;
	size_t i;

	if (verify_demands_read(&s->demands, obj_get(obj, "metadata", "annotations"), err))
		return -1;
	for (i = 0; i < VERIFY_EXTENSIONS; i++)
		s->spec.size += s->demands.extensions[i] ? strlen(s->demands.extensions[i]) + 1 : 0;
	of_certificate = verify_demands_of_certificate(&s->demands);
	if ((of_certificate || s->demands.log) && s->verify == TRUST_NONE && !s->not_built)
		return err_set(err, ERR_STALL,
			"annotations '" VERIFY_DEMANDS_PREFIX "...' need a spec.verify");
	if (of_certificate && s->verify != TRUST_ROOT && s->verify != TRUST_NONE)
		return err_set(err, ERR_STALL,
			"annotations '" VERIFY_DEMANDS_PREFIX
			"...' speak of certificates of cosign: they need "
			"matchOIDCIdentity in spec.verify, and no secretRef");
	if (s->demands.log && s->verify == TRUST_NOTATION)
		return err_set(err, ERR_STALL,
			"annotation '" VERIFY_DEMANDS_PREFIX VERIFY_DEMANDS_LOG
			"': notation has no logs");
	if (s->demands.log && s->verify == TRUST_KEYS && is_given(verify, "trustedRootSecretRef"))
		s->logs_secret = verify_secret_read(s, verify, "trustedRootSecretRef", err);
	return err->kind == ERR_NONE ? 0 : -1;
}

static int fields_read(struct ocirepository_spec *s, const json_t *spec, struct err *err)
{
	const json_t *selector = obj_get(spec, "layerSelector"), *ref = obj_get(spec, "ref");

	s->spec.suspend = obj_bool(false, spec, "suspend");
	s->url = spec_member(&s->spec.size, "url", obj_str_or("", spec, "url"), err);
	if (!s->url)
		s->url = mem_strdup("");
	s->digest = spec_member(&s->spec.size, "ref.digest", obj_str(ref, "digest"), err);
	s->semver = spec_member(&s->spec.size, "ref.semver", obj_str(ref, "semver"), err);
	s->semver_filter =
		spec_member(&s->spec.size, "ref.semverFilter", obj_str(ref, "semverFilter"), err);
	s->tag = spec_member(&s->spec.size, "ref.tag", obj_str(ref, "tag"), err);
	s->ignore = spec_text(&s->spec.size, obj_str(spec, "ignore"));
	s->has_selector = json_is_object(selector);
	s->layer_type = spec_member(
		&s->spec.size, "layerSelector.mediaType", obj_str(selector, "mediaType"), err);
	s->layer_operation = spec_member(
		&s->spec.size, "layerSelector.operation", obj_str(selector, "operation"), err);
	s->login.secret = spec_member(
		&s->spec.size, "secretRef.name", obj_str(spec, "secretRef", "name"), err);
	s->login.service_account = spec_member(
		&s->spec.size, "serviceAccountName", obj_str(spec, "serviceAccountName"), err);
	s->login.cert = spec_member(
		&s->spec.size, "certSecretRef.name", obj_str(spec, "certSecretRef", "name"), err);
	s->login.proxy = spec_member(
		&s->spec.size, "proxySecretRef.name", obj_str(spec, "proxySecretRef", "name"), err);
	s->login.provider = spec_member(&s->spec.size, "provider", provider_of(spec), err);
	s->insecure = obj_bool(false, spec, "insecure");
	s->not_built = not_built(spec);
	if (is_given(spec, "verify") && !s->not_built)
		return verify_read(s, obj_get(spec, "verify"), err);
	return err->kind == ERR_NONE ? 0 : -1;
}

static int times_read(struct ocirepository_spec *s, const json_t *spec, struct err *err)
{
	int rc = object_duration(spec, "interval", 0, &s->spec.interval_ms, err);

	if (s->spec.interval_ms < LEAST_INTERVAL_MS)
		s->spec.interval_ms = LEAST_INTERVAL_MS;
	if (rc || object_duration(spec, "timeout", DEFAULT_TIMEOUT_MS, &s->timeout_ms, err))
		return -1;
	if (s->timeout_ms >= 1)
		return 0;
	s->timeout_ms = DEFAULT_TIMEOUT_MS; /* for a restore */
	return err_set(err, ERR_STALL, "spec.timeout: '%.64s' leaves no time for a request",
		obj_str_or("", spec, "timeout"));
}

/* The default counts as not given: nothing is made anew for saying it. */
static int platform_read(struct ocirepository_spec *s, const json_t *obj, struct err *err)
{
	json_t *v = obj_get(obj, "metadata", "annotations", OCIREPOSITORY_PLATFORM);
	const char *text = obj_str(obj, "metadata", "annotations", OCIREPOSITORY_PLATFORM);
	struct oci_platform p;

	if (!v)
		return 0;
	if (!text)
		return err_set(
			err, ERR_STALL, "annotation '%s' is no plain text", OCIREPOSITORY_PLATFORM);
	if (oci_platform_parse(&p, text, err)) {
		err->kind = ERR_STALL;
		return err_wrap(err, "annotation '%s'", OCIREPOSITORY_PLATFORM);
	}
	if (oci_platform_equal(&p, &oci_platform_default))
		return 0;
	s->platform = NEW(struct oci_platform);
	*s->platform = p;
	s->spec.size += sizeof(p);
	return 0;
}

static void spec_free(struct spec *base)
{
	struct ocirepository_spec *s = OCIREPOSITORY_SPEC(base);

	free(s->url);
	free(s->digest);
	free(s->semver);
	free(s->semver_filter);
	free(s->tag);
	free(s->ignore);
	free(s->platform);
	free(s->verify_secret);
	free(s->logs_secret);
	verify_demands_clear(&s->demands);
	verify_identities_clear(&s->identities);
	free(s->layer_type);
	free(s->layer_operation);
	free((char *)(uintptr_t)s->login.secret);
	free((char *)(uintptr_t)s->login.service_account);
	free((char *)(uintptr_t)s->login.cert);
	free((char *)(uintptr_t)s->login.proxy);
	free((char *)(uintptr_t)s->login.provider);
	free(s);
}

struct spec *ocirepository_spec_new(const json_t *obj)
{
	struct ocirepository_spec *s = NEW(struct ocirepository_spec);
	const json_t *spec = obj_get(obj, "spec");
	struct err err = {0};

	s->spec = (struct spec){.refs = 1, .free = spec_free, .size = sizeof(*s)};
	s->timeout_ms = DEFAULT_TIMEOUT_MS;
	s->spec.interval_ms = LEAST_INTERVAL_MS;
	if (object_has_nul(spec))
		(void)err_set(&err, ERR_STALL, "spec holds a NUL character");
	if (!fields_read(s, spec, &err) && !demands_read(s, obj, &err) &&
		!times_read(s, spec, &err) && !platform_read(s, obj, &err) &&
		!spec_grace(&s->spec, obj, OCIREPOSITORY_GRACE, &err) && !s->digest && !s->semver)
		(void)!tag_check(s->tag, &err);
	if (err.kind != ERR_NONE) {
		s->spec.wrong = NEW(struct err);
		*s->spec.wrong = err;
	}
	return &s->spec;
}

void ocirepository_spec_slim(struct spec *s)
{
	free(MOVE(OCIREPOSITORY_SPEC(s)->ignore));
}

const char *ocirepository_layer_type(const struct ocirepository_spec *s)
{
	return s->layer_type && *s->layer_type ? s->layer_type : NULL;
}

bool ocirepository_copies(const struct ocirepository_spec *s)
{
	return s->layer_operation && !strcmp(s->layer_operation, "copy");
}

json_t *ocirepository_selector_json(const struct ocirepository_spec *s)
{
	json_t *o;

	if (!s->has_selector)
		return NULL;
	o = json_object();
	if (s->layer_type)
		json_object_set_new(o, "mediaType", json_string(s->layer_type));
	if (s->layer_operation)
		json_object_set_new(o, "operation", json_string(s->layer_operation));
	return o;
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

bool ocirepository_selector_is(const struct ocirepository_spec *s, const json_t *observed)
{
	if (!s->has_selector || !json_is_object(observed))
		return s->has_selector == json_is_object(observed);
	return !strcmp(or_empty(s->layer_type), obj_str_or("", observed, "mediaType")) &&
		!strcmp(or_empty(s->layer_operation), obj_str_or("", observed, "operation"));
}

bool ocirepository_platform_is(const struct ocirepository_spec *s, const json_t *artifact)
{
	const char *made_for = obj_str(artifact, "metadata", OCIREPOSITORY_PLATFORM);
	char text[OCI_PLATFORM_TEXT_MAX];

	if (!s->platform || !made_for)
		return !s->platform && !made_for;
	return !strcmp(oci_platform_format(s->platform, text), made_for);
}
