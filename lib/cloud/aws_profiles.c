#include "cloud/aws_profiles.h"

#include "base/mem.h"

#include <string.h>
#include <strings.h>

/* A piece of a line. */
struct piece {
	const char *p;
	size_t n;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct piece trimmed(const char *p, size_t n)
{
	while (n && is_blank(*p)) {
		p++;
		n--;
	}
	while (n && is_blank(p[n - 1]))
		n--;
	return (struct piece){p, n};
}

static bool piece_is(struct piece s, const char *text)
{
	return s.n == strlen(text) && !memcmp(s.p, text, s.n);
}

/* A '#' or ';' behind a blank begins a comment. */
static size_t without_comment(struct piece s)
{
	size_t i;

	for (i = 1; i < s.n; i++)
		if ((s.p[i] == '#' || s.p[i] == ';') && is_blank(s.p[i - 1]))
			return i;
	return s.n;
}

/* "[default]", "[profile NAME]"; in the file of credentials "[NAME]". */
static bool section_is(struct piece line, const char *name, bool is_config)
{
	static const char word[] = "profile";
	const char *end = memchr(line.p, ']', line.n);
	struct piece s;

	if (!end)
		return false;
	s = trimmed(line.p + 1, (size_t)(end - line.p) - 1);
	if (!is_config)
		return piece_is(s, name);
	if (s.n > sizeof(word) && !memcmp(s.p, word, sizeof(word) - 1) &&
		is_blank(s.p[sizeof(word) - 1]))
		return piece_is(trimmed(s.p + sizeof(word), s.n - sizeof(word)), name);
	return piece_is(s, "default") && !strcmp(name, "default");
}

static void profile_set(struct secret *to, struct piece value)
{
	if (!to->len && value.n)
		secret_set(to, value.p, value.n);
}

static void profile_take(struct aws_profile *p, struct piece line)
{
	static const char *const roles[] = {"role_arn", "source_profile"};
	static const char *const others[] = {"credential_source", "web_identity_token_file",
		"sso_session", "sso_start_url", "sso_account_id", "login_session",
		"credential_process"};
	const char *equals = memchr(line.p, '=', line.n);
	struct piece value, key;
	auto_free char *name = NULL;
	size_t i;

	if (!equals)
		return;
	key = trimmed(line.p, (size_t)(equals - line.p));
	value = trimmed(equals + 1, (size_t)(line.p + line.n - equals) - 1);
	value = trimmed(value.p, without_comment(value));
	name = mem_strndup(key.p, key.n);
	if (!strcasecmp(name, "aws_access_key_id"))
		profile_set(&p->id, value);
	else if (!strcasecmp(name, "aws_secret_access_key"))
		profile_set(&p->key, value);
	else if (!strcasecmp(name, "aws_session_token"))
		profile_set(&p->token, value);
	for (i = 0; i < ARRAY_LEN(roles); i++)
		if (!strcasecmp(name, roles[i]))
			p->role = roles[i];
	for (i = 0; i < ARRAY_LEN(others); i++)
		if (!strcasecmp(name, others[i]))
			p->other = others[i];
}

void aws_profile_add(
	struct aws_profile *p, const char *text, size_t len, const char *name, bool is_config)
{
	const char *at = text, *end = text + len, *eol;
	/* One file's keys belong together. */
	bool has_keys = p->id.len && p->key.len, inside = false, property = false;
	struct aws_profile of_file = {.found = false};

	for (; at < end; at = eol + 1) {
		struct piece line;

		eol = memchr(at, '\n', (size_t)(end - at));
		if (!eol)
			eol = end;
		line = trimmed(at, (size_t)(eol - at));
		if (!line.n || *line.p == '#' || *line.p == ';')
			continue;
		if (*line.p == '[') {
			inside = section_is(line, name, is_config);
			of_file.found |= inside;
			property = false;
		} else if (inside && !(property && is_blank(*at))) {
			/* What is indented under a property belongs to it. */
			profile_take(&of_file, line);
			property = true;
		}
	}
	p->found |= of_file.found;
	if (of_file.role)
		p->role = of_file.role;
	if (of_file.other)
		p->other = of_file.other;
	if (!has_keys && (of_file.id.len || of_file.key.len)) {
		secret_copy(&p->id, &of_file.id);
		secret_copy(&p->key, &of_file.key);
		secret_copy(&p->token, &of_file.token);
	}
	aws_profile_clear(&of_file);
}

int aws_profile_check(const struct aws_profile *p, const char *name, struct err *err)
{
	const char *property = p->role;
	bool id = p->id.len > 0, key = p->key.len > 0;

	if (!property && id && key)
		return 1;
	if (!property)
		property = p->other;
	if (property)
		return err_set(err, ERR_RETRY,
			"the profile '%.64s' of AWS has %s, which is not supported: only "
			"aws_access_key_id and aws_secret_access_key are",
			name, property);
	if (id != key)
		return err_set(err, ERR_RETRY, "the profile '%.64s' of AWS has no %s", name,
			id ? "aws_secret_access_key" : "aws_access_key_id");
	return 0;
}

void aws_profile_clear(struct aws_profile *p)
{
	secret_clear(&p->id);
	secret_clear(&p->key);
	secret_clear(&p->token);
	*p = (struct aws_profile){.found = false};
}
