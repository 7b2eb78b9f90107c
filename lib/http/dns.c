#include "http/dns.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/lru.h"
#include "base/mem.h"
#include "base/vec.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "ev/poll.h"
#include "ev/timer.h"
#include "http/url.h"

#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define GOOD_MIN_MS 5000
#define GOOD_MAX_MS 60000
#define BAD_MS 5000
#define STALE_MS (5 * 60000)
#define PATIENCE_MS 1000 /* before an old answer will do, and before a lookup may lose its place */
/* c-ares doubles it with each try: 13.5 s with three name servers. A name of which one type is
   answered and the other not is found then. */
#define QUERY_MS 1500
#define QUERY_TRIES 2

static const char no_such_name[] = "no such name";
static const char no_reply[] = "the name servers do not answer";
static const char no_use[] = "the name servers gave no usable answer";

struct addresses {
	struct ip at[LIMIT_ADDRESSES];
	size_t n;
};

struct name {
	struct lru_item item;
	struct dns *dns;
	struct ip *at; /* the last good answer; NULL: none */
	size_t n;
	uint64_t good_until, stale_until, bad_until; /* on clock_ms() */
	const char *why; /* with bad_until */
	struct list waits; /* of struct wait */
	struct flight *flight;
	struct list queued; /* in the line for a place */
	uint64_t asked_ms;
	struct timer timer; /* PATIENCE_MS, then the end */
};

struct wait {
	struct op op;
	struct list link; /* in the waits of its name */
	struct ip *at;
	struct dns_answer answer;
};

struct sock {
	struct flight *flight;
	int fd;
	struct poll *poll;
	struct sock *next;
};

/* One lookup on its way. */
struct flight {
	struct name *name;
	ares_channel channel;
	struct sock *socks;
	struct timer timer; /* what c-ares wants to be woken for */
	struct defer end; /* the channel must not go inside its own callback */
	struct list link; /* in the flights, oldest first */
	uint64_t began_ms;
	bool answered;
	bool absolute; /* the search list is done with */
	const char *why; /* NULL: success */
	struct addresses got;
	int ttl_s;
};

struct dns {
	struct loop *loop;
	struct dns_opts opts; /* its text is ours */
	struct lru names;
	struct list flights; /* of struct flight, oldest first */
	unsigned flying;
	struct list line; /* of struct name: who waits for a place */
	struct timer turn;
	struct dns_stats stats;
	bool closing;
};

/* ---- those who wait -------------------------------------------------------------------------- */

static void dns_wait_answer(struct wait *w, const struct ip *at, size_t n)
{
	w->at = mem_dup(at, n * sizeof(*at));
	w->answer = (struct dns_answer){w->at, n};
	op_finish(&w->op);
}

static void dns_wait_fail(struct wait *w, const char *why)
{
	struct err err = {0};

	err_code(&err, ERR_RETRY, -EHOSTUNREACH, "%s", why);
	op_end(&w->op, &err);
}

static bool name_has_stale(const struct name *n)
{
	return n->at && clock_ms() < n->stale_until;
}

/* Everybody gets what there is: a good answer, an old one, or the reason. */
static void name_serve(struct name *n, const char *why)
{
	bool some = name_has_stale(n);

	while (!list_empty(&n->waits)) {
		struct wait *w = CONTAINER_OF(list_first(&n->waits), struct wait, link);

		list_out(&w->link);
		if (some)
			dns_wait_answer(w, n->at, n->n);
		else
			dns_wait_fail(w, why);
	}
}

/* ---- one lookup ------------------------------------------------------------------------------ */

static void name_set_good(struct name *n, const struct addresses *got, int ttl_s)
{
	uint64_t ms = ttl_s > 0 ? (uint64_t)ttl_s * 1000 : 0;

	ms = ms < GOOD_MIN_MS ? GOOD_MIN_MS : ms > GOOD_MAX_MS ? GOOD_MAX_MS : ms;
	n->at = mem_array(n->at, got->n, sizeof(*n->at));
	memcpy(n->at, got->at, got->n * sizeof(*n->at));
	n->n = got->n;
	n->good_until = clock_ms() + ms;
	n->stale_until = n->good_until + STALE_MS;
	n->bad_until = 0;
}

static void name_set_bad(struct name *n, const char *why)
{
	n->dns->stats.failed++;
	n->why = why;
	n->bad_until = clock_ms() + BAD_MS;
	if (why == no_such_name)
		free(MOVE(n->at));
}

