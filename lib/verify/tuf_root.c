#include "verify/tuf_root.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "crypto/pubkey.h"
#include "verify/plain.h"

#include <string.h>

#define ED25519_BYTES 32

enum scheme { SCHEME_UNKNOWN, SCHEME_ECDSA, SCHEME_ED25519, SCHEME_RSA_PSS };

struct key {
	const char *id; /* borrowed from the document */
	struct pubkey *key; /* NULL: of an unknown kind */
	enum scheme scheme;
};

struct role {
	size_t keys[LIMIT_TUF_KEYS]; /* places in the list of keys */
	size_t len;
	size_t threshold;
};

struct verify_tuf_root {
	json_t *doc; /* own reference: the keys' names are in there */
	int64_t version;
	bool consistent;
	VEC(struct key) keys;
	struct role roles[VERIFY_TUF_ROLES];
};

/* ---- keys ------------------------------------------------------------------------------------ */

static int hex_read(struct buf *out, const char *text)
{
	size_t n = strlen(text), i;

	if (n % 2)
		return -1;
	for (i = 0; i < n; i += 2) {
		int high = ascii_hex_value(text[i]), low = ascii_hex_value(text[i + 1]);

		if (high < 0 || low < 0)
			return -1;
		buf_addc(out, (char)(high << 4 | low));
	}
	return buf_over(out) ? -1 : 0;
}

