/*
 * The CAs of the system, where Go looks for them: one bundle file and all files of some folders,
 * each replaced by its own variable. What curl and OpenSSL can read by themselves is left to them:
 * a folder with c_rehash's links costs a tenth of the CPU and memory of a bundle for each new
 * connection. Files that no such link leads to are read here, into one text.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "crypto/pem.h"
#include "http/client_internal.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LOOK_EVERY_MS 10000

static const char *const default_dirs[] = {"/etc/ssl/certs", "/etc/pki/tls/certs"};
static const char *const default_files[] = {"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/cacert.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem"};

struct loose {
	char *path;
	ino_t ino;
};

/* What one look at the folders finds. */
struct found {
	struct http_cas *to;
	struct buf paths;
	VEC(struct loose) loose;
	bool default_hashed;
	size_t files;
};

static void stamp_of(struct http_ca_stamp *s, const char *path)
{
	struct stat st;

	*s = (struct http_ca_stamp){.path = s->path};
	if (stat(path, &st))
		return;
	s->ino = st.st_ino;
	s->size = st.st_size;
	s->mtime = st.st_mtim;
}

static void cas_watch(struct http_cas *c, const char *path)
{
	struct http_ca_stamp *s = vec_add(&c->stamps);

	s->path = mem_strdup(path);
	stamp_of(s, path);
}

static bool is_one_of(const char *path, const char *const *paths, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(path, paths[i]))
			return true;
	return false;
}

static bool is_default_dir(const char *path)
{
	return is_one_of(path, default_dirs, ARRAY_LEN(default_dirs));
}

static bool is_default_file(const char *path)
{
	return is_one_of(path, default_files, ARRAY_LEN(default_files));
}

/* ---- folders --------------------------------------------------------------------------------- */

/* c_rehash's names: 8 hex digits, a dot, a number. */
static bool is_hash_name(const char *s)
{
	return strspn(s, "0123456789abcdef") == 8 && s[8] == '.' && isdigit((unsigned char)s[9]);
}

/* The regular files of a folder, links followed: true when there was one that OpenSSL finds by
   itself. */
static bool cas_scan(struct found *f, const char *dir)
{
	VEC(ino_t) hashed = {0};
	size_t first = f->loose.len, i, k;
	DIR *d = sys_fdopendir(sys_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0));
	const struct dirent *e;
	struct stat st;
	bool any;

	while (d && (e = sys_readdir(d)) && f->files < LIMIT_CA_FILES) {
		if (fstatat(dirfd(d), e->d_name, &st, 0) || !S_ISREG(st.st_mode))
			continue;
		f->files++;
		if (is_hash_name(e->d_name))
			*vec_add(&hashed) = st.st_ino;
		else
			*vec_add(&f->loose) =
				(struct loose){mem_printf("%s/%s", dir, e->d_name), st.st_ino};
	}
	if (d)
		closedir(d);
	any = hashed.len;
	for (i = k = first; i < f->loose.len; i++) {
		struct loose *l = &f->loose.p[i];
		/* In a hashed folder of the system the bundle has the same certificates once
		   more. */
		bool known = any && is_default_file(l->path);
		size_t h;

		for (h = 0; h < hashed.len && !known; h++)
			known = hashed.p[h] == l->ino;
		if (known)
			free(l->path);
		else
			f->loose.p[k++] = *l;
	}
	f->loose.len = k;
	vec_clear(&hashed);
	return any;
}

static void cas_add_dir(struct found *f, const char *dir)
{
	cas_watch(f->to, dir);
	if (!cas_scan(f, dir))
		return;
	f->default_hashed = f->default_hashed || is_default_dir(dir);
	buf_addf(&f->paths, f->paths.len ? ":%s" : "%s", dir);
}

static void cas_add_dirs(struct found *f)
{
	const char *env = getenv("SSL_CERT_DIR");
	auto_free char *list = mem_strdup(env);
	char *rest = list, *dir;
	size_t i;

	if (env && *env) {
		while ((dir = strsep(&rest, ":")))
			if (*dir)
				cas_add_dir(f, dir);
		return;
	}
	for (i = 0; i < ARRAY_LEN(default_dirs); i++)
		cas_add_dir(f, default_dirs[i]);
}

/* ---- the bundle ------------------------------------------------------------------------------ */

/* The system's own folder, when it is hashed, stands for the system's own bundle. */
static const char *stands_for_bundle(void)
{
	struct http_cas none = {0};
	struct found f = {.to = &none};
	const char *found = NULL;
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(default_dirs) && !found; i++) {
		if (cas_scan(&f, default_dirs[i]))
			found = default_dirs[i];
		for (k = 0; k < f.loose.len; k++)
			free(f.loose.p[k].path);
		f.loose.len = 0;
	}
	vec_clear(&f.loose);
	return found;
}

