/*
 * When the image of one manifest was built (built.h). What is no image that says so is no failure.
 * Loop thread. For built.c.
 *
 *	op = built_date_start(loop, client, &target, &digest);
 *	... when done, op->err.kind == ERR_NONE: built_date_result(op)->ms
 */
#ifndef IMAGE_BUILT_DATE_H
#define IMAGE_BUILT_DATE_H
#include "crypto/digest.h"
#include "oci/target.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct oci_client;
struct op;

struct built_date {
	int64_t ms; /* since 1970; 0: it does not say */
	bool partial; /* the registry lacks some of it: what was found may not be all */
};

struct op *built_date_start(struct loop *loop, struct oci_client *client,
	const struct oci_target *target, const struct digest *manifest);
/* Borrowed from the op. */
const struct built_date *built_date_result(const struct op *op);

#endif
