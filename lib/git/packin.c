#include "git/packin.h"

#include "base/limits.h"
#include "git/gitc.h"

#include <string.h>

/* ---- the question ---------------------------------------------------------------------------- */

static bool leaves_out(const struct gitc_packin_ask *ask)
{
	return ask->caps->filter && (ask->no_blobs || ask->no_trees);
}

static void ask_bounds(struct buf *out, const struct gitc_packin_ask *ask)
{
	if (ask->depth && ask->caps->shallow)
		gitc_pkt_addf(out, "deepen %u\n", ask->depth);
	if (leaves_out(ask))
		gitc_pkt_addf(out, "filter %s\n", ask->no_trees ? "tree:0" : "blob:none");
}

static void ask_v2(struct buf *out, const struct gitc_packin_ask *ask)
{
	char hex[GITC_OID_HEX];
	size_t i;

	gitc_pkt_addf(out, "command=fetch");
	if (ask->caps->agent)
		gitc_pkt_addf(out, "agent=%s", ask->agent);
	if (ask->caps->object_format)
		gitc_pkt_addf(out, "object-format=sha1");
	gitc_pkt_add_delim(out);
	gitc_pkt_addf(out, "no-progress\n");
	gitc_pkt_addf(out, "ofs-delta\n");
	/* Without thin-pack a server does not look at the files of a commit that is no parent. */
	if (ask->have) {
		gitc_pkt_addf(out, "thin-pack\n");
		gitc_pkt_addf(out, "shallow %s\n", gitc_oid_format(ask->have, hex));
	}
	ask_bounds(out, ask);
	for (i = 0; i < ask->n_want; i++)
		gitc_pkt_addf(out, "want %s\n", gitc_oid_format(&ask->want[i], hex));
	if (ask->have)
		gitc_pkt_addf(out, "have %s\n", gitc_oid_format(ask->have, hex));
	gitc_pkt_addf(out, "done\n");
	gitc_pkt_add_flush(out);
}

/* What is sent of what it can. Some servers (Azure) want multi_ack, though nothing is ever
   acknowledged here. */
static void add_caps(struct buf *out, const struct gitc_packin_ask *ask)
{
	const struct gitc_caps *c = ask->caps;

	if (c->multi_ack_detailed)
		buf_adds(out, " multi_ack_detailed");
	else if (c->multi_ack)
		buf_adds(out, " multi_ack");
	if (c->band_64k)
		buf_adds(out, " side-band-64k");
	else if (c->band)
		buf_adds(out, " side-band");
	if (c->ofs_delta)
		buf_adds(out, " ofs-delta");
	if (c->no_progress)
		buf_adds(out, " no-progress");
	if (c->shallow && ask->depth)
		buf_adds(out, " shallow");
	if (leaves_out(ask))
		buf_adds(out, " filter");
	if (c->object_format)
		buf_adds(out, " object-format=sha1");
	if (c->agent)
		buf_addf(out, " agent=%s", ask->agent);
}

static void ask_v0(struct buf *out, const struct gitc_packin_ask *ask)
{
	auto_buf struct buf caps = BUF_INIT(LIMIT_GIT_CAPABILITIES);
	char hex[GITC_OID_HEX];
	size_t i;

	add_caps(&caps, ask);
	for (i = 0; i < ask->n_want; i++)
		gitc_pkt_addf(out, "want %s%s\n", gitc_oid_format(&ask->want[i], hex),
			i ? "" : buf_str(&caps));
	ask_bounds(out, ask);
	gitc_pkt_add_flush(out);
	gitc_pkt_addf(out, "done\n");
}

void gitc_packin_question(struct buf *out, const struct gitc_packin_ask *ask)
{
	if (ask->caps->version == 2)
		ask_v2(out, ask);
	else
		ask_v0(out, ask);
}

/* ---- the answer ------------------------------------------------------------------------------ */

void gitc_packin_init(struct gitc_packin *in, const struct gitc_packin_ask *ask)
{
	const struct gitc_caps *c = ask->caps;

	*in = (struct gitc_packin){.v2 = c->version == 2, .at = GITC_PACKIN_ACKS};
	in->bands = in->v2 || c->band || c->band_64k;
	if (in->v2)
		in->at = GITC_PACKIN_SECTION;
	else if (ask->depth && c->shallow)
		in->at = GITC_PACKIN_SHALLOWS;
	gitc_pkt_reader_init(&in->reader);
	gitc_side_init(&in->side);
}

