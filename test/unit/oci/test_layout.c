/* Image layouts as mirrors: what they answer, and that nothing in them leads astray. No registry is
   ever asked, unless it is the next in line. */
#include "base/limits.h"
#include "base/sys.h"
#include "fixture.h"
#include "oci/blob.h"
#include "oci/content.h"
#include "oci/image.h"
#include "oci/layout.h"
#include "oci/layout_tar.h"
#include "oci/mirrors.h"
#include "oci/referrers.h"
#include "oci/resolve.h"
#include "oci/tags.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static struct fixture x;
static char root[] = "/tmp/test-layout.XXXXXX";
static char dir[64]; /* the layout, in root */
static struct oci_repo repo; /* "ghcr.io/org/app" */
static struct digest layer, manifest;
static char layer_text[DIGEST_TEXT_MAX], manifest_text[DIGEST_TEXT_MAX];
static size_t layer_len;
static struct err none;

static const char LAYOUT_FILE[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

/* ---- a layout -------------------------------------------------------------------------------- */

static void put(const char *name, const void *data, size_t n)
{
	auto_free char *path = mem_printf("%s/%s", dir, name), *folder = mem_strdup(path);

	*strrchr(folder, '/') = '\0';
	ck_assert(!sys_mkdir_all(folder, 0755, &none));
	ck_assert_msg(!sys_write_file(AT_FDCWD, path, data, n, 0644, false, &none), "%s", none.msg);
}

static void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

static char *blob_name(const char *base, const struct digest *d)
{
	char hex[DIGEST_HEX_MAX];

	return mem_printf("%sblobs/sha256/%s", base, digest_hex(d, hex));
}

static void put_blob(const char *base, const void *data, size_t n, struct digest *d)
{
	auto_free char *name = NULL;

	digest_mem(d, DIGEST_SHA256, data, n);
	name = blob_name(base, d);
	put(name, data, n);
}

/* An image with that layer, its manifest in `manifest`. */
static void put_image(const char *base, const char *data, size_t n)
{
	auto_free char *json = NULL, *file = mem_printf("%soci-layout", base);

	put_text(file, LAYOUT_FILE);
	put_blob(base, data, n, &layer);
	layer_len = n;
	json = mem_printf("{\"schemaVersion\":2,\"layers\":[{\"mediaType\":\"text/plain\","
			  "\"digest\":\"%s\",\"size\":%zu}]}",
		digest_format(&layer, layer_text), n);
	put_blob(base, json, strlen(json), &manifest);
	digest_format(&manifest, manifest_text);
}

/* index.json whose entries all are `manifest`, under these names; NULL ends them. */
static void put_index(const char *base, const char *const *names)
{
	auto_free char *file = mem_printf("%sindex.json", base);
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	size_t i;

	buf_adds(&b, "{\"schemaVersion\":2,\"manifests\":[");
	for (i = 0; names[i]; i++)
		buf_addf(&b, "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":1%s%s%s}",
			i ? "," : "", OCI_TYPE_MANIFEST, manifest_text,
			*names[i] ? ",\"annotations\":{\"" OCI_REF_NAME "\":\"" : "", names[i],
			*names[i] ? "\"}" : "");
	buf_adds(&b, "]}");
	put_text(file, buf_str(&b));
}

static void put_one(const char *base, const char *name)
{
	put_index(base, (const char *const[]){name, NULL});
}

static void use_at(const char *match, bool fallback, const char *path)
{
	auto_free char *text = mem_printf(
		"rules: [{match: '%s', fallback: %s, mirrors: [{url: 'oci-layout://%s'}]}]", match,
		fallback ? "true" : "false", path);
	struct err err = {0};
	struct oci_mirrors *m = oci_mirrors_parse(text, strlen(text), &err);

	ck_assert_msg(m, "%s", err.msg);
	oci_client_use_mirrors(x.oci, m);
}

static void use(const char *match, bool fallback)
{
	use_at(match, fallback, dir);
}

static void run(const char *command)
{
	auto_free char *text = mem_printf("cd %s && %s", root, command);

	ck_assert_msg(!system(text), "%s", text);
}

/* All of the folder's files as a tar, which is the mirror from then on. */
static void use_tar(const char *match, const char *command)
{
	auto_free char *path = mem_printf("%s/x.tar", root);

	run(command);
	use_at(match, false, path);
}

static void setup(void)
{
	fixture_init(&x);
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(dir, sizeof(dir), "%s/copies", root);
	ck_assert(!oci_repo_parse(&repo, "oci://ghcr.io/org/app", false, &none));
	put_image("", "the layer", 9);
	put_one("", "1");
	use("ghcr.io/org/app", false);
}

