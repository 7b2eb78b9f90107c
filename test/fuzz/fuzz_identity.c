/* What a certificate says of who has signed: names, and the issuer in either form, which the first
   byte chooses. Names are text; what is refused says why; who matches is shown in ASCII. */
#include "verify/identity.h"

#include "base/buf.h"
#include "base/vec.h"
#include "test/fuzz/certmut.h"

#include <string.h>

#define OID(text) {text, sizeof(text) - 1}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const struct {
	const char *oid;
	size_t n;
} extensions[] = {
	OID("\6\3\x55\x1d\x11"), /* subjectAltName */
	OID("\6\x0a\x2b\6\1\4\1\x83\xbf\x30\1\1"),
	OID("\6\x0a\x2b\6\1\4\1\x83\xbf\x30\1\x08"),
};

static const struct verify_identities *anybody(void)
{
	static struct verify_identities who;
	struct err err = {0};

	if (!who.len) {
		verify_identities_add(&who, ".", ".");
		BUG_IF(verify_identities_compile(&who, &err));
	}
	return &who;
}

static void match(const struct cert *c, enum verify_names which)
{
	auto_buf struct buf signer = BUF_INIT(1 << 20);
	struct err err = {0};
	size_t i;

	if (verify_identities_match(anybody(), c, which, &signer, &err))
		BUG_IF(err.kind != ERR_RETRY || !*err.msg || strpbrk(err.msg, "\r\n"));
	for (i = 0; i < signer.len; i++)
		BUG_IF(signer.p[i] < 0x20 || signer.p[i] == 0x7f);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct cert_names names = {0};
	const struct cert_name *one;
	struct err err = {0};
	struct cert *c;
	size_t which;

	if (!size || size > 8192)
		return 0;
	which = data[0] % ARRAY_LEN(extensions);
	c = cert_around(extensions[which].oid, extensions[which].n, data + 1, size - 1);
	if (!c)
		return 0;
	if (cert_names(&names, c, &err))
		BUG_IF(!*err.msg);
	vec_each (&names, one)
		BUG_IF(!one->text || (one->type == CERT_NAME_IP && !strpbrk(one->text, ".:")));
	cert_names_clear(&names);
	match(c, VERIFY_ANY_NAME);
	match(c, VERIFY_ONE_NAME);
	cert_free(c);
	return 0;
}
