/*
 * Go's text/template with the pure functions of sprig, bounded: the messages of commits that an
 * ImageUpdateAutomation writes. A template is what the user of an object wrote; data is what we
 * made (template/value.h).
 *
 *	struct tmpl *t;
 *	if (tmpl_parse(&t, text, strlen(text), err)) ...
 *	if (tmpl_run(t, data, &out, err)) ...
 *	tmpl_free(t);
 *
 * What there is: the whole language (text/template, Go 1.26: parse/lex.go, parse/parse.go, exec.go)
 * without methods, channels and functions as values, so `call` is refused, and so are complex
 * numbers; the builtin functions; of sprig 3.3 those that are pure and no work of themselves
 * (template/fns.c has the table). The other names of sprig are known, and refused as not built
 * here. Results, and the words of errors, are Go's; a template's name is "commit message" in them,
 * as with the peer. test/e2e/tmpldiff.sh holds all of it to Go.
 *
 * Where it differs: the limits; letters, upper and lower case are those of the C library's
 * Unicode (the program runs in C.UTF-8); patterns are what text/match.h takes; keys and values are
 * in the order of the keys, where the peer has them in a random one; `slice` goes no further than
 * the list it gets; words of errors that come from other libraries (patterns, versions) are ours.
 *
 * Limits: LIMIT_TEMPLATE_TEXT bytes of text, LIMIT_TEMPLATE_DEPTH of nesting, of templates in
 * templates too; a run takes LIMIT_TEMPLATE_STEPS, makes LIMIT_TEMPLATE_MEMORY of values and
 * LIMIT_TEMPLATE_RESULT bytes. A parsed template is read only: any thread, several at a time. The
 * worst within the limits takes some 50 ms, which is work for a worker.
 */
#ifndef TEMPLATE_TEMPLATE_H
#define TEMPLATE_TEMPLATE_H
#include "base/buf.h"
#include "base/err.h"
#include "template/value.h"

#include <stddef.h>

struct tmpl;

/* err.code of both calls; the kind is ERR_STALL always. */
enum tmpl_code {
	TMPL_BAD = 1, /* Go refuses it too: the message is Go's */
	TMPL_LIMIT, /* a limit of ours */
	TMPL_NOT_BUILT, /* a function that is not built here: `function "x" is not built here` */
	TMPL_REMOVED, /* a field that there is no more: the message is the one of value_gone() */
};

/* 0, *out is the caller's (tmpl_free); or -1: the message begins with `template: commit message:`
   and the line. */
int tmpl_parse(struct tmpl **out, const char *text, size_t len, struct err *err) must_check;
/* NULL is fine. */
void tmpl_free(struct tmpl *t);

/* Appends the result to out, whose own limit holds too. data is borrowed. 0; or -1, and out holds
   what was written until then. */
int tmpl_run(const struct tmpl *t, const struct value *data, struct buf *out,
	struct err *err) must_check;

#endif
