/* Were certificates revoked? Who is asked, in which order, and what comes of the answers. What is
   in an answer is tested in test/unit/crypto. The fake registry is the process's proxy, so that it
   stands in for every server that a certificate names. */
#include "source/revocation.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/vec.h"
#include "crypto/ocsp.h"
#include "http/url.h"
#include "test/unit/crypto/revocation.h"
#include "test/unit/oci/fixture.h"

#include <stdio.h>

Suite *suite_revocation(void);

#define NOW_MS 1800000000000 /* 2027-01-15T08:00:00Z */
#define LIST "http://pki.example/root.crl"
#define KEPT_TEXTS 64

static struct fixture x;
static struct revocations *all;
static struct notary_certs chain;
static struct buf bodies[KEPT_TEXTS];
static char *paths[KEPT_TEXTS];
static unsigned n_bodies, n_paths;

/* ---- a world --------------------------------------------------------------------------------- */

static void proxy_new(void)
{
	auto_free char *url = mem_printf("http://%s", fake_host(x.reg));

	oci_client_stop(x.oci);
	oci_client_free(x.oci);
	http_client_free(x.http);
	ck_assert(!setenv("http_proxy", url, 1));
	x.http = http_client_new(x.loop, &(struct http_client_opts){.max_per_host = 24});
	x.oci = oci_client_new(x.loop, x.http);
}

static void begin(void)
{
	clock_fake(NOW_MS);
	log_set_fd(-1);
	fixture_init(&x);
	proxy_new();
	all = revocations_new(x.oci);
}

/* "leaf root": from who has signed up to the root. */
static void certs(const char *names)
{
	auto_free char *copy = mem_strdup(names);
	char *rest = copy, *name;

	notary_certs_clear(&chain);
	while ((name = strsep(&rest, " ")))
		*vec_add(&chain) = revocation_cert(name);
}

static void end(void)
{
	unsigned i;

	loop_settle(x.loop);
	revocations_free(all);
	fixture_clear(&x);
	notary_certs_clear(&chain);
	for (i = 0; i < n_bodies; i++)
		buf_clear(&bodies[i]);
	for (i = 0; i < n_paths; i++)
		free(paths[i]);
	n_bodies = n_paths = 0;
	ck_assert(!unsetenv("http_proxy"));
}

static struct fake_answer *serve(const char *method, const char *path, const char *what)
{
	struct fake_answer *a = fake_on(x.reg, method, path);
	struct buf *body = &bodies[n_bodies++];

	ck_assert_uint_lt(n_bodies, KEPT_TEXTS);
	revocation_der(body, "served", what);
	a->body = body->p;
	a->body_len = body->len;
	return a;
}

/* Where it is asked by GET: below that URL. */
static const char *question(const char *at, const char *cert, const char *issuer)
{
	auto_buf struct buf der = BUF_INIT(BUF_ANY), b64 = BUF_INIT(BUF_ANY),
			    url = BUF_INIT(BUF_ANY);
	struct notary_cert *c = revocation_cert(cert), *by = revocation_cert(issuer);
	struct err err = {0};

	ck_assert(!ocsp_request(&der, c, by, &err) && !base64_encode(&b64, der.p, der.len, 0));
	buf_adds(&url, at);
	url_encode(&url, buf_str(&b64));
	notary_cert_free(c);
	notary_cert_free(by);
	ck_assert_uint_lt(n_paths, KEPT_TEXTS);
	return paths[n_paths++] = buf_take(&url);
}

/* what: "good", "revoked", ... */
static struct fake_answer *ocsp(const char *cert, const char *issuer, const char *what)
{
	auto_free char *name = mem_printf("%s %s", cert, what);

	return serve("GET", question("http://pki.example/ocsp/", cert, issuer), name);
}

static struct op *start(size_t n, int64_t signed_ms)
{
	return revocations_start(all,
		&(struct revocation_req){
			.chain = &chain, .n = n, .signed_ms = signed_ms, .owner = "apps"});
}

