/* The data of a commit's message as a table row of tmpldiff says it: for the tests of templates. */
#ifndef TEST_UNIT_TEMPLATE_MESSAGE_H
#define TEST_UNIT_TEMPLATE_MESSAGE_H
#include "template/value.h"

#include <jansson.h>

/* ns, name, values (an object or null), changes (lists of file, apiVersion, kind, name, namespace,
   old, new, setter). All of it is the pool's. */
const struct value *message_new(struct value_pool *p, const json_t *data);

#endif
