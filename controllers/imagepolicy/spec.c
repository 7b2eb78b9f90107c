#include "controllers/imagepolicy/spec.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "ctl/object.h"

#include <stdlib.h>
#include <string.h>

/* With Always and an interval of nothing. */
#define DEFAULT_INTERVAL_MS 600000
/* A shorter one would be a busy loop against the registry. */
#define LEAST_INTERVAL_MS 1000

static bool is_desc(const json_t *policy)
{
	return !strcmp(obj_str_or("asc", policy, "order"), "desc");
}

/* Of several the first counts. */
static void policy_read(struct imagepolicy_spec *s, const json_t *policy, struct err *err)
{
	const json_t *semver = obj_get(policy, "semver");
	const json_t *alphabetical = obj_get(policy, "alphabetical");
	const json_t *numerical = obj_get(policy, "numerical");

	s->chosen = true;
	if (json_is_object(semver)) {
		s->by = CHOOSE_SEMVER;
		s->range = spec_member(
			&s->spec.size, "policy.semver.range", obj_str(semver, "range"), err);
	} else if (json_is_object(alphabetical)) {
		s->by = CHOOSE_ALPHABETICAL;
		s->desc = is_desc(alphabetical);
	} else if (json_is_object(numerical)) {
		s->by = CHOOSE_NUMERICAL;
		s->desc = is_desc(numerical);
	} else {
		s->chosen = false;
	}
}

static int digest_read(struct imagepolicy_spec *s, const json_t *spec, struct err *err)
{
	const char *policy = obj_str_or("Never", spec, "digestReflectionPolicy");

	if (!strcmp(policy, "IfNotPresent"))
		s->digest = REFLECT_IF_NOT_PRESENT;
	if (strcmp(policy, "Always") != 0)
		return 0;
	s->digest = REFLECT_ALWAYS;
	s->no_interval = !obj_str(spec, "interval");
	if (object_duration(spec, "interval", 0, &s->spec.interval_ms, err))
		return -1;
	if (s->spec.interval_ms <= 0)
		s->spec.interval_ms = DEFAULT_INTERVAL_MS;
	if (s->spec.interval_ms < LEAST_INTERVAL_MS)
		s->spec.interval_ms = LEAST_INTERVAL_MS;
	return 0;
}

/* NULL: there is none; an empty one is none, too. */
static const char *annotation(const json_t *obj, const char *name, struct err *err)
{
	const json_t *v = obj_get(obj, "metadata", "annotations", name);
	const char *text = obj_str(obj, "metadata", "annotations", name);

	if (v && !text)
		err_set(err, ERR_STALL, "annotation '%s' is no plain text", name);
	return text && *text ? text : NULL;
}

static void annotations_read(struct imagepolicy_spec *s, const json_t *obj, struct err *err)
{
	const char *pin = annotation(obj, IMAGEPOLICY_PIN, err);
	const char *skip = annotation(obj, IMAGEPOLICY_SKIP, err);
	const char *age = annotation(obj, IMAGEPOLICY_AGE, err);
	const char *order = annotation(obj, IMAGEPOLICY_ORDER, err);
	struct err ignored;

	if (pin && !oci_tag_valid(pin, strlen(pin)))
		err_set(err, ERR_STALL, "annotation '%s': '%.130s' is no tag", IMAGEPOLICY_PIN,
			pin);
	else
		s->pin = spec_member(&s->spec.size, "", pin, err);
	if (skip && strlen(skip) > LIMIT_PATTERN)
		err_set(err, ERR_STALL, "annotation '%s' is longer than %d bytes", IMAGEPOLICY_SKIP,
			LIMIT_PATTERN);
	else
		s->skip = spec_member(&s->spec.size, "", skip, err);
	if (age && (time_parse_duration(age, &s->age_ms, &ignored) || s->age_ms < 0))
		err_set(err, ERR_STALL, "annotation '%s': '%.64s' is no duration such as 30m or 2h",
			IMAGEPOLICY_AGE, age);
	s->by_build = order && !strcmp(order, IMAGEPOLICY_BY_BUILD);
	if (order && !s->by_build)
		err_set(err, ERR_STALL, "annotation '%s': '%.64s' is not '%s', the only order",
			IMAGEPOLICY_ORDER, order, IMAGEPOLICY_BY_BUILD);
}

static void fields_read(struct imagepolicy_spec *s, const json_t *obj, struct err *err)
{
	const json_t *spec = obj_get(obj, "spec"), *ref = obj_get(spec, "imageRepositoryRef");
	const json_t *filter = obj_get(spec, "filterTags");

	s->spec.suspend = obj_bool(false, spec, "suspend");
	s->repository =
		spec_member(&s->spec.size, "imageRepositoryRef.name", obj_str(ref, "name"), err);
	s->namespace = spec_member(
		&s->spec.size, "imageRepositoryRef.namespace", obj_str(ref, "namespace"), err);
	if (s->namespace && strcmp(s->namespace, object_ns(obj)) != 0)
		s->from = mem_strdup(object_ns(obj));
	if (!s->repository) {
		if (err->kind == ERR_NONE)
			err_set(err, ERR_STALL, "spec.imageRepositoryRef has no name");
		s->repository = mem_strdup("");
	}
	policy_read(s, obj_get(spec, "policy"), err);
	s->pattern =
		spec_member(&s->spec.size, "filterTags.pattern", obj_str(filter, "pattern"), err);
	s->extract =
		spec_member(&s->spec.size, "filterTags.extract", obj_str(filter, "extract"), err);
	if (err->kind == ERR_NONE && !digest_read(s, spec, err))
		annotations_read(s, obj, err);
}

static void spec_free(struct spec *base)
{
	struct imagepolicy_spec *s = IMAGEPOLICY_SPEC(base);

	free(s->repository);
	free(s->namespace);
	free(s->from);
	free(s->range);
	free(s->pattern);
	free(s->extract);
	free(s->pin);
	free(s->skip);
	free(s);
}

struct spec *imagepolicy_spec_new(const json_t *obj)
{
	struct imagepolicy_spec *s = NEW(struct imagepolicy_spec);
	struct err err = {0};

	s->spec = (struct spec){.refs = 1, .free = spec_free, .size = sizeof(*s)};
	if (object_has_nul(obj_get(obj, "spec")))
		(void)err_set(&err, ERR_STALL, "spec holds a NUL character");
	fields_read(s, obj, &err);
	if (err.kind != ERR_NONE)
		s->spec.wrong = mem_dup(&err, sizeof(err));
	return &s->spec;
}

/* What was there before we looked first is old enough even for an age of centuries, or by a clock
   that begins with 1970. */
static int64_t born_until(int64_t at_s)
{
	return at_s > 0 ? at_s : 1;
}

int imagepolicy_check_chosen(const struct imagepolicy_spec *s, struct err *err)
{
	return s->chosen ? 0
			 : err_set(err, ERR_STALL,
				   "spec.policy has none of semver, alphabetical and numerical");
}

struct choose_rules imagepolicy_rules(const struct imagepolicy_spec *s, int64_t now_s)
{
	return (struct choose_rules){.by = s->by,
		.desc = s->desc,
		.all = s->by_build && !s->pin,
		.range = s->range,
		.pattern = s->pattern,
		.extract = s->extract,
		.skip = s->skip,
		.pin = s->pin,
		.born_until_s = s->age_ms ? born_until(now_s - (s->age_ms + 999) / 1000) : 0};
}
