/*
 * Ignore rules: `.sourceignore` files and `spec.ignore`, matched as Flux does
 * (github.com/fluxcd/pkg/sourceignore, whose matcher is go-git's plumbing/format/gitignore). Close
 * to git's rules, but not the same, and users rely on the difference:
 *  - every entry is asked for by itself with its whole path, so a file in an excluded directory can
 *    be included again, and its parent directory may be missing from the archive;
 *  - the last pattern that matches decides; `!x` includes, a pattern that matches a directory
 *    covers everything below it;
 *  - a name pattern (no / but a trailing one) matches any component of the path; one with / is
 *    anchored at its domain;
 *  - components are matched as Go's filepath.Match does: [^a] negates (not [!a]), \ escapes, bytes
 *    that are not UTF-8 never match a range, a malformed pattern never matches;
 *  - `**` stands for directories only as a whole component.
 * test/e2e/textdiff.sh holds this file to the Go module.
 *
 * The list owns copies of all it is given. Build it in one thread; ignore_match only reads, from
 * any thread.
 *
 *	struct ignore ign;
 *
 *	ignore_init(&ign, IGNORE_SOURCE);
 *	rc = ignore_add(&ign, file_text, file_len, "apps/base", &err);   (the .sourceignore of apps/base)
 *	rc = ignore_add(&ign, spec_ignore, strlen(spec_ignore), "", &err);    (last: it wins)
 *	if (ignore_match(&ign, "apps/base/notes.md", false)) ...        (excluded)
 *	ignore_clear(&ign);
 */
#ifndef TEXT_IGNORE_H
#define TEXT_IGNORE_H
#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IGNORE_FILE ".sourceignore"

/* The built-in exclusions, one pattern a line: what ignore_add takes. */
extern const char ignore_vcs[]; /* .git/ .gitignore .gitmodules .gitattributes */
extern const char ignore_ext[]; /* images, videos, archives */
extern const char ignore_ci[]; /* files of CI systems */
extern const char ignore_extra[]; /* .goreleaser.yml, .sops.yaml, .flux.yaml anywhere */

enum ignore_base {
	/* Only what is added: `ocictl push --ignore-paths` (its default is ignore_vcs and
	   ignore_ext). */
	IGNORE_PLAIN,
	/*
	 * An artifact: ignore_vcs always, below all that is added; ignore_ext, ignore_ci and
	 * ignore_extra as well as long as nothing real was added. Empty or comment-only text adds
	 * nothing, so it keeps them.
	 */
	IGNORE_SOURCE,
};

struct ignore_pattern;
struct ignore {
	struct ignore_pattern *added;
	size_t count; /* patterns added: 0 says that an IGNORE_SOURCE list is at its defaults */
	size_t cap;
	struct ignore_pattern *builtin;
	size_t builtin_count; /* all of them; the first builtin_vcs are ignore_vcs */
	size_t builtin_vcs;
	/* the caller's, before ignore_add: what messages call these rules; NULL: the .sourceignore
	   of the domain */
	const char *origin;
};

void ignore_init(struct ignore *l, enum ignore_base base);
void ignore_clear(struct ignore *l);

/*
 * Appends the patterns of a text, one a line (LF or CRLF). Lines that start with # or hold only
 * blanks are none. domain: the directory that the patterns are relative to, as a clean relative
 * path ("" for the root). 0; or -1 (ERR_STALL) for a text over LIMIT_IGNORE_FILE, a list over
 * LIMIT_IGNORE_PATTERNS, or a line over LIMIT_PATTERN: the message names domain and line. The list
 * then holds the lines before it.
 */
int ignore_add(struct ignore *l, const char *text, size_t len, const char *domain,
	struct err *err) must_check;

/*
 * Is this entry excluded? path is clean and relative: no leading, trailing or double slash, no `.`
 * or `..` component; the root itself ("") never is. About 0.6 µs with the default list.
 */
bool ignore_match(const struct ignore *l, const char *path, bool is_dir);

/*
 * Rules and names are a stranger's, and the time for them is a product: rules, entries, the length
 * of each. A budget holds for all entries of one job. Zeroed but for max and stop; one thread.
 */
struct ignore_budget {
	uint64_t max; /* steps: LIMIT_IGNORE_STEPS */
	const atomic_bool *stop; /* polled about every 0.2 ms; may be NULL */
	/* the rest is ignore_match_within's */
	uint64_t used, look_at;
	bool over, stopped;
	uint64_t entries;
	const struct ignore_pattern *worst; /* what took most for one entry */
	uint64_t worst_used;
};
#define IGNORE_LOOK_EVERY 65536 /* steps */

/* As ignore_match: 1 excluded, 0 not. -1: ERR_CANCELED for the stop flag; ERR_RETRY when the budget
   is over: the message names the costliest rule and where it stands. */
int ignore_match_within(const struct ignore *l, struct ignore_budget *b, const char *path,
	bool is_dir, struct err *err) must_check;

/*
 * Is the regular file of this path one whose text counts as rules? Its name is .sourceignore and no
 * directory above it is called .git. On true, *dir_len is the length of its directory in path (0:
 * the root): its domain.
 */
bool ignore_is_file(const char *path, size_t *dir_len);
/* The order in which the files' rules are added, by their directories: parents first, siblings in
   byte order. As strcmp. */
int ignore_dir_cmp(const char *a, const char *b);

#endif
