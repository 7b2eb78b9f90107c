/* Arguments of calls: their types, and literals, which become what the type wants. */
#include "template/eval.h"

static const char *arg_type_name(char type)
{
	switch (type) {
	case 's':
		return "string";
	case 'i':
		return "int";
	case 'b':
		return "bool";
	case 'f':
		return "float64";
	case 'm':
		return "map[string]interface {}";
	case 'v':
		return "reflect.Value";
	default:
		return "interface {}";
	}
}

static bool fits(char type, const struct value *v)
{
	switch (type) {
	case 's':
		return v->type == &value_type_string;
	case 'i':
		return v->type == &value_type_int;
	case 'b':
		return v->type == &value_type_bool;
	case 'f':
		return v->type == &value_type_float64;
	case 'm':
		return v->type == &value_type_map_any;
	default:
		return true;
	}
}

/* May it be an argument of this type? What is nil of a map's type becomes an empty map. */
int arg_check(struct run *r, char type, struct result *v)
{
	static const struct value nil_map = {.type = &value_type_map_any, .nil = true};

	if (v->v) {
		if (!fits(type, v->v))
			return run_refuse(r, "wrong type for value; expected %s; got %s",
				arg_type_name(type), v->v->type->name);
		if (type != 'v')
			v->any = false;
		return 0;
	}
	if (type == 'a' || type == 'v')
		return 0;
	if (v->any)
		return run_refuse(r, "wrong type for value; expected %s; got interface {}",
			arg_type_name(type));
	if (type != 'm')
		return run_refuse(r, "invalid value; expected %s", arg_type_name(type));
	*v = (struct result){&nil_map, false};
	return 0;
}

int arg_nil(struct run *r, char type, struct result *out)
{
	*out = (struct result){0};
	if (type == 'a' || type == 'v')
		return 0;
	if (type == 'm')
		return arg_check(r, type, out);
	return run_refuse(r, "cannot assign nil to %s", arg_type_name(type));
}

int arg_constant(struct run *r, const struct node *n, struct result *out)
{
	r->at = n;
	if (n->over)
		return run_refuse(r, "%.*s overflows int", (int)n->len, n->text);
	*out = (struct result){n->val, false};
	return 0;
}

/* A literal, where the type of the argument decides what it is. */
int arg_literal(struct run *r, char type, const struct node *n, struct result *out)
{
	auto_buf struct buf shown = BUF_INIT(LIMIT_TEMPLATE_TEXT);
	const char *want = NULL;

	switch (type) {
	case 's':
		want = n->kind == NODE_STRING ? NULL : "string";
		break;
	case 'b':
		want = n->kind == NODE_BOOL ? NULL : "bool";
		break;
	case 'i':
		want = "integer";
		if (n->kind != NODE_NUMBER || n->over)
			break;
		if (n->val->type->kind == VALUE_INT) {
			want = NULL;
			break;
		}
		if (n->val->d < -9223372036854775808.0 || n->val->d >= 9223372036854775808.0 ||
			(double)(int64_t)n->val->d != n->val->d)
			break;
		*out = (struct result){
			value_int(&r->pool, &value_type_int, (int64_t)n->val->d), false};
		return out->v ? 0 : run_over(r, "the template takes too much memory");
	case 'f':
		want = "float";
		if (n->kind != NODE_NUMBER || n->over)
			break;
		*out = (struct result){n->val->type->kind == VALUE_FLOAT
				? n->val
				: value_float(&r->pool, (double)n->val->i),
			false};
		return out->v ? 0 : run_over(r, "the template takes too much memory");
	case 'm':
		node_show(&shown, n);
		return run_refuse(r, "can't handle %s for arg of type %s", buf_str(&shown),
			arg_type_name(type));
	default:
		break;
	}
	if (!want)
		return arg_constant(r, n, out);
	node_show(&shown, n);
	return run_refuse(r, "expected %s; found %s", want, buf_str(&shown));
}
