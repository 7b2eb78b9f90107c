#include "cmd/ocictl/objects.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/sys.h"
#include "cmd/ocictl/args.h"
#include "controllers/imagepolicy/spec.h"
#include "controllers/imagerepository/spec.h"
#include "ctl/object.h"
#include "text/yaml.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define GROUP "image.toolkit.fluxcd.io/"

/* ---- flags ----------------------------------------------------------------------------------- */

static bool is_order(const char *text)
{
	return !text || !strcmp(text, "asc") || !strcmp(text, "desc");
}

const char *objects_misused(const struct args *a)
{
	int rules = !!a->semver + !!a->alphabetical + !!a->numerical;

	if (a->path)
		return rules || a->filter || a->extract || a->skip || a->pin || a->exclude.len
			? "with --path all rules are the file's"
			: NULL;
	if (rules != 1)
		return "it takes one of --semver, --alphabetical, --numerical and --path";
	if (!is_order(a->alphabetical) || !is_order(a->numerical))
		return "--alphabetical and --numerical are asc or desc";
	return a->extract && !a->filter ? "--extract needs --filter" : NULL;
}

/* A member of an object that is made; text may be NULL. */
static void member_put(
	json_t *to, const char *key, const char *text, const char *flag, struct err *err)
{
	if (text && json_object_set_new(to, key, json_string(text)))
		(void)err_set(err, ERR_STALL, "%s is no UTF-8", flag);
}

static json_t *member_object(json_t *to, const char *key)
{
	json_t *o = json_object();

	json_object_set_new(to, key, o);
	return o;
}

static json_t *policy_make(const struct args *a, struct err *err)
{
	json_t *obj = json_object(), *spec = member_object(obj, "spec"), *part;

	part = member_object(spec, "imageRepositoryRef");
	member_put(part, "name", "repository", "", err);
	part = member_object(spec, "filterTags");
	member_put(part, "pattern", a->filter, "--filter", err);
	member_put(part, "extract", a->extract, "--extract", err);
	part = member_object(spec, "policy");
	if (a->semver)
		member_put(member_object(part, "semver"), "range", a->semver, "--semver", err);
	if (a->alphabetical)
		member_put(member_object(part, "alphabetical"), "order", a->alphabetical, "", err);
	if (a->numerical)
		member_put(member_object(part, "numerical"), "order", a->numerical, "", err);
	part = member_object(member_object(obj, "metadata"), "annotations");
	member_put(part, IMAGEPOLICY_PIN, a->pin, "--pin", err);
	member_put(part, IMAGEPOLICY_SKIP, a->skip, "--skip", err);
	return obj;
}

static json_t *repository_make(const struct args *a, struct err *err)
{
	json_t *obj = json_object(), *list = json_array();
	const char **p;

	json_object_set_new(member_object(obj, "spec"), "exclusionList", list);
	vec_each (&a->exclude, p)
		if (json_array_append_new(list, json_string(*p)))
			(void)err_set(err, ERR_STALL, "--exclude is no UTF-8");
	return obj;
}

/* ---- a file ---------------------------------------------------------------------------------- */

static int stdin_read(struct buf *b, struct err *err)
{
	char piece[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, piece, sizeof(piece))) > 0)
		if (buf_add(b, piece, (size_t)n))
			return err_set(err, ERR_STALL, "stdin has more than %llu bytes",
				(unsigned long long)LIMIT_YAML_FILE);
	return n < 0 ? err_sys(err, "read stdin") : 0;
}

/* What is in it, a list's items each for itself: one array. NULL: it cannot be read. */
static json_t *file_read(const char *path, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_YAML_FILE);
	bool is_stdin = !strcmp(path, "-");
	struct ydocs docs;
	json_t *all, *items;
	size_t i;

	if (is_stdin ? stdin_read(&text, err) : sys_read_file(AT_FDCWD, path, &text, err))
		return NULL;
	if (ydocs_parse(&docs, buf_str(&text), text.len, err)) {
		err_wrap(err, "%.300s", is_stdin ? "stdin" : path);
		return NULL;
	}
	all = json_array();
	for (i = 0; i < docs.count; i++) {
		items = obj_get(docs.at[i].root, "items");
		if (json_is_array(items))
			json_array_extend(all, items);
		else
			json_array_append(all, docs.at[i].root);
	}
	ydocs_clear(&docs);
	return all;
}

