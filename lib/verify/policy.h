/* What a signature has to be, to count. Nothing here is owned. Any thread. */
#ifndef VERIFY_POLICY_H
#define VERIFY_POLICY_H
#include <stdbool.h>

struct verify_identities;
struct verify_keys;
struct verify_report;
struct verify_root;

struct verify_policy {
	const struct verify_keys
		*keys; /* by one of these; NULL: by a certificate ("keyless"), ... */
	const struct verify_root *root; /* ... whose authority and logs are in there */
	const struct verify_identities *who; /* ... and which names one of them; compiled */
	struct verify_report *report; /* gets what was checked; NULL: nobody wants to see it */
};

#endif
