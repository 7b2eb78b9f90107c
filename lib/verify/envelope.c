#include "verify/envelope.h"

#include "base/limits.h"
#include "base/obj.h"
#include "base/time.h"
#include "base/vec.h"
#include "verify/plain.h"

#include <string.h>

#define NOTARY "io.cncf.notary."
#define SCHEME NOTARY "signingScheme"
#define PLUGIN NOTARY "verificationPlugin"
#define PLUGIN_VERSION NOTARY "verificationPluginMinVersion"
#define PAYLOAD_TYPE "application/vnd.cncf.notary.payload.v1+json"

/* ---- the protected header -------------------------------------------------------------------- */

/* A time of the header. 0 in *ms: it has none. */
static int time_read(const json_t *header, const char *name, int64_t *ms, struct err *err)
{
	const char *text = obj_str(header, name);
	struct err why = {0};

	*ms = 0;
	if (!obj_get(header, name))
		return 0;
	if (!text || time_parse_rfc3339(text, ms, &why) || *ms <= 0)
		return err_set(err, ERR_RETRY, "'%s' is no time", name);
	return 0;
}

/* The other scheme's time must not be there. */
static int times_read(struct verify_envelope *e, const json_t *header, struct err *err)
{
	const char *mine =
		e->by_authority ? VERIFY_HEADER_SIGNED_BY_AUTHORITY : VERIFY_HEADER_SIGNED;
	const char *other =
		e->by_authority ? VERIFY_HEADER_SIGNED : VERIFY_HEADER_SIGNED_BY_AUTHORITY;

	if (obj_get(header, other))
		return err_set(err, ERR_RETRY, "the scheme has no '%s', and it is there", other);
	if (time_read(header, mine, &e->signed_ms, err) ||
		time_read(header, VERIFY_HEADER_EXPIRES, &e->expires_ms, err))
		return -1;
	if (!e->signed_ms)
		return err_set(err, ERR_RETRY, "there is no '%s'", mine);
	if (e->expires_ms && e->expires_ms <= e->signed_ms)
		return err_set(
			err, ERR_RETRY, "it expires before it was signed, or in that moment");
	return 0;
}

static int scheme_read(struct verify_envelope *e, const json_t *header, struct err *err)
{
	const char *scheme = obj_str_or("", header, SCHEME);
	char shown[VERIFY_PLAIN_MAX];

	e->by_authority = !strcmp(scheme, "notary.x509.signingAuthority");
	if (!e->by_authority && strcmp(scheme, "notary.x509") != 0)
		return err_set(err, ERR_RETRY, "the signing scheme '%s' is not known",
			verify_plain(scheme, shown));
	return 0;
}

static bool is_plugin(const char *name)
{
	return !strcmp(name, PLUGIN) || !strcmp(name, PLUGIN_VERSION);
}

/* Of the headers of the specification those that have to be named, and no others may be. */
static bool may_be_critical(const struct verify_envelope *e, const char *name)
{
	if (!strcmp(name, SCHEME))
		return true;
	if (!strcmp(name, VERIFY_HEADER_EXPIRES))
		return e->expires_ms != 0;
	return !strcmp(name, VERIFY_HEADER_SIGNED_BY_AUTHORITY) && e->by_authority;
}

static bool is_ours(const char *name)
{
	static const char *const ours[] = {"alg", "cty", "crit", SCHEME, VERIFY_HEADER_SIGNED,
		VERIFY_HEADER_SIGNED_BY_AUTHORITY, VERIFY_HEADER_EXPIRES};
	size_t i;

	for (i = 0; i < ARRAY_LEN(ours); i++)
		if (!strcmp(ours[i], name))
			return true;
	return false;
}

static bool is_listed(const json_t *list, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(json_string_value(json_array_get(list, i)), name))
			return true;
	return false;
}

static int critical_check(const struct verify_envelope *e, const json_t *header, const json_t *list,
	size_t i, struct err *err)
{
	const char *name = json_string_value(json_array_get(list, i));
	char shown[VERIFY_PLAIN_MAX];

	if (!name)
		return err_set(err, ERR_RETRY, "'crit' holds what is no text");
	verify_plain(name, shown);
	if (is_listed(list, i, name))
		return err_set(err, ERR_RETRY, "'crit' names '%s' twice", shown);
	if (may_be_critical(e, name))
		return 0;
	if (is_ours(name))
		return err_set(err, ERR_RETRY, "'crit' names '%s', which it must not", shown);
	if (!obj_get(header, name))
		return err_set(err, ERR_RETRY, "'crit' names '%s', which is not there", shown);
	if (is_plugin(name))
		return 0; /* refused in its own words */
	return err_set(err, ERR_RETRY, "the critical attribute '%s' is not known", shown);
}

