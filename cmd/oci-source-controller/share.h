/*
 * Who may have how many of the process's descriptors. Clients of the servers are strangers, and so
 * are registries: none of them may take what another part needs, so each has a share, and what is
 * over (at least a tenth) is for files of the store, listeners, threads and the log. Everything is
 * derived from the limit of descriptors, here and nowhere else.
 *
 *	struct share s = share_of(sys_raise_descriptors(LIMIT_DESCRIPTORS));
 */
#ifndef CMD_SHARE_H
#define CMD_SHARE_H
#include <stdint.h>

/* Connections, unless the name says otherwise. */
struct share {
	unsigned descriptors; /* what there is */
	unsigned artifacts; /* each with the file that it sends: two descriptors */
	unsigned metrics, health;
	unsigned receivers; /* callers of webhooks */
	unsigned embedded; /* of the embedded API: the controller's own and those of others */
	unsigned kube; /* to the API server */
	unsigned registry; /* to all registries */
	unsigned notices; /* to notification-controller */
	unsigned peers; /* to the other replicas */
	unsigned others; /* descriptors that are nobody's share */
};

/* Any number gives shares that a program can start with; below 256 they are more than there is. */
struct share share_of(uint64_t descriptors);

#endif
