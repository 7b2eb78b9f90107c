#include "ev/proc.h"

#include "base/mem.h"
#include "ev/internal.h"
#include "ev/op.h"
#include "ev/timer.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* One read of its output. */
#define READ_BYTES (64 * 1024)
/* What is left of a group that was killed: looked for so often, while it is ours to reap. */
#define REAP_MS 2
/* Somebody outside of the group has its stdout and keeps it open: so long what comes is read. */
#define DRAIN_MS 1000

enum { IN, OUT, ERR, PIPES };

struct proc {
	struct op op;
	struct proc_result result;
	char *name; /* for messages */
	uv_process_t uv;
	uv_pipe_t pipe[PIPES];
	bool pipe_open[PIPES];
	unsigned handles; /* of libuv, not closed yet */
	unsigned writes; /* on their way */
	bool counted; /* in the loop, among those that were cancelled */
	bool started, exited, reaped, failed, in_ended, paused;
	proc_out_fn *on_out;
	void (*on_room)(void *arg);
	void *arg;
	struct timer deadline, drain;
	uint64_t deadline_ms;
	char *scratch;
};

struct proc_write_req {
	uv_write_t uv;
	struct proc *proc;
	size_t n;
	char data[];
};

static struct proc *proc_of(const struct op *op)
{
	return CONTAINER_OF(op, struct proc, op);
}

static void proc_settle(struct proc *p);

/* ---- the end --------------------------------------------------------------------------------- */

static void proc_handle_closed(uv_handle_t *handle)
{
	struct proc *p = handle->data;

	p->handles--;
	proc_settle(p);
}

static void proc_close(struct proc *p, uv_handle_t *handle)
{
	handle->data = p;
	uv_close(handle, proc_handle_closed);
}

static void proc_close_pipe(struct proc *p, int i)
{
	if (!p->pipe_open[i])
		return;
	p->pipe_open[i] = false;
	proc_close(p, (uv_handle_t *)&p->pipe[i]);
}

/* The whole group: a helper that the program has started does not outlive it. */
static void proc_kill(struct proc *p)
{
	if (p->started && !p->reaped)
		kill(-p->uv.pid, SIGKILL);
}

/* As the first process of a container we inherit who has lost his parent. */
static bool proc_reap_group(struct proc *p)
{
	pid_t got = 1;

	while (!p->reaped && got > 0)
		do
			got = waitpid(-p->uv.pid, NULL, WNOHANG);
		while (got < 0 && errno == EINTR);
	p->reaped = p->reaped || got < 0;
	return p->reaped;
}

static void proc_drained(void *arg)
{
	struct proc *p = arg;

	if (proc_reap_group(p)) {
		proc_close_pipe(p, OUT);
		proc_close_pipe(p, ERR);
	}
	proc_settle(p);
}

/* Ends when all has: the process, its group, what it has written, and libuv's handles. */
static void proc_settle(struct proc *p)
{
	bool drop = p->failed || p->op.cancelled;

	if (!p->exited || p->op.finishing)
		return;
	proc_close_pipe(p, IN);
	if (drop) {
		proc_close_pipe(p, OUT);
		proc_close_pipe(p, ERR);
	}
	if (!proc_reap_group(p)) {
		timer_set(&p->drain, REAP_MS);
		return;
	}
	if (p->pipe_open[OUT] || p->pipe_open[ERR]) {
		if (p->paused)
			timer_cancel(&p->drain);
		else if (!timer_is_set(&p->drain))
			timer_set(&p->drain, DRAIN_MS);
		return;
	}
	if (p->handles)
		return;
	timer_cancel(&p->drain);
	timer_cancel(&p->deadline);
	p->op.loop->dying -= p->counted;
	op_finish(&p->op);
}

/* The error that stands is the first one. */
static void proc_fail(struct proc *p, const struct err *err)
{
	if (p->failed || p->op.finishing)
		return;
	p->failed = true;
	p->op.err = *err;
	proc_kill(p);
	proc_settle(p);
}

static void proc_late(void *arg)
{
	struct proc *p = arg;
	struct err err = {0};

	err_code(&err, ERR_RETRY, -ETIMEDOUT, "'%s' has not ended within %llu ms", p->name,
		(unsigned long long)p->deadline_ms);
	proc_fail(p, &err);
}

