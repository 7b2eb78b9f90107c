#include "http/ca_file.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "crypto/pem.h"
#include "ev/reread.h"
#include "http/client.h"

static void cas_free(void *value)
{
	struct buf *pem = value;

	buf_clear(pem);
	free(pem);
}

static void *cas_read(const char *text, size_t len, struct err *err)
{
	struct buf *pem;

	if (!pem_is_whole(text, len)) {
		err_set(err, ERR_STALL, "no certificates in PEM, or one that is broken");
		return NULL;
	}
	pem = NEW(struct buf);
	buf_init(pem, LIMIT_CA_PEM);
	if (!pem_add_certs(pem, text, len, NULL))
		return pem;
	cas_free(pem);
	err_set(err, ERR_STALL, "its certificates take more than %llu bytes", LIMIT_CA_PEM);
	return NULL;
}

static void cas_take(void *arg, void *value)
{
	http_client_use_cas(arg, value);
	cas_free(value);
}

struct reread *http_ca_file_new(
	struct loop *l, struct http_client *c, const char *path, struct err *err)
{
	return reread_new(&(struct reread_opts){.loop = l,
				  .path = path,
				  .name = "cas",
				  .max = LIMIT_CA_PEM,
				  .folder = true,
				  .read = cas_read,
				  .free = cas_free,
				  .take = cas_take,
				  .arg = c},
		err);
}