static void teardown(void)
{
	auto_free char *rm = mem_printf("rm -rf %s", root);

	ck_assert_str_eq(fake_log(x.reg), "");
	fixture_clear(&x);
	ck_assert_int_eq(system(rm), 0);
}

/* ---- questions ------------------------------------------------------------------------------- */

static struct op *resolve(const char *tag, const char *semver)
{
	struct op *op = oci_resolve_start(x.oci,
		&(struct oci_resolve_req){
			.target = {&repo, x.nobody, 20000}, .tag = tag, .semver = semver});

	fixture_wait(&x, op);
	return op;
}

static struct op *image(const struct digest *d)
{
	struct op *op = oci_image_start(
		x.oci, &(struct oci_image_req){.target = {&repo, x.nobody, 20000}, .digest = d});

	fixture_wait(&x, op);
	return op;
}

static struct op *blob(uint64_t size, int fd)
{
	struct oci_descriptor d = {.size = size, .digest = layer};
	struct op *op = oci_blob_start(x.oci,
		&(struct oci_blob_req){.target = {&repo, x.nobody, 20000}, .blob = &d, .fd = fd});

	fixture_wait(&x, op);
	return op;
}

static void expect(struct op *op, const char *says)
{
	if (says)
		fixture_failed(op, says);
	else
		fixture_ok(op);
	op_free(op);
}

/* Everything an object needs. */
static void expect_all(const char *tag)
{
	struct op *op = resolve(tag, NULL);

	fixture_ok(op);
	ck_assert_str_eq(strchr(oci_resolve_result(op)->revision, '@') + 1, manifest_text);
	op_free(op);
	op = image(&manifest);
	fixture_ok(op);
	ck_assert(digest_equal(&oci_image_result(op)->layer->digest, &layer));
	op_free(op);
	op = blob(layer_len, -1);
	fixture_ok(op);
	ck_assert_uint_eq(oci_blob_mem(op)->len, layer_len);
	op_free(op);
}

/* ---- what they answer ------------------------------------------------------------------------ */

START_TEST(test_all)
{
	expect_all("1");
	expect(resolve("2", NULL), "the layout '/tmp/");
	expect(resolve("2", NULL),
		"answered 404 Not Found (MANIFEST_UNKNOWN: no entry is named '2' or "
		"'ghcr.io/org/app:2'; it has 1, one is '1')");
}
END_TEST

/* Which names are the repository's, where the rule is for it, for what stands above it, or for the
   host. */
static const struct {
	const char *match, *name, *tag;
	bool found;
} NAMES[] = {
	{"ghcr.io/org/app", "1", "1", true},
	{"ghcr.io/org/app", "ghcr.io/org/app:1", "1", true},
	{"ghcr.io/org/app", "ghcr.io/org/app", "latest", true},
	{"ghcr.io/org/app", "ghcr.io/org/other:1", "1", false},
	{"ghcr.io/org/app", "", "1", false},
	{"ghcr.io/org/app", "../1", "1", false},
	{"ghcr.io/org", "1", "1", false},
	{"ghcr.io/org", "ghcr.io/org/app:1", "1", true},
	{"ghcr.io/org", "ghcr.io/org/app:2", "1", false},
	{"ghcr.io", "ghcr.io/org/app:1", "1", true},
	{"ghcr.io", "quay.io/org/app:1", "1", false},
	{"ghcr.io", "org/app:1", "1", false},
};

START_TEST(test_names)
{
	use(NAMES[_i].match, false);
	put_one("", NAMES[_i].name);
	if (NAMES[_i].found)
		expect_all(NAMES[_i].tag);
	else
		expect(resolve(NAMES[_i].tag, NULL), "MANIFEST_UNKNOWN");
}
END_TEST

/* What the file says of itself is shown, cut, and breaks neither the answer nor the message. */
START_TEST(test_missing_name)
{
	char name[400] = "a\\\"b"; /* as JSON has it */

	memset(name + 4, 'x', sizeof(name) - 5);
	put_one("", name);
	use("ghcr.io", false);
	expect(resolve("2", NULL),
		"(MANIFEST_UNKNOWN: no entry is named 'ghcr.io/org/app:2'; it "
		"has 1, one is 'a\"bxxx");
	put_one("", "");
	expect(resolve("2", NULL), "it has 1 without a name)");
}
END_TEST

/* A layout of its own goes before the one of all. */
START_TEST(test_folder)
{
	put_image("org/app/", "another", 7);
	put_one("org/app/", "7");
	use("ghcr.io", false);
	expect_all("7");
	expect(resolve("1", NULL), "MANIFEST_UNKNOWN");
	ck_assert(!oci_repo_parse(&repo, "oci://ghcr.io/org/none", false, &none));
	expect(resolve("7", NULL), "MANIFEST_UNKNOWN");
	expect(resolve("1", ">=0"), "NAME_UNKNOWN");
}
END_TEST