static void proc_exited(uv_process_t *uv, int64_t status, int signal)
{
	struct proc *p = uv->data;

	p->exited = true;
	p->result.status = signal ? -1 : (int)status;
	p->result.signal = signal;
	proc_kill(p);
	proc_close(p, (uv_handle_t *)uv);
	proc_settle(p);
}

static void proc_cancel(struct op *op)
{
	struct proc *p = proc_of(op);

	p->counted = true;
	op->loop->dying++;
	proc_kill(p);
	proc_settle(p);
}

static void proc_free(struct op *op)
{
	struct proc *p = proc_of(op);

	buf_clear(&p->result.out);
	buf_clear(&p->result.err);
	free(p->name);
	free(p->scratch);
	free(p);
}

/* ---- its output ------------------------------------------------------------------------------ */

static void proc_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
	struct proc *p = handle->data;

	(void)wanted;
	*buf = uv_buf_init(p->scratch, READ_BYTES);
}

static void proc_take_out(struct proc *p, const char *data, size_t n)
{
	struct err err = {0};

	if (p->failed || p->op.cancelled)
		return;
	if (p->on_out) {
		p->on_out(p->arg, data, n);
		return;
	}
	if (!buf_add(&p->result.out, data, n))
		return;
	err_set(&err, ERR_RETRY, "'%s' writes more than %zu bytes", p->name, p->result.out.max);
	proc_fail(p, &err);
}

static void proc_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct proc *p = stream->data;
	int i = stream == (uv_stream_t *)&p->pipe[OUT] ? OUT : ERR;
	size_t room;

	if (n < 0) { /* the end, or as good as that */
		proc_close_pipe(p, i);
		proc_settle(p);
		return;
	}
	if (!n)
		return;
	if (i == OUT) {
		proc_take_out(p, buf->base, (size_t)n);
		return;
	}
	room = p->result.err.max - p->result.err.len;
	buf_add(&p->result.err, buf->base, room < (size_t)n ? room : (size_t)n);
}

static void proc_read_start(struct proc *p, int i)
{
	if (p->pipe_open[i])
		uv_read_start((uv_stream_t *)&p->pipe[i], proc_alloc, proc_read);
}

void proc_pause(struct op *op)
{
	struct proc *p = proc_of(op);

	p->paused = true;
	if (p->pipe_open[OUT])
		uv_read_stop((uv_stream_t *)&p->pipe[OUT]);
}

void proc_resume(struct op *op)
{
	struct proc *p = proc_of(op);

	if (!p->paused)
		return;
	p->paused = false;
	proc_read_start(p, OUT);
	proc_settle(p);
}

/* ---- its input ------------------------------------------------------------------------------- */

static void proc_written(uv_write_t *uv, int status)
{
	struct proc_write_req *w = CONTAINER_OF(uv, struct proc_write_req, uv);
	struct proc *p = w->proc;

	p->writes--;
	mem_wipe(w->data, w->n); /* it may be a key */
	free(w);
	if (status < 0 || (p->in_ended && !p->writes))
		proc_close_pipe(p, IN);
	else if (!p->writes && p->on_room && !p->failed && !p->op.cancelled)
		p->on_room(p->arg);
}

void proc_write(struct op *op, const void *data, size_t n)
{
	struct proc *p = proc_of(op);
	struct proc_write_req *w;
	uv_buf_t buf;

	BUG_IF(p->in_ended);
	if (!p->pipe_open[IN] || !n)
		return;
	w = mem_alloc(sizeof(*w) + n);
	w->proc = p;
	w->n = n;
	memcpy(w->data, data, n);
	buf = uv_buf_init(w->data, (unsigned)n);
	if (uv_write(&w->uv, (uv_stream_t *)&p->pipe[IN], &buf, 1, proc_written)) {
		free(w);
		return;
	}
	p->writes++;
}

void proc_write_end(struct op *op)
{
	struct proc *p = proc_of(op);

	p->in_ended = true;
	if (!p->writes)
		proc_close_pipe(p, IN);
}

/* ---- the start ------------------------------------------------------------------------------- */

/* Not PATH: where the programs of a distribution are does not depend on who has started us. */
static char *proc_find(const char *program)
{
	static const char *const FOLDERS[] = {"/usr/local/bin", "/usr/bin", "/bin"};
	size_t i;

	if (strchr(program, '/'))
		return mem_strdup(program);
	for (i = 0; i < ARRAY_LEN(FOLDERS); i++) {
		char *path = mem_printf("%s/%s", FOLDERS[i], program);

		if (!access(path, X_OK))
			return path;
		free(path);
	}
	return NULL;
}

