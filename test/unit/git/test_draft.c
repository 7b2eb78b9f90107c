/* New commits on top of what is there: git itself says whether they are sound. */
#include "packs.h"
#include "repo.h"

#include "base/limits.h"
#include "base/mem.h"
#include "git/draft.h"
#include "git/gitc.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct gitc_folder *folder;

static void setup(void)
{
	folder = gr_setup();
	gr_init();
	gr_sh(NULL,
		"cd r; mkdir -p apps/web apps/db; echo 'tag: 1' | tee apps/web/k.yaml "
		"apps/db/k.yaml top >/dev/null; "
		"chmod 755 apps/db/k.yaml; ln -s k.yaml apps/web/link; git add .; git commit -qm "
		"1; "
		"git commit -q --allow-empty -m 2; git init -q --bare ../remote.git; "
		"git push -q ../remote.git main");
}

static void teardown(void)
{
	gr_teardown(folder);
}

static struct gitc_change change(const char *path, const char *text)
{
	return (struct gitc_change){path, text, strlen(text)};
}

static struct gitc_draft_req request(struct gitc_objects *o)
{
	static char name[] = " flux <bot>\n ", email[] = "b@c";

	return (struct gitc_draft_req){.objects = o,
		.parent = gr_rev("main"),
		.who = {.name = name, .email = email, .when = 1700000000, .tz = -90},
		.message = "update\n\n- x \n\n",
		.message_len = 14};
}

/* Sends the pack as a push does: old and new name in a pkt-line, then the pack. */
static int push(const struct gitc_oid *old, const struct gitc_oid *new, const struct buf *pack)
{
	char a[GITC_OID_HEX], b[GITC_OID_HEX], line[256];
	FILE *f = fopen("request", "w");
	int n;

	ck_assert_ptr_nonnull(f);
	n = snprintf(line, sizeof(line), "%s %s refs/heads/main%c report-status",
		gitc_oid_format(old, a), gitc_oid_format(new, b), '\0');
	fprintf(f, "%04x", n + 4);
	fwrite(line, 1, (size_t)n, f);
	fputs("0000", f);
	fwrite(pack->p, 1, pack->len, f);
	fclose(f);
	return gr_sh_rc(
		"git receive-pack remote.git <request >answer; grep -aq 'unpack ok' answer; "
		"grep -aq 'ok refs/heads/main' answer");
}

static void expect_out(const char *script, const char *want)
{
	struct buf out = BUF_INIT(BUF_ANY);

	gr_sh(&out, "%s; echo", script);
	while (out.len && out.p[out.len - 1] == '\n')
		out.p[--out.len] = '\0';
	ck_assert_str_eq(buf_str(&out), want);
	buf_clear(&out);
}

/* From a set with one commit and no blobs, to a server that has all. */
START_TEST(test_push)
{
	struct buf pack = BUF_INIT(BUF_ANY);
	struct gitc_objects *o =
		gr_pack(folder, "git rev-list --objects --filter=blob:none -1 main");
	struct gitc_draft_req req = request(o);
	struct gitc_change changes[] = {change("apps/web/k.yaml", "tag: 2\n"),
		change("apps/db/k.yaml", "tag: 2\n"), change("top", "tag: 1\n")};
	struct gitc_oid oid;
	struct err err = {0};
	struct gitc_draft *d;

	req.changes = changes;
	req.n_changes = 3;
	d = gitc_draft_new(&req, NULL, &err);
	ck_assert_msg(d != NULL, "%s", err.msg);
	ck_assert_msg(!gitc_draft_seal(d, NULL, &oid, &pack, NULL, &err), "%s", err.msg);
	gitc_draft_free(d);
	ck_assert_int_eq(push(&req.parent, &oid, &pack), 0);
	gr_sh(NULL, "git -C remote.git fsck --strict; git -C r fetch -q ../remote.git main");
	expect_out("git -C r diff --raw --abbrev=4 main FETCH_HEAD | cut -c1-15,26-",
		":100755 100755 M\tapps/db/k.yaml\n:100644 100644 M\tapps/web/k.yaml");
	expect_out("git -C r log -1 --format='%an|%ae|%ad|%cn|%ce|%cd' --date=raw FETCH_HEAD",
		"flux bot|b@c|1700000000 -0130|flux bot|b@c|1700000000 -0130");
	expect_out("git -C r cat-file commit FETCH_HEAD | sed '1,/^$/d'; echo '|'",
		"update\n\n- x \n\n|");
	/* One blob, three trees (root, apps, two folders) and the commit. */
	expect_out("git -C r rev-list --objects main..FETCH_HEAD | wc -l", "6");
	/* The same again is stale now. */
	ck_assert_int_ne(push(&req.parent, &oid, &pack), 0);
	gitc_objects_unref(o);
	buf_clear(&pack);
}
END_TEST

