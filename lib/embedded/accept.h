/* The Accept header, as far as this API cares: Table, PartialObjectMetadata or the objects
   themselves, always as JSON. */
#ifndef EMBEDDED_ACCEPT_H
#define EMBEDDED_ACCEPT_H
#include "embedded/call.h"

/* The first entry that can be served decides (clients list them in the order of their wish). NULL
   or "": JSON objects. -1: nothing in it can be served. */
int emb_accept(const char *header, bool list, enum emb_form *form);
/* The media type without parameters, lower case, cut at 127 bytes. */
void emb_media_type(const char *header, char out[128]);

#endif
