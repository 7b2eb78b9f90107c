#include "oci/manifest.h"

#include "base/limits.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum shape { SHAPE_UNKNOWN, SHAPE_IMAGE, SHAPE_INDEX };

void oci_descriptor_clear(struct oci_descriptor *d)
{
	free(d->media_type);
	*d = (struct oci_descriptor){0};
}

void oci_manifest_clear(struct oci_manifest *m)
{
	struct oci_descriptor *d;
	struct oci_child *c;

	free(m->media_type);
	oci_descriptor_clear(&m->config);
	vec_each (&m->layers, d)
		oci_descriptor_clear(d);
	vec_clear(&m->layers);
	vec_each (&m->children, c) {
		oci_descriptor_clear(&c->desc);
		free(c->os);
		free(c->arch);
		free(c->variant);
		free(c->ref_name);
	}
	vec_clear(&m->children);
	json_decref(m->annotations);
	*m = (struct oci_manifest){0};
}

static enum shape shape_of(const char *type, size_t len)
{
	static const struct {
		const char *type;
		enum shape shape;
	} known[] = {
		{OCI_TYPE_MANIFEST, SHAPE_IMAGE},
		{OCI_TYPE_DOCKER_MANIFEST, SHAPE_IMAGE},
		{OCI_TYPE_INDEX, SHAPE_INDEX},
		{OCI_TYPE_DOCKER_LIST, SHAPE_INDEX},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(known); i++)
		if (strlen(known[i].type) == len && !strncasecmp(known[i].type, type, len))
			return known[i].shape;
	return SHAPE_UNKNOWN;
}

/* Without parameters ("; charset=utf-8") and the space before them. */
static size_t type_len(const char *content_type)
{
	size_t n = strcspn(content_type, ";");

	while (n && (content_type[n - 1] == ' ' || content_type[n - 1] == '\t'))
		n--;
	return n;
}

/* A media type, platform name or the like, which ends up in messages. */
static bool plain_word(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (s[n] < 0x20 || s[n] > 0x7e || s[n] == '\'' || n >= 255)
			return false;
	return true;
}

static int manifest_word(
	char **out, const json_t *o, const char *key, const char *where, struct err *err)
{
	json_t *v = json_object_get(o, key);
	const char *s = obj_str(o, key);

	if (v && !json_is_null(v) && (!s || !plain_word(s)))
		return err_set(err, ERR_RETRY, "'%s' of %s is no plain text", key, where);
	*out = mem_strdup(s ? s : "");
	return 0;
}

static int manifest_descriptor(
	struct oci_descriptor *d, const json_t *o, const char *where, struct err *err)
{
	const char *digest = obj_str(o, "digest");
	json_t *size = obj_get(o, "size");

	if (!json_is_object(o))
		return err_set(err, ERR_RETRY, "%s is no object", where);
	if (!digest)
		return err_set(err, ERR_RETRY, "%s has no digest", where);
	if (digest_parse(&d->digest, digest, err))
		return err_wrap(err, "%s", where);
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return err_set(err, ERR_RETRY, "%s has no valid size", where);
	d->size = (uint64_t)json_integer_value(size);
	return manifest_word(&d->media_type, o, "mediaType", where, err);
}

static int array_check(const json_t *a, const char *name, struct err *err)
{
	if (!json_is_array(a))
		return err_set(err, ERR_RETRY, "'%s' of the manifest is no list", name);
	if (json_array_size(a) > LIMIT_MANIFEST_ENTRIES)
		return err_set(err, ERR_RETRY, "'%s' of the manifest has %zu entries, more than %d",
			name, json_array_size(a), LIMIT_MANIFEST_ENTRIES);
	return 0;
}

