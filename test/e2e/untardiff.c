/*
 * untardiff DIR SEED N: makes N layers as people's tools make them, most with something odd, puts
 * each through pack_run(), and writes the artifact, be it the layer itself or a repack, to
 * DIR/NUMBER.tgz. On standard output is what must come out of it: "NUMBER|NAME|SHA256" for every
 * file, the name in hex. test/e2e/untardiff.sh gives both to the Go tool. The same seed gives the
 * same layers.
 */
#include "base/mem.h"
#include "crypto/digest.h"
#include "pack/pack.h"
#include "test/unit/pack/build.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GNU_MAGIC "ustar  "
#define FILES 12

struct file {
	char name[400]; /* "": none */
	struct buf body;
};

/* What is odd of a layer: a bit each. */
enum {
	ODD_MODES,
	ODD_NAMES, /* "./" in front, components of other scripts and forms, long ones */
	ODD_NUMBERS, /* owners and times */
	ODD_RECORDS, /* PAX keys that nobody knows */
	ODD_GNU, /* GNU headers, their times and long names */
	ODD_OLD, /* headers from before POSIX */
	ODD_LINKS,
	ODD_SPARSE,
	ODD_TWICE,
	ODD_END,
	ODD_AROUND, /* no gzip, or a strange one */
	ODD_BITS,
};

static uint64_t state;
static unsigned odd;
static size_t padding; /* behind the last entry */

static unsigned rnd(unsigned n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)((state >> 33) % n);
}

static bool is(unsigned bit)
{
	return odd & 1u << bit && rnd(2);
}

static void pick_body(struct buf *b)
{
	static const unsigned sizes[] = {0, 1, 511, 512, 513, 3000, 65536, 150000};
	unsigned n = sizes[rnd(8)], noise = rnd(2);

	buf_reset(b);
	while (n--)
		buf_addc(b, (char)(noise ? rnd(256) : 'a' + rnd(4)));
}

static void pick_name(char *name, size_t size)
{
	static const char *const dirs[] = {"", "d/", "d/e/", "D.x/", "d-/"};
	static const char *const odd_dirs[] = {
		"d\xc3\xa9/", "de\xcc\x81/", "\xe6\x97\xa5/d/", "d//e/", "d/./"};
	char tail[260] = "";

	if (is(ODD_NAMES))
		memset(tail, 'n', 1 + rnd(250));
	snprintf(name, size, "%s%s%sf%u%s", is(ODD_NAMES) ? "./" : "", dirs[rnd(5)],
		is(ODD_NAMES) ? odd_dirs[rnd(5)] : "", rnd(8), tail);
}

/* "./a//b/./c" becomes "a/b/c". */
static void clean(char *to, const char *name)
{
	while (*name) {
		if (!strncmp(name, "./", 2))
			name += 2;
		else if (*name == '/' && name[1] == '/')
			name++;
		else if (!strncmp(name, "/./", 3))
			name += 2;
		else
			*to++ = *name++;
	}
	*to = '\0';
}

/* What stands before the header: a long name, records. Leaves h->name as it is, whose first 100
   bytes readers of long names ignore. */
static void add_extensions(struct buf *tar, struct tb_head *h)
{
	static const char *const values[][2] = {{"mtime", "-1.5"}, {"uid", "4294967296"},
		{"gid", "-2"}, {"atime", "1700000000.123456789"}};
	static const char *const unknown[][2] = {{"SCHILY.xattr.user.x", "\xff\xfe"},
		{"LIBARCHIVE.creationtime", "1700000000"}, {"RHT.security.selinux", "u:o:r"},
		{"comment", "x"}};
	auto_buf struct buf r = BUF_INIT(BUF_ANY);
	unsigned k = rnd(4);
	size_t n = strlen(h->name), i;
	bool foreign = n > 100;

	for (i = 0; i < n; i++)
		foreign |= h->name[i] & 0x80;
	if (n > 100 && h->magic && !strcmp(h->magic, GNU_MAGIC)) {
		tb_gnu(tar, 'L', h->name, n + 1);
		return;
	}
	if (foreign)
		tb_record(&r, "path", h->name);
	if (is(ODD_NUMBERS))
		tb_record(&r, values[k][0], values[k][1]);
	if (is(ODD_RECORDS))
		tb_record(&r, unknown[k][0], unknown[k][1]);
	if (r.len)
		tb_pax(tar, 'x', r.p, r.len);
}

