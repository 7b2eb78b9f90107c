#include "source/trust_file.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "ev/reread.h"
#include "verify/trusted_root.h"

struct trust_file {
	struct reread *reread;
	struct verify_root *root;
};

static void *root_read(const char *text, size_t len, struct err *err)
{
	struct verify_root *root = NULL;

	return verify_root_parse(&root, text, len, err) ? NULL : root;
}

static void root_free(void *value)
{
	verify_root_unref(value);
}

void trust_file_warn(const struct log_ctx *log, const struct verify_root *root)
{
	if (root->misnamed)
		log_info(log, "a log of the trusted root has a logId that is not its key's",
			LS("log", root->misnamed));
}

static void root_take(void *arg, void *value)
{
	struct trust_file *f = arg;

	verify_root_unref(f->root);
	f->root = value;
	trust_file_warn(NULL, f->root);
}

struct trust_file *trust_file_new(struct loop *l, const char *path, struct err *err)
{
	struct trust_file *f = NEW(struct trust_file);

	f->reread = reread_new(&(struct reread_opts){.loop = l,
				       .path = path,
				       .name = "trusted-root",
				       .max = LIMIT_TRUSTED_ROOT,
				       .read = root_read,
				       .free = root_free,
				       .take = root_take,
				       .arg = f},
		err);
	if (f->reread)
		return f;
	trust_file_free(f);
	return NULL;
}

void trust_file_free(struct trust_file *f)
{
	if (!f)
		return;
	reread_free(f->reread);
	verify_root_unref(f->root);
	free(f);
}

struct verify_root *trust_file_root(const struct trust_file *f)
{
	return f->root;
}

struct reread *trust_file_reread(const struct trust_file *f)
{
	return f->reread;
}
