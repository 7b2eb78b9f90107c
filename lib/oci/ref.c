#include "oci/ref.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "http/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static bool ref_is_lower_alnum(char c)
{
	return ascii_is_lower(c) || ascii_is_digit(c);
}

/* What the caller typed, made fit for a message. An '@' before a digest hides no password: such a
   URL is shown whole. */
static const char *ref_shown(struct buf *b, const char *url)
{
	const char *at = strrchr(url, '@'), *slash = strrchr(url, '/');
	struct err ignored = {0};
	struct digest d;

	if (at && slash && slash < at && strchr(url, '@') == at &&
		!digest_parse(&d, at + 1, &ignored))
		return url;
	url_safe(b, url);
	return buf_str(b);
}

__attribute__((format(printf, 3, 4))) static int ref_bad(
	struct err *err, const char *url, const char *fmt, ...)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_URL);
	char why[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return err_set(err, ERR_STALL, "invalid URL '%.400s': %s", ref_shown(&b, url), why);
}

/* "host", "host:port", "[v6]:port"; lower-cased. */
static const char *host_set(char out[OCI_HOST_MAX + 1], const char *p, size_t n)
{
	const char *colon;
	char v6[64];
	unsigned char bin[16];
	size_t i, name;

	if (n && *p == '[') {
		const char *end = memchr(p, ']', n);

		if (!end || (size_t)(end - p) > sizeof(v6))
			return "the registry is not a valid address";
		memcpy(v6, p + 1, (size_t)(end - p) - 1);
		v6[end - p - 1] = '\0';
		if (inet_pton(AF_INET6, v6, bin) != 1)
			return "the registry is not a valid address";
		name = (size_t)(end - p) + 1;
		colon = name < n ? p + name : NULL;
		if (colon && *colon != ':')
			return "the registry is not a valid address";
	} else {
		colon = memchr(p, ':', n);
		name = colon ? (size_t)(colon - p) : n;
		for (i = 0; i < name; i++)
			if (!ascii_is_alnum(p[i]) && !strchr("-_.", p[i]))
				return p[i] == '*'
					? "the registry is a name, there are no wildcards"
					: "the registry has a character that no host "
					  "name has";
		if (!name)
			return "the registry's host is missing";
	}
	if (colon) {
		unsigned long port = 0;

		for (i = name + 1; i < n; i++) {
			if (p[i] < '0' || p[i] > '9' || i - name > 5)
				return "the registry's port is not a number from 1 to 65535";
			port = port * 10 + (unsigned long)(p[i] - '0');
		}
		if (port < 1 || port > 65535)
			return "the registry's port is not a number from 1 to 65535";
	}
	if (name > 255 || n > OCI_HOST_MAX)
		return "the registry's name is too long";
	for (i = 0; i < n; i++)
		out[i] = p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] | 0x20) : p[i];
	out[n] = '\0';
	return NULL;
}