static void pick_head(struct tb_head *h)
{
	static const unsigned modes[] = {0444, 0400, 0200, 0755, 0555, 04755, 0600, 0111};

	h->mode = is(ODD_MODES) ? modes[rnd(8)] : 0644;
	if (is(ODD_NUMBERS))
		h->uid_field = rnd(2) ? "       " : "\x80\x01\0\0\0\0\0\0";
	if (is(ODD_NUMBERS))
		h->mtime_field =
			rnd(2) ? "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf0" : "77777777777";
	if (is(ODD_OLD))
		h->magic = "\0\0\0\0\0\0\0";
	if (is(ODD_GNU)) {
		h->magic = GNU_MAGIC;
		h->major_field = rnd(2) ? "\0\0\0\0\0\0\0" : NULL;
		h->prefix = rnd(3) ? NULL : "14000000000";
	}
}

/* The body with a hole of 5,000 bytes in front and behind, in GNU's form. */
static void add_sparse(struct buf *tar, struct tb_head *h, struct buf *body)
{
	struct buf whole = BUF_INIT(BUF_ANY);
	char map[96] = {0}, real[12];
	auto_free char *hole = mem_zalloc(5000);

	snprintf(map, 24, "%011o%c%011zo", 5000, 0, body->len);
	snprintf(map + 24, 24, "%011zo%c%011o", body->len + 10000, 0, 0);
	snprintf(real, sizeof(real), "%011zo", body->len + 10000);
	h->type = 'S';
	h->magic = GNU_MAGIC;
	h->prefix = NULL;
	h->map = map;
	h->real_size = real;
	h->size = body->len;
	padding = -body->len % 512;
	add_extensions(tar, h);
	tb_add(tar, h, body->p, body->len);
	buf_add(&whole, hole, 5000);
	buf_add(&whole, body->p, body->len);
	buf_add(&whole, hole, 5000);
	buf_clear(body);
	*body = whole;
}

static void add_file(struct buf *tar, struct file *files)
{
	struct tb_head h = {0};
	char name[400], plain[400];
	struct file *f = files;

	pick_name(name, sizeof(name));
	clean(plain, name);
	while (*f->name && strcmp(f->name, plain) != 0)
		f++;
	if (*f->name && !(odd & 1u << ODD_TWICE))
		return;
	memcpy(f->name, plain, sizeof(plain));
	pick_body(&f->body);
	h.name = name;
	pick_head(&h);
	if (is(ODD_SPARSE)) {
		add_sparse(tar, &h, &f->body);
		return;
	}
	h.size = f->body.len;
	padding = -f->body.len % 512;
	add_extensions(tar, &h);
	tb_add(tar, &h, f->body.p, f->body.len);
}

static void add_dir(struct buf *tar)
{
	static const char *const names[] = {"d", "d/e/", "D.x", "empty/"};
	static const unsigned modes[] = {0555, 01777, 0700, 0311, 0444};

	padding = 0;
	tb_add(tar,
		&(struct tb_head){.name = names[rnd(4)],
			.type = '5',
			.mode = is(ODD_MODES) ? modes[rnd(5)] : 0755,
			.magic = is(ODD_GNU) ? GNU_MAGIC : NULL},
		NULL, 0);
}

static void add_end(struct buf *tar)
{
	if (!is(ODD_END)) {
		tb_zero(tar, 2);
		return;
	}
	switch (rnd(4)) {
	case 0: /* nothing, and not even the padding */
		tar->len -= rnd(2) ? padding : rnd((unsigned)padding + 1);
		break;
	case 1:
		tb_zero(tar, 1);
		break;
	case 2:
		tb_zero(tar, 20);
		break;
	default:
		tb_zero(tar, 2);
		tb_file(tar, "behind", "x");
	}
}

