/*
 * Line breaks of YAML 1.1 (section 4.2), as libyaml has them: NEL, LS and PS too. Any thread.
 */
#ifndef TEXT_YAML_BREAK_H
#define TEXT_YAML_BREAK_H
#include <stddef.h>

/* Bytes of the line break that p begins with; 0: none. */
size_t yaml_break(const char *p, const char *end);

#endif
