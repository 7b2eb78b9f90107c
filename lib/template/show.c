/* Nodes in error messages, as text/template/parse/node.go writes them. */
#include "template/internal.h"

#include <string.h>

static void show_names(struct buf *b, const struct node *n)
{
	size_t i;

	for (i = 0; i < n->n_names; i++) {
		if (i || n->kind != NODE_VARIABLE)
			buf_addc(b, '.');
		buf_add(b, n->names[i].s, n->names[i].len);
	}
}

static void show_paren(struct buf *b, const struct node *n)
{
	if (n->kind == NODE_PIPE)
		buf_addc(b, '(');
	node_show(b, n);
	if (n->kind == NODE_PIPE)
		buf_addc(b, ')');
}

static void show_command(struct buf *b, const struct node *n)
{
	const struct node *kid;

	for (kid = n->kids; kid; kid = kid->next) {
		show_paren(b, kid);
		if (kid->next)
			buf_addc(b, ' ');
	}
}

static void show_pipe(struct buf *b, const struct node *n)
{
	const struct node *kid;
	size_t i;

	for (i = 0; i < n->n_decl; i++) {
		if (i)
			buf_adds(b, ", ");
		buf_add(b, n->decl[i].s, n->decl[i].len);
	}
	if (n->n_decl)
		buf_adds(b, n->assign ? " = " : " := ");
	for (kid = n->kids; kid; kid = kid->next) {
		show_command(b, kid);
		if (kid->next)
			buf_adds(b, " | ");
	}
}

static void show_template(struct buf *b, const struct node *n)
{
	buf_adds(b, "{{template ");
	quote_add(b, n->text, n->len, false);
	if (n->pipe) {
		buf_addc(b, ' ');
		show_pipe(b, n->pipe);
	}
	buf_adds(b, "}}");
}

void node_show(struct buf *b, const struct node *n)
{
	switch (n->kind) {
	case NODE_ACTION:
		buf_adds(b, "{{");
		show_pipe(b, n->pipe);
		buf_adds(b, "}}");
		return;
	case NODE_TEMPLATE:
		show_template(b, n);
		return;
	case NODE_PIPE:
		show_pipe(b, n);
		return;
	case NODE_COMMAND:
		show_command(b, n);
		return;
	case NODE_FIELD:
	case NODE_VARIABLE:
		show_names(b, n);
		return;
	case NODE_CHAIN:
		show_paren(b, n->kids);
		show_names(b, n);
		return;
	case NODE_BREAK:
		buf_adds(b, "{{break}}");
		return;
	case NODE_CONTINUE:
		buf_adds(b, "{{continue}}");
		return;
	default:
		buf_add(b, n->text ? n->text : "", n->len);
	}
}
