#include "oci/blob.h"

#include "base/sys.h"
#include "test/unit/oci/fixture.h"

#include <fcntl.h>
#include <unistd.h>

Suite *suite_blob(void);

#define LARGE ((size_t)3 * 1024 * 1024 + 12345)

struct download {
	struct fixture x;
	char *data;
	struct oci_descriptor desc;
	char *path, *line; /* "GET ...\n" */
	struct fake_answer *answer;
	int fd;
};

static void init(struct download *d, size_t size)
{
	char text[DIGEST_TEXT_MAX];
	uint32_t r = 1;
	size_t i;

	fixture_init(&d->x);
	d->data = mem_alloc(size + 1);
	for (i = 0; i < size; i++) {
		r = r * 1664525 + 1013904223;
		d->data[i] = (char)(r >> 24);
	}
	d->desc = (struct oci_descriptor){.media_type = mem_strdup("a/b"), .size = size};
	digest_mem(&d->desc.digest, DIGEST_SHA256, d->data, size);
	d->path = mem_printf("/v2/app/blobs/%s", digest_format(&d->desc.digest, text));
	d->line = mem_printf("GET %s\n", d->path);
	d->answer = fake_on(d->x.reg, "GET", d->path);
	d->answer->body = d->data;
	d->answer->body_len = size;
	d->answer->ranges = true;
	d->fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	ck_assert_int_ge(d->fd, 0);
}

static void clear(struct download *d)
{
	close(d->fd);
	oci_descriptor_clear(&d->desc);
	free(d->data);
	free(d->path);
	free(d->line);
	fixture_clear(&d->x);
}

static struct op *start(struct download *d)
{
	return oci_blob_start(d->x.oci,
		&(struct oci_blob_req){
			.target = {&d->x.repo, d->x.nobody, 60000}, .blob = &d->desc, .fd = d->fd});
}

static struct op *get(struct download *d)
{
	struct op *op = start(d);

	fixture_wait(&d->x, op);
	return op;
}

/* The file, or the memory, holds the blob and nothing else. */
static void same(struct download *d, struct op *op)
{
	auto_free char *got = mem_alloc(d->desc.size + 1);
	struct buf *mem = oci_blob_mem(op);

	if (mem) {
		ck_assert_uint_eq(mem->len, d->desc.size);
		ck_assert(!memcmp(buf_str(mem), d->data, mem->len));
		return;
	}
	ck_assert_int_eq(lseek(d->fd, 0, SEEK_END), (off_t)d->desc.size);
	ck_assert_int_eq(pread(d->fd, got, d->desc.size, 0), (ssize_t)d->desc.size);
	ck_assert(!memcmp(got, d->data, d->desc.size));
}

static struct op *start_of_apps(struct fixture *x, void *arg)
{
	const struct download *d = arg;

	return oci_blob_start(x->oci,
		&(struct oci_blob_req){.target = {&x->repo, x->nobody, 60000},
			.blob = &d->desc,
			.fd = d->fd,
			.owner = "apps"});
}

START_TEST(owner)
{
	struct download d;

	setenv("UV_THREADPOOL_SIZE", "4", 1);
	init(&d, LARGE);
	fixture_in_line(&d.x, start_of_apps, &d);
	clear(&d);
}
END_TEST

static const size_t sizes[] = {0, 1, 1000, LIMIT_BLOB_IN_MEMORY - 1, LIMIT_BLOB_IN_MEMORY,
	LIMIT_BLOB_IN_MEMORY + 1, 2 * 256 * 1024 - 1, 2 * 256 * 1024, 2 * 256 * 1024 + 1, LARGE};

START_TEST(whole)
{
	struct oci_stats stats;
	struct download d;
	struct op *op;

	init(&d, sizes[_i]);
	if (!sizes[_i])
		d.answer->body = "";
	op = get(&d);
	fixture_ok(op);
	ck_assert_int_eq(oci_blob_mem(op) != NULL, sizes[_i] <= LIMIT_BLOB_IN_MEMORY);
	same(&d, op);
	op_free(op);
	oci_client_stats(d.x.oci, &stats);
	ck_assert_uint_eq(stats.requests[OCI_KIND_BLOB], 1);
	ck_assert_uint_eq(stats.blob_bytes, sizes[_i]);
	clear(&d);
}
END_TEST

/* ---- breaks ---------------------------------------------------------------------------------- */

static const struct {
	size_t size, cut;
	enum fake_way way;
} breaks[] = {
	{LARGE, 1, FAKE_CUT},
	{LARGE, 1000000, FAKE_CUT},
	{LARGE, 256 * 1024, FAKE_CUT},
	{LARGE, 3 * 1024 * 1024, FAKE_CUT},
	{100000, 50000, FAKE_CUT},
};

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

