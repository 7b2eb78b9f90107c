#include "verify/merkle.h"

#include <string.h>

#define NODE 32

void verify_merkle_leaf(struct digest *out, const void *data, size_t n)
{
	auto_digest_ctx struct digest_ctx h = {0};

	digest_ctx_init(&h, DIGEST_SHA256);
	digest_update(&h, "\0", 1);
	digest_update(&h, data, n);
	digest_final(&h, out);
}

/* Both may be out. */
static void node(struct digest *out, const unsigned char *left, const unsigned char *right)
{
	unsigned char both[1 + 2 * NODE] = {1};

	memcpy(both + 1, left, NODE);
	memcpy(both + 1 + NODE, right, NODE);
	digest_mem(out, DIGEST_SHA256, both, sizeof(both));
}

/* Section 2.1.3.2, with its names. */
int verify_merkle_root(struct digest *out, const struct digest *leaf, int64_t index, int64_t size,
	const unsigned char *path, size_t n, struct err *err)
{
	int64_t fn = index, sn = size - 1;
	size_t i;

	if (index < 0 || index >= size)
		return err_set(err, ERR_RETRY, "the inclusion proof is of a leaf outside the tree");
	*out = *leaf;
	for (i = 0; i < n; i++) {
		if (!sn)
			return err_set(err, ERR_RETRY, "the inclusion proof is too long");
		if (fn & 1 || fn == sn) {
			node(out, path + i * NODE, out->bin);
			while (!(fn & 1) && fn) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			node(out, out->bin, path + i * NODE);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn ? err_set(err, ERR_RETRY, "the inclusion proof is too short") : 0;
}
