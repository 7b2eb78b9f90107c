#include "crypto/digest.h"

#include "base/ascii.h"
#include "base/mem.h"
#include "base/sys.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#define CHUNK (64 * 1024)

static const struct {
	const char *name;
	const char *ossl;
	size_t size;
} algos[] = {
	[DIGEST_NONE] = {"", NULL, 0},
	[DIGEST_SHA256] = {"sha256", "SHA256", 32},
	[DIGEST_SHA384] = {"sha384", "SHA384", 48},
	[DIGEST_SHA512] = {"sha512", "SHA512", 64},
};

/* Looking an algorithm up by name costs more than hashing a small manifest, so it happens once per
   process. */
static EVP_MD *fetched[ARRAY_LEN(algos)];
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static atomic_uint_fast64_t total;

static void md_fetch_all(void)
{
	size_t i;

	for (i = DIGEST_SHA256; i < ARRAY_LEN(algos); i++)
		fetched[i] = EVP_MD_fetch(NULL, algos[i].ossl, NULL);
}

static const EVP_MD *md_of(enum digest_algo algo)
{
	BUG_IF(algo <= DIGEST_NONE || (size_t)algo >= ARRAY_LEN(algos));
	pthread_once(&fetch_once, md_fetch_all);
	BUG_IF(!fetched[algo]);
	return fetched[algo];
}

static enum digest_algo algo_find(const char *name, size_t len)
{
	size_t i;

	for (i = DIGEST_SHA256; i < ARRAY_LEN(algos); i++)
		if (strlen(algos[i].name) == len && !memcmp(algos[i].name, name, len))
			return (enum digest_algo)i;
	return DIGEST_NONE;
}

int digest_algo_parse(enum digest_algo *algo, const char *name, struct err *err)
{
	enum digest_algo found = algo_find(name, strlen(name));

	if (found == DIGEST_NONE)
		return err_set(err, ERR_STALL,
			"unsupported digest algorithm '%.64s': sha256, sha384 and sha512 are "
			"available",
			name);
	*algo = found;
	return 0;
}

const char *digest_algo_name(enum digest_algo algo)
{
	return algos[algo].name;
}

size_t digest_size(enum digest_algo algo)
{
	return algos[algo].size;
}

/* Upper case is no digit here: two texts of one digest would be two file names. */
static int hex_digit(char c)
{
	return ascii_is_upper(c) ? -1 : ascii_hex_value(c);
}

int digest_parse_n(struct digest *d, const char *text, size_t len, struct err *err)
{
	const char *colon = memchr(text, ':', len);
	struct digest got = {0};
	size_t i, n;

	if (!colon)
		return err_set(err, ERR_RETRY,
			"invalid digest '%.*s': no algorithm in front of a colon",
			(int)(len > 160 ? 160 : len), text);
	got.algo = algo_find(text, (size_t)(colon - text));
	if (got.algo == DIGEST_NONE)
		return err_set(err, ERR_RETRY, "unsupported digest algorithm '%.*s'",
			(int)(colon - text > 64 ? 64 : colon - text), text);
	n = digest_size(got.algo);
	if (len - (size_t)(colon - text) - 1 != 2 * n)
		return err_set(err, ERR_RETRY, "invalid digest '%.*s': %s has %zu hex digits",
			(int)(len > 160 ? 160 : len), text, digest_algo_name(got.algo), 2 * n);
	for (i = 0; i < n; i++) {
		int hi = hex_digit(colon[1 + 2 * i]), lo = hex_digit(colon[2 + 2 * i]);

		if (hi < 0 || lo < 0)
			return err_set(err, ERR_RETRY,
				"invalid digest '%.*s': not lower-case hex digits", (int)len, text);
		got.bin[i] = (unsigned char)(hi << 4 | lo);
	}
	*d = got;
	return 0;
}

int digest_parse(struct digest *d, const char *text, struct err *err)
{
	return digest_parse_n(d, text, strlen(text), err);
}

static char *to_hex(char *out, const unsigned char *bin, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digits[bin[i] >> 4];
		out[2 * i + 1] = digits[bin[i] & 15];
	}
	out[2 * n] = '\0';
	return out;
}

char *digest_hex(const struct digest *d, char out[DIGEST_HEX_MAX])
{
	return to_hex(out, d->bin, digest_size(d->algo));
}

char *digest_format(const struct digest *d, char out[DIGEST_TEXT_MAX])
{
	const char *name = digest_algo_name(d->algo);
	size_t n = strlen(name);

	out[0] = '\0';
	if (d->algo == DIGEST_NONE)
		return out;
	memcpy(out, name, n);
	out[n] = ':';
	digest_hex(d, out + n + 1);
	return out;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return a->algo != DIGEST_NONE && a->algo == b->algo &&
		!memcmp(a->bin, b->bin, digest_size(a->algo));
}

void digest_mem(struct digest *out, enum digest_algo algo, const void *data, size_t n)
{
	const EVP_MD *md = md_of(algo);
	unsigned int len = 0;

	memset(out, 0, sizeof(*out));
	BUG_IF(!EVP_Digest(data, n, out->bin, &len, md, NULL));
	BUG_IF(len != digest_size(algo));
	out->algo = algo;
	atomic_fetch_add_explicit(&total, n, memory_order_relaxed);
}

void digest_ctx_init(struct digest_ctx *c, enum digest_algo algo)
{
	const EVP_MD *md = md_of(algo);

	if (!c->md)
		c->md = EVP_MD_CTX_new();
	BUG_IF(!c->md || !EVP_DigestInit_ex2(c->md, md, NULL));
	c->algo = algo;
	c->bytes = 0;
}

void digest_update(struct digest_ctx *c, const void *data, size_t n)
{
	if (!n)
		return;
	BUG_IF(c->algo == DIGEST_NONE || !EVP_DigestUpdate(c->md, data, n));
	c->bytes += n;
	atomic_fetch_add_explicit(&total, n, memory_order_relaxed);
}

void digest_final(struct digest_ctx *c, struct digest *out)
{
	unsigned int len = 0;

	memset(out, 0, sizeof(*out));
	BUG_IF(c->algo == DIGEST_NONE || !EVP_DigestFinal_ex(c->md, out->bin, &len));
	BUG_IF(len != digest_size(c->algo));
	out->algo = c->algo;
	c->algo = DIGEST_NONE;
}

void digest_ctx_clear(struct digest_ctx *c)
{
	EVP_MD_CTX_free(c->md);
	*c = (struct digest_ctx){0};
}

int digest_fd(struct digest *out, enum digest_algo algo, int fd, const atomic_bool *stop,
	uint64_t *size, struct err *err)
{
	auto_digest_ctx struct digest_ctx c = {0};
	auto_free unsigned char *chunk = mem_alloc(CHUNK);
	uint64_t at = 0;

	digest_ctx_init(&c, algo);
	for (;;) {
		ssize_t n;

		if (stop && atomic_load_explicit(stop, memory_order_relaxed))
			return err_set(err, ERR_CANCELED, "hashing was stopped");
		n = sys_pread(fd, chunk, CHUNK, at);
		if (n < 0)
			return err_sys(err, "cannot read the file to hash");
		if (!n)
			break;
		digest_update(&c, chunk, (size_t)n);
		at += (uint64_t)n;
	}
	digest_final(&c, out);
	if (size)
		*size = at;
	return 0;
}

uint64_t digest_bytes_total(void)
{
	return atomic_load_explicit(&total, memory_order_relaxed);
}
