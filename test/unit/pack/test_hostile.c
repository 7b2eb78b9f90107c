/*
 * Archives that are not what they seem: each row is what pack_run() must make of it. "Refused"
 * keeps the old artifact in service; "repacked" means that the odd part is dropped or rewritten;
 * "passes" rows are here to show that the neighbours of hostile are not hostile.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "build.h"
#include "pack/pack.h"
#include "pack/read.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum want { REFUSED, REPACKED, PASSES };

/* A file before and after the odd entry, so that reading on would be seen. */
static void around(struct buf *b, void (*odd)(struct buf *b))
{
	tb_dir(b, ".");
	tb_file(b, "a", "first\n");
	odd(b);
	tb_file(b, "z", "last\n");
	tb_zero(b, 2);
}

#define ODD(name) static void name(struct buf *b)
#define HEAD(...) tb_add(b, &(struct tb_head){__VA_ARGS__}, NULL, 0)

ODD(nothing)
{
	(void)b;
}
ODD(escape)
{
	tb_file(b, "../evil", "x");
}
ODD(escape_inside)
{
	tb_file(b, "m/../../evil", "x");
}
ODD(escape_last)
{
	tb_dir(b, "m/..");
}
ODD(escape_pax)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);

	tb_record(&r, "path", "../../evil");
	tb_pax(b, 'x', r.p, r.len);
	tb_file(b, "harmless", "x");
}
ODD(escape_prefix)
{
	HEAD(.name = "evil", .prefix = "..");
}
ODD(escape_link)
{
	tb_type(b, "../evil", '2');
}
ODD(absolute)
{
	tb_file(b, "/etc/passwd", "x");
}
ODD(backslash)
{
	tb_file(b, "m\\n", "x");
}
ODD(no_name)
{
	tb_file(b, "", "x");
}
ODD(bad_utf8)
{
	tb_file(b, "m\xff", "x");
}
ODD(bad_utf8_pax)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);

	tb_record(&r, "path", "m\xc3(");
	tb_pax(b, 'x', r.p, r.len);
	tb_file(b, "m", "x");
}
ODD(nul_pax)
{
	tb_pax(b, 'x', "12 path=a\0b\n", 12);
	tb_file(b, "m", "x");
}
ODD(nul_gnu)
{
	tb_gnu(b, 'L', "m\0n", 4);
	tb_file(b, "m", "x");
}
ODD(dot_file)
{
	tb_file(b, "./", "");
}
ODD(dot_file_plain)
{
	tb_file(b, ".", "");
}
ODD(soft_link)
{
	tb_type(b, "m", '2');
}
ODD(hard_link)
{
	tb_type(b, "m", '1');
}
ODD(hardlink_body)
{
	tb_add(b, &(struct tb_head){.name = "m", .type = '1', .size = 5, .link = "a"}, "evil\n", 5);
}
ODD(symlink_body)
{
	tb_add(b, &(struct tb_head){.name = "m", .type = '2', .size = 5, .link = "a"}, "evil\n", 5);
}
ODD(dir_body)
{
	tb_add(b, &(struct tb_head){.name = "m", .type = '5', .mode = 0755, .size = 5}, "evil\n",
		5);
}
ODD(link_then_file)
{
	tb_type(b, "m", '2');
	tb_file(b, "m/x", "inside\n");
}
ODD(char_device)
{
	tb_type(b, "m", '3');
}
ODD(block_device)
{
	tb_type(b, "m", '4');
}
ODD(fifo)
{
	tb_type(b, "m", '6');
}
ODD(contiguous)
{
	HEAD(.name = "m", .type = '7');
}
ODD(old_type)
{
	tb_add(b, &(struct tb_head){.name = "m", .size = 2, .magic = "\0\0\0\0\0\0\0"}, "m\n", 2);
}
ODD(nul_type)
{
	tb_add(b, &(struct tb_head){.name = "m", .no_type = 1, .size = 2}, "m\n", 2);
	tb_add(b, &(struct tb_head){.name = "n/", .no_type = 1, .mode = 0755}, NULL, 0);
}
ODD(old_dir)
{
	tb_add(b, &(struct tb_head){.name = "m/", .mode = 0755, .magic = "\0\0\0\0\0\0\0"}, NULL,
		0);
}
ODD(unknown_type)
{
	tb_type(b, "m", 'Z');
}
ODD(solaris_x)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);

	tb_record(&r, "path", "n");
	tb_pax(b, 'X', r.p, r.len);
	tb_file(b, "m", "x");
}
ODD(multi_volume)
{
	tb_type(b, "m", 'M');
}
ODD(volume_label)
{
	tb_type(b, "m", 'V');
}
ODD(gnu_plain)
{
	tb_add(b, &(struct tb_head){.name = "m", .size = 2, .magic = "ustar  "}, "m\n", 2);
	HEAD(.name = "n/", .type = '5', .mode = 0755, .magic = "ustar  ",
		.major_field = "\0\0\0\0\0\0\0");
}
ODD(gnu_pax)
{
	tb_add(b, &(struct tb_head){.name = "x", .type = 'x', .size = 10, .magic = "ustar  "},
		"10 path=m\n", 10);
	tb_file(b, "x", "m\n");
}
ODD(gnu_times)
{
	tb_add(b,
		&(struct tb_head){
			.name = "m", .size = 2, .magic = "ustar  ", .prefix = "14000000000"},
		"m\n", 2);
}
/* Pieces of 3 and 2 bytes in a file of 12. */
ODD(gnu_sparse)
{
	static const char map[96] = "00000000001\0"
				    "00000000003\0"
				    "00000000007\0"
				    "00000000002\0";

	tb_add(b,
		&(struct tb_head){.name = "m",
			.type = 'S',
			.size = 5,
			.magic = "ustar  ",
			.map = map,
			.real_size = "00000000014"},
		"abcde", 5);
}
/* Five pieces of a byte each: the fifth in a block of its own. */
ODD(gnu_sparse_more)
{
	char map[96], block[512] = {0};
	int i;

	for (i = 0; i < 4; i++)
		snprintf(map + 24 * i, 24, "%011o%c%011o", 2 * i, 0, 1);
	snprintf(block, 24, "%011o%c%011o", 8, 0, 1);
	tb_add(b,
		&(struct tb_head){.name = "m",
			.type = 'S',
			.size = 5,
			.magic = "ustar  ",
			.map = map,
			.more = 1,
			.real_size = "00000000014"},
		block, 512);
	buf_add(b, "abcde", 5);
	memset(block, 0, sizeof(block));
	buf_add(b, block, 507);
}
static void gnu_sparse_of(struct buf *b, const char *map, const char *real)
{
	char all[96] = {0};

	memcpy(all, map, 24);
	tb_add(b,
		&(struct tb_head){.name = "m",
			.type = 'S',
			.size = 5,
			.magic = "ustar  ",
			.map = all,
			.real_size = real},
		"abcde", 5);
}
ODD(gnu_sparse_behind)
{
	gnu_sparse_of(b, "00000000010\00000000000005", "00000000005");
}
ODD(gnu_sparse_short)
{
	gnu_sparse_of(b, "00000000000\00000000000004", "00000000010");
}
ODD(gnu_sparse_tera)
{
	gnu_sparse_of(b, "00000000000\00000000000005", "\x80\0\0\0\0\0\x01\0\0\0\0\0");
}
ODD(gnu_sparse_text)
{
	gnu_sparse_of(b, "00000000000\00000000000005", "twelve bytes");
}
ODD(posix_sparse)
{
	HEAD(.name = "m", .type = 'S');
}
/* A map without end: libarchive would keep all of it in memory. */
ODD(gnu_sparse_bomb)
{
	char block[512] = {0};
	int i;

	for (i = 0; i < 21; i++)
		memcpy(block + 24 * i, "00000000001\00000000000001", 24);
	HEAD(.name = "m", .type = 'S', .magic = "ustar  ", .map = block, .more = 1,
		.real_size = "00000000014");
	block[504] = 1;
	for (i = 0; i < 400; i++)
		buf_add(b, block, 512);
}
ODD(gnu_real_size)
{
	tb_add(b,
		&(struct tb_head){
			.name = "m", .size = 2, .magic = "ustar  ", .real_size = "00000001000"},
		"m\n", 2);
}
static void pax_sparse_of(struct buf *b, const char *records[][2], const char *body, size_t n)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);
	char padded[1024] = {0};

	for (; (*records)[0]; records++)
		tb_record(&r, (*records)[0], (*records)[1]);
	tb_pax(b, 'x', r.p, r.len);
	memcpy(padded, body, n < 512 ? n : n == 517 ? n : strlen(body));
	tb_add(b, &(struct tb_head){.name = "GNUSparseFile.1/m", .size = n}, padded, n);
}
#define SPARSE(...) \
	(const char *[][2]) \
	{ \
		__VA_ARGS__, \
		{ \
			NULL \
		} \
	}
