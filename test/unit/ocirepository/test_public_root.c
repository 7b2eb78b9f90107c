/* The trusted root of those who name none: fetched when somebody needs it, by TUF, from a server
   that answers, stalls or lies; refreshed, kept, and found again. */
#include "source/public_root.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/sys.h"
#include "ctl/controller.h"
#include "ev/loop.h"
#include "http/client.h"
#include "test/unit/ocirepository/keyless.h"
#include "test/unit/ocirepository/signing.h"
#include "test/unit/verify/tuf.h"
#include "verify/demands.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Suite *suite_public_root(void);

#define SPEC KEYLESS_SPEC(KEYLESS_WHO)
#define DAY_MS (24ULL * 60 * 60 * 1000)
#define FAILED "unable to initialize trusted root: "
#define HINT \
	"; where the internet cannot be reached, give spec.verify.trustedRootSecretRef or " \
	"--sigstore-trusted-root"

static struct world w;
static struct fake_registry *server;
static struct http_client *http;
static struct public_root *root;
static char *url, *dir, *texts[32], *paths[32];
static struct fake_answer *answers[32];
static unsigned n_answers, taken;

/* ---- the server ------------------------------------------------------------------------------ */

/* From now on it has this file there. */
static struct fake_answer *serve(char *path, const char *made)
{
	unsigned i = 0;

	while (i < n_answers && strcmp(paths[i], path) != 0)
		i++;
	ck_assert_uint_lt(i, ARRAY_LEN(paths));
	if (i == n_answers) {
		paths[n_answers++] = mem_strdup(path);
		answers[i] = fake_on(server, "GET", paths[i]);
	}
	free(texts[i]);
	texts[i] = tuf_made(made);
	answers[i]->body = texts[i];
	free(path);
	return answers[i];
}

static char *target_path(const char *made)
{
	auto_free char *text = tuf_made(made);
	char hex[DIGEST_HEX_MAX];
	struct digest d;

	digest_mem(&d, DIGEST_SHA256, text, strlen(text));
	return mem_printf("/targets/%s.trusted_root.json", digest_hex(&d, hex));
}

static struct fake_answer *serve_timestamp(const char *made)
{
	return serve(mem_strdup("/timestamp.json"), made);
}

/* Both states of the repository; timestamp.json says which it is in. */
static void serve_all(void)
{
	serve_timestamp("timestamp-1");
	serve(mem_strdup("/1.snapshot.json"), "snapshot-1");
	serve(mem_strdup("/2.snapshot.json"), "snapshot-2");
	serve(mem_strdup("/1.targets.json"), "targets-1");
	serve(mem_strdup("/2.targets.json"), "targets-2");
	serve(target_path("target-1"), "target-1");
	serve(target_path("target-2"), "target-2");
}

static void server_is(const char *asked)
{
	ck_assert_str_eq(fake_log(server), asked);
	fake_log_reset(server);
}

/* ---- what there is --------------------------------------------------------------------------- */

static void on_taken(void *arg)
{
	(void)arg;
	taken++;
	if (w.c)
		controller_try_failed(w.c);
}

static void root_begin(void)
{
	auto_free char *first = tuf_made("root-1");
	struct err err = {0};

	http = http_client_new(w.loop, &(struct http_client_opts){0});
	root = public_root_new(&(struct public_root_opts){.loop = w.loop,
				       .http = http,
				       .url = url,
				       .dir = dir,
				       .root = first,
				       .root_len = strlen(first),
				       .on_taken = on_taken},
		&err);
	ck_assert_msg(root != NULL, "%s", err.msg);
	w.opts.public_root = root;
	taken = 0;
}

static void root_end(void)
{
	public_root_free(root);
	loop_settle(w.loop);
	http_client_free(http);
}

static void begin_with(const char *layer)
{
	world_init(&w);
	keyless_push(&w);
	keyless_sign(&w, layer);
	server = fake_registry_new(w.loop);
	serve_all();
	url = mem_printf("http://%s/", fake_host(server));
	dir = mem_printf("%s-tuf", w.root);
	root_begin();
	world_object(&w, "web", SPEC);
}

