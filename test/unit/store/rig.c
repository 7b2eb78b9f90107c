#include "rig.h"

#include "base/log.h"
#include "base/sys.h"
#include "ev/work.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void on_lost(void *arg, const char *path)
{
	struct rig *r = arg;

	snprintf(r->lost, sizeof(r->lost), "%s", path);
	r->lost_count++;
}

static void settle_closed(struct rig *r);

void rig_reopen(struct rig *r)
{
	struct err err;

	if (r->store)
		store_close(r->store);
	if (r->loop) {
		settle_closed(r);
		ck_assert_int_eq(loop_free(r->loop), 0);
	}
	r->loop = loop_new();
	r->opts.root = r->dir;
	if (!r->opts.retention_records)
		r->opts.retention_records = 2;
	if (!r->opts.retention_ttl_ms)
		r->opts.retention_ttl_ms = 60000;
	if (!r->opts.restore_ms)
		r->opts.restore_ms = 30000;
	r->opts.on_lost = on_lost;
	r->opts.arg = r;
	r->store = store_open(r->loop, &r->opts, &err);
	ck_assert_msg(r->store != NULL, "%s", r->store ? "" : err.msg);
}

void rig_open_raw(struct rig *r)
{
	struct store_opts opts = r->opts;

	log_set_fd(-1);
	memset(r, 0, sizeof(*r));
	r->opts = opts;
	/* in memory where there is such a place: the fault tests sync thousands of times */
	snprintf(r->dir, sizeof(r->dir), "%s/test-store-XXXXXX",
		access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	ck_assert_ptr_nonnull(mkdtemp(r->dir));
	rig_reopen(r);
}

void rig_scan(struct rig *r)
{
	ck_assert_int_eq(rig_end(r, store_scan_start(r->store), NULL), ERR_NONE);
}

void rig_open(struct rig *r)
{
	rig_open_raw(r);
	rig_scan(r);
	store_listed(r->store);
}

void rig_close(struct rig *r)
{
	char cmd[256];

	store_close(r->store);
	settle_closed(r);
	ck_assert_int_eq(loop_free(r->loop), 0);
	snprintf(cmd, sizeof(cmd), "chmod -R u+w %s; rm -rf %s", r->dir, r->dir);
	ck_assert_int_eq(system(cmd), 0);
}

static void note_done(struct op *op, void *arg)
{
	(void)op;
	*(bool *)arg = true;
}

void rig_run(struct rig *r, struct op *op)
{
	bool done = false;

	op_then(op, note_done, &done);
	while (!done)
		loop_turn(r->loop, true);
}

enum err_kind rig_end(struct rig *r, struct op *op, struct err *err)
{
	enum err_kind kind;

	rig_run(r, op);
	kind = op->err.kind;
	if (err)
		*err = op->err;
	op_free(op);
	rig_settle(r);
	return kind;
}

void rig_settle(struct rig *r)
{
	struct store_stats st;
	int i;

	/* What a dropped op left to a worker is waited for. */
	for (i = 0; i < 10; i++) {
		loop_turn(r->loop, false);
		store_stats(r->store, &st);
		if (st.jobs) {
			loop_turn(r->loop, true);
			i = 0;
		}
	}
}

static void settle_closed(struct rig *r)
{
	r->store = NULL;
	while (loop_turn(r->loop, false))
		;
}

struct digest rig_digest(const char *text)
{
	struct digest d;

	digest_mem(&d, DIGEST_SHA256, text, strlen(text));
	return d;
}

/* ---- writing */

enum err_kind rig_temp(struct rig *r, const char *text, struct store_temp *temp, struct err *err)
{
	struct op *op = store_temp_start(r->store);
	struct err e;

	rig_run(r, op);
	e = op->err;
	if (!e.kind)
		*temp = store_temp_take(op);
	op_free(op);
	if (!e.kind && sys_write_all(temp->fd, text, strlen(text))) {
		err_sys(&e, "write");
		store_temp_discard(r->store, temp);
	}
	rig_settle(r);
	if (err)
		*err = e;
	return e.kind;
}

struct publish {
	struct store *store; /* the loop's */
	const struct store_root *root;
	char path[STORE_PATH_MAX], text[64];
	struct digest digest;
	struct store_temp temp;
	struct store_file file;
	bool named; /* the file has its name */
};

static int publish_run(void *arg, const atomic_bool *stop, struct err *err)
{
	struct publish *p = arg;

	if (p->temp.fd < 0) {
		if (store_temp_new(p->root, &p->temp, err))
			return -1;
		if (sys_write_all(p->temp.fd, p->text, strlen(p->text)))
			return err_sys(err, "write '%s'", p->path);
	}
	if (store_temp_publish(p->root, &p->temp, p->path, &p->digest, stop, &p->file, err))
		return -1;
	p->named = true;
	return 0;
}

static void publish_free(void *arg)
{
	struct publish *p = arg;

	if (p->named)
		store_published(p->store, p->path, &p->file);
	store_temp_discard(p->store, &p->temp);
	free(p);
}

struct op *rig_publish_start(
	struct rig *r, const char *path, const char *text, struct store_temp *temp)
{
	struct publish *p = NEW(struct publish);

	p->store = r->store;
	p->root = store_root(r->store);
	snprintf(p->path, sizeof(p->path), "%s", path);
	ck_assert_uint_lt(strlen(text), sizeof(p->text));
	snprintf(p->text, sizeof(p->text), "%s", text);
	p->digest = rig_digest(text);
	p->temp = STORE_TEMP_INIT;
	if (temp) {
		p->temp = *temp;
		*temp = STORE_TEMP_INIT;
	}
	return work_start(r->loop, WORK_SHORT, publish_run, publish_free, p);
}

void rig_publish(struct rig *r, const char *path, const char *text)
{
	struct err err;

	ck_assert_msg(rig_end(r, rig_publish_start(r, path, text, NULL), &err) == ERR_NONE,
		"%s: %s", path, err.msg);
}

static struct op *prepare_start(
	struct rig *r, const char *path, const char *text, struct store_temp *temp)
{
	return store_prepare_start(r->store,
		&(struct store_put){.path = path, .digest = rig_digest(text), .temp = temp});
}

struct op *rig_prepare_start(struct rig *r, const char *path, const char *text)
{
	struct store_temp temp;

	ck_assert_int_eq(rig_temp(r, text, &temp, NULL), ERR_NONE);
	return prepare_start(r, path, text, &temp);
}

enum err_kind rig_prepare(struct rig *r, const char *path, const char *text, struct err *err)
{
	struct store_temp temp;
	enum err_kind kind = rig_temp(r, text, &temp, err);

	return kind ? kind : rig_end(r, prepare_start(r, path, text, &temp), err);
}

enum store_check rig_check(struct rig *r, const char *path, const char *text)
{
	struct digest d = rig_digest(text);
	struct op *op = store_check_start(r->store, path, &d);
	enum store_check rc;

	rig_run(r, op);
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
	rc = store_check_result(op);
	op_free(op);
	rig_settle(r);
	return rc;
}

char rig_get(struct rig *r, const char *path, char out[64])
{
	struct store_path p;
	struct store_file f;
	struct err err;
	enum store_got got;
	struct op *op;
	ssize_t n;
	int fd = -1;

	ck_assert_int_eq(store_path_parse(&p, path, &err), 0);
	got = store_get(r->store, &p, &f, &fd);
	if (got == STORE_COLD) {
		op = store_get_start(r->store, &p);
		rig_run(r, op);
		ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
		got = store_get_result(op, &f, &fd);
		op_free(op);
	}
	if (got == STORE_HIT) {
		struct digest d;

		n = read(fd, out, 63);
		ck_assert_int_ge(n, 0);
		out[n] = '\0';
		close(fd);
		d = rig_digest(out);
		ck_assert_msg(digest_equal(&d, &f.digest), "%s: digest", path);
		ck_assert_uint_eq(f.size, (size_t)n);
	}
	rig_settle(r);
	return got == STORE_HIT ? 'H' : got == STORE_WAIT ? 'W' : got == STORE_MISS ? 'M' : '?';
}

bool rig_exists(struct rig *r, const char *path)
{
	char text[STORE_PATH_MAX + 64];
	struct stat st;

	snprintf(text, sizeof(text), "%s/%s", r->dir, path);
	return !lstat(text, &st);
}

void rig_write(struct rig *r, const char *path, const char *text)
{
	char full[STORE_PATH_MAX + 64], cmd[STORE_PATH_MAX + 128];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", r->dir, path);
	snprintf(cmd, sizeof(cmd), "mkdir -p \"$(dirname '%s')\"", full);
	ck_assert_int_eq(system(cmd), 0);
	f = fopen(full, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

unsigned rig_temps(struct rig *r)
{
	char path[80];
	unsigned n = 0;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/.tmp", r->dir);
	d = opendir(path);
	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}
