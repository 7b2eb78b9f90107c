#include "pack/pax.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "pack/path.h"

#include <string.h>

enum kind { KIND_PATH, KIND_SIZE, KIND_LINK, KIND_TIME, KIND_ID, KIND_TEXT };

/* What Go's writer and bsdtar put there, and what no reader lets change the archive's files. */
static const struct {
	const char *key;
	enum kind kind;
} known[] = {
	{"path", KIND_PATH},
	{"size", KIND_SIZE},
	{"linkpath", KIND_LINK},
	{"mtime", KIND_TIME},
	{"atime", KIND_TIME},
	{"ctime", KIND_TIME},
	{"uid", KIND_ID},
	{"gid", KIND_ID},
	{"uname", KIND_TEXT},
	{"gname", KIND_TEXT},
};

struct record {
	const char *key, *value;
	size_t key_len, value_len;
};

void pack_pax_reset(struct pack_pax *pax)
{
	buf_reset(&pax->path);
	pax->size = 0;
	pax->seen = pax->has_size = pax->has_linkpath = false;
	pax->sparse = (struct pack_sparse){0};
	pax->keys = 0;
}

static int pax_digits(const char *p, size_t n, size_t max, uint64_t *v)
{
	size_t i;

	if (!n || n > max)
		return -1;
	for (*v = 0, i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		*v = *v * 10 + (uint64_t)(p[i] - '0');
	}
	return 0;
}

/* Seconds with an optional sign and fraction. */
static int check_time(const char *p, size_t n)
{
	const char *dot;
	uint64_t v;

	if (n && p[0] == '-')
		p++, n--;
	dot = memchr(p, '.', n);
	if (!dot)
		return pax_digits(p, n, 18, &v);
	if (pax_digits(p, (size_t)(dot - p), 18, &v))
		return -1;
	n -= (size_t)(dot - p) + 1;
	return n ? pax_digits(dot + 1, n, 18, &v) : 0;
}

/* Owners of other systems can be negative, or longer than the 32 bits of Linux (whose last number
   is none). */
static int check_id(const char *p, size_t n, const char **odd)
{
	bool minus = *p == '-';
	uint64_t v;

	if (pax_digits(p + minus, n - minus, 18, &v))
		return -1;
	if (minus || v >= UINT32_MAX)
		*odd = "owners that are no number of 32 bits";
	return 0;
}

/* One record off the front. */
static int next_record(const char **p, size_t *left, struct record *r)
{
	const char *space = memchr(*p, ' ', *left < 9 ? *left : 9), *equals;
	uint64_t len;
	size_t head;

	if (!space || **p == '0' || pax_digits(*p, (size_t)(space - *p), 8, &len))
		return -1;
	head = (size_t)(space - *p) + 1;
	if (len > *left || len < head + 3 || (*p)[len - 1] != '\n')
		return -1;
	equals = memchr(space + 1, '=', (size_t)len - head - 1);
	if (!equals || equals == space + 1)
		return -1;
	r->key = space + 1;
	r->key_len = (size_t)(equals - r->key);
	r->value = equals + 1;
	r->value_len = (size_t)(*p + len - 1 - r->value);
	*p += len;
	*left -= (size_t)len;
	return memchr(r->key, '\0', r->key_len) ? -1 : 0;
}

static bool key_starts(const struct record *r, const char *with)
{
	size_t n = strlen(with);

	return r->key_len >= n && !memcmp(r->key, with, n);
}

/* Text is UTF-8 without a NUL; libarchive stops at other text, Go does not. (A path is judged with
   all other names.) */
static int check_text(const struct record *r)
{
	return memchr(r->value, '\0', r->value_len) || !utf8_ok(r->value, r->value_len) ? -1 : 0;
}

static int set_path(struct pack_pax *pax, const struct record *r)
{
	buf_reset(&pax->path);
	return buf_add(&pax->path, r->value, r->value_len);
}

/* A known key; -1 for a value that makes no sense. */
static int pax_take(struct pack_pax *pax, const struct record *r, enum kind kind, const char **odd)
{
	if (!r->value_len && kind <= KIND_LINK)
		return -1;
	if (!r->value_len) {
		*odd = "empty values";
		return 0;
	}
	switch (kind) {
	case KIND_PATH:
		if (memchr(r->value, '\0', r->value_len))
			return -1;
		return pax->sparse.has_name ? 0 : set_path(pax, r);
	case KIND_SIZE:
		pax->has_size = true;
		return pax_digits(r->value, r->value_len, 18, &pax->size);
	case KIND_LINK:
		pax->has_linkpath = true;
		return check_text(r);
	case KIND_TIME:
		return check_time(r->value, r->value_len);
	case KIND_ID:
		return check_id(r->value, r->value_len, odd);
	default:
		return check_text(r);
	}
}