static void begin(void)
{
	begin_with("image");
}

static void end(void)
{
	auto_free char *rm = mem_printf("rm -rf %s", dir ? dir : "/nowhere");
	unsigned i;

	world_stop(&w);
	root_end();
	if (server)
		fake_registry_free(server);
	keyless_end(&w);
	for (i = 0; i < n_answers; i++) {
		free(texts[i]);
		free(paths[i]);
	}
	n_answers = 0;
	ck_assert_int_eq(system(rm), 0);
	free(url);
	free(dir);
}

/* What was kept stays, and so does the server; the clock moves on. */
static void restart(uint64_t later_ms)
{
	world_stop(&w);
	root_end();
	loop_test_advance(w.loop, later_ms);
	fake_log_reset(server);
	root_begin();
	world_start(&w);
}

static uint64_t ended(void)
{
	struct public_root_stats s;

	public_root_stats(root, &s);
	return s.taken + s.unchanged + s.failed;
}

static uint64_t wanted;

static bool has_ended(struct world *unused)
{
	(void)unused;
	return ended() >= wanted;
}

static bool has_asked(struct world *unused)
{
	(void)unused;
	return strstr(fake_log(server), "/timestamp.json") != NULL;
}

/* Until so many refreshes have ended, and what comes of the last one. */
static void refreshed(uint64_t n)
{
	wanted = n;
	world_until(&w, has_ended, "a refresh");
	ck_assert_uint_eq(ended(), n);
	world_settle(&w);
}

static void stats_are(uint64_t n_taken, uint64_t unchanged, uint64_t failed)
{
	struct public_root_stats s;

	public_root_stats(root, &s);
	ck_assert_uint_eq(s.taken, n_taken);
	ck_assert_uint_eq(s.unchanged, unchanged);
	ck_assert_uint_eq(s.failed, failed);
	ck_assert(s.refreshed == (n_taken + unchanged > 0));
}

static char *kept_path(const char *name)
{
	char *host = mem_strdup(fake_host(server)), *colon = strchr(host, ':'), *path;

	*colon = '-';
	path = mem_printf("%s/%s/%s", dir, host, name);
	free(host);
	return path;
}

static void is_kept(const char *name, const char *made)
{
	auto_free char *path = kept_path(name), *want = tuf_made(made);
	auto_buf struct buf got = BUF_INIT(BUF_ANY);
	struct err err = {0};

	ck_assert_msg(!sys_read_file(AT_FDCWD, path, &got, &err), "%s", err.msg);
	ck_assert_str_eq(buf_str(&got), want);
}

static char *first_load(void)
{
	auto_free char *target = target_path("target-1");

	return mem_printf("GET /2.root.json\nGET /timestamp.json\nGET /1.snapshot.json\n"
			  "GET /1.targets.json\nGET %s\n",
		target);
}

/* ---- the first one --------------------------------------------------------------------------- */

START_TEST(test_loads)
{
	auto_free char *asked = first_load();

	begin();
	ck_assert_ptr_null(public_root_known(root));
	world_start(&w);
	refreshed(1);
	keyless_good(&w);
	server_is(asked);
	stats_are(1, 0, 0);
	ck_assert_uint_eq(taken, 1);
	is_kept("timestamp.json", "timestamp-1");
	is_kept("snapshot.json", "snapshot-1");
	is_kept("targets.json", "targets-1");
	is_kept("trusted_root.json", "target-1");
	/* An object that is made later has it. */
	world_object(&w, "other", SPEC);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "other", "SourceVerified.status"), "True");
	server_is("");
	end();
}
END_TEST

