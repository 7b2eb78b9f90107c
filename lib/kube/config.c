#include "kube/config.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/sys.h"
#include "crypto/pem.h"
#include "http/proxy_env.h"
#include "http/url.h"
#include "text/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_EVERY_MS 60000
#define TRUST_EVERY_MS 10000

/* Wiped before it is freed: it held a token or a key. */
static void config_wipe(struct buf *b)
{
	if (b->p)
		mem_wipe(b->p, b->cap);
	buf_clear(b);
}
#define auto_wipe __attribute__((cleanup(config_wipe)))

void kube_config_free(struct kube_config *cfg)
{
	if (!cfg)
		return;
	if (cfg->server)
		mem_wipe(cfg->server, strlen(cfg->server)); /* its base path may be a secret */
	free(cfg->server);
	free(cfg->host);
	free(cfg->ns);
	free(cfg->token_file);
	free(cfg->ca_file);
	free(cfg->cert_file);
	free(cfg->key_file);
	http_proxy_clear(&cfg->proxy);
	http_trust_clear(&cfg->trust);
	secret_clear(&cfg->basic);
	secret_clear(&cfg->token);
	free(cfg);
}

/* ---- token ----------------------------------------------------------------------------------- */

static int config_read_token(struct kube_config *cfg, struct err *err)
{
	auto_wipe struct buf b = BUF_INIT(LIMIT_KUBE_TOKEN);
	size_t i;

	if (sys_read_file(AT_FDCWD, cfg->token_file, &b, err))
		return -1;
	while (b.len && strchr(" \t\r\n", b.p[b.len - 1]))
		b.p[--b.len] = '\0';
	for (i = 0; i < b.len; i++)
		if (b.p[i] <= ' ' || b.p[i] == 0x7f)
			return err_set(err, ERR_RETRY, "'%s' holds no token", cfg->token_file);
	if (!b.len)
		return err_set(err, ERR_RETRY, "'%s' is empty", cfg->token_file);
	secret_set(&cfg->token, b.p, b.len);
	return 0;
}

const struct secret *kube_config_token(struct kube_config *cfg, bool refused)
{
	struct err ignored = {0};

	/* One small file of a memory file system (a projected volume): quicker to read here than to
	   hand to a worker. */
	if (cfg->token_file && (refused || clock_ms() - cfg->token_read_ms >= TOKEN_EVERY_MS)) {
		cfg->token_read_ms = clock_ms();
		if (config_read_token(cfg, &ignored))
			err_clear(&ignored);
	}
	return cfg->token.len ? &cfg->token : NULL;
}

/* ---- CA, client certificate and key ---------------------------------------------------------- */

static int config_read_ca(struct kube_config *cfg, struct buf *ca, struct err *err)
{
	buf_init(ca, LIMIT_KUBE_PEM);
	if (!cfg->ca_file)
		return 0;
	if (sys_read_file(AT_FDCWD, cfg->ca_file, ca, err))
		return -1;
	return pem_is_whole(ca->p, ca->len)
		? 0
		: err_set(err, ERR_RETRY, "'%s' holds no certificates, or half of one",
			  cfg->ca_file);
}

/* What has no file is what it was: certificate and key are judged, and taken, together. */
static int config_read_pair(
	struct kube_config *cfg, struct buf *cert, struct buf *key, struct err *err)
{
	buf_init(cert, LIMIT_KUBE_PEM);
	buf_init(key, LIMIT_KUBE_PEM);
	if (cfg->cert_file && sys_read_file(AT_FDCWD, cfg->cert_file, cert, err))
		return -1;
	if (cfg->key_file && sys_read_file(AT_FDCWD, cfg->key_file, key, err))
		return -1;
	if (!cfg->cert_file)
		buf_add(cert, cfg->trust.cert_pem.p, cfg->trust.cert_pem.len);
	if (!cfg->key_file)
		buf_add(key, cfg->trust.key_pem.p, cfg->trust.key_pem.len);
	if ((!cfg->cert_file && !cfg->key_file) ||
		pem_is_pair(cert->p, cert->len, key->p, key->len))
		return 0;
	return err_set(err, ERR_RETRY, "'%s' is no certificate of the key '%s'",
		cfg->cert_file ? cfg->cert_file : "client-certificate-data",
		cfg->key_file ? cfg->key_file : "client-key-data");
}

static bool config_differs(const struct buf *b, const char *p, size_t n)
{
	return b->len != n || (n && memcmp(b->p, p, n) != 0);
}

static void config_take_trust(
	struct kube_config *cfg, struct buf *ca, struct buf *cert, struct buf *key)
{
	struct http_trust *t = &cfg->trust;
	bool pair = config_differs(cert, t->cert_pem.p, t->cert_pem.len) ||
		config_differs(key, t->key_pem.p, t->key_pem.len);

