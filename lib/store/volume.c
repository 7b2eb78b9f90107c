#include "store/volume.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/sys.h"
#include "store/internal.h"

#include <errno.h>

#define LOOK_MS 5000
/* Between two tries of what was refused. */
#define PAUSE_MS 10000
#define PAUSE_MAX_MS (15 * 60 * 1000)
#define FORGET_MS (60 * 60 * 1000) /* after that the pause begins anew */

struct volume_look {
	struct job job;
	struct volume_state state;
};

static int look_run(struct job *job, const atomic_bool *stop, struct err *err)
{
	struct volume_state *now = &((struct volume_look *)job)->state;

	(void)stop;
	if (!store_root_is_current(job->root)) {
		if (store_root_replace(job->root, err))
			return -1;
		now->replaced = true;
	}
	now->measured = !sys_free_space(job->root->fd, &now->free, &now->read_only);
	return 0;
}

bool volume_is_better(struct volume *v, const struct volume_state *now, uint64_t now_ms)
{
	uint64_t since = now_ms - v->told_at;

	if (!v->least)
		return false;
	if (!now->replaced &&
		(!now->measured || now->read_only || now->free < v->least || since < v->pause_ms))
		return false;
	v->pause_ms = !v->pause_ms || since > FORGET_MS ? PAUSE_MS
		: v->pause_ms < PAUSE_MAX_MS / 2        ? 2 * v->pause_ms
							: PAUSE_MAX_MS;
	v->told_at = now_ms;
	v->least = 0;
	return true;
}

static void look_start(struct store *s);

static void volume_due(void *arg)
{
	look_start(arg);
}

static void look_done(struct op *op, void *arg)
{
	struct store *s = arg;
	struct volume_look *k = (struct volume_look *)op;

	/* A path that leads nowhere is tried again and again; what is written meanwhile fails with
	   words of its own. */
	if (op->err.kind == ERR_NONE) {
		if (k->state.replaced)
			s->volume.replaced(s);
		if (volume_is_better(&s->volume, &k->state, clock_ms()) && s->on_room)
			s->on_room(s->arg);
	}
	s->volume.op = NULL;
	op_free(op);
	timer_set(&s->volume.timer, LOOK_MS);
}

static void look_start(struct store *s)
{
	static const struct job_type type = {
		"store volume", WORK_SHORT, look_run, NULL, NULL, false};
	struct volume_look *k = job_new(s, struct volume_look, &type);

	s->volume.op = job_start(&k->job);
	op_then(s->volume.op, look_done, s);
}

void volume_start(struct store *s, void (*replaced)(struct store *s))
{
	if (s->volume.replaced || s->closed)
		return;
	s->volume.replaced = replaced;
	timer_init(&s->volume.timer, s->loop, volume_due, s);
	timer_set(&s->volume.timer, LOOK_MS);
}

/* ---- for those who write --------------------------------------------------------------------- */

void store_refused(struct store *s, uint64_t bytes, int code)
{
	struct volume *v = &s->volume;

	if (s->on_full && (code == -ENOSPC || code == -EDQUOT))
		s->on_full(s->arg);
	/* Of a quota of the disk, and of a disk that fails, a look would see nothing. */
	if (!store_failure_words(code) || code == -EDQUOT || code == -EIO)
		return;
	if (!bytes)
		bytes = 1;
	if (!v->least || bytes < v->least)
		v->least = bytes;
}

const char *store_failure_words(int code)
{
	switch (-code) {
	case ENOSPC:
		return "no space left on the storage volume";
	case EDQUOT:
		return "no space left on the storage volume: its disk quota is used up";
	case EROFS:
		return "the storage volume is read-only";
	case EIO:
		return "the storage volume cannot be read or written: input/output error";
	case ENOENT:
	case ESTALE:
	case ENODEV:
	case ENXIO:
	case ENOTCONN:
		return "the storage volume is gone";
	default:
		return NULL;
	}
}
