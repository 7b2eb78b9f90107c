#include "cloud/xml.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#include <expat.h>
#include <malloc.h>
#include <string.h>

struct xml_reader {
	XML_Parser parser;
	struct xml_text *want;
	size_t n;
	struct buf path; /* of the element that is open */
	unsigned depth;
	struct buf *texts; /* of want, as they come */
	const char *wrong; /* what we would not have; NULL: nothing */
};

/* ---- memory that has held keys is wiped ------------------------------------------------------ */

static void *xml_alloc(size_t size)
{
	return mem_alloc(size ? size : 1);
}

static void xml_free(void *p)
{
	if (p)
		mem_wipe(p, malloc_usable_size(p));
	free(p);
}

static void *xml_realloc(void *p, size_t size)
{
	size_t had = p ? malloc_usable_size(p) : 0;
	void *to = xml_alloc(size);

	if (p)
		memcpy(to, p, had < size ? had : size);
	xml_free(p);
	return to;
}

/* ---- what the parser meets ------------------------------------------------------------------- */

static void xml_refuse(struct xml_reader *r, const char *wrong)
{
	if (!r->wrong)
		r->wrong = wrong;
	XML_StopParser(r->parser, XML_FALSE);
}

/* The wanted text whose element is the one that is open; NULL: none. */
static struct xml_text *xml_wanted(struct xml_reader *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (!strcmp(r->want[i].path, buf_str(&r->path)))
			return &r->want[i];
	return NULL;
}

static void XMLCALL xml_on_start(void *arg, const char *name, const char **attributes)
{
	struct xml_reader *r = arg;
	struct xml_text *w;

	(void)attributes;
	if (r->wrong)
		return;
	if (++r->depth > LIMIT_XML_DEPTH) {
		xml_refuse(r, "its elements are nested too deep");
		return;
	}
	if (r->path.len)
		buf_addc(&r->path, '/');
	buf_adds(&r->path, name);
	w = xml_wanted(r);
	if (w && w->found)
		xml_refuse(r, "it says the same thing twice");
	else if (w)
		w->found = true;
}

static void XMLCALL xml_on_end(void *arg, const char *name)
{
	struct xml_reader *r = arg;
	size_t n = strlen(name);

	if (r->wrong)
		return;
	r->depth--;
	r->path.len -= n + (r->path.len > n); /* the '/' before it, if there is one */
	r->path.p[r->path.len] = '\0';
}

static void XMLCALL xml_on_text(void *arg, const char *text, int len)
{
	struct xml_reader *r = arg;
	struct xml_text *w = r->wrong ? NULL : xml_wanted(r);

	if (w)
		buf_add(&r->texts[w - r->want], text, (size_t)len);
}

/* Without a document type there is no entity to declare: nothing grows, nothing is fetched. */
static void XMLCALL xml_on_doctype(void *arg, const char *name, const char *system_id,
	const char *public_id, int has_internal_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal_subset;
	xml_refuse(arg, "it has a document type");
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int xml_parse(struct xml_reader *r, const char *data, size_t len, struct err *err)
{
	if (XML_Parse(r->parser, data, (int)len, XML_TRUE) == XML_STATUS_OK && !r->wrong)
		return 0;
	return err_set(err, ERR_RETRY, "the answer is no XML that can be read: %s",
		r->wrong ? r->wrong : XML_ErrorString(XML_GetErrorCode(r->parser)));
}

int xml_read(const char *data, size_t len, struct xml_text *want, size_t n, struct err *err)
{
	static const XML_Memory_Handling_Suite memory = {xml_alloc, xml_realloc, xml_free};
	struct xml_reader r = {.want = want, .n = n, .path = BUF_INIT(BUF_ANY)};
	size_t i;
	int rc;

	if (len > LIMIT_TOKEN_BODY)
		return err_set(
			err, ERR_RETRY, "the answer has more than %llu bytes", LIMIT_TOKEN_BODY);
	r.parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);
	BUG_IF(!r.parser);
	r.texts = mem_array(NULL, n, sizeof(*r.texts));
	for (i = 0; i < n; i++) {
		buf_init(&r.texts[i], LIMIT_TOKEN_BODY);
		buf_room(&r.texts[i], len); /* so that it does not move, and leave a copy behind */
		want[i].found = false;
		secret_clear(&want[i].text);
	}
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, xml_on_start, xml_on_end);
	XML_SetCharacterDataHandler(r.parser, xml_on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, xml_on_doctype);
	rc = xml_parse(&r, data, len, err);
	for (i = 0; i < n; i++) {
		want[i].found &= !rc;
		if (want[i].found && r.texts[i].len)
			secret_set(&want[i].text, r.texts[i].p, r.texts[i].len);
		mem_wipe(r.texts[i].p, r.texts[i].cap);
		buf_clear(&r.texts[i]);
	}
	free(r.texts);
	buf_clear(&r.path);
	XML_ParserFree(r.parser);
	return rc;
}

void xml_texts_clear(struct xml_text *want, size_t n)
{
	while (n--)
		secret_clear(&want[n].text);
}
