/* Edits and commits over real repositories, which the git program makes, and looks at after. */
#include "controllers/imageupdateautomation/edit.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "controllers/imageupdateautomation/commit.h"
#include "controllers/imageupdateautomation/refspec.h"
#include "controllers/imageupdateautomation/spec.h"
#include "crypto/ssh_key.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "git/folder.h"
#include "git/gitc.h"
#include "git/index.h"
#include "git/objects.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct loop *loop;
static struct gitc_folder *folder;
static struct gitc_objects *objects;
static struct gitc_oid head;
static char dir[64];

#define GIT "git -c user.name=t -c user.email=t@t -C repo "

/* What a command writes; it has to end well. Borrowed until the next one. */
static const char *sh(const char *command)
{
	static char out[65536];
	auto_free char *line = mem_printf(
		"cd %s && export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null && (%s) 2>&1",
		dir, command);
	FILE *f = popen(line, "r");
	size_t n = fread(out, 1, sizeof(out) - 1, f);

	out[n] = '\0';
	ck_assert_msg(pclose(f) == 0, "%s: %s", command, out);
	return out;
}

static void pack_read(void)
{
	auto_buf struct buf pack = BUF_INIT(BUF_ANY);
	auto_free char *path = mem_printf("%s/pack", dir);
	struct gitc_index *ix = gitc_index_new(folder, &(struct gitc_limits){0});
	struct err err = {0};
	char part[4096];
	ssize_t n;
	int fd;

	sh(GIT "rev-list --objects --all | " GIT "pack-objects -q --stdout >pack");
	fd = open(path, O_RDONLY);
	while ((n = read(fd, part, sizeof(part))) > 0)
		ck_assert_msg(!gitc_index_add(ix, part, (size_t)n, NULL, &err), "%s", err.msg);
	close(fd);
	ck_assert_msg(!gitc_index_end(ix, &objects, NULL, &err), "%s", err.msg);
	gitc_index_free(ix);
	ck_assert(gitc_oid_parse(&head, sh(GIT "rev-parse HEAD"), 40));
}

