/*
 * Input: a line that is a policy's tag, then a file. Properties: what comes out is YAML of the same
 * pieces, of which as many differ as were changed; a second run changes nothing.
 */
#include "base/mem.h"
#include "setter/setter.h"
#include "text/yaml_marks.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_pieces(const char *a, size_t a_len, const struct setter_out *out)
{
	struct ymarks *before = ymarks_new(a, a_len);
	struct ymarks *after = ymarks_new(out->text.p, out->text.len);
	const struct ymark *x, *y;
	struct err err;
	size_t differ = 0;
	int rc;

	while ((rc = ymarks_next(before, &x, &err)) > 0) {
		BUG_IF(ymarks_next(after, &y, &err) != 1);
		BUG_IF(x->kind != y->kind || x->in != y->in || x->index != y->index);
		BUG_IF(x->start > x->body || x->body > x->end || x->end > a_len);
		differ += !ymark_same(x, y);
	}
	BUG_IF(rc || ymarks_next(after, &y, &err) != 0);
	BUG_IF(differ != out->n_changes);
	ymarks_free(before);
	ymarks_free(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = memchr(data, '\n', size);
	auto_free char *tag =
		mem_strndup((const char *)data, text ? (size_t)(text - (const char *)data) : 0);
	struct setter_policy policy = {"a", "b", "c/d", tag, "sha256:00"};
	struct setter_in in = {.policies = &policy, .n = 1};
	struct setter_out out, again;
	struct err err = {0};

	if (!text)
		return 0;
	text++;
	in.text = text;
	in.len = size - (size_t)(text - (const char *)data);
	BUG_IF(setter_run(&in, &out, &err));
	BUG_IF(out.changed != (out.n_changes > 0));
	for (size_t i = 0; i < out.n_reports; i++)
		BUG_IF(!out.reports[i].line || out.reports[i].kind == SETTER_NOT_PROVEN);
	if (out.changed) {
		check_pieces(in.text, in.len, &out);
		in.text = out.text.p;
		in.len = out.text.len;
		BUG_IF(setter_run(&in, &again, &err));
		BUG_IF(again.changed);
		setter_out_clear(&again);
	}
	setter_out_clear(&out);
	return 0;
}
