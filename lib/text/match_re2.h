/* The calls into RE2, for match.c alone: plain C, no rules of our own. */
#ifndef TEXT_MATCH_RE2_H
#define TEXT_MATCH_RE2_H
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NULL, with the reason in msg (cut to size), when RE2 refuses the pattern. memory: bytes for the
   compiled form and its caches. */
void *match_re2_new(const char *pattern, size_t len, size_t memory, char *msg, size_t size);
/* Instructions of the compiled form, forwards or backwards, whichever has more. */
int match_re2_program(const void *re);
void match_re2_free(void *re);
bool match_re2_text(const void *re, const char *text, size_t len);
int match_re2_groups(const void *re);
/* NULL: the group has none. Borrowed from the pattern. */
const char *match_re2_group_name(const void *re, int n);
/* The first n of match and groups; `from` of one that took no part is MATCH_RE2_NONE. */
#define MATCH_RE2_NONE ((size_t)-1)
struct match_span;
bool match_re2_spans(const void *re, const char *text, size_t len, size_t from,
	struct match_span *spans, size_t n);

#ifdef __cplusplus
}
#endif
#endif