/* Folders for some repositories, and nothing for the others. */
START_TEST(test_no_layout_of_it)
{
	auto_free char *path = mem_printf("%s/oci-layout", dir);

	put_image("org/app/", "another", 7);
	put_one("org/app/", "7");
	ck_assert(!sys_unlinkat(AT_FDCWD, path, 0));
	use("ghcr.io", false);
	expect_all("7");
	ck_assert(!oci_repo_parse(&repo, "oci://ghcr.io/org/none", false, &none));
	expect(resolve("7", NULL), "answered 404 Not Found (NAME_UNKNOWN)");
}
END_TEST

static int add_tag(void *arg, const char *tag, enum oci_tag_verdict verdict, struct err *err)
{
	(void)verdict;
	(void)err;
	return buf_addf(arg, "%s ", tag);
}

START_TEST(test_tags)
{
	auto_buf struct buf got = BUF_INIT(BUF_ANY);
	struct op *op;

	put_index("",
		(const char *const[]){"2.0.0", "1.0.0", "", "no tag", "ghcr.io/org/app:1.5.0",
			"1.0.0", "ghcr.io/org/b:9.0.0", NULL});
	op = oci_tags_start(x.oci,
		&(struct oci_tags_req){
			.target = {&repo, x.nobody, 20000}, .each = add_tag, .arg = &got});
	fixture_wait(&x, op);
	fixture_ok(op);
	op_free(op);
	ck_assert_str_eq(buf_str(&got), "1.0.0 1.5.0 2.0.0 ");
	op = resolve(NULL, ">=1 <2");
	fixture_ok(op);
	ck_assert_str_eq(oci_resolve_result(op)->tag, "1.5.0");
	op_free(op);
	expect(resolve(NULL, ">=3"), "no match found for semver '>=3': of 3 tags");
}
END_TEST

/* As many as there can be on a page, and as there can be at all. */
START_TEST(test_many_tags)
{
	static const size_t count[] = {999, 1000, 1001, LIMIT_MANIFEST_ENTRIES};
	const char **names = mem_zalloc((count[_i] + 1) * sizeof(*names));
	struct op *op;
	size_t i;

	for (i = 0; i < count[_i]; i++)
		names[i] = mem_printf("1.0.%zu", i);
	put_index("", names);
	op = resolve(NULL, ">=1");
	fixture_ok(op);
	ck_assert_uint_eq(oci_resolve_result(op)->tags.total, count[_i]);
	op_free(op);
	for (i = 0; i < count[_i]; i++)
		free((char *)(uintptr_t)names[i]);
	free(names);
}
END_TEST

/* Of two entries with one name the later one counts. */
START_TEST(test_twice)
{
	auto_free char *text = NULL;
	char other[DIGEST_TEXT_MAX];
	struct digest d;

	put_blob("", "other", 5, &d);
	text = mem_printf("{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"%s\",\"size\":5,"
			  "\"annotations\":{\"" OCI_REF_NAME
			  "\":\"1\"}},{\"digest\":\"%s\",\"size\":"
			  "5,\"annotations\":{\"" OCI_REF_NAME "\":\"ghcr.io/org/app:1\"}}]}",
		digest_format(&d, other), manifest_text);
	put_text("index.json", text);
	expect_all("1");
}
END_TEST

/* A tag that is an index: our platform's manifest is read behind it. */
START_TEST(test_nested)
{
	auto_free char *json = NULL, *index = NULL;
	struct digest child = manifest;
	struct op *op;

	json = mem_printf("{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[{\"mediaType\":"
			  "\"%s\",\"digest\":\"%s\",\"size\":%zu,\"platform\":{\"os\":\"linux\","
			  "\"architecture\":\"amd64\"}}]}",
		OCI_TYPE_INDEX, OCI_TYPE_MANIFEST, manifest_text,
		strlen("{\"schemaVersion\":2,\"layers\":[{\"mediaType\":\"text/plain\",\"digest\":"
		       "\"\",\"size\":9}]}") +
			strlen(layer_text));
	put_blob("", json, strlen(json), &manifest);
	digest_format(&manifest, manifest_text);
	index = mem_printf("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\",\"digest\":"
			   "\"%s\",\"size\":1,\"annotations\":{\"" OCI_REF_NAME "\":\"1\"}}]}",
		OCI_TYPE_INDEX, manifest_text);
	put_text("index.json", index);
	op = resolve("1", NULL);
	fixture_ok(op);
	op_free(op);
	op = image(&manifest);
	fixture_ok(op);
	ck_assert(digest_equal(&oci_image_result(op)->manifest_digest, &child));
	op_free(op);
}
END_TEST

