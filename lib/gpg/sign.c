#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "ev/loop.h"
#include "ev/proc.h"
#include "ev/task.h"
#include "ev/work.h"
#include "gpg/armor.h"
#include "gpg/gpg.h"
#include "gpg/home.h"
#include "gpg/status.h"

#include <string.h>

#define STATUS_MAX (64 * 1024)

/* Codes of libgpg-error, in what "FAILURE sign N" says. */
#define CODE_MASK 0xffff
#define CODE_BAD_PASSPHRASE 11
#define CODE_INVALID_PASSPHRASE 31
#define CODE_NO_PASSPHRASE 177

struct sign {
	struct task task;
	char *home;
	struct secret key, passphrase;
	struct buf data, signature;
	uint64_t until_ms;
};

static struct sign *sign_of(struct task *t)
{
	return TASK(t, struct sign);
}

/* ---- the home -------------------------------------------------------------------------------- */

enum home_act { HOME_MAKE, HOME_UNPLUG, HOME_REMOVE };

struct home_job {
	enum home_act act;
	char *home;
};

static int home_run(void *arg, const atomic_bool *stop, struct err *err)
{
	struct home_job *j = arg;

	(void)stop;
	if (j->act == HOME_MAKE)
		return gpg_home_make(j->home, err);
	if (j->act == HOME_UNPLUG)
		gpg_home_unplug(j->home);
	else
		gpg_home_remove(j->home);
	return 0;
}

static void home_free(void *arg)
{
	struct home_job *j = arg;

	free(j->home);
	free(j);
}

static enum step_ret home_start(struct task *t, enum home_act act)
{
	struct home_job *j = NEW(struct home_job);

	j->act = act;
	j->home = mem_strdup(sign_of(t)->home);
	return task_wait(t, work_start(t->self.loop, WORK_SHORT, home_run, home_free, j));
}

static enum step_ret make_start(struct task *t)
{
	return home_start(t, HOME_MAKE);
}

static enum step_ret home_resume(struct task *t)
{
	return task_op_failed(t) ? STEP_FAIL : STEP_NEXT;
}

static enum step_ret unplug_start(struct task *t)
{
	return home_start(t, HOME_UNPLUG);
}

static enum step_ret remove_start(struct task *t)
{
	return home_start(t, HOME_REMOVE);
}

