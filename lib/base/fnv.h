/*
 * FNV-1a, 64 bits. It is fast for short keys and says nothing against who chooses them: where
 * strangers do, the start is secret and fnv_mix comes after. Any thread.
 *
 *	h = fnv_text(fnv_text(FNV_START, ns), name);
 */
#ifndef BASE_FNV_H
#define BASE_FNV_H
#include <stddef.h>
#include <stdint.h>

#define FNV_START 14695981039346656037ULL

static inline uint64_t fnv_byte(uint64_t h, unsigned char c)
{
	return (h ^ c) * 1099511628211ULL;
}

static inline uint64_t fnv_text(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = fnv_byte(h, (unsigned char)*s);
	return h;
}

static inline uint64_t fnv_bytes(uint64_t h, const void *data, size_t n)
{
	const unsigned char *p = data;

	while (n--)
		h = fnv_byte(h, *p++);
	return h;
}

/* Spreads what differs in the high bits to the low ones, which choose the slot of a table. */
static inline uint64_t fnv_mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15ULL;
	return h ^ (h >> 29);
}

#endif