void gitc_packin_clear(struct gitc_packin *in)
{
	gitc_pkt_reader_clear(&in->reader);
	gitc_side_clear(&in->side);
}

static int refuse(struct err *err, const char *why)
{
	return err_code(err, ERR_RETRY, GITC_PROTOCOL, "the server's answer to a fetch %s", why);
}

static int read_section(struct gitc_packin *in, const struct gitc_pkt *pkt, struct err *err)
{
	if (gitc_pkt_is(pkt, "packfile"))
		in->at = GITC_PACKIN_BANDS;
	else if (gitc_pkt_is(pkt, "shallow-info"))
		in->at = GITC_PACKIN_SHALLOWS;
	else
		return refuse(err, "has a section that nobody asked for");
	return 0;
}

static int read_shallow(struct gitc_packin *in, const struct gitc_pkt *pkt, struct err *err)
{
	struct gitc_pkt rest;

	if (pkt->kind == (in->v2 ? GITC_PKT_DELIM : GITC_PKT_FLUSH)) {
		in->at = in->v2 ? GITC_PACKIN_SECTION : GITC_PACKIN_ACKS;
		return 0;
	}
	if (gitc_pkt_begins(pkt, "shallow ", &rest) || gitc_pkt_begins(pkt, "unshallow ", &rest))
		return 0;
	return refuse(err, "has a malformed list of shallow commits");
}

/* Nothing can be in common, so it is one NAK. */
static int read_ack(struct gitc_packin *in, const struct gitc_pkt *pkt, struct err *err)
{
	if (!gitc_pkt_is(pkt, "NAK"))
		return refuse(err, "begins with no NAK");
	in->at = in->bands ? GITC_PACKIN_BANDS : GITC_PACKIN_RAW;
	return 0;
}

static int read_band(struct gitc_packin *in, struct gitc_pkt *pkt, struct err *err)
{
	int rc;

	if (pkt->kind == GITC_PKT_FLUSH) {
		in->at = GITC_PACKIN_DONE;
		return 0;
	}
	if (pkt->kind != GITC_PKT_DATA)
		return refuse(err, "is malformed");
	rc = gitc_side_read(&in->side, pkt, err);
	if (rc <= 0 || !pkt->n) /* an empty line says that it lives still */
		return rc < 0 ? -1 : 0;
	return in->on_pack(in->arg, pkt->p, pkt->n, err);
}

static int read_line(struct gitc_packin *in, struct gitc_pkt *pkt, struct err *err)
{
	if (in->at == GITC_PACKIN_DONE)
		return refuse(err, "goes on behind its end");
	if (in->at == GITC_PACKIN_BANDS)
		return read_band(in, pkt, err);
	if (++in->lines > LIMIT_GIT_SHALLOWS)
		return refuse(err, "has no pack, but ever more lines before one");
	gitc_pkt_chomp(pkt);
	if (gitc_pkt_check_error(pkt, err))
		return -1;
	switch (in->at) {
	case GITC_PACKIN_SECTION:
		return read_section(in, pkt, err);
	case GITC_PACKIN_SHALLOWS:
		return read_shallow(in, pkt, err);
	default:
		return read_ack(in, pkt, err);
	}
}

int gitc_packin_feed(struct gitc_packin *in, const char *p, size_t n, struct err *err)
{
	struct gitc_pkt pkt;
	int rc = 0;

	while (in->at != GITC_PACKIN_RAW &&
		(rc = gitc_pkt_next(&in->reader, &p, &n, &pkt, err)) > 0)
		if (read_line(in, &pkt, err))
			return -1;
	if (rc < 0 || (in->at == GITC_PACKIN_RAW && n && in->on_pack(in->arg, p, n, err)))
		return -1;
	return in->at == GITC_PACKIN_DONE && gitc_pkt_at_start(&in->reader);
}

int gitc_packin_end(const struct gitc_packin *in, struct err *err)
{
	if (in->at == GITC_PACKIN_RAW ||
		(in->at == GITC_PACKIN_DONE && gitc_pkt_at_start(&in->reader)))
		return 0;
	return refuse(err, "ends too early");
}