static void flight_free(struct flight *f)
{
	struct dns *d = f->name->dns;

	f->answered = true; /* what ares_destroy still calls back with is of no interest */
	if (f->channel)
		ares_destroy(f->channel);
	BUG_IF(f->socks);
	timer_cancel(&f->timer);
	defer_cancel(d->loop, &f->end);
	list_out(&f->link);
	d->flying--;
	f->name->flight = NULL;
	free(f);
}

/* The lookup of n is over, by its own end or because it was given up. */
static void name_settle(struct name *n, const char *why)
{
	struct flight *f = n->flight;

	list_out(&n->queued);
	timer_cancel(&n->timer);
	n->dns->stats.waiting--;
	if (why)
		name_set_bad(n, why);
	else
		name_set_good(n, &f->got, f->ttl_s);
	if (f)
		flight_free(f);
	name_serve(n, why);
}

static void dns_place(struct dns *d);

static void flight_over(void *arg)
{
	struct flight *f = arg;
	struct dns *d = f->name->dns;

	name_settle(f->name, f->why);
	dns_place(d);
}

static void flight_end(struct flight *f, const char *why)
{
	f->answered = true;
	f->why = why;
	defer_queue(f->name->dns->loop, &f->end, flight_over, f);
}

/* Has the kernel a way there? Nothing is sent. */
static bool is_reachable(const struct sockaddr *sa, socklen_t len)
{
	auto_fd int fd = socket(sa->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to = {0};

	if (fd < 0 || len > sizeof(to))
		return false;
	memcpy(&to, sa, len);
	/* A port of 0 would do for Linux; sin_port and sin6_port are at the same place. */
	to.v4.sin_port = htons(443);
	return !connect(fd, (const struct sockaddr *)&to, len);
}

static const struct ares_addrinfo_node *family_first(const struct ares_addrinfo *info, int family)
{
	const struct ares_addrinfo_node *a = info->nodes;

	while (a && a->ai_family != family)
		a = a->ai_next;
	return a;
}

/* The name server's own order within a family, and not too many of either. */
static void take_family(struct flight *f, const struct ares_addrinfo *info, int family, size_t most)
{
	const struct ares_addrinfo_node *a;

	for (a = family_first(info, family); a && f->got.n < most; a = a->ai_next) {
		if (a->ai_family != family ||
			ip_of_sockaddr(&f->got.at[f->got.n], NULL, a->ai_addr))
			continue;
		f->ttl_s = a->ai_ttl < f->ttl_s ? a->ai_ttl : f->ttl_s;
		f->got.n++;
	}
}

/* c-ares sorts too, but with a socket for each address, of which a stranger can name thousands. */
static void flight_take(struct flight *f, const struct ares_addrinfo *info)
{
	const struct ares_addrinfo_node *v6 = family_first(info, AF_INET6);
	const struct ares_addrinfo_cname *c;
	bool v6_first = v6 && is_reachable(v6->ai_addr, v6->ai_addrlen);

	f->ttl_s = GOOD_MAX_MS / 1000;
	for (c = info->cnames; c; c = c->next)
		f->ttl_s = c->ttl < f->ttl_s ? c->ttl : f->ttl_s;
	take_family(f, info, v6_first ? AF_INET6 : AF_INET, LIMIT_ADDRESSES / 2);
	take_family(f, info, v6_first ? AF_INET : AF_INET6, LIMIT_ADDRESSES);
}

static void flight_on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info);

static void flight_ask(struct flight *f)
{
	static const struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	auto_free char *name = mem_printf("%s%s", f->name->item.key, f->absolute ? "." : "");

	ares_getaddrinfo(f->channel, name, NULL, &hints, flight_on_answer, f);
}

static void flight_on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct flight *f = arg;
	bool none = status == ARES_ENOTFOUND || status == ARES_ENODATA;

	(void)timeouts;
	if (!f->answered) {
		if (status == ARES_SUCCESS && info)
			flight_take(f, info);
		if (f->got.n || none) {
			flight_end(f, none ? no_such_name : NULL);
		} else if (!f->absolute) {
			/* One search domain that fails ends c-ares' search; the name itself may be
			   well. */
			f->absolute = true;
			flight_ask(f);
		} else {
			flight_end(f, status == ARES_ETIMEOUT ? no_reply : no_use);
		}
	}
	if (info)
		ares_freeaddrinfo(info);
}