/* Where a log has to have a key's signature and nobody names a trusted root, it is one of these. */
START_TEST(test_log_for_a_key)
{
	begin_with("key-image");
	signing_trust(&w, "rsa2048");
	world_object(&w, "web", KEYLESS_SPEC("\"secretRef\":{\"name\":\"trust\"}"));
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"metadata\":{\"annotations\":{\"" VERIFY_DEMANDS_PREFIX VERIFY_DEMANDS_LOG
		"\":\"true\"}}}");
	world_start(&w);
	refreshed(1);
	ck_assert_msg(!strcmp(world_status(&w, "web", "SourceVerified.status"), "True"), "%s",
		world_status(&w, "web", "SourceVerified.message"));
	end();
}
END_TEST

START_TEST(test_keys_change)
{
	begin();
	serve(mem_strdup("/2.root.json"), "root-2");
	serve(mem_strdup("/3.root.json"), "root-3");
	world_start(&w);
	refreshed(1);
	keyless_good(&w);
	ck_assert_msg(strstr(fake_log(server), "GET /4.root.json\nGET /timestamp.json"), "%s",
		fake_log(server));
	is_kept("2.root.json", "root-2");
	is_kept("3.root.json", "root-3");
	/* The way to it is there after a restart. */
	restart(0);
	refreshed(1);
	keyless_good(&w);
	server_is("GET /4.root.json\nGET /timestamp.json\n");
	end();
}
END_TEST

/* Who has a root, or a key, calls nobody. */
START_TEST(test_nobody_needs_it)
{
	begin();
	world_object(&w, "web", KEYLESS_SPEC("\"secretRef\":{\"name\":\"keys\"}," KEYLESS_WHO));
	world_start(&w);
	world_settle(&w);
	world_object(&w, "web",
		KEYLESS_SPEC("\"trustedRootSecretRef\":{\"name\":\"root\"}," KEYLESS_WHO));
	world_settle(&w);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_settle(&w);
	world_pass(&w, DAY_MS);
	server_is("");
	stats_are(0, 0, 0);
	end();
}
END_TEST

START_TEST(test_many_wait)
{
	auto_free char *asked = first_load();
	int i;

	begin();
	for (i = 0; i < 8; i++) {
		auto_free char *name = mem_printf("more-%d", i);

		world_object(&w, name, SPEC);
	}
	world_start(&w);
	refreshed(1);
	keyless_good(&w);
	for (i = 0; i < 8; i++) {
		auto_free char *name = mem_printf("more-%d", i);

		ck_assert_str_eq(world_status(&w, name, "SourceVerified.status"), "True");
	}
	server_is(asked);
	end();
}
END_TEST

/* ---- what goes wrong ------------------------------------------------------------------------- */

static const struct {
	const char *path, *made;
	int status;
	const char *headers;
	enum fake_way way;
	uint64_t pass_ms; /* until it is given up */
	const char *why;
	bool hint; /* nobody has answered, or not well */
} wrong[] = {
	{"/timestamp.json", "timestamp-1", 503, NULL, FAKE_WHOLE, 0, "' answered 503", true},
	{"/timestamp.json", "timestamp-1", 403, NULL, FAKE_WHOLE, 0,
		"timestamp.json: 'http://127.0.0.1:", true},
	{"/timestamp.json", "timestamp-1", 301, "Location: /x\r\n", FAKE_WHOLE, 0, "' answered 301",
		true},
	{"/timestamp.json", "timestamp-1", 200, NULL, FAKE_RESET, 0,
		"timestamp.json: GET 'http://127.0.0.1:", true},
	{"/timestamp.json", "timestamp-1", 200, NULL, FAKE_SILENT, 30000, "30s", true},
	{"/timestamp.json", "timestamp-1", 200, NULL, FAKE_STALL, 30000, "30s", true},
	{"/timestamp.json", "timestamp-1", 200, NULL, FAKE_ENDLESS, 0, "16384", false},
	{"/1.snapshot.json", "snapshot-1", 404, NULL, FAKE_WHOLE, 0,
		"snapshot.json: the repository does not have it", false},
	{"/2.root.json", "root-2-one", 200, NULL, FAKE_WHOLE, 0,
		"2.root.json: it is signed by 1 of the keys", false},
	{"/timestamp.json", "timestamp-1-other", 200, NULL, FAKE_WHOLE, 0,
		"timestamp.json: it is signed by 0 of the keys", false},
	{"/1.targets.json", "targets-1-twin", 200, NULL, FAKE_WHOLE, 0,
		"targets.json: its digest is ", false},
};