static bool is_kind(const json_t *obj, const char *kind)
{
	return !strncmp(obj_str_or("", obj, "apiVersion"), GROUP, strlen(GROUP)) &&
		!strcmp(obj_str_or("", obj, "kind"), kind);
}

static int policy_find(const json_t *all, const json_t **out, struct err *err)
{
	size_t i, n = 0;
	json_t *one;

	json_array_foreach ((json_t *)(uintptr_t)all, i, one)
		if (is_kind(one, "ImagePolicy")) {
			*out = one;
			n++;
		}
	return n == 1 ? 0
		      : err_set(err, ERR_STALL, "there are %zu objects ImagePolicy, not one", n);
}

/* The one that the policy refers to; NULL: it is not there. */
static json_t *repository_find(const json_t *all, const json_t *policy)
{
	const char *name = obj_str_or("", policy, "spec", "imageRepositoryRef", "name");
	const char *ns = obj_str_or("", policy, "spec", "imageRepositoryRef", "namespace");
	size_t i;
	json_t *one;

	if (!*ns)
		ns = object_ns(policy);
	json_array_foreach ((json_t *)(uintptr_t)all, i, one)
		if (is_kind(one, "ImageRepository") && !strcmp(object_name(one), name) &&
			!strcmp(object_ns(one), ns))
			return one;
	return NULL;
}

static int file_find(const struct args *a, const json_t *all, const json_t **policy,
	json_t **repository, struct err *err)
{
	if (policy_find(all, policy, err))
		return -1;
	*repository = json_incref(repository_find(all, *policy));
	if (*repository)
		return 0;
	if (!a->has_repo)
		return err_set(err, ERR_STALL,
			"the ImageRepository '%.253s' is not there: its repository has to be an "
			"argument",
			obj_str_or("", *policy, "spec", "imageRepositoryRef", "name"));
	*repository = repository_make(a, err);
	return 0;
}

/* ---- both ------------------------------------------------------------------------------------ */

static int spec_check(const struct spec *s, const char *kind, struct err *err)
{
	if (!s->wrong)
		return 0;
	*err = *s->wrong;
	return err_wrap(err, "%s", kind);
}

static int objects_take(
	struct objects *o, const json_t *policy, const json_t *repository, struct err *err)
{
	const struct imagerepository_spec *r;

	o->policy = IMAGEPOLICY_SPEC(imagepolicy_spec_new(policy));
	o->repository = imagerepository_spec_new(repository);
	r = IMAGEREPOSITORY_SPEC(o->repository);
	o->image = r->image;
	o->exclude = &r->exclude;
	o->insecure = r->insecure;
	return spec_check(&o->policy->spec, "ImagePolicy", err) ||
			spec_check(o->repository, "ImageRepository", err)
		? -1
		: 0;
}

static int objects_from_file(struct objects *o, const struct args *a, struct err *err)
{
	auto_json json_t *all = file_read(a->path, err), *repository = NULL;
	const json_t *policy = NULL;

	if (!all)
		return -1;
	if (file_find(a, all, &policy, &repository, err))
		return err_wrap(err, "%.300s", a->path);
	return objects_take(o, policy, repository, err);
}

int objects_read(struct objects *o, const struct args *a, struct err *err)
{
	auto_json json_t *policy = NULL, *repository = NULL;

	*o = (struct objects){.policy = NULL};
	if (a->path)
		return objects_from_file(o, a, err);
	policy = policy_make(a, err);
	repository = repository_make(a, err);
	return err->kind != ERR_NONE ? -1 : objects_take(o, policy, repository, err);
}

void objects_clear(struct objects *o)
{
	if (o->policy)
		spec_unref(&o->policy->spec);
	spec_unref(o->repository);
}