/* NULL: none was revoked. */
static void ends(struct op *op, const char *why)
{
	if (!op->done)
		fixture_wait(&x, op);
	if (why)
		ck_assert_msg(op->err.kind == ERR_RETRY && strstr(op->err.msg, why), "%d '%s'",
			op->err.kind, op->err.msg);
	else
		ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
	op_free(op);
}

static void asks(const char *why)
{
	ends(start(chain.len - 1, 0), why);
}

/* The requests without what is behind ocsp/. */
static const char *log_short(void)
{
	static char out[4096];
	const char *p = fake_log(x.reg), *from;
	size_t n = 0;

	for (; *p; p++) {
		out[n++] = *p;
		from = p >= fake_log(x.reg) + 4 ? p - 4 : p;
		if (!strncmp(from, "ocsp/", 5))
			p += strcspn(p, "\n") - 1;
	}
	out[n] = '\0';
	fake_log_reset(x.reg);
	return out;
}

#define ASKED "GET http://pki.example/ocsp/\n"
#define LISTED "GET " LIST "\n"
#define LEAF "certificate 'CN=leaf,O=Notary,ST=WA,C=US': "
#define UNKNOWN LEAF "its revocation status is unknown: "

/* ---- one certificate ------------------------------------------------------------------------- */

START_TEST(test_good)
{
	begin();
	certs("leaf root");
	ocsp("leaf", "root", "good");
	asks(NULL);
	ck_assert_str_eq(log_short(), ASKED);
	end();
}
END_TEST

START_TEST(test_revoked)
{
	begin();
	certs("leaf root");
	ocsp("leaf", "root", "revoked");
	asks(LEAF "it is revoked since 2026-06-01T00:00:00Z (keyCompromise)");
	ck_assert_str_eq(log_short(), ASKED);
	end();
}
END_TEST

/* Whom nobody names, nobody asks about; the root is not asked about, nor what is above. */
START_TEST(test_nobody_named)
{
	begin();
	certs("plain root");
	asks(NULL);
	certs("deep middle root");
	ocsp("deep", "middle", "good");
	ends(start(1, 0), NULL);
	ck_assert_str_eq(log_short(), ASKED);
	end();
}
END_TEST

static const struct {
	const char *ocsp; /* NULL: nothing is there */
	const char *list;
	const char *why;
} fallbacks[] = {
	{"leaf unknown", "list empty", NULL},
	{NULL, "list empty", NULL},
	{"leaf unknown", "list revoked", LEAF "it is revoked since 2026-06-01T00:00:00Z"},
	{NULL, "list revoked", LEAF "it is revoked since 2026-06-01T00:00:00Z"},
	{"other good", "list empty", NULL},
	{"leaf unknown", NULL,
		UNKNOWN "OCSP: 'http://pki.example/ocsp': the certificate is not known there; "
			"list: GET 'http://pki.example/root.crl': the answer is 404"},
	{"other good", "list of middle",
		UNKNOWN "OCSP: 'http://pki.example/ocsp': the answer is about another certificate; "
			"list: 'http://pki.example/root.crl': the list is of another issuer"},
	{NULL, "leaf good",
		UNKNOWN "OCSP: GET 'http://pki.example/ocsp': the answer is 404; list: "
			"'http://pki.example/root.crl': it is no list of revoked certificates"},
};

START_TEST(test_fallbacks)
{
	begin();
	certs("leaf root");
	if (fallbacks[_i].ocsp)
		serve("GET", question("http://pki.example/ocsp/", "leaf", "root"),
			fallbacks[_i].ocsp);
	if (fallbacks[_i].list)
		serve("GET", LIST, fallbacks[_i].list);
	asks(fallbacks[_i].why);
	ck_assert_str_eq(log_short(), ASKED LISTED);
	end();
}
END_TEST

/* No list is named, so there is nothing behind it. */
START_TEST(test_ocsp_only)
{
	begin();
	certs("other root");
	ocsp("other", "root", "unknown");
	asks("its revocation status is unknown: OCSP: 'http://pki.example/ocsp': the certificate "
	     "is "
	     "not known there");
	ck_assert_str_eq(log_short(), ASKED);
	end();
}
END_TEST

