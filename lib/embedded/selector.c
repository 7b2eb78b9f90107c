#include "embedded/selector.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "embedded/kind.h"
#include "embedded/names.h"

#include <ctype.h>
#include <string.h>

enum op { OP_IN, OP_NOT_IN, OP_EXISTS, OP_ABSENT, OP_GREATER, OP_LESS };

struct req {
	char *key;
	enum op op;
	char **values;
	size_t n_values;
};

struct emb_selector {
	VEC(struct req) reqs;
};

static void req_clear(struct req *r)
{
	size_t i;

	for (i = 0; i < r->n_values; i++)
		free(r->values[i]);
	free(r->values);
	free(r->key);
}

void emb_selector_free(struct emb_selector *s)
{
	struct req *r;

	if (!s)
		return;
	vec_each (&s->reqs, r)
		req_clear(r);
	vec_clear(&s->reqs);
	free(s);
}

static void add_value(struct req *r, char *value)
{
	r->values = mem_array(r->values, r->n_values + 1, sizeof(*r->values));
	r->values[r->n_values++] = value;
}

struct emb_selector *emb_selector_copy(const struct emb_selector *s)
{
	struct emb_selector *copy;
	const struct req *r;
	size_t i;

	if (!s)
		return NULL;
	copy = NEW(struct emb_selector);
	vec_each (&s->reqs, r) {
		struct req *to = vec_add(&copy->reqs);

		*to = (struct req){.key = mem_strdup(r->key), .op = r->op};
		for (i = 0; i < r->n_values; i++)
			add_value(to, mem_strdup(r->values[i]));
	}
	return copy;
}

/* ---- labels -------------------------------------------------------------------------------------------------------- */

struct lexer {
	const char *at;
	char word[LIMIT_EMBEDDED_SELECTOR + 1]; /* of T_WORD */
};

enum token { T_END, T_WORD, T_COMMA, T_OPEN, T_CLOSE, T_EQ, T_NE, T_NOT, T_GT, T_LT };

static enum token next(struct lexer *l)
{
	static const char special[] = "=!(),<>";
	size_t n;

	while (isspace((unsigned char)*l->at))
		l->at++;
	switch (*l->at) {
	case '\0':
		return T_END;
	case ',':
		l->at++;
		return T_COMMA;
	case '(':
		l->at++;
		return T_OPEN;
	case ')':
		l->at++;
		return T_CLOSE;
	case '>':
		l->at++;
		return T_GT;
	case '<':
		l->at++;
		return T_LT;
	case '=':
		l->at += l->at[1] == '=' ? 2 : 1;
		return T_EQ;
	case '!':
		l->at++;
		if (*l->at != '=')
			return T_NOT;
		l->at++;
		return T_NE;
	default:
		break;
	}
	for (n = 0; l->at[n] && !strchr(special, l->at[n]) && !isspace((unsigned char)l->at[n]);
		n++)
		l->word[n] = l->at[n];
	l->word[n] = '\0';
	l->at += n;
	return T_WORD;
}

static enum token peek(const struct lexer *l)
{
	struct lexer copy = {.at = l->at};

	return next(&copy);
}

static int key_ok(const char *key, struct err *err)
{
	if (emb_is_qualified(key))
		return 0;
	return err_set(err, ERR_STALL,
		"unable to parse requirement: <nil>: Invalid value: \"%.300s\": %s", key,
		EMB_QUALIFIED_RULE);
}

static int take_value(struct req *r, const char *value, struct err *err)
{
	if (!emb_is_label_value(value))
		return err_set(err, ERR_STALL,
			"unable to parse requirement: values[%zu][%s]: Invalid value: \"%.300s\": "
			"%s",
			r->n_values, r->key, value, EMB_LABEL_VALUE_RULE);
	if ((r->op == OP_GREATER || r->op == OP_LESS) &&
		(!value[0] || strspn(value, "0123456789") != strlen(value)))
		return err_set(err, ERR_STALL,
			"unable to parse requirement: values[0][%s]: Invalid value: \"%.300s\": "
			"for 'Gt', 'Lt' operators, the value must be an integer",
			r->key, value);
	add_value(r, mem_strdup(value));
	return 0;
}