/* SubjectPublicKeyInfo of RFC 8410 section 4. */
static int ed25519_read(struct pubkey **out, const char *text, struct err *err)
{
	static const unsigned char head[] = {
		0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
	auto_buf struct buf der = BUF_INIT(sizeof(head) + ED25519_BYTES);

	buf_add(&der, head, sizeof(head));
	if (hex_read(&der, text) || der.len != sizeof(head) + ED25519_BYTES)
		return err_set(err, ERR_RETRY, "it is no Ed25519 key in hex");
	return pubkey_parse_der(out, der.p, der.len, PUBKEY_SPKI, err);
}

static enum scheme scheme_of(const char *type, const char *scheme)
{
	if ((!strcmp(type, "ecdsa") || !strcmp(type, "ecdsa-sha2-nistp256")) &&
		!strcmp(scheme, "ecdsa-sha2-nistp256"))
		return SCHEME_ECDSA;
	if (!strcmp(type, "ed25519") && !strcmp(scheme, "ed25519"))
		return SCHEME_ED25519;
	if (!strcmp(type, "rsa") && !strcmp(scheme, "rsassa-pss-sha256"))
		return SCHEME_RSA_PSS;
	return SCHEME_UNKNOWN;
}

static int key_parse(struct key *k, const char *text, struct err *err)
{
	if (k->scheme == SCHEME_ED25519)
		return ed25519_read(&k->key, text, err);
	if (pubkey_parse(&k->key, text, strlen(text), err))
		return -1;
	if (k->scheme == SCHEME_RSA_PSS && pubkey_kind(k->key) != PUBKEY_RSA)
		return err_set(err, ERR_RETRY, "it is no RSA key");
	if (k->scheme == SCHEME_ECDSA &&
		(pubkey_kind(k->key) != PUBKEY_EC || pubkey_bits(k->key) != 256))
		return err_set(err, ERR_RETRY, "it is no ECDSA key on P-256");
	return 0;
}

static int key_read(struct key *k, const json_t *o, struct err *err)
{
	const char *type = obj_str(o, "keytype"), *scheme = obj_str(o, "scheme");
	const char *text = obj_str(o, "keyval", "public");

	if (!type || !scheme)
		return err_set(err, ERR_RETRY, "it does not say of which kind it is");
	k->scheme = scheme_of(type, scheme);
	if (k->scheme == SCHEME_UNKNOWN)
		return 0;
	if (!text)
		return err_set(err, ERR_RETRY, "it is empty");
	return key_parse(k, text, err);
}

static int keys_read(struct verify_tuf_root *r, const json_t *o, struct err *err)
{
	json_t *keys = obj_get(o, "keys"), *one;
	char shown[VERIFY_PLAIN_MAX];
	const char *id;

	if (!json_object_size(keys) || json_object_size(keys) > LIMIT_TUF_KEYS)
		return err_set(err, ERR_RETRY, "it has %zu keys; 1 to %d are taken",
			json_object_size(keys), LIMIT_TUF_KEYS);
	json_object_foreach (keys, id, one) {
		struct key *k = vec_add(&r->keys);

		*k = (struct key){.id = id};
		if (key_read(k, one, err))
			return err_wrap(err, "its key '%s'", verify_plain(id, shown));
	}
	return 0;
}

/* ---- roles ----------------------------------------------------------------------------------- */

static const struct key *key_find(const struct verify_tuf_root *r, const char *id, size_t *at)
{
	for (*at = 0; *at < r->keys.len; (*at)++)
		if (!strcmp(r->keys.p[*at].id, id))
			return &r->keys.p[*at];
	return NULL;
}

static int role_key_add(
	const struct verify_tuf_root *r, struct role *role, const char *id, struct err *err)
{
	char shown[VERIFY_PLAIN_MAX];
	size_t at = 0, i;

	if (!id || !key_find(r, id, &at))
		return err_set(err, ERR_RETRY, "it names a key that is not there: '%s'",
			verify_plain(id, shown));
	for (i = 0; i < role->len; i++)
		if (role->keys[i] == at)
			return err_set(err, ERR_RETRY, "it names the key '%s' twice",
				verify_plain(id, shown));
	role->keys[role->len++] = at;
	return 0;
}

static int role_read(
	const struct verify_tuf_root *r, struct role *role, const json_t *o, struct err *err)
{
	const json_t *ids = obj_get(o, "keyids"), *one;
	int64_t threshold = obj_int(0, o, "threshold");
	size_t i;

	if (json_array_size(ids) > LIMIT_TUF_KEYS)
		return err_set(err, ERR_RETRY, "it names %zu keys, more than %d",
			json_array_size(ids), LIMIT_TUF_KEYS);
	json_array_foreach (ids, i, one)
		if (role_key_add(r, role, json_string_value(one), err))
			return -1;
	/* One that nobody can reach is the repository's own mistake; none at all would make
	   everybody's word count. */
	if (threshold < 1 || threshold > LIMIT_TUF_KEYS)
		return err_set(err, ERR_RETRY, "its threshold is none");
	role->threshold = (size_t)threshold;
	return 0;
}

static int roles_read(struct verify_tuf_root *r, const json_t *o, struct err *err)
{
	const json_t *roles = obj_get(o, "roles");
	unsigned i;

	for (i = 0; i < VERIFY_TUF_ROLES; i++) {
		const char *name = verify_tuf_role_name(i);

		if (role_read(r, &r->roles[i], json_object_get(roles, name), err))
			return err_wrap(err, "its role '%s'", name);
	}
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

int verify_tuf_root_read(
	struct verify_tuf_root **out, const struct verify_tuf_meta *meta, struct err *err)
{
	struct verify_tuf_root *r = NEW(struct verify_tuf_root);

	r->doc = json_incref(meta->doc);
	r->version = meta->version;
	r->consistent = obj_bool(false, meta->body, "consistent_snapshot");
	if (keys_read(r, meta->body, err) || roles_read(r, meta->body, err)) {
		verify_tuf_root_free(r);
		return -1;
	}
	*out = r;
	return 0;
}

void verify_tuf_root_free(struct verify_tuf_root *r)
{
	struct key *k;

	if (!r)
		return;
	vec_each (&r->keys, k)
		pubkey_free(k->key);
	vec_clear(&r->keys);
	json_decref(r->doc);
	free(r);
}

bool verify_tuf_root_consistent(const struct verify_tuf_root *r)
{
	return r->consistent;
}

/* ---- signatures ------------------------------------------------------------------------------ */

static bool signature_is_of(const struct key *k, const char *hex, const struct verify_tuf_meta *m)
{
	auto_buf struct buf sig = BUF_INIT(LIMIT_TUF_SIGNATURE);

	if (!k->key || !hex || hex_read(&sig, hex) || !sig.len)
		return false;
	if (k->scheme == SCHEME_RSA_PSS)
		return pubkey_verifies_pss(
			k->key, sig.p, sig.len, m->canonical.p, m->canonical.len);
	return pubkey_verifies(k->key, sig.p, sig.len, m->canonical.p, m->canonical.len);
}

/* Of several signatures by one name the first one counts, as nobody signs twice. */
static const char *signature_by(const struct verify_tuf_meta *m, const char *id)
{
	const json_t *one;
	size_t i;

	json_array_foreach (m->signatures, i, one) {
		const char *by = obj_str(one, "keyid");

		if (by && !strcmp(by, id))
			return obj_str(one, "sig");
	}
	return NULL;
}

static bool key_counted(
	const struct verify_tuf_root *r, const size_t *counted, size_t n, const struct key *k)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (pubkey_equal(r->keys.p[counted[i]].key, k->key))
			return true;
	return false;
}

int verify_tuf_root_signs(const struct verify_tuf_root *r, enum verify_tuf_role role,
	const struct verify_tuf_meta *meta, struct err *err)
{
	const struct role *who = &r->roles[role];
	size_t counted[LIMIT_TUF_KEYS], n = 0, unknown = 0, i;

	for (i = 0; i < who->len && n < who->threshold; i++) {
		const struct key *k = &r->keys.p[who->keys[i]];

		unknown += !k->key;
		if (signature_is_of(k, signature_by(meta, k->id), meta) &&
			!key_counted(r, counted, n, k))
			counted[n++] = who->keys[i];
	}
	if (n == who->threshold)
		return 0;
	err_set(err, ERR_RETRY,
		"it is signed by %zu of the keys that version %lld of root.json names for '%s', "
		"and %zu have to",
		n, (long long)r->version, verify_tuf_role_name(role), who->threshold);
	return unknown ? err_append(err, " (of %zu of them the kind is not known)", unknown) : -1;
}
