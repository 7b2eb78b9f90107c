#include "serve/urls.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/hmac.h"
#include "ev/reread.h"

#include <string.h>

#define ELEMENT_LEN 64

struct secrets {
	unsigned n; /* 0: there are none */
	struct secret line[LIMIT_URL_SECRETS];
};

struct serve_urls {
	struct secrets secrets;
};

/* ---- the file -------------------------------------------------------------------------------- */

static void secrets_clear(struct secrets *s)
{
	while (s->n)
		secret_clear(&s->line[--s->n]);
}

static void secrets_free(void *value)
{
	struct secrets *s = value;

	if (s)
		secrets_clear(s);
	free(s);
}

static int secrets_add(
	struct secrets *s, const char *line, size_t len, unsigned number, struct err *err)
{
	if (len && line[len - 1] == '\r')
		len--;
	if (!len)
		return 0;
	if (len < LIMIT_URL_SECRET_MIN || memchr(line, '\0', len))
		return err_set(err, ERR_STALL,
			"line %u is no secret: it must have at least %d characters", number,
			LIMIT_URL_SECRET_MIN);
	if (s->n == LIMIT_URL_SECRETS)
		return err_set(err, ERR_STALL, "there are more than %d secrets", LIMIT_URL_SECRETS);
	secret_set(&s->line[s->n++], line, len);
	return 0;
}

static void *secrets_read(const char *text, size_t len, struct err *err)
{
	struct secrets *s = NEW(struct secrets);
	const char *at = text, *end = text + len;
	unsigned number = 0;
	int rc = 0;

	while (!rc && at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		const char *to = lf ? lf : end;

		rc = secrets_add(s, at, (size_t)(to - at), ++number, err);
		at = to + 1;
	}
	if (!rc && !s->n)
		rc = err_set(err, ERR_STALL, "there is no secret");
	if (!rc)
		return s;
	secrets_free(s);
	return NULL;
}

static void secrets_take(void *arg, void *value)
{
	struct serve_urls *u = arg;
	struct secrets *s = value;

	secrets_clear(&u->secrets);
	u->secrets = *s;
	free(s);
}

struct reread *serve_urls_file(
	struct loop *l, struct serve_urls *u, const char *file, struct err *err)
{
	return reread_new(&(struct reread_opts){.loop = l,
				  .path = file,
				  .name = "url-secret",
				  .max = LIMIT_URL_SECRET_FILE,
				  .read = secrets_read,
				  .free = secrets_free,
				  .take = secrets_take,
				  .arg = u},
		err);
}

/* ---- the element ----------------------------------------------------------------------------- */

static void element_of(const struct secret *s, const char *path, char out[DIGEST_HEX_MAX])
{
	struct digest mac;

	hmac_sha256(&mac, s->p, s->len, path, strlen(path));
	digest_hex(&mac, out);
}

static bool element_is(const struct secret *s, const char *path, const char *element)
{
	char want[DIGEST_HEX_MAX], got[ELEMENT_LEN];

	element_of(s, path, want);
	memcpy(got, element, ELEMENT_LEN);
	return secret_equal(&(struct secret){.p = want, .len = ELEMENT_LEN},
		&(struct secret){.p = got, .len = ELEMENT_LEN});
}

bool serve_urls_secret(const struct serve_urls *u)
{
	return u->secrets.n;
}

char *serve_urls_path(const struct serve_urls *u, const char *path, char out[SERVE_URL_PATH_MAX])
{
	char element[DIGEST_HEX_MAX];

	if (u->secrets.n) {
		element_of(&u->secrets.line[0], path, element);
		snprintf(out, SERVE_URL_PATH_MAX, "%s/%s", element, path);
	} else {
		snprintf(out, SERVE_URL_PATH_MAX, "%s", path);
	}
	return out;
}

const char *serve_urls_open(const struct serve_urls *u, const char *asked)
{
	const char *path = asked + ELEMENT_LEN + 1;
	bool opens = false;
	unsigned i;

	if (!u->secrets.n)
		return asked;
	if (strnlen(asked, ELEMENT_LEN + 1) <= ELEMENT_LEN || path[-1] != '/')
		return NULL;
	for (i = 0; i < u->secrets.n; i++)
		opens |= element_is(&u->secrets.line[i], path, asked);
	return opens ? path : NULL;
}

/* "…/<element>/<path>", whosesoever the element is: whatever stands before "/<path>" ends with it. */
static bool has_element(const char *url, size_t before)
{
	size_t i;

	if (before <= ELEMENT_LEN || url[before - ELEMENT_LEN - 1] != '/')
		return false;
	for (i = before - ELEMENT_LEN; i < before; i++)
		if (!ascii_is_hex(url[i]))
			return false;
	return true;
}

bool serve_urls_current(const struct serve_urls *u, const char *url, const char *path)
{
	char want[SERVE_URL_PATH_MAX];
	size_t n = strlen(url), len = strlen(serve_urls_path(u, path, want));

	if (n <= len || url[n - len - 1] != '/' || strcmp(url + n - len, want) != 0)
		return false;
	return u->secrets.n || !has_element(url, n - len - 1);
}

struct serve_urls *serve_urls_new(void)
{
	return NEW(struct serve_urls);
}

void serve_urls_free(struct serve_urls *u)
{
	if (u)
		secrets_clear(&u->secrets);
	free(u);
}