/* "(a,b)" after in or notin; empty values are allowed. */
static int value_list(struct lexer *l, struct req *r, struct err *err)
{
	if (next(l) != T_OPEN)
		return err_set(err, ERR_STALL,
			"unable to parse requirement: found '%.100s', expected: '('", l->at);
	for (;;) {
		bool word = peek(l) == T_WORD;
		enum token t;

		if (word)
			next(l);
		if (take_value(r, word ? l->word : "", err))
			return -1;
		t = next(l);
		if (t == T_CLOSE)
			return 0;
		if (t != T_COMMA)
			return err_set(err, ERR_STALL,
				"unable to parse requirement: found '%.100s', expected: ',', or "
				"')'",
				l->at);
	}
}

static int one_value(struct lexer *l, struct req *r, struct err *err)
{
	bool word = peek(l) == T_WORD;

	if (word)
		next(l);
	return take_value(r, word ? l->word : "", err);
}

static int operator(struct lexer *l, struct req *r, struct err *err)
{
	enum token t = peek(l);

	if (t == T_END || t == T_COMMA) {
		r->op = OP_EXISTS;
		return 0;
	}
	t = next(l);
	if (t == T_EQ || t == T_NE || t == T_GT || t == T_LT) {
		r->op = t == T_EQ   ? OP_IN
			: t == T_NE ? OP_NOT_IN
			: t == T_GT ? OP_GREATER
				    : OP_LESS;
		return one_value(l, r, err);
	}
	if (t == T_WORD && (!strcmp(l->word, "in") || !strcmp(l->word, "notin"))) {
		r->op = l->word[0] == 'i' ? OP_IN : OP_NOT_IN;
		return value_list(l, r, err);
	}
	return err_set(err, ERR_STALL,
		"unable to parse requirement: found '%.100s', expected: in, notin, =, ==, !=, gt, "
		"lt",
		t == T_WORD ? l->word : l->at);
}

static int requirement(struct lexer *l, struct req *r, struct err *err)
{
	enum token t = next(l);
	bool not = t == T_NOT;

	if (not )
		t = next(l);
	if (t != T_WORD)
		return err_set(err, ERR_STALL,
			"unable to parse requirement: found '%.100s', expected: !, identifier, or "
			"'end of string'",
			l->at);
	r->key = mem_strdup(l->word);
	if (key_ok(r->key, err))
		return -1;
	r->op = OP_ABSENT;
	if (!not )
		return operator(l, r, err);
	return peek(l) == T_END || peek(l) == T_COMMA
		? 0
		: err_set(err, ERR_STALL,
			  "unable to parse requirement: found '%.100s', expected: ','", l->at);
}

static int too_long(const char *text, struct err *err)
{
	return strlen(text) <= LIMIT_EMBEDDED_SELECTOR
		? 0
		: err_set(err, ERR_STALL, "the selector is longer than %llu bytes",
			  LIMIT_EMBEDDED_SELECTOR);
}

int emb_selector_labels(struct emb_selector **out, const char *text, struct err *err)
{
	auto_free struct lexer *l = NULL;
	struct emb_selector *s;

	*out = NULL;
	if (!text || too_long(text, err))
		return text ? -1 : 0;
	l = NEW(struct lexer);
	l->at = text;
	if (peek(l) == T_END)
		return 0;
	s = NEW(struct emb_selector);
	for (;;) {
		struct req *r = vec_add(&s->reqs);
		enum token t;

		memset(r, 0, sizeof(*r));
		if (requirement(l, r, err))
			break;
		t = next(l);
		if (t == T_END) {
			*out = s;
			return 0;
		}
		if (t != T_COMMA || peek(l) == T_END) {
			err_set(err, ERR_STALL,
				"unable to parse requirement: found '%.100s', expected: identifier "
				"after ','",
				l->at);
			break;
		}
	}
	emb_selector_free(s);
	return -1;
}

static bool has_value(const struct req *r, const char *value)
{
	size_t i;

	for (i = 0; i < r->n_values; i++)
		if (!strcmp(r->values[i], value))
			return true;
	return false;
}

static bool compares(const struct req *r, const char *value)
{
	long long a = strtoll(value, NULL, 10), b = strtoll(r->values[0], NULL, 10);

	if (!value[0] || strspn(value, "0123456789") != strlen(value))
		return false;
	return r->op == OP_GREATER ? a > b : a < b;
}

