#include "controllers/receiver/spec.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "controllers/receiver/receiver.h"
#include "ctl/object.h"
#include "hook/oidc.h"
#include "kube/names.h"

#include <string.h>

#define DEFAULT_INTERVAL_MS 600000
/* An interval of nothing would be a busy loop. */
#define LEAST_INTERVAL_MS 1000

/* All expressions of an object are compiled in one go. */
static char *filter_copy(struct receiver_spec *s, const char *text, size_t *room, struct err *err)
{
	size_t n = text ? strlen(text) : 0;

	if (!n)
		return NULL;
	if (n > *room) {
		if (err->kind == ERR_NONE)
			err_set(err, ERR_STALL, "the filters are longer than %llu bytes together",
				(unsigned long long)LIMIT_RECEIVER_FILTERS);
		return NULL;
	}
	*room -= n;
	s->filtered = true;
	return spec_text(&s->spec.size, text);
}

/* ---- resources ------------------------------------------------------------------------------- */

/* It becomes a part of a URL. */
static bool version_is_valid(const char *v)
{
	return *v == 'v' && v[1 + strspn(v + 1, "abcdefghijklmnopqrstuvwxyz0123456789")] == '\0' &&
		strlen(v) < 64;
}

static void api_read(struct receiver_spec *s, struct receiver_resource *r, const char *api_version)
{
	const char *text = api_version && *api_version ? api_version : r->target->api_version;
	const char *slash = text ? strchr(text, '/') : NULL;
	auto_free char *group = NULL;

	if (!text) {
		r->wrong = "apiVersion has to be given for its kind";
		return;
	}
	group = slash ? mem_strndup(text, (size_t)(slash - text)) : mem_strdup("");
	text = slash ? slash + 1 : text;
	if (!version_is_valid(text) || (slash && !kube_is_dns_subdomain(group))) {
		r->wrong = "its apiVersion is none";
		return;
	}
	s->spec.size += strlen(group) + strlen(text) + 2;
	r->group = MOVE(group);
	r->version = mem_strdup(text);
}

/* With the name '*'. */
static void selector_read(
	struct receiver_spec *s, struct receiver_resource *r, const json_t *labels)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_KUBE_SELECTOR);
	const char *key;
	json_t *v;

	if (!json_is_object(labels)) {
		r->wrong = "with the name '*' it needs matchLabels";
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)labels, key, v) {
		const char *value = json_is_string(v) ? json_string_value(v) : NULL;

		if (!value || !kube_is_qualified(key) || !kube_is_label_value(value)) {
			r->wrong = "its matchLabels hold what is no label";
			return;
		}
		buf_addf(&b, "%s%s=%s", b.len ? "," : "", key, value);
	}
	if (buf_over(&b)) {
		r->wrong = "its matchLabels are too long";
		return;
	}
	s->spec.size += b.len + 1;
	r->selector = buf_take(&b);
}

static void resource_read(
	struct receiver_spec *s, const json_t *from, size_t *filter_room, struct err *err)
{
	const char *kind = obj_str_or("", from, "kind"), *name = obj_str_or("", from, "name");
	struct receiver_resource *r = vec_add(&s->resources);

	*r = (struct receiver_resource){.target = receiver_target_find(kind)};
	s->spec.size += sizeof(*r);
	r->kind = spec_member(&s->spec.size, "resources[].kind", kind, err);
	r->ns = spec_member(
		&s->spec.size, "resources[].namespace", obj_str(from, "namespace"), err);
	r->filter = filter_copy(s, obj_str(from, "filter"), filter_room, err);
	if (!r->target)
		r->wrong = "there is no such kind";
	else
		api_read(s, r, obj_str(from, "apiVersion"));
	if (!strcmp(name, "*"))
		selector_read(s, r, obj_get(from, "matchLabels"));
	else if (!kube_is_dns_subdomain(name))
		r->wrong = "its name is none";
	else
		r->name = spec_text(&s->spec.size, name);
	if (r->ns && !kube_is_dns_label(r->ns))
		r->wrong = "its namespace is none";
}

static void resources_read(struct receiver_spec *s, const json_t *spec, struct err *err)
{
	const json_t *list = obj_get(spec, "resources");
	size_t i, filter_room = LIMIT_RECEIVER_FILTERS;
	json_t *one;

	s->filter = filter_copy(s, obj_str(spec, "resourceFilter"), &filter_room, err);
	if (json_array_size(list) > LIMIT_RECEIVER_RESOURCES && err->kind == ERR_NONE)
		err_set(err, ERR_STALL, "spec.resources has %zu entries, more than %d",
			json_array_size(list), LIMIT_RECEIVER_RESOURCES);
	if (err->kind != ERR_NONE)
		return;
	json_array_foreach ((json_t *)(uintptr_t)list, i, one)
		resource_read(s, one, &filter_room, err);
}

