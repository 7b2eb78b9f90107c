#include "oci/build.h"

#include "base/js.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/time.h"
#include "base/vec.h"
#include "oci/manifest.h"
#include "pack/path.h"
#include "pack/tarw.h"
#include "text/ignore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct walk {
	struct oci_build *a;
	struct pack_tarw *tar;
	struct ignore ignore;
	bool prune; /* nothing below an excluded directory can come back */
	char path[LIMIT_PATH + 1]; /* of the entry at work, "" for the root */
	size_t len;
};

/* ---- the layer ------------------------------------------------------------------------------- */

static int build_add_dir(struct walk *w, int dirfd, struct err *err);

static int name_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int build_add_file(struct walk *w, int dirfd, const char *name, struct err *err)
{
	/* Not blocking: what was a file a moment ago may be a fifo now. */
	auto_fd int fd = sys_openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	struct stat st;

	if (fd < 0 || sys_fstat(fd, &st))
		return err_sys(err, "cannot read '%.500s'", w->path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_RETRY, "'%.500s' changes while it is read", w->path);
	w->a->entries++;
	w->a->files++;
	if (pack_tarw_file_fd(w->tar, w->path, st.st_mode & 0111 ? 0700 : 0600, fd, 0,
		    (uint64_t)st.st_size, err))
		return err_wrap(err, "'%.500s'", w->path);
	return 0;
}

static int build_add_entry(struct walk *w, int dirfd, const char *name, struct err *err)
{
	auto_fd int fd = -1;
	struct stat st;
	bool excluded;

	if (sys_lstatat(dirfd, name, &st))
		return err_sys(err, "cannot read '%.500s'", w->path);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		w->a->skipped++;
		return 0;
	}
	excluded = ignore_match(&w->ignore, w->path, S_ISDIR(st.st_mode));
	if (S_ISREG(st.st_mode))
		return excluded ? 0 : build_add_file(w, dirfd, name, err);
	if (excluded && w->prune)
		return 0;
	if (!excluded) {
		w->a->entries++;
		if (pack_tarw_dir(w->tar, w->path, 0750, err))
			return err_wrap(err, "'%.500s'", w->path);
	}
	fd = sys_openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return err_sys(err, "cannot read '%.500s'", w->path);
	return build_add_dir(w, fd, err);
}

/* Puts a name behind the path, and takes it off again (name NULL). */
static int walk_step(struct walk *w, const char *name, size_t before, struct err *err)
{
	size_t n = name ? strlen(name) : 0;
	char checked[LIMIT_PATH + 1];
	bool clean;

	w->len = before;
	w->path[before] = '\0';
	if (!name)
		return 0;
	if (before + 1 + n > LIMIT_PATH)
		return err_set(err, ERR_STALL, "the path of '%.200s' is too long", name);
	if (before)
		w->path[w->len++] = '/';
	memcpy(w->path + w->len, name, n + 1);
	w->len += n;
	/* What no reader of artifacts would take is not written: names that are not UTF-8,
	   backslashes, a depth past all measure. */
	if (pack_path_check(checked, &clean, w->path, w->len, err)) {
		err->kind = ERR_STALL;
		return -1;
	}
	return 0;
}

static int build_add_names(struct walk *w, DIR *dir, char **names, size_t count, struct err *err)
{
	size_t i, before = w->len;
	int rc = 0;

	if (count)
		qsort(names, count, sizeof(*names), name_cmp);
	for (i = 0; !rc && i < count; i++) {
		rc = walk_step(w, names[i], before, err);
		if (!rc)
			rc = build_add_entry(w, dirfd(dir), names[i], err);
		w->len = before;
		w->path[before] = '\0';
	}
	return rc;
}

/* fd stays the caller's. */
static int build_add_dir(struct walk *w, int fd, struct err *err)
{
	DIR *dir = sys_fdopendir(dup(fd));
	VEC(char *) names = {0};
	struct dirent *d;
	char **s;
	int rc = 0;

	if (!dir)
		return err_sys(err, "cannot read the directory '%.500s'", w->path);
	while ((d = sys_readdir(dir)))
		*vec_add(&names) = mem_strdup(d->d_name);
	if (errno)
		rc = err_sys(err, "cannot read the directory '%.500s'", w->path);
	if (!rc)
		rc = build_add_names(w, dir, names.p, names.len, err);
	vec_each (&names, s)
		free(*s);
	vec_clear(&names);
	closedir(dir);
	return rc;
}