#define SPARSE_1(size) \
	{"GNU.sparse.major", "1"}, {"GNU.sparse.minor", "0"}, {"GNU.sparse.name", "m"}, \
	{ \
		"GNU.sparse.realsize", size \
	}
ODD(pax_sparse)
{
	char body[517] = "2\n1\n3\n7\n2\n";

	memcpy(body + 512, "abcde", 5);
	pax_sparse_of(b, SPARSE(SPARSE_1("12")), body, sizeof(body));
}
ODD(pax_sparse_01)
{
	pax_sparse_of(b,
		SPARSE({"GNU.sparse.size", "12"}, {"GNU.sparse.numblocks", "2"},
			{"GNU.sparse.name", "m"}, {"GNU.sparse.map", "1,3,7,2"}),
		"abcde", 5);
}
ODD(pax_sparse_00)
{
	pax_sparse_of(b,
		SPARSE({"GNU.sparse.size", "12"}, {"GNU.sparse.numblocks", "2"}, {"path", "m"},
			{"GNU.sparse.offset", "1"}, {"GNU.sparse.numbytes", "3"},
			{"GNU.sparse.offset", "7"}, {"GNU.sparse.numbytes", "2"}),
		"abcde", 5);
}
ODD(pax_sparse_giga)
{
	pax_sparse_of(b, SPARSE(SPARSE_1("1073741824")), "1\n1073741823\n1\n", 513);
}
ODD(pax_sparse_bomb)
{
	pax_sparse_of(b, SPARSE(SPARSE_1("12")), "99999999\n1\n1\n", 512);
}
ODD(pax_sparse_no_map)
{
	pax_sparse_of(b, SPARSE(SPARSE_1("12")), "1\n", 2);
}
ODD(pax_sparse_text)
{
	pax_sparse_of(b, SPARSE(SPARSE_1("12")), "# a comment\n1\n1\n1\n", 513);
}
ODD(pax_sparse_version)
{
	pax_sparse_of(b, SPARSE({"GNU.sparse.major", "2"}, {"GNU.sparse.realsize", "2"}), "m\n", 2);
}
ODD(pax_sparse_no_size)
{
	pax_sparse_of(b, SPARSE({"GNU.sparse.name", "n"}), "m\n", 2);
}
ODD(pax_sparse_global)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);

	tb_record(&r, "GNU.sparse.size", "12");
	tb_pax(b, 'g', r.p, r.len);
}
ODD(pax_volume)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);

	tb_record(&r, "GNU.volume.filename", "m");
	tb_pax(b, 'g', r.p, r.len);
}
ODD(bad_sum)
{
	HEAD(.name = "m", .sum_off = 1);
}
ODD(garbage_size)
{
	HEAD(.name = "m", .size_field = "0000000x000");
}
ODD(text_size)
{
	HEAD(.name = "m", .size_field = "hello world");
}
ODD(negative_size)
{
	HEAD(.name = "m", .size_field = "-0000000001");
}
ODD(huge_size)
{
	HEAD(.name = "m", .size_field = "77777777777");
}
ODD(base256_size)
{
	tb_add(b, &(struct tb_head){.name = "m", .size_field = "\x80\0\0\0\0\0\0\0\0\0\0\x02"},
		"m\n", 2);
}
ODD(base256_negative)
{
	HEAD(.name = "m", .size_field = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
}
ODD(base256_huge)
{
	HEAD(.name = "m", .size_field = "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
}
ODD(size_after_nul)
{
	tb_add(b,
		&(struct tb_head){.name = "m",
			.size_field = "2\0"
				      "000000000"},
		"m\n", 2);
}
ODD(garbage_mode)
{
	HEAD(.name = "m", .mode_field = "rw-r--r");
}
ODD(garbage_uid)
{
	HEAD(.name = "m", .uid_field = "root\0\0\0");
}
ODD(garbage_mtime)
{
	HEAD(.name = "m", .mtime_field = "yesterday\0\0");
}
ODD(garbage_major)
{
	HEAD(.name = "m", .major_field = "0x00000");
}
ODD(odd_magic)
{
	HEAD(.name = "m",
		.magic = "ustar\0"
			 "01");
}
ODD(lone_zero)
{
	tb_zero(b, 1);
}
ODD(early_end)
{
	tb_zero(b, 2);
}
ODD(pax_overlong)
{
	tb_pax(b, 'x', "99 path=m\n", 10);
	tb_file(b, "m", "x");
}
ODD(pax_short)
{
	tb_pax(b, 'x', "9 path=m\n\n", 10);
	tb_file(b, "m", "x");
}
ODD(pax_no_newline)
{
	tb_pax(b, 'x', "10 path=mx", 10);
	tb_file(b, "m", "x");
}
ODD(pax_no_equals)
{
	tb_pax(b, 'x', "10 path m\n", 10);
	tb_file(b, "m", "x");
}
ODD(pax_no_key)
{
	tb_pax(b, 'x', "5 =m\n", 5);
	tb_file(b, "m", "x");
}
ODD(pax_zero_length)
{
	tb_pax(b, 'x', "011 path=m\n", 11);
	tb_file(b, "m", "x");
}
ODD(pax_plus_length)
{
	tb_pax(b, 'x', "+10 path=m\n", 11);
	tb_file(b, "m", "x");
}
ODD(pax_trailing)
{
	tb_pax(b, 'x', "10 path=m\n\0\0", 12);
	tb_file(b, "m", "x");
}
ODD(pax_empty_path)
{
	tb_pax(b, 'x', "8 path=\n", 8);
	tb_file(b, "m", "x");
}
ODD(pax_bad_size)
{
	tb_pax(b, 'x', "11 size=1x\n", 11);
	tb_file(b, "m", "x");
}
ODD(pax_bad_time)
{
	tb_pax(b, 'x', "13 mtime=now\n", 13);
	tb_file(b, "m", "x");
}
ODD(pax_bad_owner)
{
	tb_pax(b, 'x', "11 uname=\xff\n", 11);
	tb_file(b, "m", "x");
}
ODD(pax_two_sizes)
{
	tb_pax(b, 'x', "12 size=512\n", 12);
	tb_add(b, &(struct tb_head){.name = "m", .size = 2}, "m\n", 2);
}
ODD(pax_unknown)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);

	tb_record(&r, "SCHILY.xattr.user.x", "y");
	tb_pax(b, 'x', r.p, r.len);
	tb_file(b, "m", "x\n");
}
ODD(pax_comment_global)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);

	tb_record(&r, "comment", "0123456789012345678901234567890123456789");
	tb_pax(b, 'g', r.p, r.len);
}
ODD(pax_path_global)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);

	tb_record(&r, "path", "m");
	tb_pax(b, 'g', r.p, r.len);
}
ODD(pax_twice)
{
	tb_pax(b, 'x', "10 path=m\n", 10);
	tb_pax(b, 'x', "10 path=n\n", 10);
	tb_file(b, "o", "x");
}
ODD(pax_then_gnu)
{
	tb_pax(b, 'x', "10 path=m\n", 10);
	tb_gnu(b, 'L', "n", 2);
	tb_file(b, "o", "x");
}
ODD(pax_then_end)
{
	tb_pax(b, 'x', "10 path=m\n", 10);
	tb_zero(b, 2);
}
ODD(pax_linkpath_on_file)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);

	tb_record(&r, "linkpath", "a");
	tb_pax(b, 'x', r.p, r.len);
	tb_file(b, "m", "x");
}
ODD(pax_repeated)
{
	tb_pax(b, 'x', "10 path=l\n10 path=m\n", 20);
	tb_file(b, "o", "m\n");
}
ODD(pax_huge)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);
	auto_free char *v = mem_zalloc(1100 * 1024);

	memset(v, 'v', 1100 * 1024 - 1);
	tb_record(&r, "comment", v);
	tb_pax(b, 'x', r.p, r.len);
	tb_file(b, "m", "x");
}
ODD(gnu_long)
{
	char name[300];

	memset(name, 'n', sizeof(name));
	name[150] = '/';
	name[sizeof(name) - 1] = '\0';
	tb_gnu(b, 'L', name, sizeof(name));
	tb_add(b, &(struct tb_head){.name = name, .size = 2, .magic = "ustar  "}, "m\n", 2);
}
ODD(gnu_twice)
{
	tb_gnu(b, 'L', "m", 2);
	tb_gnu(b, 'L', "n", 2);
	tb_file(b, "o", "x");
}
ODD(gnu_empty)
{
	tb_gnu(b, 'L', "\0", 1);
	tb_file(b, "o", "x");
}
ODD(long_name)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);
	auto_free char *name = mem_zalloc(5000);

	memset(name, 'n', 4999);
	tb_record(&r, "path", name);
	tb_pax(b, 'x', r.p, r.len);
	tb_file(b, "m", "x");
}
ODD(deep_name)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY), name = BUF_INIT(BUF_ANY);
	int i;

	for (i = 0; i < 200; i++)
		buf_adds(&name, "d/");
	buf_adds(&name, "f");
	tb_record(&r, "path", name.p);
	tb_pax(b, 'x', r.p, r.len);
	tb_file(b, "m", "x");
}
ODD(twice)
{
	tb_file(b, "m", "one\n");
	tb_file(b, "a", "again\n");
}
ODD(file_then_dir)
{
	tb_file(b, "m", "x");
	tb_dir(b, "m");
}
ODD(dir_then_file)
{
	tb_dir(b, "m/");
	tb_file(b, "m", "x");
}
ODD(file_as_parent)
{
	tb_file(b, "a/b", "x");
}
ODD(implied_then_file)
{
	tb_file(b, "m/n", "x");
	tb_file(b, "m", "x");
}
ODD(file_slash)
{
	tb_file(b, "m/", "x");
}
ODD(set_uid)
{
	HEAD(.name = "m", .mode = 04755);
}
ODD(sticky)
{
	HEAD(.name = "m", .type = '5', .mode = 01777);
}
ODD(unreadable)
{
	HEAD(.name = "m", .mode_field = "0000000");
}
ODD(mode_with_type)
{
	HEAD(.name = "m", .mode_field = "0040755");
}
ODD(huge_mode)
{
	HEAD(.name = "m", .mode_field = "\x80\x01\0\0\0\0\0\0");
}
ODD(dir_no_write)
{
	HEAD(.name = "m", .type = '5', .mode = 0555);
}
ODD(file_no_write)
{
	HEAD(.name = "m", .mode = 0444);
}
ODD(blank_uid)
{
	HEAD(.name = "m", .uid_field = "       ");
}
ODD(blank_major)
{
	HEAD(.name = "m", .major_field = "\0\0\0\0\0\0\0");
}
ODD(pax_uid_large)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);

	tb_record(&r, "uid", "4294967296");
	tb_pax(b, 'x', r.p, r.len);
	tb_file(b, "m", "m\n");
}
ODD(pax_uid_negative)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);

	tb_record(&r, "gid", "-2");
	tb_pax(b, 'x', r.p, r.len);
	tb_file(b, "m", "m\n");
}
ODD(long_part)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);
	char name[264] = "folder/";

	memset(name + 7, 'n', 256);
	tb_record(&r, "path", name);
	tb_pax(b, 'x', r.p, r.len);
	tb_file(b, "m", "x");
}
/* A name as macOS has it: libarchive, left to itself, puts it into another form. */
ODD(decomposed)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);

	tb_record(&r, "path", "mu\xcc\x88ller");
	tb_pax(b, 'x', r.p, r.len);
	tb_file(b, "m_", "m\n");
}
/* Records that we do not know and libarchive cannot use. */
ODD(pax_mac)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);

	tb_record(&r, "LIBARCHIVE.xattr.com.apple.quarantine", "\xff\xfe!");
	tb_record(&r, "SCHILY.acl.access", "\xff");
	tb_record(&r, "SCHILY.fflags", "\xff\xfe\1\n!");
	tb_pax(b, 'x', r.p, r.len);
	tb_file(b, "m", "m\n");
}
ODD(dot_slash)
{
	tb_file(b, "./m", "m\n");
}
ODD(dot_again)
{
	tb_dir(b, "./");
}
ODD(plain_pax)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);

	tb_record(&r, "path", "m\xc3\xa9");
	tb_record(&r, "mtime", "-12.5");
	tb_record(&r, "uname", "r\xc3\xb6ot");
	tb_pax(b, 'x', r.p, r.len);
	tb_file(b, "m_", "m\n");
}

