/*
 * What an automation changes in a commit's files, as two jobs on a worker. The first walks the
 * names below the update's path and says which files are looked at, and which of their bytes are
 * not here yet; the second reads these one after the other and runs the setters (setter/setter.h)
 * over those that may have a marker. Only texts that change are kept.
 *
 * One struct edit goes through both: it is lent to the job, and taken back when the op is done.
 *
 *	struct edit *e = edit_new(objects, &commit, path);
 *	edit_policy(e, ...);
 *	op = edit_list_start(loop, owner, e);      ... edit_take(op): e->files, e->missing
 *	op = edit_run_start(loop, owner, e);       ... edit_take(op): e->changed, e->reports
 *	edit_free(e);
 */
#ifndef IMAGEUPDATEAUTOMATION_EDIT_H
#define IMAGEUPDATEAUTOMATION_EDIT_H
#include "base/buf.h"
#include "base/vec.h"
#include "git/oid.h"
#include "setter/setter.h"

#include <stddef.h>
#include <stdint.h>

struct gitc_objects;
struct loop;
struct op;

struct edit_file {
	char *path; /* from the root */
	struct gitc_oid oid;
};

struct edit_changed {
	char *path;
	struct setter_out out; /* its text, what was changed in it */
};

struct edit_report {
	char *path;
	unsigned line; /* 0: of the file as a whole */
	char *what;
};

struct edit {
	struct gitc_objects *objects; /* a reference */
	struct gitc_oid commit;
	char *path; /* of the update; "" is all */
	char *ns; /* whose policies they are; NULL: there are no other namespaces */
	/* Sorted by the second job; the texts are its own. */
	struct {
		struct setter_policy *p;
		size_t len, cap;
	} policies;

	struct {
		struct edit_file *p;
		size_t len, cap;
	} files; /* in the order of Go's filepath.Walk */
	struct {
		struct gitc_oid *p;
		size_t len, cap;
	} missing; /* blobs that are not in the set */

	struct {
		struct edit_changed *p;
		size_t len, cap;
	} changed;
	uint64_t changed_bytes;
	/* What could not be done: LIMIT_AUTOMATION_REPORTS at most, the others are counted. */
	struct {
		struct edit_report *p;
		size_t len, cap;
	} reports;
	size_t reports_left;
	/* There are markers; see setter/setter.h. */
	bool has_own, has_foreign;

	/* What may still come: bytes of paths, of files that are read, of those whose markers are
	   looked for; and for how long the second job may run. edit_new sets them. */
	uint64_t entries; /* files and folders of any kind, that may be looked at */
	uint64_t paths_left, read_left, scan_left, time_ms;
};

struct edit *edit_new(
	struct gitc_objects *objects, const struct gitc_oid *commit, const char *path);
void edit_free(struct edit *e); /* NULL is fine */
/* The texts are copied; image "" is no choice yet, digest "" is none. */
void edit_policy(struct edit *e, const char *ns, const char *name, const char *image,
	const char *tag, const char *digest);
/* It is there, and another's to write. */
void edit_foreign(struct edit *e, const char *ns, const char *name);
/* The length of the folder in front of a file's path as templates have it. */
size_t edit_prefix(const struct edit *e);

struct op *edit_list_start(struct loop *l, const char *owner, struct edit *e);
struct op *edit_run_start(struct loop *l, const char *owner, struct edit *e);
/* After a failure too. */
struct edit *edit_take(struct op *op);

#endif
