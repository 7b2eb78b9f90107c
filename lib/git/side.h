/*
 * Bands of an answer (gitprotocol-pack "Packfile Data"): the first byte of a line says whether the
 * rest is data, what the server says of how far it is, or why it ends. Inside lib/git only; any
 * thread, one at a time.
 */
#ifndef GIT_SIDE_H
#define GIT_SIDE_H
#include "git/pkt.h"

#include <stdint.h>

struct gitc_side {
	uint64_t progress; /* bytes of band 2 */
	struct buf said; /* the last of them that are whole lines, printable */
};

void gitc_side_init(struct gitc_side *s);
void gitc_side_clear(struct gitc_side *s);
/* 1: pkt is data, without its band now. 0: it was progress, and is taken. -1: the server gives up
   (its words), there is no such band, or too much progress. */
int gitc_side_read(struct gitc_side *s, struct gitc_pkt *pkt, struct err *err) must_check;

#endif
