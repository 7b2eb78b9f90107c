/*
 * How many directives (YAML 1.2, section 6.8) a document has. libyaml compares each %TAG with all
 * that the document had before: 80,000 of them in 1 MiB took half a minute, in one call that
 * nobody can stop. Who reads a stranger's text asks here first.
 *
 * One pass over the text, nothing is kept. Any thread.
 */
#ifndef TEXT_YAML_DIRECTIVES_H
#define TEXT_YAML_DIRECTIVES_H
#include <stddef.h>

/* The line, 1-based, on which a document has more than LIMIT_YAML_DIRECTIVES lines that begin with
   a %; 0: none has. Of a text in UTF-8 without its byte order mark. */
unsigned long yaml_directives_over(const char *text, size_t len);

#endif