/* NULL-terminated; the strings are borrowed. */
static char **proc_env(const char *const *env)
{
	size_t n = 0, i;
	char **all;

	while (env && env[n])
		n++;
	all = mem_array(NULL, n + 3, sizeof(*all));
	all[0] = (char *)(uintptr_t)"PATH=/usr/local/bin:/usr/bin:/bin";
	all[1] = (char *)(uintptr_t)"LC_ALL=C";
	for (i = 0; i < n; i++)
		all[i + 2] = (char *)(uintptr_t)env[i];
	all[n + 2] = NULL;
	return all;
}

static int proc_spawn(struct proc *p, const struct proc_req *req, char *path)
{
	uv_stdio_container_t stdio[PIPES + PROC_FDS_MAX];
	uv_process_options_t o = {0};
	char **env = proc_env(req->env);
	size_t i;
	int rc;

	for (i = 0; i < PIPES; i++) {
		BUG_IF(uv_pipe_init(&p->op.loop->uv, &p->pipe[i], 0));
		p->pipe[i].data = p;
		p->pipe_open[i] = true;
		p->handles++;
		stdio[i].flags = UV_CREATE_PIPE | (i == IN ? UV_READABLE_PIPE : UV_WRITABLE_PIPE);
		stdio[i].data.stream = (uv_stream_t *)&p->pipe[i];
	}
	for (i = 0; i < req->n_fds; i++) {
		stdio[PIPES + i].flags = UV_INHERIT_FD;
		stdio[PIPES + i].data.fd = req->fds[i];
	}
	o.exit_cb = proc_exited;
	o.file = path;
	o.args = (char **)(uintptr_t)req->argv;
	o.env = env;
	o.cwd = "/";
	o.flags = UV_PROCESS_DETACHED; /* setsid: the group has its number */
	o.stdio = stdio;
	o.stdio_count = (int)(PIPES + req->n_fds);
	/* Ours are opened so; those that we were started with are not. */
	(void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	p->handles++;
	rc = uv_spawn(&p->op.loop->uv, &p->uv, &o);
	p->uv.data = p;
	free(env);
	return rc;
}

static struct op *proc_not_started(struct proc *p, int rc)
{
	p->exited = p->reaped = p->failed = true;
	err_code(&p->op.err, ERR_RETRY, rc,
		rc == UV_ENOENT ? "the program '%s' is not installed"
				: "the program '%s' cannot be started: %s",
		p->name, uv_strerror(rc));
	if (p->handles)
		proc_close(p, (uv_handle_t *)&p->uv);
	proc_settle(p);
	return &p->op;
}

struct op *proc_start(struct loop *l, const struct proc_req *req)
{
	static const struct op_type type = {"proc", proc_cancel, proc_free};
	struct proc *p = NEW(struct proc);
	char *path = proc_find(req->argv[0]);
	int rc;

	BUG_IF(req->n_fds > PROC_FDS_MAX);
	op_init(&p->op, l, &type);
	p->name = mem_strdup(req->argv[0]);
	p->on_out = req->on_out;
	p->on_room = req->on_room;
	p->arg = req->arg;
	p->scratch = mem_alloc(READ_BYTES);
	p->result.status = -1;
	buf_init(&p->result.out, req->out_max);
	buf_init(&p->result.err, req->err_max);
	timer_init(&p->deadline, l, proc_late, p);
	timer_init(&p->drain, l, proc_drained, p);
	rc = path ? proc_spawn(p, req, path) : UV_ENOENT;
	free(path);
	if (rc)
		return proc_not_started(p, rc);
	p->started = true;
	proc_read_start(p, OUT);
	proc_read_start(p, ERR);
	proc_write(&p->op, req->input, req->input_len);
	if (!req->keep_input)
		proc_write_end(&p->op);
	if (req->deadline_ms)
		proc_set_deadline(&p->op, req->deadline_ms);
	return &p->op;
}

void proc_set_deadline(struct op *op, uint64_t ms)
{
	struct proc *p = proc_of(op);

	p->deadline_ms = ms;
	if (!p->exited)
		timer_set(&p->deadline, ms);
}

const struct proc_result *proc_result(const struct op *op)
{
	return &proc_of(op)->result;
}

const char *proc_fd_path(char out[PROC_FD_PATH_MAX], int fd)
{
	snprintf(out, PROC_FD_PATH_MAX, "/proc/%ld/fd/%d", (long)getpid(), fd);
	return out;
}
