#include "embedded/manifests.h"

#include "base/buf.h"
#include "base/fnv.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/sys.h"
#include "base/vec.h"
#include "embedded/kind.h"
#include "text/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

void emb_manifests_error(struct emb_manifests *ms, const char *file, unsigned line, const char *why)
{
	char *text = line ? mem_printf("%s: line %u: %s", file, line, why)
			  : mem_printf("%s: %s", file, why);

	if (ms->n_errors == ms->cap_errors) {
		ms->cap_errors = ms->cap_errors ? 2 * ms->cap_errors : 8;
		ms->errors = mem_array(ms->errors, ms->cap_errors, sizeof(*ms->errors));
	}
	ms->errors[ms->n_errors++] = text;
}

char *emb_manifest_key(const struct emb_manifest *m)
{
	return mem_printf("%s/%s/%s", m->kind->resource, m->ns, m->name);
}

static void manifest_clear(struct emb_manifest *m)
{
	free(m->file);
	free(m->ns);
	free(m->name);
	json_decref(m->root);
}

void emb_manifests_clear(struct emb_manifests *ms)
{
	size_t i;

	for (i = 0; i < ms->len; i++)
		manifest_clear(&ms->p[i]);
	vec_clear(ms);
	for (i = 0; i < ms->n_errors; i++)
		free(ms->errors[i]);
	free(ms->errors);
	*ms = (struct emb_manifests){0};
}

/* ---- names of files -------------------------------------------------------------------------- */

static bool is_manifest(const char *name)
{
	static const char *const ends[] = {".yaml", ".yml", ".json"};
	size_t n = strlen(name), i;

	for (i = 0; name[0] != '.' && i < ARRAY_LEN(ends); i++) {
		size_t m = strlen(ends[i]);

		if (n > m && !strcmp(name + n - m, ends[i]))
			return true;
	}
	return false;
}

static int manifests_by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct file_names {
	char **p;
	size_t len, cap;
};

static void names_clear(struct file_names *names)
{
	size_t i;

	for (i = 0; i < names->len; i++)
		free(names->p[i]);
	vec_clear(names);
}

static int manifests_read_names(const char *dir, int *fd, struct file_names *names, struct err *err)
{
	int again;
	DIR *d;
	struct dirent *e;

	*fd = sys_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	if (*fd < 0)
		return err_sys(err, "open '%s'", dir);
	again = sys_openat(*fd, ".", O_RDONLY | O_DIRECTORY, 0);
	d = again < 0 ? NULL : sys_fdopendir(again);
	if (!d)
		return err_sys(err, "read '%s'", dir);
	while ((e = sys_readdir(d)) && names->len <= LIMIT_EMBEDDED_FILES)
		if (is_manifest(e->d_name))
			*vec_add(names) = mem_strdup(e->d_name);
	if (!e && errno) {
		err_sys(err, "read '%s'", dir);
		closedir(d);
		return -1;
	}
	closedir(d);
	if (names->len > LIMIT_EMBEDDED_FILES)
		return err_set(err, ERR_STALL, "'%s' holds more than %d manifests", dir,
			LIMIT_EMBEDDED_FILES);
	if (names->len)
		qsort(names->p, names->len, sizeof(*names->p), manifests_by_text);
	return 0;
}

/* ---- looks without reading ------------------------------------------------------------------- */

/*
 * The times of a change count too: a file may be written anew with an old date (rsync -t, tar).
 * Whoever could make two folders of one sum could as well write the manifests, so FNV-1a will do.
 */
static void sum_add_file(uint64_t *sum, int dir, const char *name)
{
	struct stat st;
	int64_t v[7] = {0};

	if (sys_statat(dir, name, &st)) {
		v[0] = -errno;
	} else {
		v[0] = (int64_t)st.st_dev;
		v[1] = (int64_t)st.st_ino;
		v[2] = st.st_size;
		v[3] = st.st_mtim.tv_sec;
		v[4] = st.st_mtim.tv_nsec;
		v[5] = st.st_ctim.tv_sec;
		v[6] = st.st_ctim.tv_nsec;
	}
	*sum = fnv_bytes(fnv_bytes(*sum, name, strlen(name) + 1), v, sizeof(v));
}

int emb_manifests_scan(struct emb_folder *out, const char *dir, struct err *err)
{
	struct file_names names = {0};
	auto_fd int fd = -1;
	struct stat st;
	size_t i;
	int rc = manifests_read_names(dir, &fd, &names, err);

	if (!rc && sys_fstat(fd, &st))
		rc = err_sys(err, "stat '%s'", dir);
	if (!rc) {
		*out = (struct emb_folder){st.st_dev, st.st_ino, FNV_START, names.len};
		for (i = 0; i < names.len; i++)
			sum_add_file(&out->sum, fd, names.p[i]);
	}
	names_clear(&names);
	return rc;
}

