/* The advertisement of a Git service, of either version: whole or in pieces it says the same, and
   no ref comes out of it that has no name or no commit. The first byte is the size of the pieces;
   its highest bit says which service. */
#include "git/advert.h"

#include "base/limits.h"
#include "git/oid.h"
#include "git/reflist.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

struct read {
	int rc;
	struct gitc_caps caps;
	struct gitc_refs refs;
};

static void read_in(struct read *r, const char *p, size_t n, size_t piece, bool push)
{
	struct gitc_reflist list;
	struct gitc_advert a;
	struct err err = {0};
	size_t at, len;

	*r = (struct read){0};
	gitc_reflist_init(&list, NULL, true);
	gitc_advert_init(&a, push ? GITC_RECEIVE_PACK : GITC_UPLOAD_PACK, &list);
	for (at = 0; at < n && r->rc >= 0; at += len) {
		len = n - at < piece ? n - at : piece;
		r->rc = gitc_advert_feed(&a, p + at, len, &err);
	}
	if (r->rc >= 0)
		r->rc = gitc_advert_end(&a, &err);
	if (!r->rc)
		r->rc = gitc_reflist_finish(&list, &r->refs, &err);
	BUG_IF(r->rc && err.kind == ERR_NONE);
	r->caps = a.caps;
	gitc_advert_clear(&a);
	gitc_reflist_clear(&list);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct read whole, pieces;
	size_t i;

	if (!size)
		return 0;
	read_in(&whole, (const char *)data + 1, size - 1, size, data[0] >> 7);
	read_in(&pieces, (const char *)data + 1, size - 1, (data[0] & 127) + 1, data[0] >> 7);
	BUG_IF(whole.rc != pieces.rc || whole.refs.n != pieces.refs.n);
	BUG_IF(!whole.rc && memcmp(&whole.caps, &pieces.caps, sizeof(whole.caps)) != 0);
	for (i = 0; i < whole.refs.n; i++) {
		struct gitc_ref *r = &whole.refs.p[i];

		BUG_IF(!gitc_ref_name_ok(r->name, strlen(r->name)));
		BUG_IF(gitc_oid_is_zero(&r->oid));
		BUG_IF(gitc_refs_find(&whole.refs, r->name) != r);
	}
	gitc_refs_clear(&whole.refs);
	gitc_refs_clear(&pieces.refs);
	return 0;
}
