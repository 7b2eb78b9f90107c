/* Numbers of templates, as text/template/parse/node.go reads them. */
#include "text/number.h"

#include "template/internal.h"
#include "template/parse.h"

#include <string.h>

static bool has_any(const struct node *n, const char *set)
{
	size_t i;

	for (i = 0; i < n->len; i++)
		if (n->text[i] && strchr(set, n->text[i]))
			return true;
	return false;
}

static int refuse_number(struct parser *p, const struct node *n, const char *why)
{
	auto_buf struct buf b = BUF_INIT(ERR_MSG_MAX);

	quote_add(&b, n->text, n->len, false);
	return parse_fail(p, TMPL_BAD, "%s: %s", why, buf_str(&b));
}

static int parse_character(struct parser *p, struct node *n)
{
	uint32_t r;
	bool multi;
	size_t w;

	if (!unquote_char(n->text + 1, n->len - 1, '\'', &r, &multi, &w))
		return parse_fail(p, TMPL_BAD, "invalid syntax");
	if (1 + w + 1 != n->len || n->text[n->len - 1] != '\'')
		return parse_fail(
			p, TMPL_BAD, "malformed character constant: %.*s", (int)n->len, n->text);
	n->val = value_int(&p->tmpl->pool, &value_type_int, (int64_t)r);
	return n->val ? 0 : parse_out_of_memory(p);
}

static int parse_float(struct parser *p, struct node *n)
{
	double d;

	if (!number_parse(&d, n->text, n->len))
		return refuse_number(p, n, "illegal number syntax");
	if (!has_any(n, ".eEpP"))
		return refuse_number(p, n, "integer overflow");
	n->val = value_float(&p->tmpl->pool, d);
	return n->val ? 0 : parse_out_of_memory(p);
}

int parse_number(struct parser *p, struct node *n, enum token_kind kind)
{
	bool hex =
		n->len > 2 && n->text[0] == '0' && (n->text[1] | 0x20) == 'x' && !has_any(n, "pP");
	uint64_t u;
	int64_t i;

	if (kind == TOKEN_CHARACTER)
		return parse_character(p, n);
	if (kind == TOKEN_COMPLEX || n->text[n->len - 1] == 'i')
		return parse_fail(p, TMPL_NOT_BUILT, "complex number %.*s is not built here",
			(int)n->len, n->text);
	if (number_parse_int(n->text, n->len, &i)) {
		n->val = !hex && has_any(n, ".eEpP")
			? value_float(&p->tmpl->pool, (double)i)
			: value_int(&p->tmpl->pool, &value_type_int, i);
		return n->val ? 0 : parse_out_of_memory(p);
	}
	if (number_parse_uint(n->text, n->len, &u)) {
		n->over = true;
		return 0;
	}
	return parse_float(p, n);
}

int parse_string(struct parser *p, const struct token *t, struct node **out)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_TEMPLATE_TEXT);

	if (!unquote(&b, t->p, t->len))
		return parse_fail(p, TMPL_BAD, "invalid syntax");
	*out = node_of_token(p, NODE_STRING, t);
	if (!*out)
		return -1;
	(*out)->val = value_from_buf(&p->tmpl->pool, &b);
	return (*out)->val ? 0 : parse_out_of_memory(p);
}
