#include "git/lsrefs.h"

#include "git/gitc.h"
#include "git/reflist.h"

#include <string.h>

void gitc_lsrefs_ask(struct buf *out, const struct gitc_caps *caps, const char *agent,
	const char *const *prefixes)
{
	size_t i;

	gitc_pkt_addf(out, "command=ls-refs\n");
	if (caps->agent)
		gitc_pkt_addf(out, "agent=%s\n", agent);
	if (caps->object_format)
		gitc_pkt_addf(out, "object-format=sha1\n");
	gitc_pkt_add_delim(out);
	gitc_pkt_addf(out, "peel\n");
	gitc_pkt_addf(out, "symrefs\n");
	if (caps->unborn)
		gitc_pkt_addf(out, "unborn\n");
	if (prefixes)
		gitc_pkt_addf(out, "ref-prefix HEAD\n");
	for (i = 0; prefixes && prefixes[i]; i++)
		gitc_pkt_addf(out, "ref-prefix %s\n", prefixes[i]);
	gitc_pkt_add_flush(out);
}

void gitc_lsrefs_init(struct gitc_lsrefs *l, struct gitc_reflist *refs)
{
	*l = (struct gitc_lsrefs){.refs = refs};
	gitc_pkt_reader_init(&l->reader);
}

void gitc_lsrefs_clear(struct gitc_lsrefs *l)
{
	gitc_pkt_reader_clear(&l->reader);
}

static int refuse(struct err *err)
{
	return err_code(err, ERR_RETRY, GITC_PROTOCOL,
		"a line of the server's list of refs is "
		"malformed");
}

/* The next word of what is left. False: there is none. */
static bool next_word(struct gitc_pkt *rest, struct gitc_pkt *word)
{
	const char *end = rest->n ? memchr(rest->p, ' ', rest->n) : NULL;
	size_t n = end ? (size_t)(end - rest->p) : rest->n;

	*word = (struct gitc_pkt){GITC_PKT_DATA, rest->p, n};
	rest->p += end ? n + 1 : n;
	rest->n -= end ? n + 1 : n;
	return n > 0;
}

/* "OID NAME symref-target:NAME peeled:OID", "unborn HEAD symref-target:NAME". */
static int read_line(struct gitc_lsrefs *l, struct gitc_pkt rest, struct err *err)
{
	struct gitc_pkt what, name, word, value;
	struct gitc_oid oid, peeled;
	bool unborn, has_peeled = false;

	if (!next_word(&rest, &what) || !next_word(&rest, &name))
		return refuse(err);
	unborn = gitc_pkt_is(&what, "unborn");
	if (!unborn && !gitc_oid_parse(&oid, what.p, what.n))
		return refuse(err);
	while (next_word(&rest, &word)) {
		if (gitc_pkt_begins(&word, "symref-target:", &value)) {
			if (gitc_pkt_is(&name, "HEAD"))
				gitc_reflist_head_target(l->refs, value.p, value.n);
		} else if (gitc_pkt_begins(&word, "peeled:", &value)) {
			if (!gitc_oid_parse(&peeled, value.p, value.n))
				return refuse(err);
			has_peeled = true;
		}
	}
	if (unborn)
		return 0;
	return gitc_reflist_add(l->refs, name.p, name.n, &oid, has_peeled ? &peeled : NULL, err);
}

int gitc_lsrefs_feed(struct gitc_lsrefs *l, const char *p, size_t n, struct err *err)
{
	struct gitc_pkt pkt;
	int rc;

	while ((rc = gitc_pkt_next(&l->reader, &p, &n, &pkt, err)) > 0) {
		if (l->done)
			return refuse(err);
		if (pkt.kind == GITC_PKT_FLUSH) {
			l->done = true;
			continue;
		}
		gitc_pkt_chomp(&pkt);
		if (gitc_pkt_check_error(&pkt, err))
			return -1;
		if (pkt.kind != GITC_PKT_DATA)
			return refuse(err);
		if (read_line(l, pkt, err))
			return -1;
	}
	if (rc < 0)
		return -1;
	return gitc_lsrefs_is_whole(l);
}

bool gitc_lsrefs_is_whole(const struct gitc_lsrefs *l)
{
	return l->done && gitc_pkt_at_start(&l->reader);
}