/* What it says, and that nobody is asked for the next minute; then it works. */
START_TEST(test_wrong)
{
	struct fake_answer *a;
	const char *message;
	int i;

	begin();
	a = serve(mem_strdup(wrong[_i].path), wrong[_i].made);
	a->status = wrong[_i].status;
	a->headers = wrong[_i].headers;
	a->way = wrong[_i].way;
	world_start(&w);
	if (wrong[_i].pass_ms) {
		world_until(&w, has_asked, "a question for timestamp.json");
		loop_test_advance(w.loop, wrong[_i].pass_ms);
	}
	refreshed(1);
	keyless_bad(&w, FAILED);
	keyless_bad(&w, wrong[_i].why);
	message = world_status(&w, "web", "Ready.message");
	ck_assert_msg(!strstr(message, HINT) == !wrong[_i].hint, "%s", message);
	ck_assert_msg(!strstr(fake_log(w.reg), ".sig"), "%s", fake_log(w.reg));
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), "");
	stats_are(0, 0, 1);
	*a = (struct fake_answer){.method = "GET",
		.path = a->path,
		.status = strstr(a->path, "root.json") ? 404 : 200};
	serve_all();
	for (i = 0; i < 4; i++) {
		fake_log_reset(server);
		world_pass(&w, 10000);
		server_is("");
	}
	while (!ended() || ended() == 1)
		world_pass(&w, 10000);
	world_settle(&w);
	keyless_good(&w);
	end();
}
END_TEST

START_TEST(test_nobody_there)
{
	begin();
	fake_registry_free(MOVE(server));
	world_start(&w);
	refreshed(1);
	keyless_bad(&w, FAILED "2.root.json: GET 'http://127.0.0.1:");
	keyless_bad(&w, HINT);
	ck_assert_msg(!strcmp(strstr(world_status(&w, "web", "Ready.message"), HINT), HINT), "%s",
		world_status(&w, "web", "Ready.message"));
	end();
}
END_TEST

/* An object waits as long as it says. */
START_TEST(test_in_time)
{
	begin();
	world_object(&w, "web", SPEC ",\"timeout\":\"5s\"");
	serve_timestamp("timestamp-1")->way = FAKE_SILENT;
	world_start(&w);
	world_until(&w, has_asked, "a question for timestamp.json");
	ck_assert_str_eq(world_status(&w, "web", "SourceVerified.status"), "");
	world_pass(&w, 5000);
	keyless_bad(&w, FAILED "'127.0.0.1:");
	keyless_bad(&w, "' did not answer in time" HINT);
	/* The load has not ended by that. */
	stats_are(0, 0, 0);
	loop_test_advance(w.loop, 25000);
	refreshed(1);
	stats_are(0, 0, 1);
	end();
}
END_TEST

/* ---- later ----------------------------------------------------------------------------------- */

START_TEST(test_another_one)
{
	auto_free char *asked = first_load(), *revision = NULL;

	begin();
	world_start(&w);
	refreshed(1);
	server_is(asked);
	revision = mem_strdup(world_status(&w, "web", "artifact.revision"));
	world_pass(&w, DAY_MS - 1000);
	server_is("");
	loop_test_advance(w.loop, 1000);
	refreshed(2);
	server_is("GET /2.root.json\nGET /timestamp.json\n");
	stats_are(1, 1, 0);
	ck_assert_uint_eq(taken, 1);
	keyless_good(&w);
	serve_timestamp("timestamp-2");
	loop_test_advance(w.loop, DAY_MS);
	refreshed(3);
	stats_are(2, 1, 0);
	ck_assert_uint_eq(taken, 2);
	world_pass(&w, 120000); /* its next run */
	keyless_bad(&w, "when the log was not trusted");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), revision);
	end();
}
END_TEST