	if (cfg->ca_file && config_differs(ca, t->ca_pem.p, t->ca_pem.len)) {
		buf_clear(&t->ca_pem);
		t->ca_pem = *ca;
		*ca = (struct buf){0};
		log_info(NULL, "the API server's CA has changed", LS("file", cfg->ca_file));
	}
	if (!pair)
		return;
	buf_clear(&t->cert_pem);
	t->cert_pem = *cert;
	*cert = (struct buf){0};
	secret_set(&t->key_pem, buf_str(key), key->len);
	log_info(NULL, "the client certificate for the API server has changed");
}

const struct http_trust *kube_config_trust(struct kube_config *cfg)
{
	auto_buf struct buf ca = {0}, cert = {0};
	auto_wipe struct buf key = {0};
	struct err err = {0};
	bool bad;

	if ((!cfg->ca_file && !cfg->cert_file && !cfg->key_file) ||
		clock_ms() - cfg->trust_read_ms < TRUST_EVERY_MS)
		return &cfg->trust;
	cfg->trust_read_ms = clock_ms();
	bad = config_read_ca(cfg, &ca, &err) || config_read_pair(cfg, &cert, &key, &err);
	if (!bad)
		config_take_trust(cfg, &ca, &cert, &key);
	else if (!cfg->trust_bad)
		log_error(NULL, "keeping the old CA and client certificate for the API server",
			LE(&err));
	cfg->trust_bad = bad;
	return &cfg->trust;
}

/* ---- the server's URL ------------------------------------------------------------------------ */

/* The message names the file, never the text: the path may be a secret. */
static int config_set_server(struct kube_config *cfg, const char *text, struct err *err)
{
	auto_buf struct buf server = BUF_INIT(LIMIT_URL), host = BUF_INIT(LIMIT_URL);
	auto_buf struct buf with_scheme = BUF_INIT(LIMIT_URL);
	struct err why = {0};
	struct url u;

	/* kubectl takes a bare HOST:PORT as http. */
	if (!strstr(text, "://"))
		buf_adds(&with_scheme, "http://");
	buf_adds(&with_scheme, text);
	if (url_parse(&u, buf_str(&with_scheme), &why))
		return err_set(err, ERR_STALL, "the cluster's server is not a valid URL");
	if (u.has_user || u.has_query || u.has_fragment) {
		url_clear(&u);
		return err_set(
			err, ERR_STALL, "the cluster's server holds a user, a query or a fragment");
	}
	url_format(&u, &server);
	while (server.len && server.p[server.len - 1] == '/')
		server.p[--server.len] = '\0';
	url_authority(&u, &host);
	if (u.port == (u.https ? 443U : 80U))
		buf_addf(&host, ":%u", u.port);
	url_clear(&u);
	cfg->server = buf_take(&server);
	cfg->host = buf_take(&host);
	return 0;
}

/* ---- the pod's ServiceAccount ---------------------------------------------------------------- */

static int config_read_ns(struct kube_config *cfg, const char *file)
{
	struct buf b = BUF_INIT(1024);
	struct err ignored = {0};

	if (sys_read_file(AT_FDCWD, file, &b, &ignored) || !b.len) {
		buf_clear(&b);
		return -1;
	}
	while (b.len && strchr(" \t\r\n", b.p[b.len - 1]))
		b.p[--b.len] = '\0';
	cfg->ns = buf_take(&b);
	return 0;
}

static int config_in_cluster(struct kube_config *cfg, const char *dir, struct err *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	auto_free char *ca = mem_printf("%s/ca.crt", dir);
	auto_free char *ns = mem_printf("%s/namespace", dir);
	auto_free char *server = NULL;

	if (!host || !*host || !port || !*port)
		return err_set(err, ERR_STALL,
			"no API server is given: use --kubeconfig, set KUBECONFIG, or run in a pod "
			"with a "
			"service account (or without a cluster: --embedded)");
	server = mem_printf(strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, port);
	if (config_set_server(cfg, server, err))
		return err_wrap(err, "KUBERNETES_SERVICE_HOST");
	cfg->token_file = mem_printf("%s/token", dir);
	cfg->token_read_ms = clock_ms();
	if (config_read_token(cfg, err))
		return err_wrap(err, "service account token");
	buf_init(&cfg->trust.ca_pem, LIMIT_KUBE_PEM);
	if (sys_read_file(AT_FDCWD, ca, &cfg->trust.ca_pem, err))
		return err_wrap(err, "service account CA");
	cfg->trust.ca_only = true;
	cfg->ca_file = MOVE(ca);
	if (config_read_ns(cfg, ns))
		cfg->ns = mem_strdup("default");
	return 0;
}