/* A new index.json is what the next question finds. */
START_TEST(test_anew)
{
	expect_all("1");
	put_image("", "version two", 11);
	put_one("", "1");
	expect_all("1");
}
END_TEST

/* Large, through its 64 KiB at a time, into a file. */
START_TEST(test_large)
{
	size_t n = 3 * 1024 * 1024 + 7, i;
	char *data = mem_alloc(n);
	auto_buf struct buf got = BUF_INIT(BUF_ANY);
	auto_free char *path = mem_printf("%s/out", root);
	auto_fd int fd = -1;
	struct op *op;

	for (i = 0; i < n; i++)
		data[i] = (char)(i * 7 + i / 4096);
	put_image("", data, n);
	fd = sys_openat(AT_FDCWD, path, O_RDWR | O_CREAT, 0600);
	op = blob(n, fd);
	fixture_ok(op);
	op_free(op);
	ck_assert(!sys_read_file(AT_FDCWD, path, &got, &none));
	ck_assert_uint_eq(got.len, n);
	ck_assert(!memcmp(got.p, data, n));
	free(data);
}
END_TEST

struct pull {
	struct buf got;
	unsigned pauses;
	bool resume;
	struct op *op;
};

static enum http_body_ret take(void *arg, const char *data, size_t n, struct err *err)
{
	struct pull *p = arg;

	(void)err;
	ck_assert_uint_le(n, 64 * 1024);
	if (p->pauses++ % 3 == 0) {
		p->resume = true;
		return HTTP_BODY_PAUSE;
	}
	buf_add(&p->got, data, n);
	return HTTP_BODY_OK;
}

static struct oci_mirror *mirror_of(struct oci_mirrors **m)
{
	auto_free char *text = mem_printf(
		"rules: [{match: ghcr.io/org/app, mirrors: [{url: 'oci-layout://%s'}]}]", dir);

	*m = oci_mirrors_parse(text, strlen(text), &none);
	return oci_mirrors_find(*m, &repo)->mirrors.p[0];
}

static struct op *ask(struct oci_mirror *m, const char *path, uint64_t from, struct pull *p)
{
	return oci_layout_start(x.oci,
		&(struct oci_layout_req){.mirror = m,
			.repo = &repo,
			.path = path,
			.from = from,
			.on_body = take,
			.arg = p,
			.max_body = 1 << 30});
}

/* The reader pauses; the same bytes come again, and no others meanwhile. Once from the middle. */
START_TEST(test_pause)
{
	struct pull p = {.got = BUF_INIT(BUF_ANY)};
	struct oci_mirrors *m;
	struct oci_mirror *mirror = mirror_of(&m);
	size_t n = 1024 * 1024 + 1, i, from = _i ? 1000 : 0;
	char *data = mem_alloc(n);
	auto_free char *path = NULL;
	bool done = false;

	for (i = 0; i < n; i++)
		data[i] = (char)(i * 11 + i / 512);
	put_image("", data, n);
	path = mem_printf("blobs/%s", layer_text);
	p.op = ask(mirror, path, from, &p);
	op_then(p.op, fixture_done, &done);
	while (!done) {
		loop_turn(x.loop, !p.resume);
		if (p.resume) {
			size_t had = p.got.len;

			for (i = 0; i < 5; i++)
				loop_turn(x.loop, false);
			ck_assert_uint_eq(p.got.len, had);
			p.resume = false;
			oci_layout_resume(p.op);
		}
	}
	fixture_ok(p.op);
	ck_assert_int_eq(oci_layout_result(p.op)->status, from ? 206 : 200);
	if (from)
		ck_assert_str_eq(http_header(oci_layout_result(p.op), "Content-Range"),
			"bytes 1000-1048576/1048577");
	ck_assert_uint_eq(oci_layout_result(p.op)->body_bytes, n - from);
	ck_assert_uint_eq(p.got.len, n - from);
	ck_assert(!memcmp(p.got.p, data + from, n - from));
	op_free(p.op);
	buf_clear(&p.got);
	oci_mirrors_free(m);
	free(data);
}
END_TEST

/* At each of its turns. */
START_TEST(test_cancel)
{
	struct pull p = {.got = BUF_INIT(BUF_ANY)};
	struct oci_mirrors *m;
	struct oci_mirror *mirror = mirror_of(&m);
	auto_free char *path = mem_printf("blobs/%s", layer_text);
	bool done = false;
	int i;

	p.op = ask(mirror, path, 0, &p);
	op_then(p.op, fixture_done, &done);
	for (i = 0; i < _i; i++)
		loop_turn(x.loop, !p.resume);
	op_cancel(p.op);
	while (!done)
		loop_turn(x.loop, true);
	ck_assert(p.op->err.kind == ERR_CANCELED || p.got.len);
	op_free(p.op);
	buf_clear(&p.got);
	oci_mirrors_free(m);
}
END_TEST

