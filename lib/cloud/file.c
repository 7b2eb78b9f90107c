/* Files of credentials are read anew at each login: whoever mounts them renews them. */
#include "base/mem.h"
#include "base/sys.h"
#include "cloud/provider.h"
#include "ev/work.h"

#include <fcntl.h>
#include <stdlib.h>

struct file_job {
	char *path;
	struct buf text;
};

static int file_run(void *arg, const atomic_bool *stop, struct err *err)
{
	struct file_job *j = arg;

	(void)stop;
	return sys_read_file(AT_FDCWD, j->path, &j->text, err);
}

static void file_free(void *arg)
{
	struct file_job *j = arg;

	mem_wipe(j->text.p, j->text.cap);
	buf_clear(&j->text);
	free(j->path);
	free(j);
}

struct op *cloud_file_start(struct loop *l, const char *path, size_t max)
{
	struct file_job *j = NEW(struct file_job);

	j->path = mem_strdup(path);
	buf_init(&j->text, max);
	return work_start(l, WORK_SHORT, file_run, file_free, j);
}

const struct buf *cloud_file_result(struct op *op)
{
	return &((struct file_job *)work_job(op))->text;
}
