#include "pack/tarw.h"

#include "base/mem.h"
#include "base/sys.h"
#include "pack/gzipw.h"
#include "pack/plain.h"
#include "pack/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MAX_USTAR 077777777777ULL
#define NAME_MAX_USTAR 100
#define PREFIX_MAX_USTAR 155

/* A header block, field by field (POSIX.1-2024, pax, "ustar Interchange Format"). */
struct ustar {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char sum[8];
	char type;
	char linkname[100];
	char magic[8]; /* with the version */
	char uname[32];
	char gname[32];
	char devmajor[8];
	char devminor[8];
	char prefix[155];
	char pad[12];
};
_Static_assert(sizeof(struct ustar) == PACK_BLOCK, "a header is one block");

struct pack_tarw {
	struct pack_gzipw *gz;
	struct digest_ctx diff_id;
	bool want_diff_id;
	uint64_t expanded;
	uint64_t entries;
	uint64_t left; /* bytes of the current file that must still come */
	unsigned pad; /* zeros after it */
	unsigned char *chunk;
};

struct pack_tarw *pack_tarw_new(const struct pack_tarw_out *out)
{
	struct pack_tarw *w = NEW(struct pack_tarw);

	w->gz = pack_gzipw_new(out);
	return w;
}

void pack_tarw_want_diff_id(struct pack_tarw *w)
{
	w->want_diff_id = true;
	digest_ctx_init(&w->diff_id, DIGEST_SHA256);
}

void pack_tarw_free(struct pack_tarw *w)
{
	if (!w)
		return;
	pack_gzipw_free(w->gz);
	digest_ctx_clear(&w->diff_id);
	free(w->chunk);
	free(w);
}

static int tarw_put(struct pack_tarw *w, const void *p, size_t n, struct err *err)
{
	if (w->want_diff_id)
		digest_update(&w->diff_id, p, n);
	w->expanded += n;
	return pack_gzipw_add(w->gz, p, n, err);
}

static int tarw_put_zeros(struct pack_tarw *w, size_t n, struct err *err)
{
	static const char zeros[2 * PACK_BLOCK];

	return tarw_put(w, zeros, n, err);
}

static bool tarw_is_ascii(const char *s)
{
	for (; *s; s++)
		if (*s & 0x80)
			return false;
	return true;
}

/* Writes the name into name and prefix if ustar can hold it: the prefix as long as possible, as
   Go's writer splits. */
static bool ustar_split_name(struct ustar *h, const char *path)
{
	size_t n = strlen(path), at;

	if (!tarw_is_ascii(path))
		return false;
	if (n <= NAME_MAX_USTAR) {
		memcpy(h->name, path, n);
		return true;
	}
	at = n > PREFIX_MAX_USTAR + 1 ? PREFIX_MAX_USTAR + 1 : n;
	while (at && path[at - 1] != '/')
		at--;
	/* at is behind the slash that goes. */
	if (n - at > NAME_MAX_USTAR)
		return false;
	memcpy(h->prefix, path, at - 1);
	memcpy(h->name, path + at, n - at);
	return true;
}

static void ustar_octal(char *field, size_t size, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%0*llo", (int)size - 1, (unsigned long long)v);
	memcpy(field, text, size);
}

static void ustar_fill(struct ustar *h, char type, unsigned mode, uint64_t size)
{
	unsigned sum = 0;
	size_t i;

	ustar_octal(h->mode, sizeof(h->mode), mode);
	ustar_octal(h->uid, sizeof(h->uid), 0);
	ustar_octal(h->gid, sizeof(h->gid), 0);
	ustar_octal(h->size, sizeof(h->size), size <= SIZE_MAX_USTAR ? size : 0);
	ustar_octal(h->mtime, sizeof(h->mtime), 0);
	h->type = type;
	memcpy(h->magic,
		"ustar\0"
		"00",
		sizeof(h->magic));
	ustar_octal(h->devmajor, sizeof(h->devmajor), 0);
	ustar_octal(h->devminor, sizeof(h->devminor), 0);
	memset(h->sum, ' ', sizeof(h->sum));
	for (i = 0; i < sizeof(*h); i++)
		sum += ((unsigned char *)h)[i];
	ustar_octal(h->sum, 7, sum);
}

