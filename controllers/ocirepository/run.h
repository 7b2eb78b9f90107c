/*
 * What the rows of an OCIRepository work with: its env, and a run with what it has found so far.
 * Loop thread.
 */
#ifndef OCIREPOSITORY_RUN_H
#define OCIREPOSITORY_RUN_H
#include "controllers/ocirepository/spec.h"
#include "ctl/run.h"
#include "oci/platform.h"
#include "oci/ref.h"
#include "oci/tags.h"
#include "source/artifact.h"
#include "source/env.h"
#include "source/login.h"
#include "source/registry.h"
#include "source/verified.h"

#include <stdbool.h>
#include <stdint.h>

struct controller;
struct op;

struct ocirepository_env {
	struct source_env source;
	struct registry_env registry;
	uint64_t max_blob;
	struct controller *controller; /* its own */
};

struct ocirepository_run {
	struct artifact_run artifact;
	struct oci_repo where;
	struct login login;
	struct verified verified;
	struct digest manifest; /* what the reference means, or a restore asks for */
	bool asking; /* the registry, what the reference means */
	const char *layer_type; /* of the spec, or of the status for a restore; NULL: any */
	struct oci_platform platform; /* of an index; likewise */
	struct oci_tags_result choice; /* total 0: there was none */
	struct op *image; /* done; the layer is in there */
	json_t *metadata; /* of the artifact */
};

#define OCI_RUN(r) CONTAINER_OF(ARTIFACT_RUN(r), struct ocirepository_run, artifact)
#define OCI_SPEC(r) OCIREPOSITORY_SPEC((r)->spec)
#define OCI_ENV(r) ((struct ocirepository_env *)(r)->c->opts.env)

/* news.c: the row that tells people of a new artifact, or of a failure. */
enum step_ret ocirepository_events_start(struct task *t);

#endif
