/*
 * The command line of ocictl: one command, one URL or image, flags, each of which belongs to some
 * commands. Everything is borrowed from argv. Main thread.
 */
#ifndef OCICTL_ARGS_H
#define OCICTL_ARGS_H
#include "base/buf.h"
#include "base/vec.h"
#include "cloud/cloud.h"
#include "oci/platform.h"
#include "oci/ref.h"

/* EXIT_USAGE is for a diff that could not be made, too, as of diff(1): 1 says that they differ. */
enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct args {
	struct oci_ref ref;
	const char *path, *source, *revision, *created, *creds, *output;
	const char *semver, *semver_filter, *layer_type;
	const char *alphabetical, *numerical, *filter, *extract, *skip, *pin; /* of policy */
	VEC(const char *) exclude;
	unsigned runners;
	bool has_repo; /* ref is there; else policy takes it from a file */
	struct buf ignore;
	bool has_ignore, insecure, allow_empty;
	bool json; /* what is printed; of all commands but pull */
	bool has_provider;
	enum cloud_provider provider; /* who gives the password; with has_provider */
	struct oci_platform platform;
	VEC(const char *) annotations, tags; /* end with NULL */
	VEC(const char *) keys, certificates; /* files */
	VEC(const char *) extensions; /* "NAME=VALUE" */
	const char *trusted_root, *trust_policy; /* files */
	const char *identity, *identity_regexp, *issuer, *issuer_regexp;
	uint64_t timeout_ms;
};

enum command {
	COMMAND_PUSH,
	COMMAND_TAG,
	COMMAND_RESOLVE,
	COMMAND_PULL,
	COMMAND_LIST,
	COMMAND_DIFF,
	COMMAND_VERIFY,
	COMMAND_POLICY
};

/* 0: *command is to be run. 1: there is nothing to do but to end with *rc. To be cleared in any
   case. */
int args_read(struct args *a, int argc, char **argv, enum command *command, int *rc) must_check;
void args_clear(struct args *a);

/* Says what is wrong, and returns the exit status. */
int ocictl_failed(const struct err *err);
int ocictl_misused(const char *text);

#endif
