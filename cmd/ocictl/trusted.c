#include "cmd/ocictl/trusted.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/sys.h"
#include "cmd/ocictl/args.h"
#include "verify/keys.h"
#include "verify/notation_trust.h"
#include "verify/trusted_root.h"

#include <fcntl.h>
#include <string.h>

/* ---- flags ----------------------------------------------------------------------------------- */

static bool has_names(const struct args *a)
{
	return a->identity || a->identity_regexp || a->issuer || a->issuer_regexp;
}

const char *trusted_misused(const struct args *a)
{
	int ways = (a->keys.len > 0) + (a->trusted_root != NULL) + (a->trust_policy != NULL);

	if (ways != 1)
		return "it takes one of --key, --trusted-root and --trust-policy";
	if (has_names(a) && !a->trusted_root)
		return "--certificate-identity and --certificate-oidc-issuer need --trusted-root";
	if (!a->trust_policy != !a->certificates.len)
		return "--trust-policy and --certificate need each other";
	if (!a->trusted_root)
		return NULL;
	if (!a->identity == !a->identity_regexp)
		return "--trusted-root needs one of --certificate-identity and "
		       "--certificate-identity-regexp";
	if (!a->issuer == !a->issuer_regexp)
		return "--trusted-root needs one of --certificate-oidc-issuer and "
		       "--certificate-oidc-issuer-regexp";
	return NULL;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* As an entry of a Secret: its name has the ending that makes it count. */
static int entry_add(
	json_t *data, const char *path, const char *ending, size_t max, struct err *err)
{
	size_t n = strlen(path), tail = strlen(ending);
	bool ends = n > tail && !strcmp(path + n - tail, ending);
	auto_free char *name = mem_printf("%s%s", path, ends ? "" : ending);
	auto_buf struct buf bytes = BUF_INIT(max), text = BUF_INIT(BUF_ANY);

	if (sys_read_file(AT_FDCWD, path, &bytes, err) ||
		base64_encode(&text, buf_str(&bytes), bytes.len, BASE64_STD))
		return -1;
	if (json_object_set_new(data, name, json_stringn(buf_str(&text), text.len)))
		return err_set(err, ERR_RETRY, "'%.500s' is no name in UTF-8", path);
	return 0;
}

static int keys_read(struct trusted *t, const struct args *a, json_t *data, struct err *err)
{
	auto_json json_t *secret = json_pack("{sO}", "data", data);
	const char *const *path;

	vec_each (&a->keys, path)
		if (entry_add(data, *path, ".pub", LIMIT_PUBLIC_KEY, err))
			return -1;
	return verify_keys_read(&t->keys, secret, err);
}

static int notary_read(struct trusted *t, const struct args *a, json_t *data, struct err *err)
{
	auto_json json_t *secret = json_pack("{sO}", "data", data), *policy = json_object();
	const char *const *path;
	const char *name;
	json_t *v;

	vec_each (&a->certificates, path)
		if (entry_add(data, *path, ".crt", LIMIT_TRUST_CERT, err))
			return -1;
	if (entry_add(policy, a->trust_policy, ".json", LIMIT_TRUST_POLICY, err))
		return -1;
	json_object_foreach (policy, name, v)
		json_object_set(data, "trustpolicy.json", v);
	return verify_trust_read(&t->notary, secret, err);
}

static int root_read(struct trusted *t, const struct args *a, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_TRUSTED_ROOT);

	if (sys_read_file(AT_FDCWD, a->trusted_root, &text, err))
		return -1;
	return verify_root_parse(&t->root, buf_str(&text), text.len, err)
		? err_wrap(err, "'%.500s'", a->trusted_root)
		: 0;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* A pattern that fits this text and no other. */
static void pattern_of(struct buf *out, const char *text)
{
	buf_addc(out, '^');
	for (; *text; text++) {
		if (strchr("\\.+*?()|[]{}^$", *text))
			buf_addc(out, '\\');
		buf_addc(out, *text);
	}
	buf_addc(out, '$');
}

static void names_add(struct trusted *t, const struct args *a)
{
	auto_buf struct buf issuer = BUF_INIT(BUF_ANY), subject = BUF_INIT(BUF_ANY);

	if (a->issuer)
		pattern_of(&issuer, a->issuer);
	if (a->identity)
		pattern_of(&subject, a->identity);
	t->who.where = "the flags --certificate-identity and --certificate-oidc-issuer";
	verify_identities_add(&t->who, a->issuer ? buf_str(&issuer) : a->issuer_regexp,
		a->identity ? buf_str(&subject) : a->identity_regexp);
}

int trusted_read(struct trusted *t, const struct args *a, struct err *err)
{
	auto_json json_t *data = json_object();

	if (a->keys.len)
		return keys_read(t, a, data, err);
	if (a->trust_policy)
		return notary_read(t, a, data, err);
	names_add(t, a);
	return root_read(t, a, err);
}

void trusted_clear(struct trusted *t)
{
	verify_keys_unref(t->keys);
	verify_root_unref(t->root);
	verify_identities_clear(&t->who);
	verify_trust_unref(t->notary);
	*t = (struct trusted){0};
}