START_TEST(test_range_behind)
{
	struct pull p = {.got = BUF_INIT(BUF_ANY)};
	struct oci_mirrors *m;
	auto_free char *path = mem_printf("blobs/%s", layer_text);

	p.op = ask(mirror_of(&m), path, 9, &p);
	fixture_wait(&x, p.op);
	fixture_ok(p.op);
	ck_assert_int_eq(oci_layout_result(p.op)->status, 416);
	op_free(p.op);
	oci_mirrors_free(m);
}
END_TEST

/* ---- nobody's place is taken ----------------------------------------------------------------- */

START_TEST(test_standing)
{
	ck_assert(oci_client_is_up(x.oci, &repo));
	use("ghcr.io", false);
	ck_assert(oci_client_is_proven(x.oci, &repo));
}
END_TEST

/* All threads are taken, or the volume hangs: the question has its time, no more. */
START_TEST(test_overdue)
{
	atomic_bool go = false;
	struct op *busy[12], *op;
	size_t i;

	clock_fake(1700000000000);
	for (i = 0; i < ARRAY_LEN(busy); i++) {
		auto_free char *owner = mem_printf("ns%zu", i);

		busy[i] = work_start_for(x.loop, WORK_HEAVY, owner, fixture_busy_run, NULL, &go);
	}
	op = oci_resolve_start(
		x.oci, &(struct oci_resolve_req){.target = {&repo, x.nobody, 3000}, .tag = "1"});
	fixture_advance(&x, op, 500, 10000);
	fixture_failed(op, "copies': not done within 3s");
	op_free(op);
	go = true;
	for (i = 0; i < ARRAY_LEN(busy); i++) {
		while (!busy[i]->done)
			loop_turn(x.loop, true);
		op_free(busy[i]);
	}
}
END_TEST

static void wait_for_faults(unsigned n)
{
	while (sys_faults() < n)
		usleep(1000);
}

/* The volume hangs, and with it a thread in the kernel: the question ends with its time, the next
   ones at once, and all is well again when it answers. rows: a cancel, the end of its time */
START_TEST(test_hangs)
{
	unsigned before = sys_faults();
	struct oci_resolve_req req = {.target = {&repo, x.nobody, 3000}, .tag = "1"};
	struct op *op;
	int i;

	clock_fake(1700000000000);
	sys_fault_after(SYS_OPEN, 1, SYS_HANG);
	op = oci_resolve_start(x.oci, &req);
	for (i = 0; i < 10; i++)
		loop_turn(x.loop, false);
	wait_for_faults(before + 1);
	if (_i) {
		fixture_advance(&x, op, 500, 10000);
		fixture_failed(op, "copies': not done within 3s");
	} else {
		op_cancel(op);
		fixture_wait(&x, op);
		ck_assert_int_eq(op->err.kind, ERR_CANCELED);
	}
	op_free(op);
	loop_test_advance(x.loop, 2001);
	op = oci_resolve_start(x.oci, &req);
	fixture_wait(&x, op);
	fixture_failed(op, "copies': its volume does not answer");
	op_free(op);
	ck_assert_uint_eq(sys_faults(), before + 1);
	sys_fault_clear();
	while (work_jobs(x.loop))
		loop_turn(x.loop, true);
	for (i = 0; i < 10; i++)
		loop_turn(x.loop, false);
	op = oci_resolve_start(x.oci, &req);
	fixture_wait(&x, op);
	fixture_ok(op);
	op_free(op);
}
END_TEST

/* What it does not have comes from the registry; a layout that is broken is passed by. */
START_TEST(test_next)
{
	static const char data[] = "from afar";
	auto_free char *match = NULL;
	struct fake_image there;
	struct op *op;

	fake_image(x.reg, "app", "2", "text/plain", data, strlen(data), &there);
	repo = x.repo;
	match = mem_printf("%s/app", repo.host);
	use(match, true);
	if (_i)
		put_text("index.json", "{");
	op = resolve("2", NULL);
	fixture_ok(op);
	ck_assert_str_eq(strchr(oci_resolve_result(op)->revision, '@') + 1, there.manifest_text);
	op_free(op);
	op = image(&there.manifest);
	expect(op, NULL);
	ck_assert_ptr_nonnull(strstr(fake_log(x.reg), "HEAD /v2/app/manifests/2\n"));
	fake_image_clear(&there);
	fake_registry_free(x.reg);
	x.reg = fake_registry_new(x.loop);
}
END_TEST

/* ---- hostile --------------------------------------------------------------------------------- */

