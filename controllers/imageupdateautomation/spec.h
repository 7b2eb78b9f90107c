/*
 * The spec of an ImageUpdateAutomation (image.toolkit.fluxcd.io/v1), read once per change of the
 * object. The API server has validated it against the CRD, but an object may be older than the
 * schema: everything is checked again here. Loop thread.
 */
#ifndef IMAGEUPDATEAUTOMATION_SPEC_H
#define IMAGEUPDATEAUTOMATION_SPEC_H
#include "base/vec.h"
#include "ctl/spec.h"
#include "forge/forge.h"
#include "source/git_spec.h"

#include <jansson.h>
#include <stdbool.h>

struct err;
struct kube_selector;
struct tmpl;

/* Annotations of an object: the forge at which the branch that it pushes has a pull or merge
   request (forge_kind_parse); the branch that it is to go into, by default the one that is read;
   its title, by default the first line of the commit's message; where the forge's API is, by
   default what the URL of the repository says; and a Secret with a key `token`, by default what Git
   is shown, which goes to the host of that URL only. */
#define AUTOMATION_REQUEST "oci-source-controller/pull-request"
#define AUTOMATION_REQUEST_BASE "oci-source-controller/pull-request-base"
#define AUTOMATION_REQUEST_TITLE "oci-source-controller/pull-request-title"
#define AUTOMATION_REQUEST_API "oci-source-controller/pull-request-api"
#define AUTOMATION_REQUEST_SECRET "oci-source-controller/pull-request-secret"

struct automation_request {
	bool wanted;
	enum forge_kind kind;
	char *base, *title, *api, *secret; /* NULL: not given */
};

struct automation_pair {
	char *name, *value;
};

struct automation_pairs {
	struct automation_pair *p;
	size_t len, cap;
};

struct automation_spec {
	struct spec spec;
	char *repository; /* sourceRef: its name, and its namespace; NULL: the object's own */
	char *repository_ns;
	/* Why it does not say where to work, what to write there, or how; and the reason for it. It
	   stalls, but for a part that only this process refuses (steps.c). */
	struct err *misfit;
	const char *misfit_reason;

	bool has_ref; /* git.checkout.ref; else it is the GitRepository's */
	struct git_ref ref;
	char *author_name, *author_email; /* "": not given */
	struct tmpl *message; /* NULL unless it fits */
	struct automation_pairs values; /* by name */
	char *signing_key; /* NULL: commits are not signed */
	bool signing_ssh; /* else with OpenPGP */
	char *push_branch, *push_refspec; /* NULL: not given */
	struct automation_pairs options; /* by name */
	struct automation_request request;
	struct kube_selector *selector; /* NULL: all */
	char *path; /* cleaned, relative; "" is all; NULL never */
};

#define AUTOMATION_SPEC(s) CONTAINER_OF(s, struct automation_spec, spec)

/* Never NULL: what is wrong stands in it. */
struct spec *automation_spec_new(const json_t *obj);

/* A path of an update below the root, whatever it says: "", "a/b". Free it. */
char *automation_path_clean(const char *path);

#endif
