#include "http/secret.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "crypto/pem.h"
#include "http/client.h"
#include "http/proxy_env.h"

#include <string.h>

/* ---- certificates ---------------------------------------------------------------------------- */

/* The value under the new name, or under the old one where the new one is not there. Empty:
   none. */
static int value_read(
	const json_t *secret, const char *name, const char *old, struct buf *out, struct err *err)
{
	const char *text = obj_str(secret, "data", name);

	if (!text && old) {
		text = obj_str(secret, "data", old);
		name = old;
	}
	if (!text)
		return 0;
	if (base64_decode(out, text, strlen(text), BASE64_NEWLINES, err))
		return err_wrap(err, "key '%s'", name);
	return 0;
}

static void bytes_wipe(struct buf *b)
{
	if (b->p)
		mem_wipe(b->p, b->cap);
	buf_clear(b);
}

static int ca_add(struct http_trust *t, const struct buf *ca, struct err *err)
{
	size_t added = 0;

	if (!ca->len)
		return 0;
	t->ca_pem.max = LIMIT_PULL_SECRET_KEPT;
	if (pem_add_certs(&t->ca_pem, ca->p, ca->len, &added))
		return err_set(err, ERR_RETRY, "'ca.crt' has certificates of more than %llu bytes",
			LIMIT_PULL_SECRET_KEPT);
	if (!added)
		return err_set(err, ERR_RETRY, "failed to parse CA certificate: 'ca.crt' has none");
	return 0;
}

static int pair_add(
	struct http_trust *t, const struct buf *cert, const struct buf *key, struct err *err)
{
	if (!cert->len && !key->len)
		return 0;
	if (!cert->len || !key->len)
		return err_set(err, ERR_RETRY, "contains '%s' but missing '%s'",
			cert->len ? "tls.crt" : "tls.key", cert->len ? "tls.key" : "tls.crt");
	if (cert->len + key->len > LIMIT_PULL_SECRET_KEPT)
		return err_set(err, ERR_RETRY, "'tls.crt' and 'tls.key' have more than %llu bytes",
			LIMIT_PULL_SECRET_KEPT);
	if (!pem_is_pair(cert->p, cert->len, key->p, key->len))
		return err_set(err, ERR_RETRY,
			"failed to parse TLS certificate and key: 'tls.crt' is no certificate, or "
			"'tls.key' is not its key (or has a passphrase)");
	t->cert_pem = BUF_INIT(LIMIT_PULL_SECRET_KEPT);
	buf_add(&t->cert_pem, cert->p, cert->len);
	secret_set(&t->key_pem, key->p, key->len);
	return 0;
}

int http_trust_of_secret(struct http_trust *t, const json_t *secret, bool *any, struct err *err)
{
	struct buf ca = BUF_INIT(LIMIT_PULL_SECRET), cert = ca, key = ca;
	int rc = value_read(secret, "ca.crt", "caFile", &ca, err) ||
		value_read(secret, "tls.crt", "certFile", &cert, err) ||
		value_read(secret, "tls.key", "keyFile", &key, err);

	*any = ca.len || cert.len || key.len;
	rc = rc || ca_add(t, &ca, err) || pair_add(t, &cert, &key, err);
	bytes_wipe(&key);
	buf_clear(&cert);
	buf_clear(&ca);
	return rc ? -1 : 0;
}

/* ---- proxy ----------------------------------------------------------------------------------- */

#define PROXY_ADDRESS_MAX 2048

static int address_check(const json_t *secret, const struct buf *address, struct err *err)
{
	static const char *const schemes[] = {"http://", "https://", "socks5://"};
	const char *text = buf_str(address);
	size_t i;

	if (!obj_str(secret, "data", "address"))
		return err_set(err, ERR_RETRY, "key 'address' not found");
	if (!address->len)
		return err_set(err, ERR_RETRY, "proxy address is empty");
	if (address->len > PROXY_ADDRESS_MAX)
		return err_set(err, ERR_RETRY, "proxy URL exceeds maximum length of %d characters",
			PROXY_ADDRESS_MAX);
	if (strlen(text) != address->len)
		return err_set(err, ERR_RETRY, "proxy address holds a NUL byte");
	for (i = 0; i < ARRAY_LEN(schemes); i++)
		if (!strncasecmp(text, schemes[i], strlen(schemes[i])))
			return 0;
	return err_set(err, ERR_RETRY,
		"proxy URL must use one of the supported schemes (http, https, socks5), got '%.*s'",
		strstr(text, "://") ? (int)(strstr(text, "://") - text) % 32 : 0, text);
}

int http_proxy_of_secret(struct http_proxy *p, const json_t *secret, struct err *err)
{
	struct buf address = BUF_INIT(LIMIT_PULL_SECRET), user = address, password = address;
	int rc = value_read(secret, "address", NULL, &address, err) ||
		value_read(secret, "username", NULL, &user, err) ||
		value_read(secret, "password", NULL, &password, err) ||
		address_check(secret, &address, err) || proxy_parse(p, buf_str(&address), err);

	if (!rc && user.len + password.len > PROXY_ADDRESS_MAX)
		rc = err_set(err, ERR_RETRY, "'username' and 'password' have more than %d bytes",
			PROXY_ADDRESS_MAX);
	if (!rc && user.len) {
		free(p->user);
		p->user = mem_strndup(user.p, user.len);
		secret_set(&p->password, password.p ? password.p : "", password.len);
	}
	bytes_wipe(&address);
	bytes_wipe(&password);
	buf_clear(&user);
	return rc ? -1 : 0;
}
