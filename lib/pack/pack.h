/*
 * From a layer to an artifact, for the `extract` operation: pack_run() reads a blob (tar; gzip,
 * zstd or nothing around it), checks it, and says whether the blob itself can be the artifact
 * (pass-through) or writes another archive of its files (repack format 2).
 *
 * Runs in a worker and blocks; it touches no state but its arguments. The stop flag is polled every
 * 64 KiB of input and of expanded bytes, and in every loop over the entries. It does not check the
 * blob's digest: the caller has done so, or does so before it publishes anything.
 *
 * What an archive may hold (docs/architecture.md has the reasons):
 *   - directories and regular files are kept. Of two entries with one name the last counts. A name
 *     that is a file and a directory is an error, as it is when extracted to a disk.
 *   - symbolic and hard links are dropped and counted (pack_result.links); the archive is repacked
 *     then.
 *   - sparse files come out with their holes as zeros, which count as expanded bytes.
 *   - an error: devices, fifos, multi-volume parts, unknown types; names that are absolute, empty,
 *     hold `../`, a `..` component, a backslash, a NUL or invalid UTF-8, or are over
 *     LIMIT_ENTRY_PATH, LIMIT_ENTRY_PART (a component) or LIMIT_PATH_DEPTH; broken headers
 *     (checksum, numbers, PAX records), a lone zero block between entries, a file or a header that
 *     is cut; anything but zeros after the last gzip member; anything over the limits.
 *   - bytes after the end of the tar archive (inside the compressed stream) are dropped: such a
 *     blob is repacked. So is one that ends behind its last file, with less padding than there
 *     should be.
 * Every refusal is ERR_RETRY and names the entry; names in messages are quoted so that they are
 * safe to print.
 *
 * Pass-through needs what the consumers need (Flux's untar, as a user that is not root, and what
 * works in the folder after it): gzip with one member and a header as Go takes it; only headers
 * that lib/pack/plain.h calls plain; nothing dropped, repeated or excluded; modes that let the
 * owner read and write, without setuid, setgid, sticky.
 *
 * Repack format 2: `.` first, then all directories (also those that only the names of files imply)
 * and files, as Go's filepath.Walk orders them; uid, gid and times zero, no names, modes 0600, 0700
 * (a file with any x bit) and 0750; lib/pack/tarw.h has the bytes.
 *
 *	struct pack_in in = {.fd = fd, .size = size, .stop = &job->stop, .excluded = ...,
 *		.ctx = ..., .out_fd = tmp, .spool_dirfd = dir};
 *	struct pack_result res;
 *	if (pack_run(&in, &res, err))
 *		return -1;
 *	if (res.how == PACK_PASS) publish the blob;
 *	else publish tmp, whose digest and size are in res;
 */
#ifndef PACK_PACK_H
#define PACK_PACK_H
#include "base/err.h"
#include "base/limits.h"
#include "crypto/digest.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* err.code of pack_run(), where it is not an errno. */
#define PACK_NO_ARCHIVE 1 /* this is no tar, whatever is around it */
/* Over a limit that counts all entries, before the ignore rules leave any out. */
#define PACK_OVER_EXPANDED 2
#define PACK_OVER_ENTRIES 3 /* or files and the directories that their names imply */
#define PACK_OVER_RATIO 4 /* LIMIT_RATIO */
#define PACK_OVER_NAMES 5 /* LIMIT_PATH_TOTAL */

#define PACK_RULES_FACTOR 4
/* What no job with the default limits passes. */
#define PACK_MEMORY_MAX (224 * LIMIT_MIB)

struct pack_limits {
	uint64_t entries; /* 0: LIMIT_ENTRIES */
	uint64_t expanded; /* 0: LIMIT_EXPANDED; bytes of the tar stream */
	uint64_t spool; /* 0: LIMIT_SPOOL; bytes on disk for entries that are not in order */
	/* Bytes for names, ignore rules (PACK_RULES_FACTOR times their text: it is compiled) and
	   what the decoder's window is used of, besides about 3 MiB that every job takes. 0: as
	   many as the other limits allow, PACK_MEMORY_MAX. Past it the error's code is -ENOBUFS. */
	uint64_t memory;
};

/*
 * A `.sourceignore` file of the archive, all of them before the first call of `excluded`: parents
 * before children, siblings in name order. dir is "" for the root, else "a/b". text has len bytes
 * and is not terminated; borrowed for the call. Returns 0, or -1 with *err filled.
 */
typedef int (*pack_ignore_fn)(
	void *ctx, const char *dir, const char *text, size_t len, struct err *err);
/* After the last of them, before the first call of `excluded`: the place to add spec.ignore, which
   wins over all files. 0 or -1. */
typedef int (*pack_rules_done_fn)(void *ctx, struct err *err);
/* Is this path ("a/b", never with a trailing slash) to be left out? Asked once for every directory
   and file but the root, in no special order. 1, 0, or -1 with *err filled. */
typedef int (*pack_excluded_fn)(void *ctx, const char *path, bool is_dir, struct err *err);
/* Opens the file that a repack is written to; called at most once. Returns a descriptor that stays
   the caller's, or -1. */
typedef int (*pack_open_fn)(void *ctx, struct err *err);

struct pack_in {
	const void *mem; /* the blob in memory; NULL: it is in fd */
	int fd; /* read with pread(2) from offset 0 */
	/* of the blob; a file that ends before is an error, what follows is not read */
	uint64_t size;
	const atomic_bool *stop; /* NULL: never stops; set: ERR_CANCELED */
	struct pack_limits limits;
	pack_ignore_fn ignore_file; /* NULL: .sourceignore files have no meaning */
	pack_rules_done_fn rules_done; /* may be NULL */
	pack_excluded_fn excluded; /* NULL: nothing is left out */
	pack_open_fn open_out; /* NULL: out_fd is used */
	void *ctx; /* for the callbacks */
	int out_fd; /* where a repack goes, at its position; with open_out not looked at */
	/* directory for an unlinked temporary file; -1: a repack that needs one fails */
	int spool_dirfd;
	enum digest_algo algo; /* of pack_result.digest; DIGEST_NONE: sha256 */
};

enum pack_how {
	PACK_PASS = 1, /* the blob is the artifact */
	PACK_REPACKED, /* the artifact was written to the output */
};

struct pack_result {
	enum pack_how how;
	/* of a repack; DIGEST_NONE for a pass-through, whose digest the caller knows */
	struct digest digest;
	uint64_t size; /* of the artifact */
	uint64_t entries; /* in the artifact: directories and files */
	uint64_t expanded; /* bytes of the layer's tar stream */
	uint64_t excluded; /* entries that the rules left out */
	uint64_t links; /* links that were dropped */
	bool spooled; /* a file on disk was needed */
	/* why it was repacked, for the log: "entry 'x' is a link"; "" for a pass-through */
	char why[256];
};

/* 0 with *res filled, or -1: then what was written to the output is to be thrown away. */
int pack_run(const struct pack_in *in, struct pack_result *res, struct err *err) must_check;

#endif