static const struct {
	const char *file, *text, *says;
} BROKEN[] = {
	{"oci-layout", "", "'oci-layout'"},
	{"oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}", "imageLayoutVersion is not '1.0.0'"},
	{"oci-layout", "[]", "imageLayoutVersion is not '1.0.0'"},
	{"index.json", "", "'index.json': the manifest is not valid JSON"},
	{"index.json", "[]", "it is no JSON object"},
	{"index.json", "{\"manifests\":{}}", "'manifests' of the manifest is no list"},
	{"index.json", "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\"}", "'index.json': "},
	{"index.json", "{\"manifests\":[{\"digest\":\"sha256:../../x\",\"size\":1}]}",
		"entry 0 of the index"},
	{"index.json", "{\"manifests\":[{\"digest\":\"md5:00\",\"size\":1}]}",
		"entry 0 of the index"},
};

START_TEST(test_broken)
{
	struct op *op;

	put_text(BROKEN[_i].file, BROKEN[_i].text);
	op = resolve("1", NULL);
	fixture_failed(op, BROKEN[_i].says);
	fixture_failed(op, dir);
	op_free(op);
}
END_TEST

/* The folder, or the file that makes it a layout, is not there: that is no word of whether the
   repository knows the tag. */
START_TEST(test_missing)
{
	struct op *op;

	run(_i ? "rm copies/oci-layout" : "rm -r copies");
	op = resolve("1", NULL);
	fixture_failed(op, _i ? "there is no file 'oci-layout' in it" : "No such file");
	ck_assert_int_eq(op->err.code, 0);
	op_free(op);
}
END_TEST

/* Larger than an index may be; deeper; with more values. */
START_TEST(test_huge)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	static const char *const says[] = {"'index.json' is larger than 4194304 bytes", "nested",
		"'manifests' of the manifest has 4097 entries"};
	size_t i;

	if (_i == 0) {
		buf_adds(&b, "{\"manifests\":[]}");
		while (b.len <= LIMIT_MANIFEST)
			buf_addc(&b, ' ');
	} else if (_i == 1) {
		buf_adds(&b, "{\"manifests\":");
		for (i = 0; i < 100000; i++)
			buf_addc(&b, '[');
	} else {
		buf_adds(&b, "{\"manifests\":[0");
		for (i = 0; i < LIMIT_MANIFEST_ENTRIES; i++)
			buf_adds(&b, ",0");
		buf_adds(&b, "]}");
	}
	put("index.json", b.p, b.len);
	expect(resolve("1", NULL), says[_i]);
}
END_TEST

/* Other bytes than the digest says, more, and fewer. */
START_TEST(test_lies)
{
	static const char *const data[] = {"the liar ", "the layer, and more", "the"};
	auto_free char *name = blob_name("", &layer);
	struct oci_stats s;
	struct op *op;

	put_text(name, data[_i]);
	op = blob(9, -1);
	fixture_failed(op, _i ? "announces" : "the digest of what");
	op_free(op);
	oci_client_stats(x.oci, &s);
	ck_assert_uint_eq(s.mirror_lied, !_i);
	free(MOVE(name));
	name = blob_name("", &manifest);
	put_text(name, "{}");
	expect(image(&manifest), "the digest of what");
}
END_TEST

/* In the place of a file: a FIFO, a link to what we may not read, a folder. Also of a folder: a
   link that leads out. */
START_TEST(test_no_file)
{
	static const char *const says[] = {
		"no regular file", "is a link", "no regular file", "is a link", "is a link"};
	const char *file = _i == 3 ? "blobs" : _i == 4 ? "index.json" : NULL;
	auto_free char *name = file ? mem_strdup(file) : blob_name("", &manifest);
	auto_free char *path = mem_printf("%s/%s", dir, name), *aside = mem_printf("%s.x", path);

	ck_assert(!sys_renameat(AT_FDCWD, path, AT_FDCWD, aside));
	if (_i == 0)
		ck_assert(!mkfifo(path, 0644));
	else if (_i == 2)
		ck_assert(!sys_mkdirat(AT_FDCWD, path, 0755));
	else
		ck_assert(!sys_symlinkat(aside, AT_FDCWD, path));
	expect(resolve("1", NULL), says[_i]);
}
END_TEST

/* The tag is there, its manifest is not: whoever is next says what the tag is. */
START_TEST(test_no_blob)
{
	auto_free char *name = blob_name("", &manifest), *path = mem_printf("%s/%s", dir, name);

	ck_assert(!sys_unlinkat(AT_FDCWD, path, 0));
	expect(resolve("1", NULL), "MANIFEST_UNKNOWN");
	expect(image(&manifest), "MANIFEST_UNKNOWN");
	layer = manifest;
	expect(blob(9, -1), "BLOB_UNKNOWN");
}
END_TEST

