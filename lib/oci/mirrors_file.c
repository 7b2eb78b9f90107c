#include "oci/mirrors_file.h"

#include "base/limits.h"
#include "ev/reread.h"
#include "oci/mirrors.h"
#include "oci/registry.h"

static void *rules_read(const char *text, size_t len, struct err *err)
{
	return oci_mirrors_parse(text, len, err);
}

static void rules_free(void *value)
{
	oci_mirrors_free(value);
}

static void rules_take(void *arg, void *value)
{
	oci_client_use_mirrors(arg, value);
}

struct reread *oci_mirrors_file(
	struct loop *l, struct oci_client *c, const char *path, struct err *err)
{
	return reread_new(&(struct reread_opts){.loop = l,
				  .path = path,
				  .name = "mirrors",
				  .max = LIMIT_MIRROR_FILE,
				  .read = rules_read,
				  .free = rules_free,
				  .take = rules_take,
				  .arg = c},
		err);
}
