/*
 * One request while it goes (req.h): what its parts share. req.c sends it and judges the answers,
 * req_show.c finds what to show for it; nobody else includes this.
 */
#ifndef OCI_REQ_CALL_H
#define OCI_REQ_CALL_H
#include "base/secret.h"
#include "ev/task.h"
#include "ev/timer.h"
#include "http/client.h"
#include "http/guard.h"
#include "http/url.h"
#include "oci/again.h"
#include "oci/auth.h"
#include "oci/health.h"
#include "oci/identity.h"
#include "oci/internal.h"
#include "oci/pace.h"
#include "oci/req.h"

struct call {
	struct task task;
	struct oci_client *client;
	struct oci_host *host;
	struct oci_req req; /* pointers into the fields below */
	struct oci_target target;
	char *path, *what;
	struct http_hdr *hdrs;
	struct oci_pass pass;
	struct oci_pace_pass pace;
	struct timer deadline; /* of the whole call */
	uint64_t until_ms; /* on clock_ms(): the deadline, also when its timer is off */
	bool overdue;
	struct oci_again again;
	bool body_begun; /* the caller has some of the answer's body */
	uint64_t pause_ms; /* before it is asked again */
	bool plain; /* this attempt is over http */
	bool probing; /* the host's scheme is not known yet */
	bool sent_basic, sent_bearer;
	unsigned challenges, redirects;
	struct oci_challenge *challenge; /* of this call, or NULL */
	const struct oci_cred *cred; /* shown in this attempt; of the identity. NULL: none */
	struct secret login; /* what a login gave, where no credentials match */
	bool relogged; /* it was refused once */
	unsigned shown; /* so many credentials were refused */
	struct secret token; /* of this attempt */
	const struct secret *basic; /* of this attempt, when there is no token; NULL: nothing */
	struct url url; /* asked now */
	char *origin; /* scheme://host of the registry itself, of this attempt */
	bool asking; /* a request to `url` is on its way */
	bool away; /* redirected to another origin */
	struct http_hop hop; /* to `url` */
	struct http_hop named; /* to what the registry's last answer names */
	uint64_t uploaded;
	struct op *answer; /* the http op of the end; during a ping: that of the refusal */
	bool pinged;
};

/* ---- req_call.c */
/* Of the whole call; 0: it is over. */
uint64_t oci_call_time_left(const struct call *q);
/* What messages call the URL that is asked now. The path at another host is that one's business,
   and may hold a secret. */
void oci_call_show_url(const struct call *q, struct buf *out);
/* For http_req: arg is the call. */
int oci_call_on_connect(void *arg, const struct ip *ip, unsigned port, struct err *err);
/* Names what was asked for. */
enum step_ret oci_call_fail(struct call *q, const struct err *err);
/* The host that the registry redirected to says no: its words are not the registry's. */
enum step_ret oci_call_fail_elsewhere(struct call *q, const struct http_res *res);
void oci_call_count(struct call *q, int status);

/* ---- req_show.c: rows, and what comes of an answer that is a refusal */
enum step_ret oci_call_login_start(struct task *t);
enum step_ret oci_call_login_resume(struct task *t);
enum step_ret oci_call_token_start(struct task *t);
enum step_ret oci_call_token_resume(struct task *t);
enum step_ret oci_call_ping_start(struct task *t);
enum step_ret oci_call_ping_resume(struct task *t);
/* 401: learn how the registry wants to be asked, once, and ask again. */
enum step_ret oci_call_challenged(struct call *q, const struct http_res *res);
/* Another refusal of what was shown. True: something else is shown next, from the row "aim" on. */
bool oci_call_goes_on(struct call *q, const struct http_res *res);
/* Some registries refuse who shows nothing without a word of how they want to be asked, and say
   that at /v2/ only: the row "ping". A layer that a push looks for may just not be there yet. */
bool oci_call_hides_challenge(const struct call *q, const struct http_res *res);

#endif
