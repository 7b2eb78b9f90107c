/*
 * A layer through pack_run(). If it may pass, libarchive (alone, without our checks) and our own
 * walk see the same names, sizes and types. If it is repacked, the result itself is plain and
 * passes, is sorted, and repacking it gives the same bytes.
 */
#include "pack/pack.h"
#include "pack/path.h"
#include "pack/plain.h"

#include "../unit/pack/build.c"
#include "tarmut.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

static int out_fd = -1, dir_fd = -1;

static int rules(void *ctx, const char *path, bool is_dir, struct err *err)
{
	(void)ctx;
	(void)is_dir;
	(void)err;
	return strchr(path, '#') != NULL;
}

static int run(const void *p, size_t n, bool with_rules, struct pack_result *res, struct buf *out,
	struct err *err)
{
	struct pack_in in = {.mem = p,
		.size = n,
		.excluded = with_rules ? rules : NULL,
		.limits = {.entries = 2000, .expanded = 1 << 22},
		.out_fd = out_fd,
		.spool_dirfd = dir_fd};

	if (ftruncate(out_fd, 0) || lseek(out_fd, 0, SEEK_SET))
		abort();
	if (pack_run(&in, res, err)) {
		if (!err->msg[0] || err->kind != ERR_RETRY)
			abort();
		return -1;
	}
	if (res->how == PACK_REPACKED) {
		char *to = buf_room(out, res->size);

		if (!to || pread(out_fd, to, res->size, 0) != (ssize_t)res->size)
			abort();
		out->len += res->size;
	}
	return 0;
}

/* Names and sizes as our walk has them; with `sorted`, in Walk's order. */
static void walk(struct buf *list, const struct buf *tar, bool sorted)
{
	auto_buf struct buf last = BUF_INIT(BUF_ANY);
	struct pack_plain w;
	struct pack_member m;
	struct err err = {0};

	pack_plain_init(&w);
	if (pack_plain_feed(&w, (const unsigned char *)tar->p, tar->len, &err) ||
		pack_plain_end(&w, &err) || pack_plain_why(&w))
		abort();
	while (pack_plain_take(&w, &m)) {
		const char *name = pack_plain_name(&w, &m);

		if (sorted && last.len && pack_path_cmp(last.p, name) >= 0)
			abort();
		buf_reset(&last);
		buf_adds(&last, name);
		buf_addf(list, "%s %c %o %llu\n", name, m.type == PACK_FILE ? 'f' : 'd', m.mode,
			(unsigned long long)m.size);
	}
	pack_plain_clear(&w);
}

static void same_lists(const struct buf *tar, bool sorted)
{
	auto_buf struct buf ours = BUF_INIT(BUF_ANY), theirs = BUF_INIT(BUF_ANY);

	walk(&ours, tar, sorted);
	tb_list(&theirs, tar->p, tar->len, TB_BARE);
	if (!tarmut_same(&ours, &theirs))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf gz = BUF_INIT(BUF_ANY), tar = BUF_INIT(BUF_ANY);
	auto_buf struct buf out = BUF_INIT(BUF_ANY), again = BUF_INIT(BUF_ANY);
	struct pack_result res = {0}, res2 = {0};
	struct err err = {0};

	if (out_fd < 0) {
		out_fd = memfd_create("out", 0);
		dir_fd = open("/tmp", O_RDONLY | O_DIRECTORY);
	}
	tb_gzip(&gz, data, size);
	if (run(gz.p, gz.len, true, &res, &out, &err))
		return 0;
	if (res.how == PACK_PASS) {
		buf_add(&tar, data, size);
		same_lists(&tar, false);
		/* The bytes alone decide: without the gzip they are repacked. */
		if (run(data, size, true, &res, &out, &err) || res.how != PACK_REPACKED)
			abort();
		buf_reset(&tar);
	}
	tb_gunzip(&tar, out.p, out.len);
	same_lists(&tar, true);
	buf_reset(&gz);
	if (run(out.p, out.len, false, &res2, &gz, &err) || res2.how != PACK_PASS)
		abort();
	if (run(tar.p, tar.len, false, &res2, &again, &err) || res2.how != PACK_REPACKED ||
		!digest_equal(&res.digest, &res2.digest) || again.len != out.len ||
		memcmp(again.p, out.p, out.len) != 0)
		abort();
	return 0;
}