/* The first responder that has an answer; https is none. */
START_TEST(test_several_responders)
{
	begin();
	certs("several root");
	ocsp("several", "root", "good");
	asks(NULL);
	ck_assert_msg(
		strstr(fake_log(x.reg), "GET http://pki.example/down/MEk"), "%s", fake_log(x.reg));
	fake_log_reset(x.reg);
	end();
}
END_TEST

START_TEST(test_no_responder)
{
	begin();
	certs("several root");
	asks("its revocation status is unknown: OCSP: it is no plain URL of http, without user and "
	     "fragment; OCSP: GET 'http://pki.example/down/': the answer is 404; OCSP: GET "
	     "'http://pki.example/ocsp': the answer is 404");
	end();
}
END_TEST

/* Where a URL has a query there is no room for the question in it. */
START_TEST(test_post)
{
	struct notary_cert *c = revocation_cert("posting"), *by = revocation_cert("root");
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	struct err err = {0};

	begin();
	certs("posting root");
	serve("POST", "http://pki.example/ocsp?a=b", "posting good");
	asks(NULL);
	ck_assert_str_eq(fake_log(x.reg), "POST http://pki.example/ocsp?a=b\n");
	ck_assert(!ocsp_request(&der, c, by, &err));
	ck_assert_uint_eq(fake_bodies(x.reg)->len, der.len);
	ck_assert_mem_eq(fake_bodies(x.reg)->p, der.p, der.len);
	notary_cert_free(c);
	notary_cert_free(by);
	end();
}
END_TEST

static const struct {
	const char *first, *second, *why;
} two_lists[] = {
	{"list empty", "list empty", NULL},
	{"list empty", NULL, "list: GET 'http://pki.example/2.crl': the answer is 404"},
	{NULL, "list empty", "list: GET 'http://pki.example/1.crl': the answer is 404"},
	{"list revoked", NULL, "it is revoked since 2026-06-01T00:00:00Z (superseded)"},
	{"list empty", "list revoked", "it is revoked since 2026-06-01T00:00:00Z (superseded)"},
};

/* Each may be a part of the whole. */
START_TEST(test_several_lists)
{
	begin();
	certs("lists root");
	if (two_lists[_i].first)
		serve("GET", "http://pki.example/1.crl", two_lists[_i].first);
	if (two_lists[_i].second)
		serve("GET", "http://pki.example/2.crl", two_lists[_i].second);
	asks(two_lists[_i].why);
	end();
}
END_TEST

START_TEST(test_too_many_lists)
{
	char path[64];
	int i;

	begin();
	certs("too-many-lists root");
	for (i = 1; i < 6; i++) {
		snprintf(path, sizeof(path), "http://pki.example/%d.crl", i);
		serve("GET", paths[n_paths++] = mem_strdup(path), "list empty");
	}
	asks("its revocation status is unknown: it names more than 4 places of lists");
	end();
}
END_TEST

static const struct {
	const char *cert, *why;
} places[] = {
	{"places-nul", "unknown: OCSP: "},
	{"places-without-name", "unknown: list: "},
	{"places-broken", "unknown: it names no place to ask at that can be read"},
};

START_TEST(test_places)
{
	auto_free char *names = mem_printf("%s root", places[_i].cert);

	begin();
	certs(names);
	asks(places[_i].why);
	ck_assert_str_eq(fake_log(x.reg), "");
	end();
}
END_TEST

/* When somebody who is trusted for it says when it was signed. */
START_TEST(test_invalidity)
{
	int64_t may = revocation_time("2026-05-01T00:00:00Z");

	begin();
	certs("signer root");
	ocsp("signer", "root", "invalid");
	ends(start(1, may - 1), NULL);
	ends(start(1, may), "it is revoked since");
	ends(start(1, 0), "it is revoked since");
	ck_assert_str_eq(log_short(), ASKED);
	end();
}
END_TEST

