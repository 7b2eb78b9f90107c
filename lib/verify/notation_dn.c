#include "verify/notation_dn.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "crypto/notary_cert.h"
#include "verify/plain.h"

#include <string.h>

static const char *value_of(const struct verify_dn *dn, const char *type)
{
	const struct verify_dn_pair *p;

	vec_each (dn, p)
		if (!strcmp(p->type, type))
			return p->value;
	return NULL;
}

static int pair_add(
	struct verify_dn *dn, const char *type, const struct buf *value, struct err *err)
{
	char shown[VERIFY_PLAIN_MAX];

	if (!strcmp(type, "S"))
		type = "ST";
	if (!value->len || memchr(value->p, '\0', value->len) || !utf8_ok(value->p, value->len))
		return err_set(
			err, ERR_RETRY, "its '%s' is empty, or no text", verify_plain(type, shown));
	if (value_of(dn, type))
		return err_set(
			err, ERR_RETRY, "it has '%s' more than once", verify_plain(type, shown));
	if (dn->len == LIMIT_DN_PAIRS)
		return err_set(err, ERR_RETRY, "it has more than %d attributes", LIMIT_DN_PAIRS);
	*vec_add(dn) = (struct verify_dn_pair){mem_strdup(type), mem_strndup(value->p, value->len)};
	return 0;
}

static int complete_check(const struct verify_dn *dn, struct err *err)
{
	static const char *const needed[] = {"C", "ST", "O"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(needed); i++)
		if (!value_of(dn, needed[i]))
			return err_set(err, ERR_RETRY, "it has no '%s': C, ST and O must be there",
				needed[i]);
	return 0;
}

/* ---- of text --------------------------------------------------------------------------------- */

static const char *spaces_skip(const char *s)
{
	while (*s == ' ')
		s++;
	return s;
}

/* A short name, or an OID in dots. *at: behind the '='. */
static int type_read(const char **at, struct buf *type, struct err *err)
{
	const char *s = spaces_skip(*at);

	while (ascii_is_alnum(*s) || *s == '-' || *s == '.')
		buf_addc(type, *s++);
	s = spaces_skip(s);
	if (*s != '=' || !type->len)
		return err_set(err, ERR_RETRY, "it is no list of TYPE=VALUE");
	*at = s + 1;
	return buf_over(type) ? err_set(err, ERR_RETRY, "a type of it is too long") : 0;
}

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What follows a backslash. Returns behind it; NULL: nothing that may. */
static const char *escape_read(const char *s, struct buf *value)
{
	if (*s && strchr(" \"#+,;<=>\\", *s)) {
		buf_addc(value, *s);
		return s + 1;
	}
	if (hex_of(s[0]) < 0 || hex_of(s[1]) < 0)
		return NULL;
	buf_addc(value, (char)(hex_of(s[0]) << 4 | hex_of(s[1])));
	return s + 2;
}

/* Spaces around it are none of it, unless they are escaped. *at: at what ends it. */
static int value_read(const char **at, struct buf *value, struct err *err)
{
	const char *s = spaces_skip(*at);
	size_t spaces = 0;

	if (*s == '#')
		return err_set(err, ERR_RETRY, "values in hexadecimal ('=#') are not taken");
	while (*s && !strchr(",;+", *s)) {
		if (strchr("\"<>", *s))
			return err_set(err, ERR_RETRY, "'%c' needs a backslash before it", *s);
		spaces = *s == ' ' ? spaces + 1 : 0;
		if (*s != '\\') {
			buf_addc(value, *s++);
			continue;
		}
		s = escape_read(s + 1, value);
		if (!s)
			return err_set(err, ERR_RETRY,
				"a backslash has nothing behind it that "
				"may be there");
	}
	if (buf_over(value))
		return err_set(err, ERR_RETRY, "a value of it is too long");
	value->len -= spaces;
	*at = s;
	return 0;
}

int verify_dn_parse(struct verify_dn *out, const char *text, struct err *err)
{
	auto_buf struct buf type = BUF_INIT(LIMIT_DN_TEXT), value = BUF_INIT(LIMIT_DN_TEXT);

	for (;;) {
		buf_reset(&type);
		buf_reset(&value);
		if (type_read(&text, &type, err) || value_read(&text, &value, err) ||
			pair_add(out, buf_str(&type), &value, err))
			return -1;
		if (*text == '+')
			return err_set(err, ERR_RETRY,
				"it has two attributes in one place ('+'), which is not taken");
		if (!*text)
			return complete_check(out, err);
		text++;
	}
}

/* ---- of a certificate ------------------------------------------------------------------------ */

int verify_dn_of(struct verify_dn *out, const struct notary_cert *c, struct err *err)
{
	auto_buf struct buf value = BUF_INIT(LIMIT_DN_TEXT);
	const char *type;
	unsigned i;

	for (i = 0; notary_cert_attribute(c, i, &type, &value); i++) {
		if (!type)
			return err_set(err, ERR_RETRY,
				"it has an attribute that RFC 4514 has no name for");
		if (pair_add(out, type, &value, err))
			return -1;
		buf_reset(&value);
	}
	return complete_check(out, err);
}

void verify_dn_clear(struct verify_dn *dn)
{
	struct verify_dn_pair *p;

	vec_each (dn, p) {
		free(p->type);
		free(p->value);
	}
	vec_clear(dn);
}

bool verify_dn_within(const struct verify_dn *dn, const struct verify_dn *other)
{
	const struct verify_dn_pair *p;

	vec_each (dn, p) {
		const char *value = value_of(other, p->type);

		if (!value || strcmp(value, p->value) != 0)
			return false;
	}
	return true;
}