static int crit_check(const struct verify_envelope *e, const json_t *header, struct err *err)
{
	static const char *const needed[] = {
		SCHEME, VERIFY_HEADER_SIGNED_BY_AUTHORITY, VERIFY_HEADER_EXPIRES};
	const json_t *list = obj_get(header, "crit");
	size_t n = json_array_size(list), i;

	if (!n)
		return err_set(err, ERR_RETRY, "'crit' is missing, empty or no list");
	for (i = 0; i < n; i++)
		if (critical_check(e, header, list, i, err))
			return -1;
	for (i = 0; i < ARRAY_LEN(needed); i++)
		if (may_be_critical(e, needed[i]) && !is_listed(list, n, needed[i]))
			return err_set(err, ERR_RETRY, "'crit' does not name '%s'", needed[i]);
	return 0;
}

static int plugin_check(const json_t *header, struct err *err)
{
	const char *name = obj_str(header, PLUGIN);
	char shown[VERIFY_PLAIN_MAX];

	if (!obj_get(header, PLUGIN) && !obj_get(header, PLUGIN_VERSION))
		return 0;
	return err_set(err, ERR_RETRY,
		"it wants the verification plugin '%s', and there are no plugins here",
		verify_plain(name, shown));
}

static int header_check(struct verify_envelope *e, const json_t *header, struct err *err)
{
	const char *type = obj_str_or("", header, "cty");
	char shown[VERIFY_PLAIN_MAX];

	if (scheme_read(e, header, err) || times_read(e, header, err) ||
		crit_check(e, header, err) || plugin_check(header, err))
		return -1;
	if (strcmp(type, PAYLOAD_TYPE) != 0)
		return err_set(err, ERR_RETRY, "the payload is of the type '%s', not '%s'",
			verify_plain(type, shown), PAYLOAD_TYPE);
	return 0;
}

/* ---- the signature --------------------------------------------------------------------------- */

static int alg_check(const struct notary_cert *signer, const char *alg, struct err *err)
{
	static const char *const names[] = {
		[NOTARY_PS256] = "PS256",
		[NOTARY_PS384] = "PS384",
		[NOTARY_PS512] = "PS512",
		[NOTARY_ES256] = "ES256",
		[NOTARY_ES384] = "ES384",
		[NOTARY_ES512] = "ES512",
	};
	enum notary_alg want = notary_cert_alg(signer);
	char shown[VERIFY_PLAIN_MAX];

	if (want == NOTARY_ALG_NONE)
		return err_set(err, ERR_RETRY,
			"the signer's key is of no kind that signs: RSA of 2048, 3072 or 4096 "
			"bits, P-256, P-384 or P-521");
	if (strcmp(alg, names[want]) != 0)
		return err_set(err, ERR_RETRY,
			"its algorithm is '%s', and that of the signer's key is %s",
			verify_plain(alg, shown), names[want]);
	return 0;
}

int verify_envelope_check(
	struct verify_envelope *e, const json_t *header, enum notary_salt salt, struct err *err)
{
	const struct notary_cert *signer = e->chain.p[0];

	if (alg_check(signer, obj_str_or("", header, "alg"), err) || header_check(e, header, err))
		return -1;
	if (!notary_cert_verifies(signer, salt, buf_str(&e->sig), e->sig.len, buf_str(&e->signing),
		    e->signing.len))
		return err_set(err, ERR_RETRY, "it is no signature of the signer's key");
	return 0;
}

/* ---- its parts ------------------------------------------------------------------------------- */

int verify_envelope_count(size_t n, struct err *err)
{
	if (!n)
		return err_set(err, ERR_RETRY, "it has no certificates");
	if (n > LIMIT_CHAIN)
		return err_set(
			err, ERR_RETRY, "it has %zu certificates, more than %d", n, LIMIT_CHAIN);
	return 0;
}

int verify_envelope_cert(struct verify_envelope *e, const void *der, size_t n, struct err *err)
{
	struct notary_cert *c;

	if (notary_cert_parse(&c, der, n, err))
		return -1;
	*vec_add(&e->chain) = c;
	return 0;
}

void verify_envelope_init(struct verify_envelope *e)
{
	buf_init(&e->payload, LIMIT_ENVELOPE);
	buf_init(&e->sig, LIMIT_SIGNATURE_TEXT);
	buf_init(&e->signing, LIMIT_ENVELOPE);
	buf_init(&e->timestamp, LIMIT_TIMESTAMP);
}

void verify_envelope_clear(struct verify_envelope *e)
{
	notary_certs_clear(&e->chain);
	buf_clear(&e->payload);
	buf_clear(&e->sig);
	buf_clear(&e->signing);
	buf_clear(&e->timestamp);
}