/* ---- kubeconfig ------------------------------------------------------------------------------ */

struct file {
	const char *path;
	json_t *root;
};

struct kubeconfig {
	struct file files[16];
	size_t count;
};

/* A thing of one of the three lists, and the file that names it first. NULL: none does. */
static const json_t *config_named(const struct kubeconfig *k, const char *list, const char *name,
	const char *member, const struct file **from)
{
	json_t *items, *it;
	size_t f, i;

	for (f = 0; f < k->count; f++) {
		items = obj_get(k->files[f].root, list);
		json_array_foreach (items, i, it) {
			if (strcmp(obj_str_or("", it, "name"), name) != 0)
				continue;
			*from = &k->files[f];
			return obj_get(it, member);
		}
	}
	return NULL;
}

static char *config_beside(const struct file *f, const char *path)
{
	const char *slash = strrchr(f->path, '/');

	if (path[0] == '/' || !slash)
		return mem_strdup(path);
	return mem_printf("%.*s/%s", (int)(slash - f->path), f->path, path);
}

/* KEY-data (base64) wins over KEY (a file), as in kubectl; *from is that file, then. 1: found. */
static int config_read_pem(const json_t *o, const struct file *f, const char *key, struct buf *out,
	char **from, struct err *err)
{
	auto_free char *data_key = mem_printf("%s-data", key);
	const char *data = obj_str(o, data_key), *file = obj_str(o, key);
	auto_free char *path = NULL;

	buf_init(out, LIMIT_KUBE_PEM);
	if (data && *data) {
		if (base64_decode(out, data, strlen(data), BASE64_NEWLINES, err))
			return err_wrap(err, "%s", data_key);
		return 1;
	}
	if (!file || !*file)
		return 0;
	path = config_beside(f, file);
	if (sys_read_file(AT_FDCWD, path, out, err))
		return err_wrap(err, "%s", key);
	*from = MOVE(path);
	return 1;
}

static int config_use_cluster(
	struct kube_config *cfg, const json_t *o, const struct file *f, struct err *err)
{
	const char *server = obj_str(o, "server"), *proxy = obj_str(o, "proxy-url");
	const char *name = obj_str(o, "tls-server-name");
	int rc;

	if (!server || !*server)
		return err_set(err, ERR_STALL, "the cluster has no server");
	if (config_set_server(cfg, server, err))
		return -1;
	cfg->trust.insecure = obj_bool(false, o, "insecure-skip-tls-verify");
	rc = config_read_pem(o, f, "certificate-authority", &cfg->trust.ca_pem, &cfg->ca_file, err);
	if (rc < 0)
		return -1;
	if (rc && cfg->trust.insecure)
		return err_set(err, ERR_STALL,
			"insecure-skip-tls-verify and certificate-authority exclude each other");
	cfg->trust.ca_only = rc;
	if (name && *name)
		cfg->trust.server_name = mem_strdup(name);
	if (proxy && *proxy && proxy_parse(&cfg->proxy, proxy, err))
		return err_wrap(err, "proxy-url");
	return 0;
}

static int config_use_key_pair(
	struct kube_config *cfg, const json_t *o, const struct file *f, struct err *err)
{
	auto_wipe struct buf key = {0};
	int cert, has_key;

	cert = config_read_pem(
		o, f, "client-certificate", &cfg->trust.cert_pem, &cfg->cert_file, err);
	if (cert < 0)
		return -1;
	has_key = config_read_pem(o, f, "client-key", &key, &cfg->key_file, err);
	if (has_key < 0)
		return -1;
	if (cert != has_key)
		return err_set(err, ERR_STALL, "client-certificate and client-key need each other");
	if (has_key)
		secret_set(&cfg->trust.key_pem, buf_str(&key), key.len);
	return 0;
}

static int config_use_token(
	struct kube_config *cfg, const json_t *o, const struct file *f, struct err *err)
{
	const char *token = obj_str(o, "token"), *file = obj_str(o, "tokenFile");

	/* kubectl prefers the file, too: the token beside it may be an old copy. */
	if (file && *file) {
		cfg->token_file = config_beside(f, file);
		cfg->token_read_ms = clock_ms();
		return config_read_token(cfg, err) ? err_wrap(err, "tokenFile") : 0;
	}
	if (token && *token)
		secret_set(&cfg->token, token, strlen(token));
	return 0;
}

static int config_use_user(
	struct kube_config *cfg, const json_t *o, const struct file *f, struct err *err)
{
	static const char *const refused[] = {"exec", "auth-provider", "as", "as-uid", "as-groups"};
	const char *user = obj_str(o, "username"), *password = obj_str(o, "password");
	auto_free char *pair = NULL;
	size_t i;

