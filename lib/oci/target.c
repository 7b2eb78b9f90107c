#include "oci/target.h"

#include "base/mem.h"
#include "oci/identity.h"

void oci_target_init(struct oci_target *own, const struct oci_target *from)
{
	own->repo = mem_dup(from->repo, sizeof(*from->repo));
	own->identity = oci_identity_ref(from->identity);
	own->timeout_ms = from->timeout_ms;
}

void oci_target_clear(struct oci_target *own)
{
	free((struct oci_repo *)(uintptr_t)own->repo);
	oci_identity_unref(own->identity);
	*own = (struct oci_target){0};
}
