/*
 * A small Kubernetes API on loopback, in the process: what `--embedded` runs instead of a cluster
 * (docs/embedded-api.md says what it can and what it leaves out). It serves the kinds of
 * deploy/crds, Secret, Namespace and Event to kubectl and to the controller, which reaches it over
 * HTTP like any API server, through the kubeconfig that is written here; nothing else in the
 * program knows.
 *
 * State is one SQLite database in state_dir; one process at a time may use it. A folder of
 * manifests (files_dir) is kept applied.
 *
 *	struct embedded *e = embedded_start(&(struct embedded_opts){.loop = l, ...}, &err);
 *	kube_config_file(embedded_kubeconfig(e)) ...
 *	op_then(embedded_stop(e), stopped, me);      at the end; then embedded_free(e)
 *
 * Loop thread. All calls of the database run on workers, one after another.
 */
#ifndef EMBEDDED_EMBEDDED_H
#define EMBEDDED_EMBEDDED_H
#include "base/err.h"

struct loop;
struct op;
struct http_server;
struct embedded;

struct embedded_opts {
	struct loop *loop;
	const char *state_dir; /* made if missing (0700): embedded.db and kubeconfig */
	const char *files_dir; /* manifests to keep applied, or NULL */
	const char *address; /* a loopback address with port, 127.0.0.1:0 */
	unsigned max_connections; /* of its server; 0: LIMIT_CONNECTIONS */
};

/* Opens the database, listens, writes the kubeconfig (0600, atomically) with a new secret path.
   Blocks for that moment. Strings are copied. NULL with *err filled: the directory is not writable,
   another process uses it, the address is not loopback or taken, ... */
struct embedded *embedded_start(const struct embedded_opts *opts, struct err *err) must_check;
/* The path of the kubeconfig. Borrowed. */
const char *embedded_kubeconfig(const struct embedded *e);
/* "127.0.0.1:41234". Borrowed. */
const char *embedded_address(const struct embedded *e);
/* For its counters. Borrowed. */
const struct http_server *embedded_server(const struct embedded *e);
/* Ends watches, lets running requests finish (at most grace_ms), then the op is done and
   embedded_free may be called. Once. The op is part of the struct: op_free it or not, it does
   nothing. */
struct op *embedded_stop(struct embedded *e, unsigned grace_ms);
/* NULL is fine; otherwise the op of embedded_stop must be done. */
void embedded_free(struct embedded *e);

#endif