static void cas_add_bundle(struct found *f)
{
	const char *env = getenv("SSL_CERT_FILE"), *file = env && *env ? env : NULL, *dir;
	size_t i;

	for (i = 0; i < ARRAY_LEN(default_files) && !file; i++)
		if (!access(default_files[i], R_OK))
			file = default_files[i];
	if (!file)
		return;
	cas_watch(f->to, file);
	if (!is_default_file(file)) {
		/* One that is not there is passed over, as Go does it; curl would not. */
		f->to->file = access(file, R_OK) ? NULL : mem_strdup(file);
		return;
	}
	if (f->default_hashed)
		return;
	dir = stands_for_bundle();
	if (dir)
		buf_addf(&f->paths, f->paths.len ? ":%s" : "%s", dir);
	else
		f->to->file = mem_strdup(file);
}

/* ---- loose files ----------------------------------------------------------------------------- */

static void cas_add_file(struct buf *to, const char *path)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_CA_PEM);
	struct err err = {0};

	if (sys_read_file(AT_FDCWD, path, &text, &err))
		log_debug(NULL, "a file in a folder of CAs is not read", LE(&err));
	else if (pem_add_certs(to, buf_str(&text), text.len, NULL))
		log_error(NULL, "the folders hold more CAs than are taken", LS("file", path));
}

/* curl takes one text, or one file: with loose certificates the bundle goes into the text. */
static void cas_read_loose(struct found *f)
{
	struct buf pem = BUF_INIT(LIMIT_CA_PEM);
	size_t i, of_bundle;

	if ((f->loose.len || f->to->own.len) && f->to->file)
		cas_add_file(&pem, f->to->file);
	of_bundle = pem.len;
	for (i = 0; i < f->loose.len; i++) {
		cas_watch(f->to, f->loose.p[i].path);
		cas_add_file(&pem, f->loose.p[i].path);
	}
	if (f->to->own.len) {
		pem.max += f->to->own.len;
		buf_add(&pem, f->to->own.p, f->to->own.len);
	}
	if (pem.len == of_bundle) {
		buf_clear(&pem);
		return;
	}
	f->to->pem = NEW(struct http_ca_pem);
	f->to->pem->refs = 1;
	f->to->pem->text = pem;
}

/* ---- all of it ------------------------------------------------------------------------------- */

void http_ca_pem_unref(struct http_ca_pem *p)
{
	if (!p || --p->refs)
		return;
	buf_clear(&p->text);
	free(p);
}

/* All but `own`, which no file of the system changes. */
static void cas_forget(struct http_cas *c)
{
	struct http_ca_stamp *s;

	vec_each (&c->stamps, s)
		free(s->path);
	vec_clear(&c->stamps);
	free(c->paths);
	free(c->file);
	http_ca_pem_unref(c->pem);
	c->paths = c->file = NULL;
	c->pem = NULL;
}

void http_cas_clear(struct http_cas *c)
{
	cas_forget(c);
	buf_clear(&c->own);
}

void http_cas_init(struct http_cas *c)
{
	struct found f = {.to = c, .paths = BUF_INIT(BUF_ANY)};
	size_t i;

	cas_add_dirs(&f);
	cas_add_bundle(&f);
	cas_read_loose(&f);
	c->paths = f.paths.len ? buf_take(&f.paths) : NULL;
	c->looked_ms = clock_ms();
	for (i = 0; i < f.loose.len; i++)
		free(f.loose.p[i].path);
	vec_clear(&f.loose);
}

static bool stamp_same(const struct http_ca_stamp *a, const struct http_ca_stamp *b)
{
	return a->ino == b->ino && a->size == b->size && a->mtime.tv_sec == b->mtime.tv_sec &&
		a->mtime.tv_nsec == b->mtime.tv_nsec;
}

static void cas_again(struct http_cas *c)
{
	cas_forget(c);
	http_cas_init(c);
	c->changed_ms = clock_ms();
}

void http_cas_use(struct http_cas *c, const struct buf *pem)
{
	buf_clear(&c->own);
	buf_init(&c->own, BUF_ANY);
	buf_add(&c->own, pem->p, pem->len);
	cas_again(c);
}

bool http_cas_look(struct http_cas *c)
{
	uint64_t now = clock_ms();
	const struct http_ca_stamp *s;
	bool changed = false;

	if (now - c->looked_ms < LOOK_EVERY_MS)
		return false;
	c->looked_ms = now;
	vec_each (&c->stamps, s) {
		struct http_ca_stamp seen = {0};

		stamp_of(&seen, s->path);
		changed = changed || !stamp_same(&seen, s);
	}
	if (!changed)
		return false;
	cas_again(c);
	return true;
}
