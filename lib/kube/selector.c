#include "kube/selector.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "kube/names.h"

#include <ctype.h>
#include <string.h>

enum req_op { OP_IN, OP_NOT_IN, OP_EXISTS, OP_ABSENT, OP_GREATER, OP_LESS };

struct req {
	char *key;
	enum req_op op;
	char **values;
	size_t n_values;
};

struct kube_selector {
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

void kube_selector_free(struct kube_selector *s)
{
	struct req *r;

	if (!s)
		return;
	vec_each (&s->reqs, r)
		req_clear(r);
	vec_clear(&s->reqs);
	free(s);
}

static void value_put(struct req *r, char *value)
{
	r->values = mem_array(r->values, r->n_values + 1, sizeof(*r->values));
	r->values[r->n_values++] = value;
}

/* ---- labels ---------------------------------------------------------------------------------- */

struct lexer {
	const char *at;
	char word[LIMIT_KUBE_SELECTOR + 1]; /* of T_WORD */
};

enum token { T_END, T_WORD, T_COMMA, T_OPEN, T_CLOSE, T_EQ, T_NE, T_NOT, T_GT, T_LT };

static enum token token_take(struct lexer *l)
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

static enum token token_peek(const struct lexer *l)
{
	struct lexer copy = {.at = l->at};

	return token_take(&copy);
}

static int key_check(const char *key, struct err *err)
{
	if (kube_is_qualified(key))
		return 0;
	return err_set(err, ERR_STALL,
		"unable to parse requirement: <nil>: Invalid value: \"%.300s\": %s", key,
		KUBE_QUALIFIED_RULE);
}

static int value_add(struct req *r, const char *value, struct err *err)
{
	if (!kube_is_label_value(value))
		return err_set(err, ERR_STALL,
			"unable to parse requirement: values[%zu][%s]: Invalid value: \"%.300s\": "
			"%s",
			r->n_values, r->key, value, KUBE_LABEL_VALUE_RULE);
	if ((r->op == OP_GREATER || r->op == OP_LESS) &&
		(!value[0] || strspn(value, "0123456789") != strlen(value)))
		return err_set(err, ERR_STALL,
			"unable to parse requirement: values[0][%s]: Invalid value: \"%.300s\": "
			"for 'Gt', 'Lt' operators, the value must be an integer",
			r->key, value);
	value_put(r, mem_strdup(value));
	return 0;
}

/* "(a,b)" after in or notin; empty values are allowed. */
static int values_parse(struct lexer *l, struct req *r, struct err *err)
{
	if (token_take(l) != T_OPEN)
		return err_set(err, ERR_STALL,
			"unable to parse requirement: found '%.100s', expected: '('", l->at);
	for (;;) {
		bool word = token_peek(l) == T_WORD;
		enum token t;

		if (word)
			token_take(l);
		if (value_add(r, word ? l->word : "", err))
			return -1;
		t = token_take(l);
		if (t == T_CLOSE)
			return 0;
		if (t != T_COMMA)
			return err_set(err, ERR_STALL,
				"unable to parse requirement: found '%.100s', expected: ',', or "
				"')'",
				l->at);
	}
}

static int value_parse(struct lexer *l, struct req *r, struct err *err)
{
	bool word = token_peek(l) == T_WORD;

	if (word)
		token_take(l);
	return value_add(r, word ? l->word : "", err);
}

static int operator_parse(struct lexer *l, struct req *r, struct err *err)
{
	enum token t = token_peek(l);

	if (t == T_END || t == T_COMMA) {
		r->op = OP_EXISTS;
		return 0;
	}
	t = token_take(l);
	if (t == T_EQ || t == T_NE || t == T_GT || t == T_LT) {
		r->op = t == T_EQ   ? OP_IN
			: t == T_NE ? OP_NOT_IN
			: t == T_GT ? OP_GREATER
				    : OP_LESS;
		return value_parse(l, r, err);
	}
	if (t == T_WORD && (!strcmp(l->word, "in") || !strcmp(l->word, "notin"))) {
		r->op = l->word[0] == 'i' ? OP_IN : OP_NOT_IN;
		return values_parse(l, r, err);
	}
	return err_set(err, ERR_STALL,
		"unable to parse requirement: found '%.100s', expected: in, notin, =, ==, !=, gt, "
		"lt",
		t == T_WORD ? l->word : l->at);
}

static int req_parse(struct lexer *l, struct req *r, struct err *err)
{
	enum token t = token_take(l);
	bool negated = t == T_NOT;

	if (negated)
		t = token_take(l);
	if (t != T_WORD)
		return err_set(err, ERR_STALL,
			"unable to parse requirement: found '%.100s', expected: !, identifier, or "
			"'end of string'",
			l->at);
	r->key = mem_strdup(l->word);
	if (key_check(r->key, err))
		return -1;
	r->op = OP_ABSENT;
	if (!negated)
		return operator_parse(l, r, err);
	return token_peek(l) == T_END || token_peek(l) == T_COMMA
		? 0
		: err_set(err, ERR_STALL,
			  "unable to parse requirement: found '%.100s', expected: ','", l->at);
}

static int length_check(const char *text, struct err *err)
{
	return strlen(text) <= LIMIT_KUBE_SELECTOR
		? 0
		: err_set(err, ERR_STALL, "the selector is longer than %llu bytes",
			  LIMIT_KUBE_SELECTOR);
}

int kube_selector_labels(struct kube_selector **out, const char *text, struct err *err)
{
	auto_free struct lexer *l = NULL;
	struct kube_selector *s;

	*out = NULL;
	if (!text || length_check(text, err))
		return text ? -1 : 0;
	l = NEW(struct lexer);
	l->at = text;
	if (token_peek(l) == T_END)
		return 0;
	s = NEW(struct kube_selector);
	for (;;) {
		struct req *r = vec_add(&s->reqs);
		enum token t;

		memset(r, 0, sizeof(*r));
		if (req_parse(l, r, err))
			break;
		t = token_take(l);
		if (t == T_END) {
			*out = s;
			return 0;
		}
		if (t != T_COMMA || token_peek(l) == T_END) {
			err_set(err, ERR_STALL,
				"unable to parse requirement: found '%.100s', expected: identifier "
				"after ','",
				l->at);
			break;
		}
	}
	kube_selector_free(s);
	return -1;
}

static bool req_has(const struct req *r, const char *value)
{
	size_t i;

	for (i = 0; i < r->n_values; i++)
		if (!strcmp(r->values[i], value))
			return true;
	return false;
}

static bool req_compares(const struct req *r, const char *value)
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
		return value && req_has(r, value);
	case OP_NOT_IN:
		return !value || !req_has(r, value);
	case OP_EXISTS:
		return value;
	case OP_ABSENT:
		return !value;
	default:
		return value && req_compares(r, value);
	}
}

