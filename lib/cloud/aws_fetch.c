#include "base/limits.h"
#include "base/mem.h"
#include "cloud/aws.h"
#include "crypto/pem.h"

#include <string.h>

#define CA_BUNDLE "AWS_CA_BUNDLE"

void aws_fetch_clear(struct aws_fetch *f)
{
	http_trust_clear(&f->trust);
	cloud_fetch_clear(&f->fetch);
}

static struct aws_fetch *fetch_of(struct task *t)
{
	return CONTAINER_OF(t, struct aws_fetch, fetch.task);
}

enum step_ret aws_ca_start(struct task *t)
{
	const char *path = cloud_env_get(&fetch_of(t)->fetch.ticket->cloud->env, CA_BUNDLE);

	if (!path)
		return STEP_NEXT;
	return task_wait(t, cloud_file_start(t->self.loop, path, LIMIT_CA_PEM));
}

enum step_ret aws_ca_resume(struct task *t)
{
	struct aws_fetch *f = fetch_of(t);
	const struct buf *text;
	size_t added = 0;

	if (task_op_failed(t)) {
		err_wrap(&t->err, CA_BUNDLE);
		return STEP_FAIL;
	}
	text = cloud_file_result(t->op);
	buf_init(&f->trust.ca_pem, LIMIT_CA_PEM);
	if (pem_add_certs(&f->trust.ca_pem, buf_str(text), text->len, &added) || !added) {
		err_set(&t->err, ERR_RETRY, CA_BUNDLE ": the file holds no certificate");
		return STEP_FAIL;
	}
	return STEP_NEXT;
}

enum step_ret aws_fail(struct cloud_fetch *f, const char *source, const struct err *err)
{
	struct err e = *err;

	if (source && e.kind != ERR_CANCELED)
		err_wrap(&e, "%s", source);
	return task_fail(&f->task, &e);
}