static void flight_process(struct flight *f, int readable, int writable)
{
	struct timeval tv;

	if (f->answered)
		return;
	ares_process_fd(f->channel, readable, writable);
	timer_cancel(&f->timer);
	if (!f->answered && ares_timeout(f->channel, NULL, &tv))
		timer_set(&f->timer, (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000 + 1);
}

static void flight_timer_due(void *arg)
{
	flight_process(arg, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void sock_ready(void *arg, int events)
{
	struct sock *s = arg;
	bool both = events & POLL_ERROR;

	flight_process(s->flight, both || events & POLL_READ ? s->fd : ARES_SOCKET_BAD,
		both || events & POLL_WRITE ? s->fd : ARES_SOCKET_BAD); /* may free s */
}

/* c-ares opens, uses and closes a socket; neither wish: it closes it now. */
static void sock_wanted(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct flight *f = arg;
	struct sock **at = &f->socks, *s;

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	s = *at;
	if (!readable && !writable) {
		if (!s)
			return;
		*at = s->next;
		poll_close(s->poll);
		free(s);
		return;
	}
	if (!s) {
		s = *at = NEW(struct sock);
		s->flight = f;
		s->fd = fd;
		s->poll = poll_new(f->name->dns->loop, fd, sock_ready, s);
	}
	poll_set(s->poll, (readable ? POLL_READ : 0) | (writable ? POLL_WRITE : 0));
}

static int open_channel(struct flight *f)
{
	static char files_first[] = "fb"; /* whatever nsswitch.conf says */
	const struct dns_opts *opts = &f->name->dns->opts;
	struct ares_options o = {
		.flags = ARES_FLAG_NOALIASES,
		.timeout = opts->query_ms ? (int)opts->query_ms : QUERY_MS,
		.tries = QUERY_TRIES,
		.lookups = files_first,
		.sock_state_cb = sock_wanted,
		.sock_state_cb_data = f,
		.resolvconf_path = (char *)(uintptr_t)opts->resolv_conf, /* only read */
		.udp_port = (unsigned short)opts->port,
		.tcp_port = (unsigned short)opts->port,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
		ARES_OPT_SOCK_STATE_CB;

	if (opts->resolv_conf)
		mask |= ARES_OPT_RESOLVCONF;
	if (opts->port)
		mask |= ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT;
#ifdef ARES_OPT_QUERY_CACHE
	mask |= ARES_OPT_QUERY_CACHE; /* for 0 s: the cache is ours */
#endif
	return ares_init_options(&f->channel, &o, mask);
}

static void flight_start(struct name *n)
{
	struct dns *d = n->dns;
	struct flight *f = NEW(struct flight);

	f->name = n;
	f->began_ms = clock_ms();
	timer_init_real(&f->timer, d->loop, flight_timer_due, f);
	list_add(&d->flights, &f->link);
	d->flying++;
	d->stats.lookups++;
	n->flight = f;
	if (open_channel(f)) {
		f->channel = NULL;
		flight_end(f, no_use);
		return;
	}
	flight_ask(f);
	flight_process(f, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* ---- places ---------------------------------------------------------------------------------- */

/* The oldest lookup that may be given up for another, or NULL. Whose answer is here already leaves
   by itself. */
static struct flight *dns_victim(const struct dns *d)
{
	uint64_t now = clock_ms();
	struct list *at;

	list_each (&d->flights, at) {
		struct flight *f = CONTAINER_OF(at, struct flight, link);
		bool patient = now - f->began_ms < PATIENCE_MS;

		if (!f->answered && (list_empty(&f->name->waits) || !patient))
			return f;
	}
	return NULL;
}

/* Starts who waits for a place while there are some. */
static void dns_place(struct dns *d)
{
	while (!list_empty(&d->line) && !d->closing) {
		struct name *n = CONTAINER_OF(list_first(&d->line), struct name, queued);

		if (d->flying >= LIMIT_LOOKUPS) {
			struct flight *f = dns_victim(d);

			if (!f) {
				timer_set(&d->turn, PATIENCE_MS / 10);
				return;
			}
			name_settle(f->name, no_reply);
			continue;
		}
		list_out(&n->queued);
		flight_start(n);
	}
}

static void dns_turn_due(void *arg)
{
	dns_place(arg);
}

static void name_due(void *arg)
{
	struct name *n = arg;
	struct dns *d = n->dns;
	uint64_t gone = clock_ms() - n->asked_ms;

	if (gone >= LIMIT_LOOKUP_MS) {
		name_settle(n, no_reply);
		dns_place(d);
		return;
	}
	if (name_has_stale(n))
		name_serve(n, NULL);
	timer_set(&n->timer, LIMIT_LOOKUP_MS - gone);
}

static bool name_is_wanted(const struct name *n)
{
	return n->flight || list_linked(&n->queued);
}

static void name_want(struct name *n)
{
	struct dns *d = n->dns;

	if (name_is_wanted(n))
		return;
	n->asked_ms = clock_ms();
	timer_set(&n->timer, name_has_stale(n) ? PATIENCE_MS : LIMIT_LOOKUP_MS);
	list_add(&d->line, &n->queued);
	d->stats.waiting++;
	dns_place(d);
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void dns_wait_cancel(struct op *op)
{
	struct wait *w = CONTAINER_OF(op, struct wait, op);

	list_out(&w->link);
	op_finish(op);
}

static void dns_wait_free(struct op *op)
{
	struct wait *w = CONTAINER_OF(op, struct wait, op);

	list_out(&w->link);
	free(w->at);
	free(w);
}

static struct name *dns_name_get(struct dns *d, const char *host)
{
	struct lru_item *it = lru_get(&d->names, host);
	struct name *n;

	if (it)
		return CONTAINER_OF(it, struct name, item);
	n = NEW(struct name);
	n->dns = d;
	list_init(&n->waits);
	list_init(&n->queued);
	timer_init(&n->timer, d->loop, name_due, n);
	lru_add(&d->names, host, &n->item);
	return n;
}

static void dns_wait_for(struct wait *w, struct name *n)
{
	list_add(&n->waits, &w->link);
	name_want(n);
}

static void dns_wait_serve(struct dns *d, struct wait *w, const char *host)
{
	struct name *n = dns_name_get(d, host);
	uint64_t now = clock_ms();
	bool patient = name_is_wanted(n) && now - n->asked_ms < PATIENCE_MS;

	if (n->at && now < n->good_until)
		dns_wait_answer(w, n->at, n->n);
	else if (name_has_stale(n) && (now < n->bad_until || (name_is_wanted(n) && !patient)))
		dns_wait_answer(w, n->at, n->n);
	else if (now < n->bad_until)
		dns_wait_fail(w, n->why);
	else
		dns_wait_for(w, n);
}

struct op *dns_start(struct dns *d, const char *host)
{
	static const struct op_type type = {"lookup", dns_wait_cancel, dns_wait_free};
	static const struct ip here[] = {
		{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}}, {{[15] = 1}}};
	struct wait *w = NEW(struct wait);

	op_init(&w->op, d->loop, &type);
	list_init(&w->link);
	if (host_classify(host) == HOST_LOCALHOST)
		dns_wait_answer(w, here, ARRAY_LEN(here));
	else
		dns_wait_serve(d, w, host);
	return &w->op;
}

const struct dns_answer *dns_result(const struct op *op)
{
	return &CONTAINER_OF(op, const struct wait, op)->answer;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static bool name_busy(const struct lru_item *it)
{
	const struct name *n = CONTAINER_OF(it, const struct name, item);

	return !list_empty(&n->waits) || name_is_wanted(n);
}

static void name_free(struct lru_item *it)
{
	struct name *n = CONTAINER_OF(it, struct name, item);

	BUG_IF(!list_empty(&n->waits));
	list_out(&n->queued);
	timer_cancel(&n->timer);
	if (n->flight)
		flight_free(n->flight);
	free(n->at);
	free(n);
}

struct dns *dns_new(struct loop *l, const struct dns_opts *opts)
{
	static bool ready;
	struct dns *d = NEW(struct dns);

	if (!ready) {
		BUG_IF(ares_library_init(ARES_LIB_INIT_ALL));
		ready = true;
	}
	d->loop = l;
	d->opts = *opts;
	d->opts.resolv_conf = mem_strdup(opts->resolv_conf);
	list_init(&d->flights);
	list_init(&d->line);
	lru_init(&d->names, LIMIT_NAMES, name_busy, name_free);
	timer_init(&d->turn, l, dns_turn_due, d);
	return d;
}

void dns_free(struct dns *d)
{
	if (!d)
		return;
	d->closing = true;
	lru_clear(&d->names);
	timer_cancel(&d->turn);
	free((char *)(uintptr_t)d->opts.resolv_conf);
	free(d);
}

void dns_stats(const struct dns *d, struct dns_stats *out)
{
	*out = d->stats;
	out->names = d->names.map.len;
}