static bool has_negation(const char *patterns)
{
	return patterns && (*patterns == '!' || strstr(patterns, "\n!"));
}

static int layer_fill(struct walk *w, const char *path, struct err *err)
{
	auto_fd int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0);
	const char *name = strrchr(path, '/');
	struct stat st;

	if (fd < 0 || sys_fstat(fd, &st)) {
		err_sys(err, "cannot read '%.500s'", path);
		err->kind = ERR_STALL;
		return -1;
	}
	w->a->entries++;
	if (pack_tarw_dir(w->tar, ".", 0750, err))
		return -1;
	if (S_ISDIR(st.st_mode))
		return build_add_dir(w, fd, err);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_STALL, "'%.500s' is neither a directory nor a file", path);
	if (walk_step(w, name ? name + 1 : path, 0, err))
		return -1;
	w->a->entries++;
	w->a->files++;
	return pack_tarw_file_fd(
		w->tar, w->path, st.st_mode & 0111 ? 0700 : 0600, fd, 0, (uint64_t)st.st_size, err);
}

static int layer_build(struct oci_build *a, const struct oci_build_in *in,
	struct pack_tarw_result *res, struct err *err)
{
	struct walk *w = NEW(struct walk);
	int rc = -1;

	w->a = a;
	ignore_init(&w->ignore, IGNORE_PLAIN);
	w->prune = !has_negation(in->ignore);
	if (in->ignore)
		rc = ignore_add(&w->ignore, in->ignore, strlen(in->ignore), "", err);
	else if (!ignore_add(&w->ignore, ignore_vcs, strlen(ignore_vcs), "", err))
		rc = ignore_add(&w->ignore, ignore_ext, strlen(ignore_ext), "", err);
	if (!rc && (a->fd = sys_temp_file(err)) < 0)
		rc = -1;
	if (!rc) {
		w->tar = pack_tarw_new(&(struct pack_tarw_out){.fd = a->fd, .algo = DIGEST_SHA256});
		pack_tarw_want_diff_id(w->tar);
		rc = layer_fill(w, in->path, err);
		if (!rc)
			rc = pack_tarw_end(w->tar, res, err);
		pack_tarw_free(w->tar);
	}
	ignore_clear(&w->ignore);
	free(w);
	return rc;
}

/* ---- config and manifest --------------------------------------------------------------------- */

/* What image tools expect of a config, and nothing that depends on where or when it was made. */
static void config_write(struct oci_build *a, const char *created, const struct digest *diff_id)
{
	struct js_w w = JS_W(&a->config);
	char text[DIGEST_TEXT_MAX];

	js_begin(&w, '{');
	js_kstr(&w, "created", created);
	js_kstr(&w, "architecture", "");
	js_kstr(&w, "os", "");
	js_key(&w, "config");
	js_begin(&w, '{');
	js_end(&w, '}');
	js_key(&w, "rootfs");
	js_begin(&w, '{');
	js_kstr(&w, "type", "layers");
	js_key(&w, "diff_ids");
	js_begin(&w, '[');
	js_str(&w, digest_format(diff_id, text));
	js_end(&w, ']');
	js_end(&w, '}');
	js_key(&w, "history");
	js_begin(&w, '[');
	js_begin(&w, '{');
	js_kstr(&w, "created", created);
	js_end(&w, '}');
	js_end(&w, ']');
	js_end(&w, '}');
}

static void descriptor_write(struct js_w *w, const char *type, const struct oci_push_blob *b)
{
	char text[DIGEST_TEXT_MAX];

	js_begin(w, '{');
	js_kstr(w, "mediaType", type);
	js_kstr(w, "digest", digest_format(&b->digest, text));
	js_key(w, "size");
	js_uint(w, b->size);
	js_end(w, '}');
}

