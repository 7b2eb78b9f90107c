/*
 * The answer to a push (gitprotocol-pack "Report Status"): of the pack as a whole, and of each ref.
 * A server that leaves one out, names others or contradicts itself has not said what became of the
 * push. Inside lib/git only; any thread, one at a time.
 */
#ifndef GIT_REPORT_H
#define GIT_REPORT_H
#include "git/push.h"
#include "git/side.h"

struct gitc_report {
	struct gitc_pushed *updates; /* what was asked for; borrowed, filled */
	size_t n;
	bool bands;
	struct gitc_pkt_reader outer, inner; /* of the bands, and in band 1 */
	struct gitc_side side;
	bool unpack_said, unpack_ok, done;
	char *unpack_why;
	size_t heard; /* of the updates */
	bool *is_heard; /* one each */
	bool raced;
};

void gitc_report_init(struct gitc_report *r, struct gitc_pushed *updates, size_t n, bool bands);
void gitc_report_clear(struct gitc_report *r);
/* 1: it is whole, 0: more has to come, -1. */
int gitc_report_feed(struct gitc_report *r, const char *p, size_t n, struct err *err) must_check;
/* No more bytes come. -1: the pack was refused as a whole (another code), or nobody knows
   (GITC_PUSH_UNKNOWN). */
int gitc_report_end(struct gitc_report *r, struct err *err) must_check;

#endif
