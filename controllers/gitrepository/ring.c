/*
 * Includes that lead back to whoever includes: each new artifact of one would make a new one of the
 * next, larger by what it has of itself, without an end.
 */
#include "controllers/gitrepository/run.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "ctl/item.h"

#include <string.h>

/* An object that is included, on the shortest way to it. */
struct stop {
	char *name; /* NULL: the run's own */
	size_t from; /* the stop in front of it */
};

struct tour {
	struct run *r;
	VEC(struct stop) stops;
	struct map seen; /* names */
	size_t includes; /* that were looked at */
};

static void tour_clear(struct tour *t)
{
	struct stop *s;

	vec_each (&t->stops, s)
		free(s->name);
	vec_clear(&t->stops);
	map_clear(&t->seen);
}

static const struct gitrepository_spec *spec_of(struct tour *t, const char *name)
{
	auto_free char *key = NULL;
	const struct item *i;

	if (!name)
		return GIT_SPEC(t->r);
	key = mem_printf("%s/%s", t->r->ns, name);
	i = item_find(t->r->c, key);
	return i && i->spec ? GITREPOSITORY_SPEC(i->spec) : NULL;
}

/* "a -> b", from the object that includes to this stop. */
static void way_to(struct tour *t, size_t at, struct buf *out)
{
	const struct stop *s = &t->stops.p[at];

	if (s->name) {
		way_to(t, s->from, out);
		buf_addf(out, " -> %s", s->name);
	} else {
		buf_adds(out, t->r->name);
	}
}

static int too_many(struct err *err)
{
	return err_set(err, ERR_WAIT,
		"includes and what they include are more than %d objects, or name more than %d",
		LIMIT_GIT_LIST, LIMIT_GIT_INCLUDES);
}

/* The includes of a stop: -1, when one is the object that includes. */
static int stop_leave(struct tour *t, size_t at, struct err *err)
{
	const struct gitrepository_spec *s = spec_of(t, t->stops.p[at].name);
	const struct gitrepository_include *i;
	auto_buf struct buf way = BUF_INIT(BUF_ANY);

	if (!s)
		return 0;
	vec_each (&s->includes, i) {
		if (!strcmp(i->name, t->r->name)) {
			way_to(t, at, &way);
			return err_set(err, ERR_WAIT,
				"an include leads back to this object: %.700s -> %s", buf_str(&way),
				i->name);
		}
		if (++t->includes > LIMIT_GIT_INCLUDES)
			return too_many(err);
		if (map_get(&t->seen, i->name))
			continue;
		if (t->stops.len > LIMIT_GIT_LIST)
			return too_many(err);
		map_put(&t->seen, i->name, t);
		*vec_add(&t->stops) = (struct stop){mem_strdup(i->name), at};
	}
	return 0;
}

int gitrepository_ring_check(struct run *r, struct err *err)
{
	struct tour t = {.r = r};
	size_t at;
	int rc = 0;

	*vec_add(&t.stops) = (struct stop){0};
	for (at = 0; !rc && at < t.stops.len; at++)
		rc = stop_leave(&t, at, err);
	tour_clear(&t);
	return rc;
}