/* What became of it changes nothing. */
static enum step_ret remove_resume(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

/* ---- gpg ------------------------------------------------------------------------------------- */

/*
 * gpg wants an agent for all that is secret, and starts one that leaves its process group. This way
 * round the agent is started first, stays in the group, and starts gpg: it dies with it.
 */
static struct op *gpg_start(struct sign *s, const char *const *last, const void *input, size_t n,
	const int *fds, size_t n_fds)
{
	auto_free char *home = mem_printf("HOME=%s", s->home);
	const char *const env[] = {home, NULL};
	const char *argv[40] = {"gpg-agent", "--homedir", s->home, "--daemon", "--no-detach",
		"--disable-scdaemon", "--quiet", "--", "gpg", "--homedir", s->home, "--no-options",
		"--batch", "--quiet", "--no-autostart", "--status-fd", "2", "--pinentry-mode",
		"loopback", "--trust-model", "always", "--no-auto-check-trustdb"};
	uint64_t now = clock_ms();
	size_t at = 0;

	while (argv[at])
		at++;
	while (*last)
		argv[at++] = *last++;
	BUG_IF(at >= ARRAY_LEN(argv));
	return proc_start(s->task.self.loop,
		&(struct proc_req){.argv = argv,
			.env = env,
			.fds = fds,
			.n_fds = n_fds,
			.input = input,
			.input_len = n,
			.out_max = LIMIT_GPG_SIGNATURE,
			.err_max = STATUS_MAX,
			.deadline_ms = s->until_ms > now ? s->until_ms - now : 1});
}

/* It did not run, or was ended: task->err. */
static bool gpg_failed(struct task *t)
{
	if (!task_op_failed(t))
		return false;
	if (t->err.kind != ERR_CANCELED)
		t->err.code = GPG_NOT_RUN;
	return true;
}

static enum step_ret gpg_refused(struct task *t, int code, const char *what)
{
	auto_buf struct buf said = BUF_INIT(512);

	gpg_stderr_add(&said, "gpg", &proc_result(t->op)->err);
	err_code(&t->err, ERR_RETRY, code, "%s: %s", what, buf_str(&said));
	return STEP_FAIL;
}

/* A line with this word; its argument i as a number. */
static bool gpg_said(const struct proc_result *r, const char *word, unsigned i, unsigned long *v)
{
	struct gpg_status s;
	size_t n;

	gpg_status_init(&s, &r->err);
	while (gpg_status_next(&s)) {
		if (!gpg_status_is(&s, word))
			continue;
		*v = strtoul(gpg_status_arg(&s, i, &n), NULL, 10);
		return true;
	}
	return false;
}

static enum step_ret import_start(struct task *t)
{
	static const char *const last[] = {"--import", NULL};
	struct sign *s = sign_of(t);

	return task_wait(t, gpg_start(s, last, s->key.p, s->key.len, NULL, 0));
}

static enum step_ret import_resume(struct task *t)
{
	unsigned long ignored;

	if (gpg_failed(t))
		return STEP_FAIL;
	if (proc_result(t->op)->status || !gpg_said(proc_result(t->op), "IMPORT_OK", 0, &ignored))
		return gpg_refused(t, GPG_BAD_KEY, "gpg does not take the signing key");
	return STEP_NEXT;
}

static enum step_ret sign_start(struct task *t)
{
	static const char *const last[] = {"--passphrase-fd", "3", "--armor", "--no-emit-version",
		"--no-comments", "--output", "-", "--detach-sign", NULL};
	struct sign *s = sign_of(t);
	auto_fd int fd = sys_memory_file(s->passphrase.p, s->passphrase.len, &t->err);

	if (fd < 0)
		return STEP_FAIL;
	return task_wait(t, gpg_start(s, last, s->data.p, s->data.len, &fd, 1));
}

static enum step_ret sign_refused(struct task *t)
{
	unsigned long code = 0;

	gpg_said(proc_result(t->op), "FAILURE", 1, &code);
	code &= CODE_MASK;
	if (code != CODE_BAD_PASSPHRASE && code != CODE_INVALID_PASSPHRASE &&
		code != CODE_NO_PASSPHRASE)
		return gpg_refused(t, GPG_BAD_KEY, "gpg cannot sign with the key");
	if (sign_of(t)->passphrase.len)
		err_code(&t->err, ERR_RETRY, GPG_WRONG_PASSPHRASE,
			"the passphrase of the signing key is wrong");
	else
		err_code(&t->err, ERR_RETRY, GPG_NO_PASSPHRASE,
			"the signing key has a passphrase and none is given");
	return STEP_FAIL;
}

static enum step_ret sign_resume(struct task *t)
{
	struct sign *s = sign_of(t);
	const struct proc_result *r;
	unsigned long ignored;

	if (gpg_failed(t))
		return STEP_FAIL;
	r = proc_result(t->op);
	if (r->status || !gpg_said(r, "SIG_CREATED", 0, &ignored))
		return sign_refused(t);
	if (!gpg_signature_is(buf_str(&r->out), r->out.len))
		return gpg_refused(t, GPG_NOT_RUN, "gpg wrote no signature");
	buf_add(&s->signature, r->out.p, r->out.len);
	return STEP_NEXT;
}

/* ---- the op ---------------------------------------------------------------------------------- */

static int key_check(const struct gpg_sign_req *req, struct err *err)
{
	struct buf bytes = BUF_INIT(LIMIT_GPG_SECRET_KEY);
	struct gpg_packets count;
	int rc = -1;

	if (!req->key_len || req->key_len > LIMIT_GPG_SECRET_KEY) {
		err_set(err, ERR_RETRY, "it has %zu bytes; 1 to %llu are taken", req->key_len,
			LIMIT_GPG_SECRET_KEY);
	} else if (buf_room(&bytes, req->key_len) && /* so that no copy of it is left behind */
		!gpg_dearmor(&bytes, req->key, req->key_len, GPG_PRIVATE_KEYS, err) &&
		!gpg_packets_count(bytes.p, bytes.len, &count, err)) {
		if (count.secrets + count.publics == 1 && count.first == GPG_PACKET_SECRET)
			rc = 0;
		else
			err_set(err, ERR_RETRY, "it holds %u keys; one secret key is taken",
				count.secrets + count.publics);
	}
	if (bytes.p)
		mem_wipe(bytes.p, bytes.cap);
	buf_clear(&bytes);
	if (!rc)
		return 0;
	err->code = GPG_BAD_KEY;
	return err_wrap(err, "the signing key");
}

static void sign_free(struct task *t)
{
	struct sign *s = sign_of(t);

	free(s->home);
	secret_clear(&s->key);
	secret_clear(&s->passphrase);
	buf_clear(&s->data);
	buf_clear(&s->signature);
	free(s);
}

struct op *gpg_sign_start(struct loop *l, const struct gpg_sign_req *req)
{
	static const struct step steps[] = {{"make", make_start, home_resume},
		{"import", import_start, import_resume}, {"unplug", unplug_start, home_resume},
		{"sign", sign_start, sign_resume}, {0}};
	static const struct step last[] = {{"remove", remove_start, remove_resume, true}, {0}};
	struct err err = {0};
	struct sign *s;

	if (key_check(req, &err))
		return op_failed(l, &err);
	s = NEW(struct sign);
	s->home = gpg_home_name(req->folder);
	secret_set(&s->key, req->key, req->key_len);
	if (req->passphrase)
		secret_copy(&s->passphrase, req->passphrase);
	buf_init(&s->data, BUF_ANY);
	buf_init(&s->signature, LIMIT_GPG_SIGNATURE);
	buf_add(&s->data, req->data, req->data_len);
	s->until_ms = clock_ms() + (req->deadline_ms ? req->deadline_ms : LIMIT_GPG_MS);
	task_init(&s->task, l, "gpg-sign", steps, last, sign_free);
	return task_spawn(&s->task);
}

const struct buf *gpg_sign_result(const struct op *op)
{
	return &TASK_OF_OP(op, struct sign)->signature;
}