static int key_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted by key, so that their order on the command line does not matter. */
static void annotations_write(struct js_w *w, const json_t *all)
{
	VEC(const char *) keys = {0};
	const char *key, **k;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)all, key, v)
		*vec_add(&keys) = key;
	qsort(keys.p, keys.len, sizeof(*keys.p), key_cmp);
	js_key(w, "annotations");
	js_begin(w, '{');
	vec_each (&keys, k)
		js_kstr(w, *k, obj_str(all, *k));
	js_end(w, '}');
	vec_clear(&keys);
}

static int build_annotate(json_t *all, const char *key, const char *value, struct err *err)
{
	if (value && json_object_set_new(all, key, json_string(value)))
		return err_set(err, ERR_STALL, "the annotation '%.200s' is not UTF-8", key);
	return 0;
}

static int build_annotations_read(
	json_t *all, const struct oci_build_in *in, const char *created, struct err *err)
{
	const char *const *a = in->annotations;

	if (build_annotate(all, "org.opencontainers.image.created", created, err) ||
		build_annotate(all, "org.opencontainers.image.source", in->source, err) ||
		build_annotate(all, "org.opencontainers.image.revision", in->revision, err))
		return -1;
	for (; a && *a; a++) {
		const char *eq = strchr(*a, '=');
		auto_free char *key = eq ? mem_strndup(*a, (size_t)(eq - *a)) : NULL;

		if (!eq || eq == *a)
			return err_set(err, ERR_STALL,
				"the annotation '%.200s' does not have the form key=value", *a);
		if (build_annotate(all, key, eq + 1, err))
			return -1;
	}
	return 0;
}

static int manifest_write(
	struct oci_build *a, const struct oci_build_in *in, const char *created, struct err *err)
{
	auto_json json_t *all = json_object();
	struct js_w w = JS_W(&a->manifest);

	if (build_annotations_read(all, in, created, err))
		return -1;
	js_begin(&w, '{');
	js_kint(&w, "schemaVersion", 2);
	js_kstr(&w, "mediaType", OCI_TYPE_MANIFEST);
	js_key(&w, "config");
	descriptor_write(&w, OCI_TYPE_FLUX_CONFIG, &a->blobs[1]);
	js_key(&w, "layers");
	js_begin(&w, '[');
	descriptor_write(&w, OCI_TYPE_FLUX_CONTENT, &a->blobs[0]);
	js_end(&w, ']');
	annotations_write(&w, all);
	js_end(&w, '}');
	return buf_over(&a->manifest)
		? err_set(err, ERR_STALL, "the manifest would be larger than %llu bytes",
			  LIMIT_MANIFEST)
		: 0;
}

static int build_artifact(struct oci_build *a, const struct oci_build_in *in, struct err *err)
{
	const char *created = in->created ? in->created : OCI_CREATED_DEFAULT;
	struct pack_tarw_result res;
	int64_t ignored;

	if (time_parse_rfc3339(created, &ignored, err)) {
		err->kind = ERR_STALL;
		return -1;
	}
	if (layer_build(a, in, &res, err))
		return -1;
	a->blobs[0] = (struct oci_push_blob){.digest = res.digest, .size = res.size, .fd = a->fd};
	config_write(a, created, &res.diff_id);
	a->blobs[1] =
		(struct oci_push_blob){.size = a->config.len, .mem = buf_str(&a->config), .fd = -1};
	digest_mem(&a->blobs[1].digest, DIGEST_SHA256, buf_str(&a->config), a->config.len);
	return manifest_write(a, in, created, err);
}

int oci_build_run(struct oci_build *a, const struct oci_build_in *in, struct err *err)
{
	*a = (struct oci_build){.fd = -1};
	buf_init(&a->config, LIMIT_MANIFEST);
	buf_init(&a->manifest, LIMIT_MANIFEST);
	if (!build_artifact(a, in, err))
		return 0;
	oci_build_clear(a);
	return -1;
}

void oci_build_clear(struct oci_build *a)
{
	if (a->fd >= 0)
		sys_close(a->fd);
	a->fd = -1;
	buf_clear(&a->config);
	buf_clear(&a->manifest);
}
