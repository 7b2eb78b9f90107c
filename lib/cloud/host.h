/* Names of registries, matched whole and anchored: a look-alike must get nothing. Any thread. */
#ifndef CLOUD_HOST_H
#define CLOUD_HOST_H
#include <stdbool.h>
#include <stddef.h>

/* One or more labels of a host name (RFC 1123), in lower case, joined by dots? */
bool cloud_labels_ok(const char *s, size_t len);
/* Does host consist of such labels, a dot, and this suffix ("azurecr.io")? */
bool cloud_host_is_below(const char *host, const char *suffix);

#endif