/* "%d key=value\n", where the number counts its own digits. */
static void pax_record(struct buf *b, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3, n = rest + 1, digits;

	do {
		digits = (size_t)snprintf(NULL, 0, "%zu", n);
		if (digits + rest == n)
			break;
		n = digits + rest;
	} while (true);
	buf_addf(b, "%zu %s=%s\n", n, key, value);
}

static int pax_header(
	struct pack_tarw *w, const char *path, bool with_path, uint64_t size, struct err *err)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct ustar h = {0};
	char text[24];

	if (with_path)
		pax_record(&b, "path", path);
	if (size > SIZE_MAX_USTAR) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)size);
		pax_record(&b, "size", text);
	}
	/* A name that no archive member has: a reader without PAX shows it as a file. */
	ustar_split_name(&h, "././@PaxHeader");
	ustar_fill(&h, 'x', 0644, b.len);
	if (tarw_put(w, &h, sizeof(h), err) || tarw_put(w, b.p, b.len, err))
		return -1;
	return b.len % PACK_BLOCK ? tarw_put_zeros(w, PACK_BLOCK - b.len % PACK_BLOCK, err) : 0;
}

static int tarw_header(struct pack_tarw *w, const char *path, char type, unsigned mode,
	uint64_t size, struct err *err)
{
	struct ustar h = {0};
	bool fits = ustar_split_name(&h, path);
	size_t i;

	BUG_IF(w->left);
	BUG_IF(!*path || *path == '/');
	if ((!fits || size > SIZE_MAX_USTAR) && pax_header(w, path, !fits, size, err))
		return -1;
	/* What a reader without PAX gets: something, in ASCII. */
	for (i = 0; !fits && path[i] && i < NAME_MAX_USTAR; i++)
		h.name[i] = path[i] & 0x80 ? '_' : path[i];
	ustar_fill(&h, type, mode & 0777, size);
	w->entries++;
	w->left = size;
	w->pad = (unsigned)(-size % PACK_BLOCK);
	return tarw_put(w, &h, sizeof(h), err);
}

int pack_tarw_dir(struct pack_tarw *w, const char *path, unsigned mode, struct err *err)
{
	return tarw_header(w, path, '5', mode, 0, err);
}

int pack_tarw_file(
	struct pack_tarw *w, const char *path, unsigned mode, uint64_t size, struct err *err)
{
	return tarw_header(w, path, '0', mode, size, err);
}

int pack_tarw_data(struct pack_tarw *w, const void *p, size_t n, struct err *err)
{
	BUG_IF(n > w->left);
	if (!n)
		return 0;
	w->left -= n;
	if (tarw_put(w, p, n, err))
		return -1;
	return w->left || !w->pad ? 0 : tarw_put_zeros(w, w->pad, err);
}

int pack_tarw_file_mem(struct pack_tarw *w, const char *path, unsigned mode, const void *p,
	size_t n, struct err *err)
{
	if (pack_tarw_file(w, path, mode, n, err))
		return -1;
	return pack_tarw_data(w, p, n, err);
}

int pack_tarw_file_fd(struct pack_tarw *w, const char *path, unsigned mode, int fd, uint64_t offset,
	uint64_t size, struct err *err)
{
	if (pack_tarw_file(w, path, mode, size, err))
		return -1;
	if (!w->chunk)
		w->chunk = mem_alloc(PACK_CHUNK);
	while (size) {
		ssize_t n = sys_pread(
			fd, w->chunk, size < PACK_CHUNK ? (size_t)size : PACK_CHUNK, offset);

		if (n < 0)
			return err_sys(err, "cannot read '%s'", path);
		if (!n)
			return err_set(
				err, ERR_RETRY, "'%s' became shorter while it was read", path);
		if (pack_tarw_data(w, w->chunk, (size_t)n, err))
			return -1;
		offset += (uint64_t)n;
		size -= (uint64_t)n;
	}
	return 0;
}

int pack_tarw_end(struct pack_tarw *w, struct pack_tarw_result *res, struct err *err)
{
	struct pack_tarw_result out = {0};

	BUG_IF(w->left);
	if (tarw_put_zeros(w, 2 * PACK_BLOCK, err) ||
		pack_gzipw_end(w->gz, &out.digest, &out.size, err))
		return -1;
	if (w->want_diff_id)
		digest_final(&w->diff_id, &out.diff_id);
	out.expanded = w->expanded;
	out.entries = w->entries;
	if (res)
		*res = out;
	return 0;
}
