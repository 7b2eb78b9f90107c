#include "gpg/armor.h"

#include "base/base64.h"
#include "base/mem.h"

#include <stdint.h>
#include <string.h>

#define BEGIN "-----BEGIN PGP "
#define END "-----END PGP "
#define DASHES "-----"

struct line {
	const char *p;
	size_t n;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Without its end and what is blank before that. */
static bool next_line(struct line *rest, struct line *line)
{
	const char *nl;

	if (!rest->n)
		return false;
	nl = memchr(rest->p, '\n', rest->n);
	line->p = rest->p;
	line->n = nl ? (size_t)(nl - rest->p) : rest->n;
	rest->p += line->n + (nl != NULL);
	rest->n -= line->n + (nl != NULL);
	while (line->n && is_blank(line->p[line->n - 1]))
		line->n--;
	return true;
}

static bool starts(struct line line, const char *with)
{
	size_t n = strlen(with);

	return line.n >= n && !memcmp(line.p, with, n);
}

/* BEGIN KIND ----- */
static bool is_mark(struct line line, const char *mark, const char *kind)
{
	size_t m = strlen(mark), k = strlen(kind), d = sizeof(DASHES) - 1;

	return line.n == m + k + d && starts(line, mark) && !memcmp(line.p + m, kind, k) &&
		!memcmp(line.p + m + k, DASHES, d);
}

static int broken(const char *kind, struct err *err)
{
	return err_set(err, ERR_RETRY, "the PGP %s is broken", kind);
}

/* "Key: value" lines, and the empty one behind them. */
static int skip_headers(struct line *rest)
{
	struct line line;

	while (next_line(rest, &line)) {
		if (!line.n)
			return 0;
		if (line.p[0] == '-' || !memmem(line.p, line.n, ": ", 2))
			return -1;
	}
	return -1;
}

/* Behind its first line. */
static int block_read(struct buf *out, struct line *rest, const char *kind, struct err *err)
{
	struct buf text = BUF_INIT(rest->n + 1);
	struct err e = {0};
	bool sum = false, whole = false;
	struct line line;

	/* So that no copy of what may be a secret key is left behind. */
	if (skip_headers(rest) || !buf_room(&text, rest->n))
		return broken(kind, err);
	while (!whole && next_line(rest, &line)) {
		if (is_mark(line, END, kind))
			whole = true;
		else if (sum || !line.n)
			break;
		else if (line.p[0] == '=' && line.n == 5)
			sum = true;
		else
			buf_add(&text, line.p, line.n);
	}
	whole = whole && text.len && !base64_decode(out, text.p, text.len, BASE64_STD, &e);
	mem_wipe(text.p, text.cap);
	buf_clear(&text);
	return whole ? 0 : broken(kind, err);
}

int gpg_dearmor(struct buf *out, const char *text, size_t len, const char *kind, struct err *err)
{
	struct line rest = {.p = text, .n = len}, line;
	bool some = false;

	while (next_line(&rest, &line)) {
		if (!starts(line, BEGIN))
			continue;
		if (!is_mark(line, BEGIN, kind))
			return err_set(
				err, ERR_RETRY, "it holds another block than a PGP %s", kind);
		if (block_read(out, &rest, kind, err))
			return -1;
		some = true;
	}
	return some ? 0 : err_set(err, ERR_RETRY, "it is no PGP %s", kind);
}

/* ---- packets --------------------------------------------------------------------------------- */

struct octets {
	const unsigned char *p;
	size_t n;
};

/* A number of so many octets, the highest first; -1: they are not there. */
static int64_t number(struct octets *o, unsigned octets)
{
	int64_t v = 0;

	if (o->n < octets)
		return -1;
	for (; octets; octets--, o->p++, o->n--)
		v = v << 8 | *o->p;
	return v;
}

/* Sections 4.2.1 and 4.2.2. A length that is not told, or told in parts, is for data. */
static int64_t packet_length(struct octets *o, unsigned head)
{
	int64_t one;

	if (!(head & 0x40))
		return (head & 3) == 3 ? -1 : number(o, 1U << (head & 3));
	one = number(o, 1);
	if (one < 192)
		return one;
	if (one < 224) {
		int64_t two = number(o, 1);

		return two < 0 ? -1 : ((one - 192) << 8) + two + 192;
	}
	return one == 255 ? number(o, 4) : -1;
}

int gpg_packets_count(const void *p, size_t n, struct gpg_packets *out, struct err *err)
{
	struct octets o = {.p = p, .n = n};

	*out = (struct gpg_packets){0};
	while (o.n) {
		unsigned head = (unsigned)number(&o, 1);
		unsigned tag = head & 0x40 ? head & 0x3f : head >> 2 & 0x0f;
		int64_t len = head & 0x80 ? packet_length(&o, head) : -1;

		if (len < 0 || (uint64_t)len > o.n)
			return err_set(err, ERR_RETRY, "its packets are broken");
		o.p += len;
		o.n -= (size_t)len;
		if (!out->n++)
			out->first = tag;
		out->sigs += tag == GPG_PACKET_SIG;
		out->secrets += tag == GPG_PACKET_SECRET;
		out->publics += tag == GPG_PACKET_PUBLIC;
		out->secret_subkeys += tag == 7;
	}
	return 0;
}
