#include "cmd/ocictl/spool.h"

#include "base/mem.h"
#include "oci/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* what is piped into a push is the output of kustomize, helm template, timoni */
#define NAME "stdin.yaml"

static int spool_copy(FILE *to, struct err *err)
{
	char part[65536];
	size_t n, all = 0;

	while ((n = fread(part, 1, sizeof(part), stdin))) {
		all += n;
		if (fwrite(part, 1, n, to) != n)
			return err_sys(err, "write what came on stdin");
	}
	if (ferror(stdin))
		return err_sys(err, "read stdin");
	return all ? 0 : err_set(err, ERR_STALL, "nothing came on stdin");
}

int spool_stdin(struct spool *s, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	FILE *to;
	int rc;

	s->dir = mem_printf("%s/ocictl-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	s->path = NULL;
	if (!mkdtemp(s->dir)) {
		rc = err_sys(err, "make a folder like '%s'", s->dir);
		free(MOVE(s->dir));
		return rc;
	}
	s->path = mem_printf("%s/" NAME, s->dir);
	to = fopen(s->path, "wxe");
	rc = to ? spool_copy(to, err) : err_sys(err, "create '%s'", s->path);
	if (to && fclose(to) && !rc)
		rc = err_sys(err, "write '%s'", s->path);
	if (rc)
		spool_remove(s);
	return rc;
}

void spool_remove(struct spool *s)
{
	if (!s->dir)
		return;
	unlink(s->path);
	rmdir(s->dir);
	free(MOVE(s->path));
	free(MOVE(s->dir));
}

int spool_build(struct oci_build *made, struct oci_build_in *in, struct err *err)
{
	struct spool spool = {0};
	int rc;

	if (!strcmp(in->path, "-")) {
		if (spool_stdin(&spool, err))
			return -1;
		in->path = spool.path;
	}
	rc = oci_build_run(made, in, err);
	spool_remove(&spool);
	if (!rc && made->skipped)
		fprintf(stderr,
			"ocictl: left out %llu links or special files, which an artifact does not "
			"hold\n",
			(unsigned long long)made->skipped);
	return rc;
}
