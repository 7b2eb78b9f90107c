/*
 * Reads a few texts out of an XML document by the path of their elements: what AWS's STS answers
 * (the "query" protocol) needs no more. Any thread.
 *
 *	struct xml_text want[] = {{"Response/Result/Id"}, {"Response/Result/Key"}};
 *
 *	if (xml_read(data, len, want, ARRAY_LEN(want), err))
 *		return -1;
 *	if (want[0].found) ... use want[0].text.p
 *	xml_texts_clear(want, ARRAY_LEN(want));
 *
 * Well-formed, no document type and so no entities but XML's own five and numeric ones, at most
 * LIMIT_TOKEN_BODY bytes and LIMIT_XML_DEPTH elements deep. It is read as UTF-8, whatever it says
 * of itself, unless it begins as UTF-16 does; the texts are UTF-8. Names count with their prefixes,
 * as they are written. A text is all of an element's own, pieces between comments and children put
 * together. One path twice is refused: nobody knows which one is meant.
 */
#ifndef CLOUD_XML_H
#define CLOUD_XML_H
#include "base/err.h"
#include "base/secret.h"

#include <stdbool.h>
#include <stddef.h>

struct xml_text {
	const char *path; /* names with '/' between them, from the root's on */
	struct secret text; /* empty when not found, or when the element is */
	bool found;
};

/* 0, or -1 (ERR_RETRY): what is wrong and in which line, never a text of the document; no text is
   set then. */
int xml_read(
	const char *data, size_t len, struct xml_text *want, size_t n, struct err *err) must_check;
void xml_texts_clear(struct xml_text *want, size_t n); /* wipes */

#endif
