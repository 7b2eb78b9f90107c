/*
 * A ServiceAccount as whose identity a cloud is asked (cloud/cloud.h): Kubernetes makes a token for
 * it that the cloud takes (TokenRequest, authentication.k8s.io/v1). Of its annotations those are
 * kept that a cloud looks at. Loop thread.
 */
#ifndef SOURCE_SERVICE_ACCOUNT_H
#define SOURCE_SERVICE_ACCOUNT_H
#include "cloud/cloud.h"

#include <jansson.h>

struct kube_client;

/* -1: one of the annotations that a cloud looks at is longer than LIMIT_CLOUD_ANNOTATION. They are
   kept with each identity that is made of them. */
int service_account_check(const json_t *object, struct err *err) must_check;
/* As it was read; kube is borrowed. One reference, the caller's. */
struct cloud_account *service_account_new(struct kube_client *kube, const json_t *object);

#endif