/* A repository of what these commands make in it. */
static void begin(const char *commands)
{
	auto_free char *line =
		mem_printf("git init -q -b main repo && cd repo && %s && cd .. && " GIT
			   "add -A && " GIT "commit -q -m first",
			commands);
	auto_free char *state = NULL;
	struct err err = {0};

	log_set_fd(-1);
	snprintf(dir, sizeof(dir), "/tmp/oci-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	loop = loop_new();
	state = mem_printf("%s/state", dir);
	folder = gitc_folder_new(state, &err);
	ck_assert_msg(folder != NULL, "%s", err.msg);
	sh(line);
	pack_read();
}

static void end(void)
{
	gitc_objects_unref(MOVE(objects));
	loop_settle(loop);
	gitc_folder_free(folder);
	sh("rm -rf repo state pack out key*");
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(loop_free(loop), 0);
}

static void done(struct op *op, void *arg)
{
	(void)op;
	*(bool *)arg = true;
}

static void finish(struct op *op)
{
	bool is_done = false;

	op_then(op, done, &is_done);
	while (!is_done)
		loop_turn(loop, true);
}

/* err: of the job that failed, if one did. set: may change what the edit begins with. */
static struct edit *edit_with(
	const char *path, void (*set)(struct edit *e, int i), int i, struct err *err)
{
	struct edit *e = edit_new(objects, &head, path);
	struct op *op;

	if (set)
		set(e, i);
	edit_policy(e, "ns", "b", "img/b", "2.0", "");
	edit_policy(e, "ns", "app", "ghcr.io/app", "1.1", "sha256:abc");
	op = edit_list_start(loop, "ns", e);
	finish(op);
	*err = op->err;
	e = edit_take(op);
	op_free(op);
	if (err->kind != ERR_NONE)
		return e;
	ck_assert_int_eq(e->missing.len, 0);
	op = edit_run_start(loop, "ns", e);
	finish(op);
	*err = op->err;
	e = edit_take(op);
	op_free(op);
	return e;
}

static struct edit *edit(const char *path, struct err *err)
{
	return edit_with(path, NULL, 0, err);
}

/* "path path ..." of what has changed. */
static const char *changed(const struct edit *e)
{
	static char out[4096];
	const struct edit_changed *c;
	size_t n = 0;

	out[0] = '\0';
	vec_each (&e->changed, c)
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", n ? " " : "", c->path);
	return out;
}

#define MARK "# {\"$imagepolicy\": \"ns:app:tag\"}"
#define PUT(name) "printf 'a:\\n  tag: 1.0 " MARK "\\n' >" name

START_TEST(test_set_33_34_35_files)
{
	struct edit *e;
	struct err err;

	begin(
		PUT("a.yaml") " && " PUT("b.yml") " && " PUT("Kustomization") " && " PUT("c.YAML") " && " PUT(
			"d.txt") " && " PUT("e.json") " && mkdir .hidden z "
						      "&& " PUT(
							      ".hidden/"
							      "f.yaml") " &&"
									" " PUT("z/g.yaml") " && "
											    "ln -s "
											    "../"
											    "a."
											    "yaml "
											    "z/"
											    "in."
											    "yaml "
											    "&& "
											    "ln -s "
											    "/etc/"
											    "x."
											    "yaml "
											    "z/"
											    "out."
											    "yaml "
											    "&& "
											    "echo "
											    "'a: "
											    "b' "
											    ">z/"
											    "none."
											    "yaml");
	e = edit("", &err);
	ck_assert_msg(err.kind == ERR_NONE, "%s", err.msg);
	ck_assert_str_eq(changed(e), ".hidden/f.yaml Kustomization a.yaml b.yml z/g.yaml");
	ck_assert_int_eq(e->files.len, 6);
	ck_assert_str_eq(buf_str(&e->changed.p[0].out.text), "a:\n  tag: \"1.1\" " MARK "\n");
	edit_free(e);
	end();
}
END_TEST

START_TEST(test_set_36_path)
{
	struct edit *e;
	struct err err;

	begin("mkdir -p apps/web && " PUT("apps/web/x.yaml") " && " PUT("y.yaml") " && " PUT(
		"apps/z.yaml") " && ln -s apps link");
	e = edit("apps", &err);
	ck_assert_str_eq(changed(e), "apps/web/x.yaml apps/z.yaml");
	ck_assert_int_eq(edit_prefix(e), 5);
	edit_free(e);
	e = edit("apps/web/x.yaml", &err);
	ck_assert_str_eq(changed(e), "apps/web/x.yaml");
	ck_assert_int_eq(edit_prefix(e), 9);
	edit_free(e);
	e = edit("none", &err);
	ck_assert_int_eq(err.code, GITC_NO_PATH);
	edit_free(e);
	e = edit("link", &err);
	ck_assert_str_eq(
		err.msg, "spec.update.path 'link' is a symbolic link: name what it leads to");
	edit_free(e);
	end();
}
END_TEST

/* One file that is none stops no other, and is told of. */
START_TEST(test_set_31_13_reports)
{
	struct edit *e;
	struct err err;

	begin("printf 'a: [ " MARK "\\n' >bad.yaml && " PUT(
		"good.yaml") " && printf 'a: b # {\"$imagepolicy\": \"ns:none\"}\\n' >none.yaml");
	e = edit("", &err);
	ck_assert_msg(err.kind == ERR_NONE, "%s", err.msg);
	ck_assert_str_eq(changed(e), "good.yaml");
	ck_assert_int_eq(e->reports.len, 2);
	ck_assert_str_eq(e->reports.p[0].path, "bad.yaml");
	ck_assert_str_eq(e->reports.p[1].path, "none.yaml");
	ck_assert_int_eq(e->reports.p[1].line, 1);
	ck_assert_str_eq(e->reports.p[1].what, "no policy 'ns:none' in this namespace");
	edit_free(e);
	end();
}
END_TEST

/* A small repository can have endless work in it: one large file, or one long
   folder, under many names. */
static const struct {
	const char *leaves; /* so many bytes; see bound_set */
	unsigned bytes;
	const char *said; /* NULL: it fits */
} bounds[] = {
	{"entries", 4, "the commit has too many files and folders"},
	{"entries", 5, NULL},
	{"paths", 15, "the names of the YAML files to look at are too long"},
	{"paths", 16, NULL},
	{"read", 199, "the YAML files to look at are too large together"},
	{"read", 200, NULL},
	{"scan", 99, "the files with markers are too large together"},
	{"scan", 100, NULL},
	{"time", 0, "it takes too long to look at the YAML files"},
};

static void bound_set(struct edit *e, int i)
{
	uint64_t *left = *bounds[i].leaves == 'p' ? &e->paths_left
		: *bounds[i].leaves == 'e'        ? &e->entries
		: *bounds[i].leaves == 'r'        ? &e->read_left
		: *bounds[i].leaves == 's'        ? &e->scan_left
						  : &e->time_ms;

	*left = bounds[i].bytes;
}

START_TEST(test_bounds)
{
	struct edit *e;
	struct err err;

	begin("mkdir d && { printf 'a: 1.0 " MARK
	      "\n#'; head -c 59 /dev/zero | tr '\\0' x; } >d/a.yaml && head -c 100 /dev/zero | tr "
	      "'\\0' '#' >d/b.yaml && cp d/b.yaml d/c.txt && ln -s a.yaml d/l.yaml && wc -c "
	      "<d/a.yaml");
	e = edit_with("", bound_set, _i, &err);
	if (bounds[_i].said)
		ck_assert_msg(strstr(err.msg, bounds[_i].said) != NULL, "%s", err.msg);
	else
		ck_assert_msg(err.kind == ERR_NONE, "%s", err.msg);
	if (bounds[_i].said) {
		ck_assert_int_eq(err.code, GITC_TOO_LARGE);
		ck_assert_msg(strstr(err.msg, ": name a folder in spec.update.path") != NULL, "%s",
			err.msg);
	}
	edit_free(e);
	end();
}
END_TEST

/* A short file can say a lot with each of its changes. */
START_TEST(test_bounds_changes)
{
	struct edit *e;
	struct err err;

	begin("{ printf 'kind: '; head -c 500 /dev/zero | tr '\\0' k; printf '\nl:\n'; yes -- '- "
	      "1 " MARK
	      "' | head -9000; } >a.yaml && for n in b c d e f g h; do cp a.yaml $n.yaml; done");
	e = edit("", &err);
	ck_assert_msg(strstr(err.msg, "too large together") != NULL, "%s", err.msg);
	ck_assert_int_eq(err.code, GITC_TOO_LARGE);
	edit_free(e);
	end();
}
END_TEST

/* ---- the commit of it ------------------------------------------------------------------------ */

static struct automation_spec *spec_of(const char *more)
{
	auto_free char *text = mem_printf(
		"{\"spec\":{\"interval\":\"1m\",\"sourceRef\":{\"name\":\"app\"},\"git\":{"
		"\"commit\":{\"author\":{\"name\":\"bot\",\"email\":\"bot@b\"}%s}}}}",
		more);
	json_t *obj = json_loads(text, 0, NULL);
	struct spec *s = automation_spec_new(obj);

	json_decref(obj);
	ck_assert(!s->wrong && !AUTOMATION_SPEC(s)->misfit);
	return AUTOMATION_SPEC(s);
}

static struct commit *commit_of(
	const struct automation_spec *s, const struct edit *e, const char *key, struct err *err)
{
	struct secret text = {0}, none = {0};
	struct commit *c;
	struct op *op;

	if (key)
		secret_set(&text, key, strlen(key));
	op = commit_draft_start(loop,
		&(struct commit_req){.spec = s,
			.edit = e,
			.key = key ? &text : NULL,
			.passphrase = &none,
			.ns = "apps",
			.name = "bot",
			.when_s = 1800000000});
	finish(op);
	*err = op->err;
	c = commit_take(op);
	op_free(op);
	secret_clear(&text);
	return c;
}

/* As a server takes it: strictly, and on top of what it has. */
static void receive(const struct commit *c)
{
	auto_free char *path = mem_printf("%s/out", dir);
	auto_free char *line = NULL;
	char oid[GITC_OID_HEX];
	FILE *f = fopen(path, "w");

	ck_assert_int_eq(fwrite(buf_str(&c->pack), 1, c->pack.len, f), c->pack.len);
	fclose(f);
	line = mem_printf(GIT "index-pack --strict --stdin <out && " GIT
			      "update-ref refs/heads/new %s && " GIT "fsck --strict",
		gitc_oid_format(&c->oid, oid));
	sh(line);
}

START_TEST(test_set_39_40_commit)
{
	struct automation_spec *s = spec_of(
		",\"messageTemplate\":\"{{ range .Changed.Changes }}{{ .OldValue }}>{{ .NewValue "
		"}} {{ end }}\\n\\n\"");
	struct commit *c;
	struct edit *e;
	struct err err;

	begin("printf 'i: x:1 # {\"$imagepolicy\": \"ns:app\"}\\nt: 1.0 " MARK
	      "\\nb: y # {\"$imagepolicy\": \"ns:b:name\"}\\n' >run.yaml && chmod 755 run.yaml && "
	      "mkdir d && echo keep >d/keep && echo x >.gitignore");
	e = edit("", &err);
	c = commit_of(s, e, NULL, &err);
	ck_assert_msg(err.kind == ERR_NONE, "%s", err.msg);
	receive(c);
	ck_assert_str_eq(sh(GIT "log -1 --format='%an %ae %cn %ce %at' new"),
		"bot bot@b bot bot@b 1800000000\n");
	ck_assert_str_eq(sh(GIT "cat-file commit new | sed '1,/^$/d'"),
		"x:1>ghcr.io/app:1.1@sha256:abc 1.0>1.1 y>img/b \n\n");
	ck_assert_str_eq(sh(GIT "rev-list --count new; " GIT
				"diff --raw --abbrev=7 main new | cut -c1-15,32-"),
		"2\n:100755 100755 M\trun.yaml\n");
	commit_free(c);
	edit_free(e);
	spec_unref(&s->spec);
	end();
}
END_TEST

/* IU-17; the passphrase is the key's own business (crypto/ssh_key.h). */
static const struct {
	const char *make; /* arguments of ssh-keygen */
	bool good;
} keys[] = {{"-t ed25519", true}, {"-t ecdsa -b 256", true}, {"-t ecdsa -b 521", true},
	{"-t rsa -b 2048", true}, {"-t rsa -b 1024", false}};

START_TEST(test_iu_17_ssh)
{
	struct automation_spec *s =
		spec_of(",\"signingKey\":{\"type\":\"ssh\",\"secretRef\":{\"name\":\"k\"}}");
	auto_free char *make = mem_printf("ssh-keygen -q -N '' -C t -f key %s", keys[_i].make);
	auto_free char *key = NULL;
	struct commit *c;
	struct edit *e;
	struct err err;

	begin(PUT("a.yaml"));
	sh(make);
	key = mem_strdup(sh("cat key"));
	e = edit("", &err);
	c = commit_of(s, e, key, &err);
	ck_assert_int_eq(err.kind == ERR_NONE, keys[_i].good);
	if (keys[_i].good) {
		receive(c);
		sh("echo \"bot@b $(cat key.pub)\" >keys && " GIT
		   "-c gpg.format=ssh -c gpg.ssh.allowedSignersFile=../keys verify-commit new");
	} else {
		ck_assert_int_eq(c->stage, COMMIT_SIGN);
	}
	commit_free(c);
	edit_free(e);
	spec_unref(&s->spec);
	end();
}
END_TEST

/* ---- a refspec ------------------------------------------------------------------------------- */

static const struct {
	const char *spec, *updates; /* NULL: it is none */
} refspecs[] = {
	{"refs/heads/main:refs/heads/x", "refs/heads/x=1"},
	{"main:refs/for/main", "refs/for/main=1"},
	{"HEAD:refs/heads/x", "refs/heads/x=1"},
	{"refs/heads/*:refs/heads/mirror/*", "refs/heads/mirror/main=1 refs/heads/mirror/dev/a=2"},
	{"refs/heads/d*a:refs/x/*", "refs/x/ev/=2"},
	{"refs/heads/none:refs/heads/x", ""},
	{"refs/heads/main", NULL},
	{"refs/heads/main:", NULL},
	{"refs/heads/*:refs/heads/x", NULL},
	{"refs/heads/main:refs/heads/a b", NULL},
	{"refs/heads/main:refs/heads/../x", NULL},
	{"refs/heads/main:a:b", NULL},
	{"refs/heads/*:refs/*/*", NULL},
};

START_TEST(test_iu_07_refspec)
{
	struct refspec_from from[] = {
		{"refs/heads/main", {{1}}}, {"HEAD", {{1}}}, {"refs/heads/dev/a", {{2}}}};
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct refspec_updates v = {0};
	const struct refspec_update *u;
	struct err err = {0};
	int rc = refspec_expand(refspecs[_i].spec, from, 3, &v, &err);

	ck_assert_int_eq(rc, refspecs[_i].updates ? 0 : -1);
	vec_each (&v, u)
		buf_addf(&b, "%s%s=%d", b.len ? " " : "", u->name, u->new.b[0]);
	if (!rc)
		ck_assert_str_eq(buf_str(&b), refspecs[_i].updates);
	else
		ck_assert_int_eq(err.kind, ERR_STALL);
	refspec_clear(&v);
}
END_TEST

static struct gitc_oid oid_of(const char *rev)
{
	auto_free char *line = mem_printf(GIT "rev-parse %s", rev);
	struct gitc_oid oid;

	ck_assert(gitc_oid_parse(&oid, sh(line), 40));
	return oid;
}

/* A ref that is there moves forward, over a merge too, or not at all. */
START_TEST(test_iu_07_forward)
{
	static const struct {
		const char *old, *new;
		bool forward;
	} rows[] = {{"HEAD~2", "HEAD", true}, {"side", "HEAD", true}, {"HEAD", "HEAD~2", false},
		{"other", "HEAD", false}, {"HEAD", "HEAD", true}};
	struct refspec_updates v = {0};
	struct refspec_update *u = vec_add(&v);
	char name[] = "refs/x";
	struct op *op;
	size_t i;

	begin("echo a >a");
	sh(GIT "branch other && " GIT "branch side");
	sh("cd repo && for b in side other main; do git checkout -q $b && git -c user.name=t -c "
	   "user.email=t@t commit -q --allow-empty -m $b; done && git -c user.name=t -c "
	   "user.email=t@t merge -q -m m side");
	gitc_objects_unref(MOVE(objects));
	pack_read();
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		*u = (struct refspec_update){name, oid_of(rows[i].old), oid_of(rows[i].new), true};
		op = refspec_check_start(loop, "ns", objects, &v);
		finish(op);
		ck_assert_msg(
			(op->err.kind == ERR_NONE) == rows[i].forward, "%zu: %s", i, op->err.msg);
		op_free(op);
	}
	vec_clear(&v);
	end();
}
END_TEST

Suite *suite_edit(void);
Suite *suite_edit(void)
{
	Suite *s = suite_create("edit");
	TCase *t = tcase_create("edit");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_set_33_34_35_files);
	tcase_add_test(t, test_set_36_path);
	tcase_add_test(t, test_set_31_13_reports);
	tcase_add_loop_test(t, test_bounds, 0, ARRAY_LEN(bounds));
	tcase_add_test(t, test_bounds_changes);
	tcase_add_test(t, test_set_39_40_commit);
	tcase_add_loop_test(t, test_iu_17_ssh, 0, ARRAY_LEN(keys));
	tcase_add_loop_test(t, test_iu_07_refspec, 0, ARRAY_LEN(refspecs));
	tcase_add_test(t, test_iu_07_forward);
	suite_add_tcase(s, t);
	return s;
}
