#include "crypto/bcrypt_pbkdf.h"

#include "base/err.h"
#include "base/mem.h"
#include "crypto/blowfish_pi.h"
#include "crypto/digest.h"

#include <string.h>

#define HASH 64 /* SHA-512 */
#define WORDS 8 /* of one block of bcrypt */
#define BLOCK (4 * WORDS)

/* ---- Blowfish (Schneier, 1993), and the costly schedule of its keys that bcrypt adds --------- */

struct blowfish {
	uint32_t p[18];
	uint32_t s[4][256];
};

static void blowfish_encipher(const struct blowfish *b, uint32_t *left, uint32_t *right)
{
	uint32_t l = *left ^ b->p[0], r = *right;
	unsigned i;

#define F(x) \
	(((b->s[0][(x) >> 24] + b->s[1][(x) >> 16 & 255]) ^ b->s[2][(x) >> 8 & 255]) + \
		b->s[3][(x) & 255])
	for (i = 1; i < 17; i += 2) {
		r ^= F(l) ^ b->p[i];
		l ^= F(r) ^ b->p[i + 1];
	}
#undef F
	*left = r ^ b->p[17];
	*right = l;
}

/* The next four of 64 bytes, which come around. */
static uint32_t next_word(const unsigned char data[HASH], unsigned *at)
{
	uint32_t w = 0;
	unsigned i;

	for (i = 0; i < 4; i++) {
		w = w << 8 | data[*at];
		*at = (*at + 1) % HASH;
	}
	return w;
}

/* salt: NULL for none. */
static void blowfish_expand(
	struct blowfish *b, const unsigned char salt[HASH], const unsigned char key[HASH])
{
	uint32_t left = 0, right = 0, *word = b->p;
	unsigned at = 0, i;

	for (i = 0; i < 18; i++)
		b->p[i] ^= next_word(key, &at);
	at = 0;
	for (i = 0; i < 18 + 4 * 256; i += 2) {
		if (salt) {
			left ^= next_word(salt, &at);
			right ^= next_word(salt, &at);
		}
		blowfish_encipher(b, &left, &right);
		word = i < 18 ? &b->p[i] : &b->s[(i - 18) / 256][(i - 18) % 256];
		word[0] = left;
		word[1] = right;
	}
}

/* ---- bcrypt_pbkdf ---------------------------------------------------------------------------- */

/* What bcrypt enciphers; here so long that it fills a block of 32 bytes. */
static void bcrypt_hash(struct blowfish *b, const unsigned char pass[HASH],
	const unsigned char salt[HASH], unsigned char out[BLOCK])
{
	static const char text[BLOCK + 1] = "OxychromaticBlowfishSwatDynamite";
	uint32_t words[WORDS];
	unsigned i, j, at = 0;
	unsigned char padded[HASH] = {0};

	memcpy(b->p, BLOWFISH_PI, sizeof(b->p));
	memcpy(b->s, BLOWFISH_PI + 18, sizeof(b->s));
	blowfish_expand(b, salt, pass);
	for (i = 0; i < 64; i++) {
		blowfish_expand(b, NULL, salt);
		blowfish_expand(b, NULL, pass);
	}
	memcpy(padded, text, BLOCK);
	for (i = 0; i < WORDS; i++)
		words[i] = next_word(padded, &at);
	for (i = 0; i < 64; i++)
		for (j = 0; j < WORDS; j += 2)
			blowfish_encipher(b, &words[j], &words[j + 1]);
	for (i = 0; i < BLOCK; i++) /* the lowest byte first */
		out[i] = (unsigned char)(words[i / 4] >> 8 * (i % 4));
	mem_wipe(words, sizeof(words));
}

struct state {
	struct blowfish blowfish;
	struct digest pass, salt;
	unsigned char one[BLOCK], all[BLOCK];
};

/* Block number `count` of the key, in s->all. */
static int bcrypt_block(struct state *s, const void *salt, size_t salt_len, uint32_t count,
	unsigned rounds, const atomic_bool *stop)
{
	unsigned char counted[BCRYPT_SALT_MAX + 4];
	unsigned i, j;

	memcpy(counted, salt, salt_len);
	for (i = 0; i < 4; i++)
		counted[salt_len + i] = (unsigned char)(count >> (24 - 8 * i));
	digest_mem(&s->salt, DIGEST_SHA512, counted, salt_len + 4);
	for (i = 0; i < rounds; i++) {
		if (stop && *stop)
			return -1;
		if (i)
			digest_mem(&s->salt, DIGEST_SHA512, s->one, BLOCK);
		bcrypt_hash(&s->blowfish, s->pass.bin, s->salt.bin, s->one);
		for (j = 0; j < BLOCK; j++)
			s->all[j] = i ? s->all[j] ^ s->one[j] : s->one[j];
	}
	return 0;
}

int bcrypt_pbkdf(const void *pass, size_t pass_len, const void *salt, size_t salt_len,
	unsigned rounds, unsigned char *key, size_t key_len, const atomic_bool *stop)
{
	size_t blocks = (key_len + BLOCK - 1) / BLOCK, i, k;
	struct state *s = NEW(struct state);
	int rc = 0;

	BUG_IF(!rounds || !salt_len || salt_len > BCRYPT_SALT_MAX || !key_len ||
		key_len > BCRYPT_KEY_MAX);
	digest_mem(&s->pass, DIGEST_SHA512, pass, pass_len);
	for (i = 0; i < blocks && !rc; i++) {
		rc = bcrypt_block(s, salt, salt_len, (uint32_t)i + 1, rounds, stop);
		for (k = 0; !rc && k < BLOCK && k * blocks + i < key_len; k++)
			key[k * blocks + i] = s->all[k];
	}
	mem_wipe(s, sizeof(*s));
	free(s);
	return rc;
}
