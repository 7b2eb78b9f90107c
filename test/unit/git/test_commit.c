/* Commits and tags: what they say, and what was signed. */
#include "packs.h"
#include "repo.h"

#include "base/mem.h"
#include "git/commit.h"
#include "git/gitc.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct gitc_folder *folder;

static void setup(void)
{
	folder = gr_setup();
}

static void teardown(void)
{
	gr_teardown(folder);
}

static void expect_file(const struct buf *b, const char *file)
{
	struct buf want = BUF_INIT(BUF_ANY);

	gr_sh(&want, "cat %s; echo", file);
	ck_assert_msg(b->len == want.len && !memcmp(buf_str(b), buf_str(&want), b->len),
		"%s: '%s' instead of '%s'", file, buf_str(b), buf_str(&want));
	buf_clear(&want);
}

START_TEST(test_real)
{
	struct gitc_objects *o;
	struct gitc_commit c;
	struct gitc_oid oid, peeled;
	struct gitc_tag t;
	struct err err = {0};

	gr_init();
	gr_sh(NULL,
		"cd r; echo x >f; git add f; git commit -qm one; printf 'two\\n\\nmore\\n' | git "
		"commit -q "
		"--allow-empty -F -; git tag -a -m 'the tag' v1; git tag -a -m 'of a tag' v2 v1");
	o = gr_fetch(folder, "--all");
	oid = gr_rev("HEAD");
	ck_assert_msg(!gitc_commit_read(o, &oid, &c, &err), "%s", err.msg);
	peeled = gr_rev("HEAD^{tree}");
	ck_assert(gitc_oid_equal(&c.tree, &peeled));
	peeled = gr_rev("HEAD~1");
	ck_assert_uint_eq(c.parents.len, 1);
	ck_assert(gitc_oid_equal(&c.parents.p[0], &peeled));
	ck_assert_str_eq(c.author.name, "A");
	ck_assert_str_eq(c.author.email, "a@example.com");
	ck_assert_int_eq(c.author.when, 1700000000);
	ck_assert_int_eq(c.author.tz, 90);
	ck_assert_str_eq(c.committer.name, "C");
	ck_assert_int_eq(c.committer.when, 1700000001);
	ck_assert_int_eq(c.committer.tz, -480);
	ck_assert_str_eq(buf_str(&c.message), "two\n\nmore\n");
	ck_assert_uint_eq(c.signature.len, 0);
	gitc_commit_clear(&c);
	oid = gr_rev("v1");
	ck_assert_msg(!gitc_tag_read(o, &oid, &t, &err), "%s", err.msg);
	ck_assert_str_eq(t.name, "v1");
	ck_assert_int_eq(t.type, GITC_COMMIT);
	ck_assert(t.has_tagger);
	ck_assert_str_eq(t.tagger.email, "c@example.com");
	ck_assert_str_eq(buf_str(&t.message), "the tag\n");
	ck_assert_uint_eq(t.signature.len, 0);
	gitc_tag_clear(&t);
	oid = gr_rev("v2");
	ck_assert_msg(!gitc_peel(o, &oid, &peeled, &err), "%s", err.msg);
	oid = gr_rev("HEAD");
	ck_assert(gitc_oid_equal(&oid, &peeled));
	ck_assert_int_eq(gitc_tag_read(o, &oid, &t, &err), -1);
	ck_assert_int_eq(err.code, GITC_BAD_OBJECT);
	gitc_tag_clear(&t);
	oid = gr_rev("HEAD:f");
	ck_assert_int_eq(gitc_peel(o, &oid, &peeled, &err), -1);
	ck_assert_int_eq(err.code, GITC_BAD_OBJECT);
	gitc_objects_unref(o);
}
END_TEST

