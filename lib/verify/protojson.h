/*
 * JSON as protobuf messages are written in it (ProtoJSON), read strictly: a member that the message
 * does not have, one that is there under both of its names, two of a oneof, a value of another type
 * and everything that is no JSON is an error. null is as good as absent. Any thread.
 *
 * A message is a table of its fields, which ends with a NULL name. verify_pj_check looks at the
 * whole document once; from then on its members can be taken as the table says.
 */
#ifndef VERIFY_PROTOJSON_H
#define VERIFY_PROTOJSON_H
#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

enum verify_pj_type {
	VERIFY_PJ_STRING,
	VERIFY_PJ_BYTES, /* base64, of either alphabet, padded or not */
	VERIFY_PJ_INT, /* of 64 bits: a number, or a string of one */
	VERIFY_PJ_ENUM, /* its name or its number: which there are is not checked */
	VERIFY_PJ_MESSAGE,
	VERIFY_PJ_STRINGS, /* a map of strings to strings */
	VERIFY_PJ_STRUCT, /* any object */
};

struct verify_pj_field {
	const char *name, *other; /* in JSON, in the .proto; other NULL: the same */
	enum verify_pj_type type;
	bool many; /* a list of them */
	unsigned one_of; /* of those with the same number only one may be there; 0: any */
	const struct verify_pj_field *fields; /* of a message */
};

int verify_pj_check(const json_t *o, const struct verify_pj_field *fields, const char *what,
	struct err *err) must_check;
/* A member of a message that was checked; NULL: it is not there. */
json_t *verify_pj_get(const json_t *o, const struct verify_pj_field *fields, const char *name);
/* Appends what a VERIFY_PJ_BYTES that is there holds. -1: past the limit of the buffer. */
int verify_pj_bytes(const json_t *v, struct buf *out, struct err *err) must_check;
/* Of a VERIFY_PJ_INT; 0: it is not there. */
int64_t verify_pj_int(const json_t *v);

#endif
