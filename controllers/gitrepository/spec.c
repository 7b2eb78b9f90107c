#include "controllers/gitrepository/spec.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "ctl/object.h"

#include <string.h>

/* An interval of nothing would be a busy loop against the server. */
#define LEAST_INTERVAL_MS 1000

static bool is_given(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	return v && !json_is_null(v);
}

/* ---- lists ----------------------------------------------------------------------------------- */

static int list_check(const json_t *list, const char *name, struct err *err)
{
	if (json_array_size(list) <= LIMIT_GIT_LIST)
		return 0;
	return err_set(err, ERR_STALL, "spec.%s has %zu entries, more than %d", name,
		json_array_size(list), LIMIT_GIT_LIST);
}

static int includes_read(struct gitrepository_spec *s, const json_t *spec, struct err *err)
{
	const json_t *list = obj_get(spec, "include");
	size_t i, *size = &s->spec.size;
	json_t *one;

	if (list_check(list, "include", err))
		return -1;
	json_array_foreach ((json_t *)(uintptr_t)list, i, one) {
		struct gitrepository_include *n = vec_add(&s->includes);

		*n = (struct gitrepository_include){0};
		n->name = spec_member(
			size, "include[].repository.name", obj_str(one, "repository", "name"), err);
		n->from = spec_member(size, "include[].fromPath", obj_str(one, "fromPath"), err);
		n->to = spec_member(size, "include[].toPath", obj_str(one, "toPath"), err);
		if (!n->name && err->kind == ERR_NONE)
			err_set(err, ERR_STALL, "spec.include[%zu].repository has no name", i);
		if (!n->name)
			n->name = mem_strdup("");
		*size += sizeof(*n);
	}
	return err->kind == ERR_NONE ? 0 : -1;
}

static int sparse_read(struct gitrepository_spec *s, const json_t *spec, struct err *err)
{
	const json_t *list = obj_get(spec, "sparseCheckout");
	size_t i;
	json_t *one;

	if (list_check(list, "sparseCheckout", err))
		return -1;
	json_array_foreach ((json_t *)(uintptr_t)list, i, one) {
		char *text = spec_member(&s->spec.size, "sparseCheckout[]",
			json_is_string(one) ? json_string_value(one) : NULL, err);

		if (!text && err->kind == ERR_NONE)
			err_set(err, ERR_STALL, "spec.sparseCheckout[%zu] names no folder", i);
		if (!text)
			return -1;
		*vec_add(&s->sparse) = text;
	}
	return 0;
}

/* ---- verify ---------------------------------------------------------------------------------- */

static const char *const MODES[] = {
	[VERIFY_HEAD] = "HEAD", [VERIFY_TAG] = "Tag", [VERIFY_BOTH] = "TagAndHEAD"};

const char *gitrepository_verify_mode(enum gitrepository_verify v)
{
	return MODES[v];
}