/* GR-11: ssh-keygen checks what was cut out against the signature that was cut out. */
START_TEST(test_gr_11_signed)
{
	struct gitc_objects *o;
	struct gitc_commit c;
	struct gitc_tag t;
	struct gitc_oid oid;
	struct err err = {0};
	FILE *f;

	gr_init();
	gr_sh(NULL,
		"ssh-keygen -q -t ed25519 -N '' -f key; echo \"a@b $(cat key.pub)\" >allowed; cd "
		"r; "
		"git config gpg.format ssh; git config user.signingKey $PWD/../key; echo x >f; git "
		"add f; "
		"git commit -q -S -m one; git tag -s -m 'the tag' v1");
	o = gr_fetch(folder, "--all");
	oid = gr_rev("HEAD");
	ck_assert_msg(!gitc_commit_read(o, &oid, &c, &err), "%s", err.msg);
	f = fopen("payload", "w");
	fwrite(c.payload.p, 1, c.payload.len, f);
	fclose(f);
	f = fopen("signature", "w");
	fwrite(c.signature.p, 1, c.signature.len, f);
	fclose(f);
	gr_sh(NULL,
		"ssh-keygen -Y verify -f allowed -I a@b -n git -s signature <payload >/dev/null");
	gr_sh(NULL, "git -C r cat-file commit HEAD | sed '/^gpgsig/,/^ -----END/d' >want");
	expect_file(&c.payload, "want");
	gitc_commit_clear(&c);
	oid = gr_rev("v1");
	ck_assert_msg(!gitc_tag_read(o, &oid, &t, &err), "%s", err.msg);
	f = fopen("payload", "w");
	fwrite(t.payload.p, 1, t.payload.len, f);
	fclose(f);
	f = fopen("signature", "w");
	fwrite(t.signature.p, 1, t.signature.len, f);
	fclose(f);
	gr_sh(NULL,
		"ssh-keygen -Y verify -f allowed -I a@b -n git -s signature <payload >/dev/null");
	ck_assert_str_eq(buf_str(&t.message), "the tag\n");
	gitc_tag_clear(&t);
	gitc_objects_unref(o);
}
END_TEST

#define TREE "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
#define WHO "author A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n"

struct row {
	const char *why; /* NULL: it is fine */
	const char *text;
	const char *payload, *signature, *message;
};

static const struct row commits[] = {
	{NULL, TREE WHO "\nm\n", TREE WHO "\nm\n", "", "m\n"},
	{NULL, TREE WHO "\n", TREE WHO "\n", "", ""},
	{NULL, TREE WHO, TREE WHO, "", ""},
	{NULL, TREE WHO "gpgsig a\n b\n \n c\nencoding x\n\nm", TREE WHO "encoding x\n\nm",
		"a\nb\n\nc\n", "m"},
	{NULL, TREE WHO "gpgsig-sha256 a\n b\ngpgsig c\n d\n\nm", TREE WHO "\nm", "c\nd\n", "m"},
	{NULL, TREE WHO "mergetag object x\n gpgsig no\n\nm",
		TREE WHO "mergetag object x\n gpgsig no\n\nm", "", "m"},
	{NULL, TREE WHO "\nm\ngpgsig a\n", TREE WHO "\nm\ngpgsig a\n", "", "m\ngpgsig a\n"},
	{"has two signatures", TREE WHO "gpgsig a\ngpgsig b\n\nm", NULL, NULL, NULL},
	{"has no tree", WHO "\nm", NULL, NULL, NULL},
	{"has no tree", "", NULL, NULL, NULL},
	{"has no tree", "tree 4b825dc642cb6eb9a060e54bf8d69288fbee490\n" WHO, NULL, NULL, NULL},
	{"has a parent that is none", TREE "parent x\n" WHO, NULL, NULL, NULL},
	{"has no author", TREE "gpgsig a\n" WHO "\nm", NULL, NULL, NULL},
	{"has no committer", TREE "author A <a@b> 1 +0000\n\nm", NULL, NULL, NULL},
};

START_TEST(test_commits)
{
	const struct row *r = &commits[_i];
	struct gitc_commit c;
	const char *why = gitc_commit_parse(&c, r->text, strlen(r->text));

	if (r->why) {
		ck_assert_pstr_eq(why, r->why);
	} else {
		ck_assert_pstr_eq(why, NULL);
		ck_assert_str_eq(buf_str(&c.payload), r->payload);
		ck_assert_str_eq(buf_str(&c.signature), r->signature);
		ck_assert_str_eq(buf_str(&c.message), r->message);
	}
	gitc_commit_clear(&c);
}
END_TEST

static const struct {
	const char *line, *name, *email;
	int64_t when;
	int tz;
} people[] = {
	{"A B <a@b> 1700000000 +0130", "A B", "a@b", 1700000000, 90},
	{"<a@b> 1 -0000", "", "a@b", 1, 0},
	{"A <> 1 -1234", "A", "", 1, -(12 * 60 + 34)},
	{"A <x> 5 +0000 <a@b> 1 +0100", "A <x> 5 +0000", "a@b", 1, 60},
	{"A <a@b>", NULL, NULL, 0, 0},
	{"A <a@b> x +0000", NULL, NULL, 0, 0},
	{"A <a@b> 1", NULL, NULL, 0, 0},
	{"A <a@b> 1 +00", NULL, NULL, 0, 0},
	{"A <a@b> 99999999999999999999 +0000", NULL, NULL, 0, 0},
	{"A a@b> 1 +0000", NULL, NULL, 0, 0},
	{"x", NULL, NULL, 0, 0},
};

