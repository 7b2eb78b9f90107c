#include "git/ssh.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/time.h"
#include "crypto/ssh_key.h"
#include "ev/op.h"
#include "ev/proc.h"
#include "ev/timer.h"
#include "ev/work.h"
#include "git/auth.h"
#include "git/gitc.h"
#include "git/internal.h"
#include "git/ssh_words.h"
#include "git/target.h"
#include "git/url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SAID_MAX (8 * 1024) /* of stderr */
#define PIECE (128 * 1024) /* of what is sent, copied at a time */

struct ssh_move;

struct ssh_link {
	struct gitc_link link;
	struct gitc_client *client;
	struct gitc_target target;
	enum gitc_service service;
	bool v2;
	struct op *proc;
	struct ssh_move *move; /* in flight */
	int key_fd, hosts_fd;
	struct err wrong; /* no further move can go well */
};

/* One move. */
struct ssh_move {
	struct op op;
	struct ssh_link *l;
	struct gitc_move m;
	struct op *job; /* opens the private key */
	struct timer timer; /* until all is there, or the first byte, or the next one */
	struct timer rate; /* with `stream`: the end of a window */
	uint64_t got, window; /* bytes; those of this window */
	size_t sent;
	bool paused, begun;
};

#define LINK(link) CONTAINER_OF(link, struct ssh_link, link)
#define MOVE_OF(op_) CONTAINER_OF(op_, struct ssh_move, op)

/* ---- the end of a move ----------------------------------------------------------------------- */

static void fds_close(struct ssh_link *l)
{
	sys_close(l->key_fd);
	sys_close(l->hosts_fd);
	l->key_fd = l->hosts_fd = -1;
}

static void move_end(struct ssh_move *x, const struct err *err)
{
	timer_cancel(&x->timer);
	timer_cancel(&x->rate);
	x->l->move = NULL;
	fds_close(x->l); /* the client has read them, or will not */
	op_end(&x->op, err);
}

/* And of the conversation. */
static void move_fail(struct ssh_move *x, const struct err *err)
{
	struct ssh_link *l = x->l;

	l->wrong = *err;
	op_drop(MOVE(l->proc));
	op_drop(MOVE(x->job));
	move_end(x, err);
}

static void move_cancel(struct op *op)
{
	struct ssh_move *x = MOVE_OF(op);
	struct err err = {0};

	err_set(&err, ERR_CANCELED, "canceled");
	move_fail(x, &err);
}

static void move_free(struct op *op)
{
	free(MOVE_OF(op));
}

static void move_overdue(void *arg)
{
	struct ssh_move *x = arg;
	char text[TIME_TEXT_MAX];
	struct err err = {0};

	if (x->begun && x->m.stream)
		err_code(&err, ERR_RETRY, -ETIMEDOUT, "the server has sent nothing for %s",
			time_format_duration(LIMIT_GIT_IDLE_MS, text));
	else
		err_code(&err, ERR_RETRY, -ETIMEDOUT, "no whole answer within %s",
			time_format_duration((int64_t)x->m.time_ms, text));
	move_fail(x, &err);
}

static void move_window(void *arg)
{
	struct ssh_move *x = arg;
	struct err err = {0};

	if (x->window < (uint64_t)LIMIT_GIT_RATE * LIMIT_GIT_RATE_MS / 1000) {
		err_code(&err, ERR_RETRY, -ETIMEDOUT, "the server sends too slowly");
		move_fail(x, &err);
		return;
	}
	x->window = 0;
	timer_set(&x->rate, LIMIT_GIT_RATE_MS);
}

/* ---- the conversation ------------------------------------------------------------------------ */

static void move_on_data(struct ssh_move *x, const char *p, size_t n)
{
	struct err err = {0};

	if (x->m.stream) {
		timer_set(&x->timer, LIMIT_GIT_IDLE_MS);
		if (!x->begun)
			timer_set(&x->rate, LIMIT_GIT_RATE_MS);
	}
	x->begun = true;
	x->got += n;
	x->window += n;
	if (x->got > x->m.max) {
		err_code(&err, ERR_RETRY, GITC_TOO_LARGE,
			"the answer has more than the %llu bytes that are allowed",
			(unsigned long long)x->m.max);
		move_fail(x, &err);
		return;
	}
	switch (x->m.on_data(x->m.arg, p, n, &err)) {
	case GITC_FEED_FAIL:
		move_fail(x, &err);
		break;
	case GITC_FEED_PAUSE:
		x->paused = true;
		timer_cancel(&x->timer);
		timer_cancel(&x->rate);
		proc_pause(x->l->proc);
		break;
	case GITC_FEED_END:
		/* Nothing is to come before the next question. */
		proc_pause(x->l->proc);
		move_end(x, &err);
		break;
	default:
		break;
	}
}