/* ---- who may call ---------------------------------------------------------------------------- */

static void events_read(struct receiver_spec *s, const json_t *spec, struct err *err)
{
	const json_t *list = obj_get(spec, "events");
	size_t i, n = 0;
	json_t *one;

	if (!json_array_size(list))
		return;
	if (json_array_size(list) > LIMIT_RECEIVER_RESOURCES) {
		if (err->kind == ERR_NONE)
			err_set(err, ERR_STALL, "spec.events has more than %d entries",
				LIMIT_RECEIVER_RESOURCES);
		return;
	}
	s->events = mem_array(NULL, json_array_size(list) + 1, sizeof(char *));
	json_array_foreach ((json_t *)(uintptr_t)list, i, one) {
		char *text = spec_member(&s->spec.size, "events[]",
			json_is_string(one) ? json_string_value(one) : NULL, err);

		if (text)
			s->events[n++] = text;
	}
	s->events[n] = NULL;
	s->spec.size += (n + 1) * sizeof(char *);
}

/* The rules of the CRD. */
static int caller_read(struct receiver_spec *s, const json_t *spec, struct err *err)
{
	const char *type = obj_str_or("", spec, "type");
	const json_t *providers = obj_get(spec, "oidcProviders");

	s->type = hook_type_find(type);
	if (!s->type)
		return err_set(err, ERR_STALL, "spec.type '%.64s' is not known", type);
	if (s->type->by_issuer && s->secret)
		return err_set(err, ERR_STALL, "secretRef cannot be set when type is generic-oidc");
	if (!s->type->by_issuer && !s->secret)
		return err_set(
			err, ERR_STALL, "secretRef is required when type is not generic-oidc");
	if (!s->type->by_issuer && json_array_size(providers))
		return err_set(
			err, ERR_STALL, "oidcProviders can only be set when type is generic-oidc");
	if (s->type->by_issuer && !json_array_size(providers))
		return err_set(err, ERR_STALL,
			"generic-oidc receivers must define at least one oidcProvider");
	if (!s->type->by_issuer)
		return 0;
	return hook_oidc_new(&s->oidc, providers, err) ? err_wrap(err, "spec") : 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void spec_free(struct spec *base)
{
	struct receiver_spec *s = RECEIVER_SPEC(base);
	struct receiver_resource *r;
	char **e;

	vec_each (&s->resources, r) {
		free(r->kind);
		free(r->group);
		free(r->version);
		free(r->name);
		free(r->selector);
		free(r->ns);
		free(r->filter);
	}
	vec_clear(&s->resources);
	for (e = s->events; e && *e; e++)
		free(*e);
	free(s->events);
	hook_oidc_unref(s->oidc);
	free(s->secret);
	free(s->filter);
	free(s);
}

static void annotation_read(struct receiver_spec *s, const json_t *obj)
{
	const char *payload = obj_str(obj, "metadata", "annotations", RECEIVER_PAYLOAD);

	s->feeds = payload != NULL;
	s->selects = payload && !strcmp(payload, "select");
}

struct spec *receiver_spec_new(const json_t *obj)
{
	struct receiver_spec *s = NEW(struct receiver_spec);
	const json_t *spec = obj_get(obj, "spec");
	struct err err = {0};

	s->spec = (struct spec){.refs = 1, .free = spec_free, .size = sizeof(*s)};
	s->spec.suspend = obj_bool(false, spec, "suspend");
	s->spec.interval_ms = DEFAULT_INTERVAL_MS;
	if (object_has_nul(spec))
		(void)err_set(&err, ERR_STALL, "spec holds a NUL character");
	s->secret = spec_member(
		&s->spec.size, "secretRef.name", obj_str(spec, "secretRef", "name"), &err);
	events_read(s, spec, &err);
	resources_read(s, spec, &err);
	annotation_read(s, obj);
	if (err.kind == ERR_NONE && !caller_read(s, spec, &err))
		(void)!object_duration(
			spec, "interval", DEFAULT_INTERVAL_MS, &s->spec.interval_ms, &err);
	if (s->spec.interval_ms < LEAST_INTERVAL_MS)
		s->spec.interval_ms = LEAST_INTERVAL_MS;
	if (err.kind != ERR_NONE) {
		s->spec.wrong = NEW(struct err);
		*s->spec.wrong = err;
	}
	return &s->spec;
}
