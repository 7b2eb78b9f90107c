#include "git/packw.h"

#include "crypto/sha1.h"
#include "git/gitc.h"
#include "git/pack_format.h"
#include "pack/deflate.h"
#include "pack/source.h"

#include <string.h>

/* The signature and the version, in front of how many objects there are. */
static const char HEAD[8] = "PACK\0\0\0\2";

static void be32(unsigned char *b, uint32_t v)
{
	b[0] = v >> 24 & 255;
	b[1] = v >> 16 & 255;
	b[2] = v >> 8 & 255;
	b[3] = v & 255;
}

void gitc_packw_init(struct gitc_packw *w, size_t max)
{
	*w = (struct gitc_packw){.pack = BUF_INIT(max)};
	buf_add(&w->pack, HEAD, sizeof(HEAD));
	buf_add(&w->pack, "\0\0\0", 4);
}

void gitc_packw_clear(struct gitc_packw *w)
{
	buf_clear(&w->pack);
	map_clear(&w->made);
}

static int no_room(const struct gitc_packw *w, struct err *err)
{
	return err_code(
		err, ERR_RETRY, GITC_TOO_LARGE, "the pack has more than %zu bytes", w->pack.max);
}

int gitc_packw_add(struct gitc_packw *w, enum gitc_type type, const void *p, size_t n,
	const struct gitc_oid *oid, const atomic_bool *stop, struct err *err)
{
	char hex[GITC_OID_HEX];

	/* Twice in a pack is once too often. */
	if (map_put(&w->made, gitc_oid_format(oid, hex), w))
		return 0;
	gitc_head_put(&w->pack, type, n);
	if (!pack_deflate(&w->pack, p, n, stop))
		return 0;
	return pack_stopped(stop, err) ? -1 : no_room(w, err);
}

static int add_sum(struct buf *pack, const atomic_bool *stop, struct err *err)
{
	unsigned char sum[SHA1_SIZE];
	struct sha1 h = {0};
	size_t at, take;
	int rc = 0;

	sha1_init(&h);
	for (at = 0; !rc && at < pack->len; at += take) {
		take = pack->len - at < PACK_CHUNK ? pack->len - at : PACK_CHUNK;
		sha1_update(&h, pack->p + at, take);
		rc = pack_stopped(stop, err);
	}
	sha1_final(&h, sum);
	sha1_clear(&h);
	if (!rc)
		buf_add(pack, sum, sizeof(sum));
	return rc;
}

int gitc_packw_end(struct gitc_packw *w, struct buf *out, const atomic_bool *stop, struct err *err)
{
	if (buf_over(&w->pack))
		return no_room(w, err);
	be32((unsigned char *)w->pack.p + sizeof(HEAD), (uint32_t)w->made.len);
	if (add_sum(&w->pack, stop, err))
		return -1;
	if (buf_over(&w->pack))
		return no_room(w, err);
	buf_clear(out);
	*out = w->pack;
	w->pack = BUF_INIT(w->pack.max);
	return 0;
}
