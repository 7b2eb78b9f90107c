#include "source/rules_file.h"

#include "base/limits.h"
#include "base/mem.h"
#include "ev/reread.h"
#include "source/rules.h"

struct rules_file {
	struct reread *reread;
	struct rules *rules;
};

static void *file_read(const char *text, size_t len, struct err *err)
{
	return rules_parse(text, len, err);
}

static void file_free(void *value)
{
	rules_unref(value);
}

static void file_take(void *arg, void *value)
{
	struct rules_file *f = arg;

	rules_unref(f->rules);
	f->rules = value;
}

struct rules_file *rules_file_new(struct loop *l, const char *path, struct err *err)
{
	struct rules_file *f = NEW(struct rules_file);

	f->reread = reread_new(&(struct reread_opts){.loop = l,
				       .path = path,
				       .name = "verification-rules",
				       .max = LIMIT_RULES_FILE,
				       .read = file_read,
				       .free = file_free,
				       .take = file_take,
				       .arg = f},
		err);
	if (f->reread)
		return f;
	rules_file_free(f);
	return NULL;
}

void rules_file_free(struct rules_file *f)
{
	if (!f)
		return;
	reread_free(f->reread);
	rules_unref(f->rules);
	free(f);
}

struct rules *rules_file_rules(const struct rules_file *f)
{
	return f ? f->rules : NULL;
}

struct reread *rules_file_reread(const struct rules_file *f)
{
	return f->reread;
}