static bool value_is(const struct record *r, char c)
{
	return r->value_len == 1 && *r->value == c;
}

static int sparse_size(struct pack_sparse *s, const struct record *r)
{
	uint64_t v;

	if (pax_digits(r->value, r->value_len, 18, &v) || (s->has_real && s->real != v))
		return -1;
	s->real = v;
	s->has_real = true;
	return 0;
}

static int sparse_map(struct pack_sparse *s, const struct record *r)
{
	size_t i;

	for (i = 0; i < r->value_len; i++)
		s->numbers += r->value[i] == ',';
	return s->numbers++ > 2 * LIMIT_SPARSE_PARTS ? -1 : 0;
}

/* What is behind "GNU.sparse.". Its name wins over `path`, which is one for readers that know of no
   sparse files. */
static int pax_take_sparse(struct pack_pax *pax, const char *key, size_t n, const struct record *r)
{
	struct pack_sparse *s = &pax->sparse;
	uint64_t v;

#define KEY_IS(text) (n == strlen(text) && !memcmp(key, text, n))
	s->seen = true;
	if (KEY_IS("major")) {
		s->in_body = value_is(r, '1');
		return s->in_body || value_is(r, '0') ? 0 : -1;
	}
	if (KEY_IS("minor")) {
		s->minor = value_is(r, '1');
		return s->minor || value_is(r, '0') ? 0 : -1;
	}
	if (KEY_IS("name")) {
		s->has_name = r->value_len;
		return s->has_name && !memchr(r->value, '\0', r->value_len) ? set_path(pax, r) : -1;
	}
	if (KEY_IS("realsize") || KEY_IS("size"))
		return sparse_size(s, r);
	if (KEY_IS("numblocks"))
		return pax_digits(r->value, r->value_len, 18, &v);
	if (KEY_IS("offset") || KEY_IS("numbytes") || KEY_IS("map"))
		return sparse_map(s, r);
#undef KEY_IS
	return -1;
}

static int pax_apply(struct pack_pax *pax, const struct record *r, bool global, const char **odd,
	struct err *err)
{
	char q[PACK_QUOTE_MAX];
	size_t i;

	if (key_starts(r, "GNU.sparse.") && global)
		return err_set(err, ERR_RETRY, "a global PAX header makes all entries sparse");
	if (key_starts(r, "GNU.sparse.")) {
		i = strlen("GNU.sparse.");
		if (pax_take_sparse(pax, r->key + i, r->key_len - i, r))
			return err_set(err, ERR_RETRY,
				"malformed, or too much, in a PAX record of a sparse file");
		return 0;
	}
	if (key_starts(r, "GNU.volume."))
		return err_set(err, ERR_RETRY, "multi-volume archives are not supported");
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (r->key_len == strlen(known[i].key) && key_starts(r, known[i].key))
			break;
	if (i == ARRAY_LEN(known)) {
		*odd = "unknown keys";
		return 0;
	}
	if (global && known[i].kind <= KIND_LINK)
		return err_set(err, ERR_RETRY, "a global PAX header sets '%s' for all entries",
			known[i].key);
	if (pax->keys & 1u << i)
		*odd = "repeated keys";
	pax->keys |= 1u << i;
	if (pax_take(pax, r, known[i].kind, odd))
		return err_set(err, ERR_RETRY, "malformed PAX record '%s=%s'", known[i].key,
			pack_quote(q, r->value, r->value_len));
	return 0;
}

int pack_pax_parse(struct pack_pax *pax, const char *p, size_t n, bool global, const char **odd,
	struct err *err)
{
	struct record r;

	pack_pax_reset(pax);
	if (!n)
		*odd = "none at all";
	while (n) {
		if (next_record(&p, &n, &r))
			return err_set(err, ERR_RETRY, "malformed PAX record");
		if (pax_apply(pax, &r, global, odd, err))
			return -1;
	}
	pax->seen = !global;
	if (pax->sparse.seen &&
		(!pax->sparse.has_real || (pax->sparse.in_body && pax->sparse.minor)))
		return err_set(err, ERR_RETRY,
			"PAX records of a sparse file without its size, or of an unknown version");
	return 0;
}