#define ONE_FILE ". d 750 0\na f 600 6 first\n\nm f 600 2 m\n\nz f 600 5 last\n\n"
#define SPARSE_FILE ". d 750 0\na f 600 6 first\n\nm f 600 12 .abc...de...\nz f 600 5 last\n\n"

/* out: names and texts of a repack, as tb_list prints them, NUL as '.'; NULL: "a" and "z" alone. */
static const struct {
	const char *name;
	void (*odd)(struct buf *b);
	enum want want;
	const char *says; /* in the error, or in why */
	const char *out;
} rows[] = {
	{"nothing odd", nothing, PASSES, "", NULL},
	{"escape", escape, REFUSED, "entry '../evil' leads out", NULL},
	{"escape inside", escape_inside, REFUSED, "leads out", NULL},
	{"escape at the end", escape_last, REFUSED, "leads out", NULL},
	{"escape in PAX", escape_pax, REFUSED, "entry '../../evil' leads out", NULL},
	{"escape in the prefix", escape_prefix, REFUSED, "entry '../evil' leads out", NULL},
	{"escape of a link", escape_link, REFUSED, "leads out", NULL},
	{"absolute", absolute, REFUSED, "entry '/etc/passwd' has an absolute name", NULL},
	{"backslash", backslash, REFUSED, "backslash", NULL},
	{"empty name", no_name, REFUSED, "empty name", NULL},
	{"invalid UTF-8", bad_utf8, REFUSED, "entry 'm\\xff' has a name that is not UTF-8", NULL},
	{"invalid UTF-8 in PAX", bad_utf8_pax, REFUSED, "not UTF-8", NULL},
	{"NUL in PAX", nul_pax, REFUSED, "malformed PAX record 'path=a\\x00b'", NULL},
	{"NUL in GNU name", nul_gnu, REFUSED, "NUL inside", NULL},
	{"file './'", dot_file, REFUSED, "ends with a slash", NULL},
	{"file '.'", dot_file_plain, REFUSED, "is a file and a directory", NULL},
	{"symbolic link", soft_link, REPACKED, "entry 'm' is a link", NULL},
	{"hard link", hard_link, REPACKED, "entry 'm' is a link", NULL},
	{"hard link with a body", hardlink_body, REFUSED, "'m' is no regular file but has a size",
		NULL},
	{"symbolic link with a body", symlink_body, REFUSED, "has a size", NULL},
	{"directory with a body", dir_body, REFUSED, "has a size", NULL},
	{"file below a link", link_then_file, REPACKED, "is a link",
		". d 750 0\na f 600 6 first\n\nm d 750 0\nm/x f 600 7 inside\n\nz f 600 5 "
		"last\n\n"},
	{"character device", char_device, REFUSED, "entry 'm' is a device", NULL},
	{"block device", block_device, REFUSED, "is a device", NULL},
	{"fifo", fifo, REFUSED, "is a fifo", NULL},
	{"contiguous file", contiguous, REPACKED, "contiguous",
		". d 750 0\na f 600 6 first\n\nm f 600 0 \nz f 600 5 last\n\n"},
	{"old tar header", old_type, REPACKED, "old tar",
		". d 750 0\na f 600 6 first\n\nm f 600 2 m\n\nz f 600 5 last\n\n"},
	{"NUL as type", nul_type, REPACKED, "type of old tar",
		". d 750 0\na f 600 6 first\n\nm f 600 2 m\n\nn d 750 0\nz f 600 5 last\n\n"},
	{"old tar directory", old_dir, REFUSED, "file whose name ends with a slash", NULL},
	{"unknown type", unknown_type, REFUSED, "type that is not supported", NULL},
	{"Solaris extension header", solaris_x, REFUSED, "type that is not supported", NULL},
	{"multi-volume part", multi_volume, REFUSED, "multi-volume", NULL},
	{"volume label", volume_label, REFUSED, "type that is not supported", NULL},
	{"GNU headers", gnu_plain, PASSES, "", NULL},
	{"PAX records behind a GNU header", gnu_pax, REPACKED, "behind GNU headers", ONE_FILE},
	{"times in a GNU header", gnu_times, REPACKED, "more than a name", ONE_FILE},
	{"GNU sparse", gnu_sparse, REPACKED, "entry 'm' is a sparse file", SPARSE_FILE},
	{"GNU sparse with a long map", gnu_sparse_more, REPACKED, "sparse file",
		". d 750 0\na f 600 6 first\n\nm f 600 12 a.b.c.d.e...\nz f 600 5 last\n\n"},
	{"GNU sparse, data behind the end", gnu_sparse_behind, REFUSED, "disagree on the length",
		NULL},
	{"GNU sparse, map short of the data", gnu_sparse_short, REFUSED, "unreadable archive",
		NULL},
	{"GNU sparse of a TiB", gnu_sparse_tera, REFUSED,
		"entry 'm': the layer expands to more than", NULL},
	{"GNU sparse, no size", gnu_sparse_text, REFUSED, "size is not a number", NULL},
	{"GNU sparse map without end", gnu_sparse_bomb, REFUSED, "too many pieces", NULL},
	{"sparse in a POSIX header", posix_sparse, REFUSED, "in no known form", NULL},
	{"GNU real size on a file", gnu_real_size, REFUSED,
		"readers disagree on the size of entry 'm'", NULL},
	{"PAX sparse 1.0", pax_sparse, REPACKED, "entry 'm' is a sparse file", SPARSE_FILE},
	{"PAX sparse 0.1", pax_sparse_01, REPACKED, "entry 'm' is a sparse file", SPARSE_FILE},
	{"PAX sparse 0.0", pax_sparse_00, REPACKED, "entry 'm' is a sparse file", SPARSE_FILE},
	{"PAX sparse of a GiB", pax_sparse_giga, REFUSED, "entry 'm': the layer expands", NULL},
	{"PAX sparse map of 99,999,999", pax_sparse_bomb, REFUSED, "too many pieces", NULL},
	{"PAX sparse without a map", pax_sparse_no_map, REFUSED, "without its map", NULL},
	{"PAX sparse, a text as map", pax_sparse_text, REFUSED, "does not begin with a number",
		NULL},
	{"PAX sparse 2.0", pax_sparse_version, REFUSED, "of a sparse file", NULL},
	{"PAX sparse without a size", pax_sparse_no_size, REFUSED, "without its size", NULL},
	{"global PAX sparse", pax_sparse_global, REFUSED, "makes all entries sparse", NULL},
	{"PAX multi-volume", pax_volume, REFUSED, "multi-volume", NULL},
	{"wrong checksum", bad_sum, REFUSED, "wrong checksum", NULL},
	{"garbage in size", garbage_size, REFUSED, "size is not a number", NULL},
	{"text as size", text_size, REFUSED, "size is not a number", NULL},
	{"negative size", negative_size, REFUSED, "size is not a number", NULL},
	{"8 GiB that are not there", huge_size, REFUSED, "is cut", NULL},
	{"base-256 size", base256_size, REPACKED, "base 256",
		". d 750 0\na f 600 6 first\n\nm f 600 2 m\n\nz f 600 5 last\n\n"},
	{"negative base-256 size", base256_negative, REFUSED, "size is not a number", NULL},
	{"base-256 size past 63 bits", base256_huge, REFUSED, "size is not a number", NULL},
	{"digits after a NUL", size_after_nul, REFUSED, "size is not a number", NULL},
	{"garbage in mode", garbage_mode, REFUSED, "not a number", NULL},
	{"garbage in uid", garbage_uid, REFUSED, "not a number", NULL},
	{"garbage in mtime", garbage_mtime, REFUSED, "not a number", NULL},
	{"garbage in devmajor", garbage_major, REFUSED, "not a number", NULL},
	{"odd magic", odd_magic, REFUSED, "magic", NULL},
	{"lone zero block", lone_zero, REFUSED, "zero block stands alone", NULL},
	{"files after the end", early_end, REPACKED, "bytes follow the end",
		". d 750 0\na f 600 6 first\n\n"},
	{"PAX record over-long", pax_overlong, REFUSED, "malformed PAX record", NULL},
	{"PAX record too short", pax_short, REFUSED, "malformed PAX record", NULL},
	{"PAX record without newline", pax_no_newline, REFUSED, "malformed PAX record", NULL},
	{"PAX record without =", pax_no_equals, REFUSED, "malformed PAX record", NULL},
	{"PAX record without key", pax_no_key, REFUSED, "malformed PAX record", NULL},
	{"PAX record of length 011", pax_zero_length, REFUSED, "malformed PAX record", NULL},
	{"PAX record of length +10", pax_plus_length, REFUSED, "malformed PAX record", NULL},
	{"bytes after PAX records", pax_trailing, REFUSED, "malformed PAX record", NULL},
	{"empty PAX path", pax_empty_path, REFUSED, "malformed PAX record 'path='", NULL},
	{"garbage in PAX size", pax_bad_size, REFUSED, "malformed PAX record 'size=1x'", NULL},
	{"garbage in PAX time", pax_bad_time, REFUSED, "malformed PAX record 'mtime=now'", NULL},
	{"invalid UTF-8 in an owner", pax_bad_owner, REFUSED, "malformed PAX record 'uname=\\xff'",
		NULL},
	{"two sizes", pax_two_sizes, REFUSED, "entry 'm' has two sizes", NULL},
	{"unknown PAX key", pax_unknown, REPACKED, "PAX records of unknown keys",
		". d 750 0\na f 600 6 first\n\nm f 600 2 x\n\nz f 600 5 last\n\n"},
	{"global PAX comment", pax_comment_global, REPACKED, "global PAX header", NULL},
	{"global PAX path", pax_path_global, REFUSED, "sets 'path' for all", NULL},
	{"two PAX headers", pax_twice, REFUSED, "follows another", NULL},
	{"PAX and GNU headers", pax_then_gnu, REFUSED, "follows another", NULL},
	{"PAX header, then the end", pax_then_end, REFUSED, "ends after an extension header", NULL},
	{"PAX linkpath on a file", pax_linkpath_on_file, REFUSED, "link target but is no link",
		NULL},
	{"PAX path twice", pax_repeated, REPACKED, "repeated keys",
		". d 750 0\na f 600 6 first\n\nm f 600 2 m\n\nz f 600 5 last\n\n"},
	{"PAX header over 1 MiB", pax_huge, REFUSED, "too long", NULL},
	{"GNU long name twice", gnu_twice, REFUSED, "follows another", NULL},
	{"empty GNU long name", gnu_empty, REFUSED, "is empty", NULL},
	{"name over 4096 bytes", long_name, REFUSED, "too long", NULL},
	{"201 directories deep", deep_name, REFUSED, "too deep", NULL},
	{"a name twice", twice, REPACKED, "a name comes twice",
		". d 750 0\na f 600 6 again\n\nm f 600 4 one\n\nz f 600 5 last\n\n"},
	{"file, then directory", file_then_dir, REFUSED, "entry 'm' is a file and a directory",
		NULL},
	{"directory, then file", dir_then_file, REFUSED, "entry 'm' is a file and a directory",
		NULL},
	{"file as a parent", file_as_parent, REFUSED, "entry 'a' is a file and a directory", NULL},
	{"parent as a file", implied_then_file, REFUSED, "entry 'm' is a file and a directory",
		NULL},
	{"file with a slash", file_slash, REFUSED, "entry 'm/' is a file whose name ends", NULL},
	{"setuid", set_uid, REPACKED, "entry 'm' has mode 4755",
		". d 750 0\na f 600 6 first\n\nm f 700 0 \nz f 600 5 last\n\n"},
	{"sticky directory", sticky, REPACKED, "has mode 1777",
		". d 750 0\na f 600 6 first\n\nm d 750 0\nz f 600 5 last\n\n"},
	{"mode 0", unreadable, REPACKED, "has mode 0",
		". d 750 0\na f 600 6 first\n\nm f 600 0 \nz f 600 5 last\n\n"},
	{"mode with a file type", mode_with_type, REPACKED, "has mode 40755",
		". d 750 0\na f 600 6 first\n\nm f 700 0 \nz f 600 5 last\n\n"},
	{"impossible mode", huge_mode, REFUSED, "impossible mode", NULL},
	{"directory without write", dir_no_write, REPACKED, "has mode 555",
		". d 750 0\na f 600 6 first\n\nm d 750 0\nz f 600 5 last\n\n"},
	{"file without write", file_no_write, REPACKED, "entry 'm' has mode 444",
		". d 750 0\na f 600 6 first\n\nm f 600 0 \nz f 600 5 last\n\n"},
	{"blank uid", blank_uid, REPACKED, "blank numbers",
		". d 750 0\na f 600 6 first\n\nm f 600 0 \nz f 600 5 last\n\n"},
	{"blank devmajor", blank_major, PASSES, "", NULL},
	{"uid over 32 bits", pax_uid_large, REPACKED, "no number of 32 bits", ONE_FILE},
	{"negative gid", pax_uid_negative, REPACKED, "no number of 32 bits", ONE_FILE},
	{"component of 256 bytes", long_part, REFUSED, "entry 'folder/nnn", NULL},
	{"decomposed name", decomposed, PASSES, "", NULL},
	{"records of macOS", pax_mac, REPACKED, "unknown keys", ONE_FILE},
	{"name with ./", dot_slash, REPACKED, "not clean",
		". d 750 0\na f 600 6 first\n\nm f 600 2 m\n\nz f 600 5 last\n\n"},
	{"the root again", dot_again, REPACKED, "entry '.' is not the first", NULL},
	{"known PAX keys", plain_pax, PASSES, "", NULL},
};

