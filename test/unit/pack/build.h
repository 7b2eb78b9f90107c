/*
 * Builds tar archives, sound and hostile, byte by byte, and reads back what the project writes.
 * Shared by this folder's tests and by the fuzz targets. Every function aborts the test when it
 * cannot do its job.
 */
#ifndef TEST_PACK_BUILD_H
#define TEST_PACK_BUILD_H
#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

/* Header fields; what is NULL or 0 is as Go's writer has it. */
struct tb_head {
	const char *name; /* up to 100 bytes go to the name field */
	size_t name_len; /* 0: strlen */
	const char *prefix;
	char type; /* 0: '0' */
	int no_type; /* the NUL of old tar */
	unsigned mode; /* 0: 0644 */
	uint64_t size;
	const char *magic; /* 8 bytes; default "ustar\0" "00" */
	const char *size_field; /* 12 bytes, instead of the octal size */
	const char *mode_field; /* 8 bytes */
	const char *mtime_field; /* 12 bytes */
	const char *uid_field; /* 8 bytes */
	const char *major_field; /* 8 bytes */
	const char *real_size; /* 12 bytes, where GNU has the size of a sparse file */
	const char *map; /* 96 bytes in front of it: offset and length of four pieces */
	int more; /* blocks with more of the map follow, says the header */
	const char *link;
	int sum_off; /* added to the right checksum */
};

/* A header, the body padded to a block. h->size counts for the header; n bytes follow. */
void tb_add(struct buf *b, const struct tb_head *h, const void *body, size_t n);
void tb_file(struct buf *b, const char *name, const char *text);
void tb_dir(struct buf *b, const char *name);
/* An entry of a type without a body. */
void tb_type(struct buf *b, const char *name, char type);
/* A PAX header (x or g) with these bytes as its records. */
void tb_pax(struct buf *b, char type, const char *records, size_t n);
/* The record "%d key=value\n" appended to out. */
void tb_record(struct buf *out, const char *key, const char *value);
/* A GNU long name (L) or link (K) header. */
void tb_gnu(struct buf *b, char type, const char *name, size_t n);
/* `blocks` zero blocks; an archive ends with two. */
void tb_zero(struct buf *b, unsigned blocks);

/* Appends in as one gzip member, or as a zstd frame, or the decompressed gzip (several members
   too). */
void tb_gzip(struct buf *out, const void *in, size_t n);
void tb_zstd(struct buf *out, const void *in, size_t n);
void tb_gunzip(struct buf *out, const void *in, size_t n);

/*
 * What libarchive, with no code of ours, finds in a tar: a line per entry "NAME TYPE MODE SIZE\n"
 * (TYPE f, d or ?), plus "!WHY\n" for anything it finds wrong. An entry with an owner or a time
 * gets " !owner or time", unless TB_BARE is given; TB_TEXT appends a file's body.
 */
enum tb_list_flags { TB_TEXT = 1, TB_BARE = 2 };
void tb_list(struct buf *out, const void *tar, size_t n, int flags);

#endif