/* A manifest of more than a manifest may have. */
START_TEST(test_large_manifest)
{
	char *data = mem_zalloc(LIMIT_MANIFEST + 1);

	put_blob("", data, LIMIT_MANIFEST + 1, &manifest);
	expect(image(&manifest), "it has 4194305 bytes, more than the 4194304 that are allowed");
	free(data);
}
END_TEST

/* ---- a tar ----------------------------------------------------------------------------------- */

static const char *const TAR[] = {
	"tar -C copies --format=gnu -cf x.tar .", "tar -C copies --format=ustar -cf x.tar .",
	"tar -C copies --format=pax -cf x.tar .",
	"tar -C copies --format=v7 -cf x.tar index.json oci-layout blobs",
	"tar -C copies -b 1 -cf x.tar . && truncate -s -1024 x.tar", /* no end */
};

START_TEST(test_tar)
{
	use_tar("ghcr.io/org/app", TAR[_i]);
	expect_all("1");
	expect(resolve("2", NULL), "x.tar' answered 404 Not Found (MANIFEST_UNKNOWN: no entry");
	layer = (struct digest){.algo = DIGEST_SHA256};
	expect(blob(9, -1), "BLOB_UNKNOWN");
}
END_TEST

/* Names that take more than a header has room for: GNU's, and PAX records. */
START_TEST(test_tar_names)
{
	auto_free char *name = mem_alloc(201), *base = NULL, *url = NULL;

	memset(name, 'a', 200);
	name[200] = '\0';
	base = mem_printf("%s/", name);
	url = mem_printf("oci://ghcr.io/%s", name);
	put_image(base, "another", 7);
	put_one(base, "7");
	ck_assert(!oci_repo_parse(&repo, url, false, &none));
	use_tar("ghcr.io", _i ? TAR[2] : TAR[0]);
	expect_all("7");
}
END_TEST

/* It is read once, for as many as want it; and again when it is another one. */
START_TEST(test_tar_once)
{
	struct oci_resolve_req req = {.target = {&repo, x.nobody, 20000}, .tag = "1"};
	const struct oci_layout_kept *kept;
	struct op *ops[20];
	struct oci_mirrors *m;
	auto_free char *text = mem_printf("rules: [{match: ghcr.io/org/app, fallback: false, "
					  "mirrors: [{url: 'oci-layout://%s/x.tar'}]}]",
		root);
	size_t i;

	run(TAR[0]);
	m = oci_mirrors_parse(text, strlen(text), &none);
	kept = oci_mirrors_find(m, &repo)->mirrors.p[0]->kept;
	oci_client_use_mirrors(x.oci, m);
	for (i = 0; i < ARRAY_LEN(ops); i++)
		ops[i] = oci_resolve_start(x.oci, &req);
	op_cancel(ops[_i ? 0 : 7]); /* who reads it, or one who waits */
	for (i = 0; i < ARRAY_LEN(ops); i++) {
		while (!ops[i]->done)
			loop_turn(x.loop, true);
		ck_assert(ops[i]->err.kind == ERR_NONE || ops[i]->err.kind == ERR_CANCELED);
		op_free(ops[i]);
	}
	ck_assert_uint_eq(kept->reads, 1);
	expect_all("1");
	ck_assert_uint_eq(kept->reads, 1);
	put_image("", "version two", 11);
	put_one("", "1");
	run(TAR[0]);
	expect_all("1");
	ck_assert_uint_eq(kept->reads, 2);
}
END_TEST

/* As after unpacking, the last of two entries counts. */
START_TEST(test_tar_twice)
{
	run(TAR[0]);
	put_image("", "version two", 11);
	put_one("", "1");
	use_tar("ghcr.io/org/app", "tar -C copies -rf x.tar .");
	expect_all("1");
}
END_TEST

static const struct {
	const char *make, *says;
} BAD_TAR[] = {
	{"tar -C copies -czf x.tar .", "it is compressed with gzip: a layout is read from a tar"},
	{"printf '\\3757zXZxxx' >x.tar", "it is compressed with xz"},
	{"printf 'BZh9xxxx' >x.tar", "it is compressed with bzip2"},
	{"printf '\\050\\265\\057\\375xxxx' >x.tar", "it is compressed with zstd"},
	{"true >x.tar", "it is neither a folder nor a tar"},
	{"echo hello >x.tar", "it is neither a folder nor a tar"},
	{"head -c 4096 /dev/zero | tr '\\0' x >x.tar", "it is neither a folder nor a tar"},
	{"mkfifo x.tar", "it is neither a folder nor a tar"},
	{"tar -cf x.tar copies", "there is no file 'oci-layout' in it"},
	{"tar -C copies -b 1 -cf x.tar . && truncate -s -1500 x.tar", "x.tar': "},
	{"tar -C copies -b 1 -cf x.tar . && truncate -s 700 x.tar", "it is cut"},
	{"mkfifo copies/pipe && tar -C copies -cf x.tar .", "entry './pipe' is a fifo"},
	{"ln -sf oci-layout copies/index.json && tar -C copies -cf x.tar .",
		"'index.json' is no regular file"},
	{"truncate -s 1M copies/index.json && tar -C copies -Scf x.tar .",
		"'index.json' is no regular file"},
	{"truncate -s 1M copies/index.json && tar -C copies --format=pax -Scf x.tar .",
		"'index.json' is no regular file"},
};

