#include "ev/reread.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/vec.h"
#include "ev/op.h"
#include "ev/timer.h"
#include "ev/work.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct reread {
	struct reread_opts opts;
	char *path;
	struct timer timer;
	struct op *op; /* a look, on its way */
	struct buf seen; /* what the last look found, or why it failed */
	bool seen_bad;
	bool settled; /* what was seen has been taken, or refused */
	void (*on_taken)(void *arg);
	void *on_taken_arg;
	struct reread_stats stats;
};

/* One look. Owns everything but what `opts` borrows for ever. */
struct look {
	struct reread_opts opts;
	char *path;
	struct buf text; /* what was found */
	struct buf before; /* what the last look found */
	bool before_bad, settled;
	bool bad; /* it cannot be read; text says why */
	bool same; /* as the last look */
	void *value; /* new, and read */
	struct err err; /* new, and refused */
};

/* It may be secrets. */
static void text_clear(struct buf *b)
{
	mem_wipe(b->p, b->cap);
	buf_clear(b);
}

/* ---- reading: any thread --------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int folder_read(DIR *d, const char *path, struct buf *out, struct err *err)
{
	VEC(char *) names = {0};
	const struct dirent *e;
	struct stat st;
	char **name;
	int rc = 0;

	while ((e = sys_readdir(d)) && names.len <= LIMIT_CA_FILES)
		if (e->d_name[0] != '.' && !sys_statat(dirfd(d), e->d_name, &st) &&
			S_ISREG(st.st_mode))
			*vec_add(&names) = mem_strdup(e->d_name);
	if (names.len > LIMIT_CA_FILES)
		rc = err_set(err, ERR_RETRY, "'%s' holds more than %d files", path, LIMIT_CA_FILES);
	if (names.len)
		qsort(names.p, names.len, sizeof(*names.p), by_name);
	vec_each (&names, name) {
		/* One that went meanwhile: the next look finds what there is. */
		if (!rc && sys_read_file(dirfd(d), *name, out, err))
			rc = err_wrap(err, "'%s'", path);
		buf_addc(out, '\n');
		free(*name);
	}
	vec_clear(&names);
	return rc;
}

static int path_read(const char *path, bool folder, struct buf *out, struct err *err)
{
	int fd = folder ? sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0) : -1, rc;
	DIR *d;

	if (fd < 0 && (!folder || errno == ENOTDIR))
		return sys_read_file(AT_FDCWD, path, out, err);
	d = fd < 0 ? NULL : sys_fdopendir(fd);
	if (!d)
		return err_sys(err, "open '%s'", path);
	rc = folder_read(d, path, out, err);
	closedir(d);
	if (!rc && buf_over(out))
		rc = err_set(err, ERR_RETRY, "'%s' is larger than %zu bytes", path, out->max);
	return rc;
}

static int look_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct look *k = job;
	struct err why = {0};

	(void)stop; /* a megabyte, and what is made of it */
	(void)err;
	k->bad = path_read(k->path, k->opts.folder, &k->text, &why);
	if (k->bad) {
		buf_reset(&k->text);
		buf_adds(&k->text, why.msg);
	}
	k->same = k->bad == k->before_bad && buf_equal(&k->text, &k->before);
	if (!k->same || k->settled)
		return 0;
	if (k->bad)
		k->err = why;
	else
		k->value = k->opts.read(buf_str(&k->text), k->text.len, &k->err);
	return 0;
}

static void look_free(void *job)
{
	struct look *k = job;

	if (k->value)
		k->opts.free(k->value);
	text_clear(&k->text);
	text_clear(&k->before);
	free(k->path);
	free(k);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void reread_refused(struct reread *w, const struct err *err)
{
	w->stats.failed++;
	log_error(NULL, "a file that has changed cannot be used; what it said before counts",
		LS("what", w->opts.name), LS("path", w->path), LE(err));
}

static void reread_looked(struct op *op, void *arg)
{
	struct reread *w = arg;
	struct look *k = work_job(op);
	bool fresh = !k->same;

	w->op = NULL;
	w->stats.looks++;
	text_clear(&w->seen);
	w->seen = k->text;
	k->text = (struct buf){0};
	w->seen_bad = k->bad;
	if (k->value) {
		w->stats.taken++;
		log_info(NULL, "a file has changed", LS("what", w->opts.name), LS("path", w->path));
		w->opts.take(w->opts.arg, MOVE(k->value));
		if (w->on_taken)
			w->on_taken(w->on_taken_arg);
	} else if (k->err.kind) {
		reread_refused(w, &k->err);
	}
	w->settled = !fresh;
	op_free(op);
	timer_set(&w->timer, fresh ? REREAD_AGAIN_MS : REREAD_MS);
}

static void reread_due(void *arg)
{
	struct reread *w = arg;
	struct look *k = NEW(struct look);

	k->opts = w->opts;
	k->path = mem_strdup(w->path);
	buf_init(&k->text, w->opts.max);
	k->before = w->seen;
	w->seen = (struct buf){0};
	k->before_bad = w->seen_bad;
	k->settled = w->settled;
	w->op = work_start(w->opts.loop, WORK_SHORT, look_run, look_free, k);
	op_then(w->op, reread_looked, w);
}

struct reread *reread_new(const struct reread_opts *opts, struct err *err)
{
	struct buf text = BUF_INIT(opts->max);
	struct reread *w;
	void *value;

	if (path_read(opts->path, opts->folder, &text, err)) {
		text_clear(&text);
		return NULL;
	}
	value = opts->read(buf_str(&text), text.len, err);
	if (!value) {
		text_clear(&text);
		err_wrap(err, "'%s'", opts->path);
		return NULL;
	}
	w = NEW(struct reread);
	w->opts = *opts;
	w->path = mem_strdup(opts->path);
	w->opts.path = w->path;
	w->seen = text;
	w->settled = true;
	timer_init(&w->timer, opts->loop, reread_due, w);
	timer_set(&w->timer, REREAD_MS);
	opts->take(opts->arg, value);
	return w;
}

void reread_free(struct reread *w)
{
	if (!w)
		return;
	timer_cancel(&w->timer);
	op_drop(w->op);
	text_clear(&w->seen);
	free(w->path);
	free(w);
}

void reread_on_taken(struct reread *w, void (*fn)(void *arg), void *arg)
{
	w->on_taken = fn;
	w->on_taken_arg = arg;
}

const char *reread_name(const struct reread *w)
{
	return w->opts.name;
}

void reread_stats(const struct reread *w, struct reread_stats *out)
{
	*out = w->stats;
}
