/*
 * An identity of a Kubernetes pull Secret, as the kubelet and Flux read it: of the types
 * kubernetes.io/dockerconfigjson and kubernetes.io/dockercfg. Loop thread.
 */
#ifndef OCI_IDENTITY_SECRET_H
#define OCI_IDENTITY_SECRET_H
#include "base/err.h"

#include <jansson.h>

struct oci_identity;

/* Adds what the Secret has; one of another type adds nothing. `what` names it in messages. -1
   (ERR_RETRY): it is not what its type says; the message names the key, never a value. */
int oci_identity_add_secret(struct oci_identity *id, const json_t *secret, const char *what,
	struct err *err) must_check;

#endif