/* ---- a chain --------------------------------------------------------------------------------- */

START_TEST(test_chain)
{
	begin();
	certs("deep middle root");
	ocsp("deep", "middle", "good");
	ocsp("middle", "root", "good");
	asks(NULL);
	ck_assert_str_eq(log_short(), ASKED ASKED);
	end();
}
END_TEST

/* That one was revoked is said, though nothing is known of the one before. */
START_TEST(test_revoked_goes_first)
{
	begin();
	certs("deep middle root");
	ocsp("middle", "root", "revoked");
	asks("certificate 'CN=middle,O=Notary,ST=WA,C=US': it is revoked since");
	end();
}
END_TEST

START_TEST(test_first_unknown_is_named)
{
	begin();
	certs("deep middle root");
	asks("certificate 'CN=deep,O=Notary,ST=WA,C=US': its revocation status is unknown: ");
	end();
}
END_TEST

/* ---- servers --------------------------------------------------------------------------------- */

static const struct {
	enum fake_way way;
	uint64_t ms; /* until it is over */
	bool list;
	const char *why;
} servers[] = {
	{FAKE_SILENT, LIMIT_OCSP_MS, false, "OCSP: GET 'http://pki.example/ocsp': "},
	{FAKE_ENDLESS, 0, false, "OCSP: GET 'http://pki.example/ocsp': "},
	{FAKE_CUT, 0, false, "OCSP: GET 'http://pki.example/ocsp': "},
	{FAKE_SILENT, LIMIT_CRL_MS, true, "list: GET 'http://pki.example/root.crl': "},
	{FAKE_ENDLESS, 0, true, "list: GET 'http://pki.example/root.crl': "},
};

START_TEST(test_servers)
{
	struct fake_answer *a;
	struct op *op;
	bool done = false;

	begin();
	certs(servers[_i].list ? "leaf root" : "other root");
	a = servers[_i].list ? serve("GET", LIST, "list empty") : ocsp("other", "root", "good");
	a->way = servers[_i].way;
	op = start(1, 0);
	op_then(op, fixture_done, &done);
	while (servers[_i].ms && !strstr(fake_log(x.reg), servers[_i].list ? LIST : "/ocsp/"))
		loop_turn(x.loop, true);
	if (servers[_i].ms) {
		loop_test_advance(x.loop, servers[_i].ms - 1);
		ck_assert(!done);
		loop_test_advance(x.loop, 1);
	}
	while (!done)
		loop_turn(x.loop, true);
	ck_assert_msg(strstr(op->err.msg, servers[_i].why), "%s", op->err.msg);
	op_free(op);
	end();
}
END_TEST

/* A redirect leads nowhere. */
START_TEST(test_redirect)
{
	struct fake_answer *a;

	begin();
	certs("other root");
	a = ocsp("other", "root", "good");
	a->status = 302;
	a->headers = "Location: http://other.example/\r\n";
	asks("OCSP: GET 'http://pki.example/ocsp': the answer is 302");
	ck_assert_str_eq(log_short(), ASKED);
	end();
}
END_TEST

/* ---- what is kept ---------------------------------------------------------------------------- */

START_TEST(test_kept)
{
	begin();
	certs("signer root");
	ocsp("signer", "root", "good");
	asks(NULL);
	asks(NULL);
	ck_assert_str_eq(log_short(), ASKED);
	/* Another issuer makes another one of it. */
	certs("signer twin");
	asks("its revocation status is unknown");
	log_short();
	certs("signer root");
	clock_fake_add(LIMIT_REVOCATION_KEPT_MS - 1);
	asks(NULL);
	ck_assert_str_eq(log_short(), "");
	clock_fake_add(1);
	asks(NULL);
	ck_assert_str_eq(log_short(), ASKED);
	end();
}
END_TEST

