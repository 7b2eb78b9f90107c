/*
 * What HTTP and URIs are spelled with, for both ends of a connection: characters (RFC 9110 section
 * 5.6.2, RFC 3986 sections 2.1 and 2.3) and the names of status codes (RFC 9110 section 15; RFC
 * 6585, RFC 7725). No state, any thread, never the locale's opinion.
 */
#ifndef HTTP_SYNTAX_H
#define HTTP_SYNTAX_H
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* May it stand in a token: a method, a header's name, an auth scheme? */
bool http_is_tchar(char c);
/* At least one tchar and nothing else. */
bool http_is_token(const char *s);
/* Does a URI mean the same with it as with its percent-encoded form? */
bool http_is_unreserved(char c);
/* The byte that "%XX" at p stands for, of which n bytes can be read; -1: there is no such thing. */
int http_percent_value(const char *p, size_t n);
/* Appends a path of n bytes, which begins with '/', in its shortest form: without elements that are
   empty, "." or ".." (Go's path.Clean), with the slash at the end where there was one. */
void http_path_clean(const char *p, size_t n, struct buf *out);
/* "Not Found"; "" for a code without a name, which a status line may have (RFC 9112 section 4). */
const char *http_status_text(int status);

#endif
