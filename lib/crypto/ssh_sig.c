#include "crypto/ssh_sig.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/rsa.h"
#include "crypto/ssh_internal.h"
#include "crypto/ssh_key.h"

#include <string.h>
#include <strings.h>

#define MAGIC "SSHSIG" /* without its NUL */
#define MAGIC_LEN (sizeof(MAGIC) - 1)
#define SIG_VERSION 1
#define BEGIN "-----BEGIN SSH SIGNATURE-----"
#define END "-----END SSH SIGNATURE-----"
#define LINE 70 /* characters of the armor */

struct ssh_signers {
	struct buf *blobs;
	size_t n;
};

/* ---- who may have signed --------------------------------------------------------------------- */

struct ssh_signers *ssh_signers_new(void)
{
	return NEW(struct ssh_signers);
}

void ssh_signers_free(struct ssh_signers *who)
{
	size_t i;

	if (!who)
		return;
	for (i = 0; i < who->n; i++)
		buf_clear(&who->blobs[i]);
	free(who->blobs);
	free(who);
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* The end of a word; in the options, what stands in quotes may have blanks. */
static const char *word_end(const char *p, const char *end)
{
	bool quoted = false;

	for (; p < end && (quoted || (*p != ' ' && *p != '\t')); p++) {
		if (*p == '\\' && p + 1 < end && p[1] == '"')
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	return p;
}

/* Such a line says whose certificates count, and no key that signs. */
static bool is_authority(const char *options, size_t n)
{
	static const char word[] = "cert-authority";
	size_t i, len = sizeof(word) - 1;
	bool quoted = false, first = true;

	for (i = 0; i < n; i++) {
		if (!quoted && first && n - i >= len && !strncasecmp(options + i, word, len) &&
			(i + len == n || options[i + len] == ','))
			return true;
		if (options[i] == '"' && !(i && options[i - 1] == '\\'))
			quoted = !quoted;
		first = !quoted && options[i] == ',';
	}
	return false;
}

/* The key of a line, appended to blob. False: it has none that is taken. */
static bool line_key(const char *p, const char *end, struct buf *blob)
{
	const char *word = skip_blanks(p, end), *stop = word_end(word, end);
	struct ssh_pub pub = {0};
	struct err ignored = {0};
	struct ssh_str name = {.p = (const unsigned char *)word, .n = (size_t)(stop - word)};
	bool good;

	if (word == end || *word == '#')
		return false;
	if (!ssh_kind_named(name)) {
		if (is_authority(word, name.n))
			return false;
		word = skip_blanks(stop, end);
		stop = word_end(word, end);
		name = (struct ssh_str){
			.p = (const unsigned char *)word, .n = (size_t)(stop - word)};
		if (!ssh_kind_named(name))
			return false;
	}
	word = skip_blanks(stop, end);
	stop = word_end(word, end);
	if (base64_decode(blob, word, (size_t)(stop - word), BASE64_STD, &ignored) || !blob->len)
		return false;
	good = !ssh_pub_parse(
		&pub, (struct ssh_str){.p = (unsigned char *)blob->p, .n = blob->len}, &ignored);
	good = good && ssh_str_is(name, pub.kind->name);
	ssh_pub_clear(&pub);
	return good;
}

int ssh_signers_add(struct ssh_signers *who, const char *text, size_t len, struct err *err)
{
	const char *p = text, *end = text + len;
	size_t before = who->n;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		struct buf blob = BUF_INIT(LIMIT_SSH_BLOB);

		while (stop > p && (stop[-1] == '\r' || stop[-1] == ' ' || stop[-1] == '\t'))
			stop--;
		if (!line_key(p, stop, &blob)) {
			buf_clear(&blob);
		} else if (who->n == LIMIT_SSH_SIGNERS) {
			buf_clear(&blob);
			return err_set(
				err, ERR_RETRY, "there are more than %d keys", LIMIT_SSH_SIGNERS);
		} else {
			who->blobs = mem_array(who->blobs, who->n + 1, sizeof(*who->blobs));
			who->blobs[who->n++] = blob;
		}
		p = nl ? nl + 1 : end;
	}
	if (who->n == before)
		return err_set(err, ERR_RETRY,
			"it has no line with a public key of a kind that is taken: Ed25519, ECDSA "
			"and RSA are");
	return 0;
}

static bool is_signer(const struct ssh_signers *who, const struct buf *blob)
{
	size_t i;

	for (i = 0; i < who->n; i++)
		if (buf_equal(&who->blobs[i], blob))
			return true;
	return false;
}

/* ---- a signature ----------------------------------------------------------------------------- */

/* What the key signs. */
static void signed_write(struct buf *out, const char *name_space, struct ssh_str reserved,
	enum digest_algo hash, const void *data, size_t n)
{
	struct digest d;

	digest_mem(&d, hash, n ? data : "", n);
	buf_add(out, MAGIC, MAGIC_LEN);
	ssh_write_string(out, name_space, strlen(name_space));
	ssh_write_string(out, reserved.p, reserved.n);
	ssh_write_string(out, digest_algo_name(hash), strlen(digest_algo_name(hash)));
	ssh_write_string(out, d.bin, digest_size(hash));
}

static int armor(struct buf *out, const struct buf *sig)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_SSH_SIGNATURE);
	size_t i;

	base64_encode(&text, sig->p, sig->len, BASE64_STD);
	buf_adds(out, BEGIN "\n");
	for (i = 0; i < text.len; i += LINE) {
		buf_add(out, text.p + i, text.len - i < LINE ? text.len - i : LINE);
		buf_addc(out, '\n');
	}
	buf_adds(out, END "\n");
	return buf_over(&text) || buf_over(out) ? -1 : 0;
}