static void link_data(void *arg, const char *p, size_t n)
{
	struct ssh_link *l = arg;

	if (l->move)
		move_on_data(l->move, p, n);
}

/* What is left of head and body, in pieces, as the client takes it. */
static void link_room(void *arg)
{
	struct ssh_link *l = arg;
	struct ssh_move *x = l->move;
	size_t i, from, n;

	if (!x)
		return;
	from = x->sent;
	for (i = 0; i < 2 && l->proc; i++) {
		const struct buf *part = i ? x->m.body : x->m.head;
		size_t len = part ? part->len : 0;

		if (from >= len) {
			from -= len;
			continue;
		}
		n = len - from < PIECE ? len - from : PIECE;
		x->sent += n;
		l->link.sent = true;
		proc_write(l->proc, part->p + from, n);
		return;
	}
}

static void link_ended(struct op *op, void *arg)
{
	struct ssh_link *l = arg;
	struct ssh_move *x = l->move;
	struct err err = op->err;

	l->proc = NULL;
	if (err.kind == ERR_NONE && proc_result(op)->status)
		gitc_ssh_blame(gitc_service_name(l->service), proc_result(op), &err);
	op_free(op);
	l->wrong = err;
	if (err.kind == ERR_NONE)
		err_code(&l->wrong, ERR_RETRY, GITC_PROTOCOL, "%s has ended",
			gitc_service_name(l->service));
	if (x)
		move_end(x, &err);
}

/* ---- the client ------------------------------------------------------------------------------ */

/* For the shell at the other end, as git quotes it. */
static void quote(struct buf *out, const char *text)
{
	buf_addc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '!')
			buf_addf(out, "'\\%c'", *text);
		else
			buf_addc(out, *text);
	}
	buf_addc(out, '\'');
}

/* No option, and nothing in it that the client or a shell reads anything into. */
static bool is_plain(const char *word, const char *also)
{
	const char *p = word;

	while (*p && (ascii_is_alnum(*p) || strchr("._-", *p) || strchr(also, *p)))
		p++;
	return p > word && !*p && *word != '-';
}