bool kube_selector_match_labels(const struct kube_selector *s, const json_t *o)
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

/* ---- fields ---------------------------------------------------------------------------------- */

/* Up to an unescaped comma; "\," "\=" and "\\" are escapes. */
static int field_parse(const char **at, struct req *r, const char *whole, struct err *err)
{
	auto_buf struct buf key = BUF_INIT(LIMIT_KUBE_SELECTOR);
	auto_buf struct buf value = BUF_INIT(LIMIT_KUBE_SELECTOR);
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
	value_put(r, buf_take(&value));
	*at = p;
	return 0;
}

int kube_selector_fields(struct kube_selector **out, const char *text, kube_field_fn *field,
	const void *arg, struct err *err)
{
	struct kube_selector *s;
	const char *at = text;
	auto_json json_t *none = NULL;

	*out = NULL;
	if (!text || length_check(text, err))
		return text ? -1 : 0;
	none = json_object();
	s = NEW(struct kube_selector);
	while (*at) {
		struct req *r;

		if (*at == ',') {
			at++;
			continue;
		}
		r = vec_add(&s->reqs);
		memset(r, 0, sizeof(*r));
		if (field_parse(&at, r, text, err))
			goto fail;
		if (!field(arg, none, r->key)) {
			err_set(err, ERR_STALL, "field label not supported: %.300s", r->key);
			goto fail;
		}
	}
	if (s->reqs.len)
		*out = s;
	else
		kube_selector_free(s);
	return 0;
fail:
	kube_selector_free(s);
	return -1;
}

bool kube_selector_match_fields(
	const struct kube_selector *s, kube_field_fn *field, const void *arg, const json_t *o)
{
	const struct req *r;

	if (!s)
		return true;
	vec_each (&s->reqs, r)
		if (!req_match(r, field(arg, o, r->key)))
			return false;
	return true;
}

const char *kube_selector_value(const struct kube_selector *s, const char *key)
{
	const struct req *r;

	if (!s)
		return NULL;
	vec_each (&s->reqs, r)
		if (r->op == OP_IN && !strcmp(r->key, key))
			return r->values[0];
	return NULL;
}
