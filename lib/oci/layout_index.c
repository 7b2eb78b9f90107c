#include "oci/layout_index.h"

#include "base/js.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 100 /* of a name that the file has */

int oci_layout_index_parse(struct oci_manifest *m, const char *data, size_t len, struct err *err)
{
	if (oci_manifest_parse(m, data, len, OCI_TYPE_INDEX, err))
		return -1;
	if (m->index)
		return 0;
	oci_manifest_clear(m);
	return err_set(err, ERR_RETRY, "it is an image manifest");
}

/* The tag by which an entry is called, if it is one of the repository's. */
static bool name_read(
	const struct oci_layout_names *names, const char *text, char tag[OCI_TAG_MAX + 1])
{
	auto_free char *url = NULL;
	size_t n = text ? strlen(text) : 0;
	struct oci_ref ref;
	struct err ignored = {0};

	if (text && !strchr(text, '/')) {
		if (!names->own || !oci_tag_valid(text, n))
			return false;
		memcpy(tag, text, n + 1);
		return true;
	}
	if (!text || n > OCI_REF_TEXT_MAX)
		return false;
	url = mem_printf(OCI_URL_PREFIX "%s", text);
	if (oci_ref_parse(&ref, url, false, &ignored) || strcmp(ref.repo.host, names->repo->host) ||
		strcmp(ref.repo.name, names->repo->name))
		return false;
	if (!*ref.tag && ref.digest.algo != DIGEST_NONE)
		return false;
	memcpy(tag, *ref.tag ? ref.tag : OCI_DEFAULT_TAG,
		*ref.tag ? sizeof(ref.tag) : sizeof(OCI_DEFAULT_TAG));
	return true;
}

const struct oci_descriptor *oci_layout_index_find(
	const struct oci_manifest *m, const struct oci_layout_names *names, const char *tag)
{
	const struct oci_descriptor *found = NULL;
	const struct oci_child *c;
	char name[OCI_TAG_MAX + 1];

	vec_each (&m->children, c)
		if (name_read(names, c->ref_name, name) && !strcmp(name, tag))
			found = &c->desc;
	return found;
}

static const char *index_example(const struct oci_manifest *m)
{
	const struct oci_child *c;

	vec_each (&m->children, c)
		if (c->ref_name && *c->ref_name)
			return c->ref_name;
	return NULL;
}

void oci_layout_index_say_missing(const struct oci_manifest *m,
	const struct oci_layout_names *names, const char *tag, struct buf *out)
{
	const char *example = index_example(m);
	auto_free char *shown = utf8_tidy(example ? example : "", SHOWN_MAX);
	char repo[OCI_REPO_TEXT_MAX];

	buf_adds(out, "no entry is named ");
	if (names->own)
		buf_addf(out, "'%s' or ", tag);
	buf_addf(out, "'%s:%s'; it has %zu", oci_repo_format(names->repo, repo), tag,
		m->children.len);
	if (example)
		buf_addf(out, ", one is '%s'", shown);
	else if (m->children.len)
		buf_adds(out, " without a name");
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

size_t oci_layout_index_tags(
	const struct oci_manifest *m, const struct oci_layout_names *names, struct buf *out)
{
	char(*tags)[OCI_TAG_MAX + 1] = mem_array(NULL, m->children.len + 1, sizeof(*tags));
	struct js_w w = JS_W(out);
	const struct oci_child *c;
	size_t n = 0, told = 0, i;

	vec_each (&m->children, c)
		if (name_read(names, c->ref_name, tags[n]))
			n++;
	qsort(tags, n, sizeof(*tags), by_text);
	js_begin(&w, '{');
	js_key(&w, "tags");
	js_begin(&w, '[');
	for (i = 0; i < n; i++)
		if (!i || strcmp(tags[i], tags[i - 1])) {
			js_str(&w, tags[i]);
			told++;
		}
	js_end(&w, ']');
	js_end(&w, '}');
	free(tags);
	return told;
}
