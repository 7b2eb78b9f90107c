/* What a signature has to be, to count. Nothing here is owned. Any thread. */
#ifndef VERIFY_POLICY_H
#define VERIFY_POLICY_H
#include <stdbool.h>

struct verify_demands;
struct verify_identities;
struct verify_keys;
struct verify_report;
struct verify_root;

struct verify_policy {
	const struct verify_keys
		*keys; /* by one of these; NULL: by a certificate ("keyless"), ... */
	const struct verify_root *root; /* ... whose authority and logs are in there */
	const struct verify_identities *who; /* ... and which names one of them; compiled */
	/* And besides, by a certificate or by a key; NULL: nothing. With keys a log that is
	   demanded is one of the root. */
	const struct verify_demands *demands;
	struct verify_report *report; /* gets what was checked; NULL: nobody wants to see it */
};

#endif
