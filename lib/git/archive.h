/*
 * An artifact out of an object set, without a work tree: the files of a commit in repack format 2
 * (pack/tarw.h), the same bytes for the same input always. What is in it:
 *  - files and directories; modes as pack/pack.h has them. Symbolic links are left out, and so are
 *    gitlinks, unless `modules` has what they name. LFS pointers are files like others;
 *  - with `sparse`, only files whose path begins with one of its texts, as go-git compares them
 *    ("app" takes app.yaml too, "app/" does not); each of them must be there. Else
 *    GITC_NO_PATH;
 *  - `modules` at their paths, then `includes` at theirs. Of two files at one path the later one
 *    counts;
 *  - less what the ignore rules leave out (text/ignore.h): the `.sourceignore` files of all that,
 *    parents first, and `ignore` last.
 * Worker side; the descriptors and sets stay the caller's.
 */
#ifndef GIT_ARCHIVE_H
#define GIT_ARCHIVE_H
#include "base/err.h"
#include "crypto/digest.h"
#include "git/objects.h"
#include "git/oid.h"
#include "pack/pack.h"

#include <stdatomic.h>
#include <stdint.h>

/* Another artifact, as a tar.gz in a file. */
struct gitc_include {
	int fd; /* read with pread(2) */
	uint64_t size;
	const char *from; /* a directory or file in it; "" or NULL: all */
	const char *to; /* where it goes; "" or NULL: the root */
	const char *name; /* for messages */
};

struct gitc_module {
	const char *path; /* of the gitlink, in the whole tree: "a/b", nested ones too */
	const struct gitc_objects *objects;
	struct gitc_oid commit;
};

struct gitc_archive_req {
	const struct gitc_objects *objects;
	struct gitc_oid commit;
	const char *ignore; /* spec.ignore, or NULL */
	const char *const *sparse; /* folders; NULL: all */
	size_t n_sparse;
	const struct gitc_include *includes; /* in order */
	size_t n_includes;
	const struct gitc_module *modules;
	size_t n_modules;
	int out_fd; /* where the archive goes; -1: only its digest and size count */
	enum digest_algo algo; /* DIGEST_NONE: sha256 */
	/* expanded: bytes of the files; memory: for names and rules, as pack_run takes it, with the
	   code -ENOBUFS when it is not enough. spool is not used. */
	struct pack_limits limits;
	const atomic_bool *stop;
};

struct gitc_archive_result {
	struct digest digest;
	uint64_t size;
	uint64_t entries; /* directories and files */
	uint64_t expanded; /* bytes of the tar */
	uint64_t excluded, links, modules; /* that were left out */
};

int gitc_archive(const struct gitc_archive_req *req, struct gitc_archive_result *res,
	struct err *err) must_check;

#endif