static bool req_match(const struct req *r, const char *value)
{
	switch (r->op) {
	case OP_IN:
		return value && has_value(r, value);
	case OP_NOT_IN:
		return !value || !has_value(r, value);
	case OP_EXISTS:
		return value;
	case OP_ABSENT:
		return !value;
	default:
		return value && compares(r, value);
	}
}

bool emb_selector_match_labels(const struct emb_selector *s, const json_t *o)
{
	const json_t *labels = obj_get(o, "metadata", "labels");
	const struct req *r;

	if (!s)
		return true;
	vec_each (&s->reqs, r)
		if (!req_match(r, obj_str(labels, r->key)))
			return false;
	return true;
}

/* ---- fields -------------------------------------------------------------------------------------------------------- */

static const char *field_of(const struct emb_kind *k, const json_t *o, const char *path)
{
	if (!strcmp(path, "metadata.name"))
		return obj_str_or("", o, "metadata", "name");
	if (!strcmp(path, "metadata.namespace"))
		return obj_str_or("", o, "metadata", "namespace");
	return k->builtin && k->builtin->field ? k->builtin->field(o, path) : NULL;
}

/* Up to an unescaped comma; "\," "\=" and "\\" are escapes. */
static int field_term(const char **at, struct req *r, const char *whole, struct err *err)
{
	auto_buf struct buf key = BUF_INIT(LIMIT_EMBEDDED_SELECTOR);
	auto_buf struct buf value = BUF_INIT(LIMIT_EMBEDDED_SELECTOR);
	const char *p = *at;

	for (; *p && *p != ',' && *p != '=' && *p != '!'; p++)
		buf_addc(&key, *p);
	r->op = OP_IN;
	if (p[0] == '!' && p[1] == '=') {
		r->op = OP_NOT_IN;
		p += 2;
	} else if (p[0] == '=') {
		p += p[1] == '=' ? 2 : 1;
	} else {
		return err_set(err, ERR_STALL,
			"invalid selector: '%.300s'; can't understand '%.300s'", whole, *at);
	}
	for (; *p && *p != ','; p++) {
		if (*p == '\\' && (!p[1] || !strchr("\\,=", p[1])))
			return err_set(err, ERR_STALL,
				"invalid field selector: invalid escape sequence: %.2s", p);
		if (*p == '\\')
			p++;
		else if (*p == '=')
			return err_set(err, ERR_STALL,
				"invalid selector: '%.300s'; can't understand '%.300s'", whole,
				*at);
		buf_addc(&value, *p);
	}
	r->key = buf_take(&key);
	add_value(r, buf_take(&value));
	*at = p;
	return 0;
}

int emb_selector_fields(
	struct emb_selector **out, const char *text, const struct emb_kind *k, struct err *err)
{
	struct emb_selector *s;
	const char *at = text;
	auto_json json_t *none = NULL;

	*out = NULL;
	if (!text || too_long(text, err))
		return text ? -1 : 0;
	none = json_object();
	s = NEW(struct emb_selector);
	while (*at) {
		struct req *r;

		if (*at == ',') {
			at++;
			continue;
		}
		r = vec_add(&s->reqs);
		memset(r, 0, sizeof(*r));
		if (field_term(&at, r, text, err))
			goto fail;
		if (!field_of(k, none, r->key)) {
			err_set(err, ERR_STALL, "field label not supported: %.300s", r->key);
			goto fail;
		}
	}
	if (s->reqs.len)
		*out = s;
	else
		emb_selector_free(s);
	return 0;
fail:
	emb_selector_free(s);
	return -1;
}

bool emb_selector_match_fields(
	const struct emb_selector *s, const struct emb_kind *k, const json_t *o)
{
	const struct req *r;

	if (!s)
		return true;
	vec_each (&s->reqs, r)
		if (!req_match(r, field_of(k, o, r->key)))
			return false;
	return true;
}

const char *emb_selector_name(const struct emb_selector *s)
{
	const struct req *r;

	if (!s)
		return NULL;
	vec_each (&s->reqs, r)
		if (r->op == OP_IN && !strcmp(r->key, "metadata.name"))
			return r->values[0];
	return NULL;
}
