#include "pack/read.h"

#include "base/limits.h"
#include "base/mem.h"
#include "pack/pack.h"
#include "pack/path.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* libarchive turns a PAX name (UTF-8) into the locale's charset, and fails when that is ASCII. The
   process's own locale is not ours to set. */
static locale_t utf8_locale;
static pthread_once_t utf8_once = PTHREAD_ONCE_INIT;

static const unsigned char zeros[PACK_CHUNK];

static void make_locale(void)
{
	utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static la_ssize_t read_give(struct archive *a, void *ctx, const void **p)
{
	struct pack_read *r = ctx;
	const unsigned char *in = NULL;
	size_t n;

	(void)a;
	if (pack_expand_next(&r->x, &in, &n, &r->failed))
		return ARCHIVE_FATAL;
	if (!n) {
		n = pack_plain_missing(&r->w);
		in = zeros;
	}
	if (pack_plain_feed(&r->w, in, n, &r->failed) || (!n && pack_plain_end(&r->w, &r->failed)))
		return ARCHIVE_FATAL;
	*p = in;
	return (la_ssize_t)n;
}

static int read_failed(struct pack_read *r, struct err *err)
{
	const char *why = r->a ? archive_error_string(r->a) : NULL;

	if (r->failed.kind != ERR_NONE) {
		*err = r->failed;
		return -1;
	}
	return err_set(err, ERR_RETRY, "unreadable archive: %s", why ? why : "no reason given");
}

int pack_read_init(struct pack_read *r, struct pack_src *src, uint64_t max_expanded,
	uint64_t max_entries, struct err *err)
{
	locale_t before;
	int rc;

	*r = (struct pack_read){.src = src, .max_entries = max_entries};
	pack_plain_init(&r->w);
	r->path = mem_alloc(LIMIT_ENTRY_PATH + 1);
	pack_src_rewind(src);
	if (pack_expand_init(&r->x, src, max_expanded, err))
		return -1;
	pthread_once(&utf8_once, make_locale);
	before = uselocale(utf8_locale);
	r->a = archive_read_new();
	rc = !r->a || archive_read_support_format_tar(r->a) != ARCHIVE_OK ||
		archive_read_open2(r->a, r, NULL, read_give, NULL, NULL) != ARCHIVE_OK;
	uselocale(before);
	return rc ? read_failed(r, err) : 0;
}

void pack_read_clear(struct pack_read *r)
{
	archive_read_free(r->a);
	archive_entry_free(r->named);
	r->a = NULL;
	r->named = NULL;
	pack_expand_clear(&r->x);
	pack_plain_clear(&r->w);
	free(r->path);
	r->path = NULL;
}

/* libarchive stops at the first zero block; what our walk makes of the rest counts. */
static int read_drain(struct pack_read *r, struct err *err)
{
	struct pack_member m;
	char q[PACK_QUOTE_MAX];
	const void *p;
	la_ssize_t n;

	do {
		if (pack_plain_take(&r->w, &m))
			return err_set(err, ERR_RETRY,
				"readers disagree: one does not see entry '%s'",
				pack_quote(q, pack_plain_name(&r->w, &m), m.name_len));
		n = read_give(r->a, r, &p);
	} while (n > 0);
	return n ? read_failed(r, err) : 0;
}

static enum pack_type entry_type(struct archive_entry *ae)
{
	/* Of a hard link the file type is 0. */
	if (archive_entry_hardlink(ae) || archive_entry_filetype(ae) == AE_IFLNK)
		return PACK_LINK;
	if (archive_entry_filetype(ae) == AE_IFREG)
		return PACK_FILE;
	return archive_entry_filetype(ae) == AE_IFDIR ? PACK_DIR : 0;
}

/* Both names end at m->name_len, or ours holds a NUL and is refused. */
static bool same_name(struct pack_read *r, const char *name, const char *other)
{
	const char *made;

	if (!other)
		return false;
	if (!strcmp(name, other))
		return true;
	if (!r->named)
		r->named = archive_entry_new();
	if (!r->named)
		return false;
	archive_entry_set_pathname_utf8(r->named, name);
	made = archive_entry_pathname(r->named);
	return made && !strcmp(made, other);
}

static const char *entry_difference(struct pack_read *r, const struct pack_member *m,
	const char *name, struct archive_entry *ae)
{
	if (!same_name(r, name, archive_entry_pathname(ae)))
		return "name";
	if (entry_type(ae) != m->type)
		return "type";
	if (!m->sparse && archive_entry_sparse_count(ae) > 0)
		return "holes";
	if (m->type == PACK_FILE &&
		(!archive_entry_size_is_set(ae) || (uint64_t)archive_entry_size(ae) != m->size))
		return "size";
	if (m->type != PACK_LINK && (archive_entry_perm(ae) & 0777) != (m->mode & 0777))
		return "mode";
	return NULL;
}

static int read_take(struct pack_read *r, int rc, struct archive_entry *ae, struct pack_entry *e,
	struct err *err)
{
	struct pack_member m;
	const char *name, *diff;
	char q[PACK_QUOTE_MAX];

	if (!pack_plain_take(&r->w, &m))
		return rc == ARCHIVE_OK || rc == ARCHIVE_WARN
			? err_set(err, ERR_RETRY, "readers disagree: one sees one more entry")
			: read_failed(r, err);
	name = pack_plain_name(&r->w, &m);
	if (pack_path_check(r->path, &e->tidy, name, m.name_len, err))
		return -1;
	pack_quote(q, name, m.name_len);
	r->warned |= rc == ARCHIVE_WARN;
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) {
		read_failed(r, err);
		return err_wrap(err, "entry '%s'", q);
	}
	diff = entry_difference(r, &m, name, ae);
	if (diff)
		return err_set(err, ERR_RETRY, "readers disagree on the %s of entry '%s'", diff, q);
	if (r->entries == r->max_entries)
		return err_code(err, ERR_RETRY, PACK_OVER_ENTRIES,
			"the layer has more than %llu entries", (unsigned long long)r->max_entries);
	if (m.size > m.stored && pack_expand_count(&r->x, m.size - m.stored, err))
		return err_wrap(err, "entry '%s'", q);
	e->path = r->path;
	e->seq = r->entries++;
	e->size = m.size;
	e->mode = m.mode;
	e->type = m.type;
	r->m = m;
	r->got = r->data = r->hole = r->block_len = 0;
	return 1;
}

