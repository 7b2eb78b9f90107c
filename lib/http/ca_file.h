/*
 * CAs of the operator's (--ca-file): a file in PEM, or a folder of such files, which a client
 * trusts beside the system's, reloaded when it changes (ev/reread.h). At least one certificate, and
 * no block that is cut or no certificate under a certificate's name; what else stands there (text,
 * keys) is passed over. Loop thread.
 */
#ifndef HTTP_CA_FILE_H
#define HTTP_CA_FILE_H
#include "base/err.h"

struct http_client;
struct loop;
struct reread;

/* c is borrowed until reread_free. NULL: there is no certificate to begin with; *err names the
   path. */
struct reread *http_ca_file_new(
	struct loop *l, struct http_client *c, const char *path, struct err *err) must_check;

#endif
