/* OpenPGP's armor and the packets in it: the first byte chooses the kind. What is taken never holds
   more than there was, and packets fill their bytes. */
#include "gpg/armor.h"

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const char *const kinds[] = {GPG_SIGNATURE, GPG_PUBLIC_KEYS, GPG_PRIVATE_KEYS};
	auto_buf struct buf b = BUF_INIT(1 << 16);
	struct gpg_packets count;
	struct err err = {0};

	if (!size)
		return 0;
	if (gpg_dearmor(&b, (const char *)data + 1, size - 1, kinds[data[0] % 3], &err)) {
		BUG_IF(err.kind != ERR_RETRY || !*err.msg);
		b.len = 0;
	}
	BUG_IF(b.len > size);
	err_clear(&err);
	if (b.len && !gpg_packets_count(b.p, b.len, &count, &err))
		BUG_IF(!count.n || 2 * (size_t)count.n > b.len + 1);
	if (!gpg_packets_count(data, size, &count, &err))
		BUG_IF(count.sigs + count.secrets + count.publics + count.secret_subkeys > count.n);
	return 0;
}
