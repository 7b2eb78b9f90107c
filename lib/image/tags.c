#include "image/tags.h"

#include "base/mem.h"
#include "base/sys.h"
#include "image/tags_format.h"
#include "store/root.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define READ_SIZE (64 * 1024)
/* The longest line is the one with the image's name. */
#define LINE_MAX_LEN 1024

struct image_tags {
	int fd;
	uint64_t at; /* of the file, behind what is in `data` */
	size_t from, to; /* of `data`: not used yet */
	struct digest_ctx hash;
	struct image_tags_head head;
	uint64_t left; /* lines */
	char last[OCI_TAG_MAX + 1]; /* "": none yet */
	char tag[OCI_TAG_MAX + 1];
	char data[READ_SIZE];
};

static int tags_broken(struct err *err, const char *why)
{
	return err_set(err, ERR_RETRY, "the file of tags %s", why);
}

int image_tags_folder(char out[STORE_DIR_MAX], const char *ns, const char *name, struct err *err)
{
	if (store_dir_format(out, IMAGE_TAGS_FOLDER, ns, name, err))
		return -1;
	*strrchr(out, '/') = '\0';
	return 0;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* The next line, without its end, which becomes a NUL; NULL with *err filled: there is none. */
static char *tags_line(struct image_tags *t, size_t *len, struct err *err)
{
	char *line = t->data + t->from, *end = memchr(line, '\n', t->to - t->from);
	ssize_t n;

	if (!end && t->from) {
		memmove(t->data, line, t->to - t->from);
		t->to -= t->from;
		t->from = 0;
		line = t->data;
	}
	while (!end && t->to < sizeof(t->data)) {
		n = sys_pread(t->fd, t->data + t->to, sizeof(t->data) - t->to, t->at);
		if (n < 0) {
			err_sys(err, "read the file of tags");
			return NULL;
		}
		if (!n)
			break;
		end = memchr(t->data + t->to, '\n', (size_t)n);
		t->to += (size_t)n;
		t->at += (uint64_t)n;
	}
	if (!end || end - line > LINE_MAX_LEN) {
		tags_broken(err, end ? "has a line that is too long" : "is cut");
		return NULL;
	}
	*len = (size_t)(end - line);
	t->from += *len + 1;
	return line;
}

static bool tags_is_number(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9' && p - text < 19; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	*out = n;
	return p > text && !*p && n <= max;
}

/* A line of the head: "KEY VALUE". The value, or NULL. */
static char *tags_value(struct image_tags *t, const char *key, struct err *err)
{
	size_t len, n = strlen(key);
	char *line = tags_line(t, &len, err);

	if (!line)
		return NULL;
	digest_update(&t->hash, line, len + 1);
	line[len] = '\0';
	if (strlen(line) != len || strncmp(line, key, n) || line[n] != ' ') {
		tags_broken(err, "has no proper head");
		return NULL;
	}
	return line + n + 1;
}

static int tags_number(
	struct image_tags *t, const char *key, uint64_t max, uint64_t *out, struct err *err)
{
	const char *value = tags_value(t, key, err);

	if (!value)
		return -1;
	return tags_is_number(value, max, out) ? 0 : tags_broken(err, "has no proper head");
}

static int tags_digest(struct image_tags *t, const char *key, struct digest *out, struct err *err)
{
	const char *value = tags_value(t, key, err);

	return value ? digest_parse(out, value, err) : -1;
}

static int tags_read_head(struct image_tags *t, struct err *err)
{
	struct image_tags_head *h = &t->head;
	const char *value = tags_value(t, IMAGE_TAGS_MAGIC, err);
	uint64_t began, scanned;
	size_t len;
	char *line;

	if (!value)
		return -1;
	if (strcmp(value, IMAGE_TAGS_VERSION) != 0)
		return tags_broken(err, "is of another version");
	value = tags_value(t, "image", err);
	if (!value)
		return -1;
	if (!*value || strlen(value) >= sizeof(h->image))
		return tags_broken(err, "has no proper head");
	memcpy(h->image, value, strlen(value) + 1);
	if (tags_digest(t, "excluded", &h->excluded, err) ||
		tags_number(t, "began", IMAGE_TAGS_TIME_MAX, &began, err) ||
		tags_number(t, "scanned", IMAGE_TAGS_TIME_MAX * 1000, &scanned, err) ||
		tags_number(t, "tags", LIMIT_TAGS, &h->count, err) ||
		tags_digest(t, "revision", &h->revision, err))
		return -1;
	h->began_s = (int64_t)began;
	h->scanned_ms = (int64_t)scanned;
	line = tags_line(t, &len, err);
	if (!line)
		return -1;
	digest_update(&t->hash, line, len + 1);
	t->left = h->count;
	return len ? tags_broken(err, "has no proper head") : 0;
}

/* ---- tags ------------------------------------------------------------------------------------ */

static int tags_end(struct image_tags *t, struct err *err)
{
	struct digest want, got;
	size_t len;
	char *line = tags_line(t, &len, err);
	char more;

	if (!line)
		return -1;
	line[len] = '\0';
	if (strncmp(line, IMAGE_TAGS_END, strlen(IMAGE_TAGS_END)) ||
		digest_parse(&want, line + strlen(IMAGE_TAGS_END), err))
		return tags_broken(err, "has more lines than it says, or no end");
	digest_final(&t->hash, &got);
	if (!digest_equal(&want, &got))
		return tags_broken(err, "was changed");
	if (t->from < t->to || sys_pread(t->fd, &more, 1, t->at) > 0)
		return tags_broken(err, "goes on behind its end");
	return 0;
}

int image_tags_next(struct image_tags *t, struct image_tag *out, struct err *err)
{
	uint64_t seen;
	size_t len, n;
	char *line;

	if (!t->left)
		return tags_end(t, err);
	line = tags_line(t, &len, err);
	if (!line)
		return -1;
	digest_update(&t->hash, line, len + 1);
	line[len] = '\0';
	n = strcspn(line, " ");
	if (!oci_tag_valid(line, n) || !line[n] ||
		!tags_is_number(line + n + 1, IMAGE_TAGS_TIME_MAX, &seen) ||
		n + 1 + strlen(line + n + 1) != len)
		return tags_broken(err, "has a line that is no tag");
	memcpy(t->tag, line, n);
	t->tag[n] = '\0';
	if (*t->last && strcmp(t->last, t->tag) <= 0)
		return tags_broken(err, "is not in order");
	memcpy(t->last, t->tag, n + 1);
	t->left--;
	*out = (struct image_tag){t->tag, (int64_t)seen};
	return 1;
}

int image_tags_open(struct image_tags **out, const struct store_root *root, const char *ns,
	const char *name, struct err *err)
{
	char path[STORE_DIR_MAX];
	struct store_file ignored;
	struct image_tags *t;
	int fd;

	if (store_dir_format(path, IMAGE_TAGS_FOLDER, ns, name, err) ||
		store_root_open_file(root, path, &fd, &ignored, err))
		return -1;
	t = NEW(struct image_tags);
	t->fd = fd;
	digest_ctx_init(&t->hash, DIGEST_SHA256);
	if (tags_read_head(t, err)) {
		err->code = 0;
		image_tags_close(t);
		return -1;
	}
	*out = t;
	return 0;
}

const struct image_tags_head *image_tags_head(const struct image_tags *t)
{
	return &t->head;
}

void image_tags_close(struct image_tags *t)
{
	if (!t)
		return;
	sys_close(t->fd);
	digest_ctx_clear(&t->hash);
	free(t);
}