/* What is there counts on, and is asked for again after a minute, two, four. */
START_TEST(test_fails_later)
{
	static const unsigned minutes[] = {1, 2, 4, 8, 16, 32, 60, 60};
	struct fake_answer *a;
	unsigned i;

	begin();
	world_start(&w);
	refreshed(1);
	a = serve_timestamp("timestamp-2");
	a->status = 500;
	loop_test_advance(w.loop, DAY_MS);
	refreshed(2);
	for (i = 0; i < ARRAY_LEN(minutes); i++) {
		fake_log_reset(server);
		world_pass(&w, minutes[i] * 60000 - 1);
		server_is("");
		loop_test_advance(w.loop, 1);
		refreshed(3 + i);
		server_is("GET /2.root.json\nGET /timestamp.json\n");
	}
	stats_are(1, 0, 1 + ARRAY_LEN(minutes));
	keyless_good(&w);
	world_object(&w, "other", SPEC);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "other", "SourceVerified.status"), "True");
	a->status = 200;
	loop_test_advance(w.loop, 3600000);
	refreshed(3 + i);
	stats_are(2, 0, 1 + ARRAY_LEN(minutes));
	end();
}
END_TEST

/* ---- what is kept ---------------------------------------------------------------------------- */

/* At once, although the server says nothing. */
START_TEST(test_kept)
{
	begin();
	world_start(&w);
	refreshed(1);
	serve(mem_strdup("/2.root.json"), "root-2")->way = FAKE_SILENT;
	restart(0);
	world_settle(&w);
	keyless_good(&w);
	ck_assert_uint_eq(taken, 1);
	stats_are(0, 0, 0);
	loop_test_advance(w.loop, 30000);
	refreshed(1);
	stats_are(0, 0, 1);
	keyless_good(&w);
	end();
}
END_TEST

/* A restart does not make it forget that there was something newer. */
START_TEST(test_kept_newer)
{
	begin();
	serve_timestamp("timestamp-2");
	world_start(&w);
	refreshed(1);
	keyless_bad(&w, "when the log was not trusted");
	serve_timestamp("timestamp-1");
	restart(0);
	refreshed(1);
	stats_are(0, 0, 1);
	world_settle(&w);
	keyless_bad(&w, "when the log was not trusted");
	is_kept("timestamp.json", "timestamp-2");
	end();
}
END_TEST

/* What has expired counts no more, and still protects. */
START_TEST(test_kept_old)
{
	begin();
	serve_timestamp("timestamp-3-2027");
	world_start(&w);
	refreshed(1);
	keyless_bad(&w, "when the log was not trusted");
	serve_timestamp("timestamp-2");
	restart(8 * DAY_MS);
	refreshed(1);
	keyless_bad(&w, FAILED "timestamp.json: its version is 2, older than 3, which is known");
	end();
}
END_TEST

static const struct {
	const char *file, *made; /* made NULL: junk */
} broken[] = {
	{"timestamp.json", NULL},
	{"timestamp.json", "timestamp-1-other"},
	{"snapshot.json", NULL},
	{"targets.json", "targets-1-twin"},
	{"trusted_root.json", "target-2"},
	{"2.root.json", "root-2-one"},
};

