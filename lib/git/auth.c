#include "git/auth.h"

#include "base/err.h"
#include "base/mem.h"

#include <string.h>

struct gitc_auth *gitc_auth_new(void)
{
	struct gitc_auth *a = NEW(struct gitc_auth);

	a->refs = 1;
	a->known_hosts.max = BUF_ANY;
	a->trust.ca_pem.max = a->trust.cert_pem.max = BUF_ANY;
	return a;
}

/* The length first, so that no two lists of parts are the same bytes. */
static void add_part(struct digest_ctx *h, const void *p, size_t n)
{
	uint64_t len = n;

	digest_update(h, &len, sizeof(len));
	if (n)
		digest_update(h, p, n);
}

static void add_text(struct digest_ctx *h, const char *s)
{
	add_part(h, s, s ? strlen(s) : 0);
}

static void add_secret(struct digest_ctx *h, const struct secret *s)
{
	add_part(h, s->p, s->len);
}

void gitc_auth_seal(struct gitc_auth *a)
{
	auto_digest_ctx struct digest_ctx h = {0};
	unsigned char flags =
		(unsigned char)(a->trust.ca_only | a->trust.insecure << 1 | a->proxy.none << 2);

	digest_ctx_init(&h, DIGEST_SHA256);
	add_secret(&h, &a->basic);
	add_secret(&h, &a->bearer);
	add_part(&h, a->trust.ca_pem.p, a->trust.ca_pem.len);
	add_part(&h, a->trust.cert_pem.p, a->trust.cert_pem.len);
	add_secret(&h, &a->trust.key_pem);
	add_text(&h, a->trust.server_name);
	add_text(&h, a->proxy.url);
	add_text(&h, a->proxy.user);
	add_secret(&h, &a->proxy.password);
	add_part(&h, &flags, 1);
	add_secret(&h, &a->identity);
	add_secret(&h, &a->passphrase);
	add_part(&h, a->known_hosts.p, a->known_hosts.len);
	digest_final(&h, &a->fingerprint);
}

struct gitc_auth *gitc_auth_ref(struct gitc_auth *a)
{
	if (a)
		a->refs++;
	return a;
}

void gitc_auth_unref(struct gitc_auth *a)
{
	if (!a || --a->refs)
		return;
	secret_clear(&a->basic);
	secret_clear(&a->bearer);
	http_trust_clear(&a->trust);
	http_proxy_clear(&a->proxy);
	secret_clear(&a->identity);
	secret_clear(&a->passphrase);
	buf_clear(&a->known_hosts);
	free(a->origin);
	free(a);
}