/* A signature of what was handed out. */
START_TEST(test_signed)
{
	struct buf pack = BUF_INIT(BUF_ANY), signature = BUF_INIT(BUF_ANY);
	struct gitc_objects *o = gr_fetch(folder, "main");
	struct gitc_draft_req req = request(o);
	struct gitc_change changes[] = {change("top", "tag: 2\n")};
	struct gitc_oid oid;
	struct err err = {0};
	struct gitc_draft *d;
	FILE *f;

	req.changes = changes;
	req.n_changes = 1;
	d = gitc_draft_new(&req, NULL, &err);
	ck_assert_msg(d != NULL, "%s", err.msg);
	f = fopen("payload", "w");
	fwrite(gitc_draft_payload(d)->p, 1, gitc_draft_payload(d)->len, f);
	fclose(f);
	gr_sh(&signature,
		"ssh-keygen -q -t ed25519 -N '' -f key; echo \"a@b $(cat key.pub)\" >allowed; "
		"ssh-keygen -q -Y sign -n git -f key payload 2>/dev/null; cat payload.sig");
	ck_assert_int_eq(gitc_draft_seal(d, buf_str(&signature), &oid, &pack, NULL, &err), 0);
	gitc_draft_free(d);
	ck_assert_int_eq(push(&req.parent, &oid, &pack), 0);
	gr_sh(NULL,
		"git -C remote.git fsck --strict; git -C remote.git -c gpg.format=ssh "
		"-c gpg.ssh.allowedSignersFile=$PWD/allowed verify-commit main 2>/dev/null");
	gitc_objects_unref(o);
	buf_clear(&pack);
	buf_clear(&signature);
}
END_TEST

static const struct {
	const char *paths[2];
	int code;
	const char *words;
} refused[] = {
	{{"none"}, GITC_NO_PATH, "'none' is not there"},
	{{"apps/none/x"}, GITC_NO_PATH, "'apps/none/x' is not there"},
	{{"top/x"}, GITC_NO_PATH, "'top/x' is not there"},
	{{"apps"}, GITC_NO_PATH, "'apps' is no file"},
	{{"apps/web/link"}, GITC_NO_PATH, "is no file"},
	{{"../x"}, GITC_NO_PATH, "leads elsewhere"},
	{{"apps//web"}, GITC_NO_PATH, "is empty"},
	{{""}, GITC_NO_PATH, "is empty"},
	{{"top", "top"}, GITC_NO_PATH, "is there twice"},
};

START_TEST(test_refused)
{
	struct gitc_objects *o = gr_fetch(folder, "main");
	struct gitc_draft_req req = request(o);
	struct gitc_change changes[2];
	struct err err = {0};

	for (; req.n_changes < 2 && refused[_i].paths[req.n_changes]; req.n_changes++)
		changes[req.n_changes] = change(refused[_i].paths[req.n_changes], "x");
	req.changes = changes;
	ck_assert_ptr_null(gitc_draft_new(&req, NULL, &err));
	ck_assert_int_eq(err.code, refused[_i].code);
	ck_assert_msg(strstr(err.msg, refused[_i].words) != NULL, "%s", err.msg);
	gitc_objects_unref(o);
}
END_TEST

START_TEST(test_same)
{
	struct gitc_objects *o = gr_fetch(folder, "main");
	struct gitc_draft_req req = request(o);
	struct gitc_change changes[] = {change("top", "tag: 1\n")};
	struct err err = {0};

	ck_assert_ptr_null(gitc_draft_new(&req, NULL, &err));
	ck_assert_int_eq(err.code, GITC_SAME);
	req.changes = changes;
	req.n_changes = 1;
	ck_assert_ptr_null(gitc_draft_new(&req, NULL, &err));
	ck_assert_int_eq(err.code, GITC_SAME);
	changes[0].text = "tag: 2";
	req.message = "a\0b";
	req.message_len = 3;
	ck_assert_ptr_null(gitc_draft_new(&req, NULL, &err));
	ck_assert_int_eq(err.kind, ERR_STALL);
	gitc_objects_unref(o);
}
END_TEST

/* Large and empty ones. */
START_TEST(test_sizes)
{
	struct buf pack = BUF_INIT(BUF_ANY), big = BUF_INIT(BUF_ANY);
	struct gitc_objects *o = gr_fetch(folder, "main");
	struct gitc_draft_req req = request(o);
	struct gitc_change changes[] = {change("top", ""), change("apps/web/k.yaml", "")};
	struct gitc_oid oid;
	struct err err = {0};
	struct gitc_draft *d;
	unsigned i;

	for (i = 0; i < 300000; i++)
		buf_addf(&big, "%u\n", i * 2654435761u);
	changes[0].text = big.p;
	changes[0].len = big.len;
	req.changes = changes;
	req.n_changes = 2;
	d = gitc_draft_new(&req, NULL, &err);
	ck_assert_msg(d != NULL, "%s", err.msg);
	ck_assert_int_eq(gitc_draft_seal(d, NULL, &oid, &pack, NULL, &err), 0);
	gitc_draft_free(d);
	ck_assert_int_eq(push(&req.parent, &oid, &pack), 0);
	gr_sh(NULL,
		"git -C remote.git fsck --strict; test $(git -C remote.git cat-file -s main:top) = "
		"%zu; "
		"test $(git -C remote.git cat-file -s main:apps/web/k.yaml) = 0",
		big.len);
	buf_clear(&big);
	gitc_objects_unref(o);
	buf_clear(&pack);
}
END_TEST