	for (i = 0; i < ARRAY_LEN(refused); i++)
		if (obj_get(o, refused[i]) && !json_is_null(obj_get(o, refused[i])))
			return err_set(err, ERR_STALL,
				"the user asks for '%s', which is not supported: use a token, a "
				"tokenFile or a client certificate",
				refused[i]);
	if (config_use_token(cfg, o, f, err) || config_use_key_pair(cfg, o, f, err))
		return -1;
	if (user && *user) {
		pair = mem_printf("%s:%s", user, password ? password : "");
		secret_set(&cfg->basic, pair, strlen(pair));
		mem_wipe(pair, strlen(pair));
	}
	return 0;
}

static int config_use_context(
	struct kube_config *cfg, const struct kubeconfig *k, const char *context, struct err *err)
{
	const struct file *f = NULL;
	const json_t *ctx, *o;
	const char *name;
	size_t i;

	for (i = 0; i < k->count && (!context || !*context); i++)
		context = obj_str(k->files[i].root, "current-context");
	if (!context || !*context)
		return err_set(err, ERR_STALL, "no current-context is set");
	ctx = config_named(k, "contexts", context, "context", &f);
	if (!ctx)
		return err_set(err, ERR_STALL, "there is no context '%.200s'", context);
	cfg->ns = mem_strdup(obj_str_or("default", ctx, "namespace"));
	name = obj_str_or("", ctx, "cluster");
	o = config_named(k, "clusters", name, "cluster", &f);
	if (!o)
		return err_set(err, ERR_STALL, "there is no cluster '%.200s'", name);
	if (config_use_cluster(cfg, o, f, err))
		return err_wrap(err, "cluster '%.200s'", name);
	name = obj_str_or("", ctx, "user");
	if (!*name)
		return 0;
	f = NULL;
	o = config_named(k, "users", name, "user", &f);
	if (!o && !f)
		return err_set(err, ERR_STALL, "there is no user '%.200s'", name);
	if (o && config_use_user(cfg, o, f, err))
		return err_wrap(err, "user '%.200s'", name);
	return 0;
}

static int config_read_file(struct kubeconfig *k, const char *path, bool must, struct err *err)
{
	auto_wipe struct buf text = BUF_INIT(LIMIT_KUBECONFIG);
	struct err why = {0};
	struct ydocs docs;

	if (k->count == ARRAY_LEN(k->files))
		return err_set(err, ERR_STALL, "KUBECONFIG names more than %zu files", k->count);
	if (sys_read_file(AT_FDCWD, path, &text, &why)) {
		if (!must && why.code == -ENOENT)
			return 0;
		*err = why;
		return -1;
	}
	if (ydocs_parse(&docs, buf_str(&text), text.len, err))
		return err_wrap(err, "%s", path);
	if (docs.count > 1 || (docs.count && !json_is_object(docs.at[0].root))) {
		ydocs_clear(&docs);
		return err_set(err, ERR_STALL, "'%s' is not a kubeconfig", path);
	}
	if (docs.count) {
		k->files[k->count].path = path;
		k->files[k->count++].root = MOVE(docs.at[0].root);
	}
	ydocs_clear(&docs);
	return 0;
}

static int config_from_files(
	struct kube_config *cfg, const struct kube_config_opts *opts, struct err *err)
{
	bool flag = opts->kubeconfig && *opts->kubeconfig;
	auto_free char *list = mem_strdup(flag ? opts->kubeconfig : opts->env);
	struct kubeconfig k = {0};
	char *path = list, *rest = NULL;
	int rc = 0;
	size_t i;

	for (; path && !rc; path = rest) {
		rest = flag ? NULL : strchr(path, ':');
		if (rest)
			*rest++ = '\0';
		if (*path)
			rc = config_read_file(&k, path, flag, err);
	}
	if (!rc)
		rc = config_use_context(cfg, &k, opts->context, err);
	if (rc && k.count == 1 && !strstr(err->msg, k.files[0].path))
		err_wrap(err, "%s", k.files[0].path);
	for (i = 0; i < k.count; i++)
		json_decref(k.files[i].root);
	return rc;
}

struct kube_config *kube_config_load(const struct kube_config_opts *opts, struct err *err)
{
	struct kube_config *cfg = NEW(struct kube_config);
	const char *dir = opts->service_account_dir;
	bool files = (opts->kubeconfig && *opts->kubeconfig) || (opts->env && *opts->env);
	int rc;

	if (files)
		rc = config_from_files(cfg, opts, err);
	else
		rc = config_in_cluster(cfg, dir ? dir : KUBE_SERVICE_ACCOUNT_DIR, err);
	if (rc) {
		kube_config_free(cfg);
		return NULL;
	}
	cfg->trust_read_ms = clock_ms();
	return cfg;
}
