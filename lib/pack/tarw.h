/*
 * Writes a tar archive, gzip-compressed, in the one form that this project produces ("repack format
 * 2"): the same calls give the same bytes on every machine and in every version. Another byte
 * anywhere would be another format number.
 *
 * ustar headers (POSIX.1-2024, pax, "ustar Interchange Format"): owner and group 0 without names,
 * mtime 0; a PAX `x` header in front only for what ustar cannot say (a name that is not ASCII or
 * does not fit, 8 GiB and more). Directories have no trailing slash. The end is two zero blocks, no
 * padding. gzip: RFC 1952 header without flags, time or name, OS 255; zlib level 3, memory level 8;
 * what does not shrink is stored (lib/pack/gzipw.h).
 *
 * The caller gives the entries in the order they shall have; pack_path_cmp() (lib/pack/path.h) is
 * the order of Go's filepath.Walk, which repacks and `ocictl push` use, the root `.` first. Blocks
 * on its output: call it in a worker (or in a command-line tool).
 *
 *	struct pack_tarw *w = pack_tarw_new(
 *		&(struct pack_tarw_out){.fd = fd, .algo = DIGEST_SHA256});
 *	if (pack_tarw_dir(w, ".", 0750, err) ||
 *		pack_tarw_file_mem(w, "a.yaml", 0600, text, strlen(text), err) ||
 *		pack_tarw_end(w, &res, err)) ...
 *	pack_tarw_free(w);
 */
#ifndef PACK_TARW_H
#define PACK_TARW_H
#include "base/buf.h"
#include "base/err.h"
#include "crypto/digest.h"

#include <stdatomic.h>
#include <stdint.h>

struct pack_tarw;

struct pack_tarw_out {
	int fd; /* where the bytes go, with write(2); -1: to mem */
	struct buf *mem; /* or here; NULL with fd -1: nowhere (only digest and size count) */
	enum digest_algo algo; /* of the compressed bytes; DIGEST_NONE: sha256 */
	const atomic_bool *stop; /* polled every 64 KiB; may be NULL */
	uint64_t max; /* bytes of output that are allowed; 0: no limit */
};

struct pack_tarw_result {
	struct digest digest; /* of the .tar.gz */
	/* sha256 of the tar before compression, when pack_tarw_want_diff_id() was called */
	struct digest diff_id;
	uint64_t size; /* of the .tar.gz */
	uint64_t expanded; /* of the tar */
	uint64_t entries;
};

/* Copies *out; the descriptor and the buffer stay the caller's. Never NULL. */
struct pack_tarw *pack_tarw_new(const struct pack_tarw_out *out);
/* Also hash the uncompressed tar (an OCI image config's diff_ids). Before the first entry. */
void pack_tarw_want_diff_id(struct pack_tarw *w);

/* path: relative, "a/b", "." for the root; never a trailing slash. mode: permission bits only. */
int pack_tarw_dir(struct pack_tarw *w, const char *path, unsigned mode, struct err *err) must_check;
/* A file's header; exactly `size` bytes must follow with pack_tarw_data() before anything else. */
int pack_tarw_file(struct pack_tarw *w, const char *path, unsigned mode, uint64_t size,
	struct err *err) must_check;
int pack_tarw_data(struct pack_tarw *w, const void *p, size_t n, struct err *err) must_check;
/* Header and body in one call. */
int pack_tarw_file_mem(struct pack_tarw *w, const char *path, unsigned mode, const void *p,
	size_t n, struct err *err) must_check;
/* The body is `size` bytes of fd from `offset` on, read with pread(2); a shorter file is an
   error. */
int pack_tarw_file_fd(struct pack_tarw *w, const char *path, unsigned mode, int fd, uint64_t offset,
	uint64_t size, struct err *err) must_check;

/* Ends the archive and writes what is left; res may be NULL. After an error of any call only free
   is allowed. */
int pack_tarw_end(struct pack_tarw *w, struct pack_tarw_result *res, struct err *err) must_check;
/* Frees; w may be NULL. */
void pack_tarw_free(struct pack_tarw *w);

#endif
