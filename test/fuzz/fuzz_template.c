/*
 * Input: a template. Properties: it is taken or refused with words; what it comes to is the same
 * each time, within the limits, and the same behind a comment; data is not changed by it.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "template/template.h"

#include <locale.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct value_type change_type = {VALUE_STRUCT, "update.Change", NULL, NULL};
static const struct value_type changes_type = {VALUE_LIST, "[]update.Change", NULL, &change_type};
static const struct value_type data_type = {VALUE_STRUCT, "source.TemplateData", NULL, NULL};
static const struct value *message;

static const struct value *text(struct value_pool *p, const char *s)
{
	return value_string(p, s, strlen(s));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct value_pool p = VALUE_POOL(LIMIT_MIB);
	struct value *v = value_struct(&p, &data_type), *list = value_list(&p, &changes_type);
	struct value *change = value_struct(&p, &change_type);
	struct value *values = value_map(&p, &value_type_map_string);

	(void)argc;
	(void)argv;
	setlocale(LC_CTYPE, "C.UTF-8");
	value_field(&p, change, "OldValue", text(&p, "v1.0.0"));
	value_field(&p, change, "NewValue", text(&p, "v1.1.0"));
	value_prints(change, text(&p, "a change"));
	value_json(change, "new");
	value_add(&p, list, change);
	value_add(&p, list, change);
	value_put(&p, values, text(&p, "a"), text(&p, "b"));
	value_embed(&p, v, "Change", change);
	value_field(&p, v, "Values", values);
	value_method(&p, v, "Changes", list);
	value_gone(&p, v, "Updated", "it was removed");
	message = v;
	return 0;
}

/* The result, or the error's words behind a '!'. */
static int run(const char *s, size_t len, struct buf *out, struct err *err)
{
	struct tmpl *t;
	int rc;

	*err = (struct err){0};
	if (tmpl_parse(&t, s, len, err)) {
		BUG_IF(err->kind != ERR_STALL || !err->msg[0] || err->code < TMPL_BAD);
		return -1;
	}
	rc = tmpl_run(t, message, out, err);
	tmpl_free(t);
	BUG_IF(out->len > LIMIT_TEMPLATE_RESULT);
	BUG_IF(rc ? err->kind != ERR_STALL || !err->msg[0] : err->kind != ERR_NONE);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char comment[] = "{{/* c */}}";
	auto_buf struct buf a = BUF_INIT(BUF_ANY), b = BUF_INIT(BUF_ANY), c = BUF_INIT(BUF_ANY);
	auto_free char *copy = mem_strndup("", 0);
	struct err err, again, commented;
	int rc;

	copy = mem_realloc(copy, size + sizeof(comment));
	memcpy(copy, comment, sizeof(comment) - 1);
	if (size)
		memcpy(copy + sizeof(comment) - 1, data, size);
	rc = run((const char *)data, size, &a, &err);
	BUG_IF(run((const char *)data, size, &b, &again) != rc);
	BUG_IF(!buf_equal(&a, &b) || strcmp(err.msg, again.msg) || err.code != again.code);
	if (size + sizeof(comment) > LIMIT_TEMPLATE_TEXT || err.code == TMPL_LIMIT)
		return 0;
	BUG_IF(run(copy, size + sizeof(comment) - 1, &c, &commented) != rc);
	BUG_IF(!buf_equal(&a, &c) || err.code != commented.code);
	return 0;
}