START_TEST(resume)
{
	struct oci_stats stats;
	struct download d;
	struct op *op;

	init(&d, breaks[_i].size);
	d.answer->way = breaks[_i].way;
	d.answer->cut = breaks[_i].cut;
	d.answer->times = 1;
	d.answer = fake_on(d.x.reg, "GET", d.path);
	d.answer->body = d.data;
	d.answer->body_len = breaks[_i].size;
	d.answer->ranges = true;
	op = get(&d);
	fixture_ok(op);
	same(&d, op);
	op_free(op);
	oci_client_stats(d.x.oci, &stats);
	ck_assert_uint_eq(stats.blob_resumes, 1);
	ck_assert_uint_eq(count(fake_log(d.x.reg), "range=bytes="), 1);
	ck_assert_uint_le(stats.blob_bytes, breaks[_i].size);
	clear(&d);
}
END_TEST

/* A reset takes with it what was not read yet: from nothing to all may have arrived. Never
   something else. */
START_TEST(reset)
{
	struct download d;
	struct op *op;

	init(&d, LARGE);
	d.answer->way = FAKE_RESET;
	d.answer->cut = 3 * 1024 * 1024;
	d.answer->times = 1;
	d.answer = fake_on(d.x.reg, "GET", d.path);
	d.answer->body = d.data;
	d.answer->body_len = LARGE;
	d.answer->ranges = true;
	op = get(&d);
	if (op->err.kind == ERR_NONE)
		same(&d, op);
	else
		ck_assert_int_eq(op->err.kind, ERR_RETRY);
	op_free(op);
	clear(&d);
}
END_TEST

START_TEST(no_ranges)
{
	struct download d;
	struct op *op;

	init(&d, _i ? LARGE : 100000);
	d.answer->way = FAKE_CUT;
	d.answer->cut = _i ? 2000000 : 50000;
	d.answer->times = 1;
	d.answer = fake_on(d.x.reg, "GET", d.path);
	d.answer->body = d.data;
	d.answer->body_len = d.desc.size;
	op = get(&d);
	fixture_ok(op);
	same(&d, op);
	op_free(op);
	clear(&d);
}
END_TEST

/* All bytes came, only the end of the chunks did not: there is nothing to ask for (a server says
   416), and the digest decides. */
START_TEST(cut_at_the_end)
{
	struct download d;
	struct op *op;

	init(&d, _i & 1 ? LARGE : 100000);
	d.answer->chunked = true;
	d.answer->way = FAKE_CUT;
	d.answer->times = 1;
	if (_i & 2)
		d.data[0] ^= 1;
	fake_on(d.x.reg, "GET", d.path)->status = 416;
	op = get(&d);
	if (_i & 2) {
		fixture_failed(op, "the digest of what the registry sent is");
	} else {
		fixture_ok(op);
		same(&d, op);
	}
	op_free(op);
	ck_assert_uint_eq(count(fake_log(d.x.reg), "GET "), 1);
	clear(&d);
}
END_TEST

START_TEST(always_cut)
{
	struct download d;
	struct op *op;

	init(&d, LARGE);
	d.answer->way = FAKE_CUT;
	d.answer->cut = 1000;
	op = get(&d);
	fixture_failed(op, "blob 'sha256:");
	op_free(op);
	ck_assert_uint_eq(count(fake_log(d.x.reg), "GET "), LIMIT_BLOB_TRIES);
	clear(&d);
}
END_TEST

static const struct {
	const char *range, *says;
} ranges[] = {
	{"Content-Range: bytes 0-99999/100000\r\n", "answers with 0 to 99999 of 100000"},
	{"Content-Range: bytes 50000-99999/200000\r\n", "of 200000"},
	{"Content-Range: bytes 50000-100000/100000\r\n", "to 100000"},
	{"Content-Range: pages 1-2/3\r\n", "no valid Content-Range"},
	{"X: y\r\n", "no valid Content-Range"},
};

START_TEST(lying_range)
{
	struct download d;
	struct op *op;

	init(&d, 100000);
	d.answer->way = FAKE_CUT;
	d.answer->cut = 50000;
	d.answer->times = 1;
	d.answer = fake_on(d.x.reg, "GET", d.path);
	d.answer->status = 206;
	d.answer->headers = ranges[_i].range;
	d.answer->body = d.data + 50000;
	d.answer->body_len = 50000;
	op = get(&d);
	fixture_failed(op, ranges[_i].says);
	op_free(op);
	clear(&d);
}
END_TEST

/* ---- lies ------------------------------------------------------------------------------------ */

