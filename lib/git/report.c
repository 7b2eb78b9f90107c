#include "git/report.h"

#include "base/mem.h"
#include "git/gitc.h"
#include "git/said.h"

#include <string.h>

#define WHY_MAX 400

void gitc_report_init(struct gitc_report *r, struct gitc_pushed *updates, size_t n, bool bands)
{
	*r = (struct gitc_report){.updates = updates, .n = n, .bands = bands};
	gitc_pkt_reader_init(&r->outer);
	gitc_pkt_reader_init(&r->inner);
	gitc_side_init(&r->side);
	r->is_heard = mem_zalloc(n * sizeof(*r->is_heard));
}

void gitc_report_clear(struct gitc_report *r)
{
	gitc_pkt_reader_clear(&r->outer);
	gitc_pkt_reader_clear(&r->inner);
	gitc_side_clear(&r->side);
	free(r->unpack_why);
	free(r->is_heard);
	r->unpack_why = NULL;
	r->is_heard = NULL;
}

static int refuse(struct err *err, const char *why)
{
	return err_code(err, ERR_RETRY, GITC_PROTOCOL, "the server's report of the push %s", why);
}

static char *words(const char *p, size_t n)
{
	struct buf b = BUF_INIT(WHY_MAX);

	gitc_said_add(&b, p, n);
	return buf_take(&b);
}

/* "cannot lock ref 'refs/heads/main': is at HASH but expected HASH": so say git before it had a word
   of its own for it, and GitHub. What else keeps a ref from being locked will keep it again. */
static bool is_lost_lock(const char *why)
{
	static const char lock[] = "cannot lock ref '";
	static const char *const known[] = {"is at ", "unable to resolve reference ",
		"reference already exists", "Unable to create '"};
	const char *rest = strncmp(why, lock, strlen(lock)) ? NULL : strstr(why, "': ");
	size_t i;

	for (i = 0; rest && i < ARRAY_LEN(known); i++)
		if (!strncmp(rest + strlen("': "), known[i], strlen(known[i])))
			return true;
	return false;
}

/* Somebody else was there first, in the words of git, GitHub, GitLab, Gitea and JGit, and in these
   alone: a hook's reason may say anything (gitprotocol-pack "Report Status", proc-receive), and it
   would say it again. "failed to update ref" is also what a broken disk is called: whoever tries
   again sees. */
static bool is_race(const char *why)
{
	static const char *const known[] = {"fetch first", "non-fast-forward", "non-fast forward",
		"stale info", "failed to update ref", "incorrect old value provided",
		"failed to lock", "reference already exists", "lock error", "lock failure",
		"needs update", "not a fast-forward", "not fast forward"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(known); i++)
		if (!strcasecmp(why, known[i]))
			return true;
	return is_lost_lock(why);
}

/* "ok NAME", "ng NAME WHY". */
static int read_ref(struct gitc_report *r, const struct gitc_pkt *rest, bool ok, struct err *err)
{
	const char *end = ok ? NULL : memchr(rest->p, ' ', rest->n);
	size_t n = end ? (size_t)(end - rest->p) : rest->n, i;
	struct gitc_pushed *u;

	for (i = 0; i < r->n; i++)
		if (strlen(r->updates[i].name) == n && !memcmp(r->updates[i].name, rest->p, n))
			break;
	if (i == r->n)
		return refuse(err, "names a ref that was not pushed");
	if (r->is_heard[i])
		return refuse(err, "names a ref twice");
	r->is_heard[i] = true;
	r->heard++;
	u = &r->updates[i];
	u->ok = ok;
	if (ok)
		return 0;
	free(u->why);
	u->why = end ? words(end + 1, rest->n - n - 1) : mem_strdup("no reason given");
	r->raced |= is_race(u->why);
	return 0;
}

static int read_line(struct gitc_report *r, struct gitc_pkt *pkt, struct err *err)
{
	struct gitc_pkt rest;

	if (r->done)
		return refuse(err, "goes on behind its end");
	if (pkt->kind == GITC_PKT_FLUSH) {
		r->done = true;
		return 0;
	}
	gitc_pkt_chomp(pkt);
	if (gitc_pkt_check_error(pkt, err))
		return -1;
	if (!r->unpack_said) {
		if (!gitc_pkt_begins(pkt, "unpack ", &rest))
			return refuse(err, "does not begin with the pack");
		r->unpack_said = true;
		r->unpack_ok = gitc_pkt_is(&rest, "ok");
		if (!r->unpack_ok)
			r->unpack_why = words(rest.p, rest.n);
		return 0;
	}
	if (gitc_pkt_begins(pkt, "ok ", &rest))
		return read_ref(r, &rest, true, err);
	if (gitc_pkt_begins(pkt, "ng ", &rest))
		return read_ref(r, &rest, false, err);
	return refuse(err, "has a malformed line");
}

static int feed_inner(struct gitc_report *r, const char *p, size_t n, struct err *err)
{
	struct gitc_pkt pkt;
	int rc;

	while ((rc = gitc_pkt_next(&r->inner, &p, &n, &pkt, err)) > 0)
		if (read_line(r, &pkt, err))
			return -1;
	return rc;
}

/* 1: the bands are at their end. */
static int read_band(struct gitc_report *r, struct gitc_pkt *pkt, struct err *err)
{
	int rc;

	if (pkt->kind == GITC_PKT_FLUSH)
		return 1;
	if (pkt->kind != GITC_PKT_DATA)
		return refuse(err, "is malformed");
	rc = gitc_side_read(&r->side, pkt, err);
	if (rc <= 0)
		return rc;
	return feed_inner(r, pkt->p, pkt->n, err);
}

int gitc_report_feed(struct gitc_report *r, const char *p, size_t n, struct err *err)
{
	struct gitc_pkt pkt;
	int rc, end = 0;

	if (!r->bands)
		return feed_inner(r, p, n, err) ? -1 : r->done && gitc_pkt_at_start(&r->inner);
	while ((rc = gitc_pkt_next(&r->outer, &p, &n, &pkt, err)) > 0) {
		if (end)
			return refuse(err, "goes on behind its end");
		end = read_band(r, &pkt, err);
		if (end < 0)
			return -1;
	}
	return rc < 0 ? -1 : end && gitc_pkt_at_start(&r->outer);
}

int gitc_report_end(struct gitc_report *r, struct err *err)
{
	size_t i;

	if (r->unpack_said && !r->unpack_ok)
		return err_code(err, ERR_RETRY, GITC_BAD_PACK,
			"the server does not take the pack: %s", r->unpack_why);
	if (!r->unpack_said || !r->done || r->heard != r->n) {
		for (i = 0; i < r->n && r->unpack_said; i++)
			if (!r->is_heard[i])
				return err_code(err, ERR_RETRY, GITC_PUSH_UNKNOWN,
					"the server does not say what became of '%.200s'",
					r->updates[i].name);
		return err_code(err, ERR_RETRY, GITC_PUSH_UNKNOWN,
			"the server does not say what became of the push");
	}
	return 0;
}
