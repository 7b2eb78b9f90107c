#include "embedded/embedded.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "crypto/rand.h"
#include "embedded/api.h"
#include "embedded/chain.h"
#include "embedded/crds.h"
#include "embedded/files.h"
#include "embedded/janitor.h"
#include "embedded/kind.h"
#include "embedded/objects.h"
#include "embedded/watch.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "ev/sock.h"
#include "http/server.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SECRET_BYTES 32

struct embedded {
	struct loop *loop;
	struct emb_kinds *kinds;
	struct emb_db *db;
	struct emb_chain *chain;
	struct emb_history *history;
	struct emb_janitor *janitor;
	struct emb_files *files;
	struct http_server *server;
	struct emb_api api;
	char prefix[2 + 2 * SECRET_BYTES];
	char *kubeconfig;
	/* stopping */
	struct op op;
	struct op *drain;
	bool is_stopping;
};

/* Loopback only: the secret path is no protection against who can read the network. */
static int check_address(const char *address, struct err *err)
{
	char host[SOCK_NAME_MAX];
	unsigned port;

	if (sock_split(address, host, &port, err))
		return -1;
	if (!strncmp(host, "127.", 4) || !strcmp(host, "::1"))
		return 0;
	return err_set(err, ERR_STALL, "it listens on loopback only, not on '%s'", address);
}

/* What kubectl and the controller read. It is as good as a password: 0600, written whole. */
static int write_kubeconfig(struct embedded *e, const char *dir, struct err *err)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_KIB * 4);
	auto_fd int fd = sys_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return err_sys(err, "open '%s'", dir);
	buf_addf(&b,
		"apiVersion: v1\nkind: Config\ncurrent-context: embedded\n"
		"clusters:\n- name: embedded\n  cluster:\n    server: http://%s%s\n"
		"contexts:\n- name: embedded\n  context:\n    cluster: embedded\n    user: "
		"embedded\n    namespace: default\n"
		"users:\n- name: embedded\n  user: {}\n",
		http_server_address(e->server), e->prefix);
	if (sys_write_file(fd, "kubeconfig", b.p, b.len, 0600, false, err))
		return err_wrap(err, "'%s'", dir);
	mem_wipe(b.p, b.len);
	return 0;
}

static int open_state(struct embedded *e, const char *dir, struct err *err)
{
	auto_free char *path = mem_printf("%s/embedded.db", dir);
	mode_t before;

	if (sys_mkdir_all(dir, 0700, err))
		return -1;
	/* The database holds Secrets. */
	before = umask(0077);
	e->db = emb_db_open(path, err);
	umask(before);
	return e->db ? 0 : -1;
}

static int embedded_serve(
	struct embedded *e, const char *address, unsigned connections, struct err *err)
{
	struct http_server_opts opts = {
		.name = "embedded-api",
		.address = address,
		.handler = emb_api_handle,
		.arg = &e->api,
		.max_body = LIMIT_REQUEST_BODY,
		.max_connections = connections,
		/* All of this machine's programs come from one address. */
		.max_per_peer = LIMIT_CONNECTIONS,
	};

	e->prefix[0] = '/';
	rand_hex(e->prefix + 1, SECRET_BYTES);
	e->server = http_server_new(e->loop, &opts, err);
	if (!e->server)
		return err_wrap(err, "--embedded-addr");
	e->api = (struct emb_api){
		.db = e->db,
		.kinds = e->kinds,
		.chain = e->chain,
		.history = e->history,
		.prefix = e->prefix,
		.address = http_server_address(e->server),
	};
	return 0;
}

struct embedded *embedded_start(const struct embedded_opts *opts, struct err *err)
{
	struct embedded *e = NEW(struct embedded);

	e->loop = opts->loop;
	e->kubeconfig = mem_printf("%s/kubeconfig", opts->state_dir);
	if (check_address(opts->address, err))
		goto fail;
	e->kinds = emb_kinds_new(embedded_crds, err);
	if (!e->kinds || open_state(e, opts->state_dir, err))
		goto fail;
	e->chain = emb_chain_new(e->loop);
	e->history = emb_history_new(e->loop, emb_db_version(e->db));
	if (embedded_serve(e, opts->address, opts->max_connections, err) ||
		write_kubeconfig(e, opts->state_dir, err))
		goto fail;
	e->janitor = emb_janitor_new(e->loop, e->db, e->kinds, e->chain, e->history);
	if (opts->files_dir)
		e->files = emb_files_new(
			e->loop, opts->files_dir, e->db, e->kinds, e->chain, e->history);
	log_info(NULL, "embedded API is ready", LS("kubeconfig", e->kubeconfig));
	return e;
fail:
	err_wrap(err, "embedded API");
	embedded_free(e);
	return NULL;
}

const char *embedded_kubeconfig(const struct embedded *e)
{
	return e->kubeconfig;
}

const char *embedded_address(const struct embedded *e)
{
	return http_server_address(e->server);
}

const struct http_server *embedded_server(const struct embedded *e)
{
	return e->server;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void stop_nothing(struct op *op)
{
	(void)op; /* it ends soon by itself: the drain has a limit */
}

static void stop_free(struct op *op)
{
	(void)op; /* part of struct embedded */
}

/* The last job of the chain: nobody else can add one any more. */
static void last_run(void *arg)
{
	(void)arg;
}

static void last_done(void *arg)
{
	struct embedded *e = arg;

	op_finish(&e->op);
}

static void embedded_drained(struct op *op, void *arg)
{
	struct embedded *e = arg;

	e->drain = NULL;
	op_free(op);
	emb_chain_add(e->chain, last_run, last_done, e);
}

static void files_stopped(struct op *op, void *arg)
{
	struct embedded *e = arg;

	(void)op;
	if (e->drain->done)
		embedded_drained(e->drain, e);
	else
		op_then(e->drain, embedded_drained, e);
}

struct op *embedded_stop(struct embedded *e, unsigned grace_ms)
{
	static const struct op_type type = {"embedded-stop", stop_nothing, stop_free};

	BUG_IF(e->is_stopping);
	e->is_stopping = true;
	op_init(&e->op, e->loop, &type);
	emb_janitor_free(MOVE(e->janitor));
	emb_history_stop(e->history);
	e->drain = http_server_drain(e->server, grace_ms);
	if (e->files)
		op_then(emb_files_stop(e->files), files_stopped, e);
	else
		op_then(e->drain, embedded_drained, e);
	return &e->op;
}

void embedded_free(struct embedded *e)
{
	if (!e)
		return;
	emb_janitor_free(e->janitor);
	emb_files_free(e->files);
	http_server_free(e->server);
	emb_chain_free(e->chain);
	emb_history_free(e->history);
	emb_db_close(e->db);
	emb_kinds_free(e->kinds);
	free(e->kubeconfig);
	mem_wipe(e->prefix, sizeof(e->prefix));
	free(e);
}
