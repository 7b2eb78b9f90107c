#include "hook/read.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "text/steady.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EVENT_SHOWN 100 /* bytes of its name, in the log */

static const char *const names[HOOK_HEADERS] = {
	[HOOK_CONTENT_TYPE] = "Content-Type",
	[HOOK_AUTHORIZATION] = "Authorization",
	[HOOK_X_SIGNATURE] = "X-Signature",
	[HOOK_X_HUB_SIGNATURE_256] = "X-Hub-Signature-256",
	[HOOK_X_HUB_SIGNATURE] = "X-Hub-Signature",
	[HOOK_X_GITHUB_EVENT] = "X-GitHub-Event",
	[HOOK_X_EVENT_KEY] = "X-Event-Key",
	[HOOK_X_GITLAB_TOKEN] = "X-Gitlab-Token",
	[HOOK_X_GITLAB_EVENT] = "X-Gitlab-Event",
	[HOOK_X_NEXUS_SIGNATURE] = "X-Nexus-Webhook-Signature",
	[HOOK_CE_TYPE] = "Ce-Type",
};

/* ---- what came ------------------------------------------------------------------------------- */

static char **events_copy(const char *const *events)
{
	size_t n = 0, i;
	char **out;

	while (events && events[n])
		n++;
	out = mem_array(NULL, n + 1, sizeof(*out));
	for (i = 0; i < n; i++)
		out[i] = mem_strdup(events[i]);
	out[n] = NULL;
	return out;
}

void hook_in_init(struct hook_in *in, const struct hook_spec *spec, const struct hook_call *call)
{
	const char *value;
	size_t i;

	*in = (struct hook_in){.type = spec->type, .filtered = spec->filtered};
	if (spec->token)
		secret_copy(&in->token, spec->token);
	in->events = events_copy(spec->events);
	for (i = 0; i < HOOK_HEADERS; i++)
		if ((value = call->header(call->x, names[i])))
			secret_set(&in->headers[i], value, strlen(value));
	buf_init(&in->body, call->len);
	BUG_IF(buf_add(&in->body, call->body, call->len));
}

void hook_in_clear(struct hook_in *in)
{
	size_t i;

	secret_clear(&in->token);
	for (i = 0; in->events && in->events[i]; i++)
		free(in->events[i]);
	free(in->events);
	for (i = 0; i < HOOK_HEADERS; i++)
		secret_clear(&in->headers[i]);
	buf_clear(&in->body);
	json_decref(in->json);
	*in = (struct hook_in){0};
}

const char *hook_header(const struct hook_in *in, enum hook_header h)
{
	return in->headers[h].p ? in->headers[h].p : "";
}

/* ---- content types --------------------------------------------------------------------------- */