/* pack_run() on a blob; a repack's tar goes to out (may be NULL). */
static int run(const void *p, size_t n, struct pack_result *res, struct buf *out, struct err *err)
{
	auto_fd int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	struct pack_in in = {.mem = p, .size = n, .out_fd = fd, .spool_dirfd = -1};
	auto_free char *gz = NULL;

	ck_assert_int_ge(fd, 0);
	if (pack_run(&in, res, err))
		return -1;
	if (res->how == PACK_REPACKED && out) {
		gz = mem_alloc(res->size);
		ck_assert_int_eq(pread(fd, gz, res->size, 0), (ssize_t)res->size);
		ck_assert_int_eq(pread(fd, gz, 1, (off_t)res->size), 0);
		tb_gunzip(out, gz, res->size);
	}
	return 0;
}

START_TEST(test_rows)
{
	static const char alone[] = ". d 750 0\na f 600 6 first\n\nz f 600 5 last\n\n";
	auto_buf struct buf tar = BUF_INIT(BUF_ANY), gz = BUF_INIT(BUF_ANY);
	auto_buf struct buf out = BUF_INIT(BUF_ANY), list = BUF_INIT(BUF_ANY);
	struct pack_result res = {0};
	struct err err = {0};
	const char *name = rows[_i].name;
	size_t i;
	int rc;

	around(&tar, rows[_i].odd);
	tb_gzip(&gz, tar.p, tar.len);
	rc = run(gz.p, gz.len, &res, &out, &err);
	if (rows[_i].want == REFUSED) {
		ck_assert_msg(rc == -1, "%s: accepted, how %d, why '%s'", name, res.how, res.why);
		ck_assert_msg(strstr(err.msg, rows[_i].says), "%s: '%s' does not say '%s'", name,
			err.msg, rows[_i].says);
		ck_assert_msg(err.kind == ERR_RETRY, "%s: kind %d", name, err.kind);
		return;
	}
	ck_assert_msg(!rc, "%s: %s", name, err.msg);
	ck_assert_msg(res.how == (rows[_i].want == PASSES ? PACK_PASS : PACK_REPACKED),
		"%s: how %d, why '%s'", name, res.how, res.why);
	ck_assert_msg(strstr(res.why, rows[_i].says), "%s: '%s' does not say '%s'", name, res.why,
		rows[_i].says);
	if (res.how == PACK_PASS) {
		ck_assert_str_eq(res.why, "");
		return;
	}
	tb_list(&list, out.p, out.len, 1);
	for (i = 0; i < list.len; i++)
		if (!list.p[i])
			list.p[i] = '.';
	ck_assert_msg(!strcmp(buf_str(&list), rows[_i].out ? rows[_i].out : alone),
		"%s: repacked to\n%s", name, buf_str(&list));
}
END_TEST