bool emb_folder_same(const struct emb_folder *a, const struct emb_folder *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

bool emb_folder_equal(const struct emb_folder *a, const struct emb_folder *b)
{
	return emb_folder_same(a, b) && a->sum == b->sum && a->files == b->files;
}

/* ---- objects --------------------------------------------------------------------------------- */

/* A file may be the output of `kubectl get -o yaml`: what the server sets is left out, as if it did
   not stand there. */
static void manifest_strip(json_t *root)
{
	static const char *const keys[] = {"uid", "resourceVersion", "generation",
		"creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
		"managedFields", "selfLink"};
	json_t *meta = json_object_get(root, "metadata");
	size_t i;

	json_object_del(root, "status");
	for (i = 0; i < ARRAY_LEN(keys); i++)
		json_object_del(meta, keys[i]);
	json_object_del(json_object_get(meta, "annotations"),
		"kubectl.kubernetes.io/last-applied-configuration");
}

static void manifests_take(struct emb_manifests *ms, const struct emb_kinds *ks, const char *file,
	unsigned line, json_t *root);

static void manifests_take_list(struct emb_manifests *ms, const struct emb_kinds *ks,
	const char *file, unsigned line, json_t *root)
{
	json_t *items = json_object_get(root, "items"), *one;
	size_t i;

	json_array_foreach (items, i, one)
		manifests_take(ms, ks, file, line, one);
}

static void manifests_take(struct emb_manifests *ms, const struct emb_kinds *ks, const char *file,
	unsigned line, json_t *root)
{
	const char *api = obj_str_or("", root, "apiVersion"), *kind = obj_str_or("", root, "kind");
	const char *name = obj_str_or("", root, "metadata", "name");
	const char *ns = obj_str_or("", root, "metadata", "namespace");
	const json_t *said = obj_get(root, "metadata", "namespace");
	const struct emb_version *v;
	const struct emb_kind *k;
	auto_free char *why = NULL;
	struct emb_manifest *m;

	if (!strcmp(api, "v1") && !strcmp(kind, "List") &&
		json_is_array(json_object_get(root, "items"))) {
		manifests_take_list(ms, ks, file, line, root);
		return;
	}
	k = emb_kinds_of(ks, api, kind, &v);
	if (!json_is_object(root) || !api[0] || !kind[0])
		why = mem_strdup("not a Kubernetes object: apiVersion or kind is missing");
	else if (!k)
		why = mem_printf("the kind '%.100s' of '%.100s' is not known here", kind, api);
	else if (!name[0])
		why = mem_strdup("metadata.name is missing");
	else if (said && !json_is_string(said) && !json_is_null(said))
		why = mem_strdup("metadata.namespace is not a string");
	if (why) {
		emb_manifests_error(ms, file, line, why);
		ms->complete = false;
		return;
	}
	m = vec_add(ms);
	*m = (struct emb_manifest){
		.file = mem_strdup(file),
		.line = line,
		.kind = k,
		.v = v,
		.ns = mem_strdup(!k->namespaced ? ""
				: ns[0]         ? ns
						: "default"),
		.name = mem_strdup(name),
		.root = json_deep_copy(root),
		.rank = k->is_namespace ? 0
			: k->builtin    ? 1
					: 2,
	};
	manifest_strip(m->root);
}

static void manifests_read_file(
	struct emb_manifests *ms, const struct emb_kinds *ks, int dir, const char *file)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_YAML_FILE);
	struct ydocs docs;
	struct err err;
	size_t i;

	if (sys_read_file(dir, file, &text, &err)) {
		emb_manifests_error(ms, file, 0, err.msg);
		ms->complete = false;
		ms->unread = true;
		return;
	}
	/* Some editors empty a file before they write it: that is no reason to delete what it
	   named. */
	if (!text.len) {
		ms->complete = false;
		return;
	}
	if (ydocs_parse(&docs, buf_str(&text), text.len, &err)) {
		emb_manifests_error(ms, file, 0, err.msg);
		ms->complete = false;
		return;
	}
	for (i = 0; i < docs.count; i++)
		manifests_take(ms, ks, file, docs.at[i].line, docs.at[i].root);
	ydocs_clear(&docs);
	/* There may be more to come. */
	if (sys_has_writer(dir, file)) {
		ms->complete = false;
		ms->unread = true;
	}
}

/* ---- all ------------------------------------------------------------------------------------- */

static int manifests_by_rank(const void *a, const void *b)
{
	const struct emb_manifest *x = a, *y = b;
	int c;

	if (x->rank != y->rank)
		return x->rank - y->rank;
	c = strcmp(x->file, y->file);
	return c ? c : x->line < y->line ? -1 : x->line > y->line;
}

/* An object that stands twice: the first counts, the other is reported. */
static void manifests_find_twins(struct emb_manifests *ms)
{
	struct map seen = {0};
	size_t i, to = 0;

	for (i = 0; i < ms->len; i++) {
		struct emb_manifest *m = &ms->p[i], *first;
		auto_free char *key = emb_manifest_key(m);

		first = map_get(&seen, key);
		if (first) {
			auto_free char *why = mem_printf("%s '%s' stands already in %s, line %u",
				m->kind->kind, m->name, first->file, first->line);

			emb_manifests_error(ms, m->file, m->line, why);
			manifest_clear(m);
			continue;
		}
		ms->p[to] = *m;
		map_put(&seen, key, &ms->p[to++]);
	}
	ms->len = to;
	map_clear(&seen);
}

int emb_manifests_read(struct emb_manifests *ms, const struct emb_kinds *ks, const char *dir,
	const atomic_bool *stop, struct err *err)
{
	struct file_names names = {0};
	auto_fd int fd = -1;
	size_t i;
	int rc;

	*ms = (struct emb_manifests){0};
	rc = manifests_read_names(dir, &fd, &names, err);
	ms->complete = !rc;
	for (i = 0; i < names.len && !rc && !*stop; i++)
		manifests_read_file(ms, ks, fd, names.p[i]);
	names_clear(&names);
	if (*stop)
		ms->complete = false;
	if (ms->len)
		qsort(ms->p, ms->len, sizeof(*ms->p), manifests_by_rank);
	manifests_find_twins(ms);
	return rc;
}
