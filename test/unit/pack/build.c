#include "build.h"

#include "base/mem.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define BLOCK 512

static void must(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "test archive builder: %s failed\n", what);
		abort();
	}
}

static void put_octal(unsigned char *f, size_t size, uint64_t v)
{
	char text[32];

	snprintf(text, sizeof(text), "%0*llo", (int)size - 1, (unsigned long long)v);
	memcpy(f, text, size);
}

static void put_field(unsigned char *f, size_t size, const char *text, uint64_t v)
{
	if (text)
		memcpy(f, text, size);
	else
		put_octal(f, size, v);
}

void tb_add(struct buf *b, const struct tb_head *h, const void *body, size_t n)
{
	unsigned char block[BLOCK] = {0};
	size_t len = h->name_len ? h->name_len : strlen(h->name), i;
	unsigned sum = 0;

	memcpy(block, h->name, len < 100 ? len : 100);
	put_field(block + 100, 8, h->mode_field, h->mode ? h->mode : 0644);
	put_field(block + 108, 8, h->uid_field, 0);
	put_octal(block + 116, 8, 0);
	put_field(block + 124, 12, h->size_field, h->size);
	put_field(block + 136, 12, h->mtime_field, 0);
	block[156] = (unsigned char)(h->no_type ? 0 : h->type ? h->type : '0');
	if (h->link)
		memcpy(block + 157, h->link, strlen(h->link));
	memcpy(block + 257,
		h->magic ? h->magic
			 : "ustar\0"
			   "00",
		8);
	put_field(block + 329, 8, h->major_field, 0);
	put_octal(block + 337, 8, 0);
	if (h->real_size)
		memcpy(block + 483, h->real_size, 12);
	if (h->map)
		memcpy(block + 386, h->map, 96);
	block[482] = (unsigned char)h->more;
	if (h->prefix)
		memcpy(block + 345, h->prefix, strlen(h->prefix));
	memset(block + 148, ' ', 8);
	for (i = 0; i < BLOCK; i++)
		sum += block[i];
	put_octal(block + 148, 7, sum + (unsigned)h->sum_off);
	must(!buf_add(b, block, BLOCK), "a header");
	must(!buf_add(b, body, n), "a body");
	if (n % BLOCK) {
		static const char zeros[BLOCK];

		must(!buf_add(b, zeros, BLOCK - n % BLOCK), "padding");
	}
}

void tb_file(struct buf *b, const char *name, const char *text)
{
	struct tb_head h = {.name = name, .size = strlen(text)};

	tb_add(b, &h, text, strlen(text));
}

void tb_dir(struct buf *b, const char *name)
{
	tb_add(b, &(struct tb_head){.name = name, .type = '5', .mode = 0755}, NULL, 0);
}

void tb_type(struct buf *b, const char *name, char type)
{
	tb_add(b, &(struct tb_head){.name = name, .type = type, .link = "a"}, NULL, 0);
}

void tb_pax(struct buf *b, char type, const char *records, size_t n)
{
	tb_add(b, &(struct tb_head){.name = "PaxHeaders.0/x", .type = type, .size = n}, records, n);
}

void tb_record(struct buf *out, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3, n = rest + 1;

	while ((size_t)snprintf(NULL, 0, "%zu", n) + rest != n)
		n++;
	must(!buf_addf(out, "%zu %s=%s\n", n, key, value), "a record");
}

void tb_gnu(struct buf *b, char type, const char *name, size_t n)
{
	tb_add(b,
		&(struct tb_head){
			.name = "././@LongLink", .type = type, .size = n, .magic = "ustar  "},
		name, n);
}

void tb_zero(struct buf *b, unsigned blocks)
{
	static const char zeros[BLOCK];

	while (blocks--)
		must(!buf_add(b, zeros, BLOCK), "zeros");
}

void tb_gzip(struct buf *out, const void *in, size_t n)
{
	z_stream z = {0};
	size_t room = n + n / 100 + 1024;
	char *to = buf_room(out, room);

	must(to && deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK, "gzip");
	z.next_in = (unsigned char *)in;
	z.avail_in = (unsigned)n;
	z.next_out = (unsigned char *)to;
	z.avail_out = (unsigned)room;
	must(deflate(&z, Z_FINISH) == Z_STREAM_END, "gzip");
	out->len += room - z.avail_out;
	deflateEnd(&z);
}

void tb_zstd(struct buf *out, const void *in, size_t n)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	size_t room = n + n / 50 + 4096, used = 0;
	char *to = buf_room(out, room);

	archive_write_add_filter_zstd(a);
	archive_write_set_format_raw(a);
	archive_write_set_bytes_in_last_block(a, 1);
	archive_entry_set_filetype(e, AE_IFREG);
	must(to && archive_write_open_memory(a, to, room, &used) == ARCHIVE_OK &&
			archive_write_header(a, e) == ARCHIVE_OK &&
			archive_write_data(a, in, n) == (la_ssize_t)n &&
			archive_write_close(a) == ARCHIVE_OK,
		"zstd");
	out->len += used;
	archive_entry_free(e);
	archive_write_free(a);
}

void tb_gunzip(struct buf *out, const void *in, size_t n)
{
	z_stream z = {0};
	int rc;

	must(inflateInit2(&z, 31) == Z_OK, "gunzip");
	z.next_in = (unsigned char *)in;
	z.avail_in = (unsigned)n;
	do {
		char *to = buf_room(out, 65536);

		must(to != NULL, "gunzip");
		z.next_out = (unsigned char *)to;
		z.avail_out = 65536;
		rc = inflate(&z, Z_NO_FLUSH);
		must(rc == Z_OK || rc == Z_STREAM_END, "gunzip");
		out->len += 65536 - z.avail_out;
		if (rc == Z_STREAM_END && z.avail_in)
			inflateReset(&z);
	} while (rc != Z_STREAM_END || z.avail_in);
	inflateEnd(&z);
}

static void list_entry(struct buf *out, struct archive *a, struct archive_entry *e, int flags)
{
	const char *name = archive_entry_pathname(e);
	unsigned type = archive_entry_filetype(e);

	buf_addf(out, "%s %c %o %lld", name ? name : "(none)",
		archive_entry_hardlink(e)  ? '?'
			: type == AE_IFREG ? 'f'
			: type == AE_IFDIR ? 'd'
					   : '?',
		(unsigned)archive_entry_perm(e), (long long)archive_entry_size(e));
	if (!(flags & TB_BARE) &&
		(archive_entry_uid(e) || archive_entry_gid(e) || archive_entry_mtime(e)))
		buf_adds(out, " !owner or time");
	if (flags & TB_TEXT && type == AE_IFREG) {
		char text[4096];
		la_ssize_t n;

		buf_addc(out, ' ');
		while ((n = archive_read_data(a, text, sizeof(text))) > 0)
			buf_add(out, text, (size_t)n);
		if (n < 0)
			buf_addf(out, "!%s", archive_error_string(a));
	}
	buf_addc(out, '\n');
}

void tb_list(struct buf *out, const void *tar, size_t n, int flags)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int rc;

	archive_read_support_format_tar(a);
	rc = archive_read_open_memory(a, tar, n);
	while (rc == ARCHIVE_OK && (rc = archive_read_next_header(a, &e)) == ARCHIVE_OK)
		list_entry(out, a, e, flags);
	if (rc != ARCHIVE_EOF)
		buf_addf(out, "!%s\n", archive_error_string(a));
	archive_read_free(a);
}