/* GNU headers with a long name are accepted, and come out as PAX. */
START_TEST(test_gnu_long)
{
	auto_buf struct buf tar = BUF_INIT(BUF_ANY), out = BUF_INIT(BUF_ANY),
			    list = BUF_INIT(BUF_ANY);
	struct pack_result res;
	struct err err = {0};
	char name[300];

	around(&tar, gnu_long);
	ck_assert_msg(!run(tar.p, tar.len, &res, &out, &err), "%s", err.msg);
	tb_list(&list, out.p, out.len, 0);
	memset(name, 'n', 299);
	name[150] = '/';
	name[299] = '\0';
	ck_assert_ptr_nonnull(strstr(buf_str(&list), name));
	ck_assert_ptr_nonnull(strstr(buf_str(&list), "z f 600 5\n"));
}
END_TEST

/* A tar cut anywhere is refused, unless all files are whole: what only lacks padding and zero
   blocks, or has a part of them, is repacked. */
START_TEST(test_cuts)
{
	auto_buf struct buf tar = BUF_INIT(BUF_ANY), gz = BUF_INIT(BUF_ANY);
	struct pack_result res;
	struct err err;
	size_t n;

	tb_dir(&tar, ".");
	tb_file(&tar, "a", "text");
	tb_file(&tar, "b", "");
	tb_zero(&tar, 2);
	for (n = 1; n < tar.len; n++) {
		bool between = n == 512 || (n >= 1028 && n <= 1536) || n >= 2048;
		int rc;

		err_clear(&err);
		rc = run(tar.p, n, &res, NULL, &err);
		ck_assert_msg(between ? !rc : rc == -1, "cut at %zu: %d %s", n, rc, err.msg);
		ck_assert_msg(between || strstr(err.msg, n < 512 ? "is no tar" : "is cut"),
			"cut at %zu: %s", n, err.msg);
		ck_assert_msg(!between || res.entries >= 1u + (n >= 1028) + (n >= 2048),
			"cut at %zu: %llu entries", n, (unsigned long long)res.entries);
		if (!between)
			continue;
		buf_reset(&gz);
		tb_gzip(&gz, tar.p, n);
		ck_assert_int_eq(run(gz.p, gz.len, &res, NULL, &err), 0);
		ck_assert_msg(res.how == PACK_REPACKED, "cut at %zu passes", n);
	}
}
END_TEST