START_TEST(test_bad_tar)
{
	struct op *op;

	use_tar("ghcr.io/org/app", BAD_TAR[_i].make);
	op = resolve("1", NULL);
	fixture_failed(op, BAD_TAR[_i].says);
	fixture_failed(op, "the layout '/tmp/test-layout");
	op_free(op);
}
END_TEST

/* More entries than there may be: the header of an empty file, doubled 17 times. */
START_TEST(test_tar_entries)
{
	use_tar("ghcr.io/org/app",
		"touch empty && tar -cf - empty | head -c 512 >x.tar && for i in 1 2 3 4 5 6 7 8 9 "
		"10 11 12 13 14 15 16 17; do cat x.tar x.tar >more && mv more x.tar; done");
	expect(resolve("1", NULL), "it has more than 100000 entries");
}
END_TEST

/* Signatures lie in it under their tags; it knows of no other way to ask for them. */
START_TEST(test_signatures)
{
	char tag[OCI_DIGEST_TAG_MAX];
	struct oci_target target = {&repo, x.nobody, 20000};
	struct op *op;

	put_index("", (const char *const[]){"1", oci_digest_tag(&manifest, ".sig", tag), NULL});
	op = oci_referrers_start(x.oci,
		&(struct oci_referrers_req){
			.target = target, .subject = &manifest, .type = "text/plain"});
	fixture_wait(&x, op);
	fixture_ok(op);
	ck_assert_uint_eq(oci_referrers_result(op)->len, 0);
	op_free(op);
	op = oci_content_start(
		x.oci, &(struct oci_content_req){.target = target, .tag = tag, .max = 1000});
	fixture_wait(&x, op);
	fixture_ok(op);
	ck_assert_ptr_nonnull(strstr(buf_str(oci_content_body(op)), layer_text));
	op_free(op);
}
END_TEST

Suite *suite_layout(void);
Suite *suite_layout(void)
{
	Suite *s = suite_create("layout");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_all);
	tcase_add_test(tc, test_signatures);
	tcase_add_loop_test(tc, test_names, 0, (int)ARRAY_LEN(NAMES));
	tcase_add_test(tc, test_missing_name);
	tcase_add_test(tc, test_folder);
	tcase_add_test(tc, test_no_layout_of_it);
	tcase_add_test(tc, test_tags);
	tcase_add_loop_test(tc, test_many_tags, 0, 4);
	tcase_add_test(tc, test_twice);
	tcase_add_test(tc, test_nested);
	tcase_add_test(tc, test_anew);
	tcase_add_test(tc, test_large);
	tcase_add_loop_test(tc, test_pause, 0, 2);
	tcase_add_loop_test(tc, test_cancel, 0, 12);
	tcase_add_test(tc, test_range_behind);
	tcase_add_test(tc, test_standing);
	tcase_add_test(tc, test_overdue);
	tcase_add_loop_test(tc, test_hangs, 0, 2);
	tcase_add_loop_test(tc, test_next, 0, 2);
	tcase_add_loop_test(tc, test_broken, 0, (int)ARRAY_LEN(BROKEN));
	tcase_add_loop_test(tc, test_missing, 0, 2);
	tcase_add_loop_test(tc, test_huge, 0, 3);
	tcase_add_loop_test(tc, test_lies, 0, 3);
	tcase_add_loop_test(tc, test_no_file, 0, 5);
	tcase_add_test(tc, test_no_blob);
	tcase_add_test(tc, test_large_manifest);
	tcase_add_loop_test(tc, test_tar, 0, (int)ARRAY_LEN(TAR));
	tcase_add_loop_test(tc, test_tar_names, 0, 2);
	tcase_add_loop_test(tc, test_tar_once, 0, 2);
	tcase_add_test(tc, test_tar_twice);
	tcase_add_loop_test(tc, test_bad_tar, 0, (int)ARRAY_LEN(BAD_TAR));
	tcase_add_test(tc, test_tar_entries);
	suite_add_tcase(s, tc);
	return s;
}
