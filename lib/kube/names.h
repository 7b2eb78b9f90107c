/* The forms that Kubernetes demands of names, labels and the like
   (k8s.io/apimachinery/pkg/util/validation). Any thread. */
#ifndef KUBE_NAMES_H
#define KUBE_NAMES_H
#include <stdbool.h>
#include <stddef.h>

bool kube_is_dns_label(const char *s); /* RFC 1123, at most 63 bytes */
bool kube_is_dns_subdomain(const char *s); /* RFC 1123, at most 253 bytes */
bool kube_is_qualified(
	const char *s); /* [prefix/]name: keys of labels and annotations, finalizers */
bool kube_is_label_value(const char *s); /* may be empty */

/* The sentences with which the API server refuses what breaks a rule. */
#define KUBE_DNS_LABEL_RULE \
	"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', " \
	"and must start and end with an " \
	"alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is " \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
#define KUBE_DNS_SUBDOMAIN_RULE \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' " \
	"or '.', and must start and end with an " \
	"alphanumeric character (e.g. 'example.com', regex used for validation is " \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define KUBE_QUALIFIED_RULE \
	"name part must consist of alphanumeric characters, '-', '_' or '.', and must start and " \
	"end with an alphanumeric character " \
	"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " \
	"'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
#define KUBE_LABEL_VALUE_RULE \
	"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' " \
	"or '.', and must start and end with an " \
	"alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for " \
	"validation is " \
	"'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

#endif
