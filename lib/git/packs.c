#include "git/objects_internal.h"

#include "base/sys.h"

#include <stdlib.h>
#include <string.h>

void gitc_pack_free(struct gitc_pack *p)
{
	if (!p)
		return;
	sys_close(p->fd);
	free(p);
}

static uint64_t be64(const unsigned char *p)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

bool gitc_pack_find(const struct gitc_pack *p, const struct gitc_oid *oid, uint64_t *at)
{
	uint32_t low = oid->b[0] ? p->fanout[oid->b[0] - 1] : 0, high = p->fanout[oid->b[0]];

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		unsigned char b[GITC_RECORD];
		int rc;

		if (sys_pread(p->fd, b, sizeof(b), p->pack_size + (uint64_t)mid * sizeof(b)) !=
			(ssize_t)sizeof(b))
			return false;
		rc = memcmp(oid->b, b, sizeof(oid->b));
		if (!rc) {
			*at = be64(b + sizeof(oid->b));
			return true;
		}
		if (rc < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

bool gitc_objects_at(const struct gitc_objects *o, const struct gitc_oid *oid,
	const struct gitc_pack **p, uint64_t *at)
{
	for (; o; o = o->base)
		for (*p = atomic_load(&o->packs); *p; *p = (*p)->next)
			if (gitc_pack_find(*p, oid, at))
				return true;
	return false;
}
