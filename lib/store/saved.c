#include "store/saved.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST "oci-source-controller store index 1\n"
#define BOOT "boot "
#define END "end "
#define END_LEN (sizeof(END) - 1 + sizeof("sha256:") - 1 + 64 + 1)

/* ---- writing --------------------------------------------------------------------------------- */

void store_saved_begin(struct buf *b, const char *boot)
{
	buf_addf(b, FIRST BOOT "%s\n", boot);
}

void store_saved_add(struct buf *b, const char *dir, const char *file, const struct store_file *f)
{
	char digest[DIGEST_TEXT_MAX];

	if (f->mtime_ns < 0)
		return; /* none of ours */
	buf_addf(b, "%llu %llu %llu %s %s/%s\n", (unsigned long long)f->size,
		(unsigned long long)f->ino, (unsigned long long)f->mtime_ns,
		digest_format(&f->digest, digest), dir, file);
}

void store_saved_end(struct buf *b)
{
	char text[DIGEST_TEXT_MAX];
	struct digest d;

	digest_mem(&d, DIGEST_SHA256, buf_str(b), b->len);
	buf_addf(b, END "%s\n", digest_format(&d, text));
}

/* ---- reading --------------------------------------------------------------------------------- */

static int broken(struct err *err, const char *what)
{
	return err_set(err, ERR_RETRY, "the store's file '%s' has %s", STORE_SAVED_NAME, what);
}

/* Takes the last line off, when it is the digest of all before it. */
static int check_end(struct buf *text, struct err *err)
{
	size_t len = text->len < END_LEN ? 0 : text->len - END_LEN;
	struct digest want, got;
	struct err ignored;

	if (!len || text->p[len - 1] != '\n' || memcmp(text->p + len, END, sizeof(END) - 1) ||
		text->p[text->len - 1] != '\n' ||
		digest_parse_n(
			&want, text->p + len + sizeof(END) - 1, END_LEN - sizeof(END), &ignored))
		return broken(err, "no end");
	digest_mem(&got, DIGEST_SHA256, text->p, len);
	if (!digest_equal(&want, &got))
		return broken(err, "other bytes than were written");
	text->len = len;
	text->p[len] = '\0';
	return 0;
}

/* Decimal digits up to `end`, which is passed. */
static int take_number(char **at, char end, uint64_t *out)
{
	char *p = *at;
	uint64_t n = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return -1;
	if (p == *at || *p != end)
		return -1;
	*at = p + 1;
	*out = n;
	return 0;
}

/* A line without its end. */
static int parse_line(char *line, struct store_saved_file *out)
{
	uint64_t mtime;
	struct store_path p;
	struct err ignored;
	char *space;

	memset(out, 0, sizeof(*out));
	if (take_number(&line, ' ', &out->f.size) || take_number(&line, ' ', &out->f.ino) ||
		take_number(&line, ' ', &mtime) || mtime > INT64_MAX)
		return -1;
	out->f.mtime_ns = (int64_t)mtime;
	space = strchr(line, ' ');
	if (!space || digest_parse_n(&out->f.digest, line, (size_t)(space - line), &ignored))
		return -1;
	out->path = space + 1;
	return store_path_parse_file(&p, out->path, &ignored);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct store_saved_file *)a)->path,
		((const struct store_saved_file *)b)->path);
}

static int parse_files(struct store_saved *s, char *at, struct err *err)
{
	size_t i;
	char *end;

	for (; *at; at = end + 1) {
		end = strchr(at, '\n');
		if (!end)
			return broken(err, "a NUL");
		*end = '\0';
		if (parse_line(at, vec_add(&s->files)))
			return broken(err, "a line that is none");
	}
	if (at != s->text.p + s->text.len)
		return broken(err, "a NUL");
	if (s->files.len)
		qsort(s->files.p, s->files.len, sizeof(*s->files.p), by_path);
	for (i = 1; i < s->files.len; i++)
		if (!by_path(&s->files.p[i - 1], &s->files.p[i]))
			return broken(err, "a path twice");
	return 0;
}

static int parse(struct store_saved *s, const char *boot, struct err *err)
{
	size_t first = sizeof(FIRST) - 1, word = sizeof(BOOT) - 1, n = strlen(boot);
	char *at;

	if (s->text.len < first || memcmp(s->text.p, FIRST, first))
		return broken(err, "another version");
	if (check_end(&s->text, err))
		return -1;
	at = s->text.p + first;
	if (strncmp(at, BOOT, word) || strncmp(at + word, boot, n) || at[word + n] != '\n')
		return broken(err, "the id of another boot");
	return parse_files(s, at + word + n + 1, err);
}

int store_saved_parse(struct store_saved *s, struct buf *text, const char *boot, struct err *err)
{
	*s = (struct store_saved){.text = *text};
	*text = BUF_INIT(text->max);
	if (!parse(s, boot, err))
		return 0;
	store_saved_clear(s);
	return -1;
}

const struct store_file *store_saved_find(const struct store_saved *s, const char *path)
{
	const struct store_saved_file key = {.path = path}, *found;

	if (!s->files.len)
		return NULL;
	found = bsearch(&key, s->files.p, s->files.len, sizeof(*s->files.p), by_path);
	return found ? &found->f : NULL;
}

void store_saved_clear(struct store_saved *s)
{
	buf_clear(&s->text);
	vec_clear(&s->files);
}