/* The same archive, delivered to the checks in chunks of a file: borders of the blocks move. */
START_TEST(test_borders)
{
	auto_buf struct buf tar = BUF_INIT(BUF_ANY), gz = BUF_INIT(BUF_ANY);
	struct pack_result res;
	struct err err = {0};
	char text[2000], name[16];
	int i;

	memset(text, 't', sizeof(text));
	tb_dir(&tar, "./");
	for (i = 0; i < 300; i++) {
		text[i * 6] = '\0';
		snprintf(name, sizeof(name), "f%03d", i);
		tb_file(&tar, name, text);
		text[i * 6] = 't';
	}
	tb_zero(&tar, 20);
	tb_gzip(&gz, tar.p, tar.len);
	ck_assert_msg(!run(gz.p, gz.len, &res, NULL, &err), "%s", err.msg);
	ck_assert_msg(res.how == PACK_PASS, "%s", res.why);
	ck_assert_uint_eq(res.entries, 301);
	ck_assert_uint_eq(res.expanded, tar.len);
	ck_assert_uint_eq(res.size, gz.len);
}
END_TEST

/* Far behind the archive's end, where a reader of the tar alone never comes. */
START_TEST(test_far_tail)
{
	auto_buf struct buf tar = BUF_INIT(BUF_ANY), gz = BUF_INIT(BUF_ANY);
	struct pack_result res;
	struct err err = {0};

	around(&tar, nothing);
	tb_zero(&tar, 2000);
	tb_gzip(&gz, tar.p, tar.len);
	ck_assert_int_eq(run(gz.p, gz.len, &res, NULL, &err), 0);
	ck_assert_int_eq(res.how, PACK_PASS);
	ck_assert_uint_eq(res.expanded, tar.len);

	gz.p[gz.len - 5] ^= 1; /* the CRC */
	ck_assert_int_eq(run(gz.p, gz.len, &res, NULL, &err), -1);
	ck_assert_msg(strstr(err.msg, "incorrect data check"), "%s", err.msg);
	gz.p[gz.len - 5] ^= 1;

	tb_gzip(&gz, "", 0); /* a second member, even of nothing */
	ck_assert_int_eq(run(gz.p, gz.len, &res, NULL, &err), 0);
	ck_assert_str_eq(res.why, "it is not gzip with one member");

	buf_reset(&gz);
	buf_addc(&tar, 'x');
	tb_gzip(&gz, tar.p, tar.len);
	ck_assert_int_eq(run(gz.p, gz.len, &res, NULL, &err), 0);
	ck_assert_str_eq(res.why, "bytes follow the end of the archive");
}
END_TEST

