/* The answer to a fetch, out of which the bytes of a pack come: whole or in pieces they are the
   same, and there are no more of them than came in. The first byte says which version, bands and
   depth, the second the size of the pieces. */
#include "git/packin.h"

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static int on_pack(void *arg, const char *p, size_t n, struct err *err)
{
	(void)err;
	return buf_add(arg, p, n);
}

static int read_in(struct buf *pack, unsigned how, const char *p, size_t n, size_t piece)
{
	struct gitc_caps caps = {.version = how & 1 ? 2 : 0,
		.band_64k = how & 2,
		.band = how & 4,
		.shallow = how & 8,
		.filter = true};
	struct gitc_oid want = {{1}};
	struct gitc_packin_ask ask = {.caps = &caps,
		.agent = "a",
		.want = &want,
		.n_want = 1,
		.depth = 1,
		.no_blobs = how & 16};
	auto_buf struct buf question = BUF_INIT(BUF_ANY);
	struct gitc_packin in;
	struct err err = {0};
	size_t at, len;
	int rc = 0;

	gitc_packin_question(&question, &ask);
	gitc_packin_init(&in, &ask);
	in.on_pack = on_pack;
	in.arg = pack;
	for (at = 0; at < n && rc >= 0; at += len) {
		len = n - at < piece ? n - at : piece;
		rc = gitc_packin_feed(&in, p + at, len, &err);
	}
	if (rc >= 0)
		rc = gitc_packin_end(&in, &err);
	BUG_IF(rc && err.kind == ERR_NONE);
	gitc_packin_clear(&in);
	return rc;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_buf struct buf whole = BUF_INIT(BUF_ANY), pieces = BUF_INIT(BUF_ANY);
	const char *p = (const char *)data + 2;
	int rc;

	if (size < 2)
		return 0;
	rc = read_in(&whole, data[0], p, size - 2, size);
	BUG_IF(rc != read_in(&pieces, data[0], p, size - 2, (size_t)data[1] + 1));
	BUG_IF(!rc && !buf_equal(&whole, &pieces));
	BUG_IF(whole.len > size);
	return 0;
}
