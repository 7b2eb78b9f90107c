#include "base/mem.h"
#include "controllers/ocirepository/internal.h"

#include <stdlib.h>
#include <string.h>

/*
 * Most runs find what the one before found: the same digest behind the tag, the file in its place, nothing to write. Reading the object
 * and building the status that it has already is more than half of such a run's CPU. So a run that found nothing to do leaves behind what
 * it went by, and the next one goes by that, unless the object has changed since. At the first difference it reads the object.
 */

struct settled {
	char *rv; /* of the object that was read */
	const char *ns, *name, *uid, *revision, *path;
	struct digest digest;
	int64_t generation;
	struct ocirepo_spec spec; /* strings below; what only a pull needs is left out */
	char text[];
};

/* Copies s to *at, and moves that on; counts only while *at is NULL. */
static const char *put(const char *s, char **at, size_t *n)
{
	size_t len;
	char *to = *at;

	if (!s)
		return NULL;
	len = strlen(s) + 1;
	*n += len;
	if (!to)
		return NULL;
	memcpy(to, s, len);
	*at += len;
	return to;
}

static void put_all(struct settled *to, const struct run *r, char *at, size_t *n)
{
	const struct ocirepo_spec *s = &r->spec;

	*to = (struct settled){
		.ns = put(r->ns, &at, n),
		.name = put(r->name, &at, n),
		.uid = put(r->uid, &at, n),
		.revision = put(r->revision, &at, n),
		.path = put(r->have_path, &at, n),
		.digest = r->have_digest,
		.generation = r->generation,
		.spec = {.url = put(s->url, &at, n),
			.digest = put(s->digest, &at, n),
			.semver = put(s->semver, &at, n),
			.semver_filter = put(s->semver_filter, &at, n),
			.tag = put(s->tag, &at, n),
			.layer_type = put(s->layer_type, &at, n),
			.secret = put(s->secret, &at, n),
			.interval_ms = s->interval_ms,
			.timeout_ms = s->timeout_ms,
			.insecure = s->insecure},
	};
}

void settled_make(struct run *r)
{
	struct settled counted;
	size_t n = 0;

	settled_free(r->settled);
	put_all(&counted, r, NULL, &n);
	r->settled = mem_zalloc(sizeof(*r->settled) + n);
	put_all(r->settled, r, r->settled->text, &n);
	r->settled->rv = mem_strdup(ocirepo_version(r->obj));
}

void settled_free(struct settled *s)
{
	if (s)
		free(s->rv);
	free(s);
}

bool settled_take(struct run *r)
{
	const struct settled *s = r->settled = MOVE(r->repo->settled);

	if (!s)
		return false;
	r->ns = s->ns;
	r->name = s->name;
	r->uid = s->uid;
	r->generation = s->generation;
	r->spec = s->spec;
	r->have_digest = s->digest;
	memcpy(r->have_path, s->path, strlen(s->path) + 1);
	return true;
}

bool settled_current(const struct run *r)
{
	return !strcmp(r->settled->rv, r->repo->rv);
}

bool settled_same(const struct run *r)
{
	return !strcmp(r->settled->revision, r->revision);
}

void settled_return(struct run *r)
{
	/* A run that comes at once has to begin with the object. */
	if (r->settled && !r->requeue_now && settled_current(r))
		r->repo->settled = MOVE(r->settled);
}
