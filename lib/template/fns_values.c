/* What several functions do with values. */
#include "template/internal.h"

#include <string.h>

const struct value *fn_text_of(const struct call *c, const struct value *v)
{
	auto_buf struct buf b = CALL_BUF();
	struct value *text;

	if (v && v->type->kind == VALUE_STRING)
		return v;
	if (v && v->text)
		return v->text;
	if (!format_value(&b, v) || buf_over(&b)) {
		run_over(c->r, "a value makes a text that is too long, or nested too deep");
		return NULL;
	}
	if (run_tick_bytes(c->r, b.len))
		return NULL;
	text = value_from_buf(&c->r->pool, &b);
	if (!text)
		run_over(c->r, "the template takes too much memory");
	return text;
}

struct value *fn_strings_of(const struct call *c, const struct value *v)
{
	struct value_pool *p = &c->r->pool;
	struct value *list = value_list(p, &value_type_list_string);
	const struct value *s;
	size_t i;

	if (!v || v->type->kind != VALUE_LIST) {
		s = v ? fn_text_of(c, v) : NULL;
		if (v && !s)
			return NULL;
		if (s)
			value_add(p, list, s);
		return list;
	}
	if (list)
		list->nil = v->nil && v->type == &value_type_list_string;
	if (run_tick(c->r, v->len))
		return NULL;
	for (i = 0; i < v->len; i++) {
		if (!v->items[i])
			continue;
		s = fn_text_of(c, v->items[i]);
		if (!s)
			return NULL;
		value_add(p, list, s);
	}
	return list;
}

const char *fn_kind_of(const struct value *v)
{
	if (!v)
		return "invalid";
	switch (v->type->kind) {
	case VALUE_LIST:
		return "slice";
	case VALUE_MAP:
		return "map";
	case VALUE_STRUCT:
		return v->type->name[0] == '*' ? "ptr" : "struct";
	default:
		return v->type->name;
	}
}
