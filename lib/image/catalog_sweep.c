/* After a start: files of tags whose objects were deleted while nobody was looking, or belong to
   another shard now. */
#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "ev/op.h"
#include "ev/work.h"
#include "image/catalog_internal.h"
#include "image/tags.h"
#include "store/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* More than that many are left for the next start. */
#define SWEEP_MAX 100000
/* So many files are on their way at a time: a job is some kilobytes. */
#define SWEEP_AT_ONCE 8

struct sweep {
	struct image_catalog *c;
	const struct store_root *root;
	VEC(char *) keys; /* "ns/name" of each file */
	/* On the loop. */
	struct op *op; /* its own: the reading is done */
	size_t at; /* of keys: the next one */
	unsigned running, removed;
};

/* ---- on a worker ----------------------------------------------------------------------------- */

static DIR *folder_open(int at, const char *name)
{
	int fd = sys_open_beneath(at, name, O_RDONLY | O_DIRECTORY, 0);

	return fd < 0 ? NULL : sys_fdopendir(fd);
}

static void folder_read(struct sweep *s, DIR *all, const char *ns, const atomic_bool *stop)
{
	DIR *d = folder_open(dirfd(all), ns);
	struct dirent *e;

	while (d && !*stop && s->keys.len < SWEEP_MAX && (e = sys_readdir(d)))
		*vec_add(&s->keys) = mem_printf("%s/%s", ns, e->d_name);
	if (d)
		closedir(d);
}

/* What cannot be read harms nobody: the next start tries again. */
static int sweep_run(void *arg, const atomic_bool *stop, struct err *err)
{
	struct sweep *s = arg;
	DIR *d = folder_open(s->root->fd, IMAGE_TAGS_FOLDER);
	struct dirent *e;

	(void)err;
	while (d && !*stop && (e = sys_readdir(d)))
		folder_read(s, d, e->d_name, stop);
	if (d)
		closedir(d);
	return 0;
}

/* ---- on the loop ----------------------------------------------------------------------------- */

static void sweep_next(struct sweep *s);

static void removed(struct op *op, void *arg)
{
	struct sweep *s = arg;

	op_free(op);
	s->running--;
	sweep_next(s);
}

/* False: its object has come since, or somebody is at it. */
static bool sweep_one(struct sweep *s, char *key)
{
	struct image_catalog *c = s->c;
	char *slash = strchr(key, '/');

	if (c->freed || catalog_entry(c, key) || map_get(&c->lines, key))
		return false;
	*slash = '\0';
	op_then(image_catalog_remove_start(c, key, slash + 1), removed, s);
	return true;
}

static void sweep_next(struct sweep *s)
{
	while (s->running < SWEEP_AT_ONCE && s->at < s->keys.len)
		if (sweep_one(s, s->keys.p[s->at++])) {
			s->running++;
			s->removed++;
		}
	if (s->running)
		return;
	if (s->removed)
		log_info(
			NULL, "removed the tags of objects that are gone", LU("files", s->removed));
	op_free(s->op);
}

static void sweep_done(struct op *op, void *arg)
{
	struct sweep *s = arg;

	s->op = op;
	sweep_next(s);
}

static void sweep_free(void *arg)
{
	struct sweep *s = arg;
	char **key;

	vec_each (&s->keys, key)
		free(*key);
	vec_clear(&s->keys);
	catalog_unref(s->c);
	free(s);
}

void image_catalog_listed(struct image_catalog *c)
{
	struct sweep *s = NEW(struct sweep);

	c->listed = true;
	s->c = catalog_ref(c);
	s->root = c->root;
	op_then(work_start(c->loop, WORK_HEAVY, sweep_run, sweep_free, s), sweep_done, s);
}