static void put_around(struct buf *blob, const struct buf *tar)
{
	unsigned how = is(ODD_AROUND) ? rnd(6) : 6;
	auto_buf struct buf gz = BUF_INIT(BUF_ANY);
	static const char zeros[600];
	unsigned i;

	if (how < 2) {
		how ? tb_zstd(blob, tar->p, tar->len) : (void)buf_add(blob, tar->p, tar->len);
		return;
	}
	tb_gzip(&gz, tar->p, tar->len);
	buf_add(blob, gz.p, 10);
	if (how == 2 || how == 3) {
		blob->p[3] = (char)(how == 2 ? 8 : 16);
		for (i = rnd(2) ? 511 : 512; i; i--)
			buf_addc(blob, 'n');
		buf_addc(blob, '\0');
	}
	buf_add(blob, gz.p + 10, gz.len - 10);
	if (how == 4)
		buf_add(blob, zeros, 1 + rnd(600));
	if (how == 5)
		tb_gzip(blob, zeros, 512);
}

static void save(const char *dir, unsigned i, const void *p, size_t n)
{
	auto_free char *name = mem_printf("%s/%u.tgz", dir, i);
	auto_fd int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);

	BUG_IF(fd < 0 || write(fd, p, n) != (ssize_t)n);
}

static void print_file(unsigned i, const struct file *f)
{
	char text[DIGEST_TEXT_MAX];
	struct digest d;
	const char *p;

	digest_mem(&d, DIGEST_SHA256, buf_str(&f->body), f->body.len);
	printf("%u|", i);
	for (p = f->name; *p; p++)
		printf("%02x", (unsigned char)*p);
	printf("|%s\n", strchr(digest_format(&d, text), ':') + 1);
}

/* 0: passed, 1: repacked. */
static int layer(const char *dir, unsigned i)
{
	struct file files[FILES + 1] = {0};
	auto_buf struct buf tar = BUF_INIT(BUF_ANY), blob = BUF_INIT(BUF_ANY);
	auto_fd int out = open("/tmp", O_TMPFILE | O_RDWR, 0600), spool = open("/tmp", O_RDONLY);
	struct pack_in in = {.out_fd = out, .spool_dirfd = spool};
	struct pack_result res;
	struct err err = {0};
	auto_free char *bytes = NULL;
	unsigned k, n = rnd(FILES);

	padding = 0;
	odd = rnd(4) ? 1u << rnd(ODD_BITS) | 1u << rnd(ODD_BITS) : rnd(1u << ODD_BITS);
	odd = rnd(8) ? odd : 0;
	for (k = 0; k < FILES; k++)
		files[k].body = BUF_INIT(BUF_ANY);
	for (k = 0; k < n; k++) {
		if (!rnd(4))
			add_dir(&tar);
		add_file(&tar, files);
		if (is(ODD_LINKS)) {
			tb_type(&tar, rnd(2) ? "link" : "d/link", rnd(2) ? '1' : '2');
			padding = 0;
		}
	}
	add_end(&tar);
	if (!tar.len)
		tb_zero(&tar, 2);
	put_around(&blob, &tar);
	in.mem = blob.p;
	in.size = blob.len;
	if (pack_run(&in, &res, &err)) {
		fprintf(stderr, "layer %u: refused: %s\n", i, err.msg);
		exit(1);
	}
	bytes = mem_alloc(res.size);
	if (res.how == PACK_REPACKED)
		BUG_IF(pread(out, bytes, res.size, 0) != (ssize_t)res.size);
	save(dir, i, res.how == PACK_PASS ? blob.p : bytes, res.size);
	for (k = 0; k < FILES; k++) {
		if (*files[k].name)
			print_file(i, &files[k]);
		buf_clear(&files[k].body);
	}
	return res.how == PACK_REPACKED;
}

int main(int argc, char **argv)
{
	unsigned i, n, repacked = 0;

	if (argc != 4)
		return 2;
	state = strtoull(argv[2], NULL, 10);
	n = (unsigned)atoi(argv[3]);
	for (i = 0; i < n; i++)
		repacked += (unsigned)layer(argv[1], i);
	fprintf(stderr, "%u layers, of which %u were repacked\n", n, repacked);
	return !repacked || repacked == n;
}
