#include "oci/target.h"

#include "base/mem.h"
#include "http/client.h"
#include "oci/identity.h"
#include "oci/mirrors.h"

void oci_target_init(struct oci_target *own, const struct oci_target *from)
{
	own->repo = mem_dup(from->repo, sizeof(*from->repo));
	own->identity = oci_identity_ref(from->identity);
	own->timeout_ms = from->timeout_ms;
	own->mirror = oci_mirror_ref(from->mirror);
	own->patient = from->patient;
}

void oci_target_clear(struct oci_target *own)
{
	free((struct oci_repo *)(uintptr_t)own->repo);
	oci_identity_unref(own->identity);
	oci_mirror_unref(own->mirror);
	*own = (struct oci_target){0};
}

const struct http_trust *oci_target_trust(const struct oci_target *t, bool insecure)
{
	static const struct http_trust unverified = {.insecure = true};

	if (!t->mirror)
		return oci_identity_trust_for(t->identity, insecure);
	return insecure && !t->mirror->trust.ca_pem.len ? &unverified : &t->mirror->trust;
}

const struct http_proxy *oci_target_proxy(const struct oci_target *t)
{
	return t->mirror ? NULL : oci_identity_proxy(t->identity);
}

bool oci_target_goes_aside(const struct oci_target *t)
{
	return !t->mirror && oci_identity_goes_aside(t->identity);
}