START_TEST(other_bytes)
{
	struct download d;
	struct op *op;

	init(&d, _i ? LARGE : 1000);
	d.data[d.desc.size - 1] ^= 1;
	op = get(&d);
	fixture_failed(op, "the digest of what the registry sent is");
	fixture_failed(op, "127.0.0.1:");
	op_free(op);
	clear(&d);
}
END_TEST

START_TEST(announced_size)
{
	struct download d;
	struct op *op;

	init(&d, 1000);
	d.answer->body_len = _i ? 999 : 1001;
	op = get(&d);
	fixture_failed(
		op, _i ? "announces 999 bytes, the manifest says 1000" : "the manifest says 1000");
	op_free(op);
	clear(&d);
}
END_TEST

START_TEST(longer)
{
	struct download d;
	struct op *op;

	init(&d, _i & 1 ? LARGE : 1000);
	d.answer->chunked = true;
	d.answer->body_len = d.desc.size + 1;
	if (_i & 2)
		d.answer->way = FAKE_ENDLESS;
	op = get(&d);
	fixture_failed(op, "larger than");
	op_free(op);
	clear(&d);
}
END_TEST

START_TEST(shorter)
{
	struct download d;
	struct op *op;

	init(&d, _i ? LARGE : 1000);
	d.answer->chunked = true;
	d.answer->body_len = d.desc.size - 1;
	op = get(&d);
	fixture_failed(op,
		_i ? "it ended after 3158072 of the 3158073 bytes"
		   : "it ended after 999 of the 1000 bytes");
	op_free(op);
	clear(&d);
}
END_TEST

START_TEST(too_big)
{
	struct download d;
	struct op *op;

	init(&d, 1000);
	d.desc.size = LIMIT_BLOB + 1;
	op = get(&d);
	fixture_failed(op, "more than the 4294967296 that are allowed");
	op_free(op);
	ck_assert_str_eq(fake_log(d.x.reg), "");
	clear(&d);
}
END_TEST

START_TEST(missing)
{
	struct download d;
	struct op *op;

	init(&d, 1000);
	d.answer->status = 404;
	d.answer->body = "{\"errors\":[{\"code\":\"BLOB_UNKNOWN\",\"message\":\"gone\"}]}";
	d.answer->body_len = 0;
	op = get(&d);
	fixture_failed(op, "404 Not Found (BLOB_UNKNOWN: gone)");
	op_free(op);
	ck_assert_uint_eq(count(fake_log(d.x.reg), "GET "), 1);
	clear(&d);
}
END_TEST

START_TEST(stall)
{
	struct download d;
	struct op *op;

	clock_fake(1000000);
	init(&d, LARGE);
	d.answer->way = FAKE_STALL;
	d.answer->cut = 1000;
	op = start(&d);
	fixture_until(&d.x, d.line);
	fixture_advance(&d.x, op, 1000, 120000);
	fixture_failed(op, "no byte for 30s");
	op_free(op);
	ck_assert_uint_eq(count(fake_log(d.x.reg), "GET "), 1);
	clear(&d);
}
END_TEST

/* Above the least rate of a minute, but for a whole layer it is nothing. */
START_TEST(whole_too_slow)
{
	struct download d;
	struct op *op;

	clock_fake(1000000);
	init(&d, 400 * 1024);
	d.answer->way = FAKE_DRIP;
	d.answer->drip_ms = 1000;
	d.answer->drip_bytes = 1229;
	d.answer->headers = "Content-Length: 409600\r\n";
	op = start(&d);
	fixture_until(&d.x, d.line);
	fixture_advance(&d.x, op, 500, 100000);
	fixture_failed(op, "of its 409600 bytes came within 1m25s");
	fixture_failed(op, "blob 'sha256:");
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	op_free(op);
	ck_assert_uint_eq(count(fake_log(d.x.reg), "GET "), 1);
	clear(&d);
}
END_TEST

/* Tries and pauses count: a second one does not begin anew. */
START_TEST(whole_of_two_tries)
{
	struct download d;
	struct op *op;

	clock_fake(1000000);
	init(&d, 200000);
	d.answer->way = FAKE_CUT;
	d.answer->cut = 50000;
	d.answer->times = 1;
	d.answer = fake_on(d.x.reg, "GET", d.path);
	d.answer->status = 206;
	d.answer->headers =
		"Content-Range: bytes 50000-199999/200000\r\nContent-Length: 150000\r\n";
	d.answer->way = FAKE_DRIP;
	d.answer->drip_ms = 1000;
	d.answer->drip_bytes = 1500;
	op = start(&d);
	fixture_until(&d.x, d.line);
	fixture_advance(&d.x, op, 500, 74000);
	fixture_failed(op, "of its 200000 bytes came within 1m12.");
	op_free(op);
	ck_assert_uint_eq(count(fake_log(d.x.reg), "GET "), 2);
	clear(&d);
}
END_TEST