int ssh_sig_sign(struct buf *out, const struct ssh_key *key, const char *name_space,
	const void *data, size_t n, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_SSH_BLOB), pub = BUF_INIT(LIMIT_SSH_BLOB),
			    sig = BUF_INIT(LIMIT_SSH_BLOB), all = BUF_INIT(LIMIT_SSH_SIGNATURE);
	struct ssh_str none = {0};
	struct ssh_pub check = {0};

	if (ssh_key_check_signing(key, err))
		return -1;
	signed_write(&text, name_space, none, DIGEST_SHA512, data, n);
	ssh_pub_write(key->kind, key->key, &pub);
	/* What it has signed is checked: a key whose parts do not belong together, or a fault of
	   the machine, may give a signature that tells of the key. */
	check.kind = key->kind;
	check.key = key->key;
	if (ssh_key_sign(key, text.p, text.len, &sig) ||
		!ssh_pub_verifies(&check,
			(struct ssh_str){.p = (unsigned char *)sig.p, .n = sig.len}, text.p,
			text.len))
		return err_set(err, ERR_RETRY, "the private key is broken: it cannot sign");
	buf_add(&all, MAGIC, MAGIC_LEN);
	ssh_write_u32(&all, SIG_VERSION);
	ssh_write_string(&all, pub.p, pub.len);
	ssh_write_string(&all, name_space, strlen(name_space));
	ssh_write_string(&all, NULL, 0);
	ssh_write_string(&all, "sha512", 6);
	ssh_write_string(&all, sig.p, sig.len);
	if (buf_over(&pub) || buf_over(&all) || armor(out, &all))
		return err_set(err, ERR_RETRY, "there is no room for the signature");
	return 0;
}

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

bool ssh_sig_is(const char *text, size_t len)
{
	const char *end = text + len, *p = skip_space(text, end);

	return (size_t)(end - p) >= sizeof(BEGIN) - 1 && !memcmp(p, BEGIN, sizeof(BEGIN) - 1);
}

static int broken(struct err *err)
{
	return err_code(err, ERR_RETRY, SSH_SIG_BROKEN, "it is no ssh signature, or it is broken");
}

static int dearmor(const char *text, size_t len, struct buf *out, struct err *err)
{
	const char *end = text + len, *p, *stop;
	struct err e = {0};

	if (!ssh_sig_is(text, len))
		return broken(err);
	p = skip_space(text, end) + sizeof(BEGIN) - 1;
	stop = memmem(p, (size_t)(end - p), END, sizeof(END) - 1);
	if (!stop || skip_space(stop + sizeof(END) - 1, end) != end ||
		base64_decode(out, p, (size_t)(stop - p), BASE64_NEWLINES, &e))
		return broken(err);
	return 0;
}