static int layers_read(struct oci_manifest *m, const json_t *a, struct err *err)
{
	size_t i;
	json_t *o;

	if (array_check(a, "layers", err))
		return -1;
	json_array_foreach (a, i, o) {
		struct oci_descriptor *d = vec_add(&m->layers);
		char where[48];

		*d = (struct oci_descriptor){0};
		snprintf(where, sizeof(where), "layer %zu of the manifest", i);
		if (manifest_descriptor(d, o, where, err))
			return -1;
	}
	return 0;
}

static int children_read(struct oci_manifest *m, const json_t *a, struct err *err)
{
	size_t i;
	json_t *o;

	if (array_check(a, "manifests", err))
		return -1;
	json_array_foreach (a, i, o) {
		struct oci_child *c = vec_add(&m->children);
		json_t *p = obj_get(o, "platform");
		char where[48];

		*c = (struct oci_child){.os = NULL};
		snprintf(where, sizeof(where), "entry %zu of the index", i);
		if (manifest_descriptor(&c->desc, o, where, err))
			return -1;
		if (json_is_object(p) &&
			(manifest_word(&c->os, p, "os", where, err) ||
				manifest_word(&c->arch, p, "architecture", where, err) ||
				manifest_word(&c->variant, p, "variant", where, err)))
			return -1;
		c->ref_name = mem_strdup(obj_str(o, "annotations", OCI_REF_NAME));
	}
	return 0;
}

static int annotations_read(struct oci_manifest *m, const json_t *a, struct err *err)
{
	size_t total = 0;
	const char *key;
	json_t *v;

	if (!json_is_object(a) || !json_object_size(a))
		return 0;
	m->annotations = json_object();
	json_object_foreach ((json_t *)(uintptr_t)a, key, v) {
		if (!json_is_string(v))
			return err_set(
				err, ERR_RETRY, "an annotation of the manifest is no string");
		total += strlen(key) + json_string_length(v);
		if (total > LIMIT_ANNOTATIONS)
			return err_set(err, ERR_RETRY,
				"the annotations of the manifest are larger than %llu bytes",
				LIMIT_ANNOTATIONS);
		BUG_IF(json_object_set(m->annotations, key, v));
	}
	return 0;
}

/* What kind of document is it? Its own mediaType counts, then the header, then what is in it. */
static int shape_find(enum shape *out, const struct oci_manifest *m, const json_t *o,
	const char *content_type, struct err *err)
{
	enum shape said = shape_of(m->media_type, strlen(m->media_type)), header;
	bool layers = obj_get(o, "layers"), children = obj_get(o, "manifests");

	header = content_type ? shape_of(content_type, type_len(content_type)) : SHAPE_UNKNOWN;
	if (obj_int(2, o, "schemaVersion") == 1)
		return err_code(err, ERR_RETRY, -ENOTSUP,
			"it is a Docker manifest of schema version 1, which is not supported");
	if (*m->media_type && said == SHAPE_UNKNOWN)
		return err_code(err, ERR_RETRY, -ENOTSUP, "its media type '%s' is not supported",
			m->media_type);
	if (said && header && said != header)
		return err_set(err, ERR_RETRY,
			"the registry's Content-Type '%.*s' contradicts its media type '%s'",
			(int)type_len(content_type), content_type, m->media_type);
	*out = said ? said : header;
	/* One document that is an image to one reader and an index to another: image-spec 1.1,
	   "manifest.md". */
	if (layers && children)
		return err_set(err, ERR_RETRY, "it has both layers and manifests");
	if (!*out)
		*out = children ? SHAPE_INDEX : layers ? SHAPE_IMAGE : SHAPE_UNKNOWN;
	if (!*out)
		return err_set(err, ERR_RETRY, "it is no image manifest and no index");
	return 0;
}

static int manifest_fill(
	struct oci_manifest *m, const json_t *o, const char *content_type, struct err *err)
{
	json_t *config = obj_get(o, "config"), *layers = obj_get(o, "layers");
	enum shape shape = SHAPE_UNKNOWN;