static const struct {
	const char *what;
	struct pack_limits limits;
	const char *says;
	int code;
} limits[] = {
	{"entries", {.entries = 300}, "more than 300 entries", PACK_OVER_ENTRIES},
	{"entries fit", {.entries = 301}, NULL, 0},
	{"expanded", {.expanded = 50000}, "expands to more than 50000", PACK_OVER_EXPANDED},
	{"spool", {.spool = 1000},
		"more disk than the 1000 that are allowed; what ignore rules leave out is not "
		"counted",
		0},
};

START_TEST(test_limits)
{
	auto_buf struct buf tar = BUF_INIT(BUF_ANY), gz = BUF_INIT(BUF_ANY);
	struct pack_in in = {.out_fd = -1, .spool_dirfd = -1, .limits = limits[_i].limits};
	struct pack_result res;
	struct err err = {0};
	char name[16];
	int i;

	tb_dir(&tar, ".");
	for (i = 300; i > 0; i--) {
		snprintf(name, sizeof(name), "f%03d", i);
		tb_file(&tar, name, "some text");
	}
	tb_zero(&tar, 2);
	tb_file(&tar, "behind", "the end");
	tb_gzip(&gz, tar.p, tar.len);
	in.mem = gz.p;
	in.size = gz.len;
	if (!limits[_i].says) {
		ck_assert_msg(!pack_run(&in, &res, &err), "%s: %s", limits[_i].what, err.msg);
		return;
	}
	ck_assert_msg(pack_run(&in, &res, &err) == -1, "%s: accepted", limits[_i].what);
	ck_assert_msg(strstr(err.msg, limits[_i].says), "%s: '%s' does not say '%s'",
		limits[_i].what, err.msg, limits[_i].says);
	ck_assert_msg(err.code == limits[_i].code, "%s: %d", limits[_i].what, err.code);
}
END_TEST

