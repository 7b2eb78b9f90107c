#include "controllers/imageupdateautomation/refspec.h"

#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "ev/work.h"
#include "git/commit.h"
#include "git/objects.h"

#include <stdlib.h>
#include <string.h>

#define HEADS "refs/heads/"

/* ---- what it says ---------------------------------------------------------------------------- */

static bool is_bad(const char *ref, size_t n)
{
	const char *star = memchr(ref, '*', n);
	size_t i;

	for (i = 0; i < n; i++)
		if ((unsigned char)ref[i] <= ' ' || ref[i] == 0x7f || strchr("~^:?[\\", ref[i]))
			return true;
	return !n || n > LIMIT_GIT_REF_NAME || *ref == '/' || *ref == '-' || ref[n - 1] == '/' ||
		memmem(ref, n, "..", 2) || memmem(ref, n, "//", 2) ||
		(star && memchr(star + 1, '*', n - (size_t)(star - ref) - 1));
}

/* What the star of the pattern stands for in the name; NULL: it does not match. "" without one. */
static const char *star_of(const char *pattern, size_t n, const char *name, size_t *len)
{
	const char *star = memchr(pattern, '*', n);
	size_t all = strlen(name), head, tail;

	*len = 0;
	if (!star)
		return n == all && !memcmp(pattern, name, n) ? "" : NULL;
	head = (size_t)(star - pattern);
	tail = n - head - 1;
	if (all < head + tail || memcmp(pattern, name, head) != 0 ||
		memcmp(star + 1, name + all - tail, tail) != 0)
		return NULL;
	*len = all - head - tail;
	return name + head;
}

static void update_add(struct refspec_updates *out, const char *to, const char *star, size_t len,
	const struct gitc_oid *oid)
{
	const char *at = strchr(to, '*');
	struct refspec_update *u = vec_add(out);

	*u = (struct refspec_update){.new = *oid};
	u->name = at ? mem_printf("%.*s%.*s%s", (int)(at - to), to, (int)len, star, at + 1)
		     : mem_strdup(to);
}

int refspec_expand(const char *spec, const struct refspec_from *from, size_t n,
	struct refspec_updates *out, struct err *err)
{
	const char *colon = strchr(spec, ':');
	size_t len, i, src = colon ? (size_t)(colon - spec) : 0;

	if (!colon || is_bad(spec, src) || is_bad(colon + 1, strlen(colon + 1)) ||
		!memchr(spec, '*', src) != !strchr(colon + 1, '*'))
		return err_set(err, ERR_STALL,
			"spec.git.push.refspec '%.200s' is none: it is to be like "
			"'refs/heads/main:refs/heads/other'",
			spec);
	for (i = 0; i < n; i++) {
		const char *name = from[i].name, *star = star_of(spec, src, name, &len);

		/* The short name of a branch. */
		if (!star && !memchr(spec, '/', src) && !strncmp(name, HEADS, strlen(HEADS)))
			star = star_of(spec, src, name + strlen(HEADS), &len);
		if (star)
			update_add(out, colon + 1, star, len, &from[i].oid);
	}
	return 0;
}

void refspec_clear(struct refspec_updates *v)
{
	struct refspec_update *u;

	vec_each (v, u)
		free(u->name);
	vec_clear(v);
}

/* ---- does a ref move forward? ---------------------------------------------------------------- */

struct check_job {
	struct gitc_objects *objects;
	const struct refspec_updates *u;
};

struct walk {
	VEC(struct gitc_oid) line; /* to be looked at; grows at its end */
	struct map seen;
};

static void walk_add(struct walk *w, const struct gitc_oid *oid)
{
	char text[GITC_OID_HEX];

	if (!map_put(&w->seen, gitc_oid_format(oid, text), w))
		*vec_add(&w->line) = *oid;
}

static int parents_add(
	struct walk *w, struct gitc_objects *o, const struct gitc_oid *oid, struct err *err)
{
	struct gitc_commit c = {0};
	const struct gitc_oid *p;
	int rc = gitc_commit_read(o, oid, &c, err);

	if (!rc)
		vec_each (&c.parents, p)
			walk_add(w, p);
	gitc_commit_clear(&c);
	return rc;
}

/* Parents behind the depth of the set are names only. */
static int is_ancestor(struct gitc_objects *o, const struct refspec_update *u, bool *yes,
	const atomic_bool *stop, struct err *err)
{
	struct walk w = {0};
	size_t i;
	int rc = 0;

	*yes = false;
	walk_add(&w, &u->new);
	for (i = 0; i < w.line.len && !rc && !*yes; i++) {
		struct gitc_oid oid = w.line.p[i];

		*yes = gitc_oid_equal(&oid, &u->old);
		if (atomic_load(stop))
			rc = err_set(err, ERR_CANCELED, "canceled");
		else if (!*yes && gitc_objects_has(o, &oid))
			rc = parents_add(&w, o, &oid, err);
	}
	map_clear(&w.seen);
	vec_clear(&w.line);
	return rc;
}

static int check_run(void *arg, const atomic_bool *stop, struct err *err)
{
	struct check_job *j = arg;
	const struct refspec_update *u;
	bool yes;

	vec_each (j->u, u) {
		if (!u->has_old || gitc_oid_equal(&u->old, &u->new))
			continue;
		if (is_ancestor(j->objects, u, &yes, stop, err))
			return -1;
		if (!yes)
			return err_set(err, ERR_RETRY,
				"'%.255s' at the remote is not behind what is to be pushed there, "
				"and it is not overwritten",
				u->name);
	}
	return 0;
}

static void job_free(void *arg)
{
	struct check_job *j = arg;

	gitc_objects_unref(j->objects);
	free(j);
}

struct op *refspec_check_start(struct loop *l, const char *owner, struct gitc_objects *objects,
	const struct refspec_updates *u)
{
	struct check_job *j = NEW(struct check_job);

	j->objects = gitc_objects_ref(objects);
	j->u = u;
	return work_start_for(l, WORK_HEAVY, owner, check_run, job_free, j);
}