/* It is as good as not there. */
START_TEST(test_kept_broken)
{
	auto_free char *path = NULL, *text = NULL;
	struct err err = {0};

	begin();
	world_start(&w);
	refreshed(1);
	path = kept_path(broken[_i].file);
	text = broken[_i].made ? tuf_made(broken[_i].made) : mem_strdup("{");
	ck_assert(!sys_write_file(AT_FDCWD, path, text, strlen(text), 0600, false, &err));
	serve_timestamp("timestamp-1")->status = 500;
	restart(0);
	refreshed(1);
	keyless_bad(&w, FAILED "timestamp.json: ");
	serve_timestamp("timestamp-1")->status = 200;
	while (ended() == 1)
		world_pass(&w, 10000);
	world_settle(&w);
	keyless_good(&w);
	if (strcmp(broken[_i].file, "2.root.json") != 0)
		is_kept("timestamp.json", "timestamp-1");
	end();
}
END_TEST

/* Without a folder, or with one that cannot be written to, it is loaded each time. */
START_TEST(test_not_kept)
{
	auto_free char *asked = first_load();

	begin();
	public_root_free(root);
	http_client_free(http);
	free(dir);
	dir = _i ? mem_strdup("/proc/none") : NULL;
	root_begin();
	world_start(&w);
	refreshed(1);
	keyless_good(&w);
	fake_log_reset(server);
	restart(0);
	refreshed(1);
	keyless_good(&w);
	server_is(asked);
	end();
}
END_TEST

/* ---- the beginning --------------------------------------------------------------------------- */

static const struct {
	const char *url, *made, *why;
} refused[] = {
	{"ftp://tuf.example", "root-1", "ftp://tuf.example"},
	{"https://user@tuf.example", "root-1", "it has a user, a query or a fragment"},
	{"https://tuf.example/?a=b", "root-1", "it has a user, a query or a fragment"},
	{NULL, "root-1-one", "it is signed by 1 of the keys"},
	{NULL, "timestamp-1", "its type is 'timestamp', not 'root'"},
};

START_TEST(test_refused)
{
	auto_free char *text = tuf_made(refused[_i].made);
	struct loop *l = loop_new();
	struct err err = {0};

	ck_assert_ptr_null(public_root_new(
		&(struct public_root_opts){
			.loop = l, .url = refused[_i].url, .root = text, .root_len = strlen(text)},
		&err));
	ck_assert_msg(strstr(err.msg, refused[_i].why), "row %d: %s", _i, err.msg);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

/* The one that is put into the program is Sigstore's, and its own. */
START_TEST(test_own)
{
	auto_buf struct buf own = BUF_INIT(BUF_ANY);
	auto_free char *real = vector_text("tuf/real/", "15.root", ".json");
	struct loop *l = loop_new();
	struct public_root *p;
	struct err err = {0};

	ck_assert(!sys_read_file(AT_FDCWD, "lib/source/sigstore-root.json", &own, &err));
	ck_assert_str_eq(buf_str(&own), real);
	p = public_root_new(
		&(struct public_root_opts){.loop = l, .root = own.p, .root_len = own.len}, &err);
	ck_assert_msg(p != NULL, "%s", err.msg);
	public_root_free(p);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

Suite *suite_public_root(void)
{
	Suite *s = suite_create("public_root");
	TCase *tc = tcase_create("public_root");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_loads);
	tcase_add_test(tc, test_log_for_a_key);
	tcase_add_test(tc, test_keys_change);
	tcase_add_test(tc, test_nobody_needs_it);
	tcase_add_test(tc, test_many_wait);
	tcase_add_loop_test(tc, test_wrong, 0, ARRAY_LEN(wrong));
	tcase_add_test(tc, test_nobody_there);
	tcase_add_test(tc, test_in_time);
	tcase_add_test(tc, test_another_one);
	tcase_add_test(tc, test_fails_later);
	tcase_add_test(tc, test_kept);
	tcase_add_test(tc, test_kept_newer);
	tcase_add_test(tc, test_kept_old);
	tcase_add_loop_test(tc, test_kept_broken, 0, ARRAY_LEN(broken));
	tcase_add_loop_test(tc, test_not_kept, 0, 2);
	tcase_add_loop_test(tc, test_refused, 0, ARRAY_LEN(refused));
	tcase_add_test(tc, test_own);
	suite_add_tcase(s, tc);
	return s;
}
