/*
 * Which manifest does a reference mean now? Digest before semver before tag before `latest`, as in
 * an OCIRepository's spec.ref. digest: no request. tag: one HEAD (a HEAD that the registry refuses
 * falls back to GET). semver: the tag list, then one HEAD. A tag with a digest behind it
 * (`1.0.0@sha256:...`, as Renovate writes it) is that digest, without a request; the tag is kept
 * for the revision. Loop thread.
 *
 * A list of tags may lack some: pages race with a push, a mirror lags. So a choice never falls
 * behind the one before because of a list alone. Where the list lacks the current tag, and range
 * and filter let it through, the tag itself is asked for, by the same route: behind a mirror that
 * does not have it the registry has its say, where the rules allow that. It is there: it stays the
 * choice. The registry itself says that it is not (oci_says_unknown): it stays for the first time,
 * and gives way to what the list has when the caller knows of such an answer before
 * (current_missed). Any other failure is one of the op.
 *
 *	struct op *op = oci_resolve_start(
 *		client, &(struct oci_resolve_req){.target = {&repo, id, 60000}, .tag = "1.0.0"});
 *	... when done, op->err.kind == ERR_NONE: oci_resolve_result(op)->revision
 */
#ifndef OCI_RESOLVE_H
#define OCI_RESOLVE_H
#include "oci/tags.h"
#include "oci/target.h"

#include <stdint.h>

struct oci_client;
struct op;

/* Everything is copied; NULL and "" are the same. */
struct oci_resolve_req {
	struct oci_target target;
	const char *digest, *semver, *semver_filter, *tag;
	/* spec.layerSelector.mediaType. A Helm chart's version has '+' where its tag has '_': a tag
	   that is given with '+' is asked for with '_'. */
	const char *layer_type;
	const char *owner; /* of jobs on workers (ev/work.h): a namespace */
	const char *current; /* with semver: the revision that was chosen before */
	bool current_missed; /* its tag was found gone already, some time ago */
	/* With semver: of each tag (tags.h). May be NULL. */
	int (*each)(void *arg, const char *tag, enum oci_tag_verdict verdict, struct err *err);
	void *arg;
};

enum oci_resolve_stage {
	OCI_RESOLVE_TAGS, /* filter, range, tag list: Flux's reason is ReadOperationFailed */
	OCI_RESOLVE_DIGEST, /* finding the manifest digest: OCIArtifactPullFailed */
};

/* What became of the tag that was chosen before. */
enum oci_current {
	OCI_CURRENT_LISTED, /* nothing speaks against the list */
	OCI_CURRENT_STAYS, /* the list lacks it, but it is there: it is the choice */
	OCI_CURRENT_MISSED, /* gone, for the first time: it is the choice, as it was */
	OCI_CURRENT_GONE, /* and that is confirmed: the list counts; also after a failure */
};

struct oci_resolved {
	enum oci_resolve_stage stage; /* reached; where it failed */
	char tag[OCI_TAG_MAX + 1]; /* "" when pinned by digest */
	struct digest digest; /* of the manifest (or index) */
	char revision[OCI_REVISION_MAX]; /* "tag@sha256:...", or the bare digest */
	struct oci_tags_result
		tags; /* with semver; STAYS: with the current tag, as the choice is */
	enum oci_current current;
};

struct op *oci_resolve_start(struct oci_client *c, const struct oci_resolve_req *req);
/* Borrowed from the op; also after a failure. */
const struct oci_resolved *oci_resolve_result(const struct op *op);

#endif
