#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "setter/internal.h"

#include <string.h>

#define MARKER_WORD "$imagepolicy"
#define MARKER_TOKEN "\"" MARKER_WORD "\""

bool setter_may_have(const char *text, size_t len)
{
	return len && memmem(text, len, MARKER_TOKEN, sizeof(MARKER_TOKEN) - 1);
}

/* A JSON object of texts; null passes for one, as it does in Go. */
static char *marker_parse(const char *p, size_t len)
{
	auto_json json_t *o = json_loadb(p, len, 0, NULL);
	const char *key, *found = NULL;
	json_t *v;

	if (!json_is_object(o))
		return NULL;
	json_object_foreach (o, key, v) {
		if (!json_is_string(v) && !json_is_null(v))
			return NULL;
		if (!strcmp(key, MARKER_WORD))
			found = json_string_value(v);
	}
	return found && *found ? mem_strdup(found) : NULL;
}

static int policy_compare(const struct setter_policy *p, const char *ns, size_t ns_len,
	const char *name, size_t name_len)
{
	int d = strncmp(p->ns, ns, ns_len);

	if (!d)
		d = p->ns[ns_len] != 0;
	if (!d)
		d = strncmp(p->name, name, name_len);
	return d ? d : p->name[name_len] != 0;
}

static const struct setter_policy *policy_find(const struct setter_in *in, const char *ns,
	size_t ns_len, const char *name, size_t name_len)
{
	size_t from = 0, to = in->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int d = policy_compare(&in->policies[mid], ns, ns_len, name, name_len);

		if (!d)
			return &in->policies[mid];
		if (d < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return NULL;
}

/* "NS:NAME", "NS:NAME:PART". False: neither. */
static bool marker_split(const struct setter_in *in, struct setter_marker *m)
{
	static const struct {
		const char *word;
		enum setter_part part;
	} parts[] = {{"name", SETTER_NAME}, {"tag", SETTER_TAG}, {"digest", SETTER_DIGEST}};
	const char *colon = strchr(m->text, ':'), *name = colon ? colon + 1 : NULL;
	const char *last = name ? strchr(name, ':') : NULL;
	size_t i, name_len = last ? (size_t)(last - name) : name ? strlen(name) : 0;

	if (!name_len || colon == m->text)
		return false;
	m->part = SETTER_WHOLE;
	for (i = 0; last && i < ARRAY_LEN(parts); i++)
		if (!strcmp(last + 1, parts[i].word))
			m->part = parts[i].part;
	if (last && m->part == SETTER_WHOLE)
		return false;
	m->named = (size_t)(name - m->text) + name_len;
	m->policy = policy_find(in, m->text, (size_t)(colon - m->text), name, name_len);
	m->foreign = m->foreign || (m->policy && m->policy->foreign);
	return true;
}

/* By the namespace, which is all that is known of a text that is no marker for another reason. */
static bool is_elsewhere(const struct setter_in *in, const char *text)
{
	size_t n = in->ns ? strlen(in->ns) : 0;

	return in->ns && strchr(text, ':') && (strncmp(text, in->ns, n) != 0 || text[n] != ':');
}

bool setter_marker_read(
	struct setter_work *w, size_t at, size_t end, struct setter_marker *out, bool *near)
{
	const char *p = w->in->text + at;
	size_t len = end - at;

	*out = (struct setter_marker){0};
	while (len && *p == '#') {
		p++;
		len--;
	}
	*near = len && memmem(p, len, MARKER_WORD, sizeof(MARKER_WORD) - 1);
	if (len > LIMIT_SETTER_MARKER || !memchr(p, '{', len))
		return false;
	out->text = marker_parse(p, len);
	out->foreign = out->text && is_elsewhere(w->in, out->text);
	if (out->text && marker_split(w->in, out)) {
		w->has_own = w->has_own || !out->foreign;
		w->has_foreign = w->has_foreign || out->foreign;
		return true;
	}
	*near = !out->foreign && (*near || out->text);
	setter_marker_clear(out);
	return false;
}

void setter_marker_clear(struct setter_marker *m)
{
	free(MOVE(m->text));
}

/* Visible ASCII: whatever else a status may hold is no part of an image's name. */
static bool text_is_plain(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

int setter_marker_value(const struct setter_marker *m, struct buf *to, const char **why)
{
	const struct setter_policy *p = m->policy;
	const char *image = p->image ? p->image : "", *tag = p->tag ? p->tag : "";
	const char *digest = p->digest ? p->digest : "";
	bool whole = m->part == SETTER_WHOLE;

	*why = "has chosen nothing yet";
	if (!*image || !*tag)
		return -1;
	*why = "has an image, tag or digest that is none";
	if (!text_is_plain(image) || !text_is_plain(tag) || !text_is_plain(digest))
		return -1;
	if (whole || m->part == SETTER_NAME)
		buf_adds(to, image);
	if (whole)
		buf_addc(to, ':');
	if (whole || m->part == SETTER_TAG)
		buf_adds(to, tag);
	if (whole && *digest)
		buf_addc(to, '@');
	if (whole || m->part == SETTER_DIGEST)
		buf_adds(to, digest);
	return buf_over(to) ? -1 : 0;
}