START_TEST(test_people)
{
	char text[512];
	struct gitc_commit c;

	snprintf(text, sizeof(text), TREE "author %s\ncommitter %s\n\nm", people[_i].line,
		people[_i].line);
	ck_assert_pstr_eq(gitc_commit_parse(&c, text, strlen(text)), NULL);
	ck_assert_pstr_eq(c.author.name, people[_i].name);
	ck_assert_pstr_eq(c.committer.email, people[_i].email);
	ck_assert_int_eq(c.author.when, people[_i].when);
	ck_assert_int_eq(c.author.tz, people[_i].tz);
	gitc_commit_clear(&c);
}
END_TEST

#define TAG "object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype commit\ntag v1\n"
#define SIG "-----BEGIN SSH SIGNATURE-----\nx\n-----END SSH SIGNATURE-----\n"

static const struct row tags[] = {
	{NULL, TAG "tagger A <a@b> 1 +0000\n\nm\n", TAG "tagger A <a@b> 1 +0000\n\nm\n", "", "m\n"},
	{NULL, TAG "\nm\n" SIG, TAG "\nm\n", SIG, "m\n"},
	{NULL, TAG "\n" SIG, TAG "\n", SIG, ""},
	/* The last one counts, and what is in front of it was signed. */
	{NULL, TAG "\nm\n" SIG "more\n" SIG, TAG "\nm\n" SIG "more\n", SIG, "m\n" SIG "more\n"},
	{NULL, TAG "\nm " SIG, TAG "\nm " SIG, "", "m " SIG},
	{NULL, TAG, TAG, "", ""},
	{"has no object", "type commit\n", NULL, NULL, NULL},
	{"has no type", "object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype x\n", NULL, NULL,
		NULL},
	{"has no name", "object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype tree\n\n", NULL,
		NULL, NULL},
};

START_TEST(test_tags)
{
	const struct row *r = &tags[_i];
	struct gitc_tag t;
	const char *why = gitc_tag_parse(&t, r->text, strlen(r->text));

	ck_assert_pstr_eq(why, r->why);
	if (!why) {
		ck_assert_str_eq(t.name, "v1");
		ck_assert_str_eq(buf_str(&t.payload), r->payload);
		ck_assert_str_eq(buf_str(&t.signature), r->signature);
		ck_assert_str_eq(buf_str(&t.message), r->message);
	}
	gitc_tag_clear(&t);
}
END_TEST

/* Tags of tags of tags end. */
START_TEST(test_tag_chain)
{
	struct buf pack = BUF_INIT(BUF_ANY), text = BUF_INIT(BUF_ANY);
	struct gitc_oid oid = pk_oid(PK_TREE, "", 0), commit;
	struct gitc_objects *o;
	char hex[GITC_OID_HEX];
	struct err err = {0};
	unsigned i;

	pk_begin(&pack, 13);
	oid = pk_commit(&text, &oid);
	pk_add(&pack, PK_COMMIT, text.p, text.len);
	for (i = 0; i < 12; i++) {
		buf_reset(&text);
		buf_addf(&text, "object %s\ntype %s\ntag t\n\nm", gitc_oid_format(&oid, hex),
			i ? "tag" : "commit");
		oid = pk_oid(PK_TAG, text.p, text.len);
		pk_add(&pack, PK_TAG, text.p, text.len);
	}
	pk_end(&pack);
	o = pk_index(folder, NULL, pack.p, pack.len, 0, &err);
	ck_assert_msg(o != NULL, "%s", err.msg);
	ck_assert_int_eq(gitc_peel(o, &oid, &commit, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "leads over too many tags"));
	gitc_objects_unref(o);
	buf_clear(&pack);
	buf_clear(&text);
}
END_TEST

Suite *suite_commit(void);
Suite *suite_commit(void)
{
	Suite *s = suite_create("commit");
	TCase *t = tcase_create("commit");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_real);
	tcase_add_test(t, test_gr_11_signed);
	tcase_add_test(t, test_tag_chain);
	suite_add_tcase(s, t);
	t = tcase_create("parse");
	tcase_add_loop_test(t, test_commits, 0, ARRAY_LEN(commits));
	tcase_add_loop_test(t, test_people, 0, ARRAY_LEN(people));
	tcase_add_loop_test(t, test_tags, 0, ARRAY_LEN(tags));
	suite_add_tcase(s, t);
	return s;
}