struct parts {
	struct ssh_str key, name_space, reserved, hash, signature;
};

static int parts_read(const struct buf *all, struct parts *to)
{
	struct ssh_read r = {.p = (unsigned char *)all->p, .n = all->len};
	struct ssh_str magic = ssh_read_bytes(&r, MAGIC_LEN);

	if (!ssh_str_is(magic, MAGIC) || ssh_read_u32(&r) != SIG_VERSION)
		return -1;
	to->key = ssh_read_string(&r);
	to->name_space = ssh_read_string(&r);
	to->reserved = ssh_read_string(&r);
	to->hash = ssh_read_string(&r);
	to->signature = ssh_read_string(&r);
	return ssh_read_ended(&r) ? 0 : -1;
}

static void fingerprint_write(const struct buf *blob, char out[SSH_FINGERPRINT_MAX])
{
	auto_buf struct buf b = BUF_INIT(SSH_FINGERPRINT_MAX - 1);
	struct digest d;

	digest_mem(&d, DIGEST_SHA256, blob->p, blob->len);
	buf_adds(&b, "SHA256:");
	base64_encode(&b, d.bin, 32, BASE64_STD);
	memcpy(out, b.p, b.len);
	while (b.len && out[b.len - 1] == '=')
		b.len--;
	out[b.len] = '\0';
}

static int parts_check(const struct ssh_signers *who, const struct parts *p, const char *name_space,
	const void *data, size_t n, const struct ssh_pub *pub, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_SSH_SIGNATURE);
	enum digest_algo hash = ssh_str_is(p->hash, "sha256") ? DIGEST_SHA256 : DIGEST_SHA512;
	char fingerprint[SSH_FINGERPRINT_MAX];

	if (hash == DIGEST_SHA512 && !ssh_str_is(p->hash, "sha512"))
		return err_code(err, ERR_RETRY, SSH_SIG_BROKEN,
			"it was made with a hash that is not taken: sha256 and sha512 are");
	if (pub->kind->form == SSH_RSA && EVP_PKEY_get_bits(pub->key) < RSA_BITS_MIN)
		return err_code(err, ERR_RETRY, SSH_SIG_BROKEN,
			"it is by an RSA key of %d bits; %d and more are taken",
			EVP_PKEY_get_bits(pub->key), RSA_BITS_MIN);
	fingerprint_write(&pub->blob, fingerprint);
	if (!is_signer(who, &pub->blob))
		return err_code(err, ERR_RETRY, SSH_SIG_STRANGER,
			"it is by the key '%s', which is none of the given ones", fingerprint);
	if (!ssh_str_is(p->name_space, name_space))
		return err_code(err, ERR_RETRY, SSH_SIG_WRONG,
			"it was made for another purpose than '%s'", name_space);
	signed_write(&text, name_space, p->reserved, hash, data, n);
	if (buf_over(&text) || !ssh_pub_verifies(pub, p->signature, text.p, text.len))
		return err_code(err, ERR_RETRY, SSH_SIG_WRONG,
			"it is not a signature of this content by the key '%s'", fingerprint);
	return 0;
}

int ssh_sig_verify(const struct ssh_signers *who, const char *armored, size_t armored_len,
	const char *name_space, const void *data, size_t n, char fingerprint[SSH_FINGERPRINT_MAX],
	struct err *err)
{
	auto_buf struct buf all = BUF_INIT(LIMIT_SSH_SIGNATURE);
	struct ssh_pub pub;
	struct parts p;
	int rc;

	if (armored_len > LIMIT_SSH_SIGNATURE)
		return broken(err);
	if (dearmor(armored, armored_len, &all, err))
		return -1;
	if (parts_read(&all, &p))
		return broken(err);
	if (ssh_pub_parse(&pub, p.key, err)) {
		err->code = SSH_SIG_BROKEN;
		return -1;
	}
	rc = parts_check(who, &p, name_space, data, n, &pub, err);
	if (!rc)
		fingerprint_write(&pub.blob, fingerprint);
	ssh_pub_clear(&pub);
	return rc;
}