int pack_read_next(struct pack_read *r, struct pack_entry *e, struct err *err)
{
	struct archive_entry *ae = NULL;
	locale_t before;
	int rc;

	if (r->failed.kind != ERR_NONE)
		return read_failed(r, err);
	before = uselocale(utf8_locale);
	rc = archive_read_next_header(r->a, &ae);
	if (r->failed.kind != ERR_NONE)
		rc = read_failed(r, err);
	else if (rc == ARCHIVE_EOF)
		rc = read_drain(r, err);
	else
		rc = read_take(r, rc, ae, e, err);
	uselocale(before);
	return rc;
}

static int read_disagree(struct err *err)
{
	return err_set(err, ERR_RETRY, "readers disagree on the length of an entry");
}

/* All that the archive has of the entry was handed out: with a map in front, but for that. */
static int read_data_end(struct pack_read *r, struct err *err)
{
	uint64_t map = r->m.stored - r->data;

	if (r->m.in_body ? !map || map % PACK_BLOCK : map)
		return read_disagree(err);
	return 0;
}

/* The next block, and the hole in front of it; at the end of the data only a hole. */
static int read_next_block(struct pack_read *r, struct err *err)
{
	la_int64_t offset = 0;
	int rc;

	do {
		rc = archive_read_data_block(r->a, &r->block, &r->block_len, &offset);
	} while (rc == ARCHIVE_OK && !r->block_len);
	if (rc != ARCHIVE_OK && (rc != ARCHIVE_EOF || r->failed.kind != ERR_NONE))
		return read_failed(r, err);
	if (rc == ARCHIVE_EOF) {
		r->block_len = 0;
		offset = (la_int64_t)r->m.size;
		if (read_data_end(r, err))
			return -1;
	}
	/* Holes only where there may be some, never more or less than the header said. */
	if ((uint64_t)offset < r->got || (uint64_t)offset > r->m.size ||
		r->block_len > r->m.size - (uint64_t)offset)
		return read_disagree(err);
	r->hole = (uint64_t)offset - r->got;
	r->data += r->block_len;
	return r->hole && !r->m.sparse ? read_disagree(err) : 0;
}

int pack_read_data(struct pack_read *r, const void **p, size_t *n, struct err *err)
{
	*n = 0;
	if (r->got == r->m.size)
		return r->m.size ? read_data_end(r, err) : 0;
	if (!r->hole && !r->block_len && read_next_block(r, err))
		return -1;
	if (r->hole) {
		/* A few bytes of input can be many of these. */
		if (pack_stopped(r->src->stop, err))
			return -1;
		*p = zeros;
		*n = r->hole < sizeof(zeros) ? (size_t)r->hole : sizeof(zeros);
		r->hole -= *n;
	} else {
		*p = r->block;
		*n = r->block_len;
		r->block_len = 0;
	}
	r->got += *n;
	return 0;
}