/* Copies the path without its empty parts. */
static const char *name_set(char out[OCI_NAME_MAX + 1], const char *p, size_t n)
{
	size_t i = 0, len = 0;

	for (i = 0; i < n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			return "the repository must be lower case";
		else if (!ref_is_lower_alnum(p[i]) && !strchr("_-./", p[i]))
			return "the repository can only hold the characters a-z 0-9 _ - . /";
	for (i = 0; i < n;) {
		const char *slash = memchr(p + i, '/', n - i);
		size_t part = slash ? (size_t)(slash - p) - i : n - i;

		if ((part == 1 && p[i] == '.') || (part == 2 && !memcmp(p + i, "..", 2)))
			return "the repository must not hold '.' or '..' as a part";
		if (part) {
			if (len + (len > 0) + part > OCI_NAME_MAX)
				return "the repository is longer than 255 characters";
			if (len)
				out[len++] = '/';
			memcpy(out + len, p + i, part);
			len += part;
		}
		i += part + 1;
	}
	if (len < 2)
		return "the repository must have at least 2 characters";
	out[len] = '\0';
	return NULL;
}

const char *oci_repo_set(struct oci_repo *r, const char *text, size_t n)
{
	const char *slash = memchr(text, '/', n);
	size_t first = slash ? (size_t)(slash - text) : n;
	const char *why;

	if (slash && (memchr(text, '.', first) || memchr(text, ':', first))) {
		why = host_set(r->host, text, first);
		if (!why)
			why = name_set(r->name, slash + 1, n - first - 1);
		if (why)
			return why;
	} else {
		why = name_set(r->name, text, n);
		if (why)
			return why;
		snprintf(r->host, sizeof(r->host), "%s", OCI_DOCKER_HUB);
	}
	if (!strcmp(r->host, "docker.io"))
		snprintf(r->host, sizeof(r->host), "%s", OCI_DOCKER_HUB);
	if (!strcmp(r->host, OCI_DOCKER_HUB) && !strchr(r->name, '/')) {
		size_t len = strlen(r->name);

		if (len + strlen("library/") > OCI_NAME_MAX)
			return "the repository is longer than 255 characters";
		memmove(r->name + strlen("library/"), r->name, len + 1);
		memcpy(r->name, "library/", strlen("library/"));
	}
	return NULL;
}

/* The prefix is there, and nothing that belongs to another kind of URL. */
static const char *after_prefix(const char *url, struct err *err)
{
	const char *text = url + strlen(OCI_URL_PREFIX);

	if (strncmp(url, OCI_URL_PREFIX, strlen(OCI_URL_PREFIX))) {
		ref_bad(err, url, "it must have the form 'oci://HOST/ORG/REPOSITORY'");
		return NULL;
	}
	if (strlen(text) > LIMIT_URL)
		ref_bad(err, url, "it is too long");
	else if (strchr(text, '?') || strchr(text, '#'))
		ref_bad(err, url, "it must not have a query or fragment");
	else if (strchr(text, '%'))
		ref_bad(err, url, "it must not have a percent sign");
	else
		return text;
	return NULL;
}

static bool user_inside(const char *text, size_t n)
{
	const char *at = memchr(text, '@', n);
	const char *slash = memchr(text, '/', n);

	return at && slash && at < slash;
}

int oci_repo_parse(struct oci_repo *r, const char *url, bool insecure, struct err *err)
{
	const char *text = after_prefix(url, err), *slash, *colon, *why;
	struct oci_repo repo = {.insecure = insecure};

	if (!text)
		return -1;
	if (user_inside(text, strlen(text)))
		return ref_bad(err, url, "it must not have user information");
	if (strchr(text, '@'))
		return ref_bad(
			err, url, "it must not have a digest; that belongs to spec.ref.digest");
	slash = strchr(text, '/');
	colon = slash ? strchr(slash, ':') : NULL;
	if (colon)
		return ref_bad(err, url, "it must not have a tag; remove '%.140s'", colon);
	why = oci_repo_set(&repo, text, strlen(text));
	if (why)
		return ref_bad(err, url, "%s", why);
	*r = repo;
	return 0;
}

int oci_ref_parse(struct oci_ref *r, const char *url, bool insecure, struct err *err)
{
	const char *text = after_prefix(url, err), *at, *colon, *slash, *why;
	struct oci_ref ref = {.repo.insecure = insecure};
	size_t n;

	if (!text)
		return -1;
	n = strlen(text);
	if (user_inside(text, n))
		return ref_bad(err, url, "it must not have user information");
	at = strchr(text, '@');
	if (at) {
		if (digest_parse(&ref.digest, at + 1, err)) {
			err->kind = ERR_STALL;
			return err_wrap(err, "invalid URL");
		}
		n = (size_t)(at - text);
	}
	slash = memchr(text, '/', n);
	colon = slash ? memchr(slash, ':', n - (size_t)(slash - text)) : memchr(text, ':', n);
	if (colon) {
		size_t len = n - (size_t)(colon - text) - 1;

		if (!oci_tag_valid(colon + 1, len))
			return ref_bad(err, url, "'%.*s' is no valid tag",
				(int)(len > 140 ? 140 : len), colon + 1);
		memcpy(ref.tag, colon + 1, len);
		n = (size_t)(colon - text);
	}
	why = oci_repo_set(&ref.repo, text, n);
	if (why)
		return ref_bad(err, url, "%s", why);
	*r = ref;
	return 0;
}

bool oci_tag_valid(const char *tag, size_t len)
{
	size_t i;

	if (len < 1 || len > OCI_TAG_MAX || *tag == '.' || *tag == '-')
		return false;
	for (i = 0; i < len; i++)
		if (!ascii_is_alnum(tag[i]) && tag[i] != '_' && tag[i] != '.' && tag[i] != '-')
			return false;
	return true;
}

bool oci_repo_http_allowed(const struct oci_repo *r)
{
	char host[OCI_HOST_MAX + 1];
	const char *colon = strrchr(r->host, ':');
	size_t n;

	if (r->insecure || !strncmp(r->host, "localhost:", strlen("localhost:")))
		return true;
	if (r->host[0] == '[') {
		unsigned char bin[16], one[16] = {[15] = 1};

		n = strcspn(r->host, "]") - 1;
		memcpy(host, r->host + 1, n);
		host[n] = '\0';
		return inet_pton(AF_INET6, host, bin) == 1 && !memcmp(bin, one, sizeof(one));
	}
	n = colon ? (size_t)(colon - r->host) : strlen(r->host);
	memcpy(host, r->host, n);
	host[n] = '\0';
	if (n > strlen(".localhost") && !strcmp(host + n - strlen(".localhost"), ".localhost"))
		return true;
	/* 127.0.0.1 alone, not its whole network: what Flux allows. */
	return !strcmp(host, "127.0.0.1") || host_classify(host) == HOST_PRIVATE;
}

char *oci_repo_format(const struct oci_repo *r, char out[OCI_REPO_TEXT_MAX])
{
	snprintf(out, OCI_REPO_TEXT_MAX, "%s/%s", r->host, r->name);
	return out;
}

char *oci_ref_format(const struct oci_repo *r, const char *tag, const struct digest *digest,
	char out[OCI_REF_TEXT_MAX])
{
	char hex[DIGEST_TEXT_MAX] = "";
	bool with = digest && digest->algo != DIGEST_NONE;

	if (with)
		digest_format(digest, hex);
	snprintf(out, OCI_REF_TEXT_MAX, "%s/%s%s%s%s%s", r->host, r->name, tag && *tag ? ":" : "",
		tag ? tag : "", with ? "@" : "", hex);
	return out;
}

char *oci_revision_format(const char *tag, const struct digest *digest, char out[OCI_REVISION_MAX])
{
	char hex[DIGEST_TEXT_MAX];

	digest_format(digest, hex);
	if (tag && *tag)
		snprintf(out, OCI_REVISION_MAX, "%s@%s", tag, hex);
	else
		snprintf(out, OCI_REVISION_MAX, "%s", hex);
	return out;
}

int oci_revision_digest(const char *revision, struct digest *out, struct err *err)
{
	const char *at = strrchr(revision, '@');

	return digest_parse(out, at ? at + 1 : revision, err);
}