/* A million entries in a small blob: refused after the 200,000th, in bounded time and memory. */
START_TEST(test_million)
{
	auto_buf struct buf tar = BUF_INIT(BUF_ANY), gz = BUF_INIT(BUF_ANY);
	struct pack_result res;
	struct err err = {0};
	char name[16];
	size_t one;
	int i;

	/* Members of 1,000 equal names each: 1,000 times the same bytes. */
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		tb_file(&tar, name, "");
	}
	tb_gzip(&gz, tar.p, tar.len);
	one = gz.len;
	ck_assert_ptr_nonnull(buf_room(&gz, 1000 * one));
	for (i = 1; i < 1000; i++)
		buf_add(&gz, gz.p, one);
	ck_assert_int_eq(run(gz.p, gz.len, &res, NULL, &err), -1);
	ck_assert_msg(strstr(err.msg, "more than 200000 entries"), "%s", err.msg);
}
END_TEST

/* Few entries can imply many directories. */
START_TEST(test_implied_bomb)
{
	auto_buf struct buf tar = BUF_INIT(BUF_ANY);
	struct pack_in in = {.out_fd = -1, .spool_dirfd = -1, .limits = {.entries = 1000}};
	struct pack_result res;
	struct err err = {0};
	char name[100];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%d/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p", i);
		tb_file(&tar, name, "");
	}
	tb_zero(&tar, 2);
	in.mem = tar.p;
	in.size = tar.len;
	ck_assert_int_eq(pack_run(&in, &res, &err), -1);
	ck_assert_msg(strstr(err.msg, "more than 1000 files and directories"), "%s", err.msg);
	ck_assert_int_eq(err.code, PACK_OVER_ENTRIES);
}
END_TEST

static const struct {
	const char *what;
	const char *bytes;
	size_t n;
	const char *says;
} blobs[] = {
	{"empty", "", 0, "the layer is empty"},
	{"one byte", "x", 1, "is no tar archive: it is shorter"},
	{"text", "apiVersion: v1\nkind: ConfigMap\n", 31, "is no tar archive"},
	{"gzip magic alone", "\x1f\x8b", 2, "is cut"},
	{"gzip of nothing", "\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0", 20,
		"holds no archive"},
	{"zip", "PK\x03\x04", 4, "is no tar archive but zip"},
	{"bzip2", "BZh91AY", 7, "but bzip2"},
	{"zeros", "\0\0\0", 3, "is no tar archive"},
};

START_TEST(test_blobs)
{
	struct pack_result res;
	struct err err = {0};

	ck_assert_msg(run(blobs[_i].bytes, blobs[_i].n, &res, NULL, &err) == -1, "%s: accepted",
		blobs[_i].what);
	ck_assert_msg(strstr(err.msg, blobs[_i].says), "%s: '%s' does not say '%s'", blobs[_i].what,
		err.msg, blobs[_i].says);
	if (strstr(blobs[_i].says, "archive"))
		ck_assert_int_eq(err.code, PACK_NO_ARCHIVE);
}
END_TEST

/* A hole takes long and needs no input: it can be stopped as well. */
START_TEST(test_stop_hole)
{
	auto_buf struct buf tar = BUF_INIT(BUF_ANY);
	atomic_bool stop = false;
	struct pack_entry e;
	struct pack_read r;
	struct pack_src src;
	struct err err = {0};
	const void *p;
	size_t n;

	gnu_sparse_of(&tar, "00000000000\00000000000005", "00100000000");
	tb_zero(&tar, 2);
	pack_src_init(&src, tar.p, -1, tar.len, &stop);
	ck_assert_int_eq(pack_read_init(&r, &src, LIMIT_MIB * 20, 10, &err), 0);
	ck_assert_int_eq(pack_read_next(&r, &e, &err), 1);
	ck_assert_uint_eq(e.size, 1 << 24);
	ck_assert_int_eq(pack_read_data(&r, &p, &n, &err), 0);
	ck_assert_uint_eq(n, 5);
	ck_assert_int_eq(pack_read_data(&r, &p, &n, &err), 0);
	ck_assert_uint_eq(n, PACK_CHUNK);
	stop = true;
	ck_assert_int_eq(pack_read_data(&r, &p, &n, &err), -1);
	ck_assert_int_eq(err.kind, ERR_CANCELED);
	pack_read_clear(&r);
	pack_src_clear(&src);
}
END_TEST

START_TEST(test_no_tar)
{
	struct pack_result res;
	struct err err = {0};
	char text[2048];

	memset(text, 'x', sizeof(text));
	ck_assert_int_eq(run(text, sizeof(text), &res, NULL, &err), -1);
	ck_assert_msg(
		strstr(err.msg,
			"is no tar archive: broken tar before byte 0: a header's checksum is not a "
			"number"),
		"%s", err.msg);
	ck_assert_int_eq(err.code, PACK_NO_ARCHIVE);
}
END_TEST

Suite *suite_hostile(void);
Suite *suite_hostile(void)
{
	Suite *s = suite_create("hostile");
	TCase *tc = tcase_create("hostile");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_rows, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, test_gnu_long);
	tcase_add_test(tc, test_cuts);
	tcase_add_test(tc, test_borders);
	tcase_add_test(tc, test_far_tail);
	tcase_add_loop_test(tc, test_limits, 0, (int)ARRAY_LEN(limits));
	tcase_add_test(tc, test_million);
	tcase_add_test(tc, test_implied_bomb);
	tcase_add_loop_test(tc, test_blobs, 0, (int)ARRAY_LEN(blobs));
	tcase_add_test(tc, test_stop_hole);
	tcase_add_test(tc, test_no_tar);
	suite_add_tcase(s, tc);
	return s;
}