START_TEST(drip)
{
	struct download d;
	struct op *op;

	clock_fake(1000000);
	init(&d, 100000);
	d.answer->way = FAKE_DRIP;
	d.answer->drip_ms = 1000;
	d.answer->headers = "Content-Length: 100000\r\n";
	op = start(&d);
	fixture_until(&d.x, d.line);
	fixture_advance(&d.x, op, 500, 200000);
	fixture_failed(op, "bytes in 1m0s");
	op_free(op);
	ck_assert_uint_eq(count(fake_log(d.x.reg), "GET "), 1);
	clear(&d);
}
END_TEST

START_TEST(silence)
{
	struct download d;
	struct op *op;

	clock_fake(1000000);
	init(&d, 1000);
	d.answer->way = FAKE_SILENT;
	op = start(&d);
	fixture_until(&d.x, d.line);
	fixture_advance(&d.x, op, 50, 120000);
	fixture_failed(op, "does not answer (no answer in time)");
	op_free(op);
	clear(&d);
}
END_TEST

/* ---- our own trouble ------------------------------------------------------------------------- */

#ifdef TEST_BUILD
START_TEST(full_disk)
{
	struct download d;
	struct op *op;

	init(&d, LARGE);
	sys_fault(SYS_WRITE, 5, 28);
	op = get(&d);
	fixture_failed(op, "cannot write the blob to its file");
	fixture_failed(op, "No space left");
	op_free(op);
	sys_fault_clear();
	clear(&d);
}
END_TEST

#endif

/* Cancelled at any time: the worker has ended when the op has, and nothing leaks. */
START_TEST(canceled)
{
	struct download d;
	bool done = false, early;
	struct op *op;
	int i;

	init(&d, LARGE);
	if (_i > 5)
		d.answer->way = FAKE_STALL, d.answer->cut = 1500000;
	op = start(&d);
	op_then(op, fixture_done, &done);
	/* Never waiting: with a stalled transfer the next event would be its own time limit. */
	for (i = 0; i < _i * 100 && !done; i++)
		loop_turn(d.x.loop, false);
	early = done; /* a fast machine had them all; never one that stalls */
	op_cancel(op);
	while (!done)
		loop_turn(d.x.loop, true);
	ck_assert(!early || _i <= 5);
	ck_assert_int_eq(op->err.kind, early ? ERR_NONE : ERR_CANCELED);
	op_free(op);
	clear(&d);
}
END_TEST

/* Blobs do not stand in the way of what polls. */
START_TEST(many_blobs)
{
	struct op *ops[12];
	bool done[12] = {false};
	struct download d;
	size_t i, left;

	init(&d, 100000);
	for (i = 0; i < ARRAY_LEN(ops); i++) {
		ops[i] = start(&d);
		op_then(ops[i], fixture_done, &done[i]);
	}
	do {
		loop_turn(d.x.loop, true);
		for (i = left = 0; i < ARRAY_LEN(ops); i++)
			left += !done[i];
	} while (left);
	for (i = 0; i < ARRAY_LEN(ops); i++) {
		fixture_ok(ops[i]);
		same(&d, ops[i]);
		op_free(ops[i]);
	}
	clear(&d);
}
END_TEST

Suite *suite_blob(void)
{
	Suite *s = suite_create("blob");
	TCase *t = tcase_create("blob");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, whole, 0, ARRAY_LEN(sizes));
	tcase_add_loop_test(t, resume, 0, ARRAY_LEN(breaks));
	tcase_add_test(t, reset);
	tcase_add_loop_test(t, no_ranges, 0, 2);
	tcase_add_loop_test(t, cut_at_the_end, 0, 4);
	tcase_add_test(t, always_cut);
	tcase_add_loop_test(t, lying_range, 0, ARRAY_LEN(ranges));
	tcase_add_loop_test(t, other_bytes, 0, 2);
	tcase_add_loop_test(t, announced_size, 0, 2);
	tcase_add_loop_test(t, longer, 0, 4);
	tcase_add_loop_test(t, shorter, 0, 2);
	tcase_add_test(t, too_big);
	tcase_add_test(t, missing);
	tcase_add_test(t, stall);
	tcase_add_test(t, whole_too_slow);
	tcase_add_test(t, whole_of_two_tries);
	tcase_add_test(t, drip);
	tcase_add_test(t, silence);
#ifdef TEST_BUILD
	tcase_add_test(t, full_disk);
#endif
	tcase_add_loop_test(t, canceled, 0, 12);
	tcase_add_test(t, many_blobs);
	tcase_add_test(t, owner);
	suite_add_tcase(s, t);
	return s;
}
