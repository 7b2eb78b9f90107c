/*
 * UTF-8 (RFC 3629): no overlong form, no surrogate, nothing past U+10FFFF. The API server refuses
 * text that is not, and jansson makes no string of it, so whatever a registry or a tar puts into a
 * message goes through utf8_tidy.
 *
 * Nothing is kept. Any thread. Lengths are bytes.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that s starts with, 0 when it starts with none; *rune, which may be NULL,
   is then unchanged. n is at least 1. */
size_t utf8_char(const char *s, size_t n, uint32_t *rune);
bool utf8_ok(const char *s, size_t n);
/* The length of the longest beginning of s that has at most max bytes and does not end inside a
   character. */
size_t utf8_cut(const char *s, size_t n, size_t max);
/* A copy of at most max bytes, cut at a whole character, with ? for every byte that belongs to
   none. The caller frees it. */
char *utf8_tidy(const char *text, size_t max);

#endif