/* A pack that has no room is seen while it grows: at its first blob, then at its tree, and in the
   end its commit alone is too much for it. */
START_TEST(test_pack_max)
{
	struct buf pack = BUF_INIT(BUF_ANY);
	struct gitc_objects *o = gr_fetch(folder, "main");
	struct gitc_draft_req req = request(o);
	struct gitc_change changes[] = {change("top", "tag: 2\n")};
	struct gitc_oid oid;
	struct err err = {0};
	struct gitc_draft *d;

	req.changes = changes;
	req.n_changes = 1;
	req.max_pack = 4000; /* zlib is given a page at least */
	ck_assert_ptr_null(gitc_draft_new(&req, NULL, &err));
	ck_assert_int_eq(err.code, GITC_TOO_LARGE);
	ck_assert_str_eq(err.msg, "the pack has more than 4000 bytes");
	err = (struct err){0};
	for (; !(d = gitc_draft_new(&req, NULL, &err)); req.max_pack++)
		ck_assert_int_eq(err.code, GITC_TOO_LARGE);
	ck_assert_int_eq(gitc_draft_seal(d, NULL, &oid, &pack, NULL, &err), -1);
	ck_assert_int_eq(err.code, GITC_TOO_LARGE);
	gitc_draft_free(d);
	gitc_objects_unref(o);
	buf_clear(&pack);
}
END_TEST

static uint64_t tree_size(const char *name)
{
	struct buf out = BUF_INIT(BUF_ANY);
	uint64_t n;

	gr_sh(&out, "git -C r cat-file -s '%s'", name);
	n = strtoull(buf_str(&out), NULL, 10);
	buf_clear(&out);
	return n;
}

/* What is above a file counts as well, and nothing is read that has no room. Folders beside each
   other share it. */
START_TEST(test_trees_max)
{
	struct gitc_objects *o = gr_fetch(folder, "main");
	struct gitc_draft_req req = request(o);
	struct gitc_change changes[] = {
		change("apps/db/k.yaml", "tag: 2\n"), change("apps/web/k.yaml", "tag: 2\n")};
	uint64_t db = tree_size("main:apps/db"), web = tree_size("main:apps/web");
	struct err err = {0};
	struct gitc_draft *d;

	ck_assert_uint_gt(web, db);
	req.changes = changes;
	req.n_changes = 2;
	req.trees = tree_size("main:") + tree_size("main:apps") + web;
	d = gitc_draft_new(&req, NULL, &err);
	ck_assert_msg(d != NULL, "%s", err.msg);
	gitc_draft_free(d);
	req.trees--;
	ck_assert_ptr_null(gitc_draft_new(&req, NULL, &err));
	ck_assert_int_eq(err.code, GITC_TOO_LARGE);
	ck_assert_str_eq(err.msg, "the folders down to 'apps/web/k.yaml' have too many entries");
	gitc_objects_unref(o);
}
END_TEST

START_TEST(test_stopped)
{
	struct buf pack = BUF_INIT(BUF_ANY);
	struct gitc_objects *o = gr_fetch(folder, "main");
	struct gitc_draft_req req = request(o);
	struct gitc_change changes[] = {change("top", "tag: 2\n")};
	atomic_bool stop = true;
	struct gitc_oid oid;
	struct err err = {0};
	struct gitc_draft *d;

	req.changes = changes;
	req.n_changes = 1;
	d = gitc_draft_new(&req, NULL, &err);
	ck_assert_msg(d != NULL, "%s", err.msg);
	ck_assert_int_eq(gitc_draft_seal(d, NULL, &oid, &pack, &stop, &err), -1);
	ck_assert_int_eq(err.kind, ERR_CANCELED);
	gitc_draft_free(d);
	gitc_objects_unref(o);
	buf_clear(&pack);
}
END_TEST

Suite *suite_draft(void);
Suite *suite_draft(void)
{
	Suite *s = suite_create("draft");
	TCase *t = tcase_create("draft");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_push);
	tcase_add_test(t, test_signed);
	tcase_add_loop_test(t, test_refused, 0, ARRAY_LEN(refused));
	tcase_add_test(t, test_same);
	tcase_add_test(t, test_sizes);
	tcase_add_test(t, test_pack_max);
	tcase_add_test(t, test_trees_max);
	tcase_add_test(t, test_stopped);
	suite_add_tcase(s, t);
	return s;
}