static int url_check(const struct gitc_url *u, struct err *err)
{
	const char *p;

	if (!u->user || !is_plain(u->user, "+@"))
		return err_set(err, ERR_STALL, "the user name in the URL is none that ssh takes");
	if (!is_plain(u->host, ":"))
		return err_set(err, ERR_STALL, "the host in the URL is none that ssh takes");
	for (p = u->path; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return err_set(err, ERR_STALL,
				"the path in the URL has a control character, which ssh does not "
				"take");
	return 0;
}

static const char *const FIXED[] = {"BatchMode=yes", "StrictHostKeyChecking=yes",
	"GlobalKnownHostsFile=/dev/null", "UpdateHostKeys=no", "VerifyHostKeyDNS=no",
	"CheckHostIP=no", "CanonicalizeHostname=no", "IdentitiesOnly=yes", "IdentityAgent=none",
	"AddKeysToAgent=no", "PreferredAuthentications=publickey", "PasswordAuthentication=no",
	"KbdInteractiveAuthentication=no", "HostbasedAuthentication=no", "ForwardAgent=no",
	"ForwardX11=no", "ClearAllForwardings=yes", "PermitLocalCommand=no", "ControlMaster=no",
	"ControlPath=none", "ProxyCommand=none", "Tunnel=no", "EscapeChar=none", "RequestTTY=no",
	"ConnectionAttempts=1", "ServerAliveInterval=10", "ServerAliveCountMax=3", "LogLevel=INFO"};

#define ARGS_MAX 96

struct args {
	const char *v[ARGS_MAX];
	size_t n;
	char *own[ARGS_MAX]; /* those to be freed */
	size_t n_own;
};

static void args_add(struct args *a, const char *s)
{
	BUG_IF(a->n + 1 >= ARGS_MAX);
	a->v[a->n++] = s;
}

/* -o NAME=value; takes text over. */
static void args_option(struct args *a, char *text)
{
	a->own[a->n_own++] = text;
	args_add(a, "-o");
	args_add(a, text);
}

static void args_fill(struct args *a, const struct ssh_link *l, uint64_t time_ms)
{
	const struct gitc_url *u = l->target.url;
	struct buf command = BUF_INIT(BUF_ANY);
	char path[PROC_FD_PATH_MAX];
	size_t i;

	args_add(a, "ssh");
	args_add(a, "-F");
	args_add(a, "none");
	for (i = 0; i < ARRAY_LEN(FIXED); i++)
		args_option(a, mem_strdup(FIXED[i]));
	args_option(a, mem_printf("UserKnownHostsFile=%s", proc_fd_path(path, l->hosts_fd)));
	args_option(a, mem_printf("IdentityFile=%s", proc_fd_path(path, l->key_fd)));
	args_option(a, mem_printf("ConnectTimeout=%llu", (unsigned long long)(time_ms / 1000 + 1)));
	if (l->client->ssh_kex)
		args_option(a, mem_printf("KexAlgorithms=%s", l->client->ssh_kex));
	if (l->client->ssh_host_keys)
		args_option(a, mem_printf("HostKeyAlgorithms=%s", l->client->ssh_host_keys));
	if (l->v2)
		args_option(a, mem_strdup("SetEnv=GIT_PROTOCOL=version=2"));
	args_option(a, mem_printf("User=%s", u->user));
	args_option(a, mem_printf("Port=%u", u->port));
	buf_addf(&command, "%s ", gitc_service_name(l->service));
	/* As git has it: the home of another user. */
	quote(&command, u->path[1] == '~' ? u->path + 1 : u->path);
	args_add(a, "--");
	args_add(a, u->host);
	a->own[a->n_own] = buf_take(&command);
	args_add(a, a->own[a->n_own++]);
}

static void client_start(struct ssh_link *l, uint64_t time_ms)
{
	struct args *a = NEW(struct args);
	size_t i;

	args_fill(a, l, time_ms);
	l->client->stats.requests++;
	l->proc = proc_start(l->client->loop,
		&(struct proc_req){.argv = a->v,
			.keep_input = true,
			.on_out = link_data,
			.on_room = link_room,
			.arg = l,
			.err_max = SAID_MAX});
	op_then(l->proc, link_ended, l);
	for (i = 0; i < a->n_own; i++)
		free(a->own[i]);
	free(a);
}

/* ---- the private key ------------------------------------------------------------------------- */

struct key_job {
	struct gitc_auth *auth;
	int key_fd, hosts_fd;
};

static int key_open(struct key_job *j, const atomic_bool *stop, struct err *err)
{
	struct buf plain = BUF_INIT(2 * LIMIT_SSH_KEY);
	struct ssh_key *key = NULL;
	int rc;

	if (ssh_key_parse(&key, j->auth->identity.p, j->auth->identity.len, &j->auth->passphrase,
		    stop, err))
		return -1;
	rc = ssh_key_write(key, &plain);
	if (rc)
		err_set(err, ERR_RETRY, "it is too large");
	else
		j->key_fd = sys_memory_file(plain.p, plain.len, err);
	if (plain.p)
		mem_wipe(plain.p, plain.cap);
	buf_clear(&plain);
	ssh_key_free(key);
	return rc || j->key_fd < 0 ? -1 : 0;
}

static int key_run(void *arg, const atomic_bool *stop, struct err *err)
{
	struct key_job *j = arg;

	if (key_open(j, stop, err)) {
		err->code = GITC_AUTH_FAILED;
		return err_wrap(err, "identity");
	}
	j->hosts_fd = sys_memory_file(j->auth->known_hosts.p, j->auth->known_hosts.len, err);
	return j->hosts_fd < 0 ? -1 : 0;
}

static void key_free(void *arg)
{
	struct key_job *j = arg;

	sys_close(j->key_fd);
	sys_close(j->hosts_fd);
	gitc_auth_unref(j->auth);
	free(j);
}

static void key_done(struct op *op, void *arg)
{
	struct ssh_move *x = arg;
	struct ssh_link *l = x->l;
	struct key_job *j = work_job(op);
	struct err err = op->err;

	x->job = NULL;
	if (err.kind == ERR_NONE) {
		l->key_fd = j->key_fd;
		l->hosts_fd = j->hosts_fd;
		j->key_fd = j->hosts_fd = -1;
	}
	op_free(op);
	if (err.kind != ERR_NONE) {
		move_fail(x, &err);
		return;
	}
	client_start(l, timer_left(&x->timer));
	link_room(l);
}

static int auth_check(const struct gitc_auth *a, struct err *err)
{
	if (!a || !a->identity.len)
		return err_code(err, ERR_RETRY, GITC_AUTH_FAILED,
			"ssh wants a private key, 'identity' of a Secret, and there is none");
	if (!a->known_hosts.len)
		return err_code(err, ERR_RETRY, GITC_AUTH_FAILED,
			"ssh wants the host keys, 'known_hosts' of the Secret, and there are none");
	return 0;
}

static void key_start(struct ssh_move *x)
{
	const struct gitc_target *t = &x->l->target;
	struct key_job *j = NEW(struct key_job);

	j->auth = gitc_auth_ref(t->auth);
	j->key_fd = j->hosts_fd = -1;
	x->job = work_start_for(x->l->client->loop, WORK_HEAVY, t->owner, key_run, key_free, j);
	op_then(x->job, key_done, x);
}

/* ---- the link -------------------------------------------------------------------------------- */

static struct ssh_move *move_new(struct ssh_link *l, const struct gitc_move *move)
{
	static const struct op_type type = {"git-ssh", move_cancel, move_free};
	struct ssh_move *x = NEW(struct ssh_move);

	BUG_IF(l->move);
	op_init(&x->op, l->client->loop, &type);
	x->l = l;
	x->m = *move;
	l->link.sent = false;
	timer_init(&x->timer, l->client->loop, move_overdue, x);
	timer_init(&x->rate, l->client->loop, move_window, x);
	l->move = x;
	if (l->wrong.kind != ERR_NONE)
		move_end(x, &l->wrong);
	else
		timer_set(&x->timer, move->time_ms);
	return x;
}

static struct op *ssh_open(struct gitc_link *link, const struct gitc_move *move)
{
	struct ssh_link *l = LINK(link);
	struct ssh_move *x;

	BUG_IF(l->proc);
	if (l->wrong.kind == ERR_NONE && !url_check(l->target.url, &l->wrong))
		(void)auth_check(l->target.auth, &l->wrong);
	x = move_new(l, move);
	if (l->move)
		key_start(x);
	return &x->op;
}

static struct op *ssh_talk(struct gitc_link *link, const struct gitc_move *move)
{
	struct ssh_link *l = LINK(link);
	struct ssh_move *x = move_new(l, move);

	BUG_IF(!l->proc && l->move);
	if (l->move) {
		proc_resume(l->proc);
		link_room(l);
	}
	return &x->op;
}

static void ssh_resume(struct op *op)
{
	struct ssh_move *x = MOVE_OF(op);

	if (!x->paused || x->l->move != x)
		return;
	x->paused = false;
	x->window = 0;
	if (x->m.stream) {
		timer_set(&x->timer, LIMIT_GIT_IDLE_MS);
		timer_set(&x->rate, LIMIT_GIT_RATE_MS);
	}
	if (x->l->proc)
		proc_resume(x->l->proc);
}

static void ssh_link_free(struct gitc_link *link)
{
	struct ssh_link *l = LINK(link);

	BUG_IF(l->move);
	op_drop(l->proc);
	fds_close(l);
	gitc_target_clear(&l->target);
	free(l);
}

struct gitc_link *gitc_ssh_link_new(struct gitc_client *c, const struct gitc_link_req *req)
{
	static const struct gitc_link_type type = {
		.name = "ssh",
		.open = ssh_open,
		.talk = ssh_talk,
		.resume = ssh_resume,
		.free = ssh_link_free,
	};
	struct ssh_link *l = NEW(struct ssh_link);

	l->link.type = &type;
	l->client = c;
	gitc_target_init(&l->target, req->target);
	l->service = req->service;
	l->v2 = req->v2;
	l->key_fd = l->hosts_fd = -1;
	return &l->link;
}