/* _i: of a list. Until there is news. */
START_TEST(test_kept_until_news)
{
	begin();
	certs(_i ? "lists root" : "signer root");
	if (_i) {
		serve("GET", "http://pki.example/1.crl", "list soon");
		serve("GET", "http://pki.example/2.crl", "list empty");
	} else {
		ocsp("signer", "root", "soon");
	}
	asks(NULL);
	log_short();
	clock_fake_add(600000 - 1);
	asks(NULL);
	ck_assert_str_eq(log_short(), "");
	clock_fake_add(1);
	asks(NULL);
	ck_assert(*log_short());
	clock_fake_add(1);
	asks(_i ? "the list has expired on 2027-01-15T08:10:00Z"
		: "the answer has expired on 2027-01-15T08:10:00Z");
	end();
}
END_TEST

/* That it was revoked is kept as well, and what could not be had is not. */
START_TEST(test_not_kept)
{
	struct fake_answer *a;

	begin();
	certs("other root");
	a = ocsp("other", "root", "revoked");
	a->status = 503;
	asks("the answer is 503");
	a->status = 200;
	asks("it is revoked since");
	a->status = 503;
	asks("it is revoked since");
	ck_assert_str_eq(log_short(), ASKED ASKED);
	end();
}
END_TEST

#define MANY 20

/* Who asks at the same time shares the question, and who gives up takes nothing from the others. */
START_TEST(test_shared)
{
	struct op *ops[MANY];
	int i;

	begin();
	certs("signer root");
	ocsp("signer", "root", "good");
	for (i = 0; i < MANY; i++)
		ops[i] = start(1, 0);
	while (!strstr(fake_log(x.reg), "/ocsp/"))
		loop_turn(x.loop, true);
	op_drop(ops[0]);
	for (i = 1; i < MANY; i++)
		ends(ops[i], NULL);
	ck_assert_str_eq(log_short(), ASKED);
	end();
}
END_TEST

/* The last one has gone, and another one comes in the same turn. */
START_TEST(test_begins_again)
{
	struct fake_answer *a;

	begin();
	certs("signer root");
	a = ocsp("signer", "root", "good");
	a->way = FAKE_SILENT;
	a->times = 1;
	serve("GET", a->path, "signer good");
	op_drop(start(1, 0));
	loop_turn(x.loop, false);
	{
		struct op *op = start(1, 0);

		while (!strstr(fake_log(x.reg), "/ocsp/"))
			loop_turn(x.loop, true);
		op_drop(op);
		op = start(1, 0);
		ends(op, NULL);
	}
	ck_assert_str_eq(log_short(), ASKED ASKED);
	end();
}
END_TEST

Suite *suite_revocation(void)
{
	Suite *s = suite_create("revocation");
	TCase *tc = tcase_create("asks"), *kept = tcase_create("kept");

	tcase_set_timeout(tc, 60);
	tcase_set_timeout(kept, 60);
	tcase_add_test(tc, test_good);
	tcase_add_test(tc, test_revoked);
	tcase_add_test(tc, test_nobody_named);
	tcase_add_loop_test(tc, test_fallbacks, 0, ARRAY_LEN(fallbacks));
	tcase_add_test(tc, test_ocsp_only);
	tcase_add_test(tc, test_several_responders);
	tcase_add_test(tc, test_no_responder);
	tcase_add_test(tc, test_post);
	tcase_add_loop_test(tc, test_several_lists, 0, ARRAY_LEN(two_lists));
	tcase_add_test(tc, test_too_many_lists);
	tcase_add_loop_test(tc, test_places, 0, ARRAY_LEN(places));
	tcase_add_test(tc, test_invalidity);
	tcase_add_test(tc, test_chain);
	tcase_add_test(tc, test_revoked_goes_first);
	tcase_add_test(tc, test_first_unknown_is_named);
	tcase_add_loop_test(tc, test_servers, 0, ARRAY_LEN(servers));
	tcase_add_test(tc, test_redirect);
	tcase_add_test(kept, test_kept);
	tcase_add_loop_test(kept, test_kept_until_news, 0, 2);
	tcase_add_test(kept, test_not_kept);
	tcase_add_test(kept, test_shared);
	tcase_add_test(kept, test_begins_again);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, kept);
	return s;
}
