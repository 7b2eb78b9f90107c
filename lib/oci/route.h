/*
 * Whom to ask for a repository: its mirrors one after the other, as the rules say, then the
 * registry itself, or not. For the files of lib/oci that read; what is pushed goes to the registry.
 *
 * A mirror that fails in whatever way (no answer, a status that is no success, bytes of another
 * digest) is left for the next one: oci_route_next. Whoever asks begins again there with what it
 * had, and stays there for what it asks next. Content is checked by its digest wherever it comes
 * from; what a tag means and which tags there are is what the first that answers says.
 *
 * Where the target is patient only the first question is: who has been let through goes on, and who
 * is put off leaves no mirror for that.
 *
 * A mirror that others stand behind has half of the time that a question has left, and
 * LIMIT_MIRROR_CONNECT_MS to take the connection. It never sees an object's client certificate, nor
 * its proxy; of the credentials those for its own host only (target.h).
 *
 * Loop thread. In the op that asks:
 *
 *	oci_route_init(&r->route, client, &req->target);
 *	op = oci_route_ask(&r->route, &(struct oci_req){...});   with the route's target
 *	... it failed with err: if (oci_route_next(&r->route, task_log(t), &err)) begin again,
 *		else it fails with err, which says of each mirror why it did not help
 *	oci_route_clear(&r->route);
 */
#ifndef OCI_ROUTE_H
#define OCI_ROUTE_H
#include "base/buf.h"
#include "base/vec.h"
#include "oci/req.h"
#include "oci/target.h"

#include <stdbool.h>
#include <stdint.h>

struct log_ctx;
struct oci_client;

struct http_hop_to {
	struct oci_repo repo;
	struct oci_mirror *mirror; /* NULL: the registry itself */
};

struct oci_route {
	struct oci_client *client;
	struct oci_target target; /* of who asked */
	VEC(struct http_hop_to) hops;
	size_t at;
	struct buf told; /* why the mirrors before this one did not help */
	uint64_t since_ms; /* on clock_ms(): when the question was asked first */
	bool going_on; /* of the same question */
	bool waits; /* the question that is on its way may be put off */
};

void oci_route_init(struct oci_route *r, struct oci_client *c, const struct oci_target *target);
void oci_route_clear(struct oci_route *r); /* zeroes are fine */
/* req->target is not looked at. */
struct op *oci_route_ask(struct oci_route *r, const struct oci_req *req);
/* The same for what the tag means: shared with all who ask for it (head.h). */
struct op *oci_route_ask_tag(struct oci_route *r, const char *tag);
/* Whom it asks now, with the time that is left; borrowed from the route. */
struct oci_target oci_route_target(const struct oci_route *r);
/* The repository that is asked now, as it is called there. */
const struct oci_repo *oci_route_repo(const struct oci_route *r);
/* Is there somebody behind the one that is asked now? */
bool oci_route_has_next(const struct oci_route *r);
/* It failed so: goes on to the next. False: there is none, or it was cancelled. *err is the whole
   failure then: the mirrors that were asked stand in it, and what the user calls the repository. */
bool oci_route_next(struct oci_route *r, const struct log_ctx *log, struct err *err);
/* The same, when it sent something else than what its name says. */
bool oci_route_lied(struct oci_route *r, const struct log_ctx *log, struct err *err);

#endif
