#include "crypto/ssh_wire.h"

#include <string.h>

struct ssh_str ssh_read_bytes(struct ssh_read *r, size_t n)
{
	struct ssh_str s = {.p = r->p, .n = n};

	if (r->broken || n > r->n) {
		r->broken = true;
		return (struct ssh_str){.p = (const unsigned char *)"", .n = 0};
	}
	r->p += n;
	r->n -= n;
	return s;
}

uint32_t ssh_read_u32(struct ssh_read *r)
{
	struct ssh_str s = ssh_read_bytes(r, 4);

	if (r->broken)
		return 0;
	return (uint32_t)s.p[0] << 24 | (uint32_t)s.p[1] << 16 | (uint32_t)s.p[2] << 8 | s.p[3];
}

struct ssh_str ssh_read_string(struct ssh_read *r)
{
	return ssh_read_bytes(r, ssh_read_u32(r));
}

struct ssh_str ssh_read_mpint(struct ssh_read *r)
{
	struct ssh_str s = ssh_read_string(r);

	if (s.n && s.p[0] & 0x80)
		r->broken = true;
	while (s.n && !s.p[0]) {
		s.p++;
		s.n--;
	}
	return s;
}

bool ssh_read_ended(const struct ssh_read *r)
{
	return !r->broken && !r->n;
}

bool ssh_str_is(struct ssh_str s, const char *text)
{
	return s.n == strlen(text) && !memcmp(s.p, text, s.n);
}

void ssh_write_u32(struct buf *b, uint32_t v)
{
	const unsigned char be[4] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16),
		(unsigned char)(v >> 8), (unsigned char)v};

	buf_add(b, be, 4);
}

void ssh_write_string(struct buf *b, const void *p, size_t n)
{
	ssh_write_u32(b, (uint32_t)n);
	buf_add(b, p, n);
}

void ssh_write_mpint(struct buf *b, const unsigned char *p, size_t n)
{
	bool pad;

	while (n && !*p) {
		p++;
		n--;
	}
	pad = n && *p & 0x80; /* a number with the highest bit set would be negative */
	ssh_write_u32(b, (uint32_t)(n + pad));
	if (pad)
		buf_addc(b, '\0');
	buf_add(b, p, n);
}