/* A reference without a name is no reason to look for no signature. */
static int verify_read(struct gitrepository_spec *s, const json_t *verify, struct err *err)
{
	const char *mode = obj_str_or("HEAD", verify, "mode");

	if (!strcmp(mode, "HEAD") || !strcmp(mode, "head"))
		s->verify = VERIFY_HEAD;
	else if (!strcmp(mode, "Tag"))
		s->verify = VERIFY_TAG;
	else if (!strcmp(mode, "TagAndHEAD"))
		s->verify = VERIFY_BOTH;
	else
		return err_set(err, ERR_STALL, "spec.verify.mode '%.64s' is none", mode);
	s->verify_secret = spec_member(
		&s->spec.size, "verify.secretRef.name", obj_str(verify, "secretRef", "name"), err);
	if (!s->verify_secret && err->kind == ERR_NONE)
		err_set(err, ERR_STALL, "spec.verify.secretRef has no name");
	return err->kind == ERR_NONE ? 0 : -1;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int interval_read(struct gitrepository_spec *s, const json_t *spec, struct err *err)
{
	int rc = object_duration(spec, "interval", 0, &s->spec.interval_ms, err);

	if (s->spec.interval_ms < LEAST_INTERVAL_MS)
		s->spec.interval_ms = LEAST_INTERVAL_MS;
	return rc;
}

static void spec_free(struct spec *base)
{
	struct gitrepository_spec *s = GITREPOSITORY_SPEC(base);
	struct gitrepository_include *i;
	char **dir;

	git_spec_clear(&s->git);
	free(s->ignore);
	free(s->verify_secret);
	vec_each (&s->includes, i) {
		free(i->name);
		free(i->from);
		free(i->to);
	}
	vec_clear(&s->includes);
	vec_each (&s->sparse, dir)
		free(*dir);
	vec_clear(&s->sparse);
	free(s);
}

struct spec *gitrepository_spec_new(const json_t *obj)
{
	struct gitrepository_spec *s = NEW(struct gitrepository_spec);
	const json_t *spec = obj_get(obj, "spec");
	struct err err = {0};

	s->spec = (struct spec){.refs = 1, .free = spec_free, .size = sizeof(*s)};
	s->spec.interval_ms = LEAST_INTERVAL_MS;
	s->spec.suspend = obj_bool(false, spec, "suspend");
	s->recurse = obj_bool(false, spec, "recurseSubmodules");
	s->ignore = spec_text(&s->spec.size, obj_str(spec, "ignore"));
	if (object_has_nul(spec))
		(void)err_set(&err, ERR_STALL, "spec holds a NUL character");
	if (!git_spec_read(&s->git, spec, &s->spec.size, &err) && !includes_read(s, spec, &err) &&
		!sparse_read(s, spec, &err) && !interval_read(s, spec, &err) &&
		!spec_grace(&s->spec, obj, GITREPOSITORY_GRACE, &err) && is_given(spec, "verify"))
		(void)!verify_read(s, obj_get(spec, "verify"), &err);
	if (err.kind != ERR_NONE)
		s->spec.wrong = mem_dup(&err, sizeof(err));
	return &s->spec;
}

void gitrepository_spec_slim(struct spec *s)
{
	free(MOVE(GITREPOSITORY_SPEC(s)->ignore));
}

/* ---- what the status has seen of it ---------------------------------------------------------- */

const char *gitrepository_include_to(const struct gitrepository_include *i)
{
	return i->to ? i->to : i->name;
}

json_t *gitrepository_include_json(const struct gitrepository_spec *s)
{
	const struct gitrepository_include *i;
	json_t *list;

	if (!s->includes.len)
		return NULL;
	list = json_array();
	vec_each (&s->includes, i) {
		json_t *o = json_object();

		json_object_set_new(o, "repository", json_pack("{s:s}", "name", i->name));
		if (i->from)
			json_object_set_new(o, "fromPath", json_string(i->from));
		if (i->to)
			json_object_set_new(o, "toPath", json_string(i->to));
		json_array_append_new(list, o);
	}
	return list;
}

json_t *gitrepository_sparse_json(const struct gitrepository_spec *s)
{
	char *const *dir;
	json_t *list;

	if (!s->sparse.len)
		return NULL;
	list = json_array();
	vec_each (&s->sparse, dir)
		json_array_append_new(list, json_string(*dir));
	return list;
}

/* What is empty is not there. */
static bool is_same(json_t *wanted, const json_t *observed)
{
	bool same = wanted ? json_equal(wanted, observed)
			   : !json_array_size(observed) && !json_object_size(observed);

	json_decref(wanted);
	return same;
}

bool gitrepository_observed_is(const struct gitrepository_spec *s, const json_t *status)
{
	const char *ignore = obj_str(status, "observedIgnore");

	if (!ignore != !s->ignore || (ignore && strcmp(ignore, s->ignore) != 0))
		return false;
	return s->recurse == obj_bool(false, status, "observedRecurseSubmodules") &&
		is_same(gitrepository_include_json(s), obj_get(status, "observedInclude")) &&
		is_same(gitrepository_sparse_json(s), obj_get(status, "observedSparseCheckout"));
}

json_t *gitrepository_observed_json(const json_t *status)
{
	static const struct {
		const char *seen, *was;
	} members[] = {{"observedIgnore", "ignore"}, {"observedInclude", "include"},
		{"observedRecurseSubmodules", "recurseSubmodules"},
		{"observedSparseCheckout", "sparseCheckout"}};
	json_t *spec = json_object(), *obj = json_object();
	size_t i;

	for (i = 0; i < ARRAY_LEN(members); i++)
		if (is_given(status, members[i].seen))
			json_object_set(spec, members[i].was, obj_get(status, members[i].seen));
	json_object_set_new(obj, "spec", spec);
	return obj;
}
