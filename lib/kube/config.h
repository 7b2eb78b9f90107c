/*
 * How to reach an API server and as whom: from the pod's ServiceAccount, or from a kubeconfig. The
 * embedded API is reached through the kubeconfig that it writes into its state directory, like any
 * other.
 *
 *	struct kube_config *cfg = kube_config_load(&(struct kube_config_opts){
 *		.kubeconfig = flag, .env = getenv("KUBECONFIG")}, &err);
 *	if (!cfg)
 *		return err_wrap(&err, "connect to Kubernetes");
 *	client = kube_client_new(loop, MOVE(cfg), &opts);        (takes it over)
 *
 * Order: opts.kubeconfig; opts.env (KUBECONFIG: files separated by ':', merged as kubectl does: the
 * first to name a thing wins, files that do not exist are skipped); the ServiceAccount directory,
 * when KUBERNETES_SERVICE_HOST is set. Nothing else: no ~/.kube/config, a daemon that picks up
 * somebody's personal cluster by accident does harm.
 *
 * Understood of a kubeconfig: current-context, clusters (server with a base path,
 * certificate-authority(-data), insecure-skip-tls-verify, tls-server-name, proxy-url), users
 * (token, tokenFile, client-certificate(-data), client-key(-data), username and password), contexts
 * (cluster, user, namespace). exec and auth-provider are refused by name; impersonation too.
 * Relative file names are relative to the kubeconfig that holds them. disable-compression changes
 * nothing: we never ask for any.
 *
 * Reads files while it is called: at the start of the process, before the loop runs; token, CA,
 * client certificate and key again when their files change. The kubeconfig itself is read once.
 * Loop thread.
 */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H
#include "base/err.h"
#include "base/secret.h"
#include "http/client.h"

#define KUBE_SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

struct kube_config_opts {
	const char *kubeconfig; /* --kubeconfig; NULL or "": not given */
	const char *env; /* the value of KUBECONFIG */
	const char *context; /* instead of current-context; NULL: that */
	const char *service_account_dir; /* NULL: KUBE_SERVICE_ACCOUNT_DIR */
};

struct kube_config {
	/* "https://10.0.0.1:443" or "http://127.0.0.1:1234/secret/base"; no slash at the end */
	char *server;
	char *host; /* "10.0.0.1:443": the form for logs and metrics, without the base path */
	char *ns; /* the context's or pod's namespace; "default" if neither says */
	struct http_trust trust; /* kept fresh by kube_config_trust */
	char *ca_file, *cert_file, *key_file; /* NULL: it is fixed */
	uint64_t trust_read_ms; /* clock_ms() of the last look at them */
	bool trust_bad; /* that look found something that cannot be used */
	struct http_proxy proxy;
	struct secret basic; /* "user:password" */
	struct secret token; /* kept fresh by kube_config_token */
	char *token_file; /* NULL: the token is fixed */
	uint64_t token_read_ms; /* clock_ms() of the last look at the file */
};

/* NULL with *err filled. */
struct kube_config *kube_config_load(
	const struct kube_config_opts *opts, struct err *err) must_check;
void kube_config_free(struct kube_config *cfg); /* NULL is fine */

/* The token to send now, or NULL when there is none. A token file is read again when the last look
   is a minute old, or at once with `refused` (the server said 401): a kubelet replaces it long
   before it expires. A file that cannot be read leaves the old token. */
const struct secret *kube_config_token(struct kube_config *cfg, bool refused);

/* Whom to trust and as whom to appear, on a connection that is made now. The files are read again
   when the last look is ten seconds old. What is missing, half written, or a certificate beside
   another one's key leaves all as it was, and is logged once. */
const struct http_trust *kube_config_trust(struct kube_config *cfg);

#endif
