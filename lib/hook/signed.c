/* Types whose caller signs the body with the token (HMAC). */
#include "base/ascii.h"
#include "base/mem.h"
#include "crypto/hmac.h"
#include "hook/how.h"
#include "hook/push.h"
#include "hook/read.h"
#include "hook/shape.h"

#include <string.h>
#include <strings.h>

#define MAC_MAX 64 /* bytes of the longest */

struct form {
	const char *prefix;
	enum hmac_algo algo;
};

/* ---- signatures ------------------------------------------------------------------------------ */

/* The bytes of the hex; 0: it is none. */
static size_t hex_read(unsigned char out[MAC_MAX], const char *hex)
{
	size_t n = strlen(hex), i;

	if (n % 2 || n > 2 * MAC_MAX)
		return 0;
	for (i = 0; i < n; i++)
		if (!ascii_is_hex(hex[i]))
			return 0;
	for (i = 0; i < n / 2; i++)
		out[i] = (unsigned char)(ascii_hex_value(hex[2 * i]) << 4 |
			ascii_hex_value(hex[2 * i + 1]));
	return n / 2;
}

static bool mac_is_good(const struct hook_in *in, enum hmac_algo algo, const char *hex)
{
	unsigned char mac[MAC_MAX];
	size_t n = hex_read(mac, hex);

	return n &&
		hmac_verifies(
			algo, in->token.p, in->token.len, buf_str(&in->body), in->body.len, mac, n);
}

/* "sha256=HEX" and its like. */
static bool signature_is_good(const struct hook_in *in, const char *text)
{
	static const struct form forms[] = {
		{"sha1=", HMAC_SHA1}, {"sha256=", HMAC_SHA256}, {"sha512=", HMAC_SHA512}};
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(forms); i++) {
		n = strlen(forms[i].prefix);
		if (!strncmp(text, forms[i].prefix, n))
			return mac_is_good(in, forms[i].algo, text + n);
	}
	return false;
}

static void hmac_read(struct hook_in *in, struct hook_verdict *v)
{
	if (!signature_is_good(in, hook_header(in, HOOK_X_SIGNATURE)))
		hook_say(v, HOOK_REFUSED,
			"header X-Signature is not sha1=, sha256= or sha512= and the HMAC of the "
			"body in hex");
}

/* ---- github, bitbucket ----------------------------------------------------------------------- */

/* One byte of a form, with its escapes undone; *at moves on. -1: the escape is none. */
static int form_byte(const char **at, const char *end)
{
	const char *p = *at;

	*at = p + 1;
	if (*p == '+')
		return ' ';
	if (*p != '%')
		return (unsigned char)*p;
	if (end - p < 3 || !ascii_is_hex(p[1]) || !ascii_is_hex(p[2]))
		return -1;
	*at = p + 3;
	return ascii_hex_value(p[1]) << 4 | ascii_hex_value(p[2]);
}

static int form_text(struct buf *out, const char *p, const char *end)
{
	int c;

	while (p < end) {
		if ((c = form_byte(&p, end)) < 0)
			return -1;
		buf_addc(out, (char)c);
	}
	return 0;
}

/* One "name=value"; the first value of `payload` goes to out. -1: it is malformed. */
static int pair_read(struct buf *out, bool *found, const char *p, const char *end)
{
	const char *equals = memchr(p, '=', (size_t)(end - p));
	const char *to = equals ? equals : end;
	auto_buf struct buf name = BUF_INIT((size_t)(end - p));
	auto_buf struct buf value = BUF_INIT((size_t)(end - p));

	if (memchr(p, ';', (size_t)(end - p)) || form_text(&name, p, to) ||
		(equals && form_text(&value, equals + 1, end)))
		return -1;
	if (*found || name.len != 7 || memcmp(name.p, "payload", 7) != 0)
		return 0;
	*found = true;
	*out = value;
	value = BUF_INIT(0);
	return 0;
}

/* The value of `payload` takes the place of the form that it is in; none is as good as an empty
   one. -1: it is no form. */
static int form_read(struct hook_in *in)
{
	const char *p = buf_str(&in->body), *all = p + in->body.len, *end;
	struct buf payload = BUF_INIT(0);
	bool found = false;

	for (; p < all; p = end + 1) {
		end = memchr(p, '&', (size_t)(all - p));
		end = end ? end : all;
		if (end > p && pair_read(&payload, &found, p, end)) {
			buf_clear(&payload);
			return -1;
		}
	}
	buf_clear(&in->body);
	in->body = payload;
	return 0;
}

/* The stronger header counts if it is there, be it wrong. */
static bool hub_is_signed(const struct hook_in *in)
{
	const char *strong = hook_header(in, HOOK_X_HUB_SIGNATURE_256);

	return signature_is_good(in, *strong ? strong : hook_header(in, HOOK_X_HUB_SIGNATURE));
}

/* The signature is the form's, so it is checked before the payload is taken out of it. */
static bool hub_is_good(struct hook_in *in, struct hook_verdict *v)
{
	bool form = hook_content_is(in, "application/x-www-form-urlencoded");

	if (!form && !hook_content_is(in, "application/json"))
		hook_say(v, HOOK_BAD, "the content type is neither JSON nor a form");
	else if (!hub_is_signed(in))
		hook_say(v, HOOK_REFUSED,
			"header X-Hub-Signature-256, or X-Hub-Signature, is not sha256= and the "
			"HMAC of the body in hex");
	else if (form && form_read(in))
		hook_say(v, HOOK_BAD, "the body is no form");
	return v->said == HOOK_FIRE;
}

static void github_read(struct hook_in *in, struct hook_verdict *v)
{
	const char *event = hook_header(in, HOOK_X_GITHUB_EVENT);

	if (!hub_is_good(in, v))
		return;
	if (!strcasecmp(event, "ping"))
		hook_say(v, HOOK_QUIET, "");
	else if (hook_event_ok(in, HOOK_X_GITHUB_EVENT, v) &&
		(!strcasecmp(event, "package") || !strcasecmp(event, "registry_package")))
		hook_push_github(v, hook_json(in));
}

static void bitbucket_read(struct hook_in *in, struct hook_verdict *v)
{
	if (hub_is_good(in, v))
		hook_event_ok(in, HOOK_X_EVENT_KEY, v);
}

/* ---- nexus ----------------------------------------------------------------------------------- */

static bool nexus_is_signed(const struct hook_in *in)
{
	const char *hex = hook_header(in, HOOK_X_NEXUS_SIGNATURE), *p;

	for (p = hex; *p; p++)
		if (ascii_is_upper(*p))
			return false;
	return mac_is_good(in, HMAC_SHA1, hex);
}

static void nexus_read(struct hook_in *in, struct hook_verdict *v)
{
	static const struct hook_shape shape[] = {
		{"action", HOOK_TEXT}, {"repositoryName", HOOK_TEXT}, {NULL}};

	if (!nexus_is_signed(in))
		hook_say(v, HOOK_REFUSED,
			"header X-Nexus-Webhook-Signature is not the SHA-1 HMAC of the body in "
			"lower-case hex");
	else if (!hook_json(in) || in->junk || !hook_shape_fits(hook_json(in), shape))
		hook_say(v, HOOK_BAD, "the body is not what Nexus sends");
	else
		hook_push_nexus(v, hook_json(in));
}

const struct hook_how hook_hmac = {hmac_read};
const struct hook_how hook_github = {github_read};
const struct hook_how hook_bitbucket = {bitbucket_read};
const struct hook_how hook_nexus = {nexus_read};
