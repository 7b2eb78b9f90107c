/*
 * In-toto statements (in-toto/attestation, spec/v1/statement.md): something is said of subjects,
 * each named by digests. Any thread.
 */
#ifndef VERIFY_STATEMENT_H
#define VERIFY_STATEMENT_H
#include "base/err.h"
#include "crypto/digest.h"
#include "verify/verdict.h"

#include <stddef.h>

#define VERIFY_STATEMENT_TYPE "application/vnd.in-toto+json"

/* Is the manifest a subject of the statement, whose signature was found good? What is said of it,
   the predicate, counts for nothing: an SBOM by the same signer is as good as a signature. */
enum verdict verify_statement(
	const char *payload, size_t n, const struct digest *manifest, struct err *err) must_check;

#endif
