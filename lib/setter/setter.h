/*
 * Writes what image policies have chosen into YAML, where a marker in a comment asks for it:
 *
 *	image: ghcr.io/acme/web:1.0.0 # {"$imagepolicy": "apps:web"}
 *	newTag: 1.0.0 # {"$imagepolicy": "apps:web:tag"}
 *
 * A marker is a comment that, without its leading #s, is one JSON object of strings whose member
 * `$imagepolicy` is NS:NAME, or that with `:tag`, `:name` or `:digest` behind it. It stands behind
 * a scalar that is a value or an item of a list, on the same line (a comma may be between), or on
 * a line of its own directly above such an item, or between a key and its value. Where else it may
 * stand it is reported.
 *
 * Not one byte but the scalars changes, and that is proven: the result is parsed again, and the two
 * streams of events must be equal but for the scalars that were set, which must be the new text as
 * a string. A text for which that is not so is left alone and reported. Running it again over its
 * own result changes nothing.
 *
 * What a policy says is a stranger's as well: whatever it is, it cannot become anything but the one
 * scalar. Limits: LIMIT_SETTER_... in base/limits.h.
 *
 * Pure, any thread; takes milliseconds a megabyte, so a worker is the place.
 *
 *	struct setter_out out;
 *
 *	if (setter_run(&(struct setter_in){p, n, policies, count, stop}, &out, err))
 *		return -1;
 *	if (out.changed)
 *		... out.text, out.changes
 *	... out.reports
 *	setter_out_clear(&out);
 */
#ifndef SETTER_SETTER_H
#define SETTER_SETTER_H
#include "base/buf.h"
#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct setter_policy {
	const char *ns, *name;
	const char *image, *tag, *digest; /* of its latestRef; digest may be NULL or "" */
	bool foreign; /* it is there, and another's to write: nothing is set, and nothing is told */
};

/* Of what a change is: members of the document's root, or of the item of a List. "" where there is
   none. */
struct setter_object {
	char *api_version, *kind, *name, *ns;
};

struct setter_change {
	struct setter_object object;
	char *old_text, *new_text;
	char *setter; /* as the marker has it: "apps:web:tag" */
	unsigned long line; /* of the scalar, 1-based, before any change */
};

enum setter_report_kind {
	SETTER_NOT_PARSED, /* the whole text is left alone */
	SETTER_NOT_PROVEN, /* likewise */
	SETTER_TOO_LARGE, /* likewise: a limit */
	SETTER_NO_POLICY, /* a marker of `ns` names none of those that are given */
	SETTER_BAD_POLICY, /* ... or one without a choice, or whose text is not written anywhere */
	SETTER_BAD_MARKER, /* a comment that nearly is one */
	SETTER_BAD_PLACE, /* a marker where nothing can be set */
	SETTER_KEY_TWICE, /* what was set stands twice in its mapping */
};

struct setter_report {
	enum setter_report_kind kind;
	unsigned long line; /* 1-based, of the text that was given */
	char *what; /* for a message, without the line: "no policy 'apps:web' in ..." */
};

struct setter_in {
	const char *text;
	size_t len;
	const struct setter_policy *policies; /* sorted by ns, then by name, in byte order */
	size_t n;
	const atomic_bool *stop; /* NULL: it is not asked */
	/* Markers of other namespaces are somebody else's, and nothing is told of them; NULL: there
	   are no others. */
	const char *ns;
};

struct setter_out {
	bool changed;
	struct buf text; /* when changed: all of it */
	struct setter_change *changes; /* in the order of the text */
	size_t n_changes;
	struct setter_report *reports; /* by line */
	size_t n_reports; /* LIMIT_SETTER_REPORTS at most; the rest is counted */
	size_t reports_left; /* that many more there were */
	/* There are markers, wherever they stand: of ours, whether they name a policy or not; and
	   of somebody else. */
	bool has_own, has_foreign;
};

/* 0, and *out is the caller's; what is wrong with the text is in its reports. -1 (ERR_CANCELED)
   when *stop was set: nothing to clear. */
int setter_run(const struct setter_in *in, struct setter_out *out, struct err *err) must_check;
void setter_out_clear(struct setter_out *out);

/* Is it a file that is looked at? name: without its folder. */
bool setter_wants_file(const char *name);
/* May there be a marker in it? Whatever it says no to needs no setter_run. */
bool setter_may_have(const char *text, size_t len);

#endif
