#include "oci/tally.h"

#include "base/mem.h"
#include "http/url.h"

#include <stdlib.h>
#include <string.h>

/* A registry may answer with any number: those that nobody knows are summed up by their first
   digit. */
static const struct {
	short status;
	char text[11];
} CODES[] = {
	{OCI_TALLY_ERROR, "<error>"},
	{OCI_TALLY_CANCELED, "<canceled>"},
	{200, "200"},
	{201, "201"},
	{202, "202"},
	{204, "204"},
	{206, "206"},
	{301, "301"},
	{302, "302"},
	{303, "303"},
	{304, "304"},
	{307, "307"},
	{308, "308"},
	{400, "400"},
	{401, "401"},
	{402, "402"},
	{403, "403"},
	{404, "404"},
	{405, "405"},
	{406, "406"},
	{407, "407"},
	{408, "408"},
	{409, "409"},
	{410, "410"},
	{413, "413"},
	{415, "415"},
	{416, "416"},
	{418, "418"},
	{421, "421"},
	{429, "429"},
	{431, "431"},
	{451, "451"},
	{500, "500"},
	{501, "501"},
	{502, "502"},
	{503, "503"},
	{504, "504"},
	/* In place of the others; at the end, in this order. */
	{1000, "1xx"},
	{1000, "2xx"},
	{1000, "3xx"},
	{1000, "4xx"},
	{1000, "5xx"},
	{1000, "other"},
};
#define CODE_CLASSES 6

static uint8_t code_of(int status)
{
	size_t i, first = ARRAY_LEN(CODES) - CODE_CLASSES;

	for (i = 0; i < first; i++)
		if (CODES[i].status == status)
			return (uint8_t)i;
	if (status >= 100 && status <= 599)
		return (uint8_t)(first + (size_t)status / 100 - 1);
	return (uint8_t)(ARRAY_LEN(CODES) - 1);
}

static void host_add(struct oci_tally_host *h, uint8_t kind, uint8_t code, uint64_t n)
{
	struct oci_tally_count *c;

	vec_each (&h->counts, c)
		if (c->kind == kind && c->code == code) {
			c->n += n;
			return;
		}
	*vec_add(&h->counts) = (struct oci_tally_count){kind, code, n};
}

static void host_clear(struct oci_tally_host *h)
{
	free(h->name);
	vec_clear(&h->counts);
	*h = (struct oci_tally_host){0};
}

/* What it has counted belongs to the others from now on. */
static void host_give_up(struct oci_tally *t, struct oci_tally_host *h)
{
	struct oci_tally_count *c;

	vec_each (&h->counts, c)
		host_add(&t->other, c->kind, c->code, c->n);
	host_clear(h);
}

static struct oci_tally_host *host_find(struct oci_tally *t, const char *name)
{
	struct oci_tally_host *h;

	vec_each (&t->hosts, h)
		if (!strcmp(h->name, name))
			return h;
	return NULL;
}

/* Room for one more, or NULL. */
static struct oci_tally_host *host_room(struct oci_tally *t, bool answered)
{
	struct oci_tally_host *h;

	if (t->hosts.len < LIMIT_REGISTRY_HOSTS_COUNTED)
		return vec_add(&t->hosts);
	if (!answered)
		return NULL;
	vec_each (&t->hosts, h)
		if (!h->answered) {
			host_give_up(t, h);
			return h;
		}
	return NULL;
}

static struct oci_tally_host *host_get(struct oci_tally *t, const char *name, bool answered)
{
	struct oci_tally_host *h = host_find(t, name);

	if (!h) {
		h = host_room(t, answered);
		if (!h)
			return &t->other;
		*h = (struct oci_tally_host){.name = mem_strdup(name)};
	}
	h->answered |= answered;
	return h;
}

void oci_tally_add(struct oci_tally *t, enum oci_kind kind, const struct url *url, int status)
{
	auto_buf struct buf host = BUF_INIT(LIMIT_URL);

	url_authority(url, &host);
	host_add(host_get(t, buf_str(&host), status > 0), (uint8_t)kind, code_of(status), 1);
}

void oci_tally_clear(struct oci_tally *t)
{
	struct oci_tally_host *h;

	vec_each (&t->hosts, h)
		host_clear(h);
	vec_clear(&t->hosts);
	host_clear(&t->other);
}

static void host_each(const struct oci_tally_host *h, const char *name,
	void (*fn)(void *arg, enum oci_kind kind, const char *host, const char *code, uint64_t n),
	void *arg)
{
	const struct oci_tally_count *c;

	vec_each (&h->counts, c)
		fn(arg, (enum oci_kind)c->kind, name, CODES[c->code].text, c->n);
}

void oci_tally_each(const struct oci_tally *t,
	void (*fn)(void *arg, enum oci_kind kind, const char *host, const char *code, uint64_t n),
	void *arg)
{
	const struct oci_tally_host *h;

	vec_each (&t->hosts, h)
		host_each(h, h->name, fn, arg);
	host_each(&t->other, "other", fn, arg);
}
