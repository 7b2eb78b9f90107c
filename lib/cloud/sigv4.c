#include "cloud/sigv4.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/vec.h"
#include "crypto/hmac.h"
#include "http/client.h"
#include "http/url.h"

#include <stdlib.h>
#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define REQUEST "aws4_request"
#define DAY_LEN 8 /* of the date */

struct sigv4_header {
	char *name; /* lower case */
	const char *value;
};
typedef VEC(struct sigv4_header) header_vec;

static void sigv4_date(int64_t wall_ms, char date[SIGV4_DATE_MAX])
{
	char text[TIME_TEXT_MAX], *from = time_format_rfc3339(wall_ms, text), *to = date;

	for (; *from && to < date + SIGV4_DATE_MAX - 1; from++)
		if (*from != '-' && *from != ':')
			*to++ = *from;
	*to = '\0';
}

static void sigv4_add_header(header_vec *headers, const char *name, const char *value)
{
	struct sigv4_header *h = vec_add(headers);
	char *c;

	h->name = mem_strdup(name);
	h->value = value;
	for (c = h->name; *c; c++)
		if (ascii_is_upper(*c))
			*c = (char)(*c - 'A' + 'a');
}

static int sigv4_header_order(const void *a, const void *b)
{
	return strcmp(
		((const struct sigv4_header *)a)->name, ((const struct sigv4_header *)b)->name);
}

/* Without the blanks around it, and with one where there are several. */
static void sigv4_add_value(struct buf *b, const char *value)
{
	bool blank = false;

	for (value += strspn(value, " \t"); *value; value++) {
		if (*value == ' ' || *value == '\t') {
			blank = true;
			continue;
		}
		if (blank)
			buf_addc(b, ' ');
		blank = false;
		buf_addc(b, *value);
	}
}

static void sigv4_add_path(struct buf *b, const char *path)
{
	char one[2] = "";

	for (; *path; path++) {
		one[0] = *path;
		if (*path == '/')
			buf_addc(b, '/');
		else
			url_encode(b, one);
	}
}

static void sigv4_add_names(struct buf *b, const header_vec *headers)
{
	const struct sigv4_header *h;

	vec_each (headers, h) {
		if (h != headers->p)
			buf_addc(b, ';');
		buf_adds(b, h->name);
	}
}

static void sigv4_add_hash(struct buf *b, const void *data, size_t n)
{
	char hex[DIGEST_HEX_MAX];
	struct digest d;

	digest_mem(&d, DIGEST_SHA256, n ? data : "", n);
	buf_adds(b, digest_hex(&d, hex));
}

static void sigv4_add_canonical(struct buf *b, const struct sigv4 *s, const header_vec *headers)
{
	const struct sigv4_header *h;

	buf_addf(b, "%s\n", s->method);
	sigv4_add_path(b, s->path);
	buf_adds(b, "\n\n"); /* no query */
	vec_each (headers, h) {
		buf_addf(b, "%s:", h->name);
		sigv4_add_value(b, h->value);
		buf_addc(b, '\n');
	}
	buf_addc(b, '\n');
	sigv4_add_names(b, headers);
	buf_addc(b, '\n');
	sigv4_add_hash(b, s->body, s->body_len);
}

static void sigv4_chain(struct digest *key, const char *text)
{
	hmac_sha256(key, key->bin, digest_size(key->algo), text, strlen(text));
}

static void sigv4_signature(
	const struct sigv4 *s, const char *day, const struct buf *text, char hex[DIGEST_HEX_MAX])
{
	auto_free char *first = mem_printf("AWS4%s", s->key->p ? s->key->p : "");
	struct digest key;

	hmac_sha256(&key, first, strlen(first), day, DAY_LEN);
	mem_wipe(first, strlen(first));
	sigv4_chain(&key, s->region);
	sigv4_chain(&key, s->service);
	sigv4_chain(&key, REQUEST);
	sigv4_chain(&key, buf_str(text));
	digest_hex(&key, hex); /* by now it is the signature */
}

static void sigv4_take_headers(header_vec *headers, const struct sigv4 *s, const char *date)
{
	const struct http_hdr *h;

	for (h = s->hdrs; h && h->name; h++)
		sigv4_add_header(headers, h->name, h->value);
	sigv4_add_header(headers, "host", s->host);
	sigv4_add_header(headers, "x-amz-date", date);
	if (s->token && s->token->len)
		sigv4_add_header(headers, "x-amz-security-token", s->token->p);
	qsort(headers->p, headers->len, sizeof(*headers->p), sigv4_header_order);
}

void sigv4_sign(const struct sigv4 *s, char date[SIGV4_DATE_MAX], struct buf *authorization)
{
	auto_buf struct buf canonical = BUF_INIT(BUF_ANY), scope = BUF_INIT(BUF_ANY);
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	header_vec headers = {0};
	char hex[DIGEST_HEX_MAX];
	struct sigv4_header *h;

	sigv4_date(s->wall_ms, date);
	sigv4_take_headers(&headers, s, date);
	/* It holds the token: it is not to grow out of one place into another. */
	buf_room(&canonical, LIMIT_HEADERS + LIMIT_URL);
	sigv4_add_canonical(&canonical, s, &headers);
	buf_addf(&scope, "%.*s/%s/%s/" REQUEST, DAY_LEN, date, s->region, s->service);
	buf_addf(&text, ALGORITHM "\n%s\n%s\n", date, buf_str(&scope));
	sigv4_add_hash(&text, canonical.p, canonical.len);
	mem_wipe(canonical.p, canonical.len);
	sigv4_signature(s, date, &text, hex);

	buf_addf(authorization, ALGORITHM " Credential=%s/%s, SignedHeaders=", s->id,
		buf_str(&scope));
	sigv4_add_names(authorization, &headers);
	buf_addf(authorization, ", Signature=%s", hex);
	vec_each (&headers, h)
		free(h->name);
	vec_clear(&headers);
}