	if (!json_is_object(o))
		return err_set(err, ERR_RETRY, "it is no JSON object");
	if (manifest_word(&m->media_type, o, "mediaType", "the manifest", err) ||
		shape_find(&shape, m, o, content_type, err) ||
		annotations_read(m, obj_get(o, "annotations"), err))
		return -1;
	m->index = shape == SHAPE_INDEX;
	if (m->index)
		return children_read(m, obj_get(o, "manifests"), err);
	if (config && manifest_descriptor(&m->config, config, "the config of the manifest", err))
		return -1;
	return layers && !json_is_null(layers) ? layers_read(m, layers, err) : 0;
}

int oci_manifest_parse(struct oci_manifest *m, const char *data, size_t len,
	const char *content_type, struct err *err)
{
	auto_json json_t *o = obj_parse_within(data, len, &obj_manifest, "the manifest", err);

	if (!o)
		return -1;
	if (manifest_fill(m, o, content_type, err)) {
		bool index = m->index;

		oci_manifest_clear(m);
		m->index = index;
		return err_wrap(err, "cannot read the manifest");
	}
	return 0;
}

/* Adds "'x', " and so on, each only once and not too many. */
static void manifest_mention(struct buf *b, const char *name)
{
	auto_free char *quoted = mem_printf("'%s'", name);

	if (b->len && strstr(b->p, quoted))
		return;
	if (b->len)
		buf_adds(b, ", ");
	buf_adds(b, quoted);
}

bool oci_descriptor_is_index(const struct oci_descriptor *d)
{
	return shape_of(d->media_type, strlen(d->media_type)) == SHAPE_INDEX;
}

static bool child_is_for(const struct oci_child *c, const struct oci_platform *want)
{
	if (c->os)
		return oci_platform_takes(want, c->os, c->arch, c->variant);
	return oci_descriptor_is_index(&c->desc) ||
		oci_platform_takes(want, oci_platform_default.os, oci_platform_default.arch, "");
}

static char *child_platform(const struct oci_child *c)
{
	char text[OCI_PLATFORM_TEXT_MAX];

	if (!c->os)
		return mem_strdup(oci_platform_format(&oci_platform_default, text));
	return mem_printf("%s/%s%s%s", c->os, c->arch, *c->variant ? "/" : "", c->variant);
}

const struct oci_child *oci_manifest_platform(
	const struct oci_manifest *m, const struct oci_platform *want, struct err *err)
{
	auto_buf struct buf seen = BUF_INIT(480);
	char text[OCI_PLATFORM_TEXT_MAX];
	const struct oci_child *c;

	if (!want)
		want = &oci_platform_default;
	vec_each (&m->children, c) {
		auto_free char *name = NULL;

		if (child_is_for(c, want))
			return c;
		name = child_platform(c);
		manifest_mention(&seen, name);
	}
	if (!seen.len)
		err_set(err, ERR_RETRY, "the index is empty");
	else
		err_set(err, ERR_RETRY, "the index has no manifest for %s, only for %s%s",
			oci_platform_format(want, text), buf_str(&seen),
			seen.over ? " and more" : "");
	return NULL;
}

bool oci_type_is_chart(const char *media_type)
{
	return media_type && !strcmp(media_type, OCI_TYPE_HELM_CHART);
}

const struct oci_descriptor *oci_manifest_layer(
	const struct oci_manifest *m, const char *media_type, struct err *err)
{
	auto_buf struct buf seen = BUF_INIT(480);
	const struct oci_descriptor *d;

	if (!m->layers.len) {
		err_set(err, ERR_RETRY, "the manifest has no layers");
		return NULL;
	}
	if (!media_type || !*media_type)
		return &m->layers.p[0];
	vec_each (&m->layers, d) {
		if (!strcmp(d->media_type, media_type))
			return d;
		manifest_mention(&seen, d->media_type);
	}
	err_set(err, ERR_RETRY, "no layer has the media type '%.200s', there %s %s%s", media_type,
		m->layers.len > 1 ? "are" : "is", buf_str(&seen), seen.over ? " and more" : "");
	return NULL;
}
