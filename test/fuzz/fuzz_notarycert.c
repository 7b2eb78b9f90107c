/* Certificates of the Notary Project's signers. What can be read is equal to itself, says no more
   than it may, and is no chain unless it has signed itself. */
#include "crypto/notary_cert.h"

#include "base/err.h"
#include "base/vec.h"
#include "verify/notation_chain.h"
#include "verify/notation_dn.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void cert_check(struct notary_cert *c)
{
	struct notary_certs one = {&c, 1, 1};
	auto_buf struct buf name = BUF_INIT(BUF_ANY);
	const struct notary_cert_facts *f = notary_cert_facts(c);
	struct verify_dn dn = {0};
	struct err err = {0};

	BUG_IF(!notary_cert_equal(c, c) ||
		notary_cert_verifies(c, NOTARY_SALT_ANY, "x", 1, "y", 1));
	notary_cert_describe(c, &name);
	if (!verify_dn_of(&dn, c, &err))
		BUG_IF(dn.len < 3 || !verify_dn_within(&dn, &dn));
	verify_dn_clear(&dn);
	err_clear(&err);
	if (!verify_chain(&one, &err))
		BUG_IF(!notary_cert_issued_by(c, c) || f->is_ca || !f->sound);
	if (f->sound && !verify_chain_at(&one, f->not_before_ms, &err))
		BUG_IF(f->not_after_ms < f->not_before_ms);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct notary_certs all = {0};
	struct notary_cert **c;
	struct err err = {0};

	if (notary_certs_add(&all, (const char *)data, size, &err))
		BUG_IF(err.kind != ERR_RETRY || !*err.msg);
	else
		BUG_IF(!all.len);
	vec_each (&all, c)
		cert_check(*c);
	notary_certs_clear(&all);
	return 0;
}
