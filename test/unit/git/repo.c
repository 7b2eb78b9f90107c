#include "repo.h"

#include "packs.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/unit-git-XXXXXX";

struct gitc_folder *gr_setup(void)
{
	struct err err = {0};
	struct gitc_folder *f;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	setenv("HOME", folder, 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("GIT_AUTHOR_NAME", "A", 1);
	setenv("GIT_AUTHOR_EMAIL", "a@example.com", 1);
	setenv("GIT_AUTHOR_DATE", "1700000000 +0130", 1);
	setenv("GIT_COMMITTER_NAME", "C", 1);
	setenv("GIT_COMMITTER_EMAIL", "c@example.com", 1);
	setenv("GIT_COMMITTER_DATE", "1700000001 -0800", 1);
	f = gitc_folder_new("sets", &err);
	ck_assert_msg(f != NULL, "%s", err.msg);
	return f;
}

void gr_init(void)
{
	gr_sh(NULL, "git init -q -b main r");
}

void gr_teardown(struct gitc_folder *f)
{
	gitc_folder_free(f);
	/* Whatever was indexed is gone with its last reference. */
	ck_assert_int_eq(gr_sh_rc("test -z \"$(ls sets)\""), 0);
	gr_sh(NULL, "rm -rf '%s'", folder);
}

static int run(struct buf *out, const char *fmt, va_list ap)
{
	struct buf script = BUF_INIT(BUF_ANY);
	char part[4096];
	int status;
	size_t n;
	FILE *p;

	buf_adds(&script, "set -e -o pipefail\n");
	buf_vaddf(&script, fmt, ap);
	p = fopen("script", "w");
	ck_assert_ptr_nonnull(p);
	ck_assert_int_ge(fputs(buf_str(&script), p), 0);
	ck_assert_int_eq(fclose(p), 0);
	buf_clear(&script);
	p = popen("bash script", "r");
	ck_assert_ptr_nonnull(p);
	while ((n = fread(part, 1, sizeof(part), p)) > 0)
		if (out)
			buf_add(out, part, n);
	status = pclose(p);
	if (out && out->len && out->p[out->len - 1] == '\n')
		out->p[--out->len] = '\0';
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void gr_sh(struct buf *out, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = run(out, fmt, ap);
	va_end(ap);
	ck_assert_msg(rc == 0, "exit status %d of: %s", rc, fmt);
}

int gr_sh_rc(const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = run(NULL, fmt, ap);
	va_end(ap);
	return rc;
}

struct gitc_oid gr_rev(const char *name)
{
	struct buf out = BUF_INIT(BUF_ANY);
	struct gitc_oid oid;

	gr_sh(&out, "git -C r rev-parse '%s'", name);
	ck_assert_msg(gitc_oid_parse(&oid, buf_str(&out), out.len), "%s", buf_str(&out));
	buf_clear(&out);
	return oid;
}

struct gitc_objects *gr_pack(const struct gitc_folder *f, const char *script)
{
	struct buf pack = BUF_INIT(BUF_ANY);
	struct gitc_objects *o;
	struct err err = {0};
	char part[65536];
	size_t n;
	FILE *p;

	gr_sh(NULL, "cd r; { %s; } | git pack-objects --delta-base-offset -q --stdout >../pack",
		script);
	p = fopen("pack", "r");
	ck_assert_ptr_nonnull(p);
	while ((n = fread(part, 1, sizeof(part), p)) > 0)
		buf_add(&pack, part, n);
	fclose(p);
	o = pk_index(f, NULL, pack.p, pack.len, 0, &err);
	ck_assert_msg(o != NULL, "%s", err.msg);
	buf_clear(&pack);
	return o;
}

struct gitc_objects *gr_fetch(const struct gitc_folder *f, const char *args)
{
	char script[512];

	snprintf(script, sizeof(script), "git rev-list --objects %s", args);
	return gr_pack(f, script);
}