static bool is_token(char c)
{
	return ascii_is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *blanks_skip(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

static const char *token_skip(const char *p, const char *end)
{
	while (p < end && is_token(*p))
		p++;
	return p;
}

/* NULL: it has no end. */
static const char *quoted_skip(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end ? p + 1 : NULL;
}

/* "; name=value", or "" and a single semicolon at the end. NULL: it is none of these. */
static const char *param_skip(const char *p, const char *end)
{
	const char *from;

	if (*p != ';')
		return NULL;
	from = p = blanks_skip(p + 1, end);
	if (p == end)
		return p;
	p = token_skip(p, end);
	if (p == from)
		return NULL;
	p = blanks_skip(p, end);
	if (p == end || *p != '=')
		return NULL;
	from = p = blanks_skip(p + 1, end);
	p = p < end && *p == '"' ? quoted_skip(p, end) : token_skip(p, end);
	return p == from ? NULL : p;
}

static bool params_ok(const char *p, const char *end)
{
	for (p = blanks_skip(p, end); p && p < end;) {
		p = param_skip(p, end);
		p = p ? blanks_skip(p, end) : NULL;
	}
	return p;
}

/* Is it a content type at all (RFC 9110 section 8.3.1)? *good says whether it is this one. */
static bool content_read(const char *p, const char *end, const char *type, bool *good)
{
	const char *from = p = blanks_skip(p, end), *to = token_skip(p, end);

	if (to < end && *to == '/')
		to = token_skip(to + 1, end);
	*good = (size_t)(to - from) == strlen(type) && !strncasecmp(from, type, strlen(type));
	/* Neither half may be empty; a word without a slash will do. */
	return to > from && *from != '/' && to[-1] != '/' && params_ok(to, end);
}

bool hook_content_is(const struct hook_in *in, const char *type)
{
	const char *p = hook_header(in, HOOK_CONTENT_TYPE);
	bool good;

	return content_read(p, p + strlen(p), type, &good) && good;
}

bool hook_is_json(const struct hook_in *in)
{
	const char *p = hook_header(in, HOOK_CONTENT_TYPE), *end;
	bool good = false;

	for (; !good; p = end + 1) {
		end = p + strcspn(p, ",");
		if (!content_read(p, end, "application/json", &good))
			return false;
		if (!*end)
			break;
	}
	return good;
}

/* ---- the body -------------------------------------------------------------------------------- */

static bool is_blank(const struct buf *b, size_t from)
{
	for (; from < b->len; from++)
		if (!strchr(" \t\r\n", b->p[from]) || !b->p[from])
			return false;
	return true;
}

const json_t *hook_json(struct hook_in *in)
{
	static const struct obj_limits max = {LIMIT_JSON_API_VALUES, LIMIT_JSON_API_DEPTH};
	struct err ignored = {0};
	json_error_t at = {0};

	if (in->parsed)
		return in->json;
	in->parsed = true;
	if (obj_measure(buf_str(&in->body), in->body.len, &max, "the body", &ignored))
		return NULL;
	in->json = json_loadb(buf_str(&in->body), in->body.len,
		JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_DECODE_INT_AS_REAL, &at);
	in->junk = in->json && at.position >= 0 && !is_blank(&in->body, (size_t)at.position);
	return in->json;
}

/* ---- the verdict ----------------------------------------------------------------------------- */

void hook_say(struct hook_verdict *v, enum hook_said said, const char *why)
{
	static const int status[] = {
		[HOOK_FIRE] = 200,
		[HOOK_QUIET] = 200,
		[HOOK_REFUSED] = 400,
		[HOOK_BAD] = 400,
		[HOOK_UNREADABLE] = 500,
		[HOOK_UNABLE] = 503,
	};

	v->said = said;
	v->status = status[said];
	v->why = why;
}

void hook_refuse(struct hook_verdict *v, const char *detail)
{
	hook_say(v, HOOK_REFUSED, "the token is not accepted");
	snprintf(v->detail, sizeof(v->detail), "%.250s", detail);
}

bool hook_event_ok(const struct hook_in *in, enum hook_header h, struct hook_verdict *v)
{
	const char *event = hook_header(in, h);
	auto_buf struct buf clean = BUF_INIT(sizeof(v->detail));
	size_t i;

	if (*event) {
		steady_add_clean(&clean, event, EVENT_SHOWN);
		snprintf(v->detail, sizeof(v->detail), "event '%s'", buf_str(&clean));
	}
	for (i = 0; in->events[i]; i++)
		if (!strcasecmp(in->events[i], event))
			return true;
	if (i)
		hook_say(v, HOOK_REFUSED, "the receiver does not take this event");
	return !i;
}

/* Filters get no half of a verdict. */
static void verdict_strip(struct hook_verdict *v)
{
	json_decref(v->req);
	json_decref(v->claims);
	v->req = v->claims = NULL;
	vec_clear(&v->pushes);
}

static void req_fill(struct hook_in *in, struct hook_verdict *v)
{
	const json_t *json;

	if (v->req)
		return;
	if (!hook_is_json(in)) {
		v->req = json_object();
		return;
	}
	json = hook_json(in);
	if (json_is_object(json))
		v->req = json_incref((json_t *)json);
	else if (json_is_null(json))
		v->req = json_object();
	else
		hook_say(v, HOOK_UNREADABLE, "the body is no JSON object, which the filters need");
}

void hook_read(struct hook_in *in, struct hook_verdict *v)
{
	hook_say(v, HOOK_FIRE, "");
	if (!in->type->by_issuer && !in->token.len)
		hook_say(v, HOOK_REFUSED, "the receiver has no token");
	else
		in->type->how->read(in, v);
	if (v->said == HOOK_FIRE && in->filtered)
		req_fill(in, v);
	if (v->said != HOOK_FIRE)
		verdict_strip(v);
	else if (!in->filtered) {
		json_decref(v->req);
		v->req = NULL;
	}
}

void hook_verdict_clear(struct hook_verdict *v)
{
	verdict_strip(v);
	*v = (struct hook_verdict){0};
}
